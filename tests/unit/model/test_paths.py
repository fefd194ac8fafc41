"""Paths as text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.field_rules import FieldRule, rule_at
from provisioner.model.paths import Key, parse_path, path_text

PATHS = [
    pytest.param((), "", id="no path at all"),
    pytest.param(("config",), "config", id="a field"),
    pytest.param(
        ("config", "served_entities", Key("champion"), "entity_version"),
        "config.served_entities[champion].entity_version",
        id="a field of an entry",
    ),
    pytest.param(("tags", Key("a.b")), "tags[a.b]", id="a key with a dot"),
    pytest.param(("tags", Key("")), 'tags[""]', id="an empty key"),
    pytest.param(("tags", Key("a b")), 'tags["a b"]', id="a key with a blank"),
    pytest.param(("tags", Key("[x]")), 'tags["[x]"]', id="a key with brackets"),
    pytest.param(("tags", Key('"')), r'tags["\""]', id="a key with a quote"),
    pytest.param(("tags", Key("\\")), "tags[\\]", id="a key with a backslash"),
    pytest.param(("tags", Key("\\ ")), r'tags["\\ "]', id="a key with a backslash and a blank"),
    pytest.param(("tags", Key("ä→\n")), r'tags["ä→\n"]', id="a key with a line break"),
    pytest.param((Key("x"), "y"), "[x].y", id="a key at the beginning"),
    pytest.param(("x", Key("1"), Key("2")), "x[1][2]", id="two keys in a row"),
]


@pytest.mark.parametrize(("path", "text"), PATHS)
def test_a_path_reads_back_as_itself(path, text):
    assert path_text(path) == text
    assert parse_path(text) == path


FIELDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]*", fullmatch=True)
KEYS = st.text(st.characters(codec=None)) | st.text('[]". \\\n\x85\u2028a')


@given(st.lists(FIELDS | KEYS.map(Key)).map(tuple))
def test_every_path_reads_back_as_itself(path):
    assert parse_path(path_text(path)) == path


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(".a", id="a dot first"),
        pytest.param("a.", id="a dot last"),
        pytest.param("a..b", id="two dots"),
        pytest.param("a[", id="a bracket that stays open"),
        pytest.param("a[]", id="nothing in the brackets"),
        pytest.param("a[x", id="a key without its end"),
        pytest.param('a["x]', id="a quote that stays open"),
        pytest.param('a["\\q"]', id="an escape that JSON does not know"),
        pytest.param('a[x"y"]', id="a quote in the middle"),
        pytest.param("a[x]b", id="a field without its dot"),
        pytest.param("a b", id="a blank in a field"),
        pytest.param("a]", id="a bracket that was never opened"),
    ],
)
def test_what_is_no_path_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_path(text)


def test_a_rule_holds_down_to_the_last_leaf():
    leaf = FieldRule(type="string")
    rules = FieldRule(
        fields={"block": FieldRule(immutable=True, secret=True, fields={"leaf": leaf})}
    )
    found = rule_at(rules, ("block", "leaf"))
    assert (found.immutable, found.secret, found.write_only) == (True, True, False)
    assert found.type == "string"
    assert rule_at(rules, ()) is rules
