"""Which files are the manifests of an environment.

A pattern that matches nothing is an error: a folder that is missing must never look like
the wish to have nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from provisioner.errors import FileError, Problem
from provisioner.manifests.source import MOST_BYTES

_WILD = "*?["


def manifest_files(root: Path, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The files that ``patterns`` match below ``root``: relative, with ``/``, sorted.

    Raises FileError for a pattern that matches no file, or one outside of ``root``.
    """
    found: set[str] = set()
    problems: list[Problem] = []
    for pattern in patterns:
        problem = _outside(pattern)
        matches = [] if problem else list(_matches(root, pattern))
        if not problem and not matches:
            problem = _nothing(root, pattern)
        if problem:
            problems.append(problem)
        found.update(matches)
    problems += [_strays(name) for name in sorted(found) if not is_below(root, root / name)]
    if problems:
        raise FileError(problems)
    return tuple(sorted(found))


def read(root: Path, name: str) -> bytes:
    """The content of the file ``name`` below ``root``, cut where it is too long to parse.

    Raises FileError.
    """
    try:
        with (root / name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise FileError.of("E208", f"cannot read `{name}`: {reason}") from error


def is_below(root: Path, path: Path) -> bool:
    """Whether ``path`` lies below ``root`` once every symbolic link is followed."""
    return path.resolve().is_relative_to(root.resolve())


def _matches(root: Path, pattern: str) -> Iterator[str]:
    for path in root.glob(pattern):
        if path.is_file():
            yield path.relative_to(root).as_posix()


def _outside(pattern: str) -> Problem | None:
    parts = PurePosixPath(pattern).parts
    if parts and not pattern.startswith("/") and ".." not in parts:
        return None
    message = f"`{pattern}` does not stay below the project root"
    return Problem("E204", message, hint="write paths relative to the folder of provisioner.yaml")


def _strays(name: str) -> Problem:
    message = f"`{name}` is a link to a file that is not below the project root"
    return Problem("E204", message, hint="copy the file into the project")


def _nothing(root: Path, pattern: str) -> Problem:
    """Why ``pattern`` matches nothing, as far as one can tell."""
    fixed = PurePosixPath()
    for part in PurePosixPath(pattern).parts:
        if any(sign in part for sign in _WILD):
            break
        fixed /= part
        if not (root / fixed).exists():
            what = "file" if str(fixed) == pattern else "folder"
            return Problem("E203", f"there is no {what} `{fixed}` for the manifests `{pattern}`")
    hint = "no manifest at all is never taken as the wish to have nothing"
    if pattern.endswith(".yaml") and any(_matches(root, pattern.removesuffix("aml") + "ml")):
        hint = "there are files that end with `.yml`: rename them, or change the pattern"
    return Problem("E203", f"no file matches the manifests `{pattern}`", hint=hint)
