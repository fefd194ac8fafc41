"""After the last call the resource is read back, for a bounded time, until it is right."""

from __future__ import annotations

import pytest

from provisioner.model.outcome import Status


@pytest.mark.parametrize("lag", [0, 1, 5, 15, 30])
def test_a_write_that_shows_late_has_converged(world, make, lag):
    world.service.put("a", {"x": 1})
    world.service.read_lag = lag
    end = world.apply(world.step("a", make.patch("a", x=2)))["a"]
    assert end.status is Status.DONE
    assert world.service.calls() == ["patch_tags"]


def test_what_still_differs_is_named(world, make):
    world.service.put("a", {"x": 1})
    world.service.normalises = {"x": "changed by the service", "b": 0}
    end = world.apply(world.step("a", make.patch("a", x=2, b=1, t=3)))["a"]
    (problem,) = end.error.problems
    assert (end.status, end.done) == (Status.DID_NOT_CONVERGE, ("patch_tags",))
    assert (problem.code, problem.message) == (
        "E606",
        "after `patch_tags`, these fields still differ: `b`, `x`",
    )
    assert world.clock.now() < 5, "one field shows the write, and nothing else comes"
    assert world.service.count("read") == 6, "one before the write, one at once, four later"


def test_a_write_of_which_nothing_shows_is_waited_for(world, make):
    world.service.put("a", {"x": 1})
    world.service.normalises = {"x": 1}
    end = world.apply(world.step("a", make.patch("a", x=2)))["a"]
    assert end.status is Status.DID_NOT_CONVERGE
    assert 30 < world.clock.now() < 35
    assert world.service.count("read") == 12, "one before the write, one at once, ten later"


def test_a_write_that_shows_in_two_parts_is_waited_for(world, make):
    world.service.put("a", {"x": 1})
    world.service.normalises = {"x": 7}
    world.clock.at(2.5, lambda: world.service.put("a", {"x": 2}))
    end = world.apply(world.step("a", make.patch("a", x=2)))["a"]
    assert end.status is Status.DONE


def test_what_cannot_be_found_after_the_last_call_is_said(world, make):
    world.service.put("a", {"x": 1})
    step = world.step("a", make.patch("a", x=2))
    world.service.read_lag = 0.05
    world.clock.at(0.01, lambda: world.service.remove("a"))
    end = world.apply(step)["a"]
    assert end.status is Status.DID_NOT_CONVERGE
    assert end.message == "after `patch_tags`, `a` does not exist"


def test_what_cannot_be_read_back_is_not_known(world, make):
    world.service.put("a", {"x": 1})
    step = world.step("a", make.patch("a", x=2))
    world.service.fail("read", lambda: None, make.refusal(503, "TEMPORARILY_UNAVAILABLE"))
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.UNKNOWN, ("patch_tags",))
    assert end.error.problems[0].subject == "things.a, reading it back"


def test_a_step_without_a_document_has_nothing_to_be_compared_with(world, make):
    world.service.put("a", {"x": 1})
    assert (
        world.apply(world.step("a", make.patch("a", t=1), desired=None))["a"].status is Status.DONE
    )
    assert world.service.count("read") == 1


@pytest.mark.parametrize("lag", [0, 1, 5, 15, 30])
def test_a_deletion_that_shows_late_is_done(world, make, lag):
    world.service.put("a", {"x": 1})
    step = world.deletion("a")
    world.service.read_lag = lag
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.DONE, ("delete",))
    assert world.service.calls() == ["delete"]


def test_a_deletion_that_never_shows_is_reported(world, make):
    world.service.put("a", {"x": 1})
    step = world.deletion("a")

    def never_shows(request):
        if request == "delete":
            world.service.read_lag = 10_000

    world.service.before_each = never_shows
    end = world.apply(step)["a"]
    assert (end.status, end.error.problems[0].code) == (Status.DID_NOT_CONVERGE, "E607")
    assert end.done == ("delete",)
