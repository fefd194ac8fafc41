"""The order of a table of rules is a law: exchanging two neighbours changes what some case means.

Where it does not, the two rules exclude each other, and the pair is listed with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import pytest

from provisioner.errors import Position
from provisioner.model.field_rules import FieldRule
from provisioner.model.kind import Kind, OwnershipCarrier, Planning, Runtime, Schema
from provisioner.model.live import Live, Ownership
from provisioner.model.paths import Path
from provisioner.model.plan import ABSENT, Action, Address, Cause, FieldAction, FieldChange
from provisioner.model.resource import Removal, Resource
from provisioner.planning import field_actions, step_actions
from provisioner.planning.comparison import ResourceComparison
from provisioner.planning.field_actions import ChangedField
from provisioner.planning.request import Pair, PlanContext

ADDRESS = Address("toys", "chat")
FIELD: Path = ("block", "field")


def kind_of(carrier: OwnershipCarrier, rules: FieldRule, decides: Any = None) -> Kind:
    return Kind(
        "toys",
        "toy",
        Schema(dict, lambda: rules, lambda document, declared: iter(())),
        Planning(lambda intent: (), field_action=decides),
        Runtime(lambda connection, secrets: pytest.fail("nothing is read")),
        ownership=carrier,
    )


RULES = FieldRule(fields={"block": FieldRule(fields={"field": FieldRule(not_updatable="say so")})})


def lives() -> Iterator[Live | None]:
    yield None
    for owner, protected, at_stake in product(
        ("", "shop/prod", "other/prod"), (False, True), ((), ("a grant",))
    ):
        ownership = Ownership(owner, protected)
        yield Live("chat", "id-1", {}, "", ownership, at_stake=at_stake)
    yield Live("chat", "id-1", {}, "", Ownership(unclear="carries one tag of two"))


def comparisons(sides: Sequence[tuple[Resource | None, Removal | None]]) -> list[Any]:
    """Each combination of what the rules of steps ask about."""
    actions = (None, Action.CREATE, Action.UPDATE, Action.REPLACE, Action.BLOCKED)
    carriers = (OwnershipCarrier.TAGS, OwnershipCarrier.NOTHING)
    requests = [
        PlanContext("shop", "prod", take_over_from=other, prune=prune)
        for other, prune in product(("", "other/prod"), (False, True))
    ]
    combinations = product(sides, lives(), actions, carriers, requests)
    return [
        ResourceComparison(
            Pair(ADDRESS, "chat", desired, live, removal),
            kind_of(carrier, RULES),
            request,
            Ownership(),
            (FieldChange(FIELD, 1, 2, action),) if action else (),
        )
        for (desired, removal), live, action, carrier, request in combinations
    ]


def resource(**more: Any) -> Resource:
    return Resource(ADDRESS, "chat", {"name": "chat"}, **more)


WANTED_SIDES = [(resource(), None), (resource(existing=True), None)]
REMOVED_SIDES = [
    (None, Removal(ADDRESS, "chat", delete, Position("a.yaml"))) for delete in (True, False)
]


def decided_by_kind(*_: Any) -> FieldAction:
    return FieldAction(Action.UPDATE, Cause.MOVED)


def changed_fields() -> list[Any]:
    """Each combination of what the rules of fields ask about."""
    flags = product((False, True), repeat=5)
    cases = []
    for by_kind, ignored, default, immutable, fixed in flags:
        rules = FieldRule(
            fields={
                "field": FieldRule(
                    server_default=default,
                    immutable=immutable,
                    not_updatable="say so" if fixed else "",
                )
            }
        )
        kind = kind_of(OwnershipCarrier.TAGS, rules, decided_by_kind if by_kind else None)
        ignore = (("field",),) if ignored else ()
        for after, twin in product((2, ABSENT), (False, True)):
            document = {"field_plaintext": "x"} if twin else {}
            desired = Resource(ADDRESS, "chat", document, ignore_changes=ignore)
            live = Live("chat", "id-1", {"field": 1}, "")
            change = FieldChange(("field",), 1, after)
            cases.append(ChangedField(change, desired, live, kind, rules))
    return cases


def outcomes(table: Sequence[Callable[[Any], Any]], cases: Sequence[Any]) -> list[Any]:
    return [next((found for rule in table if (found := rule(case))), None) for case in cases]


TABLES = {
    "WANTED": (step_actions.WANTED, comparisons(WANTED_SIDES)),
    "REMOVED": (step_actions.REMOVED, comparisons(REMOVED_SIDES)),
    "UNWANTED": (step_actions.UNWANTED, comparisons([(None, None)])),
    "FIELD_ACTIONS": (field_actions.FIELD_ACTIONS, changed_fields()),
}
EXCLUSIVE = {
    ("not_there", "unclear_owner"): "what is not there has no owner that could be unclear",
    ("unclear_owner", "owned_by_another"): "a resource with an unclear owner names none",
}
"""Neighbours whose order means nothing, and why."""


@pytest.mark.parametrize("name", TABLES)
def test_no_two_neighbours_can_change_places(name: str) -> None:
    table, cases = TABLES[name]
    right = outcomes(table, cases)
    indifferent = set()
    for index, (first, second) in enumerate(pairwise(table)):
        swapped = [*table[:index], second, first, *table[index + 2 :]]
        if outcomes(swapped, cases) == right:
            indifferent.add((first.__name__, second.__name__))
    functions = {rule.__name__ for rule in table}
    assert indifferent == {pair for pair in EXCLUSIVE if set(pair) <= functions}


@pytest.mark.parametrize("name", TABLES)
def test_every_rule_of_a_table_decides_some_case(name: str) -> None:
    table, cases = TABLES[name]
    right = outcomes(table, cases)
    for index, rule in enumerate(table):
        without = [*table[:index], *table[index + 1 :]]
        assert outcomes(without, cases) != right, rule.__name__
