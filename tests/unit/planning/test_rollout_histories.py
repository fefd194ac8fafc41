"""What holds for a gradual rollout whatever happens: random histories, crashes and runners."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from rollout_world import SPEC, STAGES, Runner, World, digest, later

from provisioner.model.rollout import Grade, MoveKind, RolloutTag, Why, Word
from provisioner.model.rollout_block import WHOLE
from provisioner.planning.rollout_procedure import Ending
from provisioner.planning.rollout_state import Occasion

SHARES = [stage.percent for stage in STAGES]
GRADES = st.sampled_from(list(Grade))
PEOPLE = (Occasion.GO, Occasion.HOLD, Occasion.BACK, Occasion.FINISH, Occasion.RETRY)
MACHINES = (Occasion.ADVANCE, Occasion.APPLY)
OCCASIONS = st.sampled_from([*PEOPLE, *MACHINES])
WANTED = st.sampled_from(["chat-11", "chat-12", "chat-13"])


@dataclass(frozen=True)
class Event:
    """``occasion`` runs after ``seconds`` and dies after ``calls`` writes."""

    occasion: Occasion
    grade: Grade
    seconds: int
    calls: int
    wanted: str
    loses_tag: bool


def events(occasions: st.SearchStrategy[Occasion] = OCCASIONS) -> st.SearchStrategy[list[Event]]:
    event = st.builds(
        Event,
        occasion=occasions,
        grade=GRADES,
        seconds=st.sampled_from([0, 60, 700, 4000, 90_000, 300_000]),
        calls=st.sampled_from([1, 2, 3, 99]),
        wanted=WANTED,
        loses_tag=st.sampled_from([False] * 5 + [True]),
    )
    return st.lists(event, max_size=25)


def happen(world: World, event: Event) -> None:
    later(world, event.seconds)
    world.wanted = event.wanted
    if event.loses_tag:
        world.tag = ""
    world.run(event.occasion, event.grade, event.calls)


@given(events())
def test_traffic_adds_up_and_there_are_never_three_versions(history: list[Event]) -> None:
    world = World()
    for event in history:
        happen(world, event)
    for shares in world.history:
        assert sum(shares.values()) == WHOLE
        assert len(shares) <= 2


@given(events(st.sampled_from(MACHINES)))
def test_no_step_is_skipped_without_a_person(history: list[Event]) -> None:
    world = World()
    for event in history:
        later(world, event.seconds)
        world.run(event.occasion, event.grade, event.calls)
    shares = [0, *(entry.get("chat-12", 0) for entry in world.history)]
    for before, after in itertools.pairwise(shares):
        rises = after > before
        assert not rises or SHARES.index(after) == SHARES.index(before) + 1


@given(events(), st.sampled_from([*PEOPLE, *MACHINES]))
def test_a_bad_verdict_never_raises_the_traffic_of_the_new_version(
    history: list[Event], occasion: Occasion
) -> None:
    world = World()
    for event in history:
        later(world, event.seconds)
        world.run(event.occasion, event.grade, event.calls)
    before = world.shares.get("chat-12", 0)
    world.run(occasion, Grade.BAD)
    assert world.shares.get("chat-12", 0) <= before


@given(st.data())
def test_two_runners_at_once_never_move_twice(data: st.DataObject) -> None:
    world = later_started(data.draw(st.sampled_from([0, 1, 3])))
    before = world.shares["chat-12"]
    runners = [Runner(world, Occasion.ADVANCE), Runner(world, Occasion.ADVANCE)]
    interleave(data, runners)
    allowed = {before, *SHARES[SHARES.index(before) + 1 :][:1]}
    assert {entry["chat-12"] for entry in world.history if "chat-12" in entry} <= allowed
    assert world.shares["chat-12"] in allowed


@given(st.data())
def test_a_step_back_wins_over_a_runner_that_goes_on(data: st.DataObject) -> None:
    world = later_started(data.draw(st.sampled_from([0, 1, 3])))
    back = Runner(world, Occasion.BACK)
    on = Runner(world, Occasion.ADVANCE)
    interleave(data, [on, back])
    if back.ending is not Ending.MOVED:
        # The other runner finished before: nothing was overtaken without a word.
        assert back.ending is Ending.OVERTAKEN
        world.run(Occasion.BACK)
    for _ in range(3):
        world.run(Occasion.ADVANCE)
    assert world.shares["chat-12"] == 0
    tag = RolloutTag.parse(world.tag)
    assert tag
    assert tag.word is Word.BACK


@given(events(st.sampled_from(MACHINES)), st.integers(0, 25))
def test_a_lost_tag_only_slows_down(history: list[Event], at: int) -> None:
    world = World()
    for number, event in enumerate(history):
        if number == at:
            world.tag = ""
            shares = dict(world.shares)
            move = world.move(Occasion.ADVANCE, Grade.GOOD)
            assert move.kind in (MoveKind.SETTLE, MoveKind.NOTHING)
            world.run(Occasion.ADVANCE)
            assert world.shares == shares
        later(world, event.seconds)
        world.run(event.occasion, event.grade, event.calls)


@given(st.lists(st.sampled_from([1, 2, 3, 99]), max_size=40))
def test_an_interrupted_rollout_ends_in_the_same_place(deaths: list[int]) -> None:
    world = World()
    world.run(Occasion.APPLY, calls=1)
    remaining = iter([*deaths, *[99] * 40])
    for _ in range(80):
        later(world, 90_000)
        paused = world.move(Occasion.ADVANCE).why is Why.PAUSED
        world.run(Occasion.GO if paused else Occasion.ADVANCE, calls=next(remaining, 99))
    assert (world.shares, world.tag) == ({"chat-12": WHOLE}, "")


@given(events())
def test_it_always_ends_without_a_person(history: list[Event]) -> None:
    world = World()
    for event in history:
        later(world, event.seconds)
        world.run(event.occasion, event.grade, event.calls)
    for _ in range(40):
        later(world, SPEC.give_up_after_s + 10_000)
        world.run(Occasion.APPLY, Grade.UNKNOWN)
    move = world.move(Occasion.ADVANCE, Grade.UNKNOWN)
    # Over, rejected, or waiting for a person who has to say whether it is to begin.
    assert move.kind is MoveKind.NOTHING
    assert max(world.shares.values()) == WHOLE
    assert move.why in (Why.STEADY, Why.REJECTED, Why.NEVER_STARTED, Why.NOT_STARTED)


def later_started(steps: int) -> World:
    world = World()
    world.run(Occasion.APPLY)
    for _ in range(steps):
        world.run(Occasion.GO)
    world.history.clear()
    return later(world, 90_000) if steps != 2 else world


def interleave(data: st.DataObject, runners: list[Runner]) -> None:
    """Run the requests of ``runners`` in any order.

    A pause is longer than one call: whoever has looked before has written at its end.
    """
    courses = {number: runner.steps() for number, runner in enumerate(runners)}
    while courses:
        number = data.draw(st.sampled_from(sorted(courses)))
        if runners[number].pauses:
            for other in [each for each in courses if each != number]:
                advance(courses, other)
                advance(courses, other)
        advance(courses, number)


def advance(courses: dict[int, Iterator[None]], number: int) -> None:
    if number in courses and next(courses[number], "over") == "over":
        del courses[number]


def test_the_digests_of_versions_differ() -> None:
    assert len({digest(name) for name in ("chat-11", "chat-12", "chat-13")}) == 3


@given(events(st.sampled_from(MACHINES)))
def test_a_version_that_never_served_alone_skips_no_step(history: list[Event]) -> None:
    world = World()
    alone = {"chat-11"}
    seen = dict(world.shares)
    for event in history:
        happen(world, event)
        for shares in world.history:
            for name in [name for name in shares if name not in alone]:
                before, after = seen.get(name, 0), shares[name]
                assert after <= before or SHARES.index(after) == SHARES.index(before) + 1
            alone |= {name for name, share in shares.items() if share == WHOLE}
            seen = dict(shares)
        world.history.clear()


@given(events(st.sampled_from(MACHINES)))
def test_a_version_that_was_rolled_back_gets_no_traffic_without_a_person(
    history: list[Event],
) -> None:
    world = World()
    for event in history:
        tag, before = RolloutTag.parse("" if event.loses_tag else world.tag), dict(world.shares)
        happen(world, event)
        for name, share in world.shares.items():
            is_rejected = tag and tag.word is Word.BACK and tag.target == digest(name)
            assert not is_rejected or share <= before.get(name, 0)


def test_a_step_back_that_was_interrupted_ends_well_from_the_commit_before() -> None:
    world = World(shares={"chat-11": 95, "chat-12": 5}, wanted="chat-11")
    world.tag = f"{digest('chat-12')}-abcdef-5-0-1000000-back"
    world.run(Occasion.ADVANCE)
    assert world.shares == {"chat-11": 100, "chat-12": 0}
