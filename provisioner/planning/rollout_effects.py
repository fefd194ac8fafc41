"""What a move of a gradual rollout changes: the shares of the traffic, and the tag. Pure."""

from __future__ import annotations

from provisioner.model.rollout import WHOLE, Grade, Move, MoveKind, RolloutTag, Versions, Why, Word
from provisioner.planning.rollout_state import Rollout


def shares_after(rollout: Rollout, move: Move) -> dict[str, int] | None:
    """The shares of all versions that stay after ``move``; None where no traffic is touched.

    All of them, absolute: a move that is sent twice does no more than one that is sent once.
    """
    versions = rollout.versions
    match move.kind:
        case MoveKind.START:
            base = _base(versions, rollout.tag)
            return {base: WHOLE, versions.wanted: 0} if base else {versions.wanted: WHOLE}
        case MoveKind.STEP | MoveKind.BACK:
            return {versions.previous: WHOLE - move.to, versions.current: move.to}
        case MoveKind.RETURN if move.why is Why.REVERTED:
            return {versions.previous: 0, versions.current: WHOLE}
        case MoveKind.RETURN:
            base = _base(versions, rollout.tag)
            return {name: WHOLE if name == base else 0 for name in versions.shares}
        case MoveKind.CLEAN_UP:
            keeps_old = move.why is Why.REJECTED
            return {versions.previous if keeps_old else versions.current: WHOLE}
        case _:
            return None


def _base(versions: Versions, tag: RolloutTag | None) -> str:
    """The live version that all traffic returns to: never the one that is being tried."""
    tried = versions.of(tag.target) if tag else ""
    shares = {name: share for name, share in versions.shares.items() if name != versions.wanted}
    # A rollout that is finished has made its version the one to rely on.
    if tried and shares.get(tried) != WHOLE and len(shares) > 1:
        del shares[tried]
    return max(sorted(shares), key=lambda name: shares[name], default="")


def tag_before(rollout: Rollout, move: Move) -> RolloutTag | None:
    """The tag that is written before the traffic is touched; None for none."""
    if move.kind in (MoveKind.START, MoveKind.STEP, MoveKind.RETURN):
        origin = rollout.versions.percent or 0
        if move.kind is MoveKind.RETURN and move.why is Why.THIRD:
            return rollout.tag and _marked(rollout, rollout.tag.to, 0, Word.BACK, rollout.tag)
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
        case _:
            return _marked(rollout, move.to, move.to, Word.AT)


def _marked(
    rollout: Rollout, origin: int, to: int, word: Word, like: RolloutTag | None = None
) -> RolloutTag:
    target = like.target if like else rollout.versions.target
    steps = like.steps if like else rollout.spec.digest
    # While a move is going nothing lasts yet, and a plan must not depend on the time.
    since_s = 0 if word in (Word.GOING, Word.RETURNING) else rollout.now_s
    is_judged = word in (Word.BACK, Word.HELD) and rollout.grade is Grade.BAD
    reason = rollout.verdict.text if rollout.verdict and is_judged else ""
    return RolloutTag(target, steps, origin, to, since_s, word, reason)
