"""What a value has to have proven: one table row for each way to fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.commands.promotion.gates import (
    Candidate,
    Evidence,
    PromotionTerms,
    in_words,
    offline,
    online,
    verified,
)
from provisioner.model.live import Phase, Readiness
from provisioner.model.plan import Action, Address, Step
from provisioner.model.query import CheckResult
from provisioner.model.release import Released
from provisioner.model.rollout import Move, MoveKind, RolloutNote, Why
from provisioner.model.rollout_block import Stage

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TERMS = PromotionTerms("staging", "prod", NOW)
CHAT = Address("endpoints", "chat")


def check(*, passed=True):
    said = "" if passed else "no `mango` in the answer"
    return CheckResult(CHAT, "chat", "answers", "", passed, said, 3, None)


def proof(action=Action.KEEP, phase=Phase.READY, **more):
    step = Step(CHAT, "chat", action, reason=more.pop("reason", ""))
    return Evidence(step, more.pop("changes", ()), Readiness(phase, more.pop("says", "")), **more)


def candidate(*proofs, **more):
    given = {"value": "4", "known": Released(value="3"), "at": "2026-05-04T11:00:00Z", **more}
    return Candidate("chat_version", addresses=(CHAT,), evidence=proofs, **given)


GOOD = [
    pytest.param(candidate(proof(checks=(check(),))), TERMS, id="checked"),
    pytest.param(candidate(proof()), TERMS, id="without checks"),
    pytest.param(candidate(proof(), proof()), TERMS, id="several resources"),
    pytest.param(candidate(proof()), replace(TERMS, soak_s=3600), id="soaked to the second"),
]


@pytest.mark.parametrize(("one", "terms"), GOOD)
def test_what_may_go_on(one, terms):
    assert offline(one, terms) == online(one, terms) == ()


REJECTED = Released(value="3", rejected=("4",))
OFFLINE = [
    pytest.param(candidate(value=None), TERMS, "E715", "environments/staging.yaml", id="nothing"),
    pytest.param(
        candidate(value=None, alias=True),
        TERMS,
        "E715",
        "provisioner pin -e staging chat_version",
        id="an alias that was not pinned",
    ),
    pytest.param(
        candidate(value=None),
        replace(TERMS, before="dev"),
        "E715",
        "provisioner promote --to staging chat_version --write",
        id="nothing was promoted to the source",
    ),
    pytest.param(candidate(known=REJECTED), TERMS, "E713", "--retry-rejected", id="rolled back"),
    pytest.param(replace(candidate(), addresses=()), TERMS, "E716", "${var.", id="used by nothing"),
]


@pytest.mark.parametrize(("one", "terms", "code", "hint"), OFFLINE)
def test_what_is_refused_without_asking_anybody(one, terms, code, hint):
    (problem,) = offline(one, terms)
    assert problem.code == code
    assert hint in problem.hint


def test_a_rejected_value_may_be_tried_again():
    assert offline(candidate(known=REJECTED), replace(TERMS, retry_rejected=True)) == ()


LATELY = NOW - timedelta(minutes=30)
FIELDS = ("config.a", "config.b", "config.c", "tags")
ONLINE = [
    pytest.param([proof(Action.CREATE, Phase.ABSENT)], "E717", "was never applied", id="absent"),
    pytest.param(
        [proof(Action.UPDATE, changes=FIELDS)], "E717", "config.c and 1 more", id="differs"
    ),
    pytest.param(
        [proof(Action.BLOCKED, reason="another owner")], "E717", "another owner", id="blocked"
    ),
    pytest.param([proof(), proof(Action.ADOPT)], "E717", "adopt", id="one of two is not ours"),
    pytest.param([proof(phase=Phase.UPDATING)], "E718", "still updating", id="updating"),
    pytest.param(
        [proof(Action.UPDATE, Phase.FAILED, says="no memory")],
        "E719",
        "failed in its last update: no memory",
        id="failed, and therefore differs",
    ),
    pytest.param([proof(phase=Phase.STOPPED)], "E719", "is stopped", id="stopped"),
    pytest.param(
        [proof(checks=(check(), check(passed=False)))],
        "E709",
        "1 of 2 checks failed, `answers`: no `mango`",
        id="a check failed",
    ),
    pytest.param(
        [proof(updated=LATELY)], "E710", "for 30 min; prod requires 1 h", id="updated lately"
    ),
]


@pytest.mark.parametrize(("proofs", "code", "says"), ONLINE)
def test_what_the_workspace_refuses(proofs, code, says):
    (problem,) = online(candidate(*proofs), replace(TERMS, soak_s=3600))
    assert problem.code == code
    assert says in problem.message
    assert "provisioner " in problem.hint or code == "E710"


def test_nobody_can_tell_since_when():
    (problem,) = online(candidate(proof(), at=""), replace(TERMS, soak_s=1))
    assert problem.code == "E710"
    assert "since when" in problem.message


def test_what_was_verified_in_words():
    assert verified(candidate(proof())) == "no checks"
    assert verified(candidate(proof(checks=(check(),)))) == "1 check"
    assert verified(candidate(*[proof(checks=(check(), check()))] * 2)) == "4 checks"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (93_780, "1 d 2 h"), (-5, "0 s")],
)
def test_spans_in_words(seconds, words):
    assert in_words(timedelta(seconds=seconds)) == words


ROLLOUT = RolloutNote("3", "4", 25, Move(MoveKind.NOTHING, Why.TIME), (Stage(25, 600),))
KEPT = replace(ROLLOUT, percent=100, move=Move(MoveKind.NOTHING, Why.KEEPING))


@pytest.mark.parametrize(("note", "codes"), [(ROLLOUT, ["E795"]), (KEPT, [])])
def test_a_version_with_a_part_of_the_traffic_is_not_promoted(note, codes):
    known = proof()
    rolled = replace(known, step=replace(known.step, rollout=note))
    assert [found.code for found in online(candidate(rolled), TERMS)] == codes
