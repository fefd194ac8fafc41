"""What git says about the project. Nothing else runs git.

It never asks for a login, is stopped when it takes too long, and what it says is shown
without the user info of addresses.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioner.errors import RefusedError

LOCAL_S: Final = 60.0
NETWORK_S: Final = 30.0
MOST_REVISIONS: Final = 500
_USER_INFO: Final = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """How git ended. ``complaint`` is its complaint, fit to be shown."""

    code: int
    out: bytes = b""
    complaint: str = ""

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
    if not _may_be_in_repository(root):
        return ""
    head = _line(root, "rev-parse", "HEAD")
    if not head:
        return ""
    changed = _line(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return f"{head}+" if changed else head


def _may_be_in_repository(root: Path) -> bool:
    # Every command asks for the commit. To look for `.git` costs a hundredth of a start of git.
    if "GIT_DIR" in os.environ:
        return True
    folder = root.resolve()
    return any((above / ".git").exists() for above in (folder, *folder.parents))


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
        message = f"{option} needs a git repository, but the project is not in one"
        raise RefusedError.of("E517", message, hint, log=inside.complaint)
    answer = git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if answer.code:
        message = f"{option} needs a commit, but the repository has none yet"
        raise RefusedError.of("E517", message, "git commit")
    return answer.text


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit that changed one file, which held ``content`` then; None: it was not there.

    ``parents`` are the commits before it that changed the file. ``at`` is the author's date.
    """

    commit: str
    parents: tuple[str, ...]
    author: str
    at: str
    subject: str
    content: bytes | None


def revisions(root: Path, path: str) -> tuple[Revision, ...]:
    """The newest changes of the file ``path`` below ``root``, newest first; none without git."""
    # Signs that no author's name and no subject can hold separate the parts.
    layout = "--format=%x01%H%x00%P%x00%an%x00%aI%x00%s"
    options = ("--no-show-signature", "--encoding=UTF-8", "--parents", f"-{MOST_REVISIONS}")
    try:
        log = git(root, "log", *options, layout, "--", path)
    except RefusedError:
        return ()
    entries = log.out.decode(errors="replace").split("\x01")[1:] if not log.code else []
    commits = [entry.strip().split("\0") for entry in entries]
    contents = _contents(root, [f"{commit[0]}:./{path}" for commit in commits])
    return tuple(
        Revision(commit, tuple(parents.split()), author, at, subject, content)
        for (commit, parents, author, at, subject), content in zip(commits, contents, strict=True)
    )


def is_shallow(root: Path) -> bool:
    """Whether the clone holds only the newest commits."""
    return _line(root, "rev-parse", "--is-shallow-repository") == "true"


def _contents(root: Path, names: Sequence[str]) -> list[bytes | None]:
    """What each of the objects ``names`` holds; None for one that is not there."""
    if not names:
        return []
    request = "".join(f"{name}\n" for name in names).encode()
    answer = git(root, "cat-file", "--batch", given=request).out
    contents: list[bytes | None] = []
    for _ in names:
        head, _, answer = answer.partition(b"\n")
        kind, size = head.split()[-2:] if head.count(b" ") >= 2 else (b"", b"")
        if kind != b"blob" or not size.isdigit():
            contents.append(None)
            continue
        contents.append(answer[: int(size)])
        answer = answer[int(size) + 1 :]
    return contents


def git(root: Path, *words: str, given: bytes = b"", limit_s: float = LOCAL_S) -> GitAnswer:
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
        raise RefusedError.of("E516", "git is required, but cannot be started", hint) from error
    with running:
        try:
            out, complaint = running.communicate(given, timeout=limit_s)
        except BaseException as error:
            # It may have ended in the moment of Ctrl-C: then there is nothing left to stop.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                return GitAnswer(1, complaint=f"no answer within {limit_s:.0f} s")
            raise
    return GitAnswer(running.returncode, out, _showable(complaint))


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    silent = {"GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never"}
    return {**ours, **silent, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _showable(message: bytes) -> str:
    return _USER_INFO.sub("", message.decode(errors="replace")).strip()


def _line(root: Path, *words: str) -> str:
    try:
        answer = git(root, *words, limit_s=5)
    except RefusedError:
        return ""
    return "" if answer.code else answer.text
