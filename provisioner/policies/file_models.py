"""What files of policies look like; only the schema files are made from these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# rules(tool): Policies and their cases are in the tool's own format.

Text = Annotated[str, StringConstraints(min_length=1)]
PathText = Annotated[str, StringConstraints(min_length=1)]
Scalar = str | int | float | bool
Actions = Literal["create", "update", "adopt", "replace", "delete", "orphan", "blocked", "keep"]
Wanted = dict[str, Any]


class PolicyPart(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyScope(PolicyPart):
    """What a policy applies to. A field without a value restricts nothing."""

    kind: Text = Field(
        default="", description="The kind of resource. Required if the policy has paths."
    )
    environments: tuple[Text, ...] = Field(
        default=(), min_length=1, description="Names of environments, as patterns with `*`."
    )
    resources: tuple[Text, ...] = Field(
        default=(), min_length=1, description="Keys or addresses of resources, with `*`."
    )
    where: Wanted = Field(
        default={},
        description=(
            "Restricts the policy to resources with these values. Each path has a "
            "value, a list of alternatives, or comparisons. `tags: {tier: internal}` "
            "compares the value of the tag `tier`."
        ),
    )
    unless: Wanted = Field(
        default={},
        description=(
            "Excludes the resources that meet all of these conditions. The format is "
            "that of `where`."
        ),
    )


class PolicyRule(PolicyPart):
    """A path, and which values it must have (`require`) or must not have (`forbid`)."""

    path: PathText = Field(
        description=(
            "The path of a field, as in plans: `[*]` is every entry of a list, and "
            "`[KEY]` one entry."
        )
    )
    where: Wanted = Field(
        default={}, description="Restricts the last `[*]` of the path to entries with these fields."
    )
    equals: Scalar | None = Field(default=None, description="The value is this one.")
    in_: tuple[Scalar, ...] | None = Field(
        default=None, alias="in", description="The value is one of these."
    )
    not_in: tuple[Scalar, ...] | None = Field(
        default=None, description="The value is not one of these."
    )
    pattern: Text | None = Field(
        default=None, description="The text matches this regular expression somewhere."
    )
    min: int | float | None = Field(default=None, description="The number is at least this.")
    max: int | float | None = Field(default=None, description="The number is at most this.")
    at_least: int | None = Field(
        default=None, ge=0, description="The minimum number of such values."
    )
    at_most: int | None = Field(
        default=None, ge=0, description="The maximum number of such values."
    )


class PolicyStepRule(PolicyPart):
    """A step of the plan that is forbidden."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"minProperties": 1})

    action: Actions | tuple[Actions, ...] = Field(
        default=(), description="The actions. By default, any change."
    )
    change: PathText = Field(default="", description="The step changes the field at this path.")


class PolicyLimit(PolicyPart):
    """A limit on a number of steps, on a capacity, or on the traffic that a step moves."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [{"required": [name]} for name in ("action", "capacity", "traffic")]
        },
    )

    action: Actions | tuple[Actions, ...] = Field(
        default=(), description="The actions whose steps are counted."
    )
    capacity: Literal["concurrency", "tokens_per_second", "model_units", "resources"] | None = (
        Field(
            default=None,
            description=(
                "The capacity to limit: the sum of the largest capacities of all "
                "resources that the policy applies to, or the number of resources with "
                "capacity."
            ),
        )
    )
    machines: Text | tuple[Text, ...] = Field(
        default=(), description="Only these workload types, as patterns with `*`: `GPU_*`."
    )
    of: Literal["after", "added", "during"] = Field(
        default="after",
        description=(
            "Which capacity counts: the capacity after the plan, the capacity that "
            "the plan adds, or the largest capacity during the plan."
        ),
    )
    traffic: Literal["moved"] | None = Field(
        default=None,
        description="Percentage points of the requests that a step moves to other entities.",
    )
    at_most: int = Field(ge=0, description="The maximum.")


class PolicyPlanRules(PolicyPart):
    """What a plan must not do. `plan` and `apply` check it."""

    forbid: tuple[PolicyStepRule, ...] = Field(default=(), description="Steps that are forbidden.")
    limits: tuple[PolicyLimit, ...] = Field(default=(), description="Limits on numbers.")


class PolicyWindow(PolicyPart):
    """When the policy applies, by the clock of the workspace.

    `validate` does not check such a policy.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"minProperties": 1})

    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=(), min_length=1, description="The days of the week. By default, all days."
    )
    from_: str = Field(
        default="00:00",
        alias="from",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="The start time of the day.",
    )
    to: str = Field(
        default="",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description=(
            "The end time of the day, exclusive. A time before `from` is on the next day."
        ),
    )
    time_zone: Text = Field(default="UTC", description="A time zone such as `Europe/Berlin`.")


