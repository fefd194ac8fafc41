"""What becomes of a release file's entry in a rollback, as a table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provisioner.commands.promotion.entries import Stamp
from provisioner.commands.promotion.rollback import RollbackRequest, rolled_back
from provisioner.errors import Problem
from provisioner.model.release import Released

AT = "2026-11-20T10:00:00Z"


def asked(to=None):
    return RollbackRequest("prod", to, Stamp(datetime(2026, 11, 20, 10, tzinfo=UTC), "3fa81c2"))


def back(value, rolled_from, *rejected):
    return Released(value, rolled_back=rolled_from, commit="3fa81c2", at=AT, rejected=rejected)


@pytest.mark.parametrize(
    ("now", "to", "expected"),
    [
        pytest.param(Released("2", "1"), None, back("1", "2", "2"), id="to the previous value"),
        pytest.param(
            Released("2", "1", source="staging", commit="1234567", verified="3 checks"),
            None,
            back("1", "2", "2"),
            id="where it came from is no longer true",
        ),
        pytest.param(
            Released("4", "3", rejected=("2",)),
            None,
            back("3", "4", "2", "4"),
            id="what was rejected before stays rejected",
        ),
        pytest.param(
            Released("4", "3", rejected=("2",)),
            "2",
            back("2", "4", "4"),
            id="to a rejected value: it is rejected no more",
        ),
        pytest.param(Released(4, 3), 1, back(1, 4, 4), id="to a number nobody has heard of"),
        pytest.param(Released(True, False), None, back(False, True, True), id="a boolean"),
        pytest.param(Released("b", ""), None, back("", "b", "b"), id="to an empty text"),
    ],
)
def test_the_entry_afterwards(now, to, expected):
    assert rolled_back("version", now, asked(to)) == expected


@pytest.mark.parametrize(
    ("now", "to", "code", "message"),
    [
        pytest.param(
            Released(),
            None,
            "E721",
            "`version` has no released value in prod",
            id="nothing was released",
        ),
        pytest.param(
            Released("1"),
            None,
            "E723",
            "there is no previous value of `version` in prod: `1` is the first one",
            id="the first value",
        ),
        pytest.param(
            back("1", "2", "2"),
            None,
            "E723",
            "there is no previous value of `version` in prod: "
            "it was already rolled back from `2` to `1`",
            id="a second rollback",
        ),
        pytest.param(
            Released("3", "2", rejected=("2",)),
            None,
            "E723",
            "there is no previous value of `version` in prod: the previous one, `2`, is rejected",
            id="the previous value was bad, too",
        ),
        pytest.param(
            Released("3", "2"),
            "3",
            "E722",
            "`version` is already `3` in prod",
            id="to what is released",
        ),
    ],
)
def test_what_cannot_go_back(now, to, code, message):
    problem = rolled_back("version", now, asked(to))
    assert isinstance(problem, Problem)
    assert (problem.code, problem.message) == (code, message)
    assert problem.hint
