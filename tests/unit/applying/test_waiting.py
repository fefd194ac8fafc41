"""Waiting for the service: how often it is asked, when it ends and how."""

from __future__ import annotations

import pytest

from provisioner.errors import UnreachableError
from provisioner.model.live import Phase, Readiness
from provisioner.model.outcome import Status, What
from provisioner.model.plan import Action


def unreachable():
    return UnreachableError.of("E402", "no answer from the workspace")


def test_one_poll_per_tick_serves_everybody_who_waits(world, make):
    world.service.update_takes = 300
    steps = [world.step(f"n{i}", make.create(f"n{i}")) for i in range(25)]
    world.apply(*steps, parallelism=8)
    polls = world.service.count("poll")
    assert world.service.count("confirm") == 25, "one each, when the list says that it is over"
    # 0.2 s, growing by half to 10 s: 10 looks in the first 23 s, then one every 10 s.
    assert polls == 38
    assert world.service.count("read") == 50, "one before each create, one after"


@pytest.mark.parametrize(
    ("takes", "polls"), [(0, 1), (1, 4), (60, 14), (3000, 308)], ids=lambda n: str(n)
)
def test_polls_begin_soon_and_become_rare(world, make, takes, polls):
    world.service.update_takes = takes
    world.apply(world.step("a", make.create("a")), timeout_s=4000)
    assert world.service.count("poll") == polls


def test_somebody_new_is_looked_at_soon(world, make):
    world.service.update_takes = 300
    later = world.step("later", make.create("later"), needs=(make.address("first"),))
    done = world.apply(world.step("first", make.create("first")), later)
    assert done["first"].seconds < 311
    looks = [e.seconds for e in world.events if e.name == "later" and e.what is What.WAITING]
    assert looks[0] < 0.3
    assert looks[1] < 0.6


def test_a_list_that_is_late_fools_nobody(world, make):
    world.service.put("a", {"x": 1})
    world.service.update_takes = 60
    world.service.list_lag = 30
    end = world.apply(world.step("a", make.config("a", x=2)))["a"]
    assert end.status is Status.DONE
    assert end.seconds >= 60
    assert world.service.count("confirm") > 2


def test_reads_that_are_late_as_well_only_make_it_longer(world, make):
    world.service.put("a", {"x": 1})
    world.service.update_takes = 60
    world.service.list_lag = world.service.read_lag = 12
    end = world.apply(world.step("a", make.config("a", x=2)))["a"]
    assert end.status is Status.DONE
    assert world.clock.now() >= 60


ENDS = [
    pytest.param(
        Readiness(Phase.FAILED, "model did not load"),
        "E602",
        "the update of `a` failed: model did not load; not sent: `put_gateway`",
        id="failed",
    ),
    pytest.param(
        Readiness(Phase.STOPPED, "stopped"),
        "E603",
        "`a` is stopped, so it does not become ready; not sent: `put_gateway`",
        id="stopped",
    ),
]


@pytest.mark.parametrize(("readiness", "code", "message"), ENDS)
def test_an_update_that_does_not_come_up(world, make, readiness, code, message):
    world.service.update_takes = 60
    world.service.ends_as["a"] = readiness
    step = world.step("a", make.create("a", x=1), make.patch("a", "put_gateway", g=1))
    end = world.apply(step)["a"]
    (problem,) = end.error.problems
    assert (end.status, end.done) == (Status.FAILED, ("create",))
    assert (problem.code, problem.message) == (code, message)
    assert problem.log == ("boom" if readiness.phase is Phase.FAILED else "")
    assert world.service.calls() == ["create"], "nothing is deleted"


def test_what_is_not_ready_is_waited_for_until_the_time_is_up(world, make):
    world.service.ends_as["a"] = Readiness(Phase.NOT_READY, "warming up")
    end = world.apply(world.step("a", make.create("a")), timeout_s=600)["a"]
    assert end.status is Status.STILL_UPDATING
    assert "last seen: not ready: warming up" in end.message


def test_when_the_time_is_up_the_update_is_left_running(world, make):
    world.service.update_takes = 10_000
    step = world.step("a", make.create("a", x=1), make.patch("a", "put_gateway", g=1))
    end = world.apply(step, timeout_s=600)["a"]
    (problem,) = end.error.problems
    assert (end.status, end.done) == (Status.STILL_UPDATING, ("create",))
    assert problem.code == "E605"
    assert problem.message.endswith("(last seen: updating: building); not sent: `put_gateway`")
    assert problem.hint.endswith(
        "to wait for it, run `provisioner status --wait`, then apply again"
    )
    assert world.clock.now() == pytest.approx(600, abs=0.01)
    assert world.service.calls() == ["create"]


def test_the_time_counts_for_all_waits_of_a_step(world, make):
    world.service.put("a", {"x": 1}, until=400.0, version=2)
    world.service.update_takes = 400
    step = world.step("a", make.config("a", after_idle=True, x=2))
    end = world.apply(step, timeout_s=600)["a"]
    assert (end.status, end.done) == (Status.STILL_UPDATING, ("update_config",))
    assert world.clock.now() == pytest.approx(600, abs=0.01)


