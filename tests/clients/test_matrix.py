"""Which client makes which call is written down, and true."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
MATRIX = tomllib.loads((FOLDER / "matrix.toml").read_text(encoding="utf-8"))
CALLS = MATRIX.pop("calls")


@pytest.mark.parametrize("client", MATRIX)
def test_every_call_of_a_client_has_a_test_or_a_reason(client):
    assert list(MATRIX[client]) == CALLS
    for said in MATRIX[client].values():
        module, found, name = said.partition("::")
        if found:
            assert name in functions(FOLDER / f"{module}.py")
        else:
            assert said.startswith("no: ")


def functions(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {each.name for each in body if isinstance(each, ast.FunctionDef)}
