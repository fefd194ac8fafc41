"""How applying a plan ended: as text, as JSON, and as an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.errors.exit_codes import ExitCode
from provisioner.errors.wording import counted
from provisioner.model.outcome import WENT_WELL, Outcome, Status
from provisioner.model.plan import Action, Address, Plan
from provisioner.rendering.progress import duration
from provisioner.rendering.text import harmless, harmless_line
from provisioner.rendering.values import common_width

WORDS = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.ADOPT: "adopted",
    Action.KEEP: "ready after waiting",
}
"""What is said of a step that is done; also the keys of the summary, in its order."""

ALWAYS = ("created", "updated", "replaced", "deleted")
"""Parts of the summary line that are there also when they are zero."""

NEXT = {
    Status.FAILED: ("apply", "after you fix the cause; only the missing calls are sent"),
    Status.INTERRUPTED: ("apply", "only the missing calls are sent"),
    Status.STALE: ("plan", "the workspace has changed since the plan was made"),
    Status.DID_NOT_CONVERGE: ("plan", "to see what still differs"),
    Status.UNKNOWN: ("plan", "to see what is missing, if anything"),
    Status.NOT_STARTED: ("apply", "no calls were sent for resources that were not started"),
    Status.STILL_UPDATING: ("status --wait", "the updates continue"),
    Status.ACCEPTED: ("status --wait", "the updates are in progress"),
}
"""What to run next and why; the first of these statuses that there is decides."""

UNSENT = ("apply", "once the endpoints are ready; it sends the remaining calls")

COLOURS = {True: "\x1b[32m", False: "\x1b[31m"}
PLAIN = "\x1b[0m"


def text(
    outcomes: Sequence[Outcome],
    colour: bool = False,
    environment: str = "",
    shown: Sequence[Outcome] | None = None,
) -> str:
    """A line for each outcome that is ``shown`` (default: all), the summary, what to run next.

    The problems themselves are in ``Outcome.error`` and not repeated here.
    ``environment`` completes the commands.
    """
    shown = outcomes if shown is None else shown
    width = common_width(str(outcome.step.address) for outcome in shown)
    lines = [_line(outcome, width, colour) for outcome in shown]
    return "\n".join([*lines, summary_line(outcomes), *_next(outcomes, environment)])


def _line(outcome: Outcome, width: int, colour: bool) -> str:
    good = outcome.status in WENT_WELL
    word = _word(outcome)
    shown = f"{COLOURS[good]}{word}{PLAIN}" if colour else word
    when = "after" if outcome.status is Status.STILL_UPDATING else "in"
    took = f" {when} {duration(outcome.seconds)}" if outcome.seconds >= 1 else ""
    message = f": {harmless_line(outcome.told)}" if outcome.told else ""
    return f"{outcome.step.address!s:{width}}  {shown}{took}{message}"


def _word(outcome: Outcome) -> str:
    done = outcome.status is Status.DONE
    return WORDS.get(outcome.step.action, "done") if done else outcome.status.value


def summary(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many steps ended in which way, zeros included: what was done, then the rest."""
    counts = Counter(_word(outcome) for outcome in outcomes)
    rest = [status.value for status in Status if status is not Status.DONE]
    return {word: counts[word] for word in (*WORDS.values(), *rest)}


def summary_line(outcomes: Sequence[Outcome]) -> str:
    """``Applied: 2 created, 1 updated, 0 replaced, 0 deleted, 1 failed``."""
    counts = summary(outcomes).items()
    shown = [f"{count} {word}" for word, count in counts if count or word in ALWAYS]
    unsent = sum(len(outcome.unsent) for outcome in outcomes)
    left = [f"{counted(unsent, 'call')} left"] if unsent else []
    return f"Applied: {', '.join([*shown, *left])}"


def _next(outcomes: Sequence[Outcome], environment: str) -> list[str]:
    statuses = {outcome.status for outcome in outcomes}
    where = f" -e {environment}" if environment else ""
    advice = [NEXT[status] for status in NEXT if status in statuses]
    # `status --wait` would wait for ever for calls that nothing sends.
    if any(outcome.unsent for outcome in outcomes) and advice[:1] == [NEXT[Status.ACCEPTED]]:
        advice = [UNSENT]
    return [f"Next: provisioner {command}{where}  ({why})" for command, why in advice[:1]]


def exit_code(outcomes: Sequence[Outcome], *, interrupted: bool = False) -> ExitCode:
    """0 all done or accepted; 130 interrupted; 5 the only trouble is a wait that was too
    long; 4 something went through and something did not, or calls are left after --no-wait;
    1 nothing went through.
    """
    if interrupted:
        return ExitCode.INTERRUPTED
    # Ctrl-C comes first: what the interrupted steps did is said line by line.
    trouble = {outcome.status for outcome in outcomes if not outcome.went_well}
    if not trouble:
        return ExitCode.DONE
    if trouble == {Status.STILL_UPDATING}:
        return ExitCode.STILL_UPDATING
    # 4 tells a pipeline that the workspace has changed and that running again is safe.
    changed = any(_changed_something(outcome) for outcome in outcomes)
    return ExitCode.PARTIAL if changed else ExitCode.ERROR


def _changed_something(outcome: Outcome) -> bool:
    """What is not known may have been carried out, and counts as if it had."""
    return bool(outcome.done) or outcome.status is Status.UNKNOWN


def to_json(
    outcomes: Sequence[Outcome], plan: Plan, urls: Mapping[Address, str] | None = None
) -> dict[str, Any]:
    """``{"project", "environment", "outcomes": [...], "summary": {...}}``.

    ``urls`` are the pages of the resources, the ``url`` of each outcome.
    """
    urls = urls or {}
    return {
        "project": plan.project,
        "environment": plan.environment,
        "outcomes": [
            {**outcome_json(outcome), "url": urls.get(outcome.step.address, "")}
            for outcome in outcomes
        ],
        "summary": to_counts(outcomes),
    }


def to_counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """``{"created": 1, "did_not_converge": 0, ...}``."""
    return {word.replace(" ", "_"): count for word, count in summary(outcomes).items()}


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """How one step ended."""
    problems = outcome.error.problems if outcome.error else ()
    return {
        "address": str(outcome.step.address),
        "name": outcome.step.name,
        "action": outcome.step.action.value,
        "status": outcome.status.value.replace(" ", "_"),
        "done": list(outcome.done),
        "message": harmless(outcome.message),
        "seconds": round(outcome.seconds, 3),
        "problems": [
            {"code": p.code, "message": harmless(p.message), "hint": harmless(p.hint)}
            for p in problems
        ],
    }
