"""Every example, as a newcomer would run it: in a copy of its own, on the local workspace."""

from __future__ import annotations

import re
import shlex
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


def commands(readme: str) -> list[list[str]]:
    """The provisioner commands of a README, but for blocks that say why they do not run."""
    blocks = re.findall(
        r"(<!-- not run: .*? -->\n)?^```console\n(.*?)^```", readme, re.MULTILINE | re.DOTALL
    )
    lines = [line for skipped, block in blocks if not skipped for line in block.splitlines()]
    start = "$ provisioner "
    return [shlex.split(line.removeprefix(start)) for line in lines if line.startswith(start)]


def test_the_commands_in_the_readme_of_an_example_succeed(example, monkeypatch, capsys):
    readme = (example / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(example)
    for words in commands(readme):
        assert main(words) == 0, f"{words}\n{capsys.readouterr().err}"
