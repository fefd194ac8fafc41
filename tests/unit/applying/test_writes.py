"""Right before, during and right after a write: stale plans, conflicts, lost answers."""

from __future__ import annotations

import pytest

from provisioner.errors import RefusedError, UnreachableError
from provisioner.model.live import Phase, Readiness
from provisioner.model.outcome import Status
from provisioner.model.plan import Action, Operation

STALE = [
    pytest.param(lambda service: service.edit("a", x=3), id="a field was changed"),
    pytest.param(
        lambda service: service.put("a", {"x": 1}), id="it was made again, equal to the letter"
    ),
    pytest.param(lambda service: service.remove("a"), id="it was deleted"),
]


@pytest.mark.parametrize("meanwhile", STALE)
def test_nothing_is_written_to_what_changed_since_the_plan(world, make, meanwhile):
    for name in "ab":
        world.service.put(name, {"x": 1})
    steps = [world.step(name, make.config(name, x=2)) for name in "ab"]
    meanwhile(world.service)
    done = world.apply(*steps)
    assert done["a"].status is Status.STALE
    assert done["a"].done == ()
    assert done["a"].error.problems[0].code == "E601"
    assert done["b"].status is Status.DONE
    assert ("update_config", "a") not in world.service.log


def test_a_create_is_preceded_by_one_read_as_every_first_write_is(world, make):
    world.apply(world.step("a", make.create("a", wait=False, x=1)))
    assert world.service.log == [("read", "a"), ("create", "a"), ("read", "a")]


def test_what_was_absent_and_is_there_now_is_not_written_even_where_a_create_does_no_harm(
    world, make
):
    again = Operation("create_again", "PUT", "things/a", {"owner": make.OWNER})
    step = world.step("a", again, make.patch("a", "put_secret", secret="old"))
    world.service.put("a", {"secret": "rotated"})
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.STALE, ())
    assert end.message == "`a` exists now; nothing was written to it"
    assert world.service.calls() == []
    assert world.service.things["a"].document == {"secret": "rotated"}


def test_a_create_is_not_sent_where_it_cannot_be_seen_whether_the_name_is_free(world, make):
    world.service.fail("read", make.refusal(403, "PERMISSION_DENIED"))
    end = world.apply(world.step("a", make.create("a")))["a"]
    assert (end.status, end.error.problems[0].subject) == (Status.FAILED, "things.a, reading it")
    assert world.service.calls() == []


@pytest.mark.parametrize("status", [400, 409])
def test_a_create_whose_name_was_taken_since_the_plan_is_stale(world, make, status):
    step = world.step("a", make.create("a", x=1))
    world.service.fail("create", make.refusal(status, "RESOURCE_ALREADY_EXISTS"))
    end = world.apply(step)["a"]
    assert end.status is Status.STALE
    assert end.message == "`a` exists now; nothing was written to it"
    assert world.service.calls() == ["create"]


def test_a_deletion_of_what_is_gone_is_done(world, make):
    world.service.put("a", {})
    step = world.deletion("a")
    world.service.remove("a")
    end = world.apply(step)["a"]
    assert (end.status, end.message, end.done) == (Status.DONE, "already deleted", ())
    assert world.service.calls() == []


def test_a_deletion_of_what_was_changed_is_stale(world, make):
    world.service.put("a", {"x": 1})
    step = world.deletion("a")
    world.service.edit("a", x=2)
    assert world.apply(step)["a"].status is Status.STALE
    assert "a" in world.service.things


def test_a_resource_that_may_not_be_read_is_not_written(world, make):
    world.service.put("a", {"x": 1})
    step = world.step("a", make.patch("a", x=2))
    world.service.fail("read", make.refusal(403, "PERMISSION_DENIED"))
    end = world.apply(step)["a"]
    assert end.status is Status.FAILED
    assert end.error.problems[0].subject == "things.a, reading it"
    assert world.service.calls() == []


def test_the_identity_of_a_create_reaches_the_calls_after_it(world, make):
    step = world.step("a", make.create("a", wait=False), make.grant("a", level="x"))
    assert world.apply(step)["a"].status is Status.DONE
    assert world.service.things["a"].document == {"level": "x"}


