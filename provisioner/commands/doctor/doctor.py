"""``doctor``: what stands between this machine and a workspace, from near to far. Reads only.

Each look begins where the one before has ended well; what could not be reached is unknown.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from provisioner import __version__
from provisioner.commands.preflight.grants import ME
from provisioner.commands.preflight.preflight import examine
from provisioner.errors import Problem, ProvisionerError, Severity, WorkspaceError
from provisioner.errors.wording import counted
from provisioner.files import git
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment
from provisioner.model.clock import Now, utc_now
from provisioner.model.kind import OwnershipCarrier
from provisioner.model.live import Live
from provisioner.model.resource import Resource
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.text import harmless_line
from provisioner.rendering.values import wrapped
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.project import Project, open_environment, open_project
from provisioner.workflow.session import Session, session_of
from provisioner.workspace import WorkspaceTarget


class DiagnosisStatus(StrEnum):
    """How a look at one thing ended. ``UNKNOWN``: it cannot be known, or not yet."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``about`` is what was looked at, in a word; ``hint`` the way out. Never a secret."""

    about: str
    verdict: DiagnosisStatus
    message: str
    hint: str = ""


SKEW_WARNED_S, SKEW_REFUSED_S = 30, 300
VERDICTS: Final = {
    Severity.ERROR: DiagnosisStatus.FAILED,
    Severity.WARNING: DiagnosisStatus.WARNING,
}


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """Where to look: the options of the command."""

    folder: Path | None
    environment: str
    profile: str = ""
    variables: tuple[str, ...] = ()


def findings(options: DoctorOptions, now: Now = utc_now) -> Iterator[Diagnosis]:
    """One finding after the other, as they come; none raises."""
    yield Diagnosis("versions", DiagnosisStatus.OK, _versions())
    try:
        project = open_project(options.folder)
        yield _git(project)
        environment, loaded = open_environment(project, options.environment, options.variables)
        yield Diagnosis("manifests", DiagnosisStatus.OK, _declared(project, environment, loaded))
    except ProvisionerError as error:
        yield _failed("manifests", error, _to_mend(error, options.environment))
        yield Diagnosis("workspace", DiagnosisStatus.UNKNOWN, "skipped: fix the manifests first")
        return
    if environment.workspace.emulator:
        where = f"local workspace in {environment.workspace.emulator}"
        yield Diagnosis("workspace", DiagnosisStatus.OK, where)
    else:
        met = list(_way(environment, options.profile, now))
        yield from met
        if any(diagnosis.verdict is DiagnosisStatus.FAILED for diagnosis in met):
            yield Diagnosis(
                "rights", DiagnosisStatus.UNKNOWN, "skipped: the workspace cannot be reached yet"
            )
            return
    try:
        with session_of(project, environment, loaded, options.profile) as started:
            yield from _rights(started)
    except ProvisionerError as error:
        yield _failed("rights", error)


def _versions() -> str:
    try:
        sdk = version("databricks-sdk")
    except PackageNotFoundError:
        sdk = "missing"
    return f"provisioner {__version__}, Python {platform.python_version()}, databricks-sdk {sdk}"


def _git(project: Project) -> Diagnosis:
    commit = git.commit(project.root)
    if not commit:
        hint = "without a commit, plans do not record the commit of the manifests"
        return Diagnosis("git", DiagnosisStatus.WARNING, "no git repository with a commit", hint)
    changed = ", with uncommitted files" if commit.endswith("+") else ""
    return Diagnosis("git", DiagnosisStatus.OK, f"commit {commit[:12]}{changed}")


def _declared(project: Project, environment: Environment, loaded: Loaded) -> str:
    files = counted(len(loaded.files), "file")
    withheld = f", {len(loaded.withheld)} not released yet" if loaded.withheld else ""
    owner = f"{project.name}/{environment.name}"
    resources = counted(len(loaded.resources), "resource")
    return f"{owner}: {resources} in {files}{withheld}"


