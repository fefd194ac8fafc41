"""A version that a person sends back is rejected in the release file, too."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from provisioner.model.release import Released
from provisioner.workflow.releases import write_release
from provisioner.workflow.rollout import RolloutReport
from provisioner.workflow.session import Session

NOTHING: Final[dict[str, Released]] = {}


def rejected_releases(session: Session, report: RolloutReport) -> dict[str, Released]:
    """The entries of the release file that the rejected version comes from, as they are to be."""
    promotion, state = session.environment.promotion, report.state
    if state is None:
        return NOTHING
    return {
        name: replace(released, rejected=(*released.rejected, released.value))
        for name, released in promotion.releases.items()
        if report.address in session.loaded.uses.get(name, ())
        and released.value is not None
        and str(released.value) == state.versions.label
        and released.value not in released.rejected
    }


def reject(session: Session, report: RolloutReport) -> tuple[str, ...]:
    """Write the rejection; returns the names of the variables. Raises FileError."""
    changed = rejected_releases(session, report)
    if changed:
        write_release(session.project.root, session.environment.name, changed)
    return tuple(sorted(changed))
