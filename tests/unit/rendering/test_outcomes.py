"""Outcomes as text, as JSON and as an exit code."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from provisioner.errors import Problem, ProvisionerError
from provisioner.errors.codes import explanations
from provisioner.model.outcome import Outcome, Status
from provisioner.model.plan import Action, Address, Operation, Plan, Step
from provisioner.rendering.outcomes import exit_code, text, to_json

CALLS = ("update_config",)


def outcome(status, key="chat", action=Action.UPDATE, **more):
    return Outcome(Step(Address("things", key), key, action), status, **more)


MIXED = (
    outcome(Status.DONE, "a", Action.CREATE, done=("create",), seconds=65.0),
    outcome(Status.DONE, "b", Action.CREATE, done=("create",)),
    outcome(Status.DONE, "c", Action.UPDATE, done=CALLS),
    outcome(Status.DONE, "d", Action.ADOPT, done=CALLS),
    outcome(
        Status.FAILED,
        "embeddings",
        message="update_config: 400: no",
        error=ProvisionerError.of("E407", "update_config: 400: no", hint="mend it"),
    ),
    outcome(Status.NOT_STARTED, "f", message="needs things.embeddings, which ended as: failed"),
)


def title(code: str) -> str:
    """What the code means in a few words."""
    return explanations()[code].title


def test_a_line_each_then_the_summary_then_what_to_run_next():
    assert text(MIXED, environment="prod").splitlines() == [
        "things.a           created in 1m05s",
        "things.b           created",
        "things.c           updated",
        "things.d           adopted",
        f"things.embeddings  failed: {title('E407')} (E407)",
        "things.f           not started: needs things.embeddings, which ended as: failed",
        "Applied: 2 created, 1 updated, 0 replaced, 0 deleted, 1 adopted, 1 failed, 1 not started",
        "Next: provisioner apply -e prod  "
        "(after you fix the cause; only the missing calls are sent)",
    ]


def test_when_all_went_well_there_is_nothing_to_run_next():
    done = outcome(Status.DONE, action=Action.DELETE, message="already deleted")
    assert text([done]).splitlines() == [
        "things.chat  deleted: already deleted",
        "Applied: 0 created, 0 updated, 0 replaced, 1 deleted",
    ]


TWO_CALLS = (
    Operation("update_config", "PUT", "/config", {}),
    Operation("put_ai_gateway", "PUT", "/ai-gateway", {}),
)


def test_calls_that_are_left_after_no_wait_are_counted_and_exit_with_4():
    step = Step(Address("things", "chat"), "chat", Action.UPDATE, operations=TWO_CALLS)
    accepted = Outcome(step, Status.ACCEPTED, done=("update_config",), message="not waited for")
    assert exit_code([accepted]) == 4
    shown = text([accepted], environment="prod")
    assert "1 accepted, 1 call left" in shown
    assert "Next: provisioner apply -e prod  (" in shown
    assert exit_code([replace(accepted, done=("update_config", "put_ai_gateway"))]) == 0


NEXT = [
    pytest.param([Status.ACCEPTED, Status.DONE], "provisioner status --wait  (", id="accepted"),
    pytest.param([Status.STILL_UPDATING], "provisioner status --wait  (", id="still updating"),
    pytest.param([Status.STALE], "provisioner plan  (", id="stale"),
    pytest.param([Status.DID_NOT_CONVERGE], "provisioner plan  (", id="did not converge"),
    pytest.param([Status.UNKNOWN], "provisioner plan  (", id="unknown"),
    pytest.param([Status.INTERRUPTED], "provisioner apply  (", id="interrupted"),
    pytest.param([Status.NOT_STARTED], "provisioner apply  (", id="not started"),
    pytest.param([Status.STALE, Status.FAILED], "provisioner apply  (", id="the worst decides"),
]


@pytest.mark.parametrize(("statuses", "advice"), NEXT)
def test_what_to_run_next(statuses, advice):
    last = text([outcome(status) for status in statuses]).splitlines()[-1]
    assert last.startswith(f"Next: {advice}")


def test_the_text_of_a_problem_is_left_to_the_problem():
    problems = [Problem(code, "the whole story", hint="all of it") for code in ("E601", "E605")]
    stale = outcome(Status.STALE, message="the whole story", error=ProvisionerError(problems))
    assert text([stale]).splitlines()[0] == (
        f"things.chat  stale: {title('E601')} (E601), {title('E605')} (E605)"
    )
    assert to_json([stale], Plan("p", "e", "h", ()))["outcomes"][0]["message"] == "the whole story"


def test_what_was_only_waited_for_is_told_and_counted():
    kept = outcome(Status.DONE, action=Action.KEEP, seconds=30.0)
    assert text([kept]).splitlines() == [
        "things.chat  ready after waiting in 30s",
        "Applied: 0 created, 0 updated, 0 replaced, 0 deleted, 1 ready after waiting",
    ]


def test_colour_only_where_it_is_wanted():
    assert "\x1b" not in text(MIXED)
    assert "\x1b[31mfailed\x1b[0m" in text(MIXED, colour=True)
    assert "\x1b[32mcreated\x1b[0m" in text(MIXED, colour=True)


def test_text_of_the_service_is_made_harmless():
    evil = outcome(
        Status.FAILED,
        message="\x1b[2J\u202e\nApplied: all",
    )
    shown = text([evil])
    assert shown.splitlines()[0] == (r"things.chat  failed: \x1b[2J\u202e\nApplied: all")
    evil = replace(
        evil,
        error=ProvisionerError.of("E407", "\x1b[2J", hint="\x9b"),
    )
    shown = json.dumps(to_json([evil], Plan("p", "e", "h", ())), ensure_ascii=False)
    assert "\u202e" not in shown
    assert "\x9b" not in shown


def test_json():
    assert to_json(MIXED[:1] + MIXED[4:5], Plan("shop", "dev", "https://w", ())) == {
        "project": "shop",
        "environment": "dev",
        "outcomes": [
            {
                "address": "things.a",
                "name": "a",
                "action": "create",
                "status": "done",
                "done": ["create"],
                "message": "",
                "seconds": 65.0,
                "url": "",
                "problems": [],
            },
            {
                "address": "things.embeddings",
                "name": "embeddings",
                "action": "update",
                "status": "failed",
                "done": [],
                "message": "update_config: 400: no",
                "seconds": 0.0,
                "url": "",
                "problems": [
                    {"code": "E407", "message": "update_config: 400: no", "hint": "mend it"}
                ],
            },
        ],
        "summary": {
            "created": 1,
            "updated": 0,
            "replaced": 0,
            "deleted": 0,
            "adopted": 0,
            "ready_after_waiting": 0,
            "accepted": 0,
            "failed": 1,
            "stale": 0,
            "did_not_converge": 0,
            "still_updating": 0,
            "interrupted": 0,
            "unknown": 0,
            "not_started": 0,
        },
    }


CODES = [
    pytest.param([], 0, id="nothing to do"),
    pytest.param([(Status.DONE, CALLS)], 0, id="all done"),
    pytest.param([(Status.DONE, CALLS), (Status.ACCEPTED, CALLS)], 0, id="accepted"),
    pytest.param([(Status.FAILED, ())], 1, id="nothing went through"),
    pytest.param([(Status.STALE, ()), (Status.NOT_STARTED, ())], 1, id="stale"),
    pytest.param([(Status.DONE, CALLS), (Status.FAILED, ())], 4, id="one of two"),
    pytest.param([(Status.FAILED, CALLS)], 4, id="half of one"),
    pytest.param([(Status.DID_NOT_CONVERGE, CALLS)], 4, id="did not converge"),
    pytest.param([(Status.UNKNOWN, ())], 4, id="what is not known may have gone through"),
    pytest.param([(Status.STILL_UPDATING, CALLS)], 5, id="still updating"),
    pytest.param([(Status.STILL_UPDATING, ())], 5, id="still updating, by somebody else"),
    pytest.param([(Status.DONE, CALLS), (Status.STILL_UPDATING, CALLS)], 5, id="the rest done"),
    pytest.param(
        [(Status.STILL_UPDATING, CALLS), (Status.FAILED, ())], 4, id="still updating and a failure"
    ),
]


@pytest.mark.parametrize(("ends", "code"), CODES)
def test_exit_codes(ends, code):
    outcomes = [outcome(status, f"r{n}", done=done) for n, (status, done) in enumerate(ends)]
    assert exit_code(outcomes) == code
    assert exit_code(outcomes, interrupted=True) == 130
