"""`diff A B`: two environments of one project, as their files or their workspaces have them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from provisioner.commands.diff.config_diff import (
    EnvironmentDeclarations,
    declared_difference,
    only_here,
)
from provisioner.commands.diff.live import LiveResource, live_difference, not_live
from provisioner.commands.diff.result import EnvironmentDiff, OnlyHere, ResourceDifference
from provisioner.errors import Problem, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.given_values import Outside
from provisioner.model.live import Live
from provisioner.model.plan import Address, FieldChange
from provisioner.model.resource import Resource
from provisioner.model.selection import EVERYTHING, Selection
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext
from provisioner.workflow.environments import open_all
from provisioner.workflow.live_reader import read
from provisioner.workflow.project import Project, open_project
from provisioner.workflow.session import Session, session_of

Warnings = tuple[Problem, ...]


def compare(
    folder: Path | None,
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
        message = f"`{environments[0]}` is compared with itself"
        raise UsageError.of("E780", message, "name two environments: diff staging prod")
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
