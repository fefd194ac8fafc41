"""Every example, as a newcomer would run it: in a copy of its own, on the local workspace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provisioner.cli import main

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PROJECTS = sorted(path.parent for path in EXAMPLES.glob("*/provisioner.yaml"))
KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "COHERE_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "INHOUSE_TOKEN",
    "INHOUSE_API_KEY",
    "AZURE_CLIENT_SECRET",
    "FEATURE_STORE_TOKEN",
    "SEARCH_API_KEY",
)


@pytest.fixture(params=PROJECTS, ids=lambda path: path.name)
def example(request, tmp_path, monkeypatch):
    for name in KEYS:
        monkeypatch.setenv(name, f"value-of-{name.lower()}")
    return Path(shutil.copytree(request.param, tmp_path / "example"))


def test_after_an_apply_of_an_example_its_plan_is_empty(example, capsys):
    folder = ["-C", str(example)]
    assert main(["validate", *folder]) == 0
    assert main(["plan", *folder, "--detailed-exitcode"]) == 2
    assert main(["apply", *folder, "-y"]) == 0, capsys.readouterr().err
    assert main(["plan", *folder, "--detailed-exitcode"]) == 0, capsys.readouterr().out
    assert main(["status", *folder]) == 0
    capsys.readouterr()
    assert main(["apply", *folder, "-y"]) == 0
    assert "Nothing to do" in capsys.readouterr().err


def test_no_example_is_forgotten():
    assert {path.parent for path in EXAMPLES.glob("*/manifests")} == set(PROJECTS)
