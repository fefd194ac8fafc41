"""One fault at every request of every scenario: the report is true, the next run mends it."""

from __future__ import annotations

import pytest

from provisioner.errors import UnreachableError
from provisioner.model.outcome import Status
from provisioner.model.plan import Action

WANTED = {"x": 2, "g": 1, "t": 1}


def created(world, make):
    return world.step(
        "a", make.create("a", x=2), make.grant("a", g=1), make.patch("a", t=1), desired=WANTED
    )


def updated(world, make):
    operations = (make.patch("a", t=1), make.config("a", x=2), make.patch("a", "put_gateway", g=1))
    return world.step("a", *operations, desired=WANTED)


def replaced(world, make):
    operations = (make.delete("a"), make.create("a", **WANTED))
    return world.step("a", *operations, action=Action.REPLACE, desired=WANTED)


def deleted(world, make):
    return world.deletion("a")


SCENARIOS = {"create": created, "update": updated, "replace": replaced, "delete": deleted}
FAULTS = ("refused", "lost on the way there", "lost on the way back")


class Faulty:
    """The double, with one request that goes wrong."""

    def __init__(self, service, make, nth, fault):
        self.service, self.make, self.nth, self.fault = service, make, nth, fault
        self.made = 0

    def _request(self, method, *arguments):
        self.made += 1
        if self.made != self.nth:
            return method(*arguments)
        if self.fault == "refused":
            raise self.make.refusal(503, "TEMPORARILY_UNAVAILABLE")
        if self.fault == "lost on the way back":
            method(*arguments)
        writing = method == self.service.perform
        raise self.make.lost("it") if writing else UnreachableError.of("E402", "no answer")

    def read(self, resource):
        return self._request(self.service.read, resource)

    def examine(self, resource, live):
        return self._request(self.service.examine, resource, live)

    def poll(self):
        return self._request(self.service.poll)

    def confirm(self, name):
        return self._request(self.service.confirm, name)

    def fence(self, name, value):
        return self._request(self.service.fence, name, value)

    def perform(self, operation, identity):
        return self._request(self.service.perform, operation, identity)


@pytest.mark.parametrize("nth", range(1, 14))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_report_is_true_and_the_next_run_mends_it(world, make, scenario, fault, nth):
    if scenario != "create":
        world.service.put("a", {"x": 1})
    world.service.update_takes = 1
    step = SCENARIOS[scenario](world, make)
    end = world.apply(step, driver=Faulty(world.service, make, nth, fault))["a"]

    accepted = tuple(world.service.accepted)
    missed = accepted[len(end.done) :]
    assert end.done == accepted[: len(end.done)]
    assert len(missed) <= (end.status is Status.UNKNOWN), "only what is not known may be missing"
    if end.status is Status.DONE:
        assert right(world, scenario)
    again(world, make, scenario)
    assert right(world, scenario)
    assert world.service.accepted.count("create") <= 1
    assert world.service.accepted.count("delete") <= 1


def right(world, scenario):
    found = world.service.things.get("a")
    return found is None if scenario == "delete" else found and found.document == WANTED


def again(world, make, scenario):
    """What a second run does: its plan is made from what is live now."""
    there = "a" in world.service.things
    world.clock.time += 60
    if scenario == "delete":
        step = world.deletion("a") if there else None
    elif not there:
        step = created(world, make)
    else:
        step = updated(world, make)
    if step:
        assert world.apply(step)["a"].status is Status.DONE
