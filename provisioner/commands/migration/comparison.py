"""``migrate --check``: the endpoint and its successor are asked the same. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from provisioner.commands.migration.callers import usage_of
from provisioner.commands.migration.migrate import check_place, migrator_of
from provisioner.commands.migration.result import UsageReport
from provisioner.commands.query.ask import QueryTarget, named
from provisioner.errors import LoginError, WorkspaceError
from provisioner.kinds import KINDS
from provisioner.model.kind import Kind
from provisioner.model.paths import Document
from provisioner.model.plan import Address
from provisioner.model.query import CheckResult
from provisioner.model.resource import Resource
from provisioner.workflow.check_cases import has_cases
from provisioner.workflow.session import Session

TIMEOUT_S: Final = 60.0
# Asked where no manifest of the endpoint has a check; every task takes one of them.
DEFAULT: Final[Document] = {"name": "answers", "prompt": "What is a quoll?"}
SAME_API: Final = "speaks the same API"


def compare(session: Session, names: Sequence[str], place: str) -> tuple[CheckResult, ...]:
    """Each check of each named endpoint, put to the endpoint and to its successor in ``place``.

    A check of the successor passes where it does what it should and the endpoint does, too.
    Raises UsageError for what names nothing, LoginError.
    """
    check_place(place)
    results: list[CheckResult] = []
    for name in names:
        target = named(session.loaded.resources, name, migrator_of)
        results += _compared(session, target, place)
    return tuple(results)


def callers(session: Session, names: Sequence[str], warehouse: str) -> UsageReport:
    """Who still calls each named endpoint. Raises UsageError for what names nothing, LoginError."""
    targets = [named(session.loaded.resources, name, migrator_of) for name in names]
    (kind,) = {target.kind.name: target.kind for target in targets}.values()
    migrator = migrator_of(kind)
    if migrator is None:
        raise TypeError(f"{kind.name} has no successors")
    live = {target.name: _live(session, kind, target.name) for target in targets}
    there = {name: document for name, document in live.items() if document is not None}
    return usage_of(session, migrator, there, warehouse)


def _compared(session: Session, target: QueryTarget, place: str) -> Iterator[CheckResult]:
    migrator = migrator_of(target.kind)
    if migrator is None or target.kind.invocation is None:
        raise TypeError(f"{target.kind.name} has no successors")
    kind_name, full_name = migrator.successor(target.name, place)
    kind = KINDS[kind_name]
    old = _live(session, target.kind, target.name)
    new = _live(session, kind, full_name)
    for resource, document in ((target, old), (QueryTarget(kind, full_name), new)):
        if document is None:
            message = (
                f"there is no {resource.kind.title} `{resource.name}`: run `provisioner "
                "apply` first"
            )
            yield _result(resource.kind, resource.name, SAME_API, message)
    if old is None or new is None:
        return
    yield _result(kind, full_name, SAME_API, migrator.same_api(old, new))
    checks = target.resource.checks if target.resource else ()
    for check in _usable(checks) or [DEFAULT]:
        yield _asked(session, target.kind, (target.name, old), check)
        yield _asked(session, kind, (full_name, new), check)


def _usable(checks: Sequence[Document]) -> list[Document]:
    """Checks that both take: a successor chooses itself which of its parts answers."""
    return [check for check in checks if "entity" not in check and not has_cases(check)]


def _live(session: Session, kind: Kind, name: str) -> Document | None:
    return kind.invocation.clients.read(session.connection, name) if kind.invocation else None


def _asked(
    session: Session, kind: Kind, live: tuple[str, Document], check: Document
) -> CheckResult:
    name, document = live
    if kind.invocation is None:
        raise TypeError(f"{kind.name} cannot be queried")
    resource = Resource(Address(kind.name, name), name, document)
    try:
        return kind.invocation.verify(session.connection, resource, check, TIMEOUT_S)
    except LoginError:
        raise
    except WorkspaceError as error:
        return _result(kind, name, str(check.get("name", "")), str(error))


def _result(kind: Kind, name: str, check: str, message: str) -> CheckResult:
    return CheckResult(Address(kind.name, name), name, check, "", not message, message, 0, None)
