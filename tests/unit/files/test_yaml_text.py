"""Plain data as YAML: what is written reads back as the same data."""

from __future__ import annotations

import enum
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioner.files.yaml_text import document, inline, lines

VALUES = [
    pytest.param({"a": []}, id="an empty list in a mapping"),
    pytest.param({"a": {}}, id="an empty mapping in a mapping"),
    pytest.param([[], {}], id="empty ones in a list"),
    pytest.param({"a": "[]", "b": "{}"}, id="texts that look like empty ones"),
    pytest.param({"a": "x: y, z"}, id="a text with signs that mean something"),
    pytest.param({"a": None, "b": True, "c": 1.5, "d": ""}, id="scalars"),
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_on_one_line_reads_back_as_itself(value):
    assert yaml.safe_load(inline(value)) == value


@pytest.mark.parametrize("value", VALUES)
def test_a_value_in_blocks_reads_back_as_itself(value):
    assert yaml.safe_load("\n".join(lines({"outer": value}))) == {"outer": value}


TEXT = st.text(st.characters(exclude_categories=("Cs",))) | st.sampled_from(
    [
        "a\nb\n",
        "##vso[task]x",
        "no",
        "1e5",
        "2026-01-01",
        "12:30",
        "=",
        " a\nb",
        "- a",
        "~",
        "\x1b[0m",
    ]
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(DATA)
def test_a_document_holds_the_data_of_the_json_and_nothing_that_a_log_obeys(data):
    text = document(data)
    assert yaml.safe_load(text) == json.loads(json.dumps(data))
    assert text.isascii()
    assert "\x1b" not in text
    assert "##" not in text


TYPED = ["y", "N", "12e45678", "1e3", ".5", "0o17", "0x1F", "-0", "no", "null", "1_000", "12:30:45"]


@pytest.mark.parametrize("text", TYPED)
def test_a_text_that_some_reader_takes_for_another_type_is_quoted(text):
    assert document({"a": text}) == f"a: '{text}'\n"


def test_a_document_has_blocks_for_lines_and_no_aliases():
    code = "import openai\n\nclient = openai.OpenAI()\n"
    again = {"code": code}
    text = document({"first": again, "second": again, "pair": ("a", Colour.RED)})
    block = "  code: |\n    import openai\n\n    client = openai.OpenAI()\n"
    assert text == f"first:\n{block}second:\n{block}pair:\n- a\n- red\n"


def test_half_a_character_is_replaced():
    assert yaml.safe_load(document("\ud800!")) == "\ufffd!"


class Colour(enum.StrEnum):
    RED = "red"
