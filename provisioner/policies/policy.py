"""A policy as data: whom it is for, what it requires and forbids, and who is excepted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from provisioner.errors import Location, Severity
from provisioner.model.paths import Path
from provisioner.model.plan import Action, Address
from provisioner.model.serving import Capacity, CapacityChange, CapacityUnit
from provisioner.policies.comparison import Comparisons
from provisioner.policies.field_pattern import FieldPattern, Tests
from provisioner.policies.time_window import TimeWindow


@dataclass(frozen=True, slots=True)
class DocumentRule:
    """One line of ``require`` or ``forbid``.

    ``where`` tests the entries of the last ``[*]``. ``at_least`` and ``at_most`` bound how many
    values there are.
    """

    pattern: FieldPattern
    comparisons: Comparisons
    where: Tests = ()
    forbids: bool = False
    at_least: int | None = None
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class NameRule:
    """The patterns of names of one sort, ``title`` in words, that documents may contain.

    ``place`` is where the rule is, as ``FILE:LINE``.
    """

    title: str
    allowed: tuple[str, ...]
    place: str

    def allows(self, spellings: Iterable[str]) -> bool:
        """Whether one of the ``spellings`` of a name matches. No pattern allows no name."""
        return any(fnmatchcase(text, pattern) for text in spellings for pattern in self.allowed)


@dataclass(frozen=True, slots=True)
class StepRule:
    """One line of ``plan.forbid``: no step with one of ``actions`` and a change of ``path``."""

    actions: frozenset[Action]
    path: Path = ()
    path_text: str = ""


@dataclass(frozen=True, slots=True)
class CountRule:
    """One line of ``plan.limits``: of these actions ``at_most`` so many steps."""

    actions: frozenset[Action]
    at_most: int


class CapacitySide(StrEnum):
    """Which capacity a limit is about: of all in the end, what comes on top, or on the way."""

    AFTER = "after"
    ADDED = "added"
    DURING = "during"


@dataclass(frozen=True, slots=True)
class CapacityRule:
    """One line of ``plan.limits`` about capacity.

    ``unit`` None: the number of resources that provision any. ``workload_types`` are patterns,
    and empty ones match everything.
    """

    unit: CapacityUnit | None
    workload_types: tuple[str, ...]
    side: CapacitySide
    at_most: int

    def amount(self, changes: Iterable[CapacityChange]) -> int:
        """The capacity, or the number of resources, that the rule bounds."""
        return sum(map(self._amount_of, changes))

    def _amount_of(self, change: CapacityChange) -> int:
        before, after = self._size(change.before), self._size(change.after)
        if self.side is CapacitySide.ADDED:
            return after - before
        if self.side is CapacitySide.DURING and change.during:
            return self._size(change.during)
        return after

    def _size(self, capacity: Capacity) -> int:
        counted = [
            each.most
            for each in capacity
            if self.unit in (None, each.unit)
            and _any_match((each.workload_type,), self.workload_types)
        ]
        # Without a unit resources are counted, and each counts once whatever it provisions.
        return sum(counted) if self.unit else min(len(counted), 1)


@dataclass(frozen=True, slots=True)
class TrafficRule:
    """One line of ``plan.limits`` about traffic: a step moves so many percentage points."""

    at_most: int


@dataclass(frozen=True, slots=True)
class PolicyException:
    """Who need not follow a policy, why, and the last day of it. ``address`` is a pattern."""

    address: str
    until: date
    because: str
    at: Location = ()

    def covers(self, address: Address, today: date) -> bool:
        """Whether ``address`` is excepted today."""
        return today <= self.until and fnmatchcase(str(address), self.address)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a policy applies to. Patterns that are empty match everything.

    ``files`` are patterns like those of ``manifests``.
    """

    kind: str = ""
    environments: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    where: Tests = ()
    unless: Tests = ()
    files: tuple[str, ...] = ()

    def has_file(self, file: str) -> bool:
        """Whether the policy is for the manifest ``file``."""
        return not self.files or any(_matcher(each).fullmatch(file) for each in self.files)

    def has_environment(self, name: str) -> bool:
        """Whether the policy is for the environment ``name``."""
        return _any_match((name,), self.environments)

    def has_address(self, address: Address) -> bool:
        """Whether the policy is for resources of this kind and address."""
        if self.kind and address.kind != self.kind:
            return False
        # `chat-*` and `model_serving_endpoints.chat-*` both name a resource.
        return _any_match((str(address), address.key), self.resources)

    def has_document(self, document: object) -> bool:
        """Whether ``document`` is one that the policy is for."""
        # `all` of no tests is true: an empty `unless` must exclude nothing.
        excluded = bool(self.unless) and all(test.holds(document) for test in self.unless)
        return not excluded and all(test.holds(document) for test in self.where)


@dataclass(frozen=True, slots=True)
class Policy:
    """``at`` is its place in ``file``. ``message`` tells a reader what to do about a violation.

    ``names`` has the rule for names by their sort.
    """

    name: str
    file: str
    at: Location
    scope: Scope = field(default_factory=Scope)
    rules: tuple[DocumentRule, ...] = ()
    names: Mapping[str, NameRule] = field(default_factory=dict)
    steps: tuple[StepRule, ...] = ()
    counts: tuple[CountRule, ...] = ()
    capacities: tuple[CapacityRule, ...] = ()
    traffic: tuple[TrafficRule, ...] = ()
    window: TimeWindow | None = None
    severity: Severity = Severity.ERROR
    message: str = ""
    exceptions: tuple[PolicyException, ...] = ()

    @property
    def judges_plans(self) -> bool:
        """Whether a rule is about plans."""
        return bool(self.steps or self.counts or self.capacities or self.traffic)

    def excepts(self, address: Address, today: date) -> bool:
        """Whether an exception covers the resource today."""
        return any(each.covers(address, today) for each in self.exceptions)


def _any_match(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return True
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    """Like the patterns of `manifests`: `*` stays in a folder, `**` is any depth."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(_WILD.get(part, re.escape(part)) for part in parts))


_WILD: Final = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
