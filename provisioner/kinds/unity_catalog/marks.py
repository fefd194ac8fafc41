"""To whom an object belongs: the last line of its comment. Pure.

The objects take no tags, so that line takes their place::

    managed by provisioner: PROJECT/ENVIRONMENT@WORKSPACE [protected] [FIELD:FACT...] DIGEST

A comment may be copied to another object with its last line. So the line ends with a digest over
the object and its owner: where it does not fit, the object is not managed. The workspace is
part of the owner, because one metastore serves many. No digest of a secret value is ever in it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from provisioner.model.live import Ownership

PREFIX: Final = "managed by provisioner: "
OWNED: Final = "$owned"
PROTECTED: Final = "protected"
DIGITS: Final = 12
_LINE: Final = re.compile(
    rf"{PREFIX}(?P<owner>[^\s/@]+/[^\s/@]+)@(?P<workspace>\d+)"
    rf"(?P<facts>(?: [^\s]+)*) (?P<digest>[0-9a-f]{{{DIGITS}}})"
)


@dataclass(frozen=True, slots=True)
class CatalogPlace:
    """Where an object is: its kind and name, its metastore, and the workspace that is asked."""

    kind: str
    full_name: str
    metastore_id: str
    workspace_id: str


class MarkedComment(NamedTuple):
    """The user's comment, and to whom the object belongs.

    ``copied_owner`` is the owner in a last line that belongs to another object, so no project
    manages this one; ``""`` otherwise.
    """

    text: str
    ownership: Ownership
    copied_owner: str = ""


def owned_comment(full_name: str, text: str, ownership: Ownership) -> Any:
    """The comment as a plan holds it: the driver knows the rest of its last line.

    The user's text alone where the object is to have no owner.
    """
    if not ownership.owner:
        return text
    marked = {
        "full_name": full_name,
        "comment": text,
        "owner": ownership.owner,
        PROTECTED: ownership.protected,
        "applied": ownership.applied,
    }
    return {OWNED: marked}


def written(value: Any, kind: str, metastore_id: str, workspace_id: str) -> str:
    """The text of what ``owned_comment`` made."""
    if not isinstance(value, Mapping):
        return str(value)
    marked = value[OWNED]
    place = CatalogPlace(kind, marked["full_name"], metastore_id, workspace_id)
    facts = [PROTECTED] if marked[PROTECTED] else []
    words = [f"{marked['owner']}@{workspace_id}", *facts, *marked["applied"].split()]
    line = f"{PREFIX}{' '.join(words)} {_digest(place, marked['owner'])}"
    return "\n".join(filter(None, (marked["comment"], line)))


def read(comment: Any, place: CatalogPlace) -> MarkedComment:
    """The comment of the object at ``place`` without its last line, and what that says."""
    text = comment if isinstance(comment, str) else ""
    before, _, last = text.rpartition("\n")
    match = _LINE.fullmatch(last)
    if match is None:
        return MarkedComment(text, Ownership())
    stored = CatalogPlace(place.kind, place.full_name, place.metastore_id, match["workspace"])
    owner = match["owner"]
    is_copied = match["digest"] != _digest(stored, owner)
    if match["workspace"] != place.workspace_id:
        owner = f"{owner}@{match['workspace']}"
    if is_copied:
        return MarkedComment(before, Ownership(), copied_owner=owner)
    facts = match["facts"].split()
    applied = " ".join(fact for fact in facts if fact != PROTECTED)
    return MarkedComment(before, Ownership(owner, PROTECTED in facts, applied))


def has_mark(comment: Any) -> bool:
    """Whether the comment ends with a line of some owner."""
    return isinstance(comment, str) and comment.rpartition("\n")[2].startswith(PREFIX)


def _digest(place: CatalogPlace, owner: str) -> str:
    facts = [place.kind, place.full_name, place.metastore_id, place.workspace_id, owner]
    text = json.dumps(facts, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
