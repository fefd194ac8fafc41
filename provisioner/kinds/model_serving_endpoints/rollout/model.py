"""How a new version goes live: the ``rollout:`` block. Never sent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioner.kinds.model_serving_endpoints.model.external import Spec

DURATION = r"^[1-9][0-9]{0,5}[smhd]$"
SHARE = r"^[0-9]{1,3}(\.[0-9]{1,3})?%$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

Duration = Annotated[str, Field(pattern=DURATION)]
Word = Annotated[str, Field(min_length=1, max_length=500)]


class RolloutStep(Spec):
    """One step in its long form: a share of the traffic, or a pause."""

    percent: int | None = Field(
        default=None, ge=0, le=100, description="The share of the new version."
    )
    for_: Duration | None = Field(
        default=None, alias="for", description="How long the step lasts at least: `10m`, `2h`."
    )
    pause: bool | None = Field(
        default=None, description="Wait until a person says `provisioner rollout go`."
    )


class RolloutChecks(Spec):
    """How the endpoint's `checks` are asked of the new version alone."""

    repeat: int = Field(default=1, ge=1, le=100, description="How often each check is asked.")


class RolloutMetric(Spec):
    """A measured criterion: of the endpoint's own metrics, or of a command."""

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$",
        description="`errors` (answers with a status of 5xx), `client_errors` (4xx), `p50_ms`, "
        "`p95_ms`, `p99_ms`, another metric of the endpoint such as `cpu_usage_percentage`; for a "
        "command any name.",
    )
    from_: Literal["metrics", "command"] = Field(
        default="metrics",
        alias="from",
        description="The endpoint's metrics, or a command of the project.",
    )
    max: Annotated[str, Field(pattern=SHARE)] | float | None = Field(
        default=None, description="The most that is good: `1%`, or a number."
    )
    compared_to_old: float | None = Field(
        default=None, gt=0, description="The most as a multiple of the previous version's value."
    )
    min_requests: int | None = Field(
        default=None,
        ge=1,
        description="With fewer requests in the samples of a run the metric is not known.",
    )
    run: tuple[Word, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description="The command, as a list that no shell reads: a committed file of the project "
        "and its arguments. `${rollout.new}`, `${rollout.old}` and `${rollout.endpoint}` are "
        "filled in. Exit code 0 is good, 1 is bad, any other is not known.",
    )
    timeout: Duration | None = Field(
        default=None, description="When the command is ended: `60s` where nothing is written."
    )
    pass_env: tuple[Annotated[str, Field(pattern=VARIABLE)], ...] | None = Field(
        default=None,
        description="Environment variables that the command gets though they may be secret.",
    )


class RolloutAnalysis(Spec):
    """What decides whether the new version is good."""

    checks: RolloutChecks | bool | None = Field(
        default=None, description="`false` asks no checks; else they are asked at every step."
    )
    metrics: tuple[RolloutMetric, ...] | None = Field(
        default=None, max_length=20, description="Criteria while the new version has traffic."
    )
    tolerate: int | None = Field(
        default=None, ge=0, le=100, description="Bad samples in a row that are still good."
    )
    observe: Duration | None = Field(
        default=None,
        description="How long one run of `rollout advance` samples the metrics, once a minute: "
        "`5m` where nothing is written, and never longer than the step.",
    )


class RolloutBlock(Spec):
    """How a new version of a served entity goes live, step by step."""

    entity: str | None = Field(
        default=None,
        min_length=1,
        description="The served entity; may be left out where there is one.",
    )
    steps: tuple[Word | RolloutStep, ...] = Field(
        min_length=1,
        max_length=50,
        description="`5% for 10m`, `25%` or `pause`, or the long form. 0 % comes first and 100 % "
        "last, also where they are not written.",
    )
    analysis: RolloutAnalysis | None = Field(
        default=None, description="Without it, time and readiness decide alone."
    )
    on_failure: Literal["step_back", "hold"] = Field(
        default="step_back", description="What a bad verdict does."
    )
    when_unknown: Annotated[str, Field(pattern=r"^(hold|go_on after [1-9][0-9]{0,5}[smhd])$")] = (
        Field(
            default="hold",
            description="What a verdict that is not known does: `hold`, or `go_on after 1h`.",
        )
    )
    keep_previous: Duration | None = Field(
        default=None,
        description="How long the previous version stays at 0 % after the last step: `24h` where "
        "nothing is written.",
    )
    give_up_after: Duration | None = Field(
        default=None,
        description="A step that lasts so much longer than its time goes back: `3d` where nothing "
        "is written.",
    )
