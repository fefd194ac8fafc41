"""Values on one line: clear, harmless and short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.plan import ABSENT
from provisioner.rendering.style import Style
from provisioner.rendering.values import Sides, columns, fitted, shortened, value_text

UNICODE, ASCII = Style(), Style(unicode=False)

VALUES = [
    pytest.param(ABSENT, "(not set)", id="nothing"),
    pytest.param("Small", "Small", id="a word"),
    pytest.param("two words, and more", "two words, and more", id="a sentence"),
    pytest.param("https://x.com/v1?a=b", "https://x.com/v1?a=b", id="an address"),
    pytest.param("{{secrets/a/b}}", "{{secrets/a/b}}", id="a reference to a secret"),
    pytest.param("12", '"12"', id="text that reads as a number"),
    pytest.param("2024-06-01", '"2024-06-01"', id="text that reads as a date"),
    pytest.param("true", '"true"', id="text that reads as a boolean"),
    pytest.param("", '""', id="empty text"),
    pytest.param(" x", '" x"', id="text that begins with a blank"),
    pytest.param("(removed)", '"(removed)"', id="text that reads as one of our words"),
    pytest.param("a\nb\tc", r'"a\nb\tc"', id="several lines"),
    pytest.param("\x1b[31mred", r'"\u001b[31mred"', id="a sequence that colours the terminal"),
    pytest.param("a\x9bb", r'"a\x9bb"', id="a control character of eight bits"),
    pytest.param("abc\u202etxt", r'"abc\u202etxt"', id="text that turns its direction"),
    pytest.param("a\ud800", r'"a\ud800"', id="half of a character"),
    pytest.param("größer → λ", "größer → λ", id="letters of the world"),
    pytest.param(12, "12", id="a number"),
    pytest.param(True, "true", id="a boolean"),
    pytest.param(None, "null", id="null"),
    pytest.param({"$secret": {"from_env": "KEY"}}, "(secret from $KEY)", id="a secret variable"),
    pytest.param(
        {"$secret": {"from_file": "k.txt"}}, "(secret from file k.txt)", id="a secret file"
    ),
    pytest.param(
        {"a": [1, "x, y"], "b c:": {"$secret": {"from_env": "KEY"}}},
        '{a: [1, "x, y"], "b c:": (secret from $KEY)}',
        id="a mapping with a list and a secret",
    ),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_a_value_is_written_as_in_a_manifest(value, expected):
    assert value_text(value, UNICODE) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("größer", r'"gr\u00f6\u00dfer"', id="letters that are not ASCII"),
        pytest.param({"ä": "x"}, r'{"\u00e4": x}', id="in a key"),
    ],
)
def test_a_stream_that_shows_only_ascii_gets_nothing_else(value, expected):
    assert value_text(value, ASCII) == expected


DANGEROUS = {*map(chr, (*range(32), *range(127, 160), *range(0x202A, 0x202F))), "\u2066", "\u2069"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=8,
)


@given(JSON)
def test_no_value_can_move_a_cursor_or_break_a_stream(value):
    shown = value_text(value, UNICODE)
    assert not DANGEROUS & set(shown)
    shown.encode("utf-8")
    value_text(value, ASCII).encode("ascii")


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        pytest.param("abcdefghijklm", 13, "abcdefghijklm", id="what fits stays whole"),
        pytest.param("abcdefghijklmnop", 13, "abcdef…klmnop", id="beginning and end stay"),
        pytest.param("abcdefghijklmnop", 3, "abcdef…lmnop", id="nothing gets shorter than this"),
        pytest.param("abcdef", 3, "abcdef", id="and nothing gets longer"),
        pytest.param("漢字漢字漢字漢字", 13, "漢字漢…字漢字", id="signs of two columns"),
    ],
)
def test_long_values_lose_their_middle(text, width, expected):
    assert shortened(text, width, "…") == expected


def test_letters_take_as_many_columns_as_a_terminal_gives_them():
    assert [columns(text) for text in ("abc", "漢字", "e\u0301", "→")] == [3, 4, 1, 1]


def test_a_side_may_use_what_the_other_one_does_not_need():
    long = "x" * 40
    assert fitted(Sides("ab", long), 42, "…") == ("ab", long)
    before, after = fitted(Sides("ab", long), 32, "…")
    assert (before, columns(after)) == ("ab", 30)


def test_sides_that_differ_still_differ_when_they_are_cut():
    before = f"https://{'a' * 60}/one/{'b' * 60}"
    after = before.replace("one", "two")
    cut = fitted(Sides(before, after), 40, "…")
    assert "one" in cut.before
    assert "two" in cut.after
    assert sum(map(columns, cut)) <= 40


def test_a_difference_close_to_the_end_is_shown_with_the_end():
    before, after = f"{'a' * 60}x{'b' * 7}", f"{'a' * 60}y{'b' * 7}"
    assert fitted(Sides(before, after), 30, "…") == ("…aaaaaaxbbbbbbb", "…aaaaaaybbbbbbb")


@given(st.text("ab", max_size=90), st.text("ab", max_size=90), st.integers(30, 80))
def test_cutting_never_hides_a_difference_and_keeps_to_the_width(before, after, width):
    cut = fitted(Sides(before, after), width, "…")
    assert (cut.before == cut.after) == (before == after)
    assert sum(map(columns, cut)) <= width
