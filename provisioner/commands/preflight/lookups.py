"""What a workspace has of what is needed: one question for each sort of need, and its answer.

Asking returns a plain fact, and judging it is pure: a fact may answer for several needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from provisioner.commands.preflight import grants
from provisioner.commands.preflight.grants import LISTS, UNDECIDED, displayed
from provisioner.errors import Problem, ServiceError, Severity, WorkspaceError
from provisioner.errors.wording import counted, listed
from provisioner.model.connection import MISSING, Reader
from provisioner.model.references import PrerequisiteType
from provisioner.workspace import unity_catalog

FORBIDDEN: Final = 403
NOT_READABLE: Final = "E774"
Name = tuple[str, ...]
Fact = Any
FUNCTIONS: Final = "/api/2.1/unity-catalog/functions"
SECRETS: Final = "/api/2.0/secrets/list"
ENDPOINTS: Final = "/api/2.0/serving-endpoints"
NOT_SHOWN: Final = "an unknown level"
# Everybody's and the administrators' groups are in every workspace; the account's is in no list.
EVERYWHERE: Final = frozenset({"users", "admins", "account users"})


@dataclass(frozen=True, slots=True)
class Lookup:
    """How one sort of need is looked up.

    ``same`` gives one name for all that are one to the service, and ``about`` the part of it
    that one request answers for. ``ask`` returns a fact about that, and ``judge`` what is
    missing, by the fact, the whole name and where the workspace is.
    """

    same: Callable[[Name], Name]
    about: Callable[[Name], Name]
    ask: Callable[[Reader, Name, str], Fact]
    judge: Callable[[Fact, Name, str], Problem | None]


def _version(connection: Reader, name: Name, where: str) -> str | None:
    """The status of a version, ``MISSING``, or None when not even the model is there."""
    model, version = name
    status = unity_catalog.version_status(connection, model, version, where)
    if status == unity_catalog.MISSING and not unity_catalog.model_exists(connection, model, where):
        return None
    return status


def _judge_version(status: str | None, name: Name, where: str) -> Problem | None:
    model, version = name
    if status is None:
        return unity_catalog.no_model(model, where, version)
    if status == unity_catalog.MISSING:
        return unity_catalog.no_version(model, version, where)
    if status != unity_catalog.READY:
        message = f"version {version} of `{model}` is {status} in {where}"
        hint = "wait until it is registered, or register it again: the upload may have failed"
        return Problem("E767", message, hint=hint)
    return None


def _function(connection: Reader, name: Name, where: str) -> bool:
    path = f"{FUNCTIONS}/{quote(name[0], safe='')}"
    return unity_catalog.read(connection, path, name[0], where) is not None


def _judge_function(exists: bool, name: Name, where: str) -> Problem | None:
    return None if exists else unity_catalog.no_function(name[0], where)


def _keys(connection: Reader, name: Name, where: str) -> frozenset[str] | None:
    """The keys of a scope; None when there is no such scope.

    Raises WorkspaceError E774 where the login may not read it.
    """
    try:
        answer = connection.get(SECRETS, {"scope": name[0]}, absent=MISSING)
    except ServiceError as error:
        if error.status != FORBIDDEN:
            raise
        raise WorkspaceError((_not_readable(name[0], where, error.reason),)) from error
    if answer is None:
        return None
    entries = answer.get("secrets") or []
    return frozenset(str(entry.get("key")) for entry in entries if isinstance(entry, Mapping))


def _not_readable(scope: str, where: str, reason: str) -> Problem:
    # The creator of an endpoint must have READ on the scopes of its secrets, so the refusal is
    # the answer and no gap in what is known. [serving-api 4.3]
    hint = (
        f"databricks secrets put-acl {scope} PRINCIPAL READ, run by a manager of the scope; "
        "the creator of an endpoint needs READ on the scopes of its secrets"
    )
    message = f"this login cannot read the secret scope `{scope}` in {where}: {reason}"
    return Problem(NOT_READABLE, message, hint=hint)


def _judge_key(keys: frozenset[str] | None, name: Name, where: str) -> Problem | None:
    scope, key = name
    if keys is None:
        hint = (
            f"databricks secrets create-scope {scope}; databricks secrets put-secret {scope} "
            f"{key}\nor declare the scope with its keys: apply writes it before the endpoints"
        )
        return Problem("E768", f"there is no secret scope `{scope}` in {where}", hint=hint)
    if key in keys:
        return None
    hint = (
        f"databricks secrets put-secret {scope} {key}\n"
        f"or declare it below `secrets:` of that scope: {key}: {{from_env: NAME}}"
    )
    return Problem("E769", f"the secret scope `{scope}` has no key `{key}` in {where}", hint=hint)


@dataclass(frozen=True, slots=True)
class PrincipalFact:
    """Whether a principal exists; if not, the application ids of those displayed by its name."""

    exists: bool
    application_ids: tuple[str, ...] = ()


def _principal(connection: Reader, name: Name, where: str) -> PrincipalFact:
    kind, who = name
    if kind == "group_name" and who.casefold() in EVERYWHERE:
        return PrincipalFact(exists=True)
    if displayed(connection, *LISTS[kind], who):
        return PrincipalFact(exists=True)
    if kind == "user_name":
        return PrincipalFact(exists=False)
    machines, attribute = LISTS["service_principal_name"]
    so_called = displayed(connection, machines, "displayName", who, attribute)
    return PrincipalFact(False, tuple(str(entry.get(attribute)) for entry in so_called))


def _judge_principal(fact: PrincipalFact, name: Name, where: str) -> Problem | None:
    if fact.exists:
        return None
    kind, who = name
    what = kind.removesuffix("_name").replace("_", " ")
    hint = "add it to the workspace, or look for a typo; names of other workspaces may differ"
    if fact.application_ids:
        ids = listed(fact.application_ids)
        hint = f"`{who}` is the display name of a service principal: write its application id {ids}"
    return Problem("E771", f"there is no {what} `{who}` in {where}", hint=hint)


def no_value(name: Name, source: Mapping[str, str], why: str) -> Problem:
    """What to say of a declared key that is not stored, and that nothing could be stored in."""
    scope, key = name
    if "from_env" in source:
        variable = source["from_env"]
        what, hint = f"the environment variable {variable}", f"set it: export {variable}=..."
    else:
        what, hint = f"the secret file {source['from_file']}", "write the value into that file"
    message = f"the key `{key}` of `{scope}` is not stored yet, and {what} {why}"
    return Problem("E773", message, hint=f"{hint}; apply writes it")


def no_room(title: str, there: int, new: int, most: int) -> Iterator[Problem]:
    """A warning where a workspace would have to hold more than it takes by default."""
    if there + new > most:
        message = f"the workspace has {there} {title}s and the plan adds {new}: the limit is {most}"
        hint = "Databricks raises this limit on request; ask before you apply"
        yield Problem("W770", message, hint=hint, severity=Severity.WARNING)


def runs_as(title: str, new: int, me: Any, where: str) -> Iterator[Problem]:
    """Who will own what is new: that cannot be changed afterwards.

    https://learn.microsoft.com/azure/databricks/machine-learning/model-serving/create-manage-
    serving-endpoints, "Creator identity". Whether that one holds the entitlement
    ``workspace-access`` cannot be seen: it mostly comes from a group.
    """
    if not isinstance(me, Mapping) or not isinstance(me.get("userName"), str):
        return
    who = me["userName"]
    if me.get("active") is False:
        message = f"`{who}` is not active in {where} and cannot create anything"
        yield Problem(
            "E770", message, hint="use another login, or ask an administrator to activate it"
        )
        return
    what = counted(new, f"new {title}")
    message = f"{what} will belong to `{who}` and run with its grants"
    hint = "the owner of an endpoint cannot be changed: a service principal outlives people"
    yield Problem("W771", message, hint=hint, severity=Severity.NOTE)


def _whole(name: Name) -> Name:
    return name


def _folded(name: Name) -> Name:
    return tuple(part.casefold() for part in name)


def _held_by(name: Name) -> Name:
    return _folded(name[:3])


def _endpoint(name: Name) -> Name:
    return name[:1]


def _level(connection: Reader, name: Name, where: str) -> str | None:
    """The permission level of the login on an endpoint; None where there is no such endpoint.

    [serving-api 2.10]
    """
    endpoint = connection.get(f"{ENDPOINTS}/{quote(name[0], safe='')}", absent=MISSING)
    return None if endpoint is None else str(endpoint.get("permission_level") or NOT_SHOWN)


def _judge_level(level: str | None, name: Name, where: str) -> Problem | None:
    endpoint, needed = name
    if level is None:
        message = f"there is no serving endpoint `{endpoint}` in {where} that this login can see"
        return Problem("E776", message, hint="create it first, or declare it in a manifest")
    if level == needed:
        return None
    if level == NOT_SHOWN:
        message = f"it is unknown whether this login has {needed} on `{endpoint}`"
        hint = f"check it: the owner of the service needs {needed} on the endpoint"
        return Problem(UNDECIDED, message, hint=hint, severity=Severity.WARNING)
    message = f"this login has {level} on the serving endpoint `{endpoint}`, but needs {needed}"
    return Problem("E775", message, hint=f"the owner can grant {needed} in the permissions")


def _scope(name: Name) -> Name:
    return name[:1]


def _folded_scope(name: Name) -> Name:
    return (name[0].casefold(), *name[1:])


LOOKUPS: Final[Mapping[PrerequisiteType, Lookup]] = {
    PrerequisiteType.MODEL_VERSION: Lookup(_folded, _whole, _version, _judge_version),
    PrerequisiteType.FUNCTION: Lookup(_folded, _whole, _function, _judge_function),
    # Names of scopes are compared without regard to case, those of keys are not.
    PrerequisiteType.SECRET: Lookup(_folded_scope, _scope, _keys, _judge_key),
    PrerequisiteType.PRINCIPAL: Lookup(_folded, _whole, _principal, _judge_principal),
    PrerequisiteType.GRANT: Lookup(_folded, _held_by, grants.ask, grants.judge),
    PrerequisiteType.ENDPOINT_LEVEL: Lookup(_whole, _endpoint, _level, _judge_level),
}
