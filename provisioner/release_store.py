"""Release files on disk: what changes in one, and the writing of it, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.errors import FileError
from provisioner.manifests.releases import read_releases
from provisioner.promotion.release_text import release_text
from provisioner.release import Released, release_path


@dataclass(frozen=True, slots=True)
class Draft:
    """A release file as it is and as it is to be; ``file`` is relative to the project root.

    ``is_new``: there is none yet, and ``before`` is empty.
    """

    file: str
    before: str
    after: str
    is_new: bool = False

    @property
    def changes(self) -> bool:
        """Whether anything would be written."""
        return self.before != self.after


def text(root: Path, environment: str, released: Mapping[str, Released]) -> Draft:
    """The release file of ``environment`` with the entries ``released`` in place of its own.

    Entries that are not named stay. Raises FileError for a file that cannot be read: what
    nobody understands is never written over.
    """
    known = read_releases(root, environment)
    before = known.source.text.content if known.source else _unread(root, environment)
    if not released:
        return Draft(release_path(environment), before, before)
    after = release_text({**known.releases, **released})
    is_new = not (root / release_path(environment)).is_file()
    return Draft(release_path(environment), before, after, is_new)


def write(root: Path, environment: str, released: Mapping[str, Released]) -> None:
    """Write the entries ``released`` into the release file of ``environment``.

    Another process sees the old file or the new one, never a part. Raises FileError.
    """
    draft = text(root, environment, released)
    if draft.changes:
        _replace(root / draft.file, draft)


def _unread(root: Path, environment: str) -> str:
    """What a file without any entry holds: comments."""
    path = root / release_path(environment)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _replace(path: Path, draft: Draft) -> None:
    beside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(draft.after)
        # mkstemp makes it private; a file of a repository is as any other.
        Path(beside).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(beside).replace(path)
    except OSError as error:
        if beside:
            Path(beside).unlink(missing_ok=True)
        raise FileError.of("E802", f"cannot write {draft.file}: {error.strerror}") from error
