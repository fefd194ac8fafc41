"""The steps of `action.yml` and of the `Dockerfile` run as shell commands: no engine is needed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runner(tmp_path, preforked_command) -> dict[str, str]:
    """The environment of a step, with a ``pip`` and a ``provisioner`` of this checkout."""
    commands = tmp_path / "temp" / "provisioner" / "bin"
    commands.mkdir(parents=True)
    python = commands / "python"
    (tmp_path / "bin").mkdir()
    # `python -m venv DIR` keeps what is there: the commands are made beforehand.
    for folder, name, script in (
        (tmp_path / "bin", "python", 'echo "python $*" >> "$CALLS"'),
        (commands, "pip", 'echo "pip $*" >> "$CALLS"'),
        (commands, "provisioner", f'exec "{preforked_command}" "$@"'),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    assert not python.exists()
    return {
        **{name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ},
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_PATH": str(tmp_path / "path"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "CALLS": str(tmp_path / "calls"),
    }


def step(name: str) -> str:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return next(step["run"] for step in action["runs"]["steps"] if step.get("name") == name)


def run(script: str, environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_installs_with_the_words_it_was_given(runner, tmp_path):
    runner["PACKAGE"] = "--require-hashes -r requirements.txt"
    done = run(step("Install provisioner"), runner, tmp_path)
    assert done.returncode == 0, done.stderr
    calls = Path(runner["CALLS"]).read_text()
    assert calls.endswith("--disable-pip-version-check --require-hashes -r requirements.txt\n")
    assert Path(runner["GITHUB_PATH"]).read_text().endswith("/provisioner/bin\n")


@pytest.mark.parametrize(
    ("command", "code", "fails"),
    [
        pytest.param("validate", 0, False, id="a command that succeeds"),
        pytest.param("plan --detailed-exitcode", 2, False, id="changes do not fail the step"),
        pytest.param("validate -e nowhere", 1, True, id="an error fails the step"),
        pytest.param("validate $(touch hacked)", 1, True, id="nothing is expanded by the shell"),
    ],
)
def test_the_action_runs_the_command_and_gives_its_exit_code(
    runner, tmp_path, command, code, fails
):
    project = Path(shutil.copytree(ROOT / "examples" / "gateway", tmp_path / "project"))
    done = run(step("Run provisioner"), {**runner, "COMMAND": command}, project)
    assert Path(runner["GITHUB_OUTPUT"]).read_text() == f"exit-code={code}\n", done.stderr
    assert (done.returncode != 0) is fails
    assert not (project / "hacked").exists()


def test_the_image_copies_only_what_the_checkout_has_or_make_wheel_builds():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    sources = re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE)
    assert sources == ["requirements/runtime.txt", "wheels/"]
    assert (ROOT / sources[0]).is_file()
    assert "wheel:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_image_installs_dependencies_with_hashes_and_does_not_run_as_root():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements.txt" in text
    assert text.index("USER provisioner") < text.index("ENTRYPOINT")
