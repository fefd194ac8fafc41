"""The calls of one move of a gradual rollout, in their order. Pure: a generator of requests.

The tag is written before the traffic is touched and again after it, so that an interrupted
move is seen. The service has no compare-and-set: a runner looks at the tag right before and
right after the traffic changes, and a step back of another runner wins.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from provisioner.model.rollout import Move, MoveKind, RolloutTag, Why, Word
from provisioner.planning.rollout import decide
from provisioner.planning.rollout_plan import shares_after, tag_after, tag_before
from provisioner.planning.rollout_state import Rollout

MOST_TRIES: Final = 5
"""How often a call is sent that meets the update of another client."""
CALL_S: Final = 2.0
"""Longer than one call takes: between the look of a runner and its next write."""
BACK: Final = Move(MoveKind.BACK, Why.INTERRUPTED, 0)


class Ending(StrEnum):
    """How a move ended. ``OVERTAKEN``: another runner moved, or an update was in the way."""

    MOVED = "moved"
    NOTHING = "nothing"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Look:
    """Read the resource. Answered with a ``Rollout`` of the same occasion and verdict."""


@dataclass(frozen=True, slots=True)
class WriteTag:
    """Write the tag; ``""`` takes it off."""

    text: str


@dataclass(frozen=True, slots=True)
class Divide:
    """Set all shares and wait until they are served. Answered with False where it was refused
    because another update was in progress, which has ended since."""

    shares: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Delay:
    """Let some time pass. Answered with None."""

    seconds: float


MoveRequest = Look | WriteTag | Divide | Delay
MoveProcedure = Generator[MoveRequest, Any, Ending]


def carry_out(move: Move) -> MoveProcedure:
    """Yields the requests of ``move`` and returns how it ended."""
    seen: Rollout = yield Look()
    if move.kind is MoveKind.NOTHING or not is_same(decide(seen), move):
        return Ending.NOTHING if move.kind is MoveKind.NOTHING else Ending.OVERTAKEN
    insists = move.kind is MoveKind.BACK
    return (yield from _step_back(seen, move) if insists else _carry_on(seen, move))


def is_same(decided: Move, move: Move) -> bool:
    """Whether both change the same; the reason may differ."""
    return (decided.kind, decided.to) == (move.kind, move.to)


def _carry_on(seen: Rollout, move: Move) -> MoveProcedure:
    before, shares = tag_before(seen, move), shares_after(seen, move)
    after = tag_after(seen, move)
    if before and before != seen.tag:
        yield WriteTag(before.text)
    if shares is not None and not _is_served(seen, shares):
        ending, seen = yield from _divide(seen, shares, before or seen.tag)
        if ending is not Ending.MOVED:
            if move.kind is MoveKind.STEP:
                yield from _yield_to_step_back(seen, move)
            return ending
        # The time of the step begins now, and not when the move was decided.
        after = tag_after(seen, move)
    text = after.text if after else ""
    if text != (seen.tag.text if seen.tag else ""):
        yield WriteTag(text)
    if move.kind is MoveKind.STEP:
        return (yield from _confirm(move))
    return Ending.MOVED


def _divide(
    decided: Rollout, shares: dict[str, int], mine: RolloutTag | None
) -> Generator[MoveRequest, Any, tuple[Ending, Rollout]]:
    """Set ``shares`` for as long as the tag is ``mine`` and the traffic is as it was."""
    seen = decided
    for _ in range(MOST_TRIES):
        seen = yield Look()
        if _is_served(seen, shares) and seen.tag == mine:
            return Ending.MOVED, seen
        if seen.tag != mine or not _is_served(seen, dict(decided.versions.shares)):
            return Ending.OVERTAKEN, seen
        if (yield Divide(tuple(shares.items()))):
            seen = yield Look()
            return (Ending.MOVED if seen.tag == mine else Ending.OVERTAKEN), seen
    return Ending.OVERTAKEN, seen


def _yield_to_step_back(seen: Rollout, move: Move) -> Generator[MoveRequest, Any, None]:
    """Another runner stepped back while this move was on its way: its word counts."""
    percent = seen.versions.percent
    is_back = seen.tag is not None and seen.tag.word is Word.BACK
    if is_back and percent:
        yield Divide(tuple((shares_after(seen, BACK) or {}).items()))
    elif not is_back and percent == 0 and move.to > 0 and seen.tag and seen.tag.origin > 0:
        # Its tag was written over, and only the traffic tells.
        back = tag_after(seen, BACK)
        yield WriteTag(back.text if back else "")


def _confirm(move: Move) -> MoveProcedure:
    """The tag that was just written may have replaced the word of a step back."""
    seen: Rollout = yield Look()
    percent = seen.versions.percent
    if percent is not None and percent < move.to:
        back = tag_after(seen, BACK)
        yield WriteTag(back.text if back else "")
        return Ending.OVERTAKEN
    return Ending.MOVED


def _step_back(seen: Rollout, move: Move) -> MoveProcedure:
    """Insist: what another runner writes meanwhile is written over."""
    back = tag_after(seen, move)
    shares = shares_after(seen, move) or {}
    for _ in range(MOST_TRIES):
        if seen.tag is None or back is None or seen.tag.word is not Word.BACK:
            yield WriteTag(back.text if back else "")
        if not _is_served(seen, shares) and not (yield Divide(tuple(shares.items()))):
            seen = yield Look()
            continue
        # A runner that looked before may write its tag a moment later.
        yield Delay(CALL_S)
        seen = yield Look()
        if _is_served(seen, shares) and seen.tag and seen.tag.word is Word.BACK:
            return Ending.MOVED
    return Ending.OVERTAKEN


def _is_served(seen: Rollout, shares: dict[str, int]) -> bool:
    return dict(seen.versions.shares) == shares
