"""The verdict on a new version: samples and answers in, good, bad or not known out. Pure.

Nothing is good by default and nothing is bad by default: too few requests, or no metrics at
all, are not known, and the text says so with the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from provisioner.errors.wording import counted
from provisioner.model.query import CheckResult
from provisioner.model.rollout import Criterion, Grade, Sample
from provisioner.model.rollout_block import Analysis, Metric, MetricSource

ERRORS: Final = "errors"
SHARES: Final = (ERRORS, "client_errors")
"""Metrics that are a share of the requests."""
GOOD_EXIT, BAD_EXIT = 0, 1

Minute = Sequence[Sample]
"""All samples of one minute: one for each version, or one for the resource as a whole."""


def of_checks(results: Sequence[CheckResult]) -> tuple[Criterion, ...]:
    """The criterion of the checks, asked of the new version alone."""
    if not results:
        return ()
    failed = [result for result in results if not result.passed]
    if failed:
        text = f"{len(failed)} of {len(results)} checks failed, {failed[0].check}"
        if failed[0].cases:
            text += f": {failed[0].cases.text}"
        return (Criterion("checks", Grade.BAD, text),)
    return (Criterion("checks", Grade.GOOD, f"{counted(len(results), 'check')} ok"),)


def of_metrics(
    analysis: Analysis, minutes: Sequence[Minute], new: str, old: str
) -> tuple[Criterion, ...]:
    """A criterion for each metric that the resource measures itself."""
    measured = [metric for metric in analysis.metrics if metric.source is MetricSource.METRICS]
    return tuple(_of_metric(metric, analysis, minutes, (new, old)) for metric in measured)


def of_command(metric: Metric, exit_code: int | None, output: str) -> Criterion:
    """The criterion of a command; ``exit_code`` None means that it had no end of its own.

    ``told`` is the first line of its output, or why it was ended.
    """
    about = f", {output}" if output else ""
    if exit_code == GOOD_EXIT:
        return Criterion(metric.name, Grade.GOOD, f"{metric.name} ok{about}")
    if exit_code == BAD_EXIT:
        return Criterion(metric.name, Grade.BAD, f"{metric.name} bad{about}")
    how = "" if exit_code is None else f" (exit code {exit_code})"
    return Criterion(metric.name, Grade.UNKNOWN, f"{metric.name} not known{how}{about}")


def _of_metric(
    metric: Metric, analysis: Analysis, minutes: Sequence[Minute], names: tuple[str, str]
) -> Criterion:
    new, old = names
    seen = [_of_version(minute, new) for minute in minutes]
    known = [measurement for measurement in seen if measurement is not None]
    requests = sum(measurement.requests for measurement in known)
    if not known:
        return _unknown(metric, "no metrics")
    if requests < max(1, metric.min_requests):
        return _unknown(metric, f"{requests:.0f} of {max(1, metric.min_requests)} requests")
    limit = _limit(metric, minutes, old)
    if limit is None:
        return _unknown(metric, "no value of the previous version to compare with")
    values = [_value(metric.name, measurement) for measurement in known if measurement.requests]
    if None in values:
        return _unknown(metric, "the service does not measure it")
    whole = (
        "" if any(measurement.version == new for measurement in known) else " of the whole endpoint"
    )
    return _graded(metric, analysis.tolerate, [value or 0.0 for value in values], limit, whole)


def _graded(
    metric: Metric, tolerate: int, values: Sequence[float], limit: float, whole: str
) -> Criterion:
    is_bad = _longest_run([value > limit for value in values]) > tolerate
    shown = _written(metric.name, max(values) if is_bad else sum(values) / len(values))
    if is_bad:
        text = f"{metric.name} {shown} > {_written(metric.name, limit)}{whole}"
        return Criterion(metric.name, Grade.BAD, text)
    return Criterion(metric.name, Grade.GOOD, f"{metric.name} {shown} ok{whole}")


def _unknown(metric: Metric, why: str) -> Criterion:
    return Criterion(metric.name, Grade.UNKNOWN, f"{metric.name} not known, {why}")


def _of_version(minute: Minute, name: str) -> Sample | None:
    """The sample of ``name``, else that of the resource as a whole."""
    by_version = {sample.version: sample for sample in minute}
    return by_version.get(name) or by_version.get("")


def _limit(metric: Metric, minutes: Sequence[Minute], old: str) -> float | None:
    """The lowest of the limits; None where one of them cannot be told."""
    limits = [] if metric.most is None else [metric.most]
    if metric.compared_to_old is not None:
        samples = [sample for minute in minutes for sample in minute if sample.version == old]
        values = [_value(metric.name, sample) for sample in samples if sample.requests]
        known = [value for value in values if value is not None]
        if not known:
            return None
        limits.append(metric.compared_to_old * sum(known) / len(known))
    return min(limits, default=None)


def _value(name: str, sample: Sample) -> float | None:
    if name == ERRORS:
        return sample.errors / sample.requests if sample.requests else None
    return sample.values.get(name)


def _longest_run(bad: Sequence[bool]) -> int:
    longest = run = 0
    for each in bad:
        run = run + 1 if each else 0
        longest = max(longest, run)
    return longest


def _written(name: str, value: float) -> str:
    """``4.1 %``, ``310 ms`` or the number alone."""
    if name in SHARES:
        return f"{round(value * 100, 1):g} %"
    return f"{round(value):d} ms" if name.endswith("_ms") else f"{round(value, 3):g}"
