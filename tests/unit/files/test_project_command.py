"""Commands of a rollout: a committed file, no shell, no secrets, and an end in time."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from provisioner.errors import RefusedError
from provisioner.files.project_command import CommittedCommand, environment_of, run_committed

SECRETS = {
    "DATABRICKS_TOKEN": "x",
    "DATABRICKS_HOST": "x",
    "GITHUB_TOKEN": "x",
    "CI_JOB_TOKEN": "x",
    "SYSTEM_ACCESSTOKEN": "x",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
    "OPENAI_API_KEY": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "HTTPS_PROXY": "http://me:secret@proxy",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


def git(folder: Path, *words: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *settings, *words], check=True, capture_output=True)


def script(root: Path, text: str, name: str = "slo.sh") -> str:
    path = root / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    git(root, "add", name)
    git(root, "commit", "-qm", "a command")
    return name


def test_a_command_ends_with_its_exit_code_and_its_first_line(root: Path) -> None:
    name = script(root, "echo; echo 41 of 1000; echo more; exit 1")
    result = run_committed(root, CommittedCommand([name], 10), dict(os.environ))
    assert (result.exit_code, result.output) == (1, "41 of 1000")


def test_no_shell_reads_the_arguments(root: Path) -> None:
    name = script(root, 'echo "$1"')
    words = [name, "$(touch made) ; touch made"]
    result = run_committed(root, CommittedCommand(words, 10), dict(os.environ))
    assert result.output == words[1]
    assert not (root / "made").exists()


def test_the_environment_holds_no_secret(root: Path) -> None:
    passed = environment_of(CommittedCommand(["x"], 1), {**SECRETS, "PATH": "/bin", "LC_ALL": "C"})
    assert passed == {"PATH": "/bin", "LC_ALL": "C"}


def test_a_variable_is_passed_on_by_name(root: Path) -> None:
    command = CommittedCommand(["x"], 1, ["OPENAI_API_KEY"])
    assert environment_of(command, SECRETS) == {"OPENAI_API_KEY": "x"}


def test_a_command_that_hangs_is_ended_with_all_that_it_started(root: Path) -> None:
    name = script(root, "(sleep 1; touch late) & sleep 30")
    started = time.monotonic()
    result = run_committed(root, CommittedCommand([name], 0.3), dict(os.environ))
    assert result.exit_code is None
    assert result.ended_by == "no answer within 0.3 s"
    assert time.monotonic() - started < 5
    time.sleep(1.2)
    assert not (root / "late").exists()


def test_what_a_command_leaves_in_the_background_is_ended(root: Path) -> None:
    name = script(root, "(sleep 1; touch late) & exit 0")
    result = run_committed(root, CommittedCommand([name], 10), dict(os.environ))
    assert result.exit_code == 0
    time.sleep(1.2)
    assert not (root / "late").exists()


def test_too_much_output_ends_a_command(root: Path) -> None:
    name = script(root, "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done")
    result = run_committed(root, CommittedCommand([name], 20), dict(os.environ))
    assert result.ended_by == "more than 64 KiB of output"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("new.sh", "is not committed"),
        ("slo.sh", "differs from the commit"),
        ("missing.sh", "is not a file of the project"),
        ("../outside.sh", "leaves the project"),
        ("link.sh", "leaves the project"),
        ("inner.sh", "links to a file that is not committed"),
        ("/bin/sh", "leaves the project"),
    ],
)
def test_only_a_committed_file_of_the_project_is_run(root: Path, file: str, why: str) -> None:
    script(root, "exit 0")
    (root / "slo.sh").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (root / "new.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (root.parent / "outside.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (root / "link.sh").symlink_to(root.parent / "outside.sh")
    (root / "inner.sh").symlink_to("new.sh")
    git(root, "add", "link.sh", "inner.sh")
    git(root, "commit", "-qm", "links")
    with pytest.raises(RefusedError, match=why):
        run_committed(root, CommittedCommand([file], 1), dict(os.environ))
