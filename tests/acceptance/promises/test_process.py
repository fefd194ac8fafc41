"""The command as a process: what a shell, a pipe and a full disk see of it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which ``$P`` is the command."""
    known = {"PATH": os.environ["PATH"], "P": f"{sys.executable} -m provisioner"}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=folder,
        env=known | {"PYTHONPATH": str(ROOT), "HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path):
    (tmp_path / "manifests").mkdir()
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    (tmp_path / "manifests" / "scope.yaml").write_text(
        "resources: {secret_scopes: {keys: {name: keys, secrets: {one: {from_env: ONE}}}}}\n"
    )
    return tmp_path


def test_whoever_reads_only_the_beginning_is_no_error(project):
    done = shell("$P explain | head -1", project)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")
def test_a_full_disk_is_told_in_a_sentence(project):
    done = shell("$P plan > /dev/full", project, ONE="1")
    assert done.returncode == 1
    assert "error[E814]" in done.stderr
    assert "Traceback" not in done.stderr


CLOSED_STREAMS = [
    # (line of shell, exit code, what stderr holds)
    ("$P --help >&-", 0, ""),
    ("$P help plan >&-", 0, ""),
    ("$P plan >&-", 0, ""),
    ("$P nonsense >&-", 1, "error[E818]"),
    ("$P apply -y >&- && $P plan --detailed-exitcode", 0, ""),
    ("$P apply <&-", 1, "error[E804]"),
    ("$P plan 2>&-", 0, ""),
    ("$P plan <&- >&- 2>&-", 0, ""),
]


@pytest.mark.parametrize(("line", "code", "err"), CLOSED_STREAMS)
def test_a_closed_stream_is_like_the_null_device(project, line, code, err):
    done = shell(line, project, ONE="1")
    assert done.returncode == code, done.stderr
    assert err in done.stderr
    assert "bug" not in done.stderr


def test_the_folder_may_stand_before_the_command(project, tmp_path_factory):
    done = shell(f"$P -C {project} validate", tmp_path_factory.mktemp("elsewhere"))
    assert done.returncode == 0, done.stderr


LOCAL_WORKSPACE_IN_THE_WAY = [
    pytest.param("echo text > .provisioner", id="a file where the folder should be"),
    pytest.param(
        "mkdir .provisioner; echo not sqlite, but a text > .provisioner/local.sqlite",
        id="a file that is something else",
    ),
]


@pytest.mark.parametrize("trouble", LOCAL_WORKSPACE_IN_THE_WAY)
@pytest.mark.parametrize("command", ["$P plan", "$P emulator start"])
def test_a_local_workspace_that_cannot_be_is_no_defect(project, trouble, command):
    done = shell(f"{trouble}; {command}", project, ONE="1")
    assert done.returncode == 1
    assert "error[E815]" in done.stderr, done.stderr


def test_destroy_needs_no_manifests(project):
    assert shell("$P apply -y", project, ONE="1").returncode == 0
    (project / "manifests" / "scope.yaml").write_text("resources: {}\n")
    done = shell("$P destroy -y --allow-delete all", project)
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" in done.stderr


def test_the_installed_command_is_the_one_with_the_ends_around_it():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"provisioner": "provisioner.__main__:run"}


def test_what_debug_logs_ends_with_its_command(repository, run):
    repository.write("manifests/scope.yaml", "resources: {secret_scopes: {keys: {name: keys}}}\n")
    logger = logging.getLogger("provisioner")
    before = (logger.level, list(logger.handlers))
    assert "GET /api/2.0/secrets" in run("plan", "--debug").err
    assert (logger.level, list(logger.handlers)) == before


def test_the_address_of_the_console_is_talk_and_not_part_of_the_answer(project):
    command = [sys.executable, "-m", "provisioner", "emulator", "start", "--state", ":memory:"]
    with subprocess.Popen(
        [*command, "--token", "a/b c"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        host, token = (process.stdout.readline().rstrip("\n") for _ in range(2))
        # Written after these lines, and before the server waits for its end.
        talk = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()
    assert rest == ""
    url = host.removeprefix("DATABRICKS_HOST=")
    assert token == "DATABRICKS_TOKEN=a/b c"
    assert f"console: {url}/#token=a%2Fb%20c\n" in talk


IMPORTS_AND_IS_INTERRUPTED = """
import builtins, os, signal, sys
sys.argv = ["provisioner", "validate"]
real = builtins.__import__
def interrupted(name, *rest):
    if name == "click":
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *rest)
builtins.__import__ = interrupted
from provisioner.__main__ import run
run()
"""


def test_ctrl_c_while_modules_are_imported_shows_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS_AND_IS_INTERRUPTED], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 130
    assert done.stderr == "\ninterrupted\n"


def test_an_error_is_json_where_json_is_asked_for(project):
    done = shell("$P plan -e nowhere -o json", project)
    assert json.loads(done.stdout)["diagnostics"][0]["code"] == "E202"
    assert "error[E202]" in done.stderr


def test_an_error_that_is_understood_has_no_traceback_with_debug(project):
    done = shell("$P plan -e nowhere --debug", project)
    assert "error[E202]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        pytest.param({"FORCE_COLOR": "1"}, True, id="FORCE_COLOR colours a pipe"),
        pytest.param({"CLICOLOR_FORCE": "1"}, True, id="CLICOLOR_FORCE colours a pipe"),
        pytest.param({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, id="NO_COLOR wins"),
        pytest.param({}, False, id="a pipe is plain"),
    ],
)
def test_colour_can_be_forced(project, variables, coloured):
    done = shell("$P plan", project, ONE="1", **variables)
    assert ("\x1b[" in done.stdout) is coloured
