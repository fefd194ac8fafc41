"""Which files are the manifests of an environment.

A pattern that matches nothing is an error: a folder that is missing must never look like
the wish to have nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from provisioner.errors import FileError, Problem, Severity
from provisioner.manifests.yaml.source import MOST_BYTES

WILD = "*?["
_ANY_DEPTH = "**"


def walk(root: Path, pattern: str) -> Iterator[str | Problem]:
    """The files below ``root`` that ``pattern`` matches, relative, and what is in the way."""
    return _below(root, PurePosixPath(), PurePosixPath(pattern).parts)


def _below(root: Path, here: PurePosixPath, parts: tuple[str, ...]) -> Iterator[str | Problem]:
    head, rest = parts[0], parts[1:]
    if not any(sign in head for sign in WILD):
        yield from _step(root, here / head, rest)
        return
    try:
        with os.scandir(root / here) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield unreadable(here, error)
        return
    # What the listing calls a plain file is no link and no folder, and takes no further look.
    plain = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
    if head != _ANY_DEPTH:
        for name in (entry.name for entry in entries if fnmatchcase(entry.name, head)):
            if name in plain and not rest:
                yield str(here / name)
            else:
                yield from _step(root, here / name, rest)
        return
    if rest:
        yield from _below(root, here, rest)
    for entry in entries:
        if entry.name not in plain:
            yield from _deeper(root, here / entry.name, parts)


def _step(root: Path, at: PurePosixPath, rest: tuple[str, ...]) -> Iterator[str | Problem]:
    """One name that fits: a file at the end of the pattern, else a folder to go into."""
    path = root / at
    if not os.path.lexists(path):
        return
    try:
        path.stat()
    except OSError as error:
        yield unreadable(at, error)
        return
    if not is_below(root, path):
        yield _strays(at)
    elif rest and path.is_dir():
        yield from _below(root, at, rest)
    elif not rest and path.is_file():
        yield str(at)
    elif not rest and not path.is_dir():
        yield Problem("E208", f"`{at}` is not a file", hint="rename it, or change the pattern")


def _deeper(root: Path, at: PurePosixPath, parts: tuple[str, ...]) -> Iterator[str | Problem]:
    """A name on the way of ``**``: only folders matter, and links to some are not followed."""
    path = root / at
    try:
        is_folder = path.is_dir()
        is_link = path.is_symlink()
        is_gone = is_link and not at.suffix and not path.exists()
    except OSError as error:
        yield unreadable(at, error)
        return
    if is_gone:
        yield Problem("E208", f"`{at}` is a broken symbolic link", hint="delete the link")
    elif is_folder and is_link and is_below(root, path):
        message = f"`{at}` is a symbolic link to a folder, and `**` does not follow symbolic links"
        yield Problem("E208", message, hint="add a pattern for the folder itself")
    elif is_folder and is_link:
        yield _strays(at)
    elif is_folder:
        yield from _below(root, at, parts)


# A link in a cloned repository could otherwise show a file of the machine in a message.
def is_below(root: Path, path: Path) -> bool:
    """Whether ``path`` lies below ``root`` once every symbolic link is followed."""
    return not path.is_symlink() or path.resolve().is_relative_to(root.resolve())


def unreadable(at: PurePosixPath, error: OSError) -> Problem:
    """That what is ``at`` cannot be read, in the words of the operating system."""
    reason = (error.strerror or "it cannot be read").lower()
    return Problem("E208", f"cannot read `{at}`: {reason}")


def _strays(at: PurePosixPath) -> Problem:
    message = f"`{at}` is a symbolic link to a file or folder outside the project"
    return Problem("E204", message, hint="copy the file or folder into the project")


_ENDINGS = {"yaml": "yml", "yml": "yaml"}


def manifest_files(root: Path, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The files that ``patterns`` match below ``root``: relative, with ``/``, sorted.

    Raises FileError for a pattern that matches no file, for one outside of ``root``, and for
    whatever a pattern leads to and that cannot be read.
    """
    matched: set[str] = set()
    problems: list[Problem] = []
    empty: list[str] = []
    for pattern in patterns:
        outside = _outside(pattern)
        seen = [outside] if outside else list(walk(root, pattern))
        problems += [match for match in seen if isinstance(match, Problem)]
        matched.update(match for match in seen if isinstance(match, str))
        empty += [] if seen else [pattern]
    # Of two patterns that differ in `.yaml` and `.yml` one may match nothing.
    full = set(patterns) - set(empty)
    alone = [each for each in empty if _other_ending(each) not in full]
    named = [each for each in alone if _other_ending(each) not in alone[: alone.index(each)]]
    problems += [_nothing(root, pattern) for pattern in named]
    if problems:
        raise FileError(dict.fromkeys(problems))
    return tuple(sorted(matched))


def overlooked(root: Path, patterns: Iterable[str], files: Iterable[str]) -> Iterator[Problem]:
    """A warning for each file that a pattern would match if it ended the other way."""
    others = (other for pattern in patterns if (other := _other_ending(pattern)))
    matched = {path for other in others for path in walk(root, other) if isinstance(path, str)}
    for name in sorted(matched.difference(files)):
        message = f"`{name}` is not read as a manifest: no pattern matches it"
        hint = f"rename it to `{_swapped(name)}`, or add a pattern for it"
        yield Problem("W724", message, hint=hint, severity=Severity.WARNING)


def read(root: Path, name: str) -> bytes:
    """The content of the file ``name`` below ``root``, cut where it is too long to parse.

    Raises FileError, also for a link that leads out of the project, and for what is not a file: a
    pipe would never end.
    """
    path = os.path.join(root, name)
    try:
        if not _stays_below(root, name):
            raise FileError([_strays(PurePosixPath(name))])
        # Opening a pipe waits for a writer.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FileError(
                [Problem("E208", f"`{name}` is not a file", hint="replace it with a regular file")]
            )
        with open(path, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise FileError([unreadable(PurePosixPath(name), error)]) from error


def _stays_below(root: Path, name: str) -> bool:
    """Whether the file ``name`` lies below ``root`` once every symbolic link is followed."""
    parts = name.split("/")
    path = os.fspath(root)
    links = []
    for part in parts:
        path = os.path.join(path, part)
        links.append(os.path.islink(path))
    # Following links asks for each folder up to that of the system, which takes its time.
    if ".." not in parts and not any(links):
        return not name.startswith("/")
    return Path(root, name).resolve().is_relative_to(root.resolve())


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
    message = f"`{pattern}` leads out of the project"
    return Problem("E204", message, hint="write paths relative to the folder with provisioner.yaml")


def _nothing(root: Path, pattern: str) -> Problem:
    """Why ``pattern`` matches nothing, as far as one can tell."""
    fixed = PurePosixPath()
    for part in PurePosixPath(pattern).parts:
        if any(sign in part for sign in WILD):
            break
        fixed /= part
        if not (root / fixed).exists():
            what = "file" if str(fixed) == pattern else "folder"
            return Problem(
                "E203", f"there is no {what} `{fixed}`, but `manifests` has the pattern `{pattern}`"
            )
    hint = (
        "correct the pattern or add a manifest. A missing manifest never means: delete everything"
    )
    if pattern.endswith(".yaml") and any(walk(root, _swapped(pattern))):
        hint = "some files end with `.yml`: rename them, or change the pattern"
    return Problem("E203", f"no file matches the pattern `{pattern}`", hint=hint)
