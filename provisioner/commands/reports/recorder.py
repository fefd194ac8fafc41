"""A run on its way to being a report: what the command notes, and what the project adds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from provisioner import __version__
from provisioner.commands.reports.report import Audit, Report
from provisioner.errors import Position, WorkspaceError
from provisioner.files import git
from provisioner.kinds import KINDS
from provisioner.model.clock import Now, utc_now
from provisioner.model.plan import Address, Plan
from provisioner.model.serving import Topology

if TYPE_CHECKING:
    from provisioner.workflow.session import Session

ME = "/api/2.0/preview/scim/v2/Me"


@dataclass
class Recorder:
    """Collects one ``Report``; what is noted later wins. ``exit_code`` ends the command."""

    command: str
    environment: str = ""
    now: Now = utc_now
    exit_code: int = 0
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        audit = Audit(tool_version=__version__, started_at=_written(self.now()))
        self.report = Report(self.command, environment=self.environment, audit=audit)

    def note(self, **facts: Any) -> None:
        """Fields of ``Report``; ``problems`` are added to those that are there.

        ``root`` is the folder of the project, from which ``prefix`` follows.
        """
        root = facts.pop("root", None)
        if root:
            facts["prefix"] = git.prefix(root)
        if "problems" in facts:
            facts["problems"] = (*self.report.problems, *facts["problems"])
        self.report = replace(self.report, **facts)

    def opened(self, session: Session) -> None:
        """Which project, environment and workspace it is, and where what is declared."""
        self.note(
            project=session.project.name,
            environment=session.environment.name,
            host=session.host,
            places=_places(session),
            root=session.project.root,
        )
        self._audit(git_commit=session.git_commit)

    def asked_who(self, session: Session) -> None:
        """The login as the workspace knows it; a workspace that does not say is no error."""
        try:
            name = (session.connection.get(ME) or {}).get("userName")
        except WorkspaceError:
            return
        self._audit(actor=name if isinstance(name, str) else "")

    def finished(self) -> Report:
        """The report, complete."""
        self._audit(exit_code=self.exit_code, finished_at=_written(self.now()))
        if self.report.plan:
            self.note(topology=topology_of(self.report.plan))
        return self.report

    def _audit(self, **facts: Any) -> None:
        self.note(audit=replace(self.report.audit, **facts))


def _written(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _places(session: Session) -> tuple[tuple[Address, Position], ...]:
    loaded = session.loaded
    places = [(each.address, each.where) for each in loaded.resources]
    places += [(each.address, each.where) for each in loaded.removals]
    return tuple((address, where) for address, where in places if where)


def topology_of(plan: Plan) -> tuple[tuple[Address, Topology], ...]:
    """How requests branch after ``plan``, for each resource whose kind tells it."""
    topologies = []
    for step in plan.steps:
        kind = KINDS.get(step.address.kind)
        if step.desired is not None and kind and kind.runtime.topology:
            topologies.append((step.address, kind.runtime.topology(step.desired)))
    return tuple(topologies)


def of_saved(plan: Plan, file: str) -> Report:
    """What a plan file alone can tell."""
    return Report(
        "show",
        project=plan.project,
        environment=plan.environment,
        host=plan.host,
        plan=plan,
        topology=topology_of(plan),
        plan_file=file,
        audit=Audit(tool_version=__version__),
    )
