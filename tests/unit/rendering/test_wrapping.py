"""Texts broken into lines that fit, whatever their characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.rendering.values import columns, wrapped

CASES = [
    pytest.param("", 10, [""], id="nothing"),
    pytest.param("one two three", 8, ["one two", "three"], id="at blanks"),
    pytest.param("one\n\ntwo", 8, ["one", "", "two"], id="line breaks stay"),
    pytest.param("  - item that goes on", 12, ["  - item", "that goes on"], id="an indentation"),
    pytest.param("abcdefghij", 4, ["abcd", "efgh", "ij"], id="a long word"),
    pytest.param("a bcdefghij k", 4, ["a", "bcde", "fghi", "j k"], id="a long word between others"),
    pytest.param("混合专家", 5, ["混合", "专家"], id="characters of two columns"),
    pytest.param("a  b", 9, ["a  b"], id="blanks inside stay"),
]


@pytest.mark.parametrize(("text", "width", "lines"), CASES)
def test_lines(text, width, lines):
    assert wrapped(text, width) == lines


@given(st.text(alphabet="ab 混é\n-", max_size=80), st.integers(2, 20))
def test_nothing_is_lost_and_everything_fits(text, width):
    lines = wrapped(text, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
