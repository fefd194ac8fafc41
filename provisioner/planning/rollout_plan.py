"""What a plan makes of a rollout: the document that is to be live now, the tag, and a note. Pure.

A manifest declares one version, and two may be live: the plan compares with the document as
the rollout has it, so that traffic on its way is no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from provisioner.errors.wording import counted
from provisioner.model.kind import Kind
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.resource import Resource
from provisioner.model.rollout import (
    FOR_A_PERSON,
    Grade,
    Move,
    MoveKind,
    RolloutNote,
    RolloutRole,
    RolloutTag,
    Versions,
    Why,
    Word,
)
from provisioner.model.rollout_block import WHOLE, RolloutSpec
from provisioner.planning.request import Pair
from provisioner.planning.rollout import decide
from provisioner.planning.rollout_state import Occasion, Rollout

PLANNED: Final = frozenset(
    {MoveKind.START, MoveKind.RETURN, MoveKind.CLEAN_UP, MoveKind.FORGET, MoveKind.BACK}
)
"""Moves that a plan shows and an apply makes; all others are `rollout advance`'s."""
BLOCKING: Final = frozenset({Why.REJECTED, Why.STEPS_CHANGED, Why.BLOCK_REMOVED})
"""The manifest asks for what is not done, so that the plan must not read as empty."""


