"""What a plan looks like as JSON; only its schema file is made from these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from provisioner.model.plan import Cause

Action = Literal["keep", "update", "create", "adopt", "orphan", "replace", "delete", "blocked"]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Amount = Annotated[float, Field(ge=0)]


class PlanPart(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlanPrices(PlanPart):
    """The prices by which a plan shows money."""

    date: str = Field(description="When the prices were looked up.")
    dbu: Amount = Field(description="The price of one DBU.")
    currency: str
    concurrency: dict[str, Amount] = Field(
        default={}, description="DBUs an hour for one request at a time, by workload type."
    )
    tokens_per_second: Amount | None = Field(
        default=None, description="DBUs an hour for one token per second."
    )
    model_units: Amount | None = Field(default=None, description="DBUs an hour for one model unit.")


class PlanWorkspace(PlanPart):
    """The workspace that a plan was made for."""

    host: str


class PlanSource(PlanPart):
    """Where the manifests came from. Not part of the plan's digest."""

    git_commit: str = Field(description="The commit, with `+` when files differed from it.")
    digest: str = Field(description="A digest of the documents that the manifests describe.")


class PlanSummary(PlanPart):
    """How many steps there are of each action."""

    create: int = Field(ge=0)
    adopt: int = Field(ge=0)
    update: int = Field(ge=0)
    replace: int = Field(ge=0)
    delete: int = Field(ge=0)
    keep: int = Field(ge=0)
    blocked: int = Field(ge=0)
    orphan: int = Field(ge=0)


class PlanChange(PlanPart):
    """A field that differs. A side on which it is absent has no key here."""

    path: str = Field(description="`config.served_entities[champion].entity_version`")
    before: Any = Field(default=None, description="The live value.")
    after: Any = Field(default=None, description="The value that the manifests ask for.")
    action: Action
    cause: Cause | None = Field(
        default=None,
        description=(
            "Why this action, for programs; plans of earlier versions have none. In words: "
            + "; ".join(f"`{cause}`: {cause.sentence}" for cause in Cause if cause.sentence)
        ),
    )
    reason: str = Field(
        description="The cause in words, which may change with every version. Do not parse it."
    )
    drift: bool = Field(
        default=False, description="With `--changed-since`: not touched by the change of the files."
    )


class PlanOperation(PlanPart):
    """A call to the service. Secrets are references: `{"$secret": {"from_env": NAME}}`."""

    call: str
    method: Literal["DELETE", "PATCH", "POST", "PUT"]
    path: str = Field(description="May hold `{id}` where the id is known after a create only.")
    payload: dict[str, Any] | None = Field(default=None, description="The JSON body.")
    wait: bool = Field(description="Wait afterwards until the resource is ready.")
    after_idle: bool = Field(default=False, description="Wait before until no update runs.")


class PlanRolloutStep(PlanPart):
    """One step of a gradual rollout."""

    percent: int = Field(ge=0, le=100, description="The share of the new version.")
    for_seconds: int = Field(ge=0, description="How long it lasts at least.")
    pause: bool = Field(description="Whether a person has to let it go on.")


class PlanRollout(PlanPart):
    """A gradual rollout of a new version."""

    from_: str = Field(alias="from", description="The previous version.")
    to: str = Field(description="The new version.")
    percent: int = Field(ge=0, le=100, description="What the new version gets now.")
    move: str = Field(description="What happens next: `start`, `step back`, `nothing`, ...")
    reason: str = Field(description="Why, for programs: `new_target`, `rejected`, ...")
    to_percent: int = Field(ge=0, le=100, description="The share after that move.")
    steps: tuple[PlanRolloutStep, ...]
    earliest_seconds: int = Field(ge=0, description="The sum of all times that are to pass.")
    pauses: int = Field(ge=0, description="How often a person has to let it go on.")
    doubled: str = Field(description="What is paid for twice meanwhile; empty for nothing.")
    needs_consent: bool = Field(description="Whether `--allow-double` has to name the endpoint.")
    falls_back: bool = Field(
        default=False,
        description="Whether a version without traffic answers what another one fails to answer.",
    )
    name: str = Field(default="", description="What `provisioner rollout` calls the endpoint.")
    returns_from: str = Field(
        default="", description="A third version, which gives its traffic back first."
    )
    due: int = Field(
        default=0,
        description="Unix time in seconds; nothing moves before. Not known: left out.",
    )
    earliest_end: int = Field(
        default=0,
        description="Unix time in seconds. Left out before the start.",
    )


class PlanProvision(PlanPart):
    """A range of capacity of one sort. What a difference takes away is below zero."""

    unit: Literal["concurrency", "tokens_per_second", "model_units", "size"] = Field(
        description="What it is counted in: requests at a time, tokens a second, model units, or "
        "entities of a size that only the workspace knows."
    )
    workload_type: str = Field(description="The sort of machine, as `CPU`; empty without one.")
    size: str = Field(description="The name of the size, for the unit `size`; else empty.")
    scales_to_zero: bool = Field(
        description="Whether the entity is switched off while no requests come."
    )
    least: int = Field(description="What is always provisioned, but for `scales_to_zero`.")
    most: int = Field(description="What it grows to.")