class PolicyExceptionEntry(PolicyPart):
    """A resource that is exempt from the policy until a date."""

    address: Text = Field(description="The address, as a pattern with `*`.")
    until: str = Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description=("The last day of the exception. After this day, the exception is an error."),
    )
    because: Text = Field(description="The reason, for example the ticket with the approval.")


class PolicyEntry(PolicyPart):
    """A policy."""

    name: Text = Field(
        description="The name of the policy in messages and test cases, unique in all files."
    )
    message: str = Field(default="", description="How to fix a violation. Shown as the hint.")
    severity: Literal["error", "warning"] = Field(
        default="error",
        description="`error` makes the command fail. `warning` only prints the violation.",
    )
    applies_to: PolicyScope = Field(
        default=PolicyScope(), description="What the policy applies to."
    )
    when: PolicyWindow | None = Field(
        default=None, description="The times at which the policy applies."
    )
    require: tuple[PathText | PolicyRule, ...] = Field(
        default=(),
        description=(
            "Required values. A path without a comparison needs a value. A path that "
            "ends with `[*]` needs at least one entry."
        ),
    )
    forbid: tuple[PathText | PolicyRule, ...] = Field(
        default=(), description="Forbidden values: a value that meets all comparisons."
    )
    plan: PolicyPlanRules = Field(default=PolicyPlanRules(), description="Rules about plans.")
    exceptions: tuple[PolicyExceptionEntry, ...] = Field(
        default=(), description="Resources that are exempt from the policy until a date."
    )


class PolicyFile(PolicyPart):
    """A policy file, `policies/*.yaml`."""

    policies: tuple[PolicyEntry, ...] = Field(min_length=1, description="The policies.")


class PolicyCaseProvision(PolicyPart):
    """A capacity in a test case, in the format of `plan -o json`."""

    unit: Literal["concurrency", "tokens_per_second", "model_units", "size"]
    workload_type: str = Field(default="", description="The compute type.")
    size: str = Field(default="", description="The name of the size, for the unit `size`.")
    scales_to_zero: bool = Field(default=False, description="Whether the entity scales to zero.")
    least: int = Field(default=0, ge=0, description="The minimum capacity.")
    most: int = Field(ge=0, description="The maximum capacity.")


class PolicyCaseCapacity(PolicyPart):
    """The capacity of the resource of a step."""

    before: tuple[PolicyCaseProvision, ...] = Field(default=(), description="Before the step.")
    after: tuple[PolicyCaseProvision, ...] = Field(default=(), description="After the step.")
    during: tuple[PolicyCaseProvision, ...] = Field(
        default=(), description="During the step, if both deployments are paid for."
    )


class PolicyCaseStep(PolicyPart):
    """A step of a plan in a case."""

    address: Text = Field(description="The base URL of the resource.")
    action: Actions = Field(description="The action of the step.")
    changes: tuple[PathText, ...] = Field(default=(), description="The paths that change.")
    capacity: PolicyCaseCapacity | None = Field(
        default=None, description="The capacity of the step."
    )
    traffic: dict[str, tuple[int, int]] = Field(
        default={}, description="The percentage before and after, by name of a served entity."
    )


class PolicyCaseFile(PolicyPart):
    """A test case of `policy test`: a manifest or a plan, and the expected result of a policy."""

    policy: Text = Field(description="The name of the policy.")
    environment: Text = Field(default="prod", description="The environment of the test case.")
    now: str = Field(
        default="",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        description="The time, in UTC, for `when` and `exceptions`. Default: now.",
    )
    expect: Literal["pass", "fail"] = Field(description="The expected result of the policy.")
    lines: tuple[int, ...] = Field(
        default=(), description="The lines of this file with violations, in order."
    )
    resources: dict[str, dict[str, Any]] = Field(
        default={}, description="The resources, as in a manifest."
    )
    plan: tuple[PolicyCaseStep, ...] = Field(default=(), description="The steps of the plan.")
