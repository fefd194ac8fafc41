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
    DriftCategory.NOT_OURS: "managed by another project now",
    DriftCategory.RECREATED: "not adopted yet, recreated, or its tags were removed",
    DriftCategory.GONE: "missing: deleted, or never applied",
    DriftCategory.FAILED_UPDATE: "the last update failed",
    DriftCategory.VERSION: "another version",
    DriftCategory.EDITED: "edited by hand",
    DriftCategory.PERMISSION_ADDED: "permission added",
    DriftCategory.PERMISSION_CHANGED: "permission changed",
    DriftCategory.PERMISSION_REMOVED: "permission removed",
    DriftCategory.TAG_ADDED: "tag added",
    DriftCategory.ROLLOUT: "a rollout waits for a decision",
    DriftCategory.NOT_APPLIED: "not applied yet",
    DriftCategory.ORPHAN: "orphan: managed by this project, without a manifest",
    DriftCategory.UPDATING: "updating: compared with the config of the update",
    DriftCategory.STOPPED: "stopped",
}
OR_NOT_APPLIED: Final = ", or not applied yet"


def words(finding: Drift) -> str:
    """The sort in words; what it may be as well where no history says more."""
    unsure = finding.category in EITHER and not finding.by_hand
    return f"{WORDS[finding.category]}{OR_NOT_APPLIED if unsure else ''}"


def evidence(drifted: Drifted) -> str:
    """What earlier commits say about the changes by hand; nothing where there are none."""
    if not any(finding.by_hand for finding in drifted.findings):
        return ""
    if drifted.commits == 1:
        return "Changed by hand: the earlier commit did not declare this value either."
    return f"Changed by hand: none of the last {drifted.commits} commits declared this value."


def summary_line(drifted: Drifted) -> str:
    """``Drift: 3 differences in 2 of 5 resources``, or that there is none."""
    differences = sum(finding.counts for finding in drifted.findings)
    looked = counted(drifted.resources, "resource")
    if not differences:
        return f"No drift: {looked}, all as declared"
    return f"Drift: {counted(differences, 'difference')} in {drifted.drifted} of {looked}"


def label_of(finding: Drift, style: Style) -> str:
    """The path as plans show it."""
    return safe(path_text(finding.path).replace('[""]', "[]"), style)


def sides_of(finding: Drift, style: Style) -> Sides:
    """The declared and the live value; what cannot be read back is not shown."""
    declared = value_text(finding.declared, style)
    if (
        finding.category is DriftCategory.NOT_APPLIED
        and finding.live is ABSENT
        and not finding.commit
    ):
        return Sides(declared, "(cannot be read back)")
    return Sides(declared, value_text(finding.live, style))


def told(finding: Drift) -> Iterator[str]:
    """Who, when and why, as far as it is known, a line each."""
    if finding.owner:
        yield f"managed by {finding.owner}"
    if not finding.path and finding.category in (DriftCategory.RECREATED, DriftCategory.NOT_OURS):
        made = " ".join(filter(None, (finding.at, f"by {finding.by}" if finding.by else "")))
        if made:
            yield f"created {made}"
    if finding.reason and not finding.is_plain and finding.category is not DriftCategory.ORPHAN:
        yield finding.reason
