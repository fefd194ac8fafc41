"""Whether a saved or an approved plan may be applied here and now.

What the digest of a plan does not cover is taken from the files and the workspace of this
run. Whether each resource still is as it was is checked when it is applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Final, NamedTuple

from provisioner import __version__
from provisioner.errors import Problem, RefusedError, UsageError
from provisioner.kinds import KINDS
from provisioner.model.plan import DESTRUCTIVE, Action, Plan, Step
from provisioner.planning.plan_file import SavedPlan
from provisioner.planning.plan_json import MAKE_AGAIN, digest
from provisioner.workflow.plan import listed_kinds, owned_entries
from provisioner.workflow.reading import read
from provisioner.workflow.session import Session

_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_CALL: Final = re.compile(r"/api/\d\.\d/[^\s?#\\]+")
_METHODS: Final = frozenset({"DELETE", "PATCH", "POST", "PUT"})
_WITHOUT_CALLS: Final = frozenset({Action.KEEP, Action.BLOCKED, Action.ORPHAN})


def accepted(session: Session, saved: SavedPlan) -> Plan:
    """The saved plan, if it was made for this project, environment, workspace and version.

    Raises RefusedError otherwise, and for steps that no plan of ours has. How many resources
    are ours, whether the environment is protected and what ``removed:`` consents to is what
    it is now, whatever the file says.
    """
    plan = saved.plan
    here = Here(session.project.name, session.environment.name, session.host)
    _refuse(here, saved)
    steps = tuple(_with_present_consent(session, step) for step in plan.steps)
    return replace(
        plan,
        steps=steps,
        protected=session.environment.protected,
        owned=_owned(session, plan),
    )


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
        hint = "it is the `digest` of `provisioner plan -o json`: sha256: and 64 digits"
        raise UsageError.of("E515", f"`{expected}` is not the digest of a plan", hint)


def refuse_unapproved(plan: Plan, expected: str) -> None:
    """Raise RefusedError if another plan than this one was approved. ``""`` approves any."""
    here = digest(plan)
    if expected and here != f"sha256:{expected.removeprefix('sha256:')}":
        raise RefusedError.of(
            "E514",
            f"this is not the plan that was approved: its digest is {here}",
            "the workspace or the manifests have changed since: look at the plan again, and "
            f"approve it with --expect-plan-digest {here}",
        )


def other_manifests(session: Session, plan: Plan) -> str:
    """What to say when ``plan`` was made from other manifests than these; else ``""``."""
    if plan.source.digest == session.loaded.digest:
        return ""
    commit = plan.source.git_commit[:12]
    made = f"at commit {commit}" if commit else "without git"
    return f"the plan was made {made}, from other manifests than these; it is applied as it is"


def _made_elsewhere(here: Here, plan: Plan) -> Iterator[Problem]:
    again = f"provisioner apply -e {plan.environment} PLANFILE"
    rows = (
        ("project", plan.project, here.project, "run it in that project, or with -C"),
        ("environment", plan.environment, here.environment, again),
        ("workspace", plan.host, here.host or plan.host, MAKE_AGAIN),
    )
    for what, theirs, ours, hint in rows:
        if theirs != ours:
            message = f"the plan is for the {what} `{theirs}`, and this is `{ours}`"
            yield Problem("E509", message, hint=hint)


def _made_by_another(saved: SavedPlan) -> Iterator[Problem]:
    if saved.tool_version != __version__:
        message = (
            f"the plan was made by provisioner {saved.tool_version:.40}, "
            f"and this is {__version__}, which may plan something else"
        )
        yield Problem("E513", message, hint=MAKE_AGAIN)


def _unsound(plan: Plan) -> Iterator[Problem]:
    """What a plan of ours never holds, though its digest may fit."""
    addresses = [step.address for step in plan.steps]
    if len(set(addresses)) < len(addresses) or addresses != sorted(addresses):
        yield _no_plan("its steps are not sorted by address, or an address has two")
    if _in_circles(plan):
        yield _no_plan("its steps need each other in a circle")
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
        yield f"is of a kind that nobody knows: `{step.address.kind}`"
    if step.operations and step.action in _WITHOUT_CALLS:
        yield f"is `{step.action}` and makes calls all the same"
    for each in step.operations:
        if each.method not in _METHODS or not _CALL.fullmatch(each.path) or ".." in each.path:
            yield f"makes a call that is none of the service's: {each.method} {each.path}"
        elif each.method == "DELETE" and step.action not in DESTRUCTIVE:
            yield f"is `{step.action}` and deletes all the same"


def _no_plan(why: str) -> Problem:
    return Problem("E510", f"this is not a plan: {why}", hint=MAKE_AGAIN)


def _with_present_consent(session: Session, step: Step) -> Step:
    if not step.consented:
        return step
    agreed = {one.address: one.name for one in session.loaded.removals if one.delete}
    return replace(step, consented=agreed.get(step.address) == step.name)


def _owned(session: Session, plan: Plan) -> int:
    """Only the guard wants to know, and only where something is destroyed."""
    if not any(step.action in DESTRUCTIVE for step in plan.steps):
        return plan.owned
    owner = f"{session.project.name}/{session.environment.name}"
    return len(owned_entries(read((), listed_kinds(), session.drivers), owner))
