"""How large modules, functions and folders are, and that each module says what it is for."""

from __future__ import annotations

import ast
import collections
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "provisioner"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION, LARGEST_FOLDER = 400, 40, 22
# One file a command: the number of commands decides.
ONE_FILE_A_COMMAND = "cli"


def _name(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


def test_no_module_is_longer_than_its_limit() -> None:
    lengths = {_name(file): file.read_text(encoding="utf-8").count("\n") for file in MODULES}
    assert {name: n for name, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_its_limit() -> None:
    offenders = [
        f"{_name(file)}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1}"
        for file in MODULES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not offenders, "\n".join(offenders)


def test_no_folder_is_larger_than_a_person_can_scan() -> None:
    counts = collections.Counter(
        str(file.parent.relative_to(PACKAGE)) for file in MODULES if file.name != "__init__.py"
    )
    large = {name: n for name, n in counts.items() if n > LARGEST_FOLDER}
    large.pop(ONE_FILE_A_COMMAND, None)
    assert large == {}


def test_every_module_says_what_it_is_for() -> None:
    trees = ((file, ast.parse(file.read_text(encoding="utf-8"))) for file in MODULES)
    assert [_name(file) for file, tree in trees if not ast.get_docstring(tree)] == []
