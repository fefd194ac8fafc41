"""Whether a saved or an approved plan may be applied here and now.

A saved plan is a description, and not a list of calls to obey: whoever can exchange the file
can compute its digest again. So each check has its order. What needs no workspace comes before
any request: project, environment, version, the kind's own calls about the step's own name, and
only secrets that the manifests name. Then the plan is computed again (``recomputed_plan``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, NamedTuple

from provisioner import __version__
from provisioner.errors import Problem, RefusedError, UsageError
from provisioner.kinds import KINDS
from provisioner.model.plan import DESTRUCTIVE, Address, Plan, Step
from provisioner.model.resource import Resource
from provisioner.model.selection import Selection
from provisioner.planning.plan_file import SavedPlan
from provisioner.planning.plan_json import MAKE_AGAIN, digest
from provisioner.planning.planner import INACTIVE
from provisioner.workflow.plan import make_plan
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

# Computes a saved plan again, from the manifests and the workspace of this run.
# For each step that makes calls, the live fingerprint comes first: where it is another one, the
# step is stale, and the other steps may go on. Where it is the same, what the plan says of the
# resource has to be what a new plan says: a difference refuses the whole plan.

STALE: Final = "stale"
"""A fingerprint that no live resource has."""


def confirmed(session: Session, plan: Plan) -> Plan:
    """Returns ``plan`` with the steps that are stale marked as such.

    Raises RefusedError (E528) where the manifests and the workspace lead to something else,
    WorkspaceError for what cannot be read.
    """
    again = make_plan(session, _options(plan))
    steps = {step.address: step for step in again.steps}
    fingerprints = {
        step.address: _fingerprint(session, step, steps)
        for step in plan.steps
        if step.action not in INACTIVE
    }
    problems = [
        _unexpected(step, session, plan)
        for step in plan.steps
        if step.action not in INACTIVE
        and fingerprints[step.address] == step.live_fingerprint
        and not _is_same(step, steps.get(step.address))
    ]
    if problems:
        raise RefusedError(problems)
    confirmed_steps = tuple(
        replace(step, live_fingerprint=STALE)
        if fingerprints.get(step.address, step.live_fingerprint) != step.live_fingerprint
        else step
        for step in plan.steps
    )
    return replace(plan, steps=confirmed_steps, protected=again.protected, owned=again.owned)


def _options(plan: Plan) -> PlanOptions:
    inputs = plan.inputs
    return PlanOptions(
        selection=Selection(inputs.select),
        rotate=frozenset(inputs.rotate),
        redeploy=frozenset(inputs.redeploy),
        take_over_from=inputs.take_over_from,
        prune=inputs.prune,
    )


def _fingerprint(session: Session, step: Step, steps: dict[Address, Step]) -> str:
    """The fingerprint of what is live now under the name of ``step``.

    A step that the new plan does not have is read by its own name: the file may name anything.
    """
    again = steps.get(step.address)
    if again is not None and again.name == step.name:
        return again.live_fingerprint
    driver = session.drivers[step.address.kind]
    live = driver.read(Resource(step.address, step.name, step.desired or {}))
    return live.fingerprint if live else ""


def _is_same(step: Step, again: Step | None) -> bool:
    return again is not None and _covered(step) == _covered(again)


def _covered(step: Step) -> tuple[Any, ...]:
    """What a step does, and what a reader is shown of it. Notes are about other resources."""
    changes = [(each.path, each.before, each.after, each.action) for each in step.changes]
    return (
        step.name,
        step.action,
        _plain(step.operations),
        _plain(changes),
        _plain(step.desired),
        step.existing,
        step.ignore_changes,
        step.needs,
        step.after_ready,
    )


def _plain(value: Any) -> str:
    """Text that is the same for equal data, whether it was computed or read from JSON."""
    return repr(_ordered(value))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, _ordered(value[name])) for name in sorted(value)]
    if hasattr(value, "__dataclass_fields__"):
        names = value.__dataclass_fields__
        return [(name, _ordered(getattr(value, name))) for name in names]
    if isinstance(value, list | tuple):
        return [_ordered(inner) for inner in value]
    return value


def _unexpected(step: Step, session: Session, plan: Plan) -> Problem:
    same_files = plan.source.digest == session.loaded.digest
    why = (
        "the file was changed after the plan was made"
        if same_files
        else "it was made from other manifests or other values of variables"
    )
    message = (
        f"`{step.address}` has not changed since the plan, but a new plan for it "
        f"differs: {why}; nothing was applied"
    )
    return Problem("E528", message, hint=MAKE_AGAIN)


_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_CALL: Final = re.compile(r"/api/\d\.\d/[^\s?#\\]+(\?[^\s?#\\]+)?")
_METHODS: Final = frozenset({"DELETE", "PATCH", "POST", "PUT"})


def accepted(session: Session, saved: SavedPlan) -> Plan:
    """Returns the saved plan, if it may be applied in ``session``.

    Raises RefusedError for a plan that was made for another project, environment, workspace
    or version, and for one that the manifests and the workspace do not lead to. How many
    resources are owned, whether the environment is protected and what ``removed:`` consents
    to is what it is now, whatever the file says.
    """
    plan = saved.plan
    here = Here(session.project.name, session.environment.name, session.host)
    _refuse(here, saved)
    _refuse_foreign_calls(session, plan)
    if all(step.action in INACTIVE for step in plan.steps):
        return replace(plan, protected=session.environment.protected)
    steps = tuple(_with_present_consent(session, step) for step in plan.steps)
    return confirmed(session, replace(plan, steps=steps))


class Here(NamedTuple):
    """Where a plan is to be applied; ``host`` is ``""`` before anybody has looked."""

    project: str
    environment: str
    host: str = ""


def refuse_foreign(saved: SavedPlan | None, project: str, environment: str) -> None:
    """Raise RefusedError for what needs neither a login nor a workspace. None: nothing to do."""
    if saved:
        _refuse(Here(project, environment), saved)


def _refuse(here: Here, saved: SavedPlan) -> None:
    plan = saved.plan
    problems = [*_made_elsewhere(here, plan), *_made_by_another(saved), *_unsound(plan)]
    if problems:
        raise RefusedError(problems)


def check_digest_given(expected: str) -> None:
    """Raise UsageError unless ``expected`` can be the digest of a plan, or is not given."""
    if expected and not _DIGEST.fullmatch(expected):
        hint = "pass the `digest` of `provisioner plan -o json`: sha256: and 64 digits"
        raise UsageError.of("E515", f"`{expected}` is not a plan digest", hint)


def refuse_unapproved(plan: Plan, expected: str) -> None:
    """Raise RefusedError if another plan than this one was approved. ``""`` approves any."""
    here = digest(plan)
    if expected and here != f"sha256:{expected.removeprefix('sha256:')}":
        raise RefusedError.of(
            "E514",
            f"this is not the plan that was approved: its digest is {here}",
            "the workspace or the manifests have changed since: review the new plan, and "
            f"approve it with --expect-plan-digest {here}",
        )


def other_manifests(session: Session, plan: Plan) -> str:
    """What to say when ``plan`` was made from other manifests than these; else ``""``."""
    if plan.source.digest == session.loaded.digest:
        return ""
    commit = plan.source.git_commit[:12]
    made = f"at commit {commit}" if commit else "without git"
    return f"the plan was made {made} from other manifests, but contains the same calls"


def _made_elsewhere(here: Here, plan: Plan) -> Iterator[Problem]:
    again = f"provisioner apply -e {plan.environment} PLANFILE"
    rows = (
        ("project", plan.project, here.project, "run the command in that project, or pass -C"),
        ("environment", plan.environment, here.environment, again),
        ("workspace", plan.host, here.host or plan.host, MAKE_AGAIN),
    )
    for what, theirs, ours, hint in rows:
        if theirs != ours:
            message = f"the plan is for the {what} `{theirs}`, but this is `{ours}`"
            yield Problem("E509", message, hint=hint)


def _made_by_another(saved: SavedPlan) -> Iterator[Problem]:
    if saved.tool_version != __version__:
        message = (
            f"the plan was made by provisioner {saved.tool_version:.40}, but this is "
            f"{__version__}, which may plan other changes"
        )
        yield Problem("E513", message, hint=MAKE_AGAIN)


def _unsound(plan: Plan) -> Iterator[Problem]:
    """What a plan of ours never holds, though its digest may fit."""
    addresses = [step.address for step in plan.steps]
    if len(set(addresses)) < len(addresses) or addresses != sorted(addresses):
        yield _no_plan("its steps are not sorted by address, or an address has two")
    if _in_circles(plan):
        yield _no_plan("its steps depend on each other in a cycle")
    for step in plan.steps:
        for wrong in _wrong_in(step):
            yield _no_plan(f"`{step.address}` {wrong}")


def _in_circles(plan: Plan) -> bool:
    try:
        TopologicalSorter({step.address: step.needs for step in plan.steps}).prepare()
    except CycleError:
        return True
    return False


def _wrong_in(step: Step) -> Iterator[str]:
    if step.address.kind not in KINDS:
        yield f"is of an unknown kind: `{step.address.kind}`"
    if step.operations and step.action in INACTIVE:
        yield f"is `{step.action}`, but makes calls"
    for each in step.operations:
        if each.method not in _METHODS or not _CALL.fullmatch(each.path) or ".." in each.path:
            yield f"makes a call that the service does not have: {each.method} {each.path}"
        elif each.method == "DELETE" and step.action not in DESTRUCTIVE:
            yield f"is `{step.action}`, but deletes"


def _refuse_foreign_calls(session: Session, plan: Plan) -> None:
    """Raises RefusedError for a call that the manifests cannot have led to."""
    problems = [
        _no_plan(f"`{step.address}` {reason}")
        for step in plan.steps
        for reason in (*_foreign_calls(step), *_foreign_secrets(session, step))
    ]
    problems += [_no_plan(f"`{step.address}` {_RENAMED}") for step in _renamed(session, plan)]
    if problems:
        raise RefusedError(problems)


_RENAMED: Final = "has another name in the manifests"


def _renamed(session: Session, plan: Plan) -> Iterator[Step]:
    loaded = session.loaded
    known = {each.address: each.name for each in loaded.resources}
    known |= {each.address: each.name for each in loaded.removals}
    for step in plan.steps:
        if step.operations and known.get(step.address, step.name) != step.name:
            yield step


def _foreign_calls(step: Step) -> Iterator[str]:
    calls = KINDS[step.address.kind].planning.own_calls
    for operation in step.operations:
        own = calls.get(operation.call)
        if own is None or not own.is_about(step.name, operation):
            call = f"{operation.method} {operation.path}"
            yield f"makes a call that is not about `{step.name}`: {call}"


def _foreign_secrets(session: Session, step: Step) -> Iterator[str]:
    declared = {
        source
        for resource in session.loaded.resources
        if resource.address == step.address
        for source in secret_sources(resource.document)
    }
    for operation in step.operations:
        for source in secret_sources(operation.payload):
            if source not in declared:
                yield f"sends a secret that no manifest names: {' '.join(source)}"


def secret_sources(value: Any) -> Iterator[tuple[str, str]]:
    """Yields each place a secret comes from in JSON data: ``("from_env", NAME)``."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in ("from_env", "from_file") and isinstance(inner, str):
                yield name, inner
            else:
                yield from secret_sources(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secret_sources(inner)


def _no_plan(why: str) -> Problem:
    return Problem("E510", f"this is not a plan: {why}", hint=MAKE_AGAIN)


def _with_present_consent(session: Session, step: Step) -> Step:
    if not step.consented:
        return step
    agreed = {
        removal.address: removal.name for removal in session.loaded.removals if removal.delete
    }
    return replace(step, consented=agreed.get(step.address) == step.name)
