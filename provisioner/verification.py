"""``verify``: the checks of the manifests against what is live. Reads and questions only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from provisioner.at_once import at_once
from provisioner.errors import LoginError, UsageError, WorkspaceError
from provisioner.kinds import KINDS
from provisioner.question import CheckResult
from provisioner.resource import Phase, Readiness, Resource
from provisioner.selection import selected
from provisioner.semantics import Document
from provisioner.session import Session

TIMEOUT_S: Final = 60.0
PARALLELISM: Final = 8

NOT_ASKED: Final = {
    Phase.ABSENT: "not asked: it is not there yet; `provisioner apply` creates it",
    Phase.UPDATING: "not asked: it is still updating; `provisioner status --wait` waits for it",
    Phase.STOPPED: "not asked: it is stopped",
    Phase.FAILED: "not asked: its last update failed",
    Phase.NOT_READY: "not asked: it is not ready",
}


def verify(
    session: Session,
    select: Sequence[str] = (),
    *,
    timeout_s: float = TIMEOUT_S,
    parallelism: int = PARALLELISM,
) -> tuple[CheckResult, ...]:
    """Carry out the checks of the selected resources, in the order of the manifests.

    No result where they declare none. What is not there or not ready fails its checks without
    being asked. ``timeout_s`` is for each question. Raises UsageError for a selection of
    nothing, LoginError.
    """
    resources = [one for one in selected(session.loaded.resources, select) if one.checks]

    def stands(resource: Resource) -> Readiness:
        try:
            return session.drivers[resource.address.kind].confirm(resource.name)
        except LoginError:
            raise
        except WorkspaceError as error:
            return Readiness(Phase.NOT_READY, str(error))

    def carried_out(asked: tuple[Resource, Document, Readiness]) -> CheckResult:
        return _carried_out(session, asked, timeout_s)

    readiness = at_once(stands, resources, parallelism)
    questions = [
        (resource, check, found)
        for resource, found in zip(resources, readiness, strict=True)
        for check in resource.checks
    ]
    return at_once(carried_out, questions, parallelism)


def no_checks() -> UsageError:
    """What to say where nothing was asked: that must not read as proven."""
    hint = "add some to a manifest: `checks: [{name: answers, prompt: Hello}]`"
    return UsageError.of("E747", "no selected resource has `checks`", hint)


def _carried_out(
    session: Session, asked: tuple[Resource, Document, Readiness], timeout_s: float
) -> CheckResult:
    resource, check, readiness = asked
    if readiness.phase is not Phase.READY:
        said = f": {readiness.message}" if readiness.message else ""
        told = "" if readiness.phase is Phase.ABSENT else said
        return _failed(resource, check, NOT_ASKED[readiness.phase] + told)
    verify_one = KINDS[resource.address.kind].verify
    if verify_one is None:
        raise TypeError(f"{resource.address.kind} has checks and cannot verify them")
    try:
        return verify_one(session.connection, resource, check, timeout_s)
    except LoginError:
        raise
    except WorkspaceError as error:
        return _failed(resource, check, str(error))


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
