"""What files of policies look like; only the schema files are made from these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1)]
PathText = Annotated[str, StringConstraints(min_length=1)]
Scalar = str | int | float | bool
Actions = Literal["create", "update", "adopt", "replace", "delete", "orphan", "blocked", "keep"]
Wanted = dict[str, Any]


class PolicyPart(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyScope(PolicyPart):
    """What a policy applies to; what is left out does not restrict it."""

    kind: Text = Field(default="", description="The kind of resource. Paths need one.")
    environments: tuple[Text, ...] = Field(
        default=(), min_length=1, description="Names of environments, as patterns with `*`."
    )
    resources: tuple[Text, ...] = Field(
        default=(), min_length=1, description="Keys or addresses of resources, with `*`."
    )
    where: Wanted = Field(
        default={},
        description="Only resources whose values are these: paths to a value, a list of "
        "alternatives, or comparisons. `tags: {tier: internal}` is the tag's value.",
    )
    unless: Wanted = Field(
        default={}, description="Not the resources where all of this holds; written as `where`."
    )


class PolicyRule(PolicyPart):
    """A path, and what its values have to be (`require`) or may not be (`forbid`)."""

    path: PathText = Field(
        description="The path of a field, as in plans: `[*]` for every entry, `[KEY]` for one."
    )
    where: Wanted = Field(
        default={}, description="Only the entries of the last `[*]` whose fields are these."
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
        default=None, ge=0, description="How many such values there are at least."
    )
    at_most: int | None = Field(
        default=None, ge=0, description="How many such values there are at most."
    )


class PolicyStepRule(PolicyPart):
    """A step of the plan that is forbidden."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"minProperties": 1})

    action: Actions | tuple[Actions, ...] = Field(
        default=(), description="What happens to the resource; without it, any change."
    )
    change: PathText = Field(default="", description="The step changes the field at this path.")


class PolicyLimit(PolicyPart):
    """A bound: on a number of steps, on a capacity, or on traffic that a step moves."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [{"required": [name]} for name in ("action", "capacity", "traffic")]
        },
    )

    action: Actions | tuple[Actions, ...] = Field(
        default=(), description="What happens to the resources: so many steps are allowed."
    )
    capacity: Literal["concurrency", "tokens_per_second", "model_units", "resources"] | None = (
        Field(
            default=None,
            description="What is counted: the largest capacity of all resources that the policy "
            "applies to, or the resources that provision any.",
        )
    )
    machines: Text | tuple[Text, ...] = Field(
        default=(), description="Only these workload types, as patterns with `*`: `GPU_*`."
    )
    of: Literal["after", "added", "during"] = Field(
        default="after",
        description="What the capacity is of: all that is provisioned when the plan is applied, "
        "what the plan adds, or the most that is provisioned on the way.",
    )
    traffic: Literal["moved"] | None = Field(
        default=None,
        description="Percentage points of the requests that a step moves to other entities.",
    )
    at_most: int = Field(ge=0, description="So much is allowed.")


class PolicyPlanRules(PolicyPart):
    """What a plan may not do; judged by `plan` and `apply`."""

    forbid: tuple[PolicyStepRule, ...] = Field(default=(), description="Steps that are forbidden.")
    limits: tuple[PolicyLimit, ...] = Field(default=(), description="Bounds on numbers.")


class PolicyWindow(PolicyPart):
    """When the policy holds, by the service's time. `validate` does not judge it."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"minProperties": 1})

    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=(), min_length=1, description="On these days; without it, on all."
    )
    from_: str = Field(
        default="00:00",
        alias="from",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="From this time of the day on.",
    )
    to: str = Field(
        default="",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="Until before this time; one that is earlier than `from` is on the next day.",
    )
    time_zone: Text = Field(default="UTC", description="As in `Europe/Berlin`.")


class PolicyExceptionEntry(PolicyPart):
    """A resource that need not follow the policy, until a date."""

    address: Text = Field(description="The address, as a pattern with `*`.")
    until: str = Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="The last day of the exception. After it the exception itself is an error.",
    )
    because: Text = Field(description="Why, for instance the ticket of the approval.")


class PolicyEntry(PolicyPart):
    """A policy."""

    name: Text = Field(description="What messages and test cases call it; once in all files.")
    message: str = Field(default="", description="What to do about a violation; shown as hint.")
    severity: Literal["error", "warning"] = Field(
        default="error", description="An error makes the command fail; a warning is shown."
    )
    applies_to: PolicyScope = Field(default=PolicyScope(), description="Whom it is for.")
    when: PolicyWindow | None = Field(default=None, description="When it holds.")
    require: tuple[PathText | PolicyRule, ...] = Field(
        default=(),
        description="What has to be there. A path alone: the field has a value, and for `[*]` at "
        "the end the list has an entry.",
    )
    forbid: tuple[PathText | PolicyRule, ...] = Field(
        default=(), description="What may not be there: a value that meets every comparison."
    )
    plan: PolicyPlanRules = Field(default=PolicyPlanRules(), description="What plans may not do.")
    exceptions: tuple[PolicyExceptionEntry, ...] = Field(
        default=(), description="Who need not follow it, and until when."
    )


class PolicyFile(PolicyPart):
    """A file of policies, `policies/*.yaml`."""

    policies: tuple[PolicyEntry, ...] = Field(min_length=1, description="The policies.")


class PolicyCaseProvision(PolicyPart):
    """A capacity in a case, as `plan -o json` has it."""

    unit: Literal["concurrency", "tokens_per_second", "model_units", "size"]
    workload_type: str = Field(default="", description="The sort of machine.")
    size: str = Field(default="", description="The name of the size, for the unit `size`.")
    scales_to_zero: bool = Field(default=False, description="Whether it scales to zero.")
    least: int = Field(default=0, ge=0, description="What is always provisioned.")
    most: int = Field(ge=0, description="What it grows to.")


class PolicyCaseCapacity(PolicyPart):
    """What the resource of a step provisions."""

    before: tuple[PolicyCaseProvision, ...] = Field(default=(), description="Before the step.")
    after: tuple[PolicyCaseProvision, ...] = Field(default=(), description="After it.")
    during: tuple[PolicyCaseProvision, ...] = Field(
        default=(), description="On the way, where something is paid twice."
    )


class PolicyCaseStep(PolicyPart):
    """A step of a plan in a case."""

    address: Text = Field(description="The address of the resource.")
    action: Actions = Field(description="What happens to it.")
    changes: tuple[PathText, ...] = Field(default=(), description="The paths that change.")
    capacity: PolicyCaseCapacity | None = Field(default=None, description="What it provisions.")
    traffic: dict[str, tuple[int, int]] = Field(
        default={}, description="The percentage before and after, by name of a served entity."
    )


class PolicyCaseFile(PolicyPart):
    """A case of `policy test`: a manifest or a plan, and whether a policy lets it pass."""

    policy: Text = Field(description="The name of the policy.")
    environment: Text = Field(default="prod", description="The environment it is judged for.")
    now: str = Field(
        default="",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        description="The moment, in UTC, for `when` and `exceptions`; without it, now.",
    )
    expect: Literal["pass", "fail"] = Field(description="What the policy says.")
    lines: tuple[int, ...] = Field(
        default=(), description="The lines of this file that violations are at, in order."
    )
    resources: dict[str, dict[str, Any]] = Field(
        default={}, description="The resources, as in a manifest."
    )
    plan: tuple[PolicyCaseStep, ...] = Field(default=(), description="The steps of the plan.")
