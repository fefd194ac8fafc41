"""How far one value is ahead of another."""

from __future__ import annotations

import pytest

from provisioner.commands.promotion.status import versions_ahead


@pytest.mark.parametrize(
    ("newer", "older", "expected"),
    [
        pytest.param("3", "2", 1, id="versions as text"),
        pytest.param(12, 9, 3, id="numbers"),
        pytest.param("12", 9, 3, id="a number and its text"),
        pytest.param("2", "5", -3, id="behind"),
        pytest.param("2", None, None, id="nothing to compare with"),
        pytest.param("gpt-4o", "gpt-4", None, id="names"),
        pytest.param("2", "gpt-4", None, id="a name and a number"),
        pytest.param(True, False, None, id="booleans are no numbers"),
        pytest.param(1.5, 0.5, None, id="fractions are no versions"),
        pytest.param("9" * 5000, "1", None, id="digits without end"),
        pytest.param("٣", "2", None, id="digits of another script"),
    ],
)
def test_only_whole_numbers_have_a_distance(newer, older, expected):
    assert versions_ahead(newer, older) == expected
