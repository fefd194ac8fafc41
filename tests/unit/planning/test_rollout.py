"""The moves of a gradual rollout, one case a rule."""

from __future__ import annotations

import pytest
from rollout_world import SPEC, STAGES, World, digest, later, with_spec

from provisioner.model.live import Phase
from provisioner.model.rollout import Grade, MoveKind, RolloutTag, Why, Word
from provisioner.model.rollout_block import WHOLE, Stage
from provisioner.planning.rollout_state import Occasion

ADVANCE, APPLY = Occasion.ADVANCE, Occasion.APPLY


def started() -> World:
    world = World()
    world.run(APPLY)
    return world


def at(percent: int) -> World:
    """A rollout that has reached ``percent`` and waits there."""
    world = started()
    for stage in STAGES[1:]:
        if world.shares.get("chat-12") == percent:
            break
        later(world, 10_000)
        world.run(Occasion.GO)
        assert world.shares["chat-12"] == stage.percent
    return world


def test_nothing_is_due_while_the_manifest_declares_what_is_live() -> None:
    assert World(wanted="chat-11").move(ADVANCE).why is Why.STEADY


def test_apply_starts_a_rollout_at_no_traffic() -> None:
    world = World()
    assert world.move(APPLY).kind is MoveKind.START
    world.run(APPLY)
    assert world.shares == {"chat-11": 100, "chat-12": 0}


def test_advance_does_not_start_a_rollout() -> None:
    assert World().move(ADVANCE).why is Why.NOT_STARTED


def test_the_tag_is_written_before_and_after_the_traffic() -> None:
    words = [tag.word for text in started().marks if (tag := RolloutTag.parse(text))]
    assert words == [Word.GOING, Word.AT]


def test_a_rollout_visits_each_step_once_and_ends_with_the_new_version_alone() -> None:
    world = started()
    for _ in range(20):
        later(world, 90_000)
        occasion = Occasion.GO if world.move(ADVANCE).why is Why.PAUSED else ADVANCE
        world.run(occasion)
    shares = [entry.get("chat-12") for entry in world.history]
    assert shares == [0, 5, 25, 50, 100, 100]
    assert (world.shares, world.tag) == ({"chat-12": 100}, "")


def test_a_step_waits_for_its_time() -> None:
    world = at(5)
    move = world.move(ADVANCE)
    assert (move.why, move.due_s) == (Why.TIME, world.now_s + 600)
    assert later(world, 600).move(ADVANCE).to == 25


def test_a_pause_waits_for_a_person_after_its_time() -> None:
    world = later(at(25), 1800)
    assert world.move(ADVANCE).why is Why.PAUSED
    assert world.move(Occasion.GO).to == 50


@pytest.mark.parametrize("occasion", [ADVANCE, Occasion.GO, Occasion.FINISH, APPLY])
def test_a_bad_verdict_steps_back_whoever_asks(occasion: Occasion) -> None:
    world = at(5)
    assert world.move(occasion, Grade.BAD).kind is MoveKind.BACK
    world.run(occasion, Grade.BAD)
    assert world.shares == {"chat-11": 100, "chat-12": 0}
    tag = RolloutTag.parse(world.tag)
    assert tag
    assert (tag.word, tag.origin, tag.reason) == (Word.BACK, 5, "errors bad")


def test_a_bad_verdict_at_no_traffic_rejects_the_version() -> None:
    world = started()
    world.run(ADVANCE, Grade.BAD)
    assert world.move(APPLY).why is Why.REJECTED


def test_on_failure_hold_keeps_the_traffic_as_it_is() -> None:
    world = with_spec(at(5), holds_on_failure=True)
    world.run(ADVANCE, Grade.BAD)
    assert world.shares["chat-12"] == 5
    assert world.move(ADVANCE).why is Why.HELD
    assert world.move(ADVANCE, Grade.BAD).why is Why.BAD


def test_an_unknown_verdict_moves_nothing_by_default() -> None:
    assert later(at(5), 100_000).move(ADVANCE, Grade.UNKNOWN).why is Why.UNKNOWN


