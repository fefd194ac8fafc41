"""The release file of an environment: what changes in it, and the writing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.errors import FileError
from provisioner.files.release_text import release_text
from provisioner.files.write import replace_file
from provisioner.manifests.release_file import read_releases
from provisioner.model.release import Released, release_path


@dataclass(frozen=True, slots=True)
class ReleaseDraft:
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


def draft_release(root: Path, environment: str, released: Mapping[str, Released]) -> ReleaseDraft:
    """The release file of ``environment`` with the entries ``released`` in place of its own.

    Entries that are not named stay. Raises FileError for a file that cannot be read: what
    cannot be read is never written over.
    """
    known = read_releases(root, environment)
    before = known.source.text.content if known.source else _unread(root, environment)
    if not released:
        return ReleaseDraft(release_path(environment), before, before)
    after = release_text({**known.releases, **released})
    is_new = not (root / release_path(environment)).is_file()
    return ReleaseDraft(release_path(environment), before, after, is_new)


def write_release(root: Path, environment: str, released: Mapping[str, Released]) -> None:
    """Write the entries ``released`` into the release file of ``environment``.

    Another process sees the old file or the new one, never a part. Raises FileError.
    """
    draft = draft_release(root, environment, released)
    if draft.changes:
        try:
            replace_file(root / draft.file, draft.after)
        except OSError as error:
            raise FileError.of("E802", f"cannot write {draft.file}: {error.strerror}") from error


def _unread(root: Path, environment: str) -> str:
    """What a file without any entry holds: comments."""
    path = root / release_path(environment)
    return path.read_text(encoding="utf-8") if path.is_file() else ""
