"""The merge rule: what is laid over and under, and where every value is from."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds import KINDS
from provisioner.manifests.merge import (
    Origin,
    PlacedValue,
    laid_over,
    laid_under,
    removals_of_nothing,
)

RULES = KINDS["model_serving_endpoints"].schema.rules()


def entities(*entries: Any) -> dict[str, Any]:
    return {"config": {"served_entities": list(entries)}}


def tags(*entries: Any) -> dict[str, Any]:
    return {"tags": list(entries)}


A, B, C = ({"key": name, "value": name} for name in "abc")
GONE = {"$delete": True}


def limits(*entries: Any) -> dict[str, Any]:
    return {"ai_gateway": {"rate_limits": list(entries)}}


USERS = {"key": "user", "renewal_period": "minute"}
CALLS, TOKENS = USERS | {"calls": 9}, USERS | {"tokens": 9}
LIMITS = {
    "tokens join a limit of calls": ([CALLS], [TOKENS], [CALLS, TOKENS]),
    "one part of a joint limit is changed": (
        [CALLS | TOKENS],
        [{"key": "user", "tokens": 5}],
        [CALLS, TOKENS | {"tokens": 5}],
    ),
    "a joint limit changes both parts": (
        [TOKENS, CALLS],
        [{"key": "user", "calls": 1, "tokens": 2}],
        [TOKENS | {"tokens": 2}, CALLS | {"calls": 1}],
    ),
    "null removes one part": ([CALLS | TOKENS], [{"key": "user", "calls": None}], [TOKENS]),
    "null removes a whole limit of that part": (
        [CALLS, TOKENS],
        [{"key": "user", "tokens": None}],
        [CALLS],
    ),
    "a removal of the key removes both parts": (
        [CALLS, TOKENS],
        [{"key": "user", **GONE}],
        [],
    ),
    "a removal with a part removes that part": (
        [CALLS | TOKENS],
        [{"key": "user", "calls": 9, **GONE}],
        [TOKENS],
    ),
    "what names no part is meant for both": (
        [CALLS, TOKENS],
        [{"key": "user", "renewal_period": "hour"}],
        [CALLS | {"renewal_period": "hour"}, TOKENS | {"renewal_period": "hour"}],
    ),
}

# under, over, result
OVER = [
    pytest.param({"a": 1}, {}, {"a": 1}, id="nothing changes nothing"),
    pytest.param({}, {"a": 1}, {"a": 1}, id="a field is added"),
    pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="a scalar is replaced"),
    pytest.param({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}, id="its neighbour stays"),
    pytest.param({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}, id="mappings merge"),
    pytest.param({"a": {"b": 1}}, {"a": 2}, {"a": 2}, id="a scalar replaces a mapping"),
    pytest.param({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}, id="a mapping replaces a scalar"),
    pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="a list without identity is replaced"),
    pytest.param({"a": [{"name": "x"}]}, {"a": []}, {"a": []}, id="by an empty one too"),
    pytest.param({"a": 1, "b": 2}, {"a": None}, {"b": 2}, id="null removes a field"),
    pytest.param({"a": {"b": 1}}, {"a": None}, {}, id="null removes a mapping"),
    pytest.param({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {}}, id="null removes an inner field"),
    pytest.param({}, {"a": None}, {}, id="null removes nothing where nothing is"),
    pytest.param({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}, id="also inside what is new"),
    pytest.param({"a": 1}, {"a": False}, {"a": False}, id="false is a value"),
    pytest.param({"a": 1}, {"a": 0}, {"a": 0}, id="zero is a value"),
    pytest.param({"a": "x"}, {"a": ""}, {"a": ""}, id="empty text is a value"),
    pytest.param({"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}, id="an empty mapping adds nothing"),
    pytest.param({"a": {"b": 1}}, {"a": GONE}, {}, id="a mapping is deleted"),
    pytest.param(tags(A), tags(B), tags(A, B), id="a tag is added"),
    pytest.param(
        tags(A, B),
        tags({"key": "a", "value": "x"}),
        tags({"key": "a", "value": "x"}, B),
        id="a tag keeps its place",
    ),
    pytest.param(tags(A, B), tags({"key": "a", **GONE}), tags(B), id="a tag is deleted"),
    pytest.param(tags(A), tags({"key": "a", **GONE}), tags(), id="the last tag is deleted"),
    pytest.param(tags(A), tags({"key": "z", **GONE}), tags(A), id="no tag is deleted"),
    pytest.param({}, tags({"key": "z", **GONE}, B), tags(B), id="no list to delete from"),
    pytest.param(tags(A), {"tags": None}, {}, id="null removes a keyed list"),
    pytest.param(tags(A), {"tags": []}, tags(A), id="an empty keyed list adds nothing"),
    pytest.param(tags(A), {"tags": ["x"]}, {"tags": ["x"]}, id="what has no fields replaces"),
    pytest.param(
        entities({"name": "a", "workload_size": "Small", "entity_version": "1"}),
        entities({"name": "a", "workload_size": "Large"}),
        entities({"name": "a", "workload_size": "Large", "entity_version": "1"}),
        id="an entity by its name",
    ),
    pytest.param(
        entities({"name": "a", "workload_size": "Small"}),
        entities({"name": "a", "workload_size": None}),
        entities({"name": "a"}),
        id="null removes a field of an entity",
    ),
    pytest.param(
        entities({"name": "a", "environment_vars": {"X": "1", "Y": "2"}}),
        entities({"name": "a", "environment_vars": {"X": None, "Z": "3"}}),
        entities({"name": "a", "environment_vars": {"Y": "2", "Z": "3"}}),
        id="a free mapping of an entity",
    ),
    pytest.param(
        {"ai_gateway": {"rate_limits": [{"key": "user", "calls": 1, "renewal_period": "minute"}]}},
        {"ai_gateway": {"rate_limits": [{"key": "user", "calls": 2}]}},
        {"ai_gateway": {"rate_limits": [{"key": "user", "calls": 2, "renewal_period": "minute"}]}},
        id="a rate limit by its key",
    ),
    pytest.param(
        {"ai_gateway": {"rate_limits": [{"key": "user_group", "principal": "a", "calls": 1}]}},
        {"ai_gateway": {"rate_limits": [{"key": "user_group", "principal": "b", "calls": 2}]}},
        {
            "ai_gateway": {
                "rate_limits": [
                    {"key": "user_group", "principal": "a", "calls": 1},
                    {"key": "user_group", "principal": "b", "calls": 2},
                ]
            }
        },
        id="two groups are two rate limits",
    ),
    *(
        pytest.param(limits(*under), limits(*over), limits(*expected), id=name)
        for name, (under, over, expected) in LIMITS.items()
    ),
    pytest.param(
        {"permissions": [{"group_name": "a", "level": "CAN_VIEW"}]},
        {"permissions": [{"group_name": "a", "level": "CAN_QUERY"}]},
        {"permissions": [{"group_name": "a", "level": "CAN_QUERY"}]},
        id="a permission by its principal",
    ),
    pytest.param(
        {"permissions": [{"group_name": "a", "level": "CAN_VIEW"}]},
        {"permissions": [{"user_name": "a", "level": "CAN_QUERY"}]},
        {
            "permissions": [
                {"group_name": "a", "level": "CAN_VIEW"},
                {"user_name": "a", "level": "CAN_QUERY"},
            ]
        },
        id="a user is no group of the same name",
    ),
]


def over(under: Any, on_top: Any) -> PlacedValue:
    return laid_over(
        PlacedValue(under, Origin("below")), PlacedValue(on_top, Origin("above")), RULES
    )


@pytest.mark.parametrize(("under", "on_top", "expected"), OVER)
def test_what_is_laid_over(under, on_top, expected):
    assert over(under, on_top).value == expected


@pytest.mark.parametrize(("under", "on_top", "expected"), OVER)
def test_to_lay_it_over_again_changes_nothing(under, on_top, expected):
    assert over(expected, on_top).value == expected


# defaults, manifest, result: also in the order of its fields
UNDER = [
    pytest.param({"a": 1}, {"b": 2}, {"b": 2, "a": 1}, id="the manifest's fields come first"),
    pytest.param({"a": 1, "b": 1}, {"b": 2}, {"b": 2, "a": 1}, id="the manifest wins"),
    pytest.param({"a": 1}, {"a": None}, {}, id="null takes a default away"),
    pytest.param({}, {"a": None}, {"a": None}, id="null for nothing stays a mistake"),
    pytest.param({"a": {"b": 1, "c": 1}}, {"a": {"c": 2}}, {"a": {"c": 2, "b": 1}}, id="inside"),
    pytest.param(tags(A), tags(B), tags(A, B), id="lists with an identity are filled up"),
    pytest.param(tags(A, C), tags({"key": "a", **GONE}), tags(C), id="a default tag is deleted"),
]


@pytest.mark.parametrize(("under", "manifest", "expected"), UNDER)
def test_what_is_laid_under(under, manifest, expected):
    made = laid_under(
        PlacedValue(under, Origin("below")), PlacedValue(manifest, Origin("")), RULES
    ).value
    assert made == expected
    assert list(made) == list(expected)


# location in the result, layer, location in the layer
ORIGINS = [
    pytest.param(("name",), "below", ("name",), id="what is not laid over"),
    pytest.param(("description",), "above", ("description",), id="what is replaced"),
    pytest.param(("tags", 0, "value"), "below", ("tags", 1, "value"), id="an entry that moved up"),
    pytest.param(("tags", 1, "key"), "above", ("tags", 1, "key"), id="an entry that was added"),
    pytest.param(("config",), "below", ("config",), id="a mapping that was merged"),
    pytest.param(
        ("config", "served_entities", 0, "workload_size"),
        "above",
        ("config", "served_entities", 0, "workload_size"),
        id="a field of an entry",
    ),
    pytest.param(
        ("config", "served_entities", 0, "entity_version"),
        "below",
        ("config", "served_entities", 1, "entity_version"),
        id="a field of an entry that moved up, from below",
    ),
    pytest.param(
        ("config", "served_entities"), "below", ("config", "served_entities"), id="a list"
    ),
    pytest.param(("tags", 0), "below", ("tags", 1), id="a whole entry"),
    pytest.param(("tags", 1), "above", ("tags", 1), id="a whole entry that was added"),
    pytest.param(
        ("config", "served_entities", 0, "name"),
        "below",
        ("config", "served_entities", 1, "name"),
        id="a key that both layers write",
    ),
    pytest.param(("notes", 1), "above", ("notes", 1), id="inside a list that was replaced"),
    pytest.param(("free", "x"), "below", ("free", "x"), id="a word of a free mapping"),
    pytest.param(("free", "y"), "above", ("free", "y"), id="a word that was added to it"),
    pytest.param(("same",), "below", ("same",), id="what is only said again"),
    pytest.param(("other", "b"), "above", ("other", "b"), id="what replaced a scalar"),
]


@pytest.mark.parametrize(("at", "layer", "place"), ORIGINS)
def test_each_value_remembers_where_it_is_from(at, layer, place):
    two = entities({"name": "x"}, {"name": "a", "entity_version": "1", "workload_size": "Small"})
    under = {
        "name": "n",
        "description": "d",
        "notes": [1],
        "free": {"x": 1, "z": 1},
        "same": 1,
        "other": 1,
        **tags(A, B),
        **two,
    }
    on_top = {
        "description": "e",
        "notes": [2, 3],
        "free": {"y": 2, "z": None},
        "same": 1,
        "other": {"b": 2},
        **tags({"key": "a", **GONE}, C),
        **entities({"name": "a", "workload_size": "Large"}, {"name": "x", **GONE}),
    }
    found = over(under, on_top).place.of(at)
    assert (found.layer, found.at) == (layer, place)


# location in the result, layer, location in the layer
ORIGINS_UNDER = [
    pytest.param(("name",), "manifest", ("name",), id="what only the manifest has"),
    pytest.param(("description",), "manifest", ("description",), id="what both have"),
    pytest.param(("budget_policy_id",), "default", ("budget_policy_id",), id="a default"),
    pytest.param(("tags", 1), "manifest", ("tags", 1), id="an entry of the manifest"),
    pytest.param(("tags", 0), "default", ("tags", 1), id="an entry that was filled up"),
]


@pytest.mark.parametrize(("at", "layer", "place"), ORIGINS_UNDER)
def test_each_default_remembers_where_it_is_from(at, layer, place):
    default = {"description": "d", "budget_policy_id": "b", **tags(B, C)}
    manifest = {"name": "n", "description": "m", **tags({"key": "b", **GONE}, A)}
    made = laid_under(
        PlacedValue(default, Origin("default")), PlacedValue(manifest, Origin("manifest")), RULES
    )
    assert [tag["key"] for tag in made.value["tags"]] == ["c", "a"]
    found = made.place.of(at)
    assert (found.layer, found.at) == (layer, place)


def test_an_entry_that_is_written_twice_is_not_lost():
    assert over(tags(A), tags(B, B)).value == tags(A, B, B)
    assert over(tags(A), tags(A, A)).value == tags(A, A)


def test_an_entry_that_is_deleted_but_is_not_there_is_found():
    found = removals_of_nothing(tags(A), tags({"key": "z", **GONE}, {"key": "a", **GONE}), RULES)
    assert list(found) == [("tags", 0)]
