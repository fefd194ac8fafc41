"""`diff A B`: two environments of one project, as their files or their workspaces have them."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from provisioner.commands.diff.config_diff import (
    EnvironmentDeclarations,
    declared_difference,
    only_here,
    side_of,
)
from provisioner.commands.diff.result import (
    EnvironmentDiff,
    FieldDifference,
    OnlyHere,
    Purpose,
    ResourceDifference,
    Side,
)
from provisioner.errors import Problem, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.given_values import Outside
from provisioner.model.live import Live
from provisioner.model.paths import Path, overlaps
from provisioner.model.plan import ABSENT, Action, Address, Cause, FieldChange
from provisioner.model.resource import Resource
from provisioner.model.selection import EVERYTHING, Selection
from provisioner.planning.diff import by_path, diff
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext
from provisioner.workflow.environments import open_all
from provisioner.workflow.live_reader import read
from provisioner.workflow.project import Project, open_project
from provisioner.workflow.session import Session, session_of

Warnings = tuple[Problem, ...]


def compare(
    folder: pathlib.Path | None,
    environments: tuple[str, str],
    selection: Selection = EVERYTHING,
    given: Sequence[str] = (),
    *,
    live: bool = False,
) -> tuple[EnvironmentDiff, Warnings]:
    """Two environments side by side, and warnings about their files. Changes nothing.

    ``given`` are values for variables of either, ``NAME=VALUE``. ``live`` reads both
    workspaces. Raises FileError, UsageError, and with ``live`` WorkspaceError.
    """
    project = open_project(folder)
    left, right = _opened(project, environments, given)
    wanted = _wanted(left, right, selection)
    both = sorted(wanted & left.declared.keys() & right.declared.keys())
    only = [resource for pair in ((left, right), (right, left)) for resource in only_here(*pair)]
    only = [resource for resource in only if resource.address in wanted]
    hosts, missing = None, list[OnlyHere]()
    if live:
        resources, missing, hosts = _live(project, left, right, both)
        only += missing
    else:
        resources = [declared_difference(left.declared[at], right.declared[at]) for at in both]
    only.sort(key=lambda resource: (resource.purpose, resource.address, resource.environment))
    unread = len(both) - len(resources) - len(missing)
    result = EnvironmentDiff(
        project.name, environments, tuple(resources), tuple(only), hosts, unread
    )
    warnings = (*left.loaded.warnings, *right.loaded.warnings)
    return result, tuple(dict.fromkeys(warnings))


def _opened(
    project: Project, environments: tuple[str, str], given: Sequence[str]
) -> tuple[EnvironmentDeclarations, EnvironmentDeclarations]:
    """Both environments, or FileError with the problems of both."""
    if environments[0] == environments[1]:
        message = f"cannot compare `{environments[0]}` with itself"
        raise UsageError.of("E780", message, "pass two environments: diff staging prod")
    outside = Outside.of(given, os.environ)
    opened = open_all(project.root, environments, outside).all_or_error()
    left, right = (EnvironmentDeclarations.of(*each) for each in opened)
    return left, right


def _wanted(
    left: EnvironmentDeclarations, right: EnvironmentDeclarations, selection: Selection
) -> set[Address]:
    """What is selected in either: a name in one workspace selects the resource in both."""
    resources = (*left.loaded.resources, *right.loaded.resources)
    return {resource.address for resource in selection.choose(resources)}


def _live(
    project: Project,
    left: EnvironmentDeclarations,
    right: EnvironmentDeclarations,
    both: Sequence[Address],
) -> tuple[list[ResourceDifference], list[OnlyHere], tuple[str, str]]:
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(session_of(project, session.environment, session.loaded))
            for session in (left, right)
        ]
        sides = [_applied(session, both) for session in sessions]
        hosts = (sessions[0].host, sessions[1].host)
    differences: list[ResourceDifference] = []
    missing: list[OnlyHere] = []
    for address in both:
        if all(address in side for side in sides):
            differences.append(live_difference(sides[0][address], sides[1][address]))
            continue
        # Missing in both is no difference: that it is to be applied is for plan to say.
        missing += [
            not_live(here.declared[address], here.environment.name, there.environment.name)
            for here, there, side in zip((left, right), (right, left), sides, strict=True)
            if address in side
        ]
    return differences, missing, hosts


def _applied(session: Session, wanted: Sequence[Address]) -> Mapping[Address, LiveResource]:
    """The resources that are in the workspace, each compared with its manifest."""
    both = frozenset(wanted)
    resources = [resource for resource in session.loaded.resources if resource.address in both]
    reading = read(resources, (), session.drivers)
    request = PlanContext(
        session.project.name,
        session.environment.name,
        addresses={
            (resource.address.kind, resource.name): resource.address
            for resource in session.loaded.resources
        },
    )
    declared = {declaration.address: declaration for declaration in session.loaded.declarations}
    return {
        resource.address: LiveResource(
            declared[resource.address], live, _changes(resource, live, request)
        )
        for resource in resources
        if (live := reading.live[resource.address]) is not None
    }


def _changes(resource: Resource, live: Live, request: PlanContext) -> tuple[FieldChange, ...]:
    pair = Pair(resource.address, resource.name, resource, live)
    return plan_step(pair, KINDS[resource.address.kind], request).changes


# Where two environments differ as their workspaces have it. Pure.
# On purpose is what their files want to differ and what is as they want it. All else is an
# accident: a hand-made change, something that is not applied yet, a choice of the service.

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
    reason = f"also declared in {missing_in}, but missing in its workspace: apply it"
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
