"""What a project's own files look like: the project, an environment, a manifest, prices.

Only the schema files are made from these models. At run time the files are checked
against those schemas, and pydantic is not loaded.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

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
        description="The name of the project: lower-case letters, digits, `-` and `_`. It tags "
        "everything that the project manages in a workspace, so do not change it later.",
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
        default=5, ge=0, description="At most this many resources, independent of their share."
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
        "other, and to environment variables of the process: `${env.NAME}`. A released one "
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


Amount = Annotated[float, Field(ge=0)]
PRICE_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class DbusPerHour(FileModel):
    """DBUs an hour, as your contract and the price list of your cloud and region have them."""

    concurrency: dict[str, Amount] = Field(
        default={},
        description="DBUs an hour for one request at a time, by workload type.",
        examples=[{"CPU": 1, "GPU_SMALL": 2.5}],
    )
    tokens_per_second: Amount | None = Field(
        default=None, description="DBUs an hour for one token per second of provisioned throughput."
    )
    model_units: Amount | None = Field(default=None, description="DBUs an hour for one model unit.")


class PricesFile(FileModel):
    """`prices.yaml`: your own prices. Plans show capacity in money with them; none is shipped."""

    date: str = Field(
        pattern=PRICE_DATE,
        description="When the prices were looked up, `YYYY-MM-DD`. Each amount is shown with it.",
    )
    dbu: Amount = Field(description="The price of one DBU.")
    currency: str = Field(
        default="USD", pattern=r"^[A-Z]{3}$", description="The currency of `dbu`."
    )
    dbus_per_hour: DbusPerHour = Field(
        default=DbusPerHour(), description="How many DBUs an hour a capacity takes."
    )
