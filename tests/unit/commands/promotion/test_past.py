"""From commits to what happened."""

from __future__ import annotations

import pytest

from provisioner.commands.promotion.history import ReleaseCommit, events
from provisioner.model.release import Released

ONE, TWO, THREE = Released("1"), Released("2", "1"), Released("3", "2")
BACK = Released("1", rolled_back="2", rejected=("2",))


def past(commit, entry, *parents):
    return ReleaseCommit(
        commit, parents, "Ada", "2026-11-20T10:00:00+01:00", f"commit {commit}", entry
    )


@pytest.mark.parametrize(
    ("now", "pasts", "expected"),
    [
        pytest.param(None, [], [], id="never released"),
        pytest.param(ONE, [], [("", None, "1")], id="no git"),
        pytest.param(TWO, [], [("", "1", "2"), ("", None, "1")], id="no git: the previous value"),
        pytest.param(BACK, [], [("", "2", "1")], id="no git: after a rollback"),
        pytest.param(ONE, [past("a", ONE)], [("a", None, "1")], id="the first commit"),
        pytest.param(
            TWO,
            [past("b", TWO, "a"), past("a", ONE)],
            [("b", "1", "2"), ("a", None, "1")],
            id="two commits",
        ),
        pytest.param(
            TWO, [past("a", ONE)], [("", "1", "2"), ("a", None, "1")], id="not committed yet"
        ),
        pytest.param(
            ONE,
            [past("b", ONE, "a"), past("a", ONE)],
            [("a", None, "1")],
            id="a commit about another variable",
        ),
        pytest.param(
            None,
            [past("b", None, "a"), past("a", ONE)],
            [("b", "1", None), ("a", None, "1")],
            id="taken out of the file",
        ),
        pytest.param(
            TWO,
            [past("m", TWO, "b", "c"), past("b", TWO, "a"), past("c", ONE, "a"), past("a", ONE)],
            [("b", "1", "2"), ("a", None, "1")],
            id="a merge of another team's change is no event",
        ),
        pytest.param(
            THREE,
            [past("m", THREE, "b", "c"), past("b", TWO, "a"), past("c", ONE, "a"), past("a", ONE)],
            [("m", "2", "3"), ("b", "1", "2"), ("a", None, "1")],
            id="a merge with a value of its own is one",
        ),
        pytest.param(
            TWO, [past("b", TWO, "gone")], [("b", "1", "2")], id="a clone that begins in the middle"
        ),
    ],
)
def test_what_happened(now, pasts, expected):
    found = events("prod", "version", now, pasts)
    assert [(one.commit, one.before, one.released.value) for one in found] == expected