def _way(environment: Environment, profile: str, now: Now) -> Iterator[Diagnosis]:
    """The network, the clock and the login."""
    from provisioner.workspace.credentials import find_login
    from provisioner.workspace.hosts import refuse_placeholder
    from provisioner.workspace.probe import date_at, way_to

    settings = environment.workspace
    target = WorkspaceTarget(host=settings.host, profile=profile or settings.profile)
    try:
        refuse_placeholder(settings.host, environment.name)
        way = way_to(target, os.environ)
        through = f" through {way.proxy}" if way.proxy else ", without a proxy"
        date = date_at(way, os.environ)
        believed = f"; certificates: {way.certificates}" if way.host.scheme == "https" else ""
        yield Diagnosis("network", DiagnosisStatus.OK, f"{way.host} answers{through}{believed}")
    except WorkspaceError as error:
        yield _failed("network", error)
        return
    yield _skew(date, now())
    try:
        login = find_login(target, os.environ)
        yield Diagnosis("login", DiagnosisStatus.OK, f"{login.method}, from {login.source}")
    except WorkspaceError as error:
        yield _failed("login", error)


def _skew(date: str, here: datetime) -> Diagnosis:
    """The clock of this machine beside the one of the workspace."""
    try:
        seconds = round((here - parsedate_to_datetime(date)).total_seconds())
    except (TypeError, ValueError):
        return Diagnosis("clock", DiagnosisStatus.UNKNOWN, "the workspace did not return the time")
    if abs(seconds) < SKEW_WARNED_S:
        return Diagnosis("clock", DiagnosisStatus.OK, "as the workspace's")
    which = "ahead of" if seconds > 0 else "behind"
    message = f"{abs(seconds)} s {which} the workspace's"
    worst = abs(seconds) >= SKEW_REFUSED_S
    hint = "synchronize it, for example with NTP: OAuth and OIDC logins fail with a wrong clock"
    return Diagnosis(
        "clock", DiagnosisStatus.FAILED if worst else DiagnosisStatus.WARNING, message, hint
    )


def _rights(session: Session) -> Iterator[Diagnosis]:
    """What the login may do, as far as reading can tell."""
    try:
        me = session.connection.get(ME) or {}
    except WorkspaceError as error:
        yield _failed("identity", error)
        return
    yield _identity(me)
    resources = session.loaded.resources
    declared = {resource.address.kind for resource in resources}
    for name, kind in KINDS.items():
        # Objects of Unity Catalog are listed by schema: only the declared ones are known.
        if kind.ownership is OwnershipCarrier.COMMENT and name not in declared:
            continue
        try:
            count = len(session.drivers[name].inventory(resources) or ())
        except WorkspaceError as error:
            yield _failed(f"{kind.title}s", error)
            continue
        yield Diagnosis(f"{kind.title}s", DiagnosisStatus.OK, f"can be listed: {count} found")
    yield from _declared_rights(session)
    if not _is_admin(me):
        message = "unknown until apply creates the first one"
        yield Diagnosis("creating", DiagnosisStatus.UNKNOWN, message)
    yield from _needs(session)


def _identity(me: Any) -> Diagnosis:
    who = str(me.get("userName") or me.get("displayName") or "a user without a name")
    admin = ", an administrator of the workspace" if _is_admin(me) else ""
    if me.get("active") is False:
        hint = "ask an administrator to activate it, or use another login"
        return Diagnosis("identity", DiagnosisStatus.FAILED, f"{who} is not active", hint)
    return Diagnosis("identity", DiagnosisStatus.OK, f"{who}{admin}")


def _is_admin(me: Any) -> bool:
    groups = me.get("groups") if isinstance(me.get("groups"), list) else ()
    return any(
        isinstance(group, dict) and group.get("display") == "admins" for group in groups or ()
    )


