"""Judges documents and plans by policies. Pure: the moment comes from the caller.

A violation in a document is a ``Finding`` there, so that whoever loaded the document knows its
file and line; a violation of a plan names the resource.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from provisioner.errors import Finding, Severity
from provisioner.errors.wording import counted, listed
from provisioner.model.paths import Document, Path
from provisioner.model.plan import ABSENT, Action, Address, Plan, Step
from provisioner.model.references import RestrictedName
from provisioner.policies.field_pattern import EACH, Match
from provisioner.policies.policy import (
    CapacityRule,
    CapacitySide,
    CountRule,
    DocumentRule,
    Policy,
    StepRule,
    TrafficRule,
)

VIOLATED: Final = "E530"
VIOLATED_WARNING: Final = "W530"
OUT_OF_BOUNDS: Final = "E222"
_LONGEST: Final = 60


class PolicyViolation(NamedTuple):
    """A violation of ``policy`` by a resource; None: by the plan as a whole."""

    policy: Policy
    address: Address | None
    finding: Finding


@dataclass(frozen=True, slots=True)
class Judge:
    """Policies at a moment in an environment. ``moment`` None: the time that counts is unknown.

    Windows of time (``when``) are not judged then, and exceptions are by ``today``.
    """

    policies: tuple[Policy, ...]
    environment: str
    today: datetime
    moment: datetime | None = None

    @property
    def active(self) -> tuple[Policy, ...]:
        """The policies of this environment, at this moment."""
        return tuple(
            policy
            for policy in self.policies
            if policy.scope.has_environment(self.environment) and self._is_due(policy)
        )

    @property
    def undecided(self) -> tuple[Policy, ...]:
        """The policies of this environment that depend on a moment that is not known."""
        if self.moment:
            return ()
        return tuple(
            policy
            for policy in self.policies
            if policy.window and policy.scope.has_environment(self.environment)
        )

    def _is_due(self, policy: Policy) -> bool:
        if policy.window is None:
            return True
        return self.moment is not None and policy.window.covers(self.moment)

    def matching(self, address: Address, document: Document) -> Iterator[Policy]:
        """Yields the policies that the resource falls under, excepted or not."""
        for policy in self.policies:
            scope = policy.scope
            if (
                scope.has_environment(self.environment)
                and scope.has_address(address)
                and scope.has_document(document)
            ):
                yield policy

    def document(self, address: Address, document: Document) -> Iterator[PolicyViolation]:
        """Yields the violations in the rendered ``document``."""
        for policy in self.matching(address, document):
            if not self._is_due(policy) or policy.excepts(address, self.today.date()):
                continue
            for rule in policy.rules:
                for finding in _violations(policy, rule, document):
                    yield PolicyViolation(policy, address, finding)

    def plan(self, plan: Plan) -> Iterator[PolicyViolation]:
        """Yields the violations of rules about the plan."""
        for policy in self.active:
            if not policy.judges_plans:
                continue
            steps = [step for step in plan.steps if self._covers(policy, step)]
            for step_rule in policy.steps:
                for step in steps:
                    yield from _step_violations(policy, step_rule, step)
            for count_rule in policy.counts:
                yield from _count_violations(policy, count_rule, steps)
            for capacity_rule in policy.capacities:
                yield from _capacity_violations(policy, capacity_rule, steps)
            for traffic_rule in policy.traffic:
                for step in steps:
                    yield from _traffic_violations(policy, traffic_rule, step)

    def _covers(self, policy: Policy, step: Step) -> bool:
        scope = policy.scope
        if not scope.has_address(step.address) or policy.excepts(step.address, self.today.date()):
            return False
        # What is deleted has no document to test: `where` and `unless` do not excuse it.
        return step.desired is None or scope.has_document(step.desired)


def expired(policies: Iterable[Policy], today: datetime) -> Iterator[tuple[Policy, Finding]]:
    """Yields a finding in the policy's file for each exception that has ended."""
    for policy in policies:
        for each in policy.exceptions:
            if today.date() > each.until:
                message = f"the exception of `{each.address}` ended on {each.until}"
                hint = f"remove the exception, or set a later date after a review ({each.because})"
                yield policy, Finding((*each.at, "until"), "E231", message, hint)


def _violations(policy: Policy, rule: DocumentRule, document: Document) -> Iterator[Finding]:
    matches = list(rule.pattern.matches(document, rule.where))
    if rule.at_least is not None or rule.at_most is not None:
        yield from _number_violations(policy, rule, matches)
        return
    for match in matches:
        holds = match.value is not ABSENT and rule.comparisons.hold(match.value)
        if holds is rule.forbids:
            yield _finding(policy, match, _message(rule, match))


def forbidden_names(
    policy: Policy, file: str, names: Iterable[RestrictedName]
) -> Iterator[Finding]:
    """Yields a finding for each of ``names``, from the manifest ``file``, that is not allowed."""
    if not policy.scope.has_file(file):
        return
    for name in names:
        rule = policy.names.get(name.sort)
        if rule and not rule.allows(name.spellings):
            message = f"{rule.title} `{name.value}` is outside the boundaries of `{policy.name}`"
            hint = f"{rule.place} allows {listed(rule.allowed, 'nothing')}"
            yield Finding(name.at, OUT_OF_BOUNDS, message, hint)


