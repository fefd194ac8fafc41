"""What must not happen unasked. Pure: a plan and a consent in, problems out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.errors import Problem
from provisioner.model.paths import path_text
from provisioner.model.plan import DESTRUCTIVE, Action, Cause, Plan, Step

ALL = "all"


@dataclass(frozen=True, slots=True)
class Consent:
    """What was agreed to.

    ``yes`` covers what creates and updates. ``allow_replace`` and ``allow_delete`` hold
    addresses; ``all`` in the latter counts outside of protected environments.
    ``allow_destructive`` is the exact number of replacements and deletions, or None.
    ``allow_double`` holds addresses and names of endpoints that may be paid for twice.
    ``interactive``: a user at a terminal saw the plan and typed the name of each of them.
    """

    yes: bool = False
    adopt: bool = False
    allow_replace: frozenset[str] = frozenset()
    allow_delete: frozenset[str] = frozenset()
    allow_destructive: int | None = None
    interactive: bool = False
    allow_double: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """More replacements and deletions than either of these need their number as consent.

    The percentage is of the resources that this project manages, and binds at any count: one
    deletion of two resources is half of them. Of a single one it says nothing.
    ``keeping_data`` are kinds of which each deletion needs its own consent: ``all`` does not
    cover them.
    """

    destructive_percent: int = 30
    destructive_count: int = 5
    keeping_data: frozenset[str] = frozenset()


def refusals(plan: Plan, consent: Consent, limits: Limits) -> tuple[Problem, ...]:
    """Why ``plan`` may not be applied with ``consent``; nothing if it may.

    Each hint holds the flag that would pass, where there is one.
    """
    problems = [problem for step in plan.steps for problem in _of_step(plan, step, consent, limits)]
    problems += [problem for step in plan.steps for problem in _doubled(step, consent)]
    return (*problems, *_too_many(plan, consent, limits))


def _of_step(plan: Plan, step: Step, consent: Consent, limits: Limits) -> Iterator[Problem]:
    subject = str(step.address)
    match step.action:
        case Action.BLOCKED:
            yield Problem("E501", f"{subject} is blocked: {step.reason}", None, step.hint)
        case Action.REPLACE if subject not in consent.allow_replace:
            reason = "; ".join(_reasons(step))
            message = f"{subject} would be deleted and recreated ({reason})"
            yield Problem("E502", message, None, _flag("--allow-replace", subject))
        case Action.DELETE if not (step.consented or _may_delete(plan, step, consent, limits)):
            message = f"{subject} would be deleted"
            yield Problem("E503", message, None, _flag("--allow-delete", subject))
        # At a terminal the plan has shown the adoption before the question; with --yes no user saw
        # it.
        case Action.ADOPT if consent.yes and not consent.adopt:
            message = f"{subject} {step.reason}"
            yield Problem("E504", message, None, "--adopt")
        case _:
            return


def _doubled(step: Step, consent: Consent) -> Iterator[Problem]:
    """What is reserved is paid for whether it is used or not, and a rollout reserves it twice."""
    note, subject = step.rollout, str(step.address)
    if note is None or not note.needs_consent or not step.operations:
        return
    if not {subject, step.name} & consent.allow_double:
        message = f"the rollout of {subject} would pay twice for {note.doubled} until it ends"
        yield Problem("E540", message, None, _flag("--allow-double", subject))


def _reasons(step: Step) -> Iterator[str]:
    """Which changes make a replacement of the step, not those that come with it."""
    for change in step.changes:
        if change.action in DESTRUCTIVE and change.cause is not Cause.SET_ANEW:
            yield f"`{path_text(change.path)}`: {change.reason}"


def _may_delete(plan: Plan, step: Step, consent: Consent, limits: Limits) -> bool:
    if str(step.address) in consent.allow_delete:
        return True
    covered = not plan.protected and step.address.kind not in limits.keeping_data
    return ALL in consent.allow_delete and covered


def _flag(name: str, value: str) -> str:
    return f"{name} {shlex.quote(value)}"


def _too_many(plan: Plan, consent: Consent, limits: Limits) -> Iterator[Problem]:
    count = sum(step.action in DESTRUCTIVE for step in plan.steps)
    if consent.interactive or consent.allow_destructive == count or not _above(count, plan, limits):
        return
    message = (
        f"this plan would delete or replace {count} of {plan.owned} managed resources; the limit "
        f"is {limits.destructive_count} resources and {limits.destructive_percent} %"
    )
    yield Problem("E505", message, None, _flag("--allow-destructive", str(count)))


def _above(count: int, plan: Plan, limits: Limits) -> bool:
    if count > limits.destructive_count:
        return True
    return plan.owned > 1 and count * 100 > limits.destructive_percent * plan.owned