def test_an_update_of_somebody_else_that_takes_too_long(world, make):
    world.service.put("a", {"x": 1}, until=4000.0, version=2)
    end = world.apply(world.step("a", make.config("a", after_idle=True, x=2)), timeout_s=600)["a"]
    assert end.status is Status.STILL_UPDATING
    assert end.message.startswith("an update that was already in progress continues")
    assert world.service.calls() == []


def kept(world, **more):
    """A step that has nothing to call, planned while an update was in progress."""
    wanted = {"action": Action.KEEP, "desired": {"x": 1}, "updating": True}
    return world.step("a", **(wanted | more))


def test_an_update_in_progress_is_waited_for_though_nothing_is_to_be_called(world):
    world.service.put("a", {"x": 1}, until=400.0, version=2)
    end = world.apply(kept(world))["a"]
    assert (end.status, end.done, end.error) == (Status.DONE, (), None)
    assert 400 <= end.seconds < 411
    assert world.service.calls() == []


def test_an_update_that_is_over_already_costs_no_time(world):
    world.service.put("a", {"x": 1}, until=400.0, version=2)
    step = kept(world)
    world.clock.time = 500.0
    end = world.apply(step)["a"]
    assert (end.status, end.error) == (Status.DONE, None)
    assert end.seconds < 1


KEPT = [
    pytest.param({"timeout_s": 60}, Readiness(Phase.READY), "E605", id="the time was up"),
    pytest.param({}, Readiness(Phase.FAILED, "no model"), "E602", id="the update failed"),
    pytest.param({}, Readiness(Phase.STOPPED), "E603", id="it was stopped"),
]


@pytest.mark.parametrize(("options", "ends_as", "code"), KEPT)
def test_how_an_update_that_is_only_waited_for_may_end(world, options, ends_as, code):
    world.service.put("a", {"x": 1}, until=400.0, version=2, ends_as=ends_as)
    end = world.apply(kept(world), **options)["a"]
    assert end.error.problems[0].code == code
    assert end.status is (Status.STILL_UPDATING if code == "E605" else Status.FAILED)
    assert world.service.calls() == []


def test_an_update_that_brings_something_else_did_not_converge(world):
    world.service.put("a", {"x": 1}, until=40.0, version=2)
    step = kept(world)
    world.clock.at(20, lambda: world.service.edit("a", x=3))
    end = world.apply(step)["a"]
    assert (end.status, end.error.problems[0].code) == (Status.DID_NOT_CONVERGE, "E606")
    assert end.message == "after the update, these fields still differ: `x`"


NOT_WAITED_FOR = [
    pytest.param({"updating": False}, {}, id="it is not updating"),
    pytest.param({}, {"wait": False}, id="nobody wants to wait"),
    pytest.param({"existing": True}, {}, id="the update is of somebody else's resource"),
    pytest.param({"action": Action.BLOCKED}, {}, id="it is blocked"),
    pytest.param({"action": Action.ORPHAN}, {}, id="it is an orphan"),
]


@pytest.mark.parametrize(("more", "options"), NOT_WAITED_FOR)
def test_what_has_no_calls_is_otherwise_not_even_looked_at(world, more, options):
    world.service.put("a", {"x": 1}, until=400.0, version=2)
    assert world.apply(kept(world, **more), **options) == {}
    assert world.service.log == []


def test_a_small_write_beside_an_update_waits_for_the_update_as_well(world, make):
    world.service.put("a", {"x": 1}, until=400.0, version=2)
    end = world.apply(world.step("a", make.patch("a", t=1), updating=True))["a"]
    assert (end.status, end.done) == (Status.DONE, ("patch_tags",))
    assert end.seconds >= 400


def test_what_needs_something_that_is_updating_comes_after_it(world, make):
    world.service.put("a", {"x": 1}, until=400.0, version=2)
    needy = world.step("b", make.create("b"), needs=(make.address("a"),))
    done = world.apply(kept(world), needy)
    assert {end.status for end in done.values()} == {Status.DONE}
    assert world.service.log.index(("confirm", "a")) < world.service.log.index(("create", "b"))


def test_progress_names_the_reason_and_the_code_of_a_problem(world, make):
    world.service.update_takes = 600
    end = world.apply(world.step("a", make.create("a")), timeout_s=60)["a"]
    assert (world.events[-1].status, world.events[-1].message) == (
        Status.STILL_UPDATING,
        "still updating after the timeout (E605)",
    )
    assert end.message.startswith("an update continues")


def test_a_confirmation_that_comes_after_the_time_was_up_changes_nothing(world, make):
    world.service.update_takes = 20
    world.clock.ignore_hanging = True
    world.service.fail("confirm a", world.service.hangs)
    world.clock.at(35, world.service.hang.set)
    # The run goes on until 42 s, and so meets the late answer.
    later = world.step("later", make.create("later"), needs=(make.address("first"),))
    steps = [world.step(name, make.create(name)) for name in ("a", "first")]
    done = world.apply(*steps, later, timeout_s=30)
    assert {name: end.status for name, end in done.items()} == {
        "a": Status.STILL_UPDATING,
        "first": Status.DONE,
        "later": Status.DONE,
    }
    assert world.clock.now() > 40