def _number_violations(
    policy: Policy, rule: DocumentRule, matches: list[Match]
) -> Iterator[Finding]:
    present = [m for m in matches if m.value is not ABSENT and rule.comparisons.hold(m.value)]
    number, text = len(present), rule.pattern.text
    if rule.at_least is not None and number < rule.at_least:
        place = present[-1] if present else (matches[0] if matches else Match((), ABSENT))
        words = f"{counted(number, 'value')} at `{text}`, but the minimum is {rule.at_least}"
        yield _finding(policy, place, words)
    if rule.at_most is not None and number > rule.at_most:
        words = f"{counted(number, 'value')} at `{text}`, but the maximum is {rule.at_most}"
        yield _finding(policy, present[rule.at_most], words)


def _message(rule: DocumentRule, match: Match) -> str:
    text = rule.pattern.text
    if match.value is ABSENT:
        wanted = rule.comparisons.words
        return f"`{text}` is missing, expected: {wanted}" if wanted else f"`{text}` is missing"
    shown = "" if rule.pattern.is_secret else _shown(match.value)
    if not rule.forbids:
        return f"`{text}` is{shown or ' another value'}, expected: {rule.comparisons.words}"
    is_entry = rule.pattern.ends_with_each or isinstance(match.value, dict | list)
    return (
        f"an entry of `{text}` is forbidden"
        if is_entry
        else (f"`{text}` is{shown}, which is forbidden")
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f" `{text[:_LONGEST]}`"


def _finding(policy: Policy, match: Match, message: str) -> Finding:
    return Finding(
        match.at,
        code_of(policy),
        f"policy `{policy.name}`: {message}",
        policy.message,
        policy.severity,
        # The name of the part that lacks the field; a value is blamed itself.
        key=match.value is ABSENT,
    )


def code_of(policy: Policy) -> str:
    """The code of a violation, by the policy's severity."""
    return VIOLATED if policy.severity is Severity.ERROR else VIOLATED_WARNING


def _step_violations(policy: Policy, rule: StepRule, step: Step) -> Iterator[PolicyViolation]:
    actions = rule.actions or _CHANGING
    if step.action not in actions:
        return
    changed = [change.path for change in step.changes if change.action is not Action.KEEP]
    if rule.path and not any(_touches(path, rule.path) for path in changed):
        return
    what = f" with a change of `{rule.path_text}`" if rule.path else ""
    yield _plan_verdict(
        policy, step.address, f"the plan has `{step.action}`{what}, which is forbidden"
    )


_CHANGING: Final = frozenset(Action) - {Action.KEEP, Action.ORPHAN, Action.BLOCKED}


def _touches(changed: Path, wanted: Path) -> bool:
    """Whether the change is at the path, inside of it, or around it."""
    return all(want in (EACH, has) for has, want in zip(changed, wanted, strict=False))


def _count_violations(
    policy: Policy, rule: CountRule, steps: Iterable[Step]
) -> Iterator[PolicyViolation]:
    number = sum(step.action in rule.actions for step in steps)
    if number > rule.at_most:
        actions = listed(action.value for action in Action if action in rule.actions)
        message = (
            f"the plan has {counted(number, 'step')} with {actions}, but the maximum is "
            f"{rule.at_most}"
        )
        yield _plan_verdict(policy, None, message)


def _capacity_violations(
    policy: Policy, rule: CapacityRule, steps: Iterable[Step]
) -> Iterator[PolicyViolation]:
    amount = rule.amount(step.capacity for step in steps if step.capacity)
    if amount > rule.at_most:
        unit = rule.unit.value if rule.unit else "resources with capacity"
        types = f" on {', '.join(rule.workload_types)}" if rule.workload_types else ""
        words = f"{_SIDES[rule.side]} {amount:,} {unit}{types}, but the maximum is {rule.at_most:,}"
        yield _plan_verdict(policy, None, words)


_SIDES: Final[Mapping[CapacitySide, str]] = {
    CapacitySide.AFTER: "after the plan there would be",
    CapacitySide.ADDED: "the plan adds",
    CapacitySide.DURING: "while the plan is applied there would be",
}


def _traffic_violations(policy: Policy, rule: TrafficRule, step: Step) -> Iterator[PolicyViolation]:
    moved = step.moved_percentage
    if moved > rule.at_most:
        words = f"the step moves {moved} % of the traffic, but the maximum is {rule.at_most} %"
        yield _plan_verdict(policy, step.address, words)


def _plan_verdict(policy: Policy, address: Address | None, message: str) -> PolicyViolation:
    words = f"policy `{policy.name}`: {message}"
    return PolicyViolation(
        policy, address, Finding((), code_of(policy), words, policy.message, policy.severity)
    )


def digest_of(files: Mapping[str, Any]) -> str:
    """``sha256:`` and the hash of the data of policy files by name: comments do not count."""
    import hashlib

    canonical = json.dumps(files, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