def test_an_identity_that_the_create_did_not_tell_is_read(world, make, monkeypatch):
    perform = world.service.perform
    monkeypatch.setattr(
        world.service, "perform", lambda operation, identity: perform(operation, identity) and ""
    )
    step = world.step("a", make.create("a", wait=False), make.grant("a", level="x"))
    assert world.apply(step)["a"].done == ("create", "set_permissions")
    assert world.service.count("read") == 3


# 409: an update is in progress.


def test_a_conflict_is_waited_out_and_the_call_sent_once_more(world, make):
    world.service.put("a", {"x": 1})
    step = world.step("a", make.patch("a", t=1), make.config("a", x=2))
    world.service.fail("update_config", make.refusal(409, "RESOURCE_CONFLICT"))
    assert world.apply(step)["a"].status is Status.DONE
    assert world.service.calls() == ["patch_tags", "update_config", "update_config"]


def test_a_second_conflict_is_a_failure(world, make):
    world.service.put("a", {"x": 1})
    step = world.step("a", make.config("a", x=2))
    conflict = make.refusal(409, "RESOURCE_CONFLICT")
    world.service.fail("update_config", conflict, conflict, conflict)
    end = world.apply(step)["a"]
    assert (end.status, end.error.problems[0].code) == (Status.FAILED, "E407")
    assert world.service.calls() == ["update_config", "update_config"]


def test_a_conflict_of_a_deletion_is_waited_out_too(world, make):
    world.service.put("a", {"x": 1})
    step = world.deletion("a")
    world.service.fail("delete", make.refusal(409, "RESOURCE_CONFLICT"))
    assert world.apply(step)["a"].status is Status.DONE
    assert "a" not in world.service.things


def test_an_update_of_somebody_else_that_comes_between_makes_the_step_stale(world, make):
    world.service.put("a", {"x": 1})
    step = world.step("a", make.config("a", x=2))

    def somebody_updates():
        world.service.edit("a", x=3, until=30.0)
        raise make.refusal(409, "RESOURCE_CONFLICT")

    world.service.fail("update_config", somebody_updates)
    end = world.apply(step)["a"]
    assert end.status is Status.STALE
    assert world.service.things["a"].document == {"x": 3}
    assert world.clock.now() >= 30


def updating(world, name, until=30.0):
    """An update of somebody else was in progress when the plan was made."""
    world.service.put(name, {"x": 1}, until=until, version=2)


def test_a_write_that_needs_it_waits_until_the_resource_is_idle(world, make):
    updating(world, "a")
    end = world.apply(world.step("a", make.config("a", after_idle=True, x=2)))["a"]
    assert end.status is Status.DONE
    assert end.seconds >= 30
    assert world.service.things["a"].document == {"x": 2}


def test_a_write_that_needs_an_idle_resource_does_not_wait_for_an_idle_one(world, make):
    world.service.put("a", {"x": 1})
    world.apply(world.step("a", make.config("a", after_idle=True, x=2)))
    assert [what for what, _ in world.service.log[:2]] == ["read", "update_config"]


OTHERWISE = [
    pytest.param(lambda service: service.edit("a", x=3), id="with another config"),
    pytest.param(lambda service: service.put("a", {"x": 1}), id="with another one of that name"),
    pytest.param(
        lambda service: setattr(service.things["a"], "owner", "other") or service.edit("a"),
        id="with another owner",
    ),
]


@pytest.mark.parametrize("ending", OTHERWISE)
def test_an_update_that_ended_otherwise_than_planned_makes_the_step_stale(world, make, ending):
    updating(world, "a")
    step = world.step("a", make.config("a", after_idle=True, x=2))
    world.clock.at(20, lambda: ending(world.service))
    assert world.apply(step)["a"].status is Status.STALE
    assert world.service.calls() == []


def test_a_resource_that_is_gone_when_its_turn_has_come_is_stale(world, make):
    updating(world, "a")
    step = world.step("a", make.config("a", after_idle=True, x=2))
    world.service.before_each = lambda request: (
        request == "read" and world.clock.now() >= 30 and world.service.remove("a")
    )
    assert world.apply(step)["a"].status is Status.STALE


def test_a_resource_that_disappears_while_idleness_is_waited_for_is_reported(world, make):
    updating(world, "a", until=1000.0)
    step = world.step("a", make.config("a", after_idle=True, x=2))
    world.clock.at(20, lambda: world.service.remove("a"))
    end = world.apply(step)["a"]
    assert (end.status, end.error.problems[0].code) == (Status.FAILED, "E604")
    assert world.clock.now() < 60


# The answer to a call was lost.


