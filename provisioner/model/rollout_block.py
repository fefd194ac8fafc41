"""What the author of a rollout wants: its ``rollout:`` block, read. Pure, and of no kind.

Durations are ``30s``, ``10m``, ``24h``, ``3d``; a step is ``5% for 10m`` or ``pause``, or the
same as a mapping.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from provisioner.errors import Finding, Location
from provisioner.model.paths import Document

BLOCK: Final = "rollout"
UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
STEP: Final = re.compile(r"(\d{1,3})\s*%(?:\s+for\s+(\d{1,6}[smhd]))?")
PAUSE: Final = "pause"

Entry = tuple[int | None, int]
"""The share and the seconds of one written step; None for a pause."""

WHOLE: Final = 100
"""The share of the last stage, in percent."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A share of the traffic for the new version, in percent, and how long it lasts.

    ``pause``: after that a person has to say `go`.
    """

    percent: int
    for_s: int = 0
    pause: bool = False


class MetricSource(StrEnum):
    """Where the value of a metric comes from."""

    METRICS = "metrics"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured criterion. ``most`` is in the metric's own unit: a share from 0 to 1, or ms.

    ``compared_to_old`` is the most that the value may be as a multiple of the previous
    version's. Fewer requests than ``min_requests`` in a run leave the metric unknown.
    """

    name: str
    source: MetricSource = MetricSource.METRICS
    most: float | None = None
    compared_to_old: float | None = None
    min_requests: int = 0
    run: tuple[str, ...] = ()
    timeout_s: int = 60
    pass_env: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """What decides whether the new version is good.

    ``repeat`` is how often each check is asked; 0 asks none. Metrics are sampled once a minute
    for ``observe_s``; ``tolerate`` bad samples in a row are still good.
    """

    repeat: int = 1
    metrics: tuple[Metric, ...] = ()
    tolerate: int = 0
    observe_s: int = 300


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """A ``rollout:`` block, read. ``stages`` begin at 0 % and end at 100 %.

    ``holds_on_failure``: a bad verdict stops the rollout instead of stepping back.
    ``go_on_after_s``: an unknown verdict counts as good after that time, None for never.
    """

    entity: str = ""
    stages: tuple[Stage, ...] = (Stage(0), Stage(WHOLE))
    analysis: Analysis = field(default_factory=Analysis)
    holds_on_failure: bool = False
    go_on_after_s: int | None = None
    keep_previous_s: int = 86_400
    give_up_after_s: int = 3 * 86_400
    digest: str = ""


def seconds(text: Any, default: int) -> int:
    """The seconds of a duration that the schema has let pass."""
    if not isinstance(text, str) or text[-1:] not in UNITS_S:
        return default
    return int(text[:-1]) * UNITS_S[text[-1]]


def step_of(written: Any) -> Entry | None:
    """One step in either form; None for what is none."""
    if isinstance(written, Mapping):
        if written.get(PAUSE) is True:
            return None, 0
        percent = written.get("percent")
        return (percent, seconds(written.get("for"), 0)) if isinstance(percent, int) else None
    if written == PAUSE:
        return None, 0
    match = STEP.fullmatch(written) if isinstance(written, str) else None
    return (int(match[1]), seconds(match[2], 0)) if match else None


def short_form(written: Any) -> str:
    """A step in its long form as its short one, ``5% for 10m``; ``""`` where there is none."""
    if not isinstance(written, Mapping) or step_of(written) is None:
        return ""
    if set(written) == {PAUSE}:
        return PAUSE
    lasts = f" for {written['for']}" if "for" in written else ""
    return f"{written['percent']}%{lasts}" if set(written) <= {"percent", "for"} else ""


def stages_of(written: Iterable[Any]) -> tuple[Stage, ...]:
    """The stages of the written steps: 0 % comes first and 100 % last, pauses are part of one."""
    stages = [Stage(0)]
    for entry in filter(None, map(step_of, written)):
        percent, for_s = entry
        if percent is None:
            stages[-1] = Stage(stages[-1].percent, stages[-1].for_s, pause=True)
        elif percent == stages[-1].percent:
            stages[-1] = Stage(percent, stages[-1].for_s + for_s, stages[-1].pause)
        else:
            stages.append(Stage(percent, for_s))
    if stages[-1].percent < WHOLE:
        stages.append(Stage(WHOLE))
    return tuple(stages)


def drawn(stages: Sequence[Stage], percent: int | None, arrow: str = ">") -> str:
    """The stages as a bar: ``0 > 5 > [25] > pause > 100``; ``(17)`` is a share that is none."""
    words = []
    for index, stage in enumerate(stages):
        below = stages[index - 1].percent if index else -1
        if percent is not None and below < percent < stage.percent:
            words.append(f"({percent})")
        words.append(f"[{percent}]" if stage.percent == percent else str(stage.percent))
        words += ["pause"] if stage.pause else []
    return f" {arrow} ".join(words)


