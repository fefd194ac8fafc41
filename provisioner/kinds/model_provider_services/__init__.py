"""Model provider services: accounts at providers of models, governed by Unity Catalog."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding, Location
from provisioner.kinds.unity_catalog.calls import CREDENTIALS, PROVIDER, PROVIDER_FIELDS
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of, table_action
from provisioner.kinds.unity_catalog.privileges import LOGIN, privilege
from provisioner.kinds.unity_catalog.securable import SecurableKind
from provisioner.kinds.unity_catalog.validation import forwarding
from provisioner.model.kind import Declared
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange
from provisioner.model.references import Prerequisite

TYPE: Final = "EXTERNAL_MODEL_PROVIDER_TYPE_"
SECRETS: Final = "secrets/"
CREDENTIAL: Final = "service_credential"
CREDENTIALS_OF: Final = "credentials/"
LOGINS: Final = (
    *("api_key", "entra_service_principal", "service_credential", "aws_access_key"),
    "header_auth",
)
DIGITS: Final = 8


def mask_of(names: tuple[str, ...]) -> str:
    """The update mask of a field: the provider's block has one of its own name."""
    if names[0] != "config":
        return names[0]
    if names[1:2] and names[1] in PROVIDER_FIELDS:
        return PROVIDER
    return ".".join(names[:3] if names[1:2] == ("pricing",) else names[:2])


def field_action(change: FieldChange, desired: Document, live: Live) -> FieldAction | None:
    """Another provider, or another sort of login, needs another service."""
    names = tuple(segment for segment in change.path if isinstance(segment, str))
    is_block = names[:1] == ("config",) and names[1:2] and names[1] in PROVIDER_FIELDS
    whole = change.before is ABSENT or change.after is ABSENT
    if is_block and CREDENTIAL in names and whole and names[-1] in (CREDENTIAL, "name"):
        # Between a key and a service credential: whether an update takes it is not known.
        detail = "a service cannot change between a key and a service credential"
        return FieldAction(Action.REPLACE, Cause.FIXED_AT_CREATION, detail)
    return table_action(change)


def applied_digests(document: Document) -> str:
    """``config:3fa81c22``: which keys are given as plaintext, and nothing of their values."""
    places = sorted(json.dumps(place) for place in _plaintexts(document.get("config"), ()))
    if not places:
        return ""
    return f"config:{hashlib.sha256(chr(10).join(places).encode()).hexdigest()[:DIGITS]}"


def _plaintexts(value: Any, place: Location) -> Iterator[Location]:
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if name == "plaintext":
            yield place
        else:
            yield from _plaintexts(inner, (*place, name))


def depends_on(document: Document) -> Iterator[tuple[str, str]]:
    """The catalog secrets that keys refer to."""
    for reference in sorted(set(_references(document.get("config")))):
        yield "secrets", reference.removeprefix(SECRETS).lower()


def needed_privileges(document: Document) -> Iterator[Prerequisite]:
    """Secrets are read with the rights of the owner of the service, which the login becomes."""
    for reference in sorted(set(_references(document.get("config")))):
        name = reference.removeprefix(SECRETS).lower()
        yield privilege((LOGIN, "secret", name, "READ_SECRET"), ("config",))
    for name in PROVIDER_FIELDS:
        direct = ((document.get("config") or {}).get(name) or {}).get("direct") or {}
        credential = direct.get(CREDENTIAL) or {}
        if isinstance(each := credential.get("name"), str):
            at = ("config", name, "direct", CREDENTIAL, "name")
            full_name = each.removeprefix(CREDENTIALS_OF)
            yield privilege((LOGIN, "credential", full_name, "ACCESS"), at)


def _references(value: Any) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if name == "secret_reference" and isinstance(inner, Mapping):
            yield str(inner.get("name", ""))
        else:
            yield from _references(inner)


def relations(document: Document, declared: Declared) -> Iterator[Finding]:
    """The provider's own block and login, and targets that it takes."""
    config = document.get("config")
    if not config:
        # rule(documented): A service is created with its config. [databricks-sdk, AiGatewayAPI]
        if not document.get("existing"):
            hint = "add `config` with the provider"
            yield Finding((), "E352", "`config` is missing", hint, key=True)
        return
    provider = str(config.get("provider_type", "")).removeprefix(TYPE).lower()
    blocks = [name for name in PROVIDER_FIELDS if name in config]
    # rule(documented): The block of the provider is that of its type, and there is one alone.
    #     [databricks-sdk, ModelProviderServiceConfig]
    if provider and blocks != [provider]:
        message = f"`provider_type` requires the block `{provider}` and no other"
        hint = f"write `{provider}:`, or change the type"
        yield Finding(("config", "provider_type"), "E352", message, hint)
    for name in blocks:
        yield from _login(("config", name), config[name])
    yield from _targets(config, provider)
    yield from forwarding(document)


