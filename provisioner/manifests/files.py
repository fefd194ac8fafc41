"""Which files are the manifests of an environment.

A pattern that matches nothing is an error: a folder that is missing must never look like
the wish to have nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from provisioner.errors import FileError, Problem, Severity
from provisioner.manifests.source import MOST_BYTES
from provisioner.manifests.walk import WILD, unreadable, walk

_ENDINGS = {"yaml": "yml", "yml": "yaml"}


def manifest_files(root: Path, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The files that ``patterns`` match below ``root``: relative, with ``/``, sorted.

    Raises FileError for a pattern that matches no file, for one outside of ``root``, and for
    whatever a pattern leads to and that cannot be read.
    """
    found: set[str] = set()
    problems: list[Problem] = []
    for pattern in patterns:
        outside = _outside(pattern)
        seen = [outside] if outside else list(walk(root, pattern))
        problems += [one for one in seen if isinstance(one, Problem)] or (
            [] if seen else [_nothing(root, pattern)]
        )
        found.update(one for one in seen if isinstance(one, str))
    if problems:
        raise FileError(dict.fromkeys(problems))
    return tuple(sorted(found))


def overlooked(root: Path, patterns: Iterable[str], files: Iterable[str]) -> Iterator[Problem]:
    """A warning for each file that a pattern would match if it ended the other way."""
    others = (other for pattern in patterns if (other := _other_ending(pattern)))
    found = {one for other in others for one in walk(root, other) if isinstance(one, str)}
    for name in sorted(found.difference(files)):
        message = f"`{name}` is no manifest: no pattern matches it"
        hint = f"rename it to `{_swapped(name)}`, or add a pattern for it"
        yield Problem("W724", message, hint=hint, severity=Severity.WARNING)


def read(root: Path, name: str) -> bytes:
    """The content of the file ``name`` below ``root``, cut where it is too long to parse.

    Raises FileError.
    """
    try:
        with (root / name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise FileError([unreadable(PurePosixPath(name), error)]) from error


def _other_ending(pattern: str) -> str:
    last = PurePosixPath(pattern).name
    return _swapped(pattern) if last.startswith("*.") else ""


def _swapped(name: str) -> str:
    """``name`` with the other of the two endings of YAML files; ``""`` where it has none."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}{dot}{_ENDINGS[ending]}" if ending in _ENDINGS else ""


def _outside(pattern: str) -> Problem | None:
    parts = PurePosixPath(pattern).parts
    if parts and not pattern.startswith("/") and ".." not in parts:
        return None
    message = f"`{pattern}` does not stay below the project root"
    return Problem("E204", message, hint="write paths relative to the folder of provisioner.yaml")


def _nothing(root: Path, pattern: str) -> Problem:
    """Why ``pattern`` matches nothing, as far as one can tell."""
    fixed = PurePosixPath()
    for part in PurePosixPath(pattern).parts:
        if any(sign in part for sign in WILD):
            break
        fixed /= part
        if not (root / fixed).exists():
            what = "file" if str(fixed) == pattern else "folder"
            return Problem("E203", f"there is no {what} `{fixed}` for the manifests `{pattern}`")
    hint = "no manifest at all is never taken as the wish to have nothing"
    if pattern.endswith(".yaml") and any(walk(root, _swapped(pattern))):
        hint = "there are files that end with `.yml`: rename them, or change the pattern"
    return Problem("E203", f"no file matches the manifests `{pattern}`", hint=hint)
