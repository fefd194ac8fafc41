"""Two runs at once: which of them deletes, and what they leave behind."""

from __future__ import annotations

import pytest

from provisioner.model.outcome import Status
from provisioner.model.plan import Action


def replacement(world, make):
    operations = (make.delete("a"), make.create("a", x=2))
    return world.step("a", *operations, action=Action.REPLACE)


def requests(world):
    return [what for what, _ in world.service.log]


@pytest.fixture
def there(world):
    world.service.put("a", {"x": 1})
    return world


def on_read_after(world, request, number, action):
    """Somebody else acts right before the ``number``-th read after ``request``."""
    seen = {"after": False, "reads": 0}

    def watch(what):
        if seen["after"] and what == "read":
            seen["reads"] += 1
            if seen["reads"] == number:
                action()
        seen["after"] = seen["after"] or what == request

    world.service.before_each = watch


def test_a_deletion_is_preceded_by_a_fence_that_two_reads_show(there):
    there.apply(there.deletion("a"))
    assert requests(there)[:5] == ["read", "fence", "read", "read", "delete"]


def test_a_replacement_leaves_no_fence_on_the_new_resource(there, make):
    assert there.apply(replacement(there, make))["a"].status is Status.DONE
    assert there.service.things["a"].fence == ""


@pytest.mark.parametrize("number", [1, 2], ids=["before the first read", "before the second"])
def test_a_run_whose_fence_was_overwritten_deletes_nothing(there, make, number):
    on_read_after(there, "fence", number, lambda: there.service.fence("a", "of another run"))
    end = there.apply(replacement(there, make))["a"]
    assert (end.status, end.error.problems[0].code) == (Status.STALE, "E610")
    assert "a" in there.service.things
    assert there.service.accepted == []


@pytest.mark.parametrize("number", [1, 2], ids=["before the first read", "before the second"])
def test_a_resource_that_was_replaced_meanwhile_is_left_alone(there, make, number):
    def replaced():
        there.service.remove("a")
        there.service.put("a", {"x": 2})

    on_read_after(there, "fence", number, replaced)
    end = there.apply(replacement(there, make))["a"]
    assert (end.status, end.error.problems[0].code) == (Status.STALE, "E601")
    assert there.service.accepted == []


def test_a_fence_that_landed_on_a_new_resource_is_taken_off_again(there, make):
    def replaced():
        there.service.before_each = lambda request: None
        there.service.remove("a")
        there.service.put("a", {"x": 2})

    there.service.fail("fence", replaced)
    end = there.apply(replacement(there, make))["a"]
    assert end.status is Status.STALE
    assert there.service.things["a"].fence == ""
    assert there.service.accepted == []


def test_a_fence_of_a_killed_run_does_not_block(there):
    there.service.fence("a", "left behind")
    assert there.apply(there.deletion("a"))["a"].status is Status.DONE


def test_a_fence_that_never_shows_deletes_nothing(there):
    step = there.deletion("a")
    there.service.read_lag = 10_000
    end = there.apply(step)["a"]
    assert (end.status, end.error.problems[0].code) == (Status.STALE, "E610")
    assert there.clock.time > 30
    assert there.service.accepted == []


def test_the_pause_before_the_last_read_is_longer_than_reads_lag(there):
    """A run that began a moment earlier has deleted by then, and that is seen."""
    step = there.deletion("a")
    there.service.read_lag = 5

    def deleted_by_another():
        there.service.remove("a")
        there.service.put("a", {"x": 1})

    there.clock.at(6.0, deleted_by_another)
    assert there.apply(step)["a"].status is Status.STALE
    assert there.service.accepted == []


def test_a_throttled_deletion_is_fenced_again_before_it_is_repeated(there, make):
    there.service.fail("delete", make.refusal(429, "REQUEST_LIMIT_EXCEEDED"))
    assert there.apply(there.deletion("a"))["a"].status is Status.DONE
    assert [what for what in requests(there) if what != "read"] == ["fence", "delete"] * 2


def test_a_resource_that_is_gone_when_its_fence_is_written_is_gone_already(there):
    there.service.fail("fence", lambda: there.service.remove("a"))
    end = there.apply(there.deletion("a"))["a"]
    assert (end.status, end.done) == (Status.DONE, ())


def test_a_404_of_the_tags_is_no_absence_while_the_resource_can_be_read(there, make):
    there.service.fail("fence", *[make.refusal(404, "RESOURCE_DOES_NOT_EXIST")] * 9)
    for step in (there.deletion("a"), replacement(there, make)):
        end = there.apply(step)["a"]
        assert end.status is Status.FAILED
        assert "RESOURCE_DOES_NOT_EXIST" in str(end.error)
        assert "`a` itself exists" in str(end.error.problems[0].hint)
    assert there.service.accepted == []


def test_a_404_of_the_tags_of_a_new_resource_of_that_name_is_stale(there, make):
    step = there.deletion("a")

    def created_again():
        there.service.remove("a")
        there.service.put("a", {"x": 1})
        raise make.refusal(404, "RESOURCE_DOES_NOT_EXIST")

    there.service.fail("fence", created_again)
    assert there.apply(step)["a"].status is Status.STALE
    assert there.service.accepted == []


class Blind:
    """The double, whose reads by name find nothing."""

    def __init__(self, service):
        self.service = service

    def __getattr__(self, name):
        return getattr(self.service, name)

    def read(self, resource):
        return None


def test_a_read_that_finds_nothing_is_no_absence_while_the_list_has_the_resource(there):
    end = there.apply(there.deletion("a"), driver=Blind(there.service))["a"]
    assert end.status is Status.FAILED
    assert end.error.problems[0].code == "E437"
