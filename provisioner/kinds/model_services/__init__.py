"""Model services: what callers ask, with routing, fallbacks and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding, Location, Severity
from provisioner.kinds.lazy import lazily
from provisioner.kinds.model_services.routing import destinations, topology
from provisioner.kinds.model_serving_endpoints.invocation.client_examples import NAMES
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of, table_action
from provisioner.kinds.unity_catalog.privileges import LOGIN, privilege
from provisioner.kinds.unity_catalog.securable import SCHEMAS, SecurableKind
from provisioner.model.kind import Declared, Invocation
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.plan import FieldAction, FieldChange
from provisioner.model.query import Clients
from provisioner.model.references import Prerequisite, PrerequisiteType

PROVIDERS, ENDPOINTS = "model-provider-services/", "serving-endpoints/"
ROUTING: Final = "config.routing.destinations"
FALLBACK: Final = "config.routing.fallback.destinations"
CONFIGS: Final = {
    "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL": "external_model_config",
    "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL": "pay_per_token_config",
    "DESTINATION_TYPE_PROVISIONED_THROUGHPUT_FOUNDATION_MODEL": "provisioned_throughput_config",
}


def mask_of(names: tuple[str, ...]) -> str:
    """The update mask of a field: routing and fallback themselves are refused in a mask."""
    if names[:2] == ("config", "routing"):
        return FALLBACK if names[2:3] == ("fallback",) else ROUTING
    return ".".join(names[:2])


def depends_on(document: Document) -> Iterator[tuple[str, str]]:
    """The provider services and the endpoints that requests go to."""
    for _, each in destinations(document):
        external = each.get("external_model_config") or {}
        endpoint = each.get("provisioned_throughput_config") or {}
        if isinstance(name := external.get("model_provider_service"), str):
            yield "model_provider_services", name.removeprefix(PROVIDERS).lower()
        if isinstance(name := endpoint.get("model_serving_endpoint"), str):
            yield "model_serving_endpoints", name.removeprefix(ENDPOINTS)


def needed_privileges(document: Document) -> Iterator[Prerequisite]:
    """The owner of a service, which the login becomes, asks providers and writes the table."""
    for place, each in destinations(document):
        external = each.get("external_model_config") or {}
        if isinstance(name := external.get("model_provider_service"), str):
            provider = name.removeprefix(PROVIDERS).lower()
            yield privilege((LOGIN, "model_provider_service", provider, "EXECUTE"), place)
        endpoint = each.get("provisioned_throughput_config") or {}
        if isinstance(name := endpoint.get("model_serving_endpoint"), str):
            needed = (name.removeprefix(ENDPOINTS), "CAN_MANAGE")
            yield Prerequisite(PrerequisiteType.ENDPOINT_LEVEL, needed, place)
    table = (document.get("config") or {}).get("inference_table") or {}
    if isinstance(parent := table.get("parent"), str):
        schema, at = parent.removeprefix(SCHEMAS).lower(), ("config", "inference_table", "parent")
        yield privilege((LOGIN, "schema", schema, "CREATE_TABLE"), at)


def field_action(change: FieldChange, desired: Document, live: Live) -> FieldAction | None:
    """An inference table may come and go, but not move."""
    return table_action(change)


def relations(document: Document, declared: Declared) -> Iterator[Finding]:
    """Destinations with the block of their type, shares that sum up, targets that are listed."""
    # rule(documented): A service is created with its config. [databricks-sdk, AiGatewayAPI]
    if not document.get("config") and not document.get("existing"):
        hint = "add `config` with the destinations"
        yield Finding((), "E355", "`config` is missing", hint, key=True)
    yield from _names(document)
    for place, each in destinations(document):
        yield from _block(place, each)
        yield from _target(place, each, declared)
    yield from _shares(document)


def _names(document: Document) -> Iterator[Finding]:
    seen: dict[str, list[Location]] = {}
    for place, each in destinations(document):
        name, its_list = str(each.get("name", "")), place[:-1]
        # rule(tool): A list has one destination of a name: by its name it is compared with the live
        #     one.
        if its_list in seen.get(name, ()):
            hint = "give each destination a different name"
            yield Finding((*place, "name"), "E355", f"`{name}` occurs twice", hint)
        # rule(assumed): A fallback and a destination have different names. [databricks-sdk, name]
        elif name in seen:
            message = f"`{name}` is the name of a destination and of a fallback"
            hint = (
                "rename the fallback: it is unknown whether the service accepts the same name twice"
            )
            yield Finding((*place, "name"), "W787", message, hint, Severity.WARNING)
        seen.setdefault(name, []).append(its_list)


def _block(place: Location, each: Mapping[str, Any]) -> Iterator[Finding]:
    wanted = CONFIGS.get(str(each.get("destination_type")))
    given = [name for name in CONFIGS.values() if name in each]
    # rule(documented): A destination has the config of its type. [databricks-sdk,
    #     ModelServiceConfigDestinationConfig]
    if wanted and given != [wanted]:
        message = f"`{each['destination_type']}` requires `{wanted}` and no other block"
        yield Finding((*place, "destination_type"), "E355", message, f"write `{wanted}`")


def _target(place: Location, each: Mapping[str, Any], declared: Declared) -> Iterator[Finding]:
    """A target that the provider service does not list, where that is declared."""
    external = each.get("external_model_config") or {}
    name = str(external.get("model_provider_service", "")).removeprefix(PROVIDERS).lower()
    provider = declared.get("model_provider_services", {}).get(name)
    config = (provider or {}).get("config") or {}
    if not config or config.get("allow_all_targets"):
        return
    model = (external.get("target") or {}).get("model")
    listed = [target.get("model") for target in config.get("targets") or ()]
    # rule(documented): A target is listed by its provider, unless that allows all.
    #     [databricks-sdk, ModelServiceConfigDestinationConfig]
    if model not in listed:
        at = (*place, "external_model_config", "target", "model")
        hint = f"it lists {', '.join(map(str, listed))}: add it to its `targets`"
        yield Finding(at, "E358", f"`{name}` does not list the model `{model}`", hint)


def _shares(document: Document) -> Iterator[Finding]:
    first = [
        (place, each.get("traffic_percentage"))
        for place, each in destinations(document)
        if place[2] == "destinations"
    ]
    shares = [share for _, share in first]
    total = sum(share or 0 for share in shares)
    is_alone = len(shares) < 2 and None in shares
    # rule(documented): The shares of several destinations sum up to 100. [databricks-sdk,
    #     traffic_percentage]
    if shares and not is_alone and (None in shares or total != 100):
        message = f"the percentages of the destinations add up to {total}, not 100"
        hint = "give each destination a `traffic_percentage` so that the sum is 100"
        yield Finding(("config", "routing", "destinations"), "E356", message, hint)


SECURABLE = SecurableKind(
    name="model_services",
    title="model service",
    plural="model-services",
    grants_type="model_service",
    privileges=frozenset(("ALL_PRIVILEGES", "APPLY_TAG", "EXECUTE", "MANAGE", "READ_METADATA")),
    identity=("parent", "model_service_id"),
    is_service=True,
    created_fields=("comment", "config"),
    mask_of=mask_of,
    output_only=frozenset(
        (
            *("name", "etag", "effective_owner", "metastore_id", "create_time", "created_by"),
            *("update_time", "updated_by", "table", "is_deleted", "supported_api_types", "model"),
        )
    ),
)


def is_name(name: str) -> bool:
    """Whether ``name`` may be a model service that no manifest declares: three names."""
    return name.count(".") == 2


ASKED = "model_services.invocation"
INVOCATION: Final = Invocation(
    ask=lazily(ASKED, "ask"),
    verify=lazily(ASKED, "verify"),
    clients=Clients(
        names=NAMES,
        task=lazily(ASKED, "task_of"),
        snippet=lazily(ASKED, "snippet"),
        read=lazily(ASKED, "read"),
    ),
    is_name=is_name,
)
KIND = kind_of(
    SECURABLE,
    CatalogParts(
        model="ModelService",
        relations=relations,
        depends_on=depends_on,
        privileges=needed_privileges,
        topology=topology,
        field_action=field_action,
        invocation=INVOCATION,
    ),
)