class PlanCapacity(PlanPart):
    """What is provisioned before and after."""

    before: tuple[PlanProvision, ...] = Field(description="In the workspace now.")
    after: tuple[PlanProvision, ...] = Field(description="When all is done, rollouts too.")
    difference: tuple[PlanProvision, ...] = Field(description="`after` less `before`.")
    during: tuple[PlanProvision, ...] = Field(
        default=(),
        description="The most that is provisioned on the way, where an old and a new deployment "
        "are paid for at the same time.",
    )


class PlanCost(PlanPart):
    """Money an hour, each at least and at most, by the prices of the plan."""

    before: tuple[float, float] = Field(description="Before.")
    after: tuple[float, float] = Field(description="When all is done.")
    during: tuple[float, float] | None = Field(
        default=None, description="On the way, where something is paid twice."
    )
    unpriced: tuple[str, ...] = Field(
        default=(), description="Workload types and units without a price: not in the amounts."
    )


class PlanCapacitySum(PlanCapacity):
    """What all resources of the plan provision before and after."""

    cost: PlanCost | None = Field(
        default=None, description="What it costs, where the project has prices."
    )


class PlanStep(PlanPart):
    """What happens to one resource."""

    address: str
    name: str
    action: Action
    live_fingerprint: str = Field(description="Of what was live; empty where nothing was.")
    changes: tuple[PlanChange, ...]
    operations: tuple[PlanOperation, ...]
    reason: str = Field(default="", description="Why the step as a whole is what it is.")
    hint: str = Field(default="", description="What to do about it.")
    notes: tuple[str, ...] = Field(default=(), description="What else is worth knowing.")
    desired: dict[str, Any] | None = Field(
        default=None, description="What must be live afterwards."
    )
    needs: tuple[str, ...] = Field(default=(), description="Addresses that come first.")
    after_ready: tuple[str, ...] = Field(
        default=(), description="Those of `needs` that have to serve before it."
    )
    unknown: tuple[str, ...] = Field(
        default=(), description="Live fields that this version does not know."
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(), description="Paths that the manifest says to leave as they are."
    )
    consented: bool = Field(default=False, description="An entry of `removed` names this deletion.")
    existing: bool = Field(
        default=False, description="It is created elsewhere: it is updated at most."
    )
    updating: bool = Field(
        default=False, description="An update was in progress when this was planned."
    )
    attention: bool = Field(
        default=False, description="A note tells what matters even where nothing is done."
    )
    rollout: PlanRollout | None = Field(
        default=None, description="A gradual rollout that begins here or is under way."
    )
    capacity: PlanCapacity | None = Field(
        default=None, description="What the resource provisions; absent where that is nothing."
    )
    traffic: dict[str, tuple[int, int]] = Field(
        default={},
        description="The percentage of the requests before and after, by name of a served "
        "entity: those of a live resource whose share changes.",
    )


class PlanInputsFile(PlanPart):
    """The options of the command line that shaped the plan. Part of the digest."""

    select: tuple[str, ...] = Field(default=(), description="`--select`")
    variables: tuple[str, ...] = Field(default=(), description="`--var`, as `NAME=VALUE`")
    rotate: tuple[str, ...] = Field(default=(), description="`--rotate`")
    redeploy: tuple[str, ...] = Field(default=(), description="`--redeploy`")
    take_over_from: str = Field(default="", description="`--take-over-from`")
    prune: bool = Field(default=False, description="`--prune`")


class PlanPolicies(PlanPart):
    """The policies that a plan was judged by."""

    digest: Digest = Field(description="What `--policy-digest` pins.")
    problems: dict[str, Any] | None = Field(
        default=None,
        description="The violations, as `validate -o json` tells problems: never in a saved plan.",
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
        description="Environment variables whose values an apply will send."
    )
    protected: bool = Field(description="Whether the environment is protected.")
    owned: int = Field(ge=0, description="How many live resources this project manages.")
    digest: Digest = Field(
        description="Of environment, host, inputs and steps; not of time or commit."
    )
    inputs: PlanInputsFile | None = Field(
        default=None, description="The options that shaped the plan, where any were given."
    )
    policies: PlanPolicies | None = Field(
        default=None, description="The policies that it was judged by; not part of its digest."
    )
    prices: PlanPrices | None = Field(
        default=None, description="The project's own prices; not part of the digest."
    )
    capacity: PlanCapacitySum | None = Field(
        default=None,
        description="What the steps do to capacities, in sum; absent where nothing is provisioned.",
    )
    steps: tuple[PlanStep, ...]
    preflight: dict[str, Any] | None = Field(
        default=None,
        description="What the workspace lacks, as `validate -o json` tells problems: only with "
        "`plan --preflight`, and never in a saved plan.",
    )
