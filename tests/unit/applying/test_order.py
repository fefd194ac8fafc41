"""Which step runs when, how many at once, and what the end of one means for the others."""

from __future__ import annotations

import threading

import pytest

from provisioner.model.outcome import Defect, Status, What
from provisioner.model.plan import Action


def test_operations_of_a_step_are_sent_in_their_order(world, make):
    world.service.put("a", {"x": 1})
    step = world.step(
        "a", make.patch("a", tag="t"), make.config("a", x=2), make.patch("a", "put_gateway", g=1)
    )
    assert world.apply(step)["a"].done == ("patch_tags", "update_config", "put_gateway")
    assert world.service.calls() == ["patch_tags", "update_config", "put_gateway"]


def test_steps_without_operations_are_left_alone(world, make):
    world.service.put("kept", {"x": 1})
    kept = world.step("kept", action=Action.KEEP)
    assert list(world.apply(kept, world.step("a", make.create("a")))) == ["a"]
    assert ("read", "kept") not in world.service.log


def test_a_step_begins_when_what_it_needs_has_ended(world, make):
    world.service.update_takes = 60
    scope = world.step("scope", make.create("scope"))
    endpoint = world.step("endpoint", make.create("endpoint"), needs=(make.address("scope"),))
    done = world.apply(endpoint, scope)
    assert done["endpoint"].status is Status.DONE
    began = [event.name for event in world.events if event.what is What.STARTED]
    ended = [event.name for event in world.events if event.what is What.FINISHED]
    assert (began, ended) == (["scope", "endpoint"], ["scope", "endpoint"])
    assert done["scope"].seconds >= 60
    assert world.clock.now() >= 120


