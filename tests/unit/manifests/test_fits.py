"""The short way to "nothing is wrong" may never say so where jsonschema would find something."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from provisioner.manifests.schema.check import fits
from provisioner.manifests.schema.fields import inlined
from provisioner.model.schemas import schema

ENDPOINT = inlined(schema("kinds/model_serving_endpoints"))
SCOPE = inlined(schema("kinds/secret_scopes"))
ENVIRONMENT = inlined(schema("shapes/environment"))

GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "name": "support",
            "config": {
                "served_entities": [
                    {
                        "name": "champion",
                        "external_model": {
                            "name": "gpt-4o",
                            "provider": "openai",
                            "task": "llm/v1/chat",
                            "openai_config": {"openai_api_key": "{{secrets/scope/key}}"},
                        },
                    }
                ],
                "traffic_config": {
                    "routes": [{"served_entity_name": "champion", "traffic_percentage": 100}]
                },
            },
            "ai_gateway": {"rate_limits": [{"calls": 10, "renewal_period": "minute"}]},
            "tags": [{"key": "team", "value": "search"}],
        },
        ENDPOINT,
    ),
    ({"name": "keys", "secrets": {"one": {"from_env": "ONE"}}}, SCOPE),
    (
        {
            "workspace": {"host": "https://example.test"},
            "manifests": ["manifests/*.yaml"],
            "guard": {"destructive_percent": 30},
        },
        ENVIRONMENT,
    ),
]

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 101), st.floats(), st.text(max_size=3)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in ``value`` but its root."""
    if not isinstance(value, dict | list):
        return []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return [found for step, inner in pairs for found in ((*at, step), *places(inner, (*at, step)))]


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """``value`` with ``new`` at ``at``; nothing there where ``new`` is Ellipsis."""
    if not at:
        return new
    made = value.copy()
    if len(at) == 1 and new is ...:
        del made[at[0]]
    else:
        made[at[0]] = changed(value[at[0]], at[1:], new)
    return made


@pytest.mark.parametrize(("document", "schema"), GOOD, ids=("endpoint", "scope", "environment"))
def test_what_is_good_takes_the_short_way(document, schema):
    assert fits(document, schema)


@pytest.mark.parametrize(("document", "schema"), GOOD, ids=("endpoint", "scope", "environment"))
@given(data=st.data())
def test_what_fits_is_valid_for_jsonschema(document, schema, data):
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.sampled_from(places(document)))
        document = changed(document, at, data.draw(values | st.just(...)))
        if not places(document):
            break
    errors = [error.message for error in Draft7Validator(schema).iter_errors(document)]
    assert not (errors and fits(document, schema)), errors


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        pytest.param(20.0, {"type": "integer"}, id="a fraction that is whole"),
        pytest.param(True, {"type": "integer"}, id="true is no integer"),
        pytest.param(True, {"type": "number"}, id="true is no number"),
        pytest.param(True, {"maximum": 5}, id="true is not compared"),
        pytest.param("a\n", {"pattern": "^a$"}, id="a line break behind the end"),
        pytest.param("a", {"format": "date"}, id="a keyword that it does not know"),
        pytest.param({"a": 1}, {"$ref": "#/definitions/A"}, id="a reference"),
        pytest.param([1], {"items": [{"type": "integer"}]}, id="items one by one"),
        pytest.param(1, {"type": ["integer", "null"]}, id="several types"),
        pytest.param(1, {"enum": [True]}, id="equal for Python, not for JSON"),
        pytest.param(1, {"const": True}, id="constant that is equal for Python"),
        pytest.param(float("nan"), {"minimum": 0}, id="not a number"),
    ],
)
def test_it_is_not_sure(value, schema):
    assert not fits(value, schema)
