"""What a project's own files look like: the project, an environment, a manifest, prices.

Only the schema files are made from these models. At run time the files are checked
against those schemas, and pydantic is not loaded.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

# rules(tool): The files of a project are in the tool's own format, and so are the limits of their
#     fields.

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
        description=(
            "The environment of commands without `-e` and without the environment "
            "variable PROVISIONER_ENVIRONMENT. Without a default, such a command "
            "fails if the project has environments."
        ),
    )
    boundaries: dict[str, dict[str, tuple[Glob, ...]]] = Field(
        default={},
        description=(
            "What the manifests of each folder may name, for repositories of several "
            "teams. The keys are patterns of manifest files. With `boundaries`, each "
            "manifest must match a pattern. If several patterns match, all apply."
        ),
    )


class Workspace(FileModel):
    """The workspace. Set exactly one of these fields."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"minProperties": 1, "maxProperties": 1}
    )

    host: str | None = Field(
        default=None,
        pattern=r"^(https?://)?[^/\s?#@:]+(:[0-9]+)?/?(\?o=[0-9]*)?(#\S*)?$",
        description=(
            "The URL of the workspace, `https://…`. You can paste it from a browser: "
            "a missing `https://` is added, and `/?o=…` is removed. The login comes "
            "from the environment variables of the Databricks SDK."
        ),
    )
    profile: str | None = Field(
        default=None,
        min_length=1,
        description="A profile of `~/.databrickscfg` with the workspace and the login.",
    )
    emulator: str | None = Field(
        default=None,
        min_length=1,
        description="The state file of a local workspace, relative to the project root.",
    )


class Guard(FileModel):
    """How many resources one plan may delete or replace, even with consent."""

    destructive_percent: int = Field(
        default=30,
        ge=0,
        le=100,
        description=(
            "The maximum percentage of the managed resources that one plan may delete or replace."
        ),
    )
    destructive_count: int = Field(
        default=5, ge=0, description="The maximum number of deletions and replacements in one plan."
    )


class EnvironmentFile(FileModel):
    """`environments/NAME.yaml`: one deployment of the manifests to one workspace."""

    workspace: Workspace = Field(description="The workspace of the environment.")
    manifests: tuple[Glob, ...] = Field(
        default=("manifests/**/*.yaml", "manifests/**/*.yml"),
        min_length=1,
        description="The manifests: path patterns, relative to the project.",
    )
    variables: dict[str, Value] = Field(
        default={},
        description=(
            "Values that manifests refer to as `${var.NAME}`. They can refer to each "
            "other and to environment variables: `${env.NAME}`. A released variable "
            "can be `{alias: catalog.schema.model@champion}`: `pin` looks up the "
            "version of the alias."
        ),
    )
    released: tuple[Glob, ...] = Field(
        default=(),
        description=(
            "The variables whose values come from the release file "
            "`environments/releases/NAME.yaml`. `pin`, `promote` and `rollback` write "
            "this file. Resources that use a variable without a released value are "
            "skipped."
        ),
    )
    promotes_from: str | None = Field(
        default=None,
        min_length=1,
        description="The previous environment. `promote --to` takes values from it.",
    )
    soak: str | None = Field(
        default=None,
        pattern=DURATION,
        description=(
            "How long a value must be unchanged in the environment `promotes_from` "
            "before it can be promoted, such as `90s`, `30m`, `2h` or `7d`."
        ),
    )
    name_prefix: str = Field(
        default="",
        description=(
            "A prefix for the names of all endpoints in this environment, so that two "
            "environments can share a workspace. It does not apply to secret scopes "
            "and to `existing` endpoints."
        ),
    )
    defaults: dict[str, dict[str, Any]] = Field(
        default={},
        description="Values for all resources of a kind that do not have them.",
    )
    overrides: dict[str, dict[str, dict[str, Any]]] = Field(
        default={},
        description=(
            "Values that replace those of the manifests, by kind and key. Mappings "
            "merge, and lists with names merge by name. `null` removes a field, and "
            "`$delete: true` removes an entry of a list. Other values are replaced."
        ),
    )
    protected: bool = Field(
        default=False,
        description=(
            "Whether the environment is protected. Each deletion and replacement then "
            "needs its own consent, by address."
        ),
    )
    guard: Guard = Field(default=Guard(), description="Protection against accidental deletion.")


