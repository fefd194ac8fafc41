"""Policies out of the data of a file whose shape is right, or what is wrong with them.

The JSON Schema has checked names and types; here paths, patterns, dates and time zones are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar

from provisioner.errors import Finding, Location, Severity
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.model.paths import Document, parse_path
from provisioner.model.plan import Action
from provisioner.model.serving import CapacityUnit
from provisioner.policies.comparison import FIELD_TYPES, OPERATORS, Comparisons, comparisons
from provisioner.policies.field_pattern import FieldPattern, FieldTest, UnknownPathError, Vocabulary
from provisioner.policies.policy import (
    CapacityRule,
    CapacitySide,
    CountRule,
    DocumentRule,
    Policy,
    PolicyException,
    Scope,
    StepRule,
    TrafficRule,
)
from provisioner.policies.time_window import time_window

CODE: Final = "E230"
RESOURCES: Final = "resources"
Built = TypeVar("Built")


@dataclass
class PolicyReader:
    """Reads the policies of one file; ``findings`` collects what is wrong in it."""

    file: str
    vocabularies: Mapping[str, Vocabulary]
    findings: list[Finding] = field(default_factory=list)

    def policies(self, data: Document) -> tuple[Policy, ...]:
        """The policies of the file; those with mistakes are in ``findings`` instead."""
        entries = enumerate(data.get("policies", ()))
        made = (self._policy(entry, ("policies", index)) for index, entry in entries)
        return tuple(policy for policy in made if policy)

    def _policy(self, data: Document, at: Location) -> Policy | None:
        before = len(self.findings)
        applies = data.get("applies_to", {})
        kind = applies.get("kind", "")
        vocabulary = self.vocabularies.get(kind)
        if kind and vocabulary is None:
            hint = did_you_mean(kind, self.vocabularies)
            self._wrong((*at, "applies_to", "kind"), f"there is no kind `{kind}`", hint)
            return None
        plan = data.get("plan", {})
        if not any((data.get("require"), data.get("forbid"), plan)):
            self._wrong(at, "the policy has no rule")
        needs_kind = [name for name in ("require", "forbid") if data.get(name)]
        needs_kind += [name for name in ("where", "unless") if applies.get(name)]
        if needs_kind and vocabulary is None:
            hint = "add `applies_to: {kind: ...}`: the schema of the kind defines the paths"
            self._wrong(at, f"`{needs_kind[0]}` needs a kind", hint)
            return None
        policy = Policy(
            name=data["name"],
            file=self.file,
            at=at,
            scope=self._scope(applies, (*at, "applies_to"), vocabulary),
            rules=tuple(self._rules(data, at, vocabulary)) if vocabulary else (),
            steps=tuple(self._steps(plan, (*at, "plan"), vocabulary)),
            **_limits(plan.get("limits", ())),
            window=self._checked((*at, "when"), lambda: time_window(data["when"]))
            if "when" in data
            else None,
            severity=Severity(data.get("severity", "error")),
            message=data.get("message", ""),
            exceptions=tuple(self._exceptions(data, at)),
        )
        return policy if len(self.findings) == before else None

    def _scope(self, data: Document, at: Location, vocabulary: Vocabulary | None) -> Scope:
        def tests(name: str) -> tuple[FieldTest, ...]:
            wanted = data.get(name, {})
            return tuple(self._tests(wanted, (*at, name), vocabulary)) if vocabulary else ()

        return Scope(
            data.get("kind", ""),
            tuple(data.get("environments", ())),
            tuple(data.get("resources", ())),
            tests("where"),
            tests("unless"),
        )

    def _rules(
        self, data: Document, at: Location, vocabulary: Vocabulary
    ) -> Iterator[DocumentRule]:
        for name in ("require", "forbid"):
            for index, entry in enumerate(data.get(name, ())):
                place = (*at, name, index)
                whole = {"path": entry} if isinstance(entry, str) else entry
                rule = self._rule(whole, place, vocabulary, forbids=name == "forbid")
                if rule:
                    yield rule

    def _rule(
        self, data: Document, at: Location, vocabulary: Vocabulary, *, forbids: bool
    ) -> DocumentRule | None:
        pattern = self._checked(at, lambda: vocabulary.pattern(data["path"]))
        wanted = {name: data[name] for name in OPERATORS if name in data}
        if pattern is None or not self._fits(pattern, wanted, at):
            return None
        made = self._checked(at, lambda: comparisons(wanted))
        where = data.get("where", {})
        if where and pattern.last_each < 0:
            self._wrong(
                (*at, "where"), "`where` tests the entries of a list: the path must contain `[*]`"
            )
            return None
        entries = vocabulary.entries(pattern) if where else vocabulary
        tests = tuple(self._tests(where, (*at, "where"), entries))
        if made is None:
            return None
        counts = data.get("at_least"), data.get("at_most")
        return DocumentRule(pattern, made, tests, forbids, *counts)

    def _tests(self, wanted: Document, at: Location, vocabulary: Vocabulary) -> Iterator[FieldTest]:
        for text, value in _expanded(wanted, vocabulary):
            pattern = self._checked(at, lambda text=text: vocabulary.pattern(text))
            operators = _operators(value)
            if pattern and self._fits(pattern, operators, at):
                made: Comparisons | None = self._checked(
                    at, lambda operators=operators: comparisons(operators)
                )
                if made:
                    yield FieldTest(pattern, made)

    def _steps(
        self, plan: Document, at: Location, vocabulary: Vocabulary | None
    ) -> Iterator[StepRule]:
        for index, entry in enumerate(plan.get("forbid", ())):
            place = (*at, "forbid", index)
            text = entry.get("change", "")
            if text and vocabulary is None:
                self._wrong(place, "`change` needs a kind", "add `applies_to: {kind: ...}`")
            elif text:
                self._checked(place, lambda text=text: vocabulary.pattern(text))  # type: ignore[union-attr]
            yield StepRule(_actions(entry), parse_path(text) if text else (), text)

    def _exceptions(self, data: Document, at: Location) -> Iterator[PolicyException]:
        for index, entry in enumerate(data.get("exceptions", ())):
            place = (*at, "exceptions", index)
            until = self._checked(
                (*place, "until"), lambda entry=entry: date.fromisoformat(entry["until"])
            )
            if until:
                yield PolicyException(entry["address"], until, entry["because"], place)

    def _fits(self, pattern: FieldPattern, wanted: Mapping[str, Any], at: Location) -> bool:
        """Whether the field has values that the operators are for."""
        for name in wanted.keys() & FIELD_TYPES.keys():
            if pattern.type not in ("", *FIELD_TYPES[name]):
                message = f"`{name}` cannot be used for `{pattern.text}`, which is a {pattern.type}"
                self._wrong((*at, name), message)
                return False
        return True

    def _checked(self, at: Location, make: Any) -> Any:
        """What ``make`` returns; None, and a finding, for what it raises."""
        try:
            return make()
        except UnknownPathError as error:
            self._wrong(at, str(error), error.hint)
        except re.error as error:
            self._wrong(at, f"`pattern` is not a regular expression: {error}")
        except ValueError as error:
            self._wrong(at, str(error))
        return None

    def _wrong(self, at: Location, message: str, hint: str = "") -> None:
        self.findings.append(Finding(at, CODE, message, hint))


def _expanded(wanted: Document, vocabulary: Vocabulary) -> Iterator[tuple[str, Any]]:
    """Paths and values of a ``where``; ``tags: {tier: x}`` is ``tags[tier].value: x``."""
    for text, value in wanted.items():
        beside = vocabulary.entry_values(text)
        if beside and isinstance(value, Mapping) and not value.keys() <= OPERATORS.keys():
            yield from ((f"{text}[{key}].{beside}", inner) for key, inner in value.items())
        else:
            yield text, value


def _operators(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    return {"in" if isinstance(value, list) else "equals": value}


def _actions(data: Document) -> frozenset[Action]:
    named: str | Sequence[str] = data.get("action", ())
    return frozenset(map(Action, (named,) if isinstance(named, str) else named))


def _limits(entries: Sequence[Document]) -> dict[str, Any]:
    """The limits of each sort: the schema has seen to it that each entry is of one."""
    return {
        "counts": tuple(
            CountRule(_actions(each), each["at_most"]) for each in entries if "action" in each
        ),
        "capacities": tuple(_capacity(each) for each in entries if "capacity" in each),
        "traffic": tuple(TrafficRule(each["at_most"]) for each in entries if "traffic" in each),
    }


def _capacity(data: Document) -> CapacityRule:
    types: str | Sequence[str] = data.get("machines", ())
    unit = None if data["capacity"] == RESOURCES else CapacityUnit(data["capacity"])
    side = CapacitySide(data.get("of", CapacitySide.AFTER.value))
    return CapacityRule(
        unit, (types,) if isinstance(types, str) else tuple(types), side, data["at_most"]
    )
