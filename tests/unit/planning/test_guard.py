"""What is refused, and which words would allow it."""

from __future__ import annotations

import pytest

from provisioner.model.plan import ABSENT, Action, Address, Cause, FieldChange, Plan, Step
from provisioner.planning.guard import Consent, Limits, refusals

LIMITS = Limits(destructive_percent=30, destructive_count=5)


def step(key, action, **more):
    return Step(Address("toys", key), key, action, **more)


def plan(*steps, owned=100, protected=False):
    return Plan("shop", "prod", "https://x", steps, owned=owned, protected=protected)


def replacement(key="a"):
    change = FieldChange(("optimized",), False, True, Action.REPLACE, Cause.FIXED_AT_CREATION)
    anew = FieldChange(("about",), "a", "b", Action.REPLACE, Cause.SET_ANEW)
    return step(key, Action.REPLACE, changes=(change, anew, FieldChange(("x",), ABSENT, 1)))


def deletion(key="a"):
    return step(key, Action.DELETE)


def deletions(count):
    return tuple(deletion(str(number)) for number in range(count))


def addresses(*keys):
    return frozenset(f"toys.{key}" for key in keys)


YES = Consent(yes=True)
ALL = Consent(yes=True, allow_delete=frozenset({"all"}))
HARMLESS = (step("a", Action.CREATE), step("b", Action.UPDATE), step("c", Action.KEEP))

ALLOWED = [
    pytest.param(plan(*HARMLESS), YES, id="what creates and updates"),
    pytest.param(plan(step("a", Action.ORPHAN)), YES, id="an orphan is only told"),
    pytest.param(plan(step("a", Action.ADOPT)), Consent(yes=True, adopt=True), id="--adopt"),
    pytest.param(
        plan(step("a", Action.ADOPT)), Consent(interactive=True), id="a yes at a terminal"
    ),
    pytest.param(
        plan(replacement()), Consent(allow_replace=addresses("a")), id="a replacement by address"
    ),
    pytest.param(
        plan(deletion()), Consent(allow_delete=addresses("a")), id="a deletion by address"
    ),
    pytest.param(plan(deletion()), ALL, id="all deletions"),
    pytest.param(
        plan(step("a", Action.DELETE, consented=True), protected=True),
        YES,
        id="a deletion that a reviewed file names",
    ),
    pytest.param(plan(deletion(), owned=1), ALL, id="a single one, whatever the percentage"),
    pytest.param(plan(*deletions(5), owned=17), ALL, id="as many as the limits allow"),
    pytest.param(
        plan(*deletions(6), owned=6),
        Consent(allow_delete=frozenset({"all"}), allow_destructive=6),
        id="many, and their number",
    ),
    pytest.param(
        plan(*deletions(6), owned=6),
        Consent(yes=True, allow_delete=addresses(*"012345"), interactive=True),
        id="many, and each name was typed",
    ),
]


@pytest.mark.parametrize(("made", "consent"), ALLOWED)
def test_allowed(made, consent):
    assert refusals(made, consent, LIMITS) == ()


REFUSED = [
    pytest.param(
        plan(step("a", Action.BLOCKED, reason="belongs to other/prod", hint="--take-over-from x")),
        Consent(yes=True, adopt=True, interactive=True),
        [("E501", "toys.a is blocked: belongs to other/prod", "--take-over-from x")],
        id="a blocked step, whatever was said",
    ),
    pytest.param(
        plan(replacement()),
        Consent(yes=True, allow_replace=addresses("b"), allow_delete=frozenset({"all", "toys.a"})),
        [
            (
                "E502",
                "toys.a would be deleted and recreated (`optimized`: fixed at creation)",
                "--allow-replace toys.a",
            )
        ],
        id="a replacement of which another was allowed",
    ),
    pytest.param(
        plan(deletion()),
        Consent(yes=True, allow_delete=addresses("b"), allow_replace=addresses("a")),
        [("E503", "toys.a would be deleted", "--allow-delete toys.a")],
        id="a deletion of which another was allowed",
    ),
    pytest.param(
        plan(deletion(), protected=True),
        ALL,
        [("E503", "toys.a would be deleted", "--allow-delete toys.a")],
        id="all, in a protected environment",
    ),
    pytest.param(
        plan(deletion("old chat")),
        YES,
        [("E503", "toys.old chat would be deleted", "--allow-delete 'toys.old chat'")],
        id="a name that a shell would take apart",
    ),
    pytest.param(
        plan(step("a", Action.ADOPT, reason="exists without ownership tags")),
        YES,
        [("E504", "toys.a exists without ownership tags", "--adopt")],
        id="an adoption",
    ),
    pytest.param(
        plan(*deletions(6)),
        ALL,
        [
            (
                "E505",
                "this plan would delete or replace 6 of 100 managed resources; the limit is 5 "
                "resources and 30 %",
                "--allow-destructive 6",
            )
        ],
        id="more than the number",
    ),
    pytest.param(
        plan(*deletions(2), owned=6),
        ALL,
        [
            (
                "E505",
                "this plan would delete or replace 2 of 6 managed resources; the limit is 5 "
                "resources and 30 %",
                "--allow-destructive 2",
            )
        ],
        id="more than the percentage",
    ),
    pytest.param(
        plan(deletion(), owned=2),
        ALL,
        [
            (
                "E505",
                "this plan would delete or replace 1 of 2 managed resources; the limit is 5 "
                "resources and 30 %",
                "--allow-destructive 1",
            )
        ],
        id="one of two is half of them",
    ),
]


@pytest.mark.parametrize(("made", "consent", "expected"), REFUSED)
def test_refused(made, consent, expected):
    found = refusals(made, consent, LIMITS)
    assert [(each.code, each.message, each.hint) for each in found] == expected


def test_another_number_than_the_exact_one_does_not_count():
    for number in (5, 7):
        consent = Consent(allow_delete=frozenset({"all"}), allow_destructive=number)
        assert [each.code for each in refusals(plan(*deletions(6)), consent, LIMITS)] == ["E505"]


def test_the_number_does_not_stand_for_the_addresses():
    consent = Consent(yes=True, allow_destructive=2)
    found = refusals(plan(replacement("a"), deletion("b")), consent, LIMITS)
    assert [each.code for each in found] == ["E502", "E503"]


def test_everything_is_told_at_once():
    made = plan(step("x", Action.BLOCKED), step("y", Action.ADOPT), *deletions(6))
    found = refusals(made, YES, LIMITS)
    assert [each.code for each in found] == ["E501", "E504", *["E503"] * 6, "E505"]
