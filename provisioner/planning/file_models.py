"""What a plan looks like as JSON; only its schema file is made from these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from provisioner.model.plan import Cause

# rules(tool): A saved plan is in the tool's own format.

Action = Literal["keep", "update", "create", "adopt", "orphan", "replace", "delete", "blocked"]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Amount = Annotated[float, Field(ge=0)]


class PlanPart(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlanPrices(PlanPart):
    """The prices with which a plan shows costs."""

    date: str = Field(description="The date of the prices.")
    dbu: Amount = Field(description="The price of one DBU.")
    currency: str
    concurrency: dict[str, Amount] = Field(
        default={}, description="DBUs per hour for a concurrency of one request, by workload type."
    )
    tokens_per_second: Amount | None = Field(
        default=None, description="DBUs per hour for one token per second."
    )
    model_units: Amount | None = Field(
        default=None, description="DBUs per hour for one model unit."
    )


class PlanWorkspace(PlanPart):
    """The workspace that a plan was made for."""

    host: str


class PlanSource(PlanPart):
    """The origin of the manifests. Not part of the digest of the plan."""

    git_commit: str = Field(description="The commit, with `+` if there were uncommitted changes.")
    digest: str = Field(description="A digest of the documents that the manifests describe.")


class PlanSummary(PlanPart):
    """The number of steps for each action."""

    create: int = Field(ge=0)
    adopt: int = Field(ge=0)
    update: int = Field(ge=0)
    replace: int = Field(ge=0)
    delete: int = Field(ge=0)
    keep: int = Field(ge=0)
    blocked: int = Field(ge=0)
    orphan: int = Field(ge=0)


class PlanChange(PlanPart):
    """A field that differs.

    If the field does not exist on one side, `before` or `after` is missing.
    """

    path: str = Field(description="`config.served_entities[champion].entity_version`")
    before: Any = Field(default=None, description="The live value.")
    after: Any = Field(default=None, description="The value that the manifests declare.")
    action: Action
    cause: Cause | None = Field(
        default=None,
        description=(
            "Why this action, for programs; plans of earlier versions have none. In words: "
            + "; ".join(f"`{cause}`: {cause.sentence}" for cause in Cause if cause.sentence)
        ),
    )
    reason: str = Field(
        description="The cause as text, which can change with every version. Do not parse it."
    )
    drift: bool = Field(
        default=False,
        description=("With `--changed-since`: whether the changed files do not affect this field."),
    )


class PlanOperation(PlanPart):
    """An API call. Secrets are references: `{"$secret": {"from_env": NAME}}`."""

    call: str
    method: Literal["DELETE", "PATCH", "POST", "PUT"]
    path: str = Field(
        description="The path. It contains `{id}` if the id is known only after a create."
    )
    payload: dict[str, Any] | None = Field(default=None, description="The JSON body.")
    wait: bool = Field(description="Whether to wait until the resource is ready after the call.")
    after_idle: bool = Field(
        default=False, description="Whether to wait until no update is running before the call."
    )


class PlanRolloutStep(PlanPart):
    """One step of a gradual rollout."""

    percent: int = Field(
        ge=0, le=100, description="The percentage of the traffic for the new version."
    )
    for_seconds: int = Field(ge=0, description="The minimum duration of the step.")
    pause: bool = Field(description="Whether the step waits for `provisioner rollout go`.")


class PlanRollout(PlanPart):
    """A gradual rollout of a new version."""

    from_: str = Field(alias="from", description="The previous version.")
    to: str = Field(description="The new version.")
    percent: int = Field(ge=0, le=100, description="The current percentage of the new version.")
    move: str = Field(description="The next move: `start`, `step back`, `nothing`, ...")
    reason: str = Field(description="The reason, for programs: `new_target`, `rejected`, ...")
    to_percent: int = Field(ge=0, le=100, description="The percentage after that move.")
    steps: tuple[PlanRolloutStep, ...]
    earliest_seconds: int = Field(
        ge=0, description="The minimum time until the end of the rollout."
    )
    pauses: int = Field(
        ge=0, description="The number of steps that wait for `provisioner rollout go`."
    )
    doubled: str = Field(
        description=("The capacity that you pay for twice during the rollout, or an empty text.")
    )
    needs_consent: bool = Field(description="Whether `--allow-double` must name the endpoint.")
    falls_back: bool = Field(
        default=False,
        description="Whether a version without traffic is a fallback for failed requests.",
    )
    name: str = Field(default="", description="The name of the endpoint for `provisioner rollout`.")
    returns_from: str = Field(
        default="", description="A third version, from which all traffic returns first."
    )
    due: int = Field(
        default=0,
        description=(
            "The earliest time of the next move, as Unix time in seconds. Missing if unknown."
        ),
    )
    earliest_end: int = Field(
        default=0,
        description=("The start of the step, as Unix time in seconds. Missing before the start."),
    )


class PlanProvision(PlanPart):
    """A range of one type of capacity. Numbers are negative for capacity that is removed."""

    unit: Literal["concurrency", "tokens_per_second", "model_units", "size"] = Field(
        description=(
            "The unit: concurrent requests, tokens per second, model units, or "
            "entities of a size that only the workspace knows."
        )
    )
    workload_type: str = Field(description="The workload type, such as `CPU`, or an empty text.")
    size: str = Field(description="The name of the size, for the unit `size` only.")
    scales_to_zero: bool = Field(
        description="Whether the entity scales to zero while there are no requests."
    )
    least: int = Field(description="The minimum capacity, if the entity does not scale to zero.")
    most: int = Field(description="The maximum capacity.")


class PlanCapacity(PlanPart):
    """The capacity before and after."""

    before: tuple[PlanProvision, ...] = Field(description="The capacity in the workspace now.")
    after: tuple[PlanProvision, ...] = Field(
        description="The capacity after the plan, including rollouts."
    )
    difference: tuple[PlanProvision, ...] = Field(description="`after` minus `before`.")
    during: tuple[PlanProvision, ...] = Field(
        default=(),
        description=(
            "The largest capacity during the step, if you pay for the old and the new "
            "deployment at the same time."
        ),
    )


class PlanCost(PlanPart):
    """Costs per hour, as minimum and maximum, with the prices of the plan."""

    before: tuple[float, float] = Field(description="The cost before the plan.")
    after: tuple[float, float] = Field(description="The cost after the plan.")
    during: tuple[float, float] | None = Field(
        default=None, description="During the step, if both deployments are paid for."
    )
    unpriced: tuple[str, ...] = Field(
        default=(),
        description=("Workload types and units without a price. The amounts do not include them."),
    )


class PlanCapacitySum(PlanCapacity):
    """The capacity of all resources of the plan before and after."""

    orphans_not_counted: int = Field(
        default=0,
        description=(
            "The number of orphans, whose capacity is in no sum. Missing if there are none."
        ),
    )
    cost: PlanCost | None = Field(default=None, description="The cost, if the project has prices.")


class PlanStep(PlanPart):
    """What happens to one resource."""

    address: str
    name: str
    action: Action
    live_fingerprint: str = Field(
        description=("A fingerprint of the live resource, or an empty text if it does not exist.")
    )
    changes: tuple[PlanChange, ...]
    operations: tuple[PlanOperation, ...]
    reason: str = Field(default="", description="The reason for the action of the step.")
    hint: str = Field(default="", description="How to fix it.")
    notes: tuple[str, ...] = Field(default=(), description="Notes about the step.")
    desired: dict[str, Any] | None = Field(
        default=None, description="The state that must be live after the step."
    )
    needs: tuple[str, ...] = Field(
        default=(), description="The addresses of the steps that come first."
    )
    after_ready: tuple[str, ...] = Field(
        default=(), description="The addresses of `needs` that must be ready first."
    )
    unknown: tuple[str, ...] = Field(
        default=(), description="Live fields that this version of `provisioner` does not know."
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(), description="Paths in `ignore_changes` of the manifest."
    )
    consented: bool = Field(
        default=False, description="Whether an entry of `removed` is the consent to this deletion."
    )
    existing: bool = Field(
        default=False,
        description="Whether the resource is created elsewhere. It is then only updated.",
    )
    updating: bool = Field(
        default=False, description="Whether an update was running when the plan was made."
    )
    attention: bool = Field(
        default=False, description="Whether a note is important even without changes."
    )
    rollout: PlanRollout | None = Field(
        default=None, description="A gradual rollout that starts or is running."
    )
    capacity: PlanCapacity | None = Field(
        default=None, description="The capacity of the resource. Missing if there is none."
    )
    traffic: dict[str, tuple[int, int]] = Field(
        default={},
        description="The percentage of the requests before and after, by name of a served "
        "entity: those of a live resource whose share changes.",
    )


class PlanInputsFile(PlanPart):
    """The options of the command line that affect the plan. Part of the digest."""

    select: tuple[str, ...] = Field(default=(), description="`--select`")
    variables: tuple[str, ...] = Field(default=(), description="`--var`, as `NAME=VALUE`")
    rotate: tuple[str, ...] = Field(default=(), description="`--rotate`")
    redeploy: tuple[str, ...] = Field(default=(), description="`--redeploy`")
    take_over_from: str = Field(default="", description="`--take-over-from`")
    prune: bool = Field(default=False, description="`--prune`")


class PlanPolicies(PlanPart):
    """The policies that a plan was checked with."""

    digest: Digest = Field(description="The digest for `--policy-digest`.")
    problems: dict[str, Any] | None = Field(
        default=None,
        description=("The violations, in the format of `validate -o json`. Never in a saved plan."),
    )


class PlanFile(PlanPart):
    """A plan, as `plan -o json` prints it and `plan --out` saves it."""

    format_version: Literal[1]
    tool_version: str
    project: str
    environment: str
    workspace: PlanWorkspace
    source: PlanSource
    summary: PlanSummary
    required_env: tuple[str, ...] = Field(
        description="Environment variables whose values `apply` will send."
    )
    protected: bool = Field(description="Whether the environment is protected.")
    owned: int = Field(ge=0, description="The number of live resources that this project manages.")
    digest: Digest = Field(
        description=(
            "A digest of environment, host, inputs and steps, but not of the time or commit."
        )
    )
    inputs: PlanInputsFile | None = Field(
        default=None, description="The options that affect the plan, if there are any."
    )
    policies: PlanPolicies | None = Field(
        default=None,
        description="The policies that the plan was checked with. Not part of the digest.",
    )
    prices: PlanPrices | None = Field(
        default=None, description="The prices of the project. Not part of the digest."
    )
    capacity: PlanCapacitySum | None = Field(
        default=None,
        description="The total change of capacity. Missing if nothing is provisioned.",
    )
    steps: tuple[PlanStep, ...]
    preflight: dict[str, Any] | None = Field(
        default=None,
        description=(
            "What is missing in the workspace, in the format of `validate -o json`. "
            "Only with `plan --preflight`, and never in a saved plan."
        ),
    )
