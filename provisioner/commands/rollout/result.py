"""What a ``rollout`` command shows of one endpoint, in words that all views share. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from provisioner.model.rollout import Grade, MoveKind, Why, Word
from provisioner.model.rollout_block import drawn
from provisioner.planning.rollout_plan import day, span, waits_for_person
from provisioner.planning.rollout_procedure import Ending
from provisioner.planning.rollout_state import Rollout
from provisioner.workflow.rollout import RolloutReport

IDLE: Final = frozenset({Why.STEADY, Why.NOT_STARTED})
TROUBLE: Final = frozenset(
    {Why.BY_HAND, Why.NEW_IS_GONE, Why.OLD_IS_GONE, Why.FAILED, Why.STEPS_CHANGED}
)


def has_failed(report: RolloutReport) -> bool:
    """Whether the run ends with exit code 1: something went wrong, or traffic stepped back."""
    stepped_back = report.move.kind is MoveKind.BACK and report.move.why is not Why.ASKED
    return bool(report.problems) or stepped_back or report.move.why in TROUBLE


def is_under_way(report: RolloutReport) -> bool:
    """Whether a rollout has begun and is not finished."""
    return report.state is not None and report.state.is_under_way


def versions_line(state: Rollout) -> str:
    """``12 at 25 % beside 11`` or ``12 alone``."""
    versions = state.versions
    old = versions.labels.get(versions.previous, "")
    tried = versions.of(state.tag.target) if state.tag else ""
    if tried and tried != versions.current:
        return _of_another(state, tried)
    if not versions.current:
        return f"{old or versions.previous} alone, {versions.label} does not exist"
    if not versions.previous:
        return f"{versions.label} alone"
    share = versions.percent
    at = "with traffic that was changed by hand" if share is None else f"at {share} %"
    return f"{versions.label} {at} beside {old}"


def _of_another(state: Rollout, tried: str) -> str:
    """``12 at 5 % beside 11, 13 is declared``: the tag is about a version of another commit."""
    versions = state.versions
    beside = [label for name, label in versions.labels.items() if name != tried]
    where = f"at {versions.shares[tried]} % beside {', '.join(beside)}" if beside else "alone"
    return f"{versions.labels[tried]} {where}, {versions.label} is declared"


def standing(report: RolloutReport) -> str:
    """Where the rollout stands, in one line without the name."""
    state = report.state
    if report.problems:
        return f"error: {report.problems[0].message}"
    if state is None:
        return "does not exist yet"
    parts = [versions_line(state)]
    tag = state.tag
    has_stepped = report.has_stepped_back
    if tag and tag.word is Word.BACK and state.is_of_this_target and not has_stepped:
        why = f" ({tag.reason})" if tag.reason else ""
        when = f" on {day(tag.since_s)}" if tag.since_s else ""
        parts.append(f"rolled back at {tag.origin} %{why}{when}")
    elif tag and tag.since_s and not has_stepped:
        lasts = f" of {span(state.stage.for_s)}" if state.stage.for_s else ""
        parts.append(f"for {span(state.waited_s)}{lasts}")
    if state.verdict:
        # What made it step back is told with the move.
        shown = [each for each in state.verdict.criteria if not (has_stepped and each.is_bad)]
        parts += [criterion.text for criterion in shown]
    return ", ".join([*parts, next_move(report)])


def next_move(report: RolloutReport) -> str:
    """What was done or comes next, and when."""
    move = report.move
    if report.deferred:
        return "postponed to the next run: the service accepts 50 changes in 5 minutes"
    if report.ending is Ending.MOVED:
        return done(report)
    if report.ending is Ending.OVERTAKEN:
        return "another run changed the rollout at the same time: this run stopped"
    if move.kind is not MoveKind.NOTHING:
        return f"next: {planned(report)}"
    if move.due_s and move.why is Why.KEEPING:
        return f"the previous version is kept until {clock(move.due_s)}"
    if move.due_s:
        return f"next {move.to} % at {clock(move.due_s)}"
    return move.why.sentence


def planned(report: RolloutReport) -> str:
    """The move in words: ``25 % (its time is over and the verdict is good)``."""
    move = report.move
    match move.kind:
        case MoveKind.STEP | MoveKind.SETTLE:
            what = f"{move.to} %"
        case MoveKind.START:
            what = "0 %, `provisioner apply` starts it"
        case _:
            what = move.kind.value
    if move.why is Why.DUE and (report.state is None or report.state.verdict is None):
        return f"{what} (its time is over: run `provisioner rollout advance`)"
    return f"{what} ({move.why.sentence})"


def hint(report: RolloutReport) -> str:
    """What a person can do where nothing goes on without one; ``""`` for nothing."""
    waits = report.ending is not Ending.MOVED and waits_for_person(report.move)
    return report.move.why.hint(report.address.key) if waits else ""


def done(report: RolloutReport) -> str:
    """The move that was made, in words."""
    move, state = report.move, report.state
    why = move.why.sentence
    match move.kind:
        case MoveKind.STEP:
            return f"moved to {move.to} %"
        case MoveKind.BACK:
            verdict = state.verdict if state else None
            bad = verdict.text if verdict and verdict.grade is Grade.BAD else ""
            origin = f"from {state.tag.origin} % " if state and state.tag else ""
            return f"stepped back {origin}to 0 % ({bad or why})"
        case MoveKind.RETURN:
            return f"traffic returned to the previous version ({why})"
        case MoveKind.CLEAN_UP:
            return f"finished: one version is left ({why})"
        case MoveKind.HOLD:
            return f"held at {move.to} % ({why})"
        case MoveKind.FORGET if move.why is Why.ASKED:
            return "its rejection is cleared, `provisioner apply` starts it"
        case MoveKind.SETTLE:
            return f"recorded at {move.to} % ({why})"
        case _:
            return f"{move.kind.value} done ({why})"


def clock(unix_s: int) -> str:
    """``10:40 UTC``, with the day where it is not today's."""
    return f"{datetime.fromtimestamp(unix_s, UTC):%d %b %H:%M} UTC"


def bar(state: Rollout, *, unicode: bool = True) -> str:
    """The stages as a bar: ``0 > 5 > [25] > 50 > 100``."""
    if state.removed:
        return ""
    return drawn(state.spec.stages, state.versions.percent, "→" if unicode else ">")
