"""The next move of a gradual rollout, as a table of rules. Pure.

Live traffic says the step, live versions say old and new, and one tag says since when and why.
The first rule that has an opinion decides; at the end of the table stands one that always has.
What lowers the traffic of a new version comes before what raises it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from provisioner.model.live import Phase
from provisioner.model.rollout import Grade, Move, MoveKind, Why, Word
from provisioner.model.rollout_block import WHOLE
from provisioner.planning.rollout_state import Occasion, Rollout

Rule = Callable[[Rollout], Move | None]


def decide(rollout: Rollout) -> Move:
    """Returns the next move: the first opinion in the table."""
    return next(move for rule in RULES if (move := rule(rollout)))


def nothing(why: Why, due_s: int = 0, to: int = 0) -> Move:
    """Returns the move that changes nothing, and why."""
    return Move(MoveKind.NOTHING, why, to, due_s)


def update_in_progress(rollout: Rollout) -> Move | None:
    """The service refuses a second update, so that nothing can be moved meanwhile."""
    return nothing(Why.UPDATING) if rollout.phase is Phase.UPDATING else None


def asked_back(rollout: Rollout) -> Move | None:
    if rollout.occasion is not Occasion.BACK:
        return None
    if rollout.tag and not rollout.is_of_this_target and not _is_guessed_otherwise(rollout):
        # From a commit with another target: whatever is being tried loses its traffic.
        divided = sum(share > 0 for share in rollout.versions.shares.values()) > 1
        return Move(MoveKind.RETURN, Why.THIRD, 0) if divided else nothing(Why.OTHER_TARGET)
    if rollout.tag and rollout.tag.word in (Word.RETURNING, Word.RETURNED):
        # The traffic is on its way back, or there: the other version is the one to leave.
        return nothing(Why.STEADY) if rollout.tag.word is Word.RETURNED else None
    if rollout.is_pair:
        return Move(MoveKind.BACK, Why.ASKED, 0)
    if rollout.is_under_way and rollout.versions.current:
        return nothing(Why.OLD_IS_GONE)
    return nothing(Why.STEADY if rollout.versions.current else Why.NOT_STARTED)


def asked_to_retry(rollout: Rollout) -> Move | None:
    """Only a version that was rolled back can be retried."""
    is_rejected = rollout.tag is not None and rollout.tag.word is Word.BACK
    if rollout.occasion is not Occasion.RETRY or (is_rejected and rollout.is_of_this_target):
        return None
    return nothing(Why.STEADY)


def no_tag_and_one_version(rollout: Rollout) -> Move | None:
    if rollout.tag or rollout.is_pair:
        return None
    if rollout.versions.current or not rollout.versions.previous:
        return nothing(Why.STEADY)
    if sum(share > 0 for share in rollout.versions.shares.values()) > 1:
        return nothing(Why.BY_HAND)
    if rollout.occasion is Occasion.APPLY:
        return Move(MoveKind.START, Why.NEW_TARGET, 0)
    return nothing(Why.NOT_STARTED)


def lost_tag(rollout: Rollout) -> Move | None:
    """Without the tag the traffic tells the step, and the clock starts again: the slow side."""
    if rollout.tag:
        return None
    percent = rollout.versions.percent
    if rollout.occasion is Occasion.HOLD and percent is not None:
        return Move(MoveKind.HOLD, Why.ASKED, percent)
    if percent == 0:
        if rollout.is_persons:
            return Move(MoveKind.SETTLE, Why.ASKED, 0)
        return nothing(Why.NEVER_STARTED)
    return _from_traffic(rollout, Why.TAG_LOST)


def _from_traffic(rollout: Rollout, why: Why) -> Move:
    """The move that takes the live traffic for a step, or holds where it is none."""
    percent = rollout.versions.percent
    stages = [stage.percent for stage in rollout.spec.stages]
    if percent is not None and percent in stages:
        return Move(MoveKind.SETTLE, why, percent)
    if percent is not None and rollout.takes_over:
        lower = max(share for share in stages if share <= percent)
        return Move(MoveKind.STEP, Why.ASKED, lower)
    return nothing(Why.BY_HAND)


def without_block(rollout: Rollout) -> Move | None:
    if not rollout.removed or rollout.occasion is Occasion.FINISH:
        return None
    return nothing(Why.BLOCK_REMOVED if rollout.is_under_way else Why.STEADY)


def rejected(rollout: Rollout) -> Move | None:
    """A version that was rolled back gets no traffic again before a person retries it."""
    if not rollout.tag or rollout.tag.word is not Word.BACK or not rollout.is_of_this_target:
        return None
    if rollout.is_pair and rollout.versions.percent != 0:
        return Move(MoveKind.BACK, Why.INTERRUPTED, 0)
    if rollout.occasion is Occasion.RETRY:
        if rollout.is_pair:
            return Move(MoveKind.SETTLE, Why.ASKED, 0)
        # Reserved capacity is doubled with consent by name alone, and that is asked by `apply`.
        kind = MoveKind.FORGET if rollout.versions.is_reserved else MoveKind.START
        return Move(kind, Why.ASKED, 0)
    if rollout.is_pair and rollout.waited_s >= rollout.spec.keep_previous_s and rollout.now_s:
        return Move(MoveKind.CLEAN_UP, Why.REJECTED, 0)
    return nothing(Why.REJECTED)


def unfinished_return(rollout: Rollout) -> Move | None:
    """A step back is finished from any commit: it only takes traffic away."""
    tag = rollout.tag
    if tag is None or tag.word is not Word.BACK or rollout.is_of_this_target:
        return None
    tried = rollout.versions.of(tag.target)
    divided = sum(share > 0 for share in rollout.versions.shares.values()) > 1
    has_traffic = rollout.versions.shares.get(tried, 0) > 0
    return Move(MoveKind.RETURN, Why.THIRD, 0) if divided and has_traffic else None


def other_target_elsewhere(rollout: Rollout) -> Move | None:
    """Only `apply`, which shows a plan, follows a manifest to another version."""
    if rollout.is_of_this_target or rollout.occasion is Occasion.APPLY:
        return None
    return nothing(Why.OTHER_TARGET)


def guessed_otherwise(rollout: Rollout) -> Move | None:
    """A guess about one version says nothing of the other: the traffic tells the step again."""
    return _from_traffic(rollout, Why.TAG_LOST) if _is_guessed_otherwise(rollout) else None


def _is_guessed_otherwise(rollout: Rollout) -> bool:
    """Whether a guess takes the version with the larger share for the new one."""
    if rollout.tag is None or not rollout.tag.is_guess or rollout.is_of_this_target:
        return False
    # With steps of 5 and 95 % either version may be the new one. The larger share is not at risk.
    percent = rollout.versions.percent
    return rollout.is_pair and percent is not None and percent < WHOLE // 2


def back_to_the_old(rollout: Rollout) -> Move | None:
    """The manifest declares a version again that is still live: its traffic returns at once."""
    if rollout.is_of_this_target or not rollout.versions.current or _is_given_up(rollout):
        return None
    if rollout.tag and rollout.tag.word is Word.BACK and rollout.versions.percent == WHOLE:
        # The tag stays: it says which version was rejected.
        is_pair = rollout.is_pair
        return Move(MoveKind.CLEAN_UP, Why.REVERTED, 0) if is_pair else nothing(Why.STEADY)
    if rollout.is_pair:
        return Move(MoveKind.RETURN, Why.REVERTED, WHOLE)
    is_rejection = rollout.tag is not None and rollout.tag.word is Word.BACK
    return nothing(Why.STEADY) if is_rejection else Move(MoveKind.FORGET, Why.REVERTED, WHOLE)


def _is_given_up(rollout: Rollout) -> bool:
    """Whether the declared version is live and has proven nothing: it begins at 0 % again."""
    tag, percent = rollout.tag, rollout.versions.percent
    if tag is None or percent == WHOLE:
        return False
    if tag.word in (Word.RETURNING, Word.RETURNED):
        return True
    if percent != 0:
        return False
    if tag.word is Word.BACK:
        # Legitimate while the version that was rolled back still has its traffic.
        return not rollout.versions.shares.get(rollout.versions.of(tag.target))
    # At 0 % only the version before a finished rollout is known to be good.
    return tag.to != WHOLE or tag.is_guess


def third_version(rollout: Rollout) -> Move | None:
    """Never three versions: traffic is back on one of them before another one comes."""
    if rollout.is_of_this_target:
        return None
    shares = [share for share in rollout.versions.shares.values() if share]
    if len(shares) > 1:
        return Move(MoveKind.RETURN, Why.THIRD, 0)
    return Move(MoveKind.START, Why.NEW_TARGET, 0)


def other_steps(rollout: Rollout) -> Move | None:
    if not rollout.is_under_way or rollout.occasion is Occasion.FINISH:
        return None
    assert rollout.tag is not None
    return nothing(Why.STEPS_CHANGED) if rollout.tag.steps != rollout.spec.digest else None


def without_new(rollout: Rollout) -> Move | None:
    """The tag is about a version that is not live."""
    tag = rollout.tag
    if tag is None or rollout.versions.current:
        return None
    is_beginning = tag.word is Word.GOING and tag.to == 0
    if rollout.phase is Phase.FAILED and rollout.occasion is not Occasion.APPLY:
        return nothing(Why.FAILED)
    if is_beginning or rollout.occasion is Occasion.APPLY:
        return Move(MoveKind.START, Why.INTERRUPTED if is_beginning else Why.NEW_IS_GONE, 0)
    return nothing(Why.NEW_IS_GONE)


def without_old(rollout: Rollout) -> Move | None:
    """Nothing to step back to: the rollout is over, or the previous one was deleted."""
    if rollout.tag is None or rollout.versions.previous:
        return None
    if rollout.tag.to == WHOLE or rollout.occasion is Occasion.FINISH:
        return Move(MoveKind.FORGET, Why.DONE, WHOLE)
    return nothing(Why.OLD_IS_GONE)


def bad(rollout: Rollout) -> Move | None:
    """A bad verdict never raises traffic, whoever asks."""
    if rollout.grade is not Grade.BAD or not rollout.is_under_way:
        return None
    tag = rollout.tag
    if rollout.spec.holds_on_failure and tag:
        if tag.word is Word.HELD:
            return nothing(Why.BAD)
        share = rollout.versions.percent
        return Move(MoveKind.HOLD, Why.BAD, tag.to if share is None else share)
    return Move(MoveKind.BACK, Why.BAD, 0)


def asked_to_hold(rollout: Rollout) -> Move | None:
    """Whatever the traffic is, it stays so."""
    if rollout.occasion is not Occasion.HOLD or not rollout.is_under_way:
        return None
    percent = rollout.versions.percent
    return nothing(Why.BY_HAND) if percent is None else Move(MoveKind.HOLD, Why.ASKED, percent)


def asked_to_finish(rollout: Rollout) -> Move | None:
    if rollout.occasion is not Occasion.FINISH or not rollout.is_under_way:
        return None
    return Move(MoveKind.STEP, Why.ASKED, WHOLE)


def going(rollout: Rollout) -> Move | None:
    """A move that was begun: over where the traffic is as it was to be, else sent once more."""
    tag = rollout.tag
    if tag is None or tag.word not in (Word.GOING, Word.RETURNING):
        return None
    if rollout.versions.percent == tag.to:
        return Move(MoveKind.SETTLE, Why.ARRIVED, tag.to)
    if tag.word is Word.RETURNING:
        # It only takes traffic away from what is being tried: there is nothing to judge.
        return Move(MoveKind.RETURN, Why.REVERTED, tag.to)
    if rollout.versions.percent != tag.origin:
        # Neither before nor after the move: it is unknown who took the traffic away, and why.
        return _from_traffic(rollout, Why.BY_HAND) if rollout.takes_over else nothing(Why.BY_HAND)
    if rollout.grade is Grade.UNKNOWN and not rollout.is_persons:
        # It may have been decided long ago: only a good verdict of today sends it again.
        return Move(MoveKind.SETTLE, Why.UNKNOWN, tag.origin)
    return Move(MoveKind.STEP, Why.INTERRUPTED, tag.to)


def moved_by_hand(rollout: Rollout) -> Move | None:
    if rollout.tag is None or rollout.versions.percent == rollout.tag.to:
        return None
    return _from_traffic(rollout, Why.BY_HAND) if rollout.takes_over else nothing(Why.BY_HAND)


def keeping(rollout: Rollout) -> Move | None:
    """At 100 % the previous version stays warm for a while, so that going back takes seconds."""
    if rollout.tag is None or rollout.tag.to != WHOLE:
        return None
    due_s = rollout.tag.since_s + rollout.spec.keep_previous_s
    if rollout.occasion is Occasion.FINISH or rollout.now_s >= due_s:
        return Move(MoveKind.CLEAN_UP, Why.KEPT_LONG_ENOUGH, WHOLE)
    return nothing(Why.KEEPING, due_s, WHOLE)


def gave_up(rollout: Rollout) -> Move | None:
    """It always ends: a step that lasts too long, held or not, goes back."""
    if rollout.is_persons or not rollout.tag:
        return None
    limit_s = rollout.spec.give_up_after_s + rollout.stage.for_s
    return Move(MoveKind.BACK, Why.GAVE_UP, 0) if rollout.waited_s >= limit_s else None


def held(rollout: Rollout) -> Move | None:
    if rollout.tag is None or rollout.tag.word is not Word.HELD or rollout.is_persons:
        return None
    return nothing(Why.HELD, to=rollout.tag.to)


def too_early(rollout: Rollout) -> Move | None:
    if rollout.is_persons or rollout.tag is None:
        return None
    due_s = rollout.tag.since_s + rollout.stage.for_s
    return nothing(Why.TIME, due_s, rollout.next_stage.percent) if rollout.now_s < due_s else None


def not_known(rollout: Rollout) -> Move | None:
    if rollout.grade is not Grade.UNKNOWN or rollout.is_persons:
        return None
    patience_s = rollout.spec.go_on_after_s
    if patience_s is not None and rollout.waited_s >= rollout.stage.for_s + patience_s:
        return None
    return nothing(Why.UNKNOWN, to=rollout.next_stage.percent)


def paused(rollout: Rollout) -> Move | None:
    if not rollout.stage.pause or rollout.is_persons:
        return None
    return nothing(Why.PAUSED, to=rollout.next_stage.percent)


def step(rollout: Rollout) -> Move:
    why = Why.ASKED if rollout.is_persons else Why.DUE
    return Move(MoveKind.STEP, why, rollout.next_stage.percent)


RULES: Final[tuple[Rule, ...]] = (
    update_in_progress,
    asked_back,
    asked_to_retry,
    no_tag_and_one_version,
    without_block,
    lost_tag,
    rejected,
    unfinished_return,
    other_target_elsewhere,
    guessed_otherwise,
    back_to_the_old,
    third_version,
    other_steps,
    without_new,
    without_old,
    bad,
    asked_to_hold,
    asked_to_finish,
    going,
    moved_by_hand,
    keeping,
    gave_up,
    held,
    too_early,
    not_known,
    paused,
    step,
)
