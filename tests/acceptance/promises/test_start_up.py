"""What is loaded by which command: start-up time without a stopwatch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = {"databricks", "urllib3", "ssl", "deepdiff", "rich", "pydantic", "requests", "starlette"}

PROGRAM = """
import sys
from provisioner.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("LOADED", *sorted(set(name.split(".")[0] for name in sys.modules)))
"""


def loaded(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(done.stdout.split("LOADED")[1].split())


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["plan", "--help"], id="help of a command"),
        pytest.param(["validate", "-C", "examples/gateway"], id="validate"),
        pytest.param(["schema"], id="schema"),
        pytest.param(["explain", "E104"], id="explain"),
        pytest.param(["fmt", "-C", "examples/gateway", "--check"], id="fmt"),
        pytest.param(
            ["import", "--from-bundle", "tests/support/bundle/databricks.yml", "--dry-run"],
            id="import of a bundle",
        ),
    ],
)
def test_what_needs_no_workspace_loads_nothing_heavy(words):
    assert loaded(*words) & HEAVY == set()


def test_help_does_not_load_what_checks_manifests():
    assert loaded("--help") & {"jsonschema", "yaml"} == set()
