"""Ctrl-C at each stage: nothing new is sent, and each resource's state is told."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from provisioner.applying.clock import RealClock
from provisioner.applying.executor import Hooks, Options, apply
from provisioner.applying.interrupt import stopping
from provisioner.model.outcome import Status, What
from provisioner.model.plan import Action, Plan


def test_a_stop_before_the_start_sends_nothing(world, make):
    world.service.put("a", {"x": 1})
    steps = [world.step("a", make.config("a", x=2)), world.step("b", make.create("b"))]
    world.stop.set()
    done = world.apply(*steps)
    assert {end.status for end in done.values()} == {Status.NOT_STARTED}
    assert {end.message for end in done.values()} == {"interrupted"}
    assert world.service.log == []


def test_a_chain_of_needs_is_told_in_the_order_of_the_plan(world, make):
    steps = [
        world.step(name, make.create(name), needs=(make.address(need),))
        for name, need in zip("abc", "bcd", strict=True)
    ]
    world.stop.set()
    assert list(world.apply(*steps, world.step("d", make.create("d")))) == list("abcd")
    assert [event.name for event in world.events] == list("abcd")


ALL = ("patch_tags", "update_config", "put_gateway")
SENT = "on the server; not sent: `put_gateway`"
HALF = "`patch_tags` succeeded; not sent: `update_config`, `put_gateway`"
UNREAD = "interrupted before it was read back"
STAGES = [
    pytest.param(("read", 1), (Status.NOT_STARTED, (), "interrupted"), id="before the first write"),
    pytest.param(("patch_tags", 1), (Status.INTERRUPTED, ALL[:1], HALF), id="between two calls"),
    pytest.param(("update_config", 1), (Status.STILL_UPDATING, ALL[:2], SENT), id="in the update"),
    pytest.param(("poll", 1), (Status.STILL_UPDATING, ALL[:2], SENT), id="while it is waited for"),
    pytest.param(("put_gateway", 1), (Status.DONE, ALL, UNREAD), id="during the last call"),
    pytest.param(("read", 2), (Status.DONE, ALL, ""), id="while it is read back"),
]


@pytest.mark.parametrize(("stopped_at", "expected"), STAGES)
def test_a_stop_during_a_request(world, make, stopped_at, expected):
    world.service.put("a", {"x": 1})
    world.service.update_takes = 60
    step = world.step(
        "a", make.patch("a", t=1), make.config("a", x=2), make.patch("a", "put_gateway", g=1)
    )
    request, nth = stopped_at
    world.service.fail(request, *[lambda: None] * (nth - 1), world.stop.set)
    end = world.apply(step)["a"]
    assert (end.status, end.done, end.message) == expected
    assert world.service.calls() == list(end.done)


def test_a_stop_ends_every_wait_at_once(world, make):
    world.service.update_takes = 3600
    steps = [world.step(name, make.create(name)) for name in "abc"]
    world.clock.at(100, world.stop.set)
    done = world.apply(*steps)
    assert {end.status for end in done.values()} == {Status.STILL_UPDATING}
    assert world.clock.now() == 100


def test_a_stop_while_an_update_of_an_earlier_run_is_waited_for(world):
    world.service.put("a", {"x": 1}, until=3600.0, version=2)
    step = world.step("a", action=Action.KEEP, updating=True, desired={"x": 1})
    world.clock.at(100, world.stop.set)
    end = world.apply(step)["a"]
    assert (end.status, end.message) == (Status.STILL_UPDATING, "on the server")


def test_a_stop_while_it_is_seen_whether_a_name_is_free_has_started_nothing(world, make):
    world.service.fail("read", world.stop.set)
    assert world.apply(world.step("a", make.create("a")))["a"].status is Status.NOT_STARTED
    assert world.service.calls() == []


def test_a_stop_while_idleness_is_waited_for_has_started_nothing(world, make):
    world.service.put("a", {"x": 1}, until=3600.0, version=2)
    step = world.step("a", make.config("a", after_idle=True, x=2))
    world.clock.at(100, world.stop.set)
    assert world.apply(step)["a"].status is Status.NOT_STARTED


def test_steps_that_had_no_turn_yet_are_not_started(world, make):
    world.service.fail("create a", world.stop.set)
    steps = [world.step(name, make.create(name)) for name in "abcd"]
    needy = world.step("e", make.create("e"), needs=(make.address("a"),))
    done = world.apply(*steps, needy, parallelism=1)
    assert done["a"].status is Status.STILL_UPDATING
    assert {done[name].status for name in "bcde"} == {Status.NOT_STARTED}
    assert world.service.calls() == ["create"]


def test_requests_in_flight_are_let_finish(world, make):
    both = threading.Barrier(2)

    def meet() -> None:
        both.wait(timeout=20)
        world.stop.set()

    world.service.fail("create", meet, meet)
    done = world.apply(*(world.step(name, make.create(name, wait=False)) for name in "ab"))
    assert {end.done for end in done.values()} == {("create",)}


def test_a_request_that_hangs_holds_up_the_report_for_less_than_five_seconds(world, make):
    world.clock.ignore_hanging = True
    world.service.fail("create", world.service.hangs)
    world.clock.at(10, world.stop.set)
    end = world.apply(world.step("a", make.create("a")))["a"]
    assert (end.status, end.done, end.error.problems[0].code) == (Status.UNKNOWN, (), "E609")
    assert end.message == "it is unknown whether `create` took effect"
    assert 10 < world.clock.now() < 15
    assert What.STOPPING in {event.what for event in world.events}


def test_a_stop_while_a_lost_create_is_looked_for(world, make):
    world.service.fail("create", make.lost("create"))
    world.service.fail("read", lambda: None, world.stop.set)
    end = world.apply(world.step("a", make.create("a")))["a"]
    assert (end.status, end.error.problems[0].subject) == (Status.UNKNOWN, "things.a, create")
    assert world.service.calls() == ["create"]


def test_a_refusal_that_arrives_after_the_stop_is_reported(world, make):
    def refused() -> None:
        world.stop.set()
        raise make.refusal(400, "BAD_REQUEST")

    world.service.fail("create", refused)
    assert world.apply(world.step("a", make.create("a")))["a"].status is Status.FAILED


def test_the_second_signal_ends_at_once_and_still_tells_how_things_are(world, make):
    world.service.update_takes = 3600

    def second_signal() -> None:
        raise KeyboardInterrupt

    world.clock.at(100, second_signal)
    done = world.apply(*(world.step(name, make.create(name)) for name in "ab"))
    assert {end.status for end in done.values()} == {Status.STILL_UPDATING}
    assert world.stop.is_set()
    assert world.clock.now() == 100


def test_the_second_signal_does_not_wait_for_a_request_that_hangs(world, make):
    def second_signal() -> None:
        raise KeyboardInterrupt

    world.clock.ignore_hanging = True
    world.service.fail("create", world.service.hangs)
    world.clock.at(10, world.stop.set)
    world.clock.at(11, second_signal)
    assert world.apply(world.step("a", make.create("a")))["a"].status is Status.UNKNOWN
    assert world.clock.now() == 11


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_the_first_signal_is_a_wish_and_the_second_an_end(number):
    stop = threading.Event()
    before = signal.getsignal(number)
    with stopping(stop):
        signal.raise_signal(number)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_the_handlers_come_back_after_an_error():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ZeroDivisionError), stopping(threading.Event()):
        raise ZeroDivisionError
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_on_another_thread_there_are_no_signals_to_catch():
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with stopping(threading.Event()) as stop:
            seen.extend([signal.getsignal(signal.SIGINT), stop.is_set()])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert seen == [before, False]


def test_with_real_time_and_a_real_signal(world, make):
    world.service.clock = clock = RealClock()
    world.service.update_takes = 3600
    plan = Plan("shop", "dev", "https://workspace.test", (world.step("a", make.create("a")),))
    hooks = Hooks(remaining=world.remaining, stop=world.stop, clock=clock)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    began = time.monotonic()
    with stopping(world.stop):
        timer.start()
        (end,) = apply(plan, {make.KIND: world.service}, Options(), hooks)
    assert end.status is Status.STILL_UPDATING
    assert time.monotonic() - began < 5


def test_with_real_time_answers_are_taken_in_when_they_come(world, make):
    world.service.clock = RealClock()
    plan = Plan("shop", "dev", "https://workspace.test", (world.step("a", make.create("a", x=1)),))
    hooks = Hooks(remaining=world.remaining)
    (end,) = apply(plan, {make.KIND: world.service}, Options(), hooks)
    assert end.status is Status.DONE
    assert end.seconds < 5
