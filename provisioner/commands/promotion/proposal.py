"""What a promotion proposes for one variable, and why it does not: words only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from provisioner.errors import Problem, Severity, by_place
from provisioner.model.plan import Address
from provisioner.model.release import Released, Value


class ProposalStatus(StrEnum):
    """What becomes of a variable."""

    PROMOTED = "promoted"
    KEPT = "kept"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One variable: its value where it goes (None: none yet) and where it comes from.

    ``addresses`` are made from it where it comes from, ``verified`` says what was checked
    there. With ``problems`` it is kept as it is. ``named``: the user asked for this one.
    """

    name: str
    before: Value | None
    after: Value | None
    addresses: tuple[Address, ...] = ()
    verified: str = ""
    problems: tuple[Problem, ...] = ()
    named: bool = False

    @property
    def verdict(self) -> ProposalStatus:
        """Kept with problems, unchanged where there is nothing to do, else promoted."""
        if self.problems:
            return ProposalStatus.KEPT
        return ProposalStatus.UNCHANGED if self.before == self.after else ProposalStatus.PROMOTED


@dataclass(frozen=True, slots=True)
class PromotionProposal:
    """A whole promotion. ``released`` are the entries to write, ``notes`` what else to know."""

    source: str
    target: str
    proposals: tuple[Proposal, ...]
    released: Mapping[str, Released] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()

    def told(self) -> tuple[Problem, ...]:
        """Notes, and every reason why something is kept: errors where that is a failure."""
        severity = Severity.ERROR if self.failed else Severity.WARNING
        kept = (problem for proposal in self.proposals for problem in proposal.problems)
        reasons = (replace(problem, severity=severity) for problem in kept)
        return tuple(sorted(dict.fromkeys([*self.notes, *reasons]), key=by_place))

    @property
    def failed(self) -> bool:
        """Whether one that was named is kept, or nothing is left of all that would go."""
        statuses = {proposal.verdict for proposal in self.proposals}
        named = any(proposal.named and proposal.problems for proposal in self.proposals)
        return named or (
            ProposalStatus.KEPT in statuses and ProposalStatus.PROMOTED not in statuses
        )
