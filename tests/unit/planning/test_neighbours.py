"""What steps say about others: what they need and the plan lacks, and who uses a new secret."""

from __future__ import annotations

import pytest

from provisioner.model.paths import Key
from provisioner.model.plan import ABSENT, Action, Address, FieldChange, Operation, Step
from provisioner.planning.notes import with_neighbours

SCOPE, CHAT, SEARCH = (Address("stores", "keys"), Address("toys", "chat"), Address("toys", "find"))
CALL = (Operation("call", "PUT", "/"),)
SECRET = {"$secret": {"from_env": "KEY"}}
USERS = {SCOPE: (SEARCH, CHAT)}


def scope(action=Action.UPDATE, change=Action.UPDATE, after=SECRET):
    changes = (FieldChange(("secrets", Key("openai")), ABSENT, after, change),)
    return Step(SCOPE, "keys", action, changes, CALL)


def user(**fields):
    return Step(CHAT, "chat", Action.CREATE, needs=(SCOPE,), **{"operations": CALL} | fields)


def notes(*steps, users=USERS):
    return [step.notes for step in with_neighbours(steps, users)]


def test_what_is_needed_and_not_selected_is_told():
    assert notes(user()) == [("needs stores.keys, which is not selected",)]


def test_nothing_is_told_of_what_is_in_the_plan():
    assert notes(scope(Action.KEEP), user()) == [(), ()]


def test_who_does_nothing_needs_nothing():
    assert notes(user(operations=())) == [()]


def test_notes_come_after_those_that_are_there():
    assert notes(user(notes=("first",))) == [
        ("first", "needs stores.keys, which is not selected"),
    ]


@pytest.mark.parametrize("change", [Action.UPDATE, Action.CREATE])
def test_a_secret_of_an_existing_scope_names_its_users(change):
    assert notes(scope(change=change)) == [("used by toys.chat, toys.find",)]


SILENT = [
    pytest.param(scope(Action.CREATE), USERS, id="a new scope"),
    pytest.param(scope(), {}, id="a scope that nobody uses"),
    pytest.param(scope(change=Action.KEEP), USERS, id="a key that is left alone"),
    pytest.param(scope(after="READ"), USERS, id="a change that writes no secret"),
]


@pytest.mark.parametrize(("step", "users"), SILENT)
def test_no_users_are_named_for(step, users):
    assert notes(step, users=users) == [()]
