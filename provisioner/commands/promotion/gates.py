"""What a value has to have proven before it may go on: facts in, problems out. Pure.

Each gate looks at one variable and at nothing but the resources that are made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from provisioner.errors import Problem
from provisioner.errors.wording import counted
from provisioner.model.live import Phase, Readiness
from provisioner.model.plan import Action, Address, Step
from provisioner.model.query import CheckResult
from provisioner.model.release import Released, Value
from provisioner.model.rollout import Why

MOST_NAMED: Final = 3
NOT_READY: Final = {
    Phase.FAILED: "failed in its last update",
    Phase.STOPPED: "is stopped",
    Phase.NOT_READY: "is not ready",
    Phase.ABSENT: "does not exist",
}


@dataclass(frozen=True, slots=True)
class PromotionTerms:
    """From which environment to which, and on which conditions. ``now`` in UTC.

    ``before`` is the environment that the source itself takes values from, or ``""``.
    """

    source: str
    target: str
    now: datetime
    soak_s: int = 0
    retry_rejected: bool = False
    before: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of one resource where the value comes from.

    ``step`` is what a plan would do to it, ``changes`` the fields that differ. ``updated`` is
    when it was last changed there, None where it is unknown.
    """

    step: Step
    changes: tuple[str, ...]
    readiness: Readiness
    checks: tuple[CheckResult, ...] = ()
    updated: datetime | None = None

    @property
    def address(self) -> Address:
        return self.step.address

    @property
    def may_be_asked(self) -> bool:
        """Whether its checks would tell anything."""
        return self.step.action is Action.KEEP and self.readiness.phase is Phase.READY


@dataclass(frozen=True, slots=True)
class Candidate:
    """One variable on its way. ``value`` is the source's, None where it has none.

    ``alias``: the source writes it as an alias. ``at`` is when the source got the value
    (RFC 3339, ``""``: not known), ``known`` what the target has so far.
    """

    name: str
    value: Value | None
    known: Released
    alias: bool = False
    at: str = ""
    addresses: tuple[Address, ...] = ()
    evidence: tuple[Evidence, ...] = ()


Gate = Callable[[Candidate, PromotionTerms], Iterator[Problem]]


def offline(candidate: Candidate, terms: PromotionTerms) -> tuple[Problem, ...]:
    """What can be said without asking any workspace."""
    return tuple(problem for gate in OFFLINE for problem in gate(candidate, terms))


def online(candidate: Candidate, terms: PromotionTerms) -> tuple[Problem, ...]:
    """What ``candidate.evidence`` say."""
    return tuple(problem for gate in ONLINE for problem in gate(candidate, terms))


def verified(candidate: Candidate) -> str:
    """What has been checked, in words: ``3 checks``."""
    count = sum(len(evidence.checks) for evidence in candidate.evidence)
    return counted(count, "check") if count else "no checks"


