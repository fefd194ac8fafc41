"""Progress for a log and for a terminal."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import time

import pytest

from provisioner.model.live import Phase
from provisioner.model.outcome import Event, Status, What
from provisioner.model.plan import Address
from provisioner.rendering.progress import Counts, Rows, duration, shown


def event(what, key="chat", **more):
    return Event(Address("things", key), key, what, **more)


def waiting(seconds, message="", key="chat", phase=Phase.UPDATING):
    return event(What.WAITING, key, phase=phase, message=message, seconds=seconds)


def told(*events):
    stream = io.StringIO()
    with shown(stream, live=False, verbose=True) as announce:
        for each in events:
            announce(each)
    return stream.getvalue().splitlines()


def test_a_line_at_each_change_of_state():
    assert told(
        event(What.STARTED),
        event(What.CALLING, call="update_config"),
        waiting(0.2, "building"),
        waiting(0.5, "building"),
        waiting(3.0, "loading"),
        event(What.STOPPING),
        event(What.FINISHED, status=Status.DONE, seconds=65.0),
    ) == [
        "things.chat: calling update_config",
        "things.chat: waiting: updating: building",
        "things.chat: waiting: updating: loading (3s)",
        "things.chat: stopping: waiting for the response to the last request",
        "things.chat: done (1m05s)",
    ]


def test_a_line_every_half_minute_while_nothing_changes():
    lines = told(*(waiting(float(seconds)) for seconds in range(0, 100, 10)))
    assert lines == [
        "things.chat: waiting: updating",
        "things.chat: still waiting: updating 30s",
        "things.chat: still waiting: updating 1m00s",
        "things.chat: still waiting: updating 1m30s",
    ]


def test_each_resource_has_its_own_half_minute():
    lines = told(waiting(0.0, key="a"), waiting(20.0, key="b"), waiting(30.0, key="a"))
    assert lines[-1] == "things.a: still waiting: updating 30s"
    assert told(waiting(20.0, key="a"), waiting(30.0, key="a"))[1:] == []


@pytest.mark.parametrize("live", [False, True], ids=["lines", "rows"])
def test_text_of_the_service_cannot_drive_the_terminal(live):
    stream = io.StringIO()
    evil = "\x1b[2J\rgone\u202e\x9b1m\n::set-output"
    with shown(stream, live=live, verbose=True) as announce:
        announce(waiting(0.0, evil))
        announce(event(What.FINISHED, status=Status.FAILED, message=evil))
    raw = [c for c in stream.getvalue() if ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e"]
    assert set(raw) <= {"\n"}


def test_quiet_means_quiet():
    stream = io.StringIO()
    with shown(stream, live=False, quiet=True) as announce:
        announce(waiting(0.0))
    assert stream.getvalue() == ""


def test_a_row_for_each_resource_with_the_time_going_on():
    now = 100.0
    rows = Rows(lambda: now)
    rows(waiting(10.0, "building", key="chat"))
    rows(event(What.FINISHED, "a", status=Status.FAILED, message="no", seconds=4.0))
    now = 105.0
    assert rows.lines(10) == [
        "things.chat     15s  waiting: updating: building",
        "things.a         4s  failed: no",
    ]


def test_more_resources_than_lines_show_what_is_going_on():
    rows = Rows(lambda: 0.0)
    for number in range(8):
        rows(event(What.FINISHED, f"done{number}", status=Status.DONE))
    rows(event(What.STARTED, "zulu"))
    assert rows.lines(3) == [
        "things.zulu       0s  started",
        "things.done0      0s  done",
        "... and 7 more",
    ]
    assert len(rows.lines(9)) == 9


def everything_from(terminal: int) -> str:
    """What was written to the other side, which is closed: then reading ends in an error."""
    pieces = []
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 100_000):
            pieces.append(piece)
    os.close(terminal)
    return b"".join(pieces).decode()


def test_on_a_terminal_rows_are_redrawn_and_wiped_away():
    parent, child = pty.openpty()
    with open(child, "w", encoding="utf-8") as terminal, shown(terminal, live=True) as announce:
        announce(waiting(0.0, "[bold]not markup[/bold] :smile:"))
    written = everything_from(parent)
    assert "things.chat      0s  waiting: updating: [bold]not markup[/bold] :smile:" in written
    assert written.endswith("\x1b[2K"), "the last thing is that the row is erased"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (59.9, "59s"), (60, "1m00s"), (90, "1m30s"), (3599, "59m59s"), (7500, "2h05m")],
    ids=str,
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_pipe_gets_a_line_for_trouble_alone_unless_verbose():
    stream = io.StringIO()
    with shown(stream, live=False, total=2) as announce:
        announce(event(What.STARTED, "a"))
        announce(event(What.CALLING, "a", call="update_config"))
        announce(waiting(0.0, key="a"))
        announce(event(What.FINISHED, "a", status=Status.DONE))
        announce(event(What.FINISHED, "b", status=Status.FAILED, message="E407"))
    assert stream.getvalue() == "things.b: failed: E407\n"


def test_a_pipe_gets_a_count_every_half_minute(monkeypatch):
    from provisioner.rendering import progress

    monkeypatch.setattr(progress, "REMINDER_S", 0.01)
    stream = io.StringIO()
    with shown(stream, live=False, total=1000) as announce:
        announce(event(What.STARTED, "a"))
        while "1 running" not in stream.getvalue():
            time.sleep(0.005)
    assert "0 of 1,000 done, 1 running, 0 failed, 0s; oldest: things.a 0s\n" in stream.getvalue()


def test_the_count_names_the_oldest_that_runs():
    clock = iter([0.0, 1.0, 2.0, 3.0, 70.0, 70.0])
    counts = Counts(4, lambda: next(clock))
    for key in "abc":
        counts(event(What.STARTED, key))
    counts(event(What.FINISHED, "a", status=Status.FAILED))
    line = "0 of 4 done, 2 running, 1 failed, 1m10s; oldest: things.b 1m08s"
    assert counts.line() == line


def test_an_apply_of_a_thousand_writes_few_lines_into_a_pipe():
    stream = io.StringIO()
    with shown(stream, live=False, total=1000) as announce:
        for number in range(1000):
            announce(event(What.STARTED, str(number)))
            announce(event(What.CALLING, str(number), call="create"))
            announce(waiting(0.0, key=str(number)))
            announce(event(What.FINISHED, str(number), status=Status.DONE))
    assert len(stream.getvalue().splitlines()) <= 200
