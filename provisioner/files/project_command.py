"""Runs a committed file of the project: bounded in time and output, and without secrets.

The file is what a review saw: tracked by git, unchanged, and no link out of the project. No
shell reads its arguments, and its environment holds only what every program needs, besides what
the manifest passes on by name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioner.errors import RefusedError
from provisioner.files.git import git

MOST_OUTPUT: Final = 64 * 1024
POLL_S: Final = 0.05
HARMLESS: Final = frozenset(
    {
        *("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "USER", "LOGNAME"),
        *("VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NO_PROXY"),
        *("SYSTEMROOT", "COMSPEC", "PATHEXT"),
    }
)
"""Only these are passed on: a list of what is secret would never be complete. Proxies are not
among them, because their addresses may hold a password."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """``exit_code`` is None where the command was ended. ``output`` is its first line.

    ``ended_by`` says why it was ended, in words.
    """

    exit_code: int | None
    output: str = ""
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class CommittedCommand:
    """``words`` are a file, relative to the project root, and its arguments."""

    words: Sequence[str]
    timeout_s: float
    pass_env: Sequence[str] = ()


def environment_of(command: CommittedCommand, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that the command gets."""
    names = HARMLESS | set(command.pass_env)
    passed = {name: value for name, value in environ.items() if name in names}
    return passed | {name: value for name, value in environ.items() if name.startswith("LC_")}


def check_committed(root: Path, file: str) -> Path:
    """The absolute path of a committed file. Raises RefusedError for any other."""
    path, top = root / file, root.resolve()
    inside = not Path(file).is_absolute() and ".." not in Path(file).parts
    if not inside or not path.resolve().is_relative_to(top):
        raise _refused(file, "leaves the project")
    if not path.is_file():
        raise _refused(file, "is not a file of the project")
    if git(root, "ls-files", "--error-unmatch", "--", file).code:
        raise _refused(file, "is not committed")
    # Of the file that a link leads to as well: it is what runs.
    target = os.path.relpath(path.resolve(), top)
    for name in {file, target}:
        if git(root, "diff", "--quiet", "HEAD", "--", name).code:
            raise _refused(file, "differs from the commit")
    if git(root, "ls-files", "--error-unmatch", "--", target).code:
        raise _refused(file, "links to a file that is not committed")
    return path


def run_committed(
    root: Path, command: CommittedCommand, environ: Mapping[str, str]
) -> CommandResult:
    """Run ``command`` in ``root``. Raises RefusedError for a file that may not be run."""
    path = check_committed(root, command.words[0])
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                [str(path), *command.words[1:]],
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment_of(command, environ),
                # A group of its own, so that all that it starts can be ended.
                start_new_session=True,
            )
        except OSError as error:
            return CommandResult(None, ended_by=f"it cannot be started: {error.strerror}")
        try:
            ended_by = _watch(process, output.fileno(), command.timeout_s)
        finally:
            # Also after its own end: what it left in the background must not go on.
            _kill_group(process)
        output.seek(0)
        text = output.read(MOST_OUTPUT).decode("utf-8", "replace")
    return CommandResult(None if ended_by else process.returncode, _first_line(text), ended_by)


def _watch(process: subprocess.Popen[bytes], output: int, timeout_s: float) -> str:
    """Wait for the end; returns why the command has to be ended, ``""`` where it ended."""
    until = time.monotonic() + timeout_s
    while process.poll() is None:
        if time.monotonic() >= until:
            return f"no answer within {timeout_s:g} s"
        if os.fstat(output).st_size > MOST_OUTPUT:
            return f"more than {MOST_OUTPUT // 1024} KiB of output"
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
    return ""


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return "".join(sign for sign in line if sign.isprintable())[:200]


def _refused(file: str, why: str) -> RefusedError:
    hint = "a command of a rollout is a committed file of the project: git add it, and commit"
    return RefusedError.of("E541", f"`{file}` {why}, so it is not run", hint)
