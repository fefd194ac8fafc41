"""Where two environments differ as their workspaces have it. Pure.

On purpose is what their files want to differ and what is as they want it. All else is an
accident: a hand-made change, something that is not applied yet, a choice of the service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioner.commands.diff.config_diff import declared_difference, side_of
from provisioner.commands.diff.result import (
    FieldDifference,
    OnlyHere,
    Purpose,
    ResourceDifference,
    Side,
)
from provisioner.manifests.declaration import Declaration
from provisioner.model.live import Live
from provisioner.model.paths import Path, overlaps
from provisioner.model.plan import ABSENT, Action, Cause, FieldChange
from provisioner.planning.diff import by_path, diff

AS_DECLARED = "as declared"
NOT_AS_DECLARED = "not as declared"
UNDECLARED = "in no manifest"


@dataclass(frozen=True, slots=True)
class LiveResource:
    """One resource of one environment: declared, live, and what a plan says about the two."""

    declaration: Declaration
    live: Live
    changes: tuple[FieldChange, ...]

    def about(self, path: Path) -> tuple[FieldChange, ...]:
        """What is not as declared at ``path``, around it or inside of it."""
        return tuple(change for change in self.changes if overlaps(change.path, path))

    def deviations(self, path: Path) -> tuple[FieldChange, ...]:
        """Those that an apply would not leave alone."""
        return tuple(change for change in self.about(path) if change.action is not Action.KEEP)


def live_difference(left: LiveResource, right: LiveResource) -> ResourceDifference:
    """The fields in which the two live resources differ."""
    declared = declared_difference(left.declaration, right.declaration)
    kind = left.declaration.kind
    if kind.planning.hides_values:
        # What is live of such a kind says nothing in another workspace, as dates of keys.
        paths = {change.path for side in (left, right) for change in side.deviations(())}
        planned = [_as_planned(path, left, right) for path in sorted(paths, key=by_path)]
        known = [field for field in declared.fields if field.path not in paths]
    else:
        changes = diff(right.live.document, left.live.document, kind.schema.rules())
        planned = [
            _classified(change, declared, left, right)
            for change in changes
            if change.path != ("name",)
        ]
        known = []
    fields = sorted([*planned, *known], key=lambda field: by_path(field.path))
    return replace(declared, fields=tuple(fields))


def not_live(declaration: Declaration, live_in: str, missing_in: str) -> OnlyHere:
    """For what both environments declare, and only the workspace of ``live_in`` has."""
    where = f"{declaration.where.file}:{declaration.where.line}"
    reason = f"declared in {missing_in} too, but not in its workspace: apply it"
    return OnlyHere(declaration.address, declaration.name, live_in, where, reason)


def _classified(
    change: FieldChange, declared: ResourceDifference, left: LiveResource, right: LiveResource
) -> FieldDifference:
    path = change.path
    sides = (_live_side(left, change.before, path), _live_side(right, change.after, path))
    meant = [field for field in declared.fields if overlaps(field.path, path)]
    if left.deviations(path) or right.deviations(path):
        return FieldDifference(path, *sides, Purpose.BY_ACCIDENT)
    if meant:
        origins = meant[0]
        sides = (
            replace(sides[0], origin=origins.left.origin, words=origins.left.words),
            replace(sides[1], origin=origins.right.origin, words=origins.right.words),
        )
        return FieldDifference(path, *sides, origins.purpose, origins.reason)
    return FieldDifference(path, *sides, *_purpose([*left.about(path), *right.about(path)]))


def _purpose(kept: Sequence[FieldChange]) -> tuple[Purpose, str]:
    """Why two workspaces may differ in a field that no apply would touch."""
    causes = {change.cause for change in kept}
    if Cause.IGNORED in causes:
        return Purpose.ON_PURPOSE, Cause.IGNORED.sentence
    if not kept:
        return Purpose.BY_ACCIDENT, UNDECLARED
    if Cause.CHOSEN_BY_SERVICE in causes:
        return Purpose.BY_ACCIDENT, f"{UNDECLARED}, {Cause.CHOSEN_BY_SERVICE.sentence}"
    return Purpose.LEFT_ALONE, min(change.reason for change in kept)


def _live_side(resource: LiveResource, value: Any, path: Path) -> Side:
    """The live value, beside it what the manifest wants where that is something else."""
    for change in resource.deviations(path):
        declared = side_of(resource.declaration, change.after, change.path)
        return Side(value, declared.origin, declared.words, NOT_AS_DECLARED, change.after)
    return side_of(resource.declaration, value, path)


def _as_planned(path: Path, left: LiveResource, right: LiveResource) -> FieldDifference:
    sides = (_planned_side(left, path), _planned_side(right, path))
    return FieldDifference(path, *sides, Purpose.BY_ACCIDENT)


def _planned_side(resource: LiveResource, path: Path) -> Side:
    for change in resource.deviations(path):
        if change.path == path:
            origin = side_of(resource.declaration, change.after, path).origin
            return Side(ABSENT, origin, note=change.reason or NOT_AS_DECLARED)
    return Side(ABSENT, note=AS_DECLARED)
