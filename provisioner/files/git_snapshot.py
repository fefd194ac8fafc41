"""The project as it was at an earlier commit: its files in a folder that goes away again.

They come from git's objects one by one: an archive would leave out what `export-ignore` names.
Only what the tool reads is taken, files that may be manifests or environments.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from provisioner.errors import RefusedError, UsageError
from provisioner.files.git import git, head

ENDINGS: Final = (".yaml", ".yml", ".json")
ORDINARY: Final = frozenset({"100644", "100755"})
FETCH_ALL: Final = "GitHub: `fetch-depth: 0`, GitLab: `GIT_DEPTH: 0`, Azure: `fetchDepth: 0`"


class _Blob(NamedTuple):
    name: str
    identity: str


def merge_base(root: Path, ref: str, option: str) -> str:
    """The commit at which HEAD and ``ref`` parted: a full hash.

    ``ref`` is whatever git takes for a commit; a branch that is not here is looked for at
    ``origin``. Raises UsageError where there is no such commit, and RefusedError without a
    repository, or where the clone has too little of the history.
    """
    ours = head(root, option)
    theirs = _commit(root, ref) or _commit(root, f"origin/{ref}")
    if not theirs:
        message = f"{option}: this clone has no commit `{ref}`"
        hint = f"fetch it first, or fetch the complete history in the checkout: {FETCH_ALL}"
        raise UsageError.of("E523", message, hint)
    answer = git(root, "merge-base", theirs, ours)
    if answer.code:
        raise _nothing_in_common(root, ref, option)
    return answer.text


@contextmanager
def project_at(root: Path, commit: str) -> Iterator[Path]:
    """A folder with the files of the project in ``root`` as they were at ``commit``.

    It is empty where the project was not there yet. Links are left out. Raises RefusedError
    where git does not give the files.
    """
    blobs = _blobs(root, commit)
    with tempfile.TemporaryDirectory(prefix="provisioner-") as folder:
        for blob, content in zip(blobs, _contents(root, blobs), strict=True):
            path = Path(folder) / blob.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield Path(folder)


def _commit(root: Path, ref: str) -> str:
    # Without the word before it, a name that begins with a hyphen would be an option.
    words = ("--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    answer = git(root, "rev-parse", *words)
    return "" if answer.code else answer.text.splitlines()[-1]


def _nothing_in_common(root: Path, ref: str, option: str) -> RefusedError:
    shallow = git(root, "rev-parse", "--is-shallow-repository").text == "true"
    if not shallow:
        message = f"{option}: HEAD and `{ref}` have no commit in common"
        return RefusedError.of("E524", message, "compare with a branch that HEAD came from")
    message = (
        f"{option}: this clone is shallow and does not contain the common commit of "
        f"HEAD and `{ref}`"
    )
    return RefusedError.of(
        "E524", message, f"fetch the complete history in the checkout: {FETCH_ALL}"
    )


def _blobs(root: Path, commit: str) -> list[_Blob]:
    listed = git(root, "ls-tree", "-r", "-z", commit)
    if listed.code:
        raise _not_given(commit, listed.complaint)
    blobs = []
    for entry in listed.names:
        facts, _, name = entry.partition("\t")
        mode, _, identity = facts.split(" ")
        if mode in ORDINARY and name.endswith(ENDINGS):
            blobs.append(_Blob(name, identity))
    return blobs


def _contents(root: Path, blobs: Sequence[_Blob]) -> Iterator[bytes]:
    wanted = "".join(f"{blob.identity}\n" for blob in blobs).encode()
    answer = git(root, "cat-file", "--batch", given=wanted)
    if answer.code:
        raise _not_given("them", answer.complaint)
    at = 0
    for blob in blobs:
        # For each object a line "IDENTITY blob SIZE", its content and a line feed.
        end = answer.out.index(b"\n", at)
        facts = answer.out[at:end].split(b" ")
        if len(facts) != 3:
            raise _not_given(blob.name, answer.complaint)
        start, size = end + 1, int(facts[2])
        yield answer.out[start : start + size]
        at = start + size + 1


def _not_given(what: str, complaint: str) -> RefusedError:
    message = f"git cannot read the earlier files of the project ({what[:60]})"
    return RefusedError.of(
        "E525", message, "run git fsck, or clone the repository again", log=complaint
    )