def _has_value(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    if candidate.value is None:
        name = candidate.name
        hint = f"add one below `variables` in environments/{terms.source}.yaml"
        if candidate.alias:
            hint = f"provisioner pin -e {terms.source} {name}"
        elif terms.before:
            hint = f"provisioner promote --to {terms.source} {name} --write"
        yield Problem("E715", f"`{name}` has no value in {terms.source} yet", hint=hint)


def _not_rejected(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    if candidate.value in candidate.known.rejected and not terms.retry_rejected:
        name = candidate.name
        message = f"`{name}` {candidate.value} was rolled back in {terms.target}"
        command = f"provisioner promote --from {terms.source} --to {terms.target} {name}"
        hint = f"release another value, or try this one again: {command} --retry-rejected --write"
        yield Problem("E713", message, hint=hint)


def _is_used(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    if candidate.value is not None and not candidate.addresses:
        message = (
            f"no resource in {terms.source} uses `{candidate.name}`, so the value is not "
            "tested there"
        )
        hint = f"use it as `${{var.{candidate.name}}}`, or remove it from `released`"
        yield Problem("E716", message, hint=hint)


def _is_applied(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    for evidence in candidate.evidence:
        # A failed update leaves the config before it: that it differs is no news then.
        if evidence.step.action is Action.KEEP or evidence.readiness.phase is Phase.FAILED:
            continue
        select = f"-e {terms.source} --select {evidence.address}"
        hint = f"check: provisioner plan {select}\nthen: provisioner apply {select}"
        yield _about(evidence, "E717", _not_applied(evidence, terms), hint)


def _not_applied(evidence: Evidence, terms: PromotionTerms) -> str:
    step, where = evidence.step, f"`{evidence.address}` in {terms.source}"
    if step.action is Action.CREATE:
        return f"{where} was never applied"
    if step.action in (Action.UPDATE, Action.REPLACE):
        more = len(evidence.changes) - MOST_NAMED
        names = ", ".join(evidence.changes[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"{where} differs from its manifest: {names or step.reason}"
    return f"{where} is not applied: {step.reason or step.action}"


def _is_idle(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    for evidence in candidate.evidence:
        if evidence.readiness.phase is Phase.UPDATING:
            message = f"`{evidence.address}` in {terms.source} is still updating"
            hint = f"provisioner status -e {terms.source} --wait --select {evidence.address}"
            yield _about(evidence, "E718", message, hint)


def _is_ready(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    for evidence in candidate.evidence:
        what = NOT_READY.get(evidence.readiness.phase, "")
        # What is to be created is told as such.
        if what and evidence.step.action is not Action.CREATE:
            reason = f": {evidence.readiness.message}" if evidence.readiness.message else ""
            message = f"`{evidence.address}` in {terms.source} {what}{reason}"
            hint = f"provisioner status -e {terms.source} --select {evidence.address}"
            yield _about(evidence, "E719", message, hint)


def _is_rolled_out(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    """What has a part of the traffic, or was rolled back, has not proven itself yet."""
    for proof in candidate.evidence:
        note = proof.step.rollout
        if note is None or note.move.why is Why.KEEPING:
            continue
        message = (
            f"the rollout of `{proof.address}` in {terms.source} is not finished: version "
            f"{note.new} has {note.percent} % of the traffic"
        )
        hint = f"provisioner rollout status -e {terms.source} {proof.address.key}"
        yield _about(proof, "E795", message, hint)


def _is_proven(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    for evidence in candidate.evidence:
        failed = [check for check in evidence.checks if not check.passed]
        if failed:
            count = f"{len(failed)} of {len(evidence.checks)} checks failed"
            message = (
                f"`{evidence.address}` in {terms.source}: {count}, `{failed[0].check}`: "
                f"{failed[0].message}"
            )
            hint = f"provisioner verify -e {terms.source} --select {evidence.address}"
            yield _about(evidence, "E709", message, hint)


def _has_soaked(candidate: Candidate, terms: PromotionTerms) -> Iterator[Problem]:
    if not terms.soak_s or not candidate.evidence:
        return
    known = [_moment(candidate.at), *(evidence.updated for evidence in candidate.evidence)]
    times = [time for time in known if time]
    name = candidate.name
    if not times:
        message = f"it is unknown since when `{name}` has its value in {terms.source}"
        hint = f"release it to {terms.source} with `pin` or `promote`, which record the time"
        yield Problem("E710", message, hint=hint)
        return
    end = max(times) + timedelta(seconds=terms.soak_s)
    if end > terms.now:
        since = in_words(terms.now - max(times))
        message = (
            f"`{name}` has been live in {terms.source} for {since}; {terms.target} requires "
            f"{in_words(timedelta(seconds=terms.soak_s))}"
        )
        hint = f"it may go on from {end.strftime('%Y-%m-%dT%H:%M:%SZ')}: run this again then"
        yield Problem("E710", message, hint=hint)


def in_words(span: timedelta) -> str:
    """The two largest units: ``1 d 2 h``, ``40 min``, ``30 s``."""
    seconds = max(0, int(span.total_seconds()))
    units = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"))
    parts = [f"{count} {unit}" for count, unit in units if count]
    return " ".join(parts[:2]) or f"{seconds} s"


def _moment(at: str) -> datetime | None:
    return datetime.fromisoformat(at).astimezone(UTC) if at else None


def _about(evidence: Evidence, code: str, message: str, hint: str) -> Problem:
    return Problem(code, message, hint=hint, subject=str(evidence.address))


OFFLINE: Final[tuple[Gate, ...]] = (_has_value, _not_rejected, _is_used)
ONLINE: Final[tuple[Gate, ...]] = (
    _is_applied,
    _is_idle,
    _is_ready,
    _is_rolled_out,
    _is_proven,
    _has_soaked,
)
