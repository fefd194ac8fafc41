"""What one run of a command found and did, as immutable data that every report is made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from provisioner.errors import Problem
from provisioner.outcome import Outcome
from provisioner.plan import Address, Plan
from provisioner.topology import Topology


@dataclass(frozen=True, slots=True)
class Audit:
    """Who ran the command, when, and how it ended.

    ``actor`` is the login as the workspace knows it (``""``: it was not asked, or did not
    say). Both times are RFC 3339 in UTC. ``git_commit`` is as ``Source`` has it.
    """

    tool_version: str = ""
    actor: str = ""
    git_commit: str = ""
    started_at: str = ""
    finished_at: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """Each command fills in what it has; no report minds what is missing.

    ``command`` is its name, ``plan`` or ``apply``. ``problems`` holds errors and warnings,
    also those of outcomes. ``topology`` is how requests branch, for resources of the plan
    that will be there afterwards. ``plan_file`` is where the plan was saved.
    """

    command: str
    project: str = ""
    environment: str = ""
    host: str = ""
    plan: Plan | None = None
    outcomes: tuple[Outcome, ...] = ()
    problems: tuple[Problem, ...] = ()
    topology: tuple[tuple[Address, Topology], ...] = ()
    plan_file: str = ""
    audit: Audit = field(default_factory=Audit)
