"""Tool calls and answers that follow a JSON schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module", autouse=True)
def _endpoints(client, external):
    client.serve("chat", external("gpt", "chat"))


def function(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [
    function("weather", city={"type": "string"}, unit={"enum": ["C", "F"]}),
    function("clock", zone={"type": "integer"}),
]
CALLED = [
    pytest.param("required", "weather", id="required: the first"),
    pytest.param({"type": "function", "function": {"name": "clock"}}, "clock", id="named"),
]


@pytest.mark.parametrize(("choice", "name"), CALLED)
def test_a_tool_is_called_where_one_has_to_be(client, choice, name):
    body = {"messages": HELLO, "tools": TOOLS, "tool_choice": choice}
    answer = client.query("chat", body).json["choices"][0]
    message = answer["message"]
    (call,) = message["tool_calls"]
    assert (message["role"], message["content"]) == ("assistant", None)
    assert answer["finish_reason"] == "tool_calls"
    assert (call["type"], call["function"]["name"]) == ("function", name)
    assert call["id"].startswith("call_")
    (parameters,) = (
        tool["function"]["parameters"] for tool in TOOLS if tool["function"]["name"] == name
    )
    jsonschema.validate(json.loads(call["function"]["arguments"]), parameters)


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_no_tool_is_called_where_the_model_may_choose(client, choice):
    body = {"messages": HELLO, "tools": TOOLS, "tool_choice": choice}
    answer = client.query("chat", body).json["choices"][0]
    assert answer["message"]["content"].startswith("Made-up answer")
    assert answer["finish_reason"] == "stop"


TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "label": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["label", "children"],
        }
    },
    "$ref": "#/$defs/node",
}
SCHEMAS = [
    pytest.param(
        {
            "type": "object",
            "properties": {"steps": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
            "required": ["steps"],
            "additionalProperties": False,
        },
        id="a list of at least two texts",
    ),
    pytest.param({"type": "integer", "minimum": 3.5, "maximum": 4}, id="a bounded whole number"),
    pytest.param({"type": "integer", "exclusiveMinimum": 1, "multipleOf": 5}, id="a multiple"),
    pytest.param({"type": "integer", "maximum": -3}, id="a negative whole number"),
    pytest.param(
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, id="an open interval"
    ),
    pytest.param({"type": "number", "minimum": 0.25, "maximum": 0.3}, id="a narrow interval"),
    pytest.param({"enum": ["red", "green"]}, id="an enumeration"),
    pytest.param({"const": {"a": 1}}, id="a constant"),
    pytest.param({"type": ["null", "string"]}, id="null or a text"),
    pytest.param({"type": "null"}, id="null"),
    pytest.param({"type": "boolean"}, id="a truth value"),
    pytest.param({"anyOf": [{"type": "null"}, {"type": "integer"}]}, id="an alternative"),
    pytest.param({"oneOf": [{"type": "boolean"}, {"type": "integer"}]}, id="one of two"),
    pytest.param({"anyOf": [{"type": "null"}]}, id="an alternative of null only"),
    pytest.param(
        {
            "allOf": [
                {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {"type": "string"}}, "required": ["b"]},
            ],
            "type": "object",
        },
        id="all of two objects",
    ),
    pytest.param({"type": "string", "minLength": 600}, id="a long text"),
    pytest.param({"type": "string", "maxLength": 5}, id="a short text"),
    pytest.param({"type": "string", "format": "date-time"}, id="a time"),
    pytest.param({"type": "array", "maxItems": 0}, id="an empty list"),
    pytest.param(
        {"type": "array", "prefixItems": [{"type": "integer"}], "minItems": 2}, id="a tuple"
    ),
    pytest.param(TREE, id="a tree that refers to itself"),
    pytest.param({"type": "object", "required": ["free"]}, id="a field without a schema"),
    pytest.param({"type": "object", "properties": {"a": True}}, id="a field of any value"),
    pytest.param({}, id="no schema at all"),
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_answer_satisfies_the_schema_that_is_asked_for(client, schema):
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = client.query("chat", {"messages": HELLO, "response_format": wanted})
    assert answer.status == 200, answer.content
    content = json.loads(answer.json["choices"][0]["message"]["content"])
    jsonschema.validate(content, schema, cls=jsonschema.Draft202012Validator)


def test_a_json_object_says_that_it_is_made_up(client):
    wanted = {"messages": HELLO, "response_format": {"type": "json_object"}}
    content = json.loads(client.query("chat", wanted).json["choices"][0]["message"]["content"])
    assert content["answer"].startswith("Made-up answer")


def test_plain_text_can_be_asked_for_by_name(client):
    wanted = {"messages": HELLO, "response_format": {"type": "text"}}
    answer = client.query("chat", wanted).json["choices"][0]
    assert answer["message"]["content"].startswith("Made-up answer")


def schema_body(schema):
    return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}


ENDLESS = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
WRONG = [
    pytest.param({"tools": "x"}, id="tools that are no list"),
    pytest.param({"tools": [{"type": "function"}]}, id="a tool without a function"),
    pytest.param({"tools": [{"function": {"name": "a", "parameters": 1}}]}, id="no parameters"),
    pytest.param({"tool_choice": "required"}, id="a call without tools"),
    pytest.param({"tools": TOOLS, "tool_choice": "clock"}, id="a tool by its bare name"),
    pytest.param(
        {"tools": TOOLS, "tool_choice": {"function": {"name": "x"}}}, id="a tool nobody gave"
    ),
    pytest.param({"response_format": {"type": "xml"}}, id="a format nobody knows"),
    pytest.param({"response_format": {"type": "json_schema"}}, id="a format without its schema"),
    pytest.param(schema_body({"type": "text"}), id="a type there is not"),
    pytest.param(schema_body({"type": "integer", "minimum": "a"}), id="a bound that is no number"),
    pytest.param(schema_body({"type": "array", "minItems": 10**9}), id="a huge list"),
    pytest.param(schema_body({"$ref": "#/$defs/x"}), id="a reference to nothing"),
    pytest.param(schema_body({"$ref": "https://example.test/x"}), id="a reference outside"),
    pytest.param(schema_body({"$ref": "#"}), id="a schema that is itself"),
    pytest.param(schema_body({"allOf": [{"$ref": "#"}]}), id="a schema that is a part of itself"),
    pytest.param(schema_body({"type": "string", "minLength": 10**9}), id="a huge text"),
    pytest.param(schema_body(ENDLESS), id="a value that has no end"),
    pytest.param(schema_body({"type": "object", "required": 3}), id="required that is no list"),
]


@pytest.mark.parametrize("body", WRONG)
def test_a_form_that_makes_no_sense_is_refused(client, body):
    answer = client.query("chat", {"messages": HELLO, **body})
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
