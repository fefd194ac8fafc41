"""The runner of the proofs counts every cell, and goes on where a run was ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parents[2] / "support"
TESTS = """
import pathlib
import pytest
from hypothesis import given, strategies
from proofs import examples

pytestmark = pytest.mark.proof("kill")
BROKEN = pathlib.Path("broken")

@examples(quick=1, full=500)
@given(strategies.integers())
def test_property(number):
    pass

def test_matrix(cells):
    def check(case, choices):
        if case == "no such route":
            pytest.skip("no cell")
        assert case != "delete" or not BROKEN.exists(), "it was deleted"
    cells.run(["create", "delete", "no such route"], check, quick=1)

@pytest.mark.proof("faults")
def test_sample(cells):
    cells.run(range(1000), lambda case, choices: None, quick=1, most=20)
"""

# Without the plugins that take seconds to load.
ENVIRONMENT = {
    **os.environ,
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "-p xdist.plugin -p _hypothesis_pytestplugin",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/conftest.py").write_text('pytest_plugins = ["proof_cells"]\n')
    (tmp_path / "tests/test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {SUPPORT}\n")
    return tmp_path


def prove(project: Path, *words: str, part: str = "kill") -> tuple[int, str]:
    """The exit code, and the counts of a part."""
    command = [sys.executable, str(SUPPORT / "prove.py"), part, "--workers", "0", *words]
    done = subprocess.run(
        command, cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    found = re.search(rf"^{part} +(.*?); seed", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return done.returncode, found.group(1)


def test_a_second_run_tries_what_has_not_passed_and_another_seed_begins_anew(project: Path) -> None:
    (project / "broken").touch()
    # Hypothesis tries an example or two more than it is asked for.
    code, text = prove(project)
    counts = re.match(r"(\d+) cells tried, 1 failed, 1 skipped, 0 passed before", text)
    assert counts, text
    assert code == 1
    assert 500 <= int(counts.group(1)) <= 510
    (project / "broken").unlink()
    code, text = prove(project)
    assert (code, text.split(", ")[:3]) == (0, ["1 cells tried", "0 failed", "0 skipped"])
    assert int(text.split(", ")[3].split()[0]) == int(counts.group(1)) - 1
    assert prove(project, "--seed", "1")[1].endswith("0 passed before")


def test_what_there_was_no_time_for_is_tried_by_the_next_run(project: Path) -> None:
    assert prove(project, "--minutes", "0")[1].startswith("0 cells tried, 0 failed, 5 skipped")
    assert prove(project)[1].endswith("0 failed, 1 skipped, 0 passed before")
    assert prove(project)[1].startswith("0 cells tried, 0 failed, 0 skipped")


def test_a_sample_says_what_it_leaves_out(project: Path) -> None:
    words = "20 cells tried, 0 failed, 0 skipped, 0 passed before, 980 not in the sample"
    assert prove(project, part="faults") == (0, words)