def test_without_waiting_what_was_accepted_is_enough(world, make):
    world.service.update_takes = 600
    end = world.apply(world.step("a", make.create("a", x=1)), wait=False)["a"]
    assert (end.status, end.done, end.message) == (Status.ACCEPTED, ("create",), "not waited for")
    assert world.service.log == [("read", "a"), ("create", "a")]


def test_without_waiting_calls_that_come_after_an_update_are_named_not_sent(world, make):
    world.service.put("a", {"x": 1})
    step = world.step(
        "a", make.patch("a", t=1), make.config("a", x=2), make.patch("a", "put_gateway", g=1)
    )
    end = world.apply(step, wait=False)["a"]
    assert (end.status, end.done) == (Status.ACCEPTED, ("patch_tags", "update_config"))
    assert (
        end.message == "not waited for; not sent: `put_gateway`: run apply again when it is ready"
    )


def test_without_waiting_calls_that_need_no_wait_are_verified(world, make):
    world.service.put("a", {"x": 1})
    end = world.apply(world.step("a", make.patch("a", t=1)), wait=False)["a"]
    assert end.status is Status.DONE
    assert world.service.log[-1] == ("read", "a")


def test_without_waiting_the_end_of_a_foreign_update_is_still_waited_for(world, make):
    world.service.put("a", {"x": 1}, until=30.0, version=2)
    end = world.apply(world.step("a", make.config("a", after_idle=True, x=2)), wait=False)["a"]
    assert (end.status, end.done) == (Status.ACCEPTED, ("update_config",))


def test_an_accepted_need_is_good_enough(world, make):
    steps = (
        world.step("a", make.create("a")),
        world.step("b", make.create("b"), needs=(make.address("a"),)),
    )
    done = world.apply(*steps, wait=False)
    assert {end.status for end in done.values()} == {Status.ACCEPTED}


@pytest.mark.parametrize("what", ["poll", "confirm"])
def test_a_few_looks_may_fail(world, make, what):
    world.service.update_takes = 60
    world.service.fail(what, *(unreachable() for _ in range(4)))
    assert world.apply(world.step("a", make.create("a")))["a"].status is Status.DONE


@pytest.mark.parametrize("what", ["poll", "confirm"])
def test_looks_that_go_on_failing_end_the_wait_and_nothing_else(world, make, what):
    world.service.update_takes = 60
    world.service.fail(what, *(unreachable() for _ in range(5)))
    end = world.apply(world.step("a", make.create("a")))["a"]
    assert (end.status, end.done) == (Status.UNKNOWN, ("create",))
    assert end.error.problems[0].subject == "things.a, waiting for it"
    assert "no answer from the workspace" in end.message
    assert world.service.calls() == ["create"]


def test_looks_that_fail_now_and_then_do_not_add_up(world, make):
    world.service.update_takes = 2000
    refusal = unreachable()
    world.service.fail("poll", *([refusal] * 4 + [lambda: None]) * 6)
    assert world.apply(world.step("a", make.create("a")))["a"].status is Status.DONE


def test_confirmations_that_fail_now_and_then_do_not_add_up(world, make):
    world.service.put("a", {"x": 1})
    world.service.update_takes = world.service.list_lag = 1000
    world.service.fail("confirm", *([unreachable()] * 4 + [lambda: None]) * 6)
    assert world.apply(world.step("a", make.config("a", x=2)))["a"].status is Status.DONE


def test_a_create_that_shows_late_is_waited_for(world, make):
    world.service.list_lag = world.service.read_lag = 20
    end = world.apply(world.step("a", make.create("a", x=1)))["a"]
    assert end.status is Status.DONE
    assert world.service.calls() == ["create"]


def test_a_create_that_never_shows_is_reported(world, make):
    world.service.list_lag = world.service.read_lag = 10_000
    end = world.apply(world.step("a", make.create("a", x=1)))["a"]
    assert (end.status, end.error.problems[0].code) == (Status.FAILED, "E604")
    assert 30 <= world.clock.now() < 45


def test_events_tell_what_is_going_on(world, make):
    world.service.update_takes = 1
    world.apply(world.step("a", make.create("a", x=1)))
    told = [(event.what, event.call, event.phase, event.status) for event in world.events]
    assert told[:2] == [(What.STARTED, "", None, None), (What.CALLING, "create", None, None)]
    assert Phase.READY not in {event.phase for event in world.events}, "not before it is confirmed"
    assert told[2] == (What.WAITING, "", Phase.UPDATING, None)
    assert told[-1] == (What.FINISHED, "", None, Status.DONE)
    assert {event.message for event in world.events if event.phase is Phase.UPDATING} == {
        "building"
    }
