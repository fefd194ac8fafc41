"""YAML as data with positions, and every file that is refused instead."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provisioner.errors import FileError
from provisioner.manifests.yaml.source import parse

LONG_INTEGER = "1234567890" * 500
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
MERGE_CHAIN = "m0: &m0 {k0: 1}\n" + "".join(
    f"m{n}: &m{n}\n  <<: *m{n - 1}\n  k{n}: 1\n" for n in range(1, 2000)
)


def data_of(text: str | bytes) -> object:
    return parse("m.yaml", text if isinstance(text, bytes) else text.encode()).data


def problems_of(text: str | bytes):
    with pytest.raises(FileError) as caught:
        data_of(text)
    return caught.value.problems


SCALARS = [
    pytest.param("true", True, id="true"),
    pytest.param("false", False, id="false"),
    pytest.param("True", "True", id="a capital letter makes it text"),
    pytest.param("yes", "yes", id="yes is text"),
    pytest.param("no", "no", id="no is text"),
    pytest.param("on", "on", id="on is text"),
    pytest.param("", None, id="nothing is null"),
    pytest.param("~", None, id="a tilde is null"),
    pytest.param("null", None, id="null is null"),
    pytest.param("Null", "Null", id="Null is text"),
    pytest.param("0", 0, id="zero"),
    pytest.param("-12", -12, id="a negative number"),
    pytest.param("1234567890123456789", 1234567890123456789, id="19 digits"),
    pytest.param("12345678901234567890", "12345678901234567890", id="20 digits stay text"),
    pytest.param(LONG_INTEGER, LONG_INTEGER, id="5,000 digits stay text"),
    pytest.param("010", "010", id="a leading zero makes it text, not octal"),
    pytest.param("0x1f", "0x1f", id="hexadecimal is text"),
    pytest.param("0o17", "0o17", id="octal is text"),
    pytest.param("1_000", "1_000", id="underscores make it text"),
    pytest.param("+5", "+5", id="a plus sign makes it text"),
    pytest.param("12:30:45", "12:30:45", id="base 60 is text"),
    pytest.param("2024-01-01", "2024-01-01", id="a date is text"),
    pytest.param("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z", id="a time is text"),
    pytest.param("3.10", 3.1, id="a fraction"),
    pytest.param("-0.5", -0.5, id="a negative fraction"),
    pytest.param("1e3", 1000.0, id="an exponent"),
    pytest.param("1e400", "1e400", id="an exponent beyond all numbers stays text"),
    pytest.param(".5", ".5", id="a fraction without its zero is text"),
    pytest.param("5.", "5.", id="a trailing point makes it text"),
    pytest.param(".inf", ".inf", id="infinity is text"),
    pytest.param(".nan", ".nan", id="not a number is text"),
    pytest.param("=", "=", id="an equals sign"),
    pytest.param("'3'", "3", id="quotes make it text"),
    pytest.param('"true"', "true", id="double quotes too"),
    pytest.param("|\n  3\n", "3\n", id="a block is text"),
    pytest.param("12e45678", "12e45678", id="a commit hash that looks like a number"),
]


@pytest.mark.parametrize(("written", "value"), SCALARS)
def test_a_scalar_means(written, value):
    found = data_of(f"k: {written}\n")["k"]
    assert (type(found), found) == (type(value), value)


GOOD = [
    pytest.param("{a: {b: [1, {c: d}]}}", {"a": {"b": [1, {"c": "d"}]}}, id="flow"),
    pytest.param("a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}, id="an alias repeats"),
    pytest.param(
        "x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x\n",
        {"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}},
        id="a merge adds what is not there",
    ),
    pytest.param(
        "x: &x {a: 1}\ny: {<<: [*x, {a: 2, b: 2}]}\n",
        {"x": {"a": 1}, "y": {"a": 1, "b": 2}},
        id="of several merges the first one wins",
    ),
    pytest.param("'<<': 1\n", {"<<": 1}, id="a merge sign in quotes is a field"),
    pytest.param("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}, id="an anchor anew"),
    pytest.param(b"\xef\xbb\xbfa: 1\n", {"a": 1}, id="a byte order mark is no content"),
    pytest.param("a: 1\r\nb: |\r\n  x\r\n", {"a": 1, "b": "x\n"}, id="Windows line breaks"),
    pytest.param("on: 1\n2024-01-01: 2\n", {"on": 1, "2024-01-01": 2}, id="odd names of fields"),
    pytest.param("? a\n: b\n", {"a": "b"}, id="an explicit key"),
    pytest.param("[1, 2]", [1, 2], id="a list at the top"),
    pytest.param("---\na: 1\n...\n", {"a": 1}, id="document marks around one document"),
    pytest.param("%YAML 1.1\n---\na: 010\n", {"a": "010"}, id="a YAML 1.1 directive"),
    pytest.param("[" * 100 + "]" * 100, None, id="a hundred levels"),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_data(text, expected):
    found = data_of(text)
    assert expected is None or found == expected


def test_what_an_alias_repeats_is_not_shared():
    data = data_of("a: &x {k: [1]}\nb: *x\nc: {<<: *x}\n")
    data["a"]["k"].append(2)
    assert data["b"] == {"k": [1]}
    assert data["c"] == {"k": [1]}


# text, code, place, part of the message, part of the hint
BAD = [
    pytest.param("", "E112", "1:1", "empty file", "", id="empty"),
    pytest.param("# only\n", "E112", "1:1", "only comments", "", id="only comments"),
    pytest.param("---\n", "E112", "1:1", "only comments", "", id="an empty document"),
    pytest.param("a: \xe9".encode("latin-1"), "E111", "1:4", "byte 4", "UTF-8", id="Latin-1"),
    pytest.param(b"\xff\xfea\x00", "E111", "1:1", "0xFF", "UTF-8", id="UTF-16"),
    pytest.param(
        "\ufeffé: 1\nb: ".encode() + b"\x80",
        "E111",
        "2:4",
        "byte 13",
        "",
        id="not UTF-8 further on",
    ),
    pytest.param(b"a: x\x07y\n", "E120", "1:5", "U+0007", "delete", id="a control character"),
    pytest.param("a: 1\nb: \ufeff\n", "E120", "2:4", "U+FEFF", "", id="a byte order mark inside"),
    pytest.param("#" + "x" * 5_000_000, "E110", "1:1", "larger than 2 MB", "split", id="5 MB"),
    pytest.param("[" * 100_000, "E113", "1:101", "100 levels", "", id="100,000 brackets"),
    pytest.param("{" * 100_000, "E113", "1:101", "100 levels", "", id="100,000 braces"),
    pytest.param("- " * 100_000, "E113", "1:201", "100 levels", "", id="100,000 dashes"),
    pytest.param("? " * 100_000, "E113", "1:201", "100 levels", "", id="100,000 question marks"),
    pytest.param("[\n" * 100_000, "E113", "101:1", "100 levels", "", id="100,000 lines"),
    pytest.param(
        "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)),
        "E113",
        "100:12",
        "100 levels",
        "",
        id="levels that aliases add",
    ),
    pytest.param(
        BOMB,
        "E114",
        "6:15",
        "200,000 values",
        "do not use aliases inside anchors",
        id="an alias bomb",
    ),
    pytest.param(MERGE_CHAIN, "E114", "1887:7", "200,000", "", id="a chain of merges"),
    pytest.param("[" + "1," * 300_000 + "]", "E114", "1:400000", "200,000", "", id="many values"),
    pytest.param("a: 1\nb: 2\na: 3\n", "E103", "3:1", "`a`", "m.yaml:1:1", id="a field twice"),
    pytest.param("x: {b: 1,\n 'b': 2}\n", "E103", "2:2", "`b`", "m.yaml:1:5", id="twice in flow"),
    pytest.param(
        "x: &x {}\ny:\n  <<: *x\n  <<: *x\n", "E103", "4:3", "`<<`", "<<: [", id="two merges"
    ),
    pytest.param("a: !!str 3\n", "E115", "1:4", "`!!str`", "quotes", id="a standard tag"),
    pytest.param("a: &x !Ref {b: c}\n", "E115", "1:7", "`!Ref`", "", id="a tag of one's own"),
    pytest.param("a: !!python/object:os.system {}\n", "E115", "1:4", "!!python", "", id="Python"),
    pytest.param(
        "a: 1\n---\nb: 2\n", "E116", "2:1", "second YAML document", "", id="two documents"
    ),
    pytest.param("3: x\n", "E117", "1:1", "`3`", 'quotes: "3"', id="a number as a name"),
    pytest.param("a:\n  true: x\n", "E117", "2:3", "`true`", "", id="a boolean as a name"),
    pytest.param("? [a]\n: b\n", "E117", "1:3", "not a list", "", id="a list as a name"),
    pytest.param("a: *b\n", "E119", "1:4", "no earlier anchor", "quotes", id="an alias of nothing"),
    pytest.param("a: &a [*a]\n", "E119", "1:8", "contains it", "", id="an alias of itself"),
    pytest.param(
        "a: {<<: 3}\n", "E119", "1:5", "mappings only", "<<: *NAME", id="merging a number"
    ),
    pytest.param(
        "a:\n  key: {{secrets/scope/key}}\n",
        "E118",
        "2:8",
        "unquoted",
        'quotes: "{{secrets/scope/key}}"',
        id="a reference without quotes",
    ),
    pytest.param(
        "a: {{secrets/s/k}}/x\n",
        "E118",
        "1:4",
        "unquoted",
        '"{{secrets/s/k}}/x"',
        id="and with a rest",
    ),
    pytest.param(
        "a: [${env.X}]\n", "E118", "1:5", "unquoted", '"${env.X}"', id="a variable in a flow list"
    ),
    pytest.param(
        "a: {b: ${env.X}}\n", "E118", "1:8", "unquoted", '"${env.X}"', id="and in a flow mapping"
    ),
    pytest.param("a:\n\tb: 1\n", "E102", "2:1", "tab", "spaces", id="a tab as indentation"),
    pytest.param("a: 1\n\tb: 2\n", "E102", "2:1", "tab", "spaces", id="a tab that continues"),
    pytest.param("a:\n  - b\n \t c: 2\n", "E102", "3:2", "tab", "", id="a tab behind a blank"),
    pytest.param("a: b: c\n", "E101", "1:5", "`:` where no field", "quotes", id="two colons"),
    pytest.param("a: 1\nb 2\n", "E101", "2:1", "`:` is missing", "`name: value`", id="no colon"),
    pytest.param(
        "a:\n  b: 1\n c: 2\n", "E101", "3:2", "mapping above", "column", id="a wrong step"
    ),
    pytest.param("- a\nb: 1\n", "E101", "2:1", "list above", "column", id="a field after a list"),
    pytest.param("a: 'it's'\n", "E101", "1:8", "unexpected text", "twice", id="a quote in quotes"),
    pytest.param('a: "x\nb: 1\n', "E101", "1:4", "never closed", "", id="an open quote"),
    pytest.param("a: [1, 2\nb: 3\n", "E101", "1:4", "list that is not closed", "]", id="open list"),
    pytest.param("a: {b: 1\nc: 3\n", "E101", "1:4", "mapping that is not", "}", id="open mapping"),
    pytest.param("a: *.x\n", "E101", "1:4", "anchor", "quotes", id="a star"),
    pytest.param("a: @x\n", "E101", "1:4", "cannot begin", "quotes", id="an at sign"),
    pytest.param("a: - b\n", "E101", "1:4", "list cannot begin", "line", id="a list on the line"),
    pytest.param('a: "\\d"\n', "E101", "1:5", "escape", "single quotes", id="an unknown escape"),
    pytest.param("é: ü\n漢: [x\n", "E101", "2:4", "not closed", "", id="columns are characters"),
    pytest.param(
        "a: 1\r\nb: [x\r\n", "E101", "2:4", "not closed", "", id="with Windows line breaks"
    ),
]


@pytest.mark.parametrize(("text", "code", "place", "message", "hint"), BAD)
def test_a_bad_file(text, code, place, message, hint):
    (problem,) = problems_of(text)
    assert (problem.code, str(problem.where)) == (code, f"m.yaml:{place}")
    assert message in problem.message
    assert hint in problem.hint


def test_all_that_is_wrong_is_told_at_once():
    text = "a: !x 1\na: 2\n3: 4\nb: {{x}}\nc: [\n"
    assert [problem.code for problem in problems_of(text)] == ["E115", "E103", "E117", "E118"]


def place(text: str, *at: str | int, key: bool = False) -> str:
    """What is underlined for ``at``: line, column, and the characters."""
    source = parse("m.yaml", text.encode())
    start, end = source.span(at, key)
    position = source.text.position(start)
    return f"{position.line}:{position.column} {text[start:end]}"


NESTED = "a:\n  b:\n    - name: x\n      size: 3\n    - {name: y}\n  'c': \"q\"\nd:\n"

PLACES = [
    pytest.param(("a", "b", 0, "size"), False, "4:13 3", id="a value"),
    pytest.param(("a", "b", 0, "size"), True, "4:7 size", id="its key"),
    pytest.param(("a", "c"), False, '6:8 "q"', id="a value in quotes"),
    pytest.param(("a", "c"), True, "6:3 'c'", id="a key in quotes"),
    pytest.param(("a", "b"), False, "2:3 b", id="a block is underlined at its key"),
    pytest.param(("a", "b", 0), False, "3:7 name", id="an entry at its first field"),
    pytest.param(("a", "b", 1), False, "5:7 {name: y}", id="a flow mapping as a whole"),
    pytest.param(("d",), False, "7:1 d", id="an empty value at its key"),
    pytest.param((), False, "1:1 a", id="the whole file at its first field"),
    pytest.param(("a", "b", 0, "nothing"), False, "3:7 name", id="what is not there: its parent"),
    pytest.param(("a", "x", "y"), True, "1:1 a", id="far from there: the nearest parent"),
]


@pytest.mark.parametrize(("at", "key", "expected"), PLACES)
def test_a_place(at, key, expected):
    assert place(NESTED, *at, key=key) == expected


def test_places_behind_wide_characters_and_carriage_returns():
    assert place("é: 'ü漢'\r\n😀: [x, 👍🏽, y]\r\n", "😀", 2) == "2:12 y"


def test_what_an_alias_repeats_stands_where_it_was_written():
    text = "x: &x\n  k: 1\ny: *x\nz:\n  <<: *x\n"
    assert place(text, "y") == "3:4 *x"
    assert place(text, "y", "k") == "2:6 1"
    assert place(text, "z", "k", key=True) == "2:3 k"


WRITTEN = [
    pytest.param("a: 3.10\n", "3.10", id="a fraction keeps its zero"),
    pytest.param("a: 1e3\n", "1e3", id="an exponent"),
    pytest.param("a: true\n", "true", id="a boolean"),
    pytest.param("a: 'x'\n", "", id="text needs no other text"),
    pytest.param("x: &x 3.10\na: *x\n", "3.10", id="through an alias"),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_numbers_are_known_as_they_were_typed(text, expected):
    assert parse("m.yaml", text.encode()).written(("a",)) == expected


def test_yaml_without_its_c_library_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    (problem,) = problems_of("a: 1\n")
    assert problem.code == "E211"


LETTERS = "ab:-?[]{},&*!|>'\"%@`#~<=.$\\ \n\t\r0159é漢\x00\x85\u2028\ufeff"
ALPHABET = st.sampled_from([*LETTERS, "{{", "<<: ", "\n  ", "- "])


def refused_or_read(raw: bytes) -> None:
    """Either there is data, or there are problems with places; nothing else is raised."""
    try:
        assert parse("m.yaml", raw).data is not None
    except FileError as error:
        problems = error.problems
        assert all(problem.where and problem.message for problem in problems)
        assert problems


@given(st.lists(ALPHABET, max_size=40).map("".join))
@example("a: 'x\n---\n'")
@example("!<")
@example("&a\n? *a")
@example("%TAG ! x\n---\na: !b c")
def test_any_text_is_read_or_refused(text):
    refused_or_read(text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw):
    refused_or_read(raw)
