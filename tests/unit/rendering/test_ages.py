"""How long ago, in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provisioner.rendering.values import age

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("", "", id="not told"),
        pytest.param("2026-11-20T11:59:01Z", "just now", id="seconds"),
        pytest.param("2026-11-20T11:59:00Z", "1 min", id="one minute"),
        pytest.param("2026-11-20T11:00:01Z", "59 min", id="nearly an hour"),
        pytest.param("2026-11-20T11:00:00Z", "1 hour", id="an hour"),
        pytest.param("2026-11-19T12:00:01Z", "23 hours", id="nearly a day"),
        pytest.param("2026-11-19T12:00:00Z", "1 day", id="a day"),
        pytest.param("2025-11-20T12:00:00Z", "365 days", id="a year is still days"),
        pytest.param("2024-11-20T12:00:00Z", "2 years", id="two years"),
        pytest.param("2026-11-20T12:30:00Z", "just now", id="a clock that is ahead"),
    ],
)
def test_the_largest_unit_that_is_whole(at, expected):
    assert age(at, NOW) == expected
