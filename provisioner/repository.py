"""What git says about the project. Nothing else runs git.

It never asks for a login, is stopped when it takes too long, and what it says is shown
without the user info of addresses.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioner.errors import RefusedError

LOCAL_S: Final = 60.0
NETWORK_S: Final = 30.0
_USER_INFO: Final = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Answer:
    """How git ended. ``said`` is its complaint, fit to be shown."""

    code: int
    out: bytes = b""
    said: str = ""

    @property
    def text(self) -> str:
        """What it printed."""
        return os.fsdecode(self.out).strip()

    @property
    def names(self) -> tuple[str, ...]:
        """The file names that it printed with ``-z``."""
        return tuple(name for name in os.fsdecode(self.out).split("\0") if name)


def commit(root: Path) -> str:
    """The full hash of HEAD, with ``+`` when files differ from it; ``""`` without git."""
    head = _line(root, "rev-parse", "HEAD")
    if not head:
        return ""
    changed = _line(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return f"{head}+" if changed else head


def prefix(root: Path) -> str:
    """What leads from the top of the git repository to ``root``: ``""`` or ``serving/``."""
    return _line(root, "rev-parse", "--show-prefix")


def remote(root: Path) -> str:
    """The address of the remote `origin`, ``""`` without one."""
    return _line(root, "remote", "get-url", "origin")


def head(root: Path, option: str) -> str:
    """The full hash of HEAD, which ``option`` needs.

    Raises RefusedError without git, without a repository and without a commit.
    """
    inside = git(root, "rev-parse", "--git-dir")
    if inside.code:
        hint = f"run it in a clone, or without {option}"
        message = f"{option} needs a git repository, and the project is in none"
        raise RefusedError.of("E517", message, hint, log=inside.said)
    found = git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if found.code:
        message = f"{option} needs a commit, and the repository has none yet"
        raise RefusedError.of("E517", message, "git commit")
    return found.text


def git(root: Path, *words: str, given: bytes = b"", limit_s: float = LOCAL_S) -> Answer:
    """Run git in ``root`` with ``given`` on its stdin.

    Raises RefusedError where git is not installed. That git itself refuses is an answer.
    """
    try:
        # In a session of its own it has no terminal to ask at, and all of it can be stopped.
        running = subprocess.Popen(
            ["git", "-C", str(root), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(os.environ),
            start_new_session=True,
        )
    except OSError as error:
        hint = "install git where this command runs"
        raise RefusedError.of("E516", "git cannot be started, and is needed", hint) from error
    with running:
        try:
            out, said = running.communicate(given, timeout=limit_s)
        except BaseException as error:
            os.killpg(running.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                return Answer(1, said=f"no answer within {limit_s:.0f} s")
            raise
    return Answer(running.returncode, out, _showable(said))


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    silent = {"GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never"}
    return {**ours, **silent, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _showable(said: bytes) -> str:
    return _USER_INFO.sub("", said.decode(errors="replace")).strip()


def _line(root: Path, *words: str) -> str:
    try:
        answer = git(root, *words, limit_s=5)
    except RefusedError:
        return ""
    return "" if answer.code else answer.text
