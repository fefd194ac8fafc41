"""The plan of an environment: load, read, compare, collect orphans, decide, add notes.

    load       what the manifests declare and what is selected of it   (``scope_of``)
    read       the live side, from the workspace                       (``reading``)
    compare    each declared resource with its live side               (``planning.comparison``)
    orphans    what belongs to this environment and has no manifest
    decide     one step for each comparison                            (``planning.planner``)
    notes      what a reader of a step should know besides             (``planning.notes``)

``drift`` reads the same comparisons as a plan. Nothing here changes anything, prints or asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from provisioner.kinds import KINDS
from provisioner.manifests.yaml.source import without_collector
from provisioner.model.kind import Driver
from provisioner.model.live import Listed
from provisioner.model.plan import Action, Address, Plan, PlanInputs, Source, Step
from provisioner.model.resource import Resource
from provisioner.planning.comparison import ResourceComparison, compare_resource
from provisioner.planning.deletion_order import in_reverse
from provisioner.planning.notes import Users, with_copied, with_neighbours, with_unlisted
from provisioner.planning.planner import listed_pair, step_of
from provisioner.planning.releases import Releases, held, in_order, releases_of
from provisioner.planning.request import Pair, PlanContext
from provisioner.workflow.live_reader import Reading, examine, read
from provisioner.workflow.scope import PlanOptions, PlanScope, scope_of
from provisioner.workflow.session import Session


@dataclass(frozen=True, slots=True)
class WorkspaceComparison:
    """The manifests beside the workspace. Orphans are among the ``resources``, at the end."""

    scope: PlanScope
    reading: Reading
    resources: Sequence[ResourceComparison]

    @property
    def owned(self) -> int:
        """How many live resources belong to this project and environment."""
        return len(owned_entries(self.reading, self.scope.request.owner))


def make_plan(session: Session, options: PlanOptions) -> Plan:
    """The plan that takes the workspace to the manifests. Raises as ``compare``."""
    # The answers of a thousand endpoints are many small objects, and none of them is in a cycle.
    with without_collector():
        compared = compare(session, options)
        steps = _decide(compared.resources, session.drivers)
        rebound = _rebound(compared.resources, steps)
        if rebound:
            again = {each.pair.address: each for each in rebound}
            resources = [again.get(each.pair.address, each) for each in compared.resources]
            compared = replace(compared, resources=resources)
            steps = _decide(compared.resources, session.drivers)
        steps = in_order(steps, compared.resources, _releases(session))
        steps = in_reverse(steps, compared.resources)
        steps = with_neighbours(steps, _users(compared.scope))
        steps = with_unlisted(steps, _unlisted(compared.reading))
        return _plan(session, compared, with_copied(steps, _copied(compared)))


def _rebound(
    comparisons: Sequence[ResourceComparison], steps: Sequence[Step]
) -> list[ResourceComparison]:
    """Each comparison again whose resource is bound to one that this plan replaces.

    Without it the first apply would leave what only a second one sees: that the new resource
    of the same name is another one.
    """
    replaced = {(step.address.kind, step.name) for step in steps if step.action is Action.REPLACE}
    again = []
    for each in comparisons if replaced else ():
        desired, live = each.pair.desired, each.pair.live
        bind = each.kind.planning.rebound
        if bind is None or desired is None or live is None:
            continue
        needed = set(each.kind.dependencies.depends_on(desired.document)) & replaced
        if needed:
            document = bind(live.document, {name for _, name in needed})
            pair = replace(each.pair, live=replace(live, document=document))
            again.append(compare_resource(pair, each.kind, each.request))
    return again


def _unlisted(reading: Reading) -> dict[str, str]:
    """Kind and title of what the workspace refused to list."""
    return {name: KINDS[name].title for name in listed_kinds() if name not in reading.listed}


def _copied(compared: WorkspaceComparison) -> dict[tuple[str, str], str]:
    """Kind, name and title of what has no manifest and a copied record of this environment."""
    scope = compared.scope
    return {
        (kind, entry.name): KINDS[kind].title
        for kind, entries in compared.reading.listed.items()
        for entry in entries
        if entry.copied_owner == scope.request.owner
        and not scope.declares(kind, entry.name)
        and scope.selection.covers_orphan(kind, entry.name)
    }


def compare(session: Session, options: PlanOptions) -> WorkspaceComparison:
    """Compare the manifests with the workspace.

    Raises UsageError for a selection of nothing, WorkspaceError for what cannot be read.
    """
    scope = scope_of(session, options)
    reading = read(scope.selected, listed_kinds(), session.drivers)
    declared = [scope.pair(resource, reading.live[resource.address]) for resource in scope.selected]
    orphans = _orphans(scope, reading, session.drivers)
    resources = [_compare(pair, scope.request) for pair in (*declared, *orphans)]
    return WorkspaceComparison(scope, reading, held(resources, _releases(session)))


def _releases(session: Session) -> Releases:
    return releases_of(session.loaded.resources, KINDS)


def make_destroy_plan(session: Session, options: PlanOptions) -> Plan:
    """Plan the deletion of all that belongs to this environment, declared or not."""
    scope = scope_of(session, replace(options, prune=True))
    # The list leaves out what the caller may not see, and that must not read as "gone": so
    # what is declared is read too, and a refusal is an error.
    kinds = listed_kinds()
    declared = [each for each in scope.declared if each.address.kind in kinds]
    reading = read(declared, kinds, session.drivers)
    entries = owned_entries(reading, scope.request.owner)
    doomed = [Resource(scope.address_of(kind, each.name), each.name, {}) for kind, each in entries]
    chosen = options.selection.choose(doomed)
    pairs = _pairs_to_delete(chosen, session.drivers)
    compared = [_compare(pair, scope.request) for pair in pairs]
    steps = in_reverse(_decide(compared, session.drivers), compared)
    return _plan(session, WorkspaceComparison(scope, reading, compared), steps)


def listed_kinds() -> tuple[str, ...]:
    """The kinds whose lists are read for orphans and for the guard."""
    return tuple(name for name, kind in KINDS.items() if kind.is_owned)


def owned_entries(reading: Reading, owner: str) -> list[tuple[str, Listed]]:
    """Kind and entry of everything in the lists that belongs to ``owner``."""
    return [
        (kind, entry)
        for kind, entries in reading.listed.items()
        for entry in entries
        if entry.ownership.owner == owner
    ]


def _compare(pair: Pair, request: PlanContext) -> ResourceComparison:
    return compare_resource(pair, KINDS[pair.address.kind], request)


def _orphans(scope: PlanScope, reading: Reading, drivers: Mapping[str, Driver]) -> list[Pair]:
    """The selected live resources of this environment that no manifest names."""
    entries = {
        scope.address_of(kind, entry.name): entry
        for kind, entry in owned_entries(reading, scope.request.owner)
        if not scope.declares(kind, entry.name) and scope.selection.covers_orphan(kind, entry.name)
    }
    if scope.request.prune:
        doomed = [Resource(address, entry.name, {}) for address, entry in entries.items()]
        return _pairs_to_delete(doomed, drivers)
    return [listed_pair(address, entry) for address, entry in entries.items()]


def _pairs_to_delete(doomed: Sequence[Resource], drivers: Mapping[str, Driver]) -> list[Pair]:
    """Each of ``doomed`` as it is read now: its fingerprint shows when a step is stale."""
    live = read(doomed, (), drivers).live
    return [Pair(each.address, each.name, None, live[each.address]) for each in doomed]


def _decide(
    comparisons: Sequence[ResourceComparison], drivers: Mapping[str, Driver]
) -> Sequence[Step]:
    """One step for each comparison, in their order."""
    steps = {each.pair.address: step_of(each) for each in comparisons}
    replaced = {
        pair.address: (pair.desired, pair.live)
        for pair in (each.pair for each in comparisons)
        if steps[pair.address].action is Action.REPLACE and pair.desired and pair.live
    }
    # Only now, because it costs a request for each: what would a replacement lose?
    examined = examine(replaced, drivers)
    for each in comparisons:
        if live := examined.get(each.pair.address):
            pair = replace(each.pair, live=live)
            steps[pair.address] = step_of(replace(each, pair=pair))
    return tuple(steps.values())


def _users(scope: PlanScope) -> Users:
    """For each address, the declared resources that depend on it."""
    addresses = scope.request.addresses
    users: dict[Address, list[Address]] = {}
    for resource in scope.loaded.resources:
        kind = KINDS[resource.address.kind]
        for name in kind.dependencies.depends_on(resource.document):
            if name in addresses:
                users.setdefault(addresses[name], []).append(resource.address)
    return users


def _plan(session: Session, compared: WorkspaceComparison, steps: Sequence[Step]) -> Plan:
    request = compared.scope.request
    return Plan(
        project=request.project,
        environment=request.environment,
        host=session.host,
        steps=tuple(sorted(steps, key=lambda step: step.address)),
        source=Source(session.loaded.digest, session.git_commit),
        protected=session.environment.protected,
        owned=compared.owned,
        prices=session.project.prices,
        inputs=PlanInputs(
            select=compared.scope.selection.patterns,
            variables=session.given,
            rotate=tuple(sorted(request.rotate)),
            redeploy=tuple(sorted(request.redeploy)),
            take_over_from=request.take_over_from,
            prune=request.prune,
        ),
    )


def undeclared_dependencies(session: Session, plan: Plan) -> tuple[str, ...]:
    """A note for each dependency of a step with calls that no manifest declares.

    It may be declared elsewhere; only the workspace knows whether it exists.
    """
    declared = {
        (declaration.kind.name, declaration.name.casefold())
        for declaration in session.loaded.declarations
    }
    writing = {step.address for step in plan.steps if step.operations}
    users: dict[tuple[str, str], list[str]] = {}
    for declaration in session.loaded.declarations:
        needed = (
            declaration.kind.dependencies.depends_on(declaration.document)
            if declaration.address in writing
            else ()
        )
        for kind, name in needed:
            if (kind, name.casefold()) not in declared:
                users.setdefault((kind, name), []).append(str(declaration.address))
    return tuple(
        f"no manifest declares the {KINDS[kind].title} `{name}`; {_needed_by(names)}"
        for (kind, name), names in sorted(users.items())
    )


def _needed_by(names: Sequence[str]) -> str:
    return f"{names[0]} needs it" if len(names) == 1 else f"{len(names)} resources need it"