def share(value: Any) -> float | None:
    """``1%`` as 0.01, and a number as it is."""
    if isinstance(value, str) and value.endswith("%"):
        return float(value[:-1]) / WHOLE
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def read_block(block: Document, entity: str) -> RolloutSpec:
    """A block whose shape is right. ``entity`` is what it is about where it does not say."""
    analysis = block.get("analysis") or {}
    unknown = block.get("when_unknown", "hold")
    patience = re.fullmatch(r"go_on after (\d+[smhd])", unknown)
    stages = stages_of(block.get("steps") or ())
    return RolloutSpec(
        entity=block.get("entity") or entity,
        stages=stages,
        analysis=_analysis(analysis),
        holds_on_failure=block.get("on_failure") == "hold",
        go_on_after_s=seconds(patience[1], 0) if patience else None,
        keep_previous_s=seconds(block.get("keep_previous"), 86_400),
        give_up_after_s=seconds(block.get("give_up_after"), 3 * 86_400),
        digest=steps_digest(stages),
    )


def steps_digest(stages: Iterable[Stage]) -> str:
    """Six hexadecimal digits that change with the shares and the pauses.

    Times are not in it: a rollout goes on when only its patience was changed.
    """
    text = json.dumps([[stage.percent, stage.pause] for stage in stages])
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _analysis(written: Mapping[str, Any]) -> Analysis:
    checks = written.get("checks")
    repeat = checks.get("repeat", 1) if isinstance(checks, Mapping) else 1
    return Analysis(
        repeat=0 if checks is False else repeat,
        metrics=tuple(map(_metric, written.get("metrics") or ())),
        tolerate=written.get("tolerate", 0),
        observe_s=seconds(written.get("observe"), 300),
    )


def _metric(written: Mapping[str, Any]) -> Metric:
    return Metric(
        name=written["name"],
        source=MetricSource(written.get("from", MetricSource.METRICS)),
        most=share(written.get("max")),
        compared_to_old=written.get("compared_to_old"),
        min_requests=written.get("min_requests", 1),
        run=tuple(written.get("run", ())),
        timeout_s=seconds(written.get("timeout"), 60),
        pass_env=tuple(written.get("pass_env", ())),
    )


def block_problems(block: Mapping[str, Any]) -> Iterator[Finding]:
    """What a schema cannot say about the block itself, whatever it rolls out."""
    yield from _steps((BLOCK, "steps"), block.get("steps"))
    analysis = block.get("analysis")
    metrics = analysis.get("metrics") if isinstance(analysis, Mapping) else None
    seen: set[Any] = set()
    for index, metric in enumerate(metrics if isinstance(metrics, list | tuple) else ()):
        if isinstance(metric, Mapping):
            place: Location = (BLOCK, "analysis", "metrics", index)
            yield from _metric_problems(place, metric, seen)


def _steps(at: Location, written: Any) -> Iterator[Finding]:
    last = -1
    for index, step in enumerate(written if isinstance(written, list | tuple) else ()):
        entry = step_of(step)
        if entry is None:
            message = f"`{step}` is not a step"
            hint = "write `5% for 10m`, `25%`, `pause`, or `{percent: 5, for: 10m}`"
            yield Finding((*at, index), "E380", message, hint)
            continue
        percent = entry[0]
        if percent is None:
            continue
        if percent > WHOLE or percent <= last:
            message = (
                f"{percent} % is not more than the step before, {last} %"
                if percent <= WHOLE
                else ""
            )
            message = message or f"{percent} % is more than 100 %"
            yield Finding(
                (*at, index),
                "E381",
                message,
                "the percentages of the steps must increase, up to 100 %",
            )
        last = max(last, percent)


def _metric_problems(at: Location, metric: Mapping[str, Any], seen: set[Any]) -> Iterator[Finding]:
    name = metric.get("name")
    if name in seen:
        yield Finding(
            (*at, "name"), "E382", f"another metric is named `{name}`", "rename one of them"
        )
    seen.add(name)
    is_command = metric.get("from") == MetricSource.COMMAND
    if is_command and not metric.get("run"):
        hint = "add `run: [./slo.py]`, a list of arguments"
        yield Finding(at, "E383", "a metric from a command needs `run`", hint, key=True)
    if not is_command and "max" not in metric and "compared_to_old" not in metric:
        message = "this metric has no limit"
        yield Finding(at, "E383", message, "add `max` or `compared_to_old`", key=True)
    for option in ("run", "pass_env", "timeout"):
        if option in metric and not is_command:
            message = f"`{option}` applies to commands, but the endpoint measures this metric"
            yield Finding((*at, option), "E383", message, "add `from: command`", key=True)
