"""What one run of a command found and did, as immutable data that every report is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from provisioner.errors import Position, Problem
from provisioner.model.drift import Drifted
from provisioner.model.outcome import Outcome
from provisioner.model.plan import Address, Plan
from provisioner.model.query import CheckResult
from provisioner.model.serving import Topology


class Attachment(NamedTuple):
    """A file that a CI system reads beside its log; ``append``: after what is in it already.

    ``command`` tells the system of the file, in its log.
    """

    path: Path
    text: str
    append: bool = False
    command: str = ""


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

    ``command`` is its name, ``plan`` or ``apply``. ``problems`` are errors and warnings, but
    not those that ``outcomes`` hold. ``topology`` is how requests branch, for resources of
    the plan that will be there afterwards. ``places`` tells where resources are declared;
    ``prefix`` is what leads from the root of the repository to the files of all places
    (``""`` or a path that ends with a slash). ``plan_file`` is where the plan was saved.
    ``options`` are words of the command line without which it would be another plan.
    ``changed_since`` is the commit whose difference from the files decided what was planned.
    ``parts`` are the reports of several environments, of which this is the sum (None: it is
    about one, or none).
    """

    command: str
    project: str = ""
    environment: str = ""
    host: str = ""
    plan: Plan | None = None
    outcomes: tuple[Outcome, ...] = ()
    problems: tuple[Problem, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    drift: Drifted | None = None
    topology: tuple[tuple[Address, Topology], ...] = ()
    places: tuple[tuple[Address, Position], ...] = ()
    prefix: str = ""
    plan_file: str = ""
    options: tuple[str, ...] = ()
    changed_since: str = ""
    parts: tuple[Report, ...] | None = None
    audit: Audit = field(default_factory=Audit)