def test_an_unknown_verdict_goes_on_after_the_time_that_is_written() -> None:
    world = with_spec(at(5), go_on_after_s=3600)
    assert later(world, 600).move(ADVANCE, Grade.UNKNOWN).why is Why.UNKNOWN
    assert later(world, 3600).move(ADVANCE, Grade.UNKNOWN).kind is MoveKind.STEP


def test_a_step_that_lasts_too_long_goes_back() -> None:
    world = later(at(5), SPEC.give_up_after_s + 600)
    move = world.move(ADVANCE, Grade.UNKNOWN)
    assert (move.kind, move.why) == (MoveKind.BACK, Why.GAVE_UP)


def test_a_held_rollout_waits_until_a_person_lets_it_go_on() -> None:
    world = at(5)
    world.run(Occasion.HOLD)
    assert later(world, 5000).move(ADVANCE).why is Why.HELD
    assert world.move(Occasion.GO).to == 25


def test_a_rejected_version_stays_rejected_until_it_is_retried() -> None:
    world = at(25)
    world.run(Occasion.BACK)
    assert [world.move(o).why for o in (APPLY, ADVANCE, Occasion.GO)] == [Why.REJECTED] * 3
    world.run(Occasion.RETRY)
    assert world.move(ADVANCE).to == 5


def test_a_rejected_version_is_removed_after_a_while_and_stays_rejected() -> None:
    world = at(25)
    world.run(Occasion.BACK)
    later(world, SPEC.keep_previous_s).run(ADVANCE)
    assert world.shares == {"chat-11": 100}
    assert world.move(APPLY).why is Why.REJECTED


def test_finish_goes_to_the_end_at_once_and_then_removes_the_old_version() -> None:
    world = at(5)
    world.run(Occasion.FINISH)
    assert world.shares == {"chat-11": 0, "chat-12": 100}
    later(world, SPEC.keep_previous_s).run(ADVANCE)
    assert world.shares == {"chat-12": 100}


def test_going_back_while_the_old_version_is_kept_is_a_change_of_traffic() -> None:
    world = at(100)
    world.run(Occasion.BACK)
    assert world.shares == {"chat-11": 100, "chat-12": 0}


def test_a_third_version_waits_until_the_traffic_has_returned() -> None:
    world = at(25)
    world.wanted = "chat-13"
    assert world.move(APPLY).why is Why.THIRD
    world.run(APPLY)
    assert world.shares == {"chat-11": 100, "chat-12": 0}
    world.run(APPLY)
    assert world.shares == {"chat-11": 100, "chat-13": 0}


def test_a_third_version_starts_from_the_one_that_is_finished() -> None:
    world = at(100)
    world.wanted = "chat-13"
    world.run(APPLY)
    assert world.shares == {"chat-12": 100, "chat-13": 0}


def test_the_old_version_in_the_manifest_returns_its_traffic_at_once() -> None:
    world = at(25)
    world.wanted = "chat-11"
    move = world.move(APPLY)
    assert (move.kind, move.why) == (MoveKind.RETURN, Why.REVERTED)
    world.run(APPLY)
    assert world.shares == {"chat-11": 100, "chat-12": 0}
    later(world, SPEC.keep_previous_s).run(ADVANCE)
    assert (world.shares, world.tag) == ({"chat-11": 100}, "")


def test_the_old_version_in_the_manifest_removes_a_rejected_one_and_keeps_the_rejection() -> None:
    world = at(25)
    world.run(Occasion.BACK)
    world.wanted = "chat-11"
    world.run(APPLY)
    assert world.shares == {"chat-11": 100}
    world.wanted = "chat-12"
    assert world.move(APPLY).why is Why.REJECTED


def test_advance_from_a_commit_with_another_target_moves_nothing() -> None:
    for wanted in ("chat-11", "chat-13"):
        world = later(at(5), 100_000)
        world.wanted = wanted
        assert world.move(ADVANCE).why is Why.OTHER_TARGET


