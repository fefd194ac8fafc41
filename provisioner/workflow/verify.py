"""``verify``: the checks of the manifests against what is live. Reads and questions only."""

from __future__ import annotations

from typing import Final

from provisioner.errors import LoginError, ServiceError, UsageError, WorkspaceError
from provisioner.kinds import KINDS
from provisioner.model.live import Phase
from provisioner.model.paths import Document
from provisioner.model.query import CheckResult
from provisioner.model.resource import Resource
from provisioner.model.selection import EVERYTHING, Selection
from provisioner.workflow.check_cases import with_cases
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.rollout_analysis import live_checks
from provisioner.workflow.session import Session

TIMEOUT_S: Final = 60.0
PARALLELISM: Final = 8

NOT_ASKED: Final = {
    Phase.ABSENT: "skipped: the endpoint does not exist yet; `provisioner apply` creates it",
    Phase.UPDATING: (
        "skipped: the endpoint is updating; to wait for it, run `provisioner status --wait`"
    ),
    Phase.STOPPED: "skipped: the endpoint is stopped",
    Phase.FAILED: "skipped: the last update of the endpoint failed",
    Phase.NOT_READY: "skipped: the endpoint is not ready",
}


def verify(
    session: Session,
    selection: Selection = EVERYTHING,
    *,
    timeout_s: float = TIMEOUT_S,
    parallelism: int = PARALLELISM,
) -> tuple[CheckResult, ...]:
    """Carry out the checks of the selected resources, in the order of the manifests.

    No result where they declare none. What is not there or not ready fails its checks without
    being asked. ``timeout_s`` is for each question. Raises UsageError for a selection of
    nothing, LoginError, and UnreachableError where not even the workspace answers.
    """
    resources = [
        resource for resource in selection.choose(session.loaded.resources) if resource.checks
    ]

    def obstacle(resource: Resource) -> str:
        return _obstacle(session, resource)

    def carried_out(question: tuple[Resource, Document, str]) -> CheckResult:
        return _carried_out(session, question, timeout_s)

    obstacles = map_parallel(obstacle, resources, parallelism)
    questions = [
        (resource, check, reason)
        for resource, reason in zip(resources, obstacles, strict=True)
        for check in (resource.checks if reason else live_checks(session, resource))
    ]
    return map_parallel(carried_out, questions, parallelism)


def _obstacle(session: Session, resource: Resource) -> str:
    """Why the live resource cannot be asked; ``""``: it can."""
    try:
        readiness = session.drivers[resource.address.kind].confirm(resource.name)
    except ServiceError as error:
        return f"skipped: {error}"
    if readiness.phase is Phase.READY:
        return ""
    # That it is absent says all there is to say.
    more = (
        f": {readiness.message}"
        if readiness.message and readiness.phase is not Phase.ABSENT
        else ""
    )
    return NOT_ASKED[readiness.phase] + more


def no_checks() -> UsageError:
    """What to say where nothing was asked: that must not read as proven."""
    hint = "add some to a manifest: `checks: [{name: answers, prompt: Hello}]`"
    return UsageError.of("E747", "no selected resource has `checks`", hint)


def _carried_out(
    session: Session, question: tuple[Resource, Document, str], timeout_s: float
) -> CheckResult:
    resource, check, obstacle = question
    if obstacle:
        return _failed(resource, check, obstacle)
    invocation = KINDS[resource.address.kind].invocation
    if invocation is None:
        raise TypeError(f"{resource.address.kind} has checks, but cannot verify them")
    verify_one = invocation.verify

    def ask(asked_check: Document) -> CheckResult:
        try:
            return verify_one(session.connection, resource, asked_check, timeout_s)
        except LoginError:
            raise
        except WorkspaceError as error:
            return _failed(resource, asked_check, str(error))

    return with_cases(check, ask)


def _failed(resource: Resource, check: Document, message: str) -> CheckResult:
    return CheckResult(
        address=resource.address,
        name=resource.name,
        check=str(check.get("name", "")),
        entity=str(check.get("entity", "")),
        passed=False,
        message=message,
        duration_ms=0,
        tokens=None,
    )
