"""The verdict on a new version: good, bad or not known, with the numbers."""

from __future__ import annotations

import pytest

from provisioner.model.rollout import Grade, Sample
from provisioner.model.rollout_block import Analysis, Metric, MetricSource
from provisioner.planning.rollout_verdict import of_command, of_metrics

ERRORS = Metric("errors", most=0.01, min_requests=100)
SLOW = Metric("p99_ms", most=800, compared_to_old=1.3, min_requests=1)


def sample(version: str, requests: float = 100, errors: float = 0, **values: float) -> Sample:
    return Sample(version, requests, errors, values)


def judged(metric: Metric, *minutes: list[Sample], tolerate: int = 0) -> tuple[Grade, str]:
    (criterion,) = of_metrics(Analysis(metrics=(metric,), tolerate=tolerate), minutes, "new", "old")
    return criterion.grade, criterion.text


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param([[sample("new")]], (Grade.GOOD, "errors 0 % ok"), id="no errors are good"),
        pytest.param(
            [[sample("new", 100, 4)]], (Grade.BAD, "errors 4 % > 1 %"), id="too many errors are bad"
        ),
        pytest.param(
            [[sample("new", 12)]],
            (Grade.UNKNOWN, "errors not known, 12 of 100 requests"),
            id="too few requests are not known, with the number",
        ),
        pytest.param(
            [[sample("new", 60)], [sample("new", 60)]],
            (Grade.GOOD, "errors 0 % ok"),
            id="the requests of all samples of a run add up",
        ),
        pytest.param(
            [[sample("old")]],
            (Grade.UNKNOWN, "errors not known, no metrics"),
            id="metrics of another version say nothing",
        ),
        pytest.param(
            [[sample("", 100, 4)]],
            (Grade.BAD, "errors 4 % > 1 % of the whole endpoint"),
            id="without labels the whole endpoint is judged, and told so",
        ),
        pytest.param([], (Grade.UNKNOWN, "errors not known, no metrics"), id="no sample at all"),
    ],
)
def test_errors(minutes: list[list[Sample]], expected: tuple[Grade, str]) -> None:
    assert judged(ERRORS, *minutes) == expected


def test_bad_samples_in_a_row_are_tolerated_as_far_as_it_is_written() -> None:
    good, bad = [sample("new")], [sample("new", 100, 9)]
    assert judged(ERRORS, bad, good, bad, tolerate=1)[0] is Grade.GOOD
    assert judged(ERRORS, good, bad, bad, tolerate=1)[0] is Grade.BAD


def test_a_latency_is_compared_with_the_previous_version() -> None:
    old = sample("old", p99_ms=100)
    assert judged(SLOW, [sample("new", p99_ms=129), old]) == (Grade.GOOD, "p99_ms 129 ms ok")
    assert judged(SLOW, [sample("new", p99_ms=200), old]) == (
        Grade.BAD,
        "p99_ms 200 ms > 130 ms",
    )
    assert judged(SLOW, [sample("new", p99_ms=200)])[0] is Grade.UNKNOWN


def test_a_metric_that_the_endpoint_does_not_have_is_not_known() -> None:
    assert judged(Metric("gpu_usage_percentage", most=90), [sample("new")])[0] is Grade.UNKNOWN


@pytest.mark.parametrize(
    ("code", "grade"), [(0, Grade.GOOD), (1, Grade.BAD), (2, Grade.UNKNOWN), (None, Grade.UNKNOWN)]
)
def test_the_exit_code_of_a_command_is_its_verdict(code: int | None, grade: Grade) -> None:
    metric = Metric("slo", MetricSource.COMMAND, run=("./slo.py",))
    assert of_command(metric, code, "").grade is grade