def test_steps_that_change_on_the_way_are_blocked_until_finish_or_back() -> None:
    world = with_spec(later(at(5), 700), digest="123456")
    assert [world.move(o).why for o in (APPLY, ADVANCE)] == [Why.STEPS_CHANGED] * 2
    assert world.move(Occasion.FINISH).to == WHOLE
    assert world.move(Occasion.BACK).kind is MoveKind.BACK


def test_a_lost_tag_starts_the_clock_again() -> None:
    world = later(at(5), 10_000)
    world.tag = ""
    assert world.move(ADVANCE).why is Why.TAG_LOST
    world.run(ADVANCE)
    assert world.move(ADVANCE).why is Why.TIME


def test_a_version_that_only_the_traffic_tells_of_never_gets_all_of_it_at_once() -> None:
    """With steps of 5 and 95 %, either version may be the new one once the tag is lost."""
    world = with_spec(World(), stages=(Stage(0), Stage(5, 600), Stage(95, 600), Stage(WHOLE)))
    world.run(APPLY)
    later(world, 10_000)
    world.run(Occasion.GO)
    world.tag = ""
    for wanted in ("chat-11", "chat-12"):
        world.wanted = wanted
        world.run(APPLY)
        world.run(APPLY)
    assert world.shares["chat-12"] <= 5
    assert world.shares["chat-11"] == 95
    world.run(Occasion.BACK)
    assert world.shares["chat-12"] == 0


def test_a_version_at_no_traffic_without_the_tag_is_never_started() -> None:
    world = started()
    world.tag = ""
    assert [world.move(o).why for o in (APPLY, ADVANCE)] == [Why.NEVER_STARTED] * 2
    assert world.move(Occasion.GO).kind is MoveKind.SETTLE


@pytest.mark.parametrize("tag", ["", "at"])
def test_traffic_that_is_no_step_is_held(tag: str) -> None:
    world = later(at(5), 10_000)
    world.tag = world.tag if tag else ""
    world.shares = {"chat-11": 83, "chat-12": 17}
    assert world.move(ADVANCE).why is Why.BY_HAND


def test_a_deleted_old_version_is_told_and_nothing_moves() -> None:
    world = later(at(5), 10_000)
    world.shares = {"chat-12": 100}
    assert world.move(ADVANCE).why is Why.OLD_IS_GONE
    assert world.move(Occasion.FINISH).kind is MoveKind.FORGET


def test_a_deleted_new_version_is_told_and_apply_starts_again() -> None:
    world = later(at(5), 10_000)
    world.shares = {"chat-11": 100}
    assert world.move(ADVANCE).why is Why.NEW_IS_GONE
    assert world.move(APPLY).kind is MoveKind.START


def test_a_failed_deployment_of_the_new_version_is_told() -> None:
    world = World()
    world.run(APPLY, calls=1)
    world.phase = Phase.FAILED
    assert world.move(ADVANCE).why is Why.FAILED
    assert world.move(APPLY).kind is MoveKind.START


def test_an_update_of_somebody_else_is_waited_for() -> None:
    world = at(5)
    world.phase = Phase.UPDATING
    assert world.move(ADVANCE, Grade.BAD).why is Why.UPDATING


def test_an_interrupted_move_goes_on_only_with_a_verdict_of_today() -> None:
    world = later(at(5), 600)
    world.run(ADVANCE, calls=1)
    assert world.move(ADVANCE).to == 25
    assert world.move(ADVANCE, Grade.BAD).kind is MoveKind.BACK
    assert world.move(ADVANCE, Grade.UNKNOWN).to == 5


def test_a_tag_reads_back_as_it_was_written() -> None:
    tag = RolloutTag(
        digest("a"), "abcdef", 5, 0, 12, Word.BACK, "errors 12.5 % > 1 % (of 200 requests)"
    )
    parsed = RolloutTag.parse(tag.text)
    assert parsed
    assert parsed.reason == "errors 12.5 % > 1 % of 200 requests"
    assert set(tag.text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@pytest.mark.parametrize("text", ["", "x", "0" * 200, "01234567-abcdef-5-200-1-at", "é"])
def test_a_tag_that_the_tool_did_not_write_is_no_tag(text: str) -> None:
    assert RolloutTag.parse(text) is None
