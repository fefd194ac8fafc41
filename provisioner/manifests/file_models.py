"""What a project's own files look like: the project, an environment, a manifest, a plan.

Only the schema files are made from these models. At run time the files are checked
against those schemas, and pydantic is not loaded.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

from provisioner.model.plan import Cause

PROJECT_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"

DURATION = r"^[1-9][0-9]{0,5}[smhd]$"
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"

Glob = Annotated[str, StringConstraints(min_length=1)]
Value = str | int | float | bool | list[Any] | dict[str, Any]
Single = str | int | float | bool
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class FileModel(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProjectFile(FileModel):
    """`provisioner.yaml`: the root of a project."""

    project: str = Field(
        pattern=PROJECT_NAME,
        description="The project's name. With the environment's it marks what the project "
        "owns in a workspace, so it never changes: lower-case letters, digits, `-` and `_`.",
    )
    default_environment: str = Field(
        default="",
        description="The environment of commands without `-e` and without the variable "
        "PROVISIONER_ENVIRONMENT. Without it, such a command is refused where environments exist.",
    )
    boundaries: dict[str, dict[str, tuple[Glob, ...]]] = Field(
        default={},
        description="For repositories that teams share: patterns of manifest files to what "
        "these may name. With any here each manifest needs one; where several match, all hold.",
    )


class Workspace(FileModel):
    """Where an environment lives: exactly one of these."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"minProperties": 1, "maxProperties": 1}
    )

    host: str | None = Field(
        default=None,
        pattern=r"^(https?://)?[^/\s?#@:]+(:[0-9]+)?/?(\?o=[0-9]*)?(#\S*)?$",
        description="The address of the workspace, `https://…`. A missing `https://` is added, "
        "and `/?o=…` from a browser's address bar is cut off. The login comes from the "
        "environment variables that Databricks tools know.",
    )
    profile: str | None = Field(
        default=None,
        min_length=1,
        description="A profile of `~/.databrickscfg` that names the workspace and the login.",
    )
    emulator: str | None = Field(
        default=None,
        min_length=1,
        description="The state file of a local workspace, relative to the project root.",
    )


class Guard(FileModel):
    """How much may be deleted or re-created at once, even with consent."""

    destructive_percent: int = Field(
        default=30,
        ge=0,
        le=100,
        description="At most this share of the resources that the environment owns.",
    )
    destructive_count: int = Field(
        default=5, ge=0, description="At most this many resources, whatever their share."
    )


class EnvironmentFile(FileModel):
    """`environments/NAME.yaml`: one deployment of the manifests to one workspace."""

    workspace: Workspace = Field(description="Where it lives.")
    manifests: tuple[Glob, ...] = Field(
        default=("manifests/**/*.yaml", "manifests/**/*.yml"),
        min_length=1,
        description="Its manifests: patterns of paths, relative to the project root.",
    )
    variables: dict[str, Value] = Field(
        default={},
        description="Values that manifests refer to as `${var.NAME}`. They may refer to each "
        "other, and to the environment of whoever runs the tool: `${env.NAME}`. A released one "
        "may be `{alias: catalog.schema.model@champion}`, which `pin` resolves to a version.",
    )
    released: tuple[Glob, ...] = Field(
        default=(),
        description="The variables whose values come from `environments/releases/NAME.yaml`, "
        "which only `pin`, `promote` and `rollback` write. Until there is one, what uses the "
        "variable is left out.",
    )
    promotes_from: str | None = Field(
        default=None,
        min_length=1,
        description="The environment that proves values before they come here: what "
        "`promote --to` takes from.",
    )
    soak: str | None = Field(
        default=None,
        pattern=DURATION,
        description="For how long a value has to be unchanged in `promotes_from` before it "
        "comes here, as in `90s`, `30m`, `2h` or `7d`.",
    )
    name_prefix: str = Field(
        default="",
        description="What the names of all endpoints begin with in this environment, so that "
        "two of them can share a workspace. Not for scopes, and not for `existing` ones.",
    )
    defaults: dict[str, dict[str, Any]] = Field(
        default={},
        description="By kind, what is laid under every resource of that kind.",
    )
    overrides: dict[str, dict[str, dict[str, Any]]] = Field(
        default={},
        description="By kind and key, what is laid over the manifests: mappings merge, and so "
        "do lists whose entries have an identity; `null` removes a field, `$delete: true` an "
        "entry of such a list; everything else replaces.",
    )
    protected: bool = Field(
        default=False,
        description="Each deletion and each replacement has to be consented to by name.",
    )
    guard: Guard = Field(default=Guard(), description="Brakes against accidents.")


