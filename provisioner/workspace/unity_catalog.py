"""Registered models of Unity Catalog, as a connection to a workspace sees them: reads only.

https://docs.databricks.com/api/workspace/registeredmodels and .../modelversions: a model is
readable for its owner, for administrators of the metastore, and for whoever holds EXECUTE on
it and may use its catalog and schema.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from provisioner.errors import Problem, ServiceError, UnreachableError, WorkspaceError
from provisioner.model.connection import MISSING as MISSING_CODES
from provisioner.model.connection import Reader
from provisioner.model.paths import Document

ROOT: Final = "/api/2.1/unity-catalog/models"
# ModelVersionInfoStatus of the API. A version whose registration failed never becomes ready.
READY: Final = "READY"
MISSING: Final = ""
FORBIDDEN: Final = 403
# Which of them the service uses for which route is not documented (assumed): all say that
# what the path names does not exist, and none that the caller may not see it.
ABSENT: Final = MISSING_CODES | {
    f"{resource}_DOES_NOT_EXIST"
    for resource in ("CATALOG", "SCHEMA", "FUNCTION", "REGISTERED_MODEL", "MODEL_VERSION", "ALIAS")
}
LOCAL: Final = "emulator:"


def alias_version(connection: Reader, model: str, alias: str, where: str = "") -> str:
    """The version, such as ``"12"``, that ``alias`` of ``model`` points to.

    ``model`` is ``catalog.schema.name``; ``where`` names the workspace in errors as
    ``Session.host`` does. Raises WorkspaceError when the model or the alias is not there
    (E760, E761) or may not be read (E763), and as ``Connection.get`` does.
    """
    where = where or connection.host
    path = f"{_path(model)}/aliases/{quote(alias, safe='')}"
    answer = read(connection, path, model, where)
    if answer is not None:
        return _version_in(answer, path)
    if not model_exists(connection, model, where):
        raise WorkspaceError((no_model(model, where),))
    raise WorkspaceError((no_alias(model, alias, where),))


def version_status(connection: Reader, model: str, version: str, where: str = "") -> str:
    """``READY``, another word of the service, or ``MISSING``.

    Raises WorkspaceError E763 where it may not be read: that is not the same as absent.
    """
    path = f"{_path(model)}/versions/{quote(version, safe='')}"
    answer = read(connection, path, model, where or connection.host)
    if answer is None:
        return MISSING
    _version_in(answer, path)
    return str(answer.get("status") or READY)


def model_exists(connection: Reader, model: str, where: str = "") -> bool:
    """Whether there is a ``model``, whatever its versions. Raises as ``version_status``."""
    return read(connection, _path(model), model, where or connection.host) is not None


def read(connection: Reader, path: str, name: str, where: str) -> Document | None:
    """What is at ``path``, which is about the model or function ``name``; None for nothing.

    Raises WorkspaceError E763 where it is hidden.
    """
    try:
        return connection.get(path, absent=ABSENT)
    except ServiceError as error:
        if error.status != FORBIDDEN:
            raise
        raise WorkspaceError((not_executable(name, where, error.reason),)) from error


def no_model(model: str, where: str, version: str = "") -> Problem:
    """What to say of a model that is not there, or is hidden."""
    option = f" --version {version}" if version else ""
    hint = _local_hint(model, where, option) or (
        "check the name, or register the model: mlflow.register_model, or "
        f"MlflowClient().copy_model_version(SOURCE, '{model}')"
    )
    return Problem("E760", f"there is no registered model `{model}` in {where}", hint=hint)


def no_alias(model: str, alias: str, where: str) -> Problem:
    """What to say of an alias that a model does not have."""
    hint = _local_hint(model, where, f" --alias {alias}") or (
        "set the alias after training: "
        f"MlflowClient().set_registered_model_alias('{model}', '{alias}', VERSION)"
    )
    return Problem("E761", f"`{model}` has no alias `{alias}` in {where}", hint=hint)


def no_version(model: str, version: str, where: str) -> Problem:
    """What to say of a version that a model does not have."""
    hint = _local_hint(model, where, f" --version {version}") or (
        f"copy the version: MlflowClient().copy_model_version(SOURCE, '{model}'). The copy gets "
        "the next free number, which can differ"
    )
    return Problem("E762", f"`{model}` has no version {version} in {where}", hint=hint)


def no_function(name: str, where: str) -> Problem:
    """What to say of a feature spec that is not there, or is hidden."""
    hint = _local_hint(name, where, " --feature-spec") or (
        "check the name, or create the feature spec: "
        "FeatureEngineeringClient().create_feature_spec"
        f"(name='{name}', ...)"
    )
    return Problem("E772", f"there is no feature spec `{name}` in {where}", hint=hint)


def not_executable(model: str, where: str, message: str) -> Problem:
    """What to say of a model or function that this login may not execute."""
    catalog, _, rest = model.partition(".")
    schema = rest.partition(".")[0]
    changes = '{"changes": [{"principal": "WHO", "add": ["EXECUTE"]}]}'
    hint = (
        f"the owner can grant EXECUTE: databricks grants update function {model} --json "
        f"'{changes}'\n"
        f"USE_CATALOG on {catalog} and USE_SCHEMA on {catalog}.{schema} are also required"
    )
    return Problem(
        "E763",
        f"`{model}` cannot be used in {where}, because EXECUTE is missing:  {message}",
        hint=hint,
    )


def _version_in(answer: Document, path: str) -> str:
    version = answer.get("version")
    # An integer in the documentation; the JSON form of 64 bits is a text.
    if isinstance(version, bool) or not isinstance(version, int | str) or not str(version):
        raise UnreachableError.of(
            "E766",
            f"GET {path}: the answer does not describe a model version",
            "a proxy or gateway may have answered instead of the workspace",
        )
    return str(version)


def _path(model: str) -> str:
    return f"{ROOT}/{quote(model, safe='')}"


def _local_hint(model: str, where: str, options: str = "") -> str:
    """The command that registers ``model`` in a local workspace; ``""`` for another one."""
    if not where.startswith(LOCAL):
        return ""
    state = where.removeprefix(LOCAL)
    return (
        f"for a local workspace, run provisioner emulator register {model}{options} --state {state}"
    )
