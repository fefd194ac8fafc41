"""What every answer and report says of a drift, before any format is chosen. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provisioner.errors.wording import counted
from provisioner.model.drift import EITHER, Drift, Drifted, Sort
from provisioner.model.paths import path_text
from provisioner.model.plan import ABSENT
from provisioner.rendering.style import Style
from provisioner.rendering.values import Sides, safe, value_text

WORDS: Final = {
    Sort.NOT_OURS: "not ours any more",
    Sort.RECREATED: "created again by somebody else, or its tags were taken off",
    Sort.GONE: "gone: deleted, or never applied",
    Sort.FAILED_UPDATE: "the last update failed",
    Sort.VERSION: "another version",
    Sort.EDITED: "edited by hand",
    Sort.PERMISSION_ADDED: "permission added",
    Sort.PERMISSION_CHANGED: "permission changed",
    Sort.PERMISSION_REMOVED: "permission removed",
    Sort.TAG_ADDED: "tag added",
    Sort.NOT_APPLIED: "not applied yet",
    Sort.ORPHAN: "orphan: our tag, no manifest",
    Sort.UPDATING: "updating: compared with what the update brings",
    Sort.STOPPED: "stopped",
}
OR_NOT_APPLIED: Final = ", or not applied yet"


def words(one: Drift) -> str:
    """The sort in words; what it may be as well where no history says more."""
    unsure = one.sort in EITHER and not one.by_hand
    return f"{WORDS[one.sort]}{OR_NOT_APPLIED if unsure else ''}"


def evidence(drifted: Drifted) -> str:
    """What earlier commits say about the changes by hand; nothing where there are none."""
    if not any(one.by_hand for one in drifted.findings):
        return ""
    if drifted.commits == 1:
        return "By hand: the one earlier commit does not declare it like that either."
    return f"By hand: none of {drifted.commits} earlier commits declares it like that."


def summary_line(drifted: Drifted) -> str:
    """``Drift: 3 differences in 2 of 5 resources``, or that there is none."""
    differences = sum(one.counts for one in drifted.findings)
    looked = counted(drifted.resources, "resource")
    if not differences:
        return f"No drift: {looked}, all as declared"
    return f"Drift: {counted(differences, 'difference')} in {drifted.drifted} of {looked}"


def label_of(one: Drift, style: Style) -> str:
    """The path as plans show it."""
    return safe(path_text(one.path).replace('[""]', "[]"), style)


def sides_of(one: Drift, style: Style) -> Sides:
    """The declared and the live value; what cannot be read back is not shown."""
    declared = value_text(one.declared, style)
    if one.sort is Sort.NOT_APPLIED and one.live is ABSENT and not one.commit:
        return Sides(declared, "(cannot be read back)")
    return Sides(declared, value_text(one.live, style))


def told(one: Drift) -> Iterator[str]:
    """Who, when and why, as far as it is known, a line each."""
    if one.owner:
        yield f"it carries the tag of {one.owner}"
    if not one.path and one.sort in (Sort.RECREATED, Sort.NOT_OURS):
        made = " ".join(filter(None, (one.at, f"by {one.by}" if one.by else "")))
        if made:
            yield f"created {made}"
    if one.reason and not one.is_plain and one.sort is not Sort.ORPHAN:
        yield one.reason