def test_a_lost_create_that_did_arrive_is_ours(world, make):
    world.service.lost["create"] = 1
    step = world.step("a", make.create("a", x=1), make.grant("a", level="x"))
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.DONE, ("create", "set_permissions"))
    assert world.service.calls() == ["create", "set_permissions"]
    assert world.service.count("read") == 3, "is it free; found with its identity; verified"


def test_a_lost_create_that_did_not_arrive_is_sent_once_more(world, make):
    world.service.fail("create", make.lost("create"))
    assert world.apply(world.step("a", make.create("a", x=1)))["a"].status is Status.DONE
    assert world.service.calls() == ["create", "create"]
    assert world.service.count("read") > 3


def test_a_lost_create_that_shows_late_is_neither_repeated_nor_lost(world, make):
    world.service.lost["create"] = 1
    world.service.read_lag = 20
    end = world.apply(world.step("a", make.create("a", x=1)))["a"]
    assert (end.status, end.done) == (Status.DONE, ("create",))
    assert world.service.calls() == ["create", "create"], "the second one is refused: taken"
    assert world.service.things["a"].identity == "id1"


def test_a_create_that_is_lost_twice_and_never_seen_is_not_known(world, make):
    world.service.fail("create", make.lost("create"), make.lost("create"))
    end = world.apply(world.step("a", make.create("a", x=1)))["a"]
    assert (end.status, end.error.problems[0].code) == (Status.UNKNOWN, "E609")
    assert end.message == "it is unknown whether `create` took effect"
    assert world.service.calls() == ["create", "create"]


def test_a_create_that_is_refused_the_second_time_has_failed(world, make):
    world.service.fail("create", make.lost("create"), make.refusal(403, "PERMISSION_DENIED"))
    assert world.apply(world.step("a", make.create("a")))["a"].status is Status.FAILED


def test_a_lost_create_that_cannot_be_read_back_is_not_known(world, make):
    world.service.fail("create", make.lost("create"))
    world.service.fail("read", lambda: None, UnreachableError.of("E402", "no answer"))
    end = world.apply(world.step("a", make.create("a")))["a"]
    assert end.status is Status.UNKNOWN
    assert "no answer" in end.message


OTHERS = [
    pytest.param({"x": 1}, "", id="equal fields without our mark"),
    pytest.param({"x": 1}, "shop/prod", id="equal fields and another environment's mark"),
    pytest.param({"x": 2}, "shop/dev", id="our mark and other fields"),
]


@pytest.mark.parametrize(("document", "owner"), OTHERS)
def test_what_somebody_else_created_meanwhile_is_left_alone(world, make, document, owner):
    step = world.step("a", make.create("a", x=1), make.patch("a", t=1))
    world.service.fail("create", make.lost("create"))
    world.service.before_each = lambda request: (
        request == "create" and world.service.put("a", document, owner=owner)
    )
    end = world.apply(step)["a"]
    assert (end.status, end.error.problems[0].code) == (Status.FAILED, "E608")
    assert end.done == ()
    assert world.service.calls() == ["create"]


PAYLOADS = [
    pytest.param({"x": 1}, Status.DONE, id="a kind without marks is told by its fields"),
    pytest.param(
        {"x": 1, "tags": [{"key": "owner", "value": "shop/dev"}]},
        Status.FAILED,
        id="a mark that was sent anywhere in the body has to be there",
    ),
]


@pytest.mark.parametrize(("payload", "status"), PAYLOADS)
def test_what_tells_that_a_create_was_ours(world, make, payload, status):
    world.service.lost["create"] = 1
    create = Operation("create", "POST", "things/a", payload)
    assert world.apply(world.step("a", create))["a"].status is status


def test_a_lost_update_is_not_known_and_not_repeated(world, make):
    world.service.put("a", {"x": 1})
    world.service.lost["update_config"] = 1
    end = world.apply(world.step("a", make.patch("a", t=1), make.config("a", x=2)))["a"]
    assert (end.status, end.done) == (Status.UNKNOWN, ("patch_tags",))
    assert end.error.problems[0].hint.startswith("apply again")
    assert world.service.calls() == ["patch_tags", "update_config"]


LOST_DELETIONS = [
    pytest.param({"lost": 1}, ["delete"], id="that did arrive"),
    pytest.param({"faults": 1}, ["delete", "delete"], id="that did not arrive"),
    pytest.param({"lost": 1, "lag": 10}, ["delete"], id="that shows late"),
]


