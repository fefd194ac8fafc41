"""What every answer and report says of a drift, before any format is chosen. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provisioner.errors.wording import counted
from provisioner.model.drift import EITHER, Drift, DriftCategory, Drifted
from provisioner.model.paths import path_text
from provisioner.model.plan import ABSENT
from provisioner.rendering.style import Style
from provisioner.rendering.values import Sides, safe, value_text

WORDS: Final = {
    DriftCategory.NOT_OURS: "not ours any more",
    DriftCategory.RECREATED: "not adopted yet, or created again, or its tags were removed",
    DriftCategory.GONE: "gone: deleted, or never applied",
    DriftCategory.FAILED_UPDATE: "the last update failed",
    DriftCategory.VERSION: "another version",
    DriftCategory.EDITED: "edited by hand",
    DriftCategory.PERMISSION_ADDED: "permission added",
    DriftCategory.PERMISSION_CHANGED: "permission changed",
    DriftCategory.PERMISSION_REMOVED: "permission removed",
    DriftCategory.TAG_ADDED: "tag added",
    DriftCategory.NOT_APPLIED: "not applied yet",
    DriftCategory.ORPHAN: "orphan: our tag, no manifest",
    DriftCategory.UPDATING: "updating: compared with what the update brings",
    DriftCategory.STOPPED: "stopped",
}
OR_NOT_APPLIED: Final = ", or not applied yet"


def words(one: Drift) -> str:
    """The sort in words; what it may be as well where no history says more."""
    unsure = one.category in EITHER and not one.by_hand
    return f"{WORDS[one.category]}{OR_NOT_APPLIED if unsure else ''}"


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
    if one.category is DriftCategory.NOT_APPLIED and one.live is ABSENT and not one.commit:
        return Sides(declared, "(cannot be read back)")
    return Sides(declared, value_text(one.live, style))


def told(one: Drift) -> Iterator[str]:
    """Who, when and why, as far as it is known, a line each."""
    if one.owner:
        yield f"it carries the tag of {one.owner}"
    if not one.path and one.category in (DriftCategory.RECREATED, DriftCategory.NOT_OURS):
        made = " ".join(filter(None, (one.at, f"by {one.by}" if one.by else "")))
        if made:
            yield f"created {made}"
    if one.reason and not one.is_plain and one.category is not DriftCategory.ORPHAN:
        yield one.reason
