"""Whatever is sent, the answer is an answer: never an internal error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

SCALARS = some.none() | some.booleans() | some.integers(-3, 3000) | some.floats() | some.text()
ANYTHING = some.recursive(
    SCALARS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)
MESSAGE = some.fixed_dictionaries(
    {"role": some.sampled_from(["user", "assistant", "tool"]) | ANYTHING, "content": ANYTHING}
)
SCHEMA = some.dictionaries(
    some.sampled_from(
        [
            "type",
            "properties",
            "required",
            "items",
            "enum",
            "minimum",
            "multipleOf",
            "anyOf",
            "allOf",
            "$ref",
            "minItems",
            "maxItems",
            "minLength",
            "maxLength",
            "format",
            "const",
        ]
    ),
    some.sampled_from(["object", "array", "string", "integer", "number", "#"]) | ANYTHING,
    max_size=4,
)
FORM = some.fixed_dictionaries(
    {"type": some.sampled_from(["json_schema", "json_object"]) | ANYTHING},
    optional={"json_schema": some.fixed_dictionaries({"schema": SCHEMA})},
)
FUNCTION = some.fixed_dictionaries({"name": some.text(), "parameters": SCHEMA})
TOOL = some.fixed_dictionaries({"function": FUNCTION | ANYTHING})
FIELDS = {
    "messages": some.lists(MESSAGE, max_size=2) | ANYTHING,
    "prompt": some.text() | ANYTHING,
    "input": some.text() | ANYTHING,
    "response_format": FORM | ANYTHING,
    "tools": some.lists(TOOL, max_size=2) | ANYTHING,
    "tool_choice": some.just("required") | ANYTHING,
    **dict.fromkeys(
        [
            "n",
            "max_tokens",
            "stop",
            "temperature",
            "stream",
            "stream_options",
            "dimensions",
            "encoding_format",
            "dataframe_split",
            "dataframe_records",
            "inputs",
            "instances",
        ],
        ANYTHING,
    ),
}
BODIES = some.lists(some.sampled_from(sorted(FIELDS)), max_size=4).flatmap(
    lambda names: some.fixed_dictionaries({name: FIELDS[name] for name in names})
)


@pytest.fixture(scope="module", autouse=True)
def _endpoints(client, external, custom):
    rules = {"input": {"pii": {"behavior": "MASK"}}, "output": {"pii": {"behavior": "BLOCK"}}}
    client.serve("chat", external(), gateway={"guardrails": rules})
    client.serve("text", external(task="completions"))
    client.serve("vectors", external(task="embeddings"))
    client.serve("custom", custom())


@given(name=some.sampled_from(["chat", "text", "vectors", "custom"]), body=BODIES)
def test_a_body_is_answered_or_refused(client, name, body):
    answer = client.query(name, body)
    assert answer.status in (200, 400), answer.content
    if answer.status == 400:
        assert answer.json["error_code"]
