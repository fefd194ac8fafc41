"""The line that shows what a command is busy with."""

from __future__ import annotations

import io
import time

import pytest

from provisioner.model import activity
from provisioner.rendering.activity import ERASE, ActivityLine
from provisioner.workflow.parallel import map_parallel


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def line_on(stream, seconds, *, live=True, width=80):
    return ActivityLine(stream, live=live, width=width, now=seconds)


def test_the_line_counts_and_shows_the_time(seconds):
    line = line_on(io.StringIO(), seconds)
    line.started("Reading", 1003)
    line.advanced()
    line.advanced()
    seconds.now = 65.0
    assert line.line() == "Reading: 2 of 1,003 (1m05s)"
    line.ended()


def test_a_wait_is_shown_with_its_reason_until_it_is_over(seconds):
    line = line_on(io.StringIO(), seconds)
    line.started("Reading", 3)
    line.waiting("rate limited", 4.0)
    assert line.line().endswith("; rate limited, again in 4s")
    seconds.now = 5.0
    assert "rate limited" not in line.line()
    line.ended()


def test_the_line_fits_a_narrow_terminal(seconds):
    line = line_on(io.StringIO(), seconds, width=20)
    line.started("Reading", 3)
    line.waiting("no connection to a workspace with a long name", 4.0)
    assert len(line.line()) < 20
    line.ended()


def test_what_is_over_at_once_shows_nothing():
    stream = io.StringIO()
    with activity.observed_by(ActivityLine(stream, live=True, width=80)):
        assert map_parallel(abs, [-1, -2]) == (1, 2)
    assert stream.getvalue() == ""


def test_a_long_task_moves_and_is_erased_at_its_end():
    stream = io.StringIO()
    with activity.observed_by(ActivityLine(stream, live=True, width=80)):
        deadline = time.monotonic() + 10

        def wait(_: int) -> None:
            while "of 2" not in stream.getvalue() and time.monotonic() < deadline:
                time.sleep(0.01)

        map_parallel(wait, [1, 2])
    assert "Reading: " in stream.getvalue()
    assert stream.getvalue().endswith(ERASE)


def test_a_task_that_fails_leaves_no_line():
    stream = io.StringIO()

    def fail(_: int) -> None:
        raise ValueError("no")

    with (
        activity.observed_by(ActivityLine(stream, live=True, width=80)),
        pytest.raises(ValueError, match="no"),
    ):
        map_parallel(fail, [1])
    assert stream.getvalue() == ""