@dataclass(frozen=True, slots=True)
class PlannedRollout:
    """``document`` is what is to be live, ``tag`` what its tag is to be (``""``: none).

    ``state`` and ``move`` are None for a resource that does not exist yet. ``name`` is what
    commands call the resource.
    """

    document: Document
    tag: str = ""
    state: Rollout | None = None
    move: Move | None = None
    name: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether a rollout has begun and is not over."""
        return self.state is not None and self.state.is_under_way

    @property
    def obstacle(self) -> tuple[str, str] | None:
        """Why the step is blocked and what to do about it."""
        if self.state is None or self.move is None or self.move.why not in BLOCKING:
            return None
        return OBSTACLES[self.move.why](self.state), self.move.why.hint(self.name)

    @property
    def note(self) -> RolloutNote | None:
        """What a reader is told; None while nothing is rolled out."""
        if self.state is None or self.move is None or self.move.why is Why.STEADY:
            return None
        return note_of(self.state, self.move, self.name)


def plan_rollout(pair: Pair, kind: Kind) -> PlannedRollout | None:
    """The rollout of ``pair``; None where none is declared and none is under way."""
    role, desired = kind.rollout, pair.desired
    if role is None or desired is None or desired.existing:
        return None
    spec = role.spec(desired)
    if spec is None:
        return _without_block(role, desired, pair.live)
    state = state_of(role, desired, spec, pair.live) if pair.live else None
    if state is None or pair.live is None:
        return PlannedRollout(role.named(desired, spec))
    return _planned(role, desired, pair.live, state)


def _without_block(
    role: RolloutRole, desired: Resource, live: Live | None
) -> PlannedRollout | None:
    """A rollout may be under way though its block is gone: then nothing happens to it."""
    if live is None or not live.ownership.rollout:
        return None
    bare = replace(desired, rollout={})
    spec = role.spec(bare)
    state = state_of(role, bare, spec, live) if spec else None
    if state is None or not state.is_under_way:
        return None
    return _planned(role, bare, live, replace(state, removed=True))


def state_of(
    role: RolloutRole, resource: Resource, spec: RolloutSpec, live: Live
) -> Rollout | None:
    """What is known of the rollout from the live resource alone; None without versions."""
    versions = role.versions(resource, spec, live)
    if versions is None:
        return None
    tag = RolloutTag.parse(live.ownership.rollout)
    return Rollout(spec, versions, tag, live.readiness.phase, occasion=Occasion.APPLY)


def _planned(role: RolloutRole, desired: Resource, live: Live, state: Rollout) -> PlannedRollout:
    move = decide(state)
    shares, tag = dict(state.versions.shares), live.ownership.rollout
    if move.kind in PLANNED:
        shares = shares_after(state, move) or shares
        written = tag_before(state, move) or tag_after(state, move)
        tag = written.text if written else ""
    document = role.declared(desired, state.spec, live, shares)
    return PlannedRollout(document, tag, state, move, desired.address.key)


def note_of(state: Rollout, move: Move, name: str) -> RolloutNote:
    """What is told of a rollout: from and to, the steps to come, and what is paid twice."""
    versions, tag = state.versions, state.tag
    share = versions.percent or 0
    left = [stage for stage in state.spec.stages if stage.percent >= share]
    earliest_s = sum(stage.for_s for stage in left if stage.percent < WHOLE)
    tried = versions.of(tag.target) if tag and move.why is Why.THIRD else ""
    old = (tried and base_of(versions, tag)) or versions.previous
    return RolloutNote(
        old=versions.labels.get(old, old),
        new=versions.label,
        percent=share,
        move=move,
        name=name,
        tried=versions.labels.get(tried, tried),
        # Without the block the steps are unknown.
        stages=() if state.removed else state.spec.stages,
        earliest_s=earliest_s,
        end_s=tag.since_s + earliest_s if tag and tag.since_s and state.is_under_way else 0,
        pauses=sum(stage.pause for stage in left),
        doubled=versions.doubled,
        needs_consent=versions.is_reserved and _doubles(move),
        falls_back=versions.falls_back,
    )


def _doubles(move: Move) -> bool:
    """Whether a second version is deployed, at once or after the traffic of another returned."""
    return move.kind is MoveKind.START or move == Move(MoveKind.RETURN, Why.THIRD, move.to)


def _rejected(state: Rollout) -> str:
    tag = state.tag
    when = f" on {day(tag.since_s)}" if tag and tag.since_s else ""
    at = f" at {tag.origin} %" if tag else ""
    why = f" ({tag.reason})" if tag and tag.reason else ""
    return f"version {state.versions.label} was rolled back{at}{why}{when}"


def _steps_changed(state: Rollout) -> str:
    return f"the steps were changed while {_share_of(state)}"


def _block_removed(state: Rollout) -> str:
    return f"the `rollout` block was removed while {_share_of(state)}"


def _share_of(state: Rollout) -> str:
    share = state.versions.percent or 0
    return f"version {state.versions.label} has {share} % of the traffic"


OBSTACLES: Final[dict[Why, Callable[[Rollout], str]]] = {
    Why.REJECTED: _rejected,
    Why.STEPS_CHANGED: _steps_changed,
    Why.BLOCK_REMOVED: _block_removed,
}


def day(unix_s: int) -> str:
    """``30 Nov 2026 11:04 UTC``."""
    return f"{datetime.fromtimestamp(unix_s, UTC):%d %b %Y %H:%M} UTC"


def in_words(note: RolloutNote) -> Iterator[str]:
    """The rollout in a sentence, ``rollout 11 -> 12: at 5 %, then 25 %, 100 %``, and remarks."""
    move, head = note.move, f"rollout {note.old} -> {note.new}" if note.old else "rollout"
    if waits_for_person(move) and move.why not in BLOCKING:
        hint = move.why.hint(note.name)
        yield (f"{head}: at {note.percent} %, waiting for a decision: {move.why.sentence}; {hint}")
    elif move.why is Why.KEEPING:
        yield f"{head}: at 100 %, {note.old} is kept at 0 % until {day(move.due_s)}"
    elif move.kind in ENDINGS:
        yield f"{head}: {ENDINGS[move.kind].format(**_labels(note))} ({move.why.sentence})"
    elif move.why in BLOCKING:
        yield f"{head}: at {note.percent} %"
    else:
        yield f"{head}: {_on_its_way(note)}"
    if note.falls_back and move.why not in BLOCKING:
        yield (
            "with fallback, a version at 0 % answers requests that another version cannot answer"
        )


def waits_for_person(move: Move) -> bool:
    """Whether nothing goes on before a person has done something."""
    return move.kind is MoveKind.NOTHING and move.why in FOR_A_PERSON


ENDINGS: Final[dict[MoveKind, str]] = {
    MoveKind.BACK: "all traffic returns to {old}",
    MoveKind.CLEAN_UP: "the other version is removed",
    MoveKind.FORGET: "the rollout has ended, and its tag is removed",
}
"""Moves after which nothing follows."""


def _labels(note: RolloutNote) -> dict[str, str]:
    return {"old": note.old, "new": note.new}


def _on_its_way(note: RolloutNote) -> str:
    """Where it is, what follows, the earliest end, and what is paid for meanwhile."""
    move = note.move
    if move.kind is MoveKind.RETURN and move.why is Why.REVERTED:
        return f"all traffic returns to {note.new} at once, without a deployment"
    begins = move.kind in (MoveKind.START, MoveKind.RETURN)
    where = "starts at 0 %" if begins else f"at {note.percent} %"
    if move.why is Why.NEW_IS_GONE:
        where += f" again, because {move.why.sentence}"
    if note.tried:
        where = f"all traffic returns from {note.tried} to {note.old} first; then at 0 %"
    least = 0 if begins else note.percent
    left = [stage for stage in note.stages if stage.percent > least]
    due = f" not before {day(move.due_s)}" if move.due_s else ""
    steps = [f"{stage.percent} %{', pause' if stage.pause else ''}" for stage in left]
    then = f", then {', '.join([f'{steps[0]}{due}', *steps[1:]])}" if steps else ""
    pauses = f" plus {counted(note.pauses, 'pause')}" if note.pauses else ""
    end = f"on {day(note.end_s)}" if note.end_s and not begins else f"in {span(note.earliest_s)}"
    earliest = f"; ends at the earliest {end}{pauses}" if then else ""
    paid = f"; until then you pay twice for {note.doubled}" if note.doubled and then else ""
    return f"{where}{then}{earliest}{paid}"


def span(seconds: float) -> str:
    """The two largest units: ``1 d 2 h``, ``40 min``, ``30 s``."""
    whole = max(0, int(seconds))
    units = ((whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"))
    parts = [f"{count} {unit}" for count, unit in units if count]
    return " ".join(parts[:2]) or f"{whole} s"


# What a move of a gradual rollout changes: the shares of the traffic, and the tag. Pure.


def shares_after(rollout: Rollout, move: Move) -> dict[str, int] | None:
    """The shares of all versions that stay after ``move``; None where no traffic is touched.

    All of them, absolute: a move that is sent twice does no more than one that is sent once.
    """
    versions = rollout.versions
    match move.kind:
        case MoveKind.START:
            base = base_of(versions, rollout.tag)
            return {base: WHOLE, versions.wanted: 0} if base else {versions.wanted: WHOLE}
        case MoveKind.STEP | MoveKind.BACK:
            return {versions.previous: WHOLE - move.to, versions.current: move.to}
        case MoveKind.RETURN if move.why is Why.REVERTED:
            return {versions.previous: 0, versions.current: WHOLE}
        case MoveKind.RETURN:
            base = base_of(versions, rollout.tag)
            return {name: WHOLE if name == base else 0 for name in versions.shares}
        case MoveKind.CLEAN_UP:
            keeps_old = move.why is Why.REJECTED
            return {versions.previous if keeps_old else versions.current: WHOLE}
        case _:
            return None


def base_of(versions: Versions, tag: RolloutTag | None) -> str:
    """The live version that all traffic returns to: never the one that is being tried."""
    shares = dict(versions.shares)
    if tag:
        named = versions.of(tag.target)
        if tag.word in (Word.RETURNING, Word.RETURNED) and named:
            return named
        # A rollout that is finished has made its version the one to rely on.
        if tag.word is Word.BACK or shares.get(named) != WHOLE:
            shares.pop(named, None)
    # The declared one is the base only where there is no other.
    others = {name: share for name, share in shares.items() if name != versions.wanted} or shares
    return max(sorted(others), key=lambda name: others[name], default="")


def tag_before(rollout: Rollout, move: Move) -> RolloutTag | None:
    """The tag that is written before the traffic is touched; None for none."""
    if move.kind in (MoveKind.START, MoveKind.STEP, MoveKind.RETURN):
        origin = rollout.versions.percent or 0
        if move.kind is MoveKind.RETURN and move.why is Why.THIRD:
            # An earlier return that was interrupted goes on: its tag names the good version.
            if rollout.tag is None or rollout.tag.word in (Word.RETURNING, Word.RETURNED):
                return rollout.tag
            return _marked(rollout, rollout.tag.to, 0, Word.BACK, rollout.tag)
        word = Word.RETURNING if move.kind is MoveKind.RETURN else Word.GOING
        return _marked(rollout, origin, move.to, word)
    if move.kind is MoveKind.BACK:
        return _marked(rollout, rollout.versions.percent or 0, 0, Word.BACK)
    return None


def tag_after(rollout: Rollout, move: Move) -> RolloutTag | None:
    """The tag that is written once the traffic is as ``move`` wants it; None takes it off."""
    match move.kind:
        case MoveKind.HOLD:
            return _marked(rollout, move.to, move.to, Word.HELD)
        case MoveKind.BACK:
            return _marked(rollout, rollout.versions.percent or 0, 0, Word.BACK)
        case MoveKind.RETURN if move.why is Why.THIRD:
            # Written before, and it says which version lost its traffic.
            return rollout.tag
        case MoveKind.CLEAN_UP if move.why in (Why.REJECTED, Why.REVERTED):
            return rollout.tag
        case MoveKind.CLEAN_UP | MoveKind.FORGET:
            return None
        case _ if _has_returned(rollout, move):
            return _marked(rollout, move.to, move.to, Word.RETURNED)
        case _:
            return _marked(rollout, move.to, move.to, Word.AT)


def _has_returned(rollout: Rollout, move: Move) -> bool:
    """Whether all traffic is back on the version that the manifest declares again."""
    was_returning = rollout.tag is not None and rollout.tag.word is Word.RETURNING
    settles = move.kind is MoveKind.SETTLE and was_returning and rollout.is_of_this_target
    return move.to == WHOLE and (settles or move.kind is MoveKind.RETURN)


def _is_lost(rollout: Rollout) -> bool:
    """Whether the tag is missing beside two versions, or was in this rollout."""
    if rollout.tag is None:
        return rollout.is_pair
    return rollout.is_of_this_target and rollout.tag.is_guess


def _marked(
    rollout: Rollout, origin: int, to: int, word: Word, like: RolloutTag | None = None
) -> RolloutTag:
    target = like.target if like else rollout.versions.target
    steps = like.steps if like else rollout.spec.digest
    # While a move is going nothing lasts yet, and a plan must not depend on the time.
    since_s = 0 if word in (Word.GOING, Word.RETURNING) else rollout.now_s
    is_judged = word in (Word.BACK, Word.HELD) and rollout.grade is Grade.BAD
    reason = rollout.verdict.text if rollout.verdict and is_judged else ""
    is_guess = not reason and word is not Word.BACK and _is_lost(rollout)
    return RolloutTag(target, steps, origin, to, since_s, word, reason, is_guess)