@pytest.mark.parametrize(("arranged", "calls"), LOST_DELETIONS)
def test_a_lost_deletion(world, make, arranged, calls):
    world.service.put("a", {"x": 1})
    step = world.deletion("a")
    world.service.lost["delete"] = arranged.get("lost", 0)
    world.service.read_lag = arranged.get("lag", 0)
    if arranged.get("faults"):
        world.service.fail("delete", make.lost("delete"))
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.DONE, ("delete",))
    assert world.service.calls() == calls


def test_a_deletion_that_finds_nothing_went_through(world, make):
    world.service.put("a", {"x": 1})
    step = world.deletion("a")
    world.service.fail("delete", lambda: world.service.remove("a"))
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.DONE, ("delete",))


def test_a_deletion_that_is_refused_has_failed(world, make):
    world.service.put("a", {"x": 1})
    world.service.fail("delete", make.refusal(403, "PERMISSION_DENIED"))
    assert world.apply(world.deletion("a"))["a"].status is Status.FAILED


def test_a_lost_deletion_that_is_refused_the_second_time_has_failed(world, make):
    world.service.put("a", {"x": 1})
    world.service.fail("delete", make.lost("delete"), make.refusal(403, "PERMISSION_DENIED"))
    end = world.apply(world.deletion("a"))["a"]
    assert (end.status, end.done) == (Status.FAILED, ())


def test_a_lost_deletion_does_not_take_what_was_created_since(world, make):
    world.service.put("a", {"x": 1})
    step = world.deletion("a")

    def recreated_and_lost():
        world.service.put("a", {"x": 1})
        raise make.lost("delete")

    world.service.fail("delete", recreated_and_lost)
    assert world.apply(step)["a"].status is Status.DONE
    assert world.service.things["a"].identity == "id2"


def test_a_replacement_creates_when_the_old_one_is_gone(world, make):
    world.service.put("a", {"x": 1})
    world.service.read_lag = 3
    step = world.step("a", make.delete("a"), make.create("a", x=2), action=Action.REPLACE)
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.DONE, ("delete", "create"))
    assert world.service.things["a"].identity == "id2"


def test_a_replacement_that_would_lose_what_came_after_the_plan_is_not_begun(world, make):
    world.service.put("a", {"x": 1})
    step = world.step("a", make.delete("a"), make.create("a", x=2), action=Action.REPLACE)
    world.service.at_stake = ("group `hand` has CAN_QUERY",)
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.STALE, ())
    assert "group `hand` has CAN_QUERY" in end.error.problems[0].message
    assert world.service.things["a"].identity == "id1"


def test_a_replacement_knows_nothing_of_the_new_one(world, make):
    world.service.put("a", {"x": 1})
    operations = (
        make.delete("a"),
        make.create("a", wait=False, x=2),
        make.config("a", after_idle=True, x=3),
    )
    world.apply(world.step("a", *operations, action=Action.REPLACE))
    order = [what for what, _ in world.service.log]
    assert order.index("create") < order.index("poll") < order.index("update_config")


def test_a_replacement_whose_create_fails_says_that_the_old_one_is_gone(world, make):
    world.service.put("a", {"x": 1})
    step = world.step("a", make.delete("a"), make.create("a", x=2), action=Action.REPLACE)
    world.service.fail("create", make.refusal(400, "RESOURCE_ALREADY_EXISTS", "create"))
    end = world.apply(step)["a"]
    assert (end.status, end.done) == (Status.FAILED, ("delete",))
    assert "before that, `delete` succeeded" in end.message


def test_a_secret_that_is_missing_fails_the_step_that_needs_it(world, make):
    world.service.fail(
        "create b", RefusedError.of("E507", "the variable is not set", hint="set it")
    )
    done = world.apply(*(world.step(name, make.create(name)) for name in "ab"))
    assert done["a"].status is Status.DONE
    assert (done["b"].status, done["b"].error.problems[0].hint) == (Status.FAILED, "set it")


def test_what_failed_before_and_is_mended_is_not_taken_for_failed(world, make):
    world.service.put("a", {"x": 1}, ends_as=Readiness(Phase.FAILED))
    world.service.read_lag = world.service.list_lag = 4
    world.service.update_takes = 6
    assert world.apply(world.step("a", make.config("a", x=2)))["a"].status is Status.DONE