def _login(place: Location, block: Mapping[str, Any]) -> Iterator[Finding]:
    direct = block.get("direct")
    # rule(documented): Anthropic takes a key, or passes on that of the caller. [databricks-sdk,
    #     ModelProviderServiceConfigAnthropicProviderConfig]
    if place[1] == "anthropic" and ("relayed" in block) == (direct is not None):
        hint = "write `direct` to use your key, or `relayed: {}` to forward the key of the caller"
        yield Finding(place, "E353", "set exactly one of `direct` and `relayed`", hint)
    if not isinstance(direct, Mapping):
        return
    given = [name for name in LOGINS if name in direct]
    # rule(documented): A provider has exactly one way to log in. [databricks-sdk,
    #     ModelProviderServiceConfig]
    if len(given) != 1:
        message = f"{len(given)} ways to log in" if given else "the login is missing"
        yield Finding((*place, "direct"), "E353", message, "write exactly one", key=True)
    for at, secret in _secrets(direct, (*place, "direct")):
        # rule(documented): A secret is given as plaintext or as a reference. [databricks-sdk,
        #     ModelProviderServiceConfigProviderSecret]
        if len(CREDENTIALS & secret.keys()) != 1:
            hint = "write `secret_reference: {name: secrets/CATALOG.SCHEMA.NAME}`"
            yield Finding(at, "E353", "set exactly one of plaintext and reference", hint)


def _secrets(value: Mapping[str, Any], place: Location) -> Iterator[tuple[Location, Any]]:
    for name, inner in value.items():
        if name in ("api_key", "client_secret", "secret_access_key", "api_key_value"):
            yield (*place, name), inner
        elif isinstance(inner, Mapping):
            yield from _secrets(inner, (*place, name))


def _targets(config: Mapping[str, Any], provider: str) -> Iterator[Finding]:
    targets, is_custom = config.get("targets") or (), provider == "custom"
    # rule(documented): A custom provider lists its targets. [databricks-sdk, allow_all_targets]
    if is_custom and config.get("allow_all_targets"):
        hint = "list the models as `targets`"
        message = "a custom provider cannot allow all targets"
        yield Finding(("config", "allow_all_targets"), "E354", message, hint)
    # rule(documented): Without allow_all_targets the targets are listed. [databricks-sdk, targets]
    if not targets and not config.get("allow_all_targets"):
        hint = "list them as `targets`, or write `allow_all_targets: true`"
        yield Finding(
            ("config",), "E354", "the service allows no model of the provider", hint, key=True
        )
    for index, target in enumerate(targets):
        # rule(documented): Only targets of a custom provider have a route. [databricks-sdk,
        #     endpoint_route]
        if "endpoint_route" in target and not is_custom:
            at = ("config", "targets", index, "endpoint_route")
            message = "`endpoint_route` works only for custom providers"
            yield Finding(at, "E354", message, "remove it")


SECURABLE = SecurableKind(
    name="model_provider_services",
    title="model provider service",
    plural="model-provider-services",
    grants_type="model_provider_service",
    privileges=frozenset(("ALL_PRIVILEGES", "APPLY_TAG", "EXECUTE", "MANAGE", "READ_METADATA")),
    identity=("parent", "model_provider_service_id"),
    is_service=True,
    created_fields=("comment", "config"),
    mask_of=mask_of,
    output_only=frozenset(
        (
            *("name", "etag", "effective_owner", "metastore_id", "create_time", "created_by"),
            *("update_time", "updated_by", "table", "is_deleted"),
        )
    ),
)


KIND = kind_of(
    SECURABLE,
    CatalogParts(
        model="ModelProviderService",
        relations=relations,
        depends_on=depends_on,
        privileges=needed_privileges,
        # A service asks with the key that its provider service holds.
        provides_secrets=True,
        field_action=field_action,
        applied_digests=applied_digests,
    ),
)