class ReleasedVariable(FileModel):
    """What is released of one variable, and where it is from. Written by the tool alone."""

    value: Single | None = Field(
        default=None, description="The value. Without one nothing was released so far."
    )
    previous: Single | None = Field(
        default=None, description="The value before it: what `rollback` goes back to."
    )
    from_: str | None = Field(
        default=None, alias="from", min_length=1, description="The environment it came from."
    )
    alias: str | None = Field(
        default=None,
        pattern=r"^[^@]+@[^@]+$",
        description="The alias that `pin` resolved, as in `main.models.chat@champion`.",
    )
    rolled_back: Single | None = Field(
        default=None, description="The value that a rollback took away."
    )
    commit: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{7,64}\+?$",
        description="The project's commit then, as in `3fa81c2`; `3fa81c2+` when files "
        "differed from it.",
    )
    at: str | None = Field(
        default=None,
        pattern=TIME,
        description="When it was released, in UTC, as in `2026-11-20T10:00:00Z`.",
    )
    verified: str | None = Field(default=None, description="What had been checked before.")
    rejected: tuple[Single, ...] = Field(
        default=(), description="Values that were rolled back: `promote` and `pin` skip them."
    )


class Releases(RootModel[dict[str, ReleasedVariable]]):
    """`environments/releases/NAME.yaml`: what is released to an environment."""


class Removed(FileModel):
    """What is to become of a resource whose manifest was taken out."""

    name: str = Field(min_length=1, description="Its name in the workspace.")
    delete: bool = Field(
        description="`true` deletes it, if it carries this project's tag: this entry is the "
        "consent. `false` only takes the tags off, and leaves it to others."
    )


class Manifest(FileModel):
    """A manifest. Its shape is the resource part of a Databricks bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"minProperties": 1})

    resources: dict[str, dict[str, Any]] | None = Field(
        default=None, description="The resources: by kind, and below it by a key of your choice."
    )
    removed: dict[str, dict[str, Any]] | None = Field(
        default=None,
        description="Resources whose manifests were taken out: by kind and key. The entry can "
        "be deleted once every environment has been applied.",
    )


Action = Literal["keep", "update", "create", "adopt", "orphan", "replace", "delete", "blocked"]


class PlanWorkspace(FileModel):
    """The workspace that a plan was made for."""

    host: str


class PlanSource(FileModel):
    """Where the manifests came from. Not part of the plan's digest."""

    git_commit: str = Field(description="The commit, with `+` when files differed from it.")
    digest: str = Field(description="A digest of the documents that the manifests describe.")


class PlanSummary(FileModel):
    """How many steps there are of each action."""

    create: int = Field(ge=0)
    adopt: int = Field(ge=0)
    update: int = Field(ge=0)
    replace: int = Field(ge=0)
    delete: int = Field(ge=0)
    keep: int = Field(ge=0)
    blocked: int = Field(ge=0)
    orphan: int = Field(ge=0)


class PlanChange(FileModel):
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


class PlanOperation(FileModel):
    """A call to the service. Secrets are references: `{"$secret": {"from_env": NAME}}`."""

    call: str
    method: Literal["DELETE", "PATCH", "POST", "PUT"]
    path: str = Field(description="May hold `{id}` where the id is known after a create only.")
    payload: dict[str, Any] | None = Field(default=None, description="The JSON body.")
    wait: bool = Field(description="Wait afterwards until the resource is ready.")
    after_idle: bool = Field(default=False, description="Wait before until no update runs.")


class PlanRolloutStep(FileModel):
    """One step of a gradual rollout."""

    percent: int = Field(ge=0, le=100, description="The share of the new version.")
    for_seconds: int = Field(ge=0, description="How long it lasts at least.")
    pause: bool = Field(description="Whether a person has to let it go on.")


class PlanRollout(FileModel):
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


class PlanStep(FileModel):
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
    unknown: tuple[str, ...] = Field(
        default=(), description="Live fields that this version does not know."
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(), description="Paths that the manifest says to leave as they are."
    )
    consented: bool = Field(default=False, description="An entry of `removed` names this deletion.")
    existing: bool = Field(
        default=False, description="Somebody else creates it: it is updated at most."
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


class PlanInputsFile(FileModel):
    """The options of the command line that shaped the plan. Part of the digest."""

    select: tuple[str, ...] = Field(default=(), description="`--select`")
    variables: tuple[str, ...] = Field(default=(), description="`--var`, as `NAME=VALUE`")
    rotate: tuple[str, ...] = Field(default=(), description="`--rotate`")
    take_over_from: str = Field(default="", description="`--take-over-from`")
    prune: bool = Field(default=False, description="`--prune`")


class PlanPolicies(FileModel):
    """The policies that a plan was judged by."""

    digest: Digest = Field(description="What `--policy-digest` pins.")
    problems: dict[str, Any] | None = Field(
        default=None,
        description="The violations, as `validate -o json` tells problems: never in a saved plan.",
    )


class PlanFile(FileModel):
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
    owned: int = Field(ge=0, description="How many live resources carry our tag.")
    digest: Digest = Field(
        description="Of environment, host, inputs and steps; not of time or commit."
    )
    inputs: PlanInputsFile | None = Field(
        default=None, description="The options that shaped the plan, where any were given."
    )
    policies: PlanPolicies | None = Field(
        default=None, description="The policies that it was judged by; not part of its digest."
    )
    steps: tuple[PlanStep, ...]
    preflight: dict[str, Any] | None = Field(
        default=None,
        description="What the workspace lacks, as `validate -o json` tells problems: only with "
        "`plan --preflight`, and never in a saved plan.",
    )