NEEDS = [
    pytest.param({}, Status.DONE, "", id="a need that is done"),
    pytest.param({"wait": False}, Status.DONE, "", id="a need with nothing to wait for"),
    pytest.param(
        {"fails": True}, Status.NOT_STARTED, "needs things.scope, which ended as: failed",
        id="a need that failed",
    ),
    pytest.param(
        {"timeout_s": 5}, Status.NOT_STARTED, "needs things.scope, which ended as: still updating",
        id="a need that is still updating",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arranged", "status", "reason"), NEEDS)
def test_what_a_need_means_for_who_needs_it(world, make, arranged, status, reason):
    world.service.update_takes = 60
    if arranged.get("fails"):
        world.service.fail("create scope", make.refusal(403, "PERMISSION_DENIED"))
    scope = world.step("scope", make.create("scope", wait=arranged.get("wait", True)))
    user = world.step("user", make.patch("user"), needs=(make.address("scope"),))
    world.service.put("user", {})
    user = world.step("user", make.patch("user", t=1), needs=(make.address("scope"),))
    third = world.step("third", make.create("third", wait=False), needs=(user.address,))
    done = world.apply(scope, third, user, timeout_s=arranged.get("timeout_s", 3600))
    assert (done["user"].status, done["user"].message) == (status, reason)
    assert (done["third"].status is Status.DONE) == (status is Status.DONE)


def test_a_blocked_need_keeps_a_step_from_starting_and_a_foreign_one_does_not(world, make):
    blocked = world.step("blocked", action=Action.BLOCKED)
    needs_blocked = world.step("a", make.create("a"), needs=(blocked.address,))
    needs_foreign = world.step("b", make.create("b"), needs=(make.address("elsewhere"),))
    done = world.apply(blocked, needs_blocked, needs_foreign)
    assert done["a"].message == "needs things.blocked, which is blocked"
    assert done["b"].status is Status.DONE


def test_a_failure_ends_its_own_step_only(world, make):
    world.service.fail("create b", make.refusal(400, "INVALID_PARAMETER_VALUE", "create b"))
    done = world.apply(*(world.step(name, make.create(name)) for name in "abc"))
    assert {name: end.status for name, end in done.items()} == {
        "a": Status.DONE,
        "b": Status.FAILED,
        "c": Status.DONE,
    }


def test_a_failure_tells_resource_call_refusal_and_what_went_through(world, make):
    world.service.put("a", {"x": 1})
    world.service.fail("put_gateway", make.refusal(400, "BAD_REQUEST", "PUT gateway"))
    step = world.step("a", make.patch("a", t=1), make.patch("a", "put_gateway", g=1))
    end = world.apply(step)["a"]
    (problem,) = end.error.problems
    assert end.done == ("patch_tags",)
    assert problem.code == "E407"
    assert problem.subject == "things.a, put_gateway"
    assert problem.message == (
        "PUT gateway: 400 BAD_REQUEST: said the service; before that, `patch_tags` succeeded"
    )
    assert problem.hint == "apply again: only the missing calls are sent"


def test_as_many_requests_at_once_as_allowed_and_no_more(world, make):
    together = threading.Barrier(3)
    active, most = 0, 0
    lock = threading.Lock()

    def meet(request: str) -> None:
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
        if request == "create":
            together.wait(timeout=20)
        with lock:
            active -= 1

    world.service.before_each = meet
    steps = [world.step(f"n{i}", make.create(f"n{i}", wait=False)) for i in range(9)]
    done = world.apply(*steps, parallelism=3)
    assert {end.status for end in done.values()} == {Status.DONE}
    assert most == 3


def test_a_waiting_step_occupies_no_worker(world, make):
    world.service.update_takes = 300
    steps = [world.step(f"n{i:02}", make.create(f"n{i:02}")) for i in range(20)]
    world.apply(*steps, parallelism=1)
    first_poll = world.service.log.index(("poll", ""))
    assert world.service.calls() == ["create"] * 20
    assert sum(what == "create" for what, _ in world.service.log[:first_poll]) == 20
    assert world.clock.now() < 320


def test_a_step_is_checked_right_before_its_own_write(world, make):
    for name in "abc":
        world.service.put(name, {"x": 1})
    steps = [world.step(name, make.patch(name, x=2)) for name in "abc"]
    world.apply(*steps, parallelism=1)
    assert world.service.log == [
        (what, name) for name in "abc" for what in ("read", "patch_tags", "read")
    ]


def test_needs_in_a_circle_are_refused_before_anything_is_sent(world, make):
    one = world.step("a", make.create("a"), needs=(make.address("b"),))
    other = world.step("b", make.create("b"), needs=(make.address("a"),))
    with pytest.raises(ValueError, match="cycle"):
        world.apply(one, other)
    assert world.service.log == []


def broken() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("request_name", ["create", "read", "poll", "confirm"])
def test_a_defect_is_raised_when_all_others_have_ended(world, make, request_name):
    world.service.update_takes = 5
    hit = "" if request_name == "poll" else " b"
    world.service.fail(f"{request_name}{hit}", broken)
    steps = [
        world.step(name, make.create(name, wait=name == "b" or request_name != "poll"))
        for name in "abc"
    ]
    with pytest.raises(Defect, match=r"things\.b: unknown") as raised:
        world.apply(*steps)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    ends = {end.step.name: end.status for end in raised.value.outcomes}
    assert ends == {"a": Status.DONE, "b": Status.UNKNOWN, "c": Status.DONE}


def test_a_defect_in_comparing_loses_nothing_either(world, make):
    remaining = world.remaining
    world.remaining = lambda step, live: broken() if step.name == "b" else remaining(step, live)
    with pytest.raises(Defect) as raised:
        world.apply(*(world.step(name, make.create(name)) for name in "ab"))
    assert [end.status for end in raised.value.outcomes] == [Status.DONE, Status.UNKNOWN]
    assert raised.value.outcomes[1].done == ("create",)


def test_a_listener_that_fails_stops_nothing_and_is_heard_of(world, make):
    told = []

    class Full(list):
        def append(self, event):
            told.append(event)
            raise ZeroDivisionError

    world.events = Full()
    with pytest.raises(Defect) as raised:
        world.apply(*(world.step(name, make.create(name)) for name in "ab"))
    assert {end.status for end in raised.value.outcomes} == {Status.DONE}
    assert len(told) == 1


def test_no_thread_is_left_behind(world, make):
    world.apply(*(world.step(name, make.create(name)) for name in "abcd"))
    ours = [thread for thread in threading.enumerate() if thread.name == "apply"]
    for thread in ours:
        thread.join(20)
    assert not any(thread.is_alive() for thread in ours)