def _declared_rights(session: Session) -> Iterator[Diagnosis]:
    """Whether what is declared and exists can be read and changed."""
    resources = session.loaded.resources
    answers = map_parallel(lambda resource: _read(session, resource), resources)
    there = [answer for answer in answers if isinstance(answer, Live)]
    for resource, answer in zip(resources, answers, strict=True):
        if isinstance(answer, Problem):
            message = f"{resource.address} cannot be read: {answer.message}"
            yield Diagnosis("declared", DiagnosisStatus.FAILED, message, answer.hint)
        elif isinstance(answer, Live) and answer.manageable is False:
            hint = "ask its creator or an administrator for CAN_MANAGE on it"
            message = f"{resource.address} can be read but not changed"
            yield Diagnosis("declared", DiagnosisStatus.FAILED, message, hint)
    yield Diagnosis("declared", DiagnosisStatus.OK, f"{len(there)} of {len(resources)} found")


def _read(session: Session, resource: Resource) -> Live | Problem | None:
    try:
        return session.drivers[resource.address.kind].read(resource)
    except WorkspaceError as error:
        return error.problems[0]


def _needs(session: Session) -> Iterator[Diagnosis]:
    """Models, keys and principals that the manifests name."""
    try:
        preflight = examine(session)
    except WorkspaceError as error:
        yield _failed("needs", error)
        return
    for problem in preflight.problems:
        yield Diagnosis(
            "needs",
            VERDICTS.get(problem.severity, DiagnosisStatus.OK),
            problem.message,
            problem.hint,
        )
    if all(problem.severity is Severity.NOTE for problem in preflight.problems):
        yield Diagnosis("needs", DiagnosisStatus.OK, f"{preflight.things} checked, none missing")


def _to_mend(error: ProvisionerError, environment: str) -> str:
    """What shows all that is wrong with files; where nothing is to be shown, what helps."""
    first, *others = error.problems
    is_in_a_file = bool(others or first.where)
    return f"provisioner validate -e {environment}" if is_in_a_file else first.hint


def _failed(about: str, error: ProvisionerError, hint: str = "") -> Diagnosis:
    first, *others = error.problems
    more = f" (and {len(others)} more)" if others else ""
    return Diagnosis(about, DiagnosisStatus.FAILED, f"{first.message}{more}", hint or first.hint)


# Symbol, the same in ASCII, and how it looks.
SIGNS = {
    DiagnosisStatus.OK: ("✓", "+", Role.ADDED),
    DiagnosisStatus.WARNING: ("!", "!", Role.CHANGED),
    DiagnosisStatus.FAILED: ("✗", "x", Role.REMOVED),
    DiagnosisStatus.UNKNOWN: ("?", "?", Role.FAINT),
}
ABOUT, VERDICT = 17, 7
INDENT = 2 + VERDICT + 2 + ABOUT + 2
NARROWEST = 30


def text(finding: Diagnosis, style: Style) -> str:
    """``finding`` in a line and what wraps; the hint below it."""
    unicode, plain, role = SIGNS[finding.verdict]
    width = max(style.width - INDENT, NARROWEST)
    first, *more = wrapped(harmless_line(finding.message), width)
    hints = [
        row for part in finding.hint.split("\n") for row in wrapped(harmless_line(part), width)
    ]
    sign = unicode if style.unicode else plain
    lines: list[Line] = [
        (
            Span(f"{sign} {finding.verdict:{VERDICT}}", role),
            Span(f"  {finding.about:{ABOUT}}  {first}"),
        ),
        *((Span(" " * INDENT + row),) for row in more),
    ]
    if finding.hint:
        lines += [(Span(" " * INDENT + row, Role.TAKEN),) for row in hints]
    return painted(lines, style)


def to_json(findings: Sequence[Diagnosis]) -> dict[str, Any]:
    """``{"healthy", "findings": [{"about", "verdict", "message", "hint"}]}``."""
    return {
        "healthy": all(finding.verdict is not DiagnosisStatus.FAILED for finding in findings),
        "findings": [
            {
                "about": finding.about,
                "verdict": str(finding.verdict),
                "message": finding.message,
                "hint": finding.hint,
            }
            for finding in findings
        ],
    }