class ReleasedVariable(FileModel):
    """The released value of one variable, and its origin.

    Do not edit it: `pin`, `promote` and `rollback` write it.
    """

    value: Single | None = Field(
        default=None, description="The value. Without it, nothing was released yet."
    )
    previous: Single | None = Field(
        default=None, description="The previous value, which `rollback` writes."
    )
    from_: str | None = Field(
        default=None,
        alias="from",
        min_length=1,
        description="The environment that the value came from.",
    )
    alias: str | None = Field(
        default=None,
        pattern=r"^[^@]+@[^@]+$",
        description="The alias that `pin` looked up, such as `main.models.chat@champion`.",
    )
    rolled_back: Single | None = Field(
        default=None, description="The value that a rollback replaced."
    )
    commit: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{7,64}\+?$",
        description=(
            "The commit of the project at that time, such as `3fa81c2`, or `3fa81c2+` "
            "with uncommitted changes."
        ),
    )
    at: str | None = Field(
        default=None,
        pattern=TIME,
        description="When the value was released, in UTC, such as `2026-11-20T10:00:00Z`.",
    )
    verified: str | None = Field(
        default=None, description="The checks that passed before the release."
    )
    rejected: tuple[Single, ...] = Field(
        default=(), description="Values that were rolled back: `promote` and `pin` skip them."
    )


class Releases(RootModel[dict[str, ReleasedVariable]]):
    """`environments/releases/NAME.yaml`: the released values of an environment."""


class Removed(FileModel):
    """What happens to a resource that you removed from the manifests."""

    name: str = Field(min_length=1, description="The name in the workspace.")
    delete: bool = Field(
        description=(
            "`true` deletes the resource if this project manages it. This entry is "
            "your consent. `false` only removes the ownership tags."
        )
    )


class Manifest(FileModel):
    """A manifest. Its structure is that of `resources` in a Databricks bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"minProperties": 1})

    resources: dict[str, dict[str, Any]] | None = Field(
        default=None, description="The resources, by kind and by a key of your choice."
    )
    removed: dict[str, dict[str, Any]] | None = Field(
        default=None,
        description=(
            "Resources that you removed from the manifests, by kind and key. Delete "
            "the entry after you applied every environment."
        ),
    )


Amount = Annotated[float, Field(ge=0)]
PRICE_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class DbusPerHour(FileModel):
    """DBUs per hour, from your contract or the price list of your cloud and region."""

    concurrency: dict[str, Amount] = Field(
        default={},
        description="DBUs per hour for a concurrency of one request, by workload type.",
        examples=[{"CPU": 1, "GPU_SMALL": 2.5}],
    )
    tokens_per_second: Amount | None = Field(
        default=None,
        description="DBUs per hour for one token per second of provisioned throughput.",
    )
    model_units: Amount | None = Field(
        default=None, description="DBUs per hour for one model unit."
    )


class PricesFile(FileModel):
    """`prices.yaml`: your own prices.

    With them, plans show the cost of capacity. `provisioner` contains no prices.
    """

    date: str = Field(
        pattern=PRICE_DATE,
        description="The date of the prices, `YYYY-MM-DD`. Plans show it with each amount.",
    )
    dbu: Amount = Field(description="The price of one DBU.")
    currency: str = Field(
        default="USD", pattern=r"^[A-Z]{3}$", description="The currency of `dbu`."
    )
    dbus_per_hour: DbusPerHour = Field(
        default=DbusPerHour(), description="The DBUs per hour of a capacity."
    )
