"""How a new version goes live: the ``rollout:`` block. Never sent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioner.kinds.model_serving_endpoints.model.external import Spec

# rules(tool): A rollout is an extension of the tool, and so are the limits of its fields.

DURATION = r"^[1-9][0-9]{0,5}[smhd]$"
SHARE = r"^[0-9]{1,3}(\.[0-9]{1,3})?%$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

Duration = Annotated[str, Field(pattern=DURATION)]
Word = Annotated[str, Field(min_length=1, max_length=500)]


class RolloutStep(Spec):
    """One step in its long form: a percentage of the traffic, or a pause."""

    percent: int | None = Field(
        default=None, ge=0, le=100, description="The percentage of the traffic for the new version."
    )
    for_: Duration | None = Field(
        default=None,
        alias="for",
        description="The minimum duration of the step, such as `10m` or `2h`.",
    )
    pause: bool | None = Field(
        default=None, description="Wait for the command `provisioner rollout go`."
    )


class RolloutChecks(Spec):
    """How the `checks` of the endpoint are sent to the new version."""

    repeat: int = Field(default=1, ge=1, le=100, description="How many times each check is sent.")


class RolloutMetric(Spec):
    """A metric of the endpoint or of a command."""

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$",
        description=(
            "The metric: `errors` (responses with status 5xx), `client_errors` (4xx), "
            "`p50_ms`, `p95_ms`, `p99_ms`, or another metric of the endpoint such as "
            "`cpu_usage_percentage`. A command can have any name."
        ),
    )
    from_: Literal["metrics", "command"] = Field(
        default="metrics",
        alias="from",
        description=(
            "The source of the metric: the metrics of the endpoint, or a command of the project."
        ),
    )
    max: Annotated[str, Field(pattern=SHARE)] | float | None = Field(
        default=None, description="The maximum value, such as `1%` or a number."
    )
    compared_to_old: float | None = Field(
        default=None,
        gt=0,
        description="The maximum, as a multiple of the value of the previous version.",
    )
    min_requests: int | None = Field(
        default=None,
        ge=1,
        description=(
            "The minimum number of requests in the samples of a run. With fewer "
            "requests, the metric is unknown."
        ),
    )
    run: tuple[Word, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description=(
            "The command as a list: a committed file of the project and its "
            "arguments. It is not passed to a shell. `${rollout.new}`, "
            "`${rollout.old}` and `${rollout.endpoint}` are replaced. Exit code 0 "
            "means good, 1 bad, and any other unknown."
        ),
    )
    timeout: Duration | None = Field(
        default=None, description="The time limit of the command. Default: `60s`."
    )
    pass_env: tuple[Annotated[str, Field(pattern=VARIABLE)], ...] | None = Field(
        default=None,
        description=(
            "Environment variables that the command gets although they may contain secrets."
        ),
    )


class RolloutAnalysis(Spec):
    """The analysis that decides about the new version."""

    checks: RolloutChecks | bool | None = Field(
        default=None, description="Whether the checks run at every step. `false` turns them off."
    )
    metrics: tuple[RolloutMetric, ...] | None = Field(
        default=None,
        max_length=20,
        description="The metrics that decide about the new version while it has traffic.",
    )
    tolerate: int | None = Field(
        default=None, ge=0, le=100, description="How many bad samples in a row are tolerated."
    )
    observe: Duration | None = Field(
        default=None,
        description=(
            "How long one run of `rollout advance` collects metrics, once a minute, "
            "but not longer than the step. Default: `5m`."
        ),
    )


class RolloutBlock(Spec):
    """A gradual rollout of new versions of a served entity."""

    entity: str | None = Field(
        default=None,
        min_length=1,
        description="The name of the served entity. Optional if the endpoint has one.",
    )
    steps: tuple[Word | RolloutStep, ...] = Field(
        min_length=1,
        max_length=50,
        description=(
            "The steps, such as `5% for 10m`, `25%` or `pause`, or the long form. A "
            "rollout always starts with 0 % and ends with 100 %."
        ),
    )
    analysis: RolloutAnalysis | None = Field(
        default=None,
        description=(
            "The metrics and checks that decide about the new version. Without this "
            "block, only the duration of the steps and readiness decide."
        ),
    )
    on_failure: Literal["step_back", "hold"] = Field(
        default="step_back", description="What happens if a metric or a check is bad."
    )
    when_unknown: Annotated[str, Field(pattern=r"^(hold|go_on after [1-9][0-9]{0,5}[smhd])$")] = (
        Field(
            default="hold",
            description="What happens if a metric is unknown: `hold`, or `go_on after 1h`.",
        )
    )
    keep_previous: Duration | None = Field(
        default=None,
        description=(
            "How long the previous version remains at 0 % after the last step. Default: `24h`."
        ),
    )
    give_up_after: Duration | None = Field(
        default=None,
        description=(
            "How much longer than its time a step may last before the rollout steps "
            "back. Default: `3d`."
        ),
    )
