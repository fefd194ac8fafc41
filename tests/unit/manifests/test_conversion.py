"""Values as the Databricks CLI reads them: what is converted, and what stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.manifests.schema.check import converted
from provisioner.manifests.yaml.source import parse

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "text": {"type": "string"},
        "version": {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "flag": {"type": "boolean"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "either": {"anyOf": [{"type": "string"}, {"type": "array"}]},
        "block": {"type": "object", "properties": {"inner": {"type": "boolean"}}},
        "list": {"type": "array", "items": {"type": "string"}},
        "free": {"type": "object", "additionalProperties": {"type": "string"}},
        "raw": {"type": "object", "additionalProperties": True},
        "key_plaintext": {"type": "string", "x-semantics": {"secret": True}},
        "key": {"type": "string", "x-semantics": {"secret_reference": True}},
    },
}


def read(text: str, *, drop_empty: bool = True) -> tuple[Any, list[str]]:
    """The value of the one field in ``text``, and the converted places."""
    source = parse("m.yaml", text.encode())
    made, conversions = converted(source.data, SCHEMA, source.written, drop_empty=drop_empty)
    return made, [".".join(map(str, one.at)) for one in conversions]


CONVERTED = [
    pytest.param("flag: 'true'", True, id="text for a boolean"),
    pytest.param("flag: 'false'", False, id="text for the other boolean"),
    pytest.param("flag: yes", True, id="a word of YAML 1.1 where only a boolean can be"),
    pytest.param("flag: Off", False, id="another word of YAML 1.1"),
    pytest.param("flag: True", True, id="Python's word"),
    pytest.param("count: '100'", 100, id="text for a whole number"),
    pytest.param("count: '-1'", -1, id="text for a negative number"),
    pytest.param("count: 20.0", 20, id="a fraction that is whole"),
    pytest.param("share: '0.3'", 0.3, id="text for a number"),
    pytest.param("text: 4711", "4711", id="a whole number for text"),
    pytest.param("text: 0.3", "0.3", id="a fraction for text"),
    pytest.param("text: false", "false", id="a boolean for text"),
    pytest.param("list: [1]", ["1"], id="a number in a list of texts"),
    pytest.param("free: {A: true}", {"A": "true"}, id="a boolean in a free mapping"),
    pytest.param("block: {inner: 'no'}", {"inner": False}, id="inside of a block"),
]


@pytest.mark.parametrize(("text", "expected"), CONVERTED)
def test_a_value_is_read_as_the_type_of_its_field(text, expected):
    made, places = read(text)
    (value,) = made.values()
    assert (value, type(value)) == (expected, type(expected))
    assert len(places) == 1


LEFT = [
    pytest.param("text: 3.10", 3.1, id="a fraction that lost its zero"),
    pytest.param("text: 1e3", 1000.0, id="an exponent"),
    pytest.param("count: '010'", "010", id="octal or decimal"),
    pytest.param("count: '90%'", "90%", id="a percentage"),
    pytest.param("count: '1_000'", "1_000", id="a separator"),
    pytest.param("count: 0.5", 0.5, id="a fraction"),
    pytest.param("count: true", True, id="a boolean for a number"),
    pytest.param("flag: 1", 1, id="a number for a boolean"),
    pytest.param("flag: maybe", "maybe", id="another word for a boolean"),
    pytest.param("flag: ''", "", id="an empty text for a boolean"),
    pytest.param("text: [1]", [1], id="a list for text"),
    pytest.param("either: 3", 3, id="a field of several types"),
    pytest.param("raw: {a: 'true', b: null}", {"a": "true", "b": None}, id="below raw"),
    pytest.param("other: 'true'", "true", id="an unknown field"),
    pytest.param("key_plaintext: 123", 123, id="a secret that is written out"),
    pytest.param("key: 123", 123, id="a reference to a secret"),
    pytest.param("text: ''", "", id="an empty text"),
    pytest.param("count: 0", 0, id="zero"),
    pytest.param("flag: false", False, id="false"),
    pytest.param("text: yes", "yes", id="a word of YAML 1.1 for text"),
    pytest.param("list: [null]", [None], id="an entry of a list without a value"),
    pytest.param("name:", None, id="a required field without a value"),
]


@pytest.mark.parametrize(("text", "expected"), LEFT)
def test_a_value_in_doubt_stays_as_it_is(text, expected):
    made, places = read(text)
    (value,) = made.values()
    assert (value, type(value)) == (expected, type(expected))
    assert places == []


@pytest.mark.parametrize("field", ["text", "flag", "block", "list", "free"])
def test_a_key_without_a_value_is_absent(field):
    assert read(f"{field}:") == ({}, [field])


def test_a_key_without_a_value_stays_in_a_layer() -> None:
    assert read("text:", drop_empty=False) == ({"text": None}, [])


def test_a_version_as_a_number_is_a_form_of_its_own() -> None:
    assert read("version: 3") == ({"version": "3"}, [])


def test_the_document_itself_is_left_as_it_is() -> None:
    source = parse("m.yaml", b"block: {inner: 'true'}\n")
    converted(source.data, SCHEMA, source.written, drop_empty=True)
    assert source.data == {"block": {"inner": "true"}}
