"""The config of a model service: where its requests go. Source: databricks-sdk."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    Caller,
    EmulatedWorkspace,
    invalid,
    refuse_if_strict,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.serving import endpoints
from provisioner.emulator.serving.system_endpoints import SYSTEM_ENDPOINTS
from provisioner.emulator.unity_catalog import masks, provider_configs, securables
from provisioner.emulator.unity_catalog.securables import CatalogObject, Json

PROVIDERS, MODELS, ENDPOINTS = "model-provider-services/", "models/", "serving-endpoints/"
CONFIGS = {
    "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL": "external_model_config",
    "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL": "pay_per_token_config",
    "DESTINATION_TYPE_PROVISIONED_THROUGHPUT_FOUNDATION_MODEL": "provisioned_throughput_config",
}
MOST, MOST_FALLBACKS = 10, 5
UNIFIED = "mlflow/v1"
VECTORS = f"{UNIFIED}/embeddings"
# What a destination was bound to when it was written; kept beside the config, never shown.
BOUND = "bound"


def primaries(config: Json) -> list[Json]:
    """Returns the destinations that share the traffic."""
    return list((config.get("routing") or {}).get("destinations") or ())


def fallbacks(config: Json) -> list[Json]:
    """Returns the destinations that are tried after a failure, in their order."""
    fallback = (config.get("routing") or {}).get("fallback") or {}
    return list(fallback.get("destinations") or ())


def checked(
    workspace: EmulatedWorkspace, request: ApiRequest, full_name: str, body: Json, before: Json
) -> Json:
    """Returns the body as it is kept, with what its destinations are bound to. Raises ApiError."""
    config = body["config"]
    first, others = primaries(config), fallbacks(config)
    # rule(documented): A service has 1 to 10 destinations and up to 5 fallbacks. [databricks-sdk,
    #     RoutingConfig]
    if not 1 <= len(first) <= MOST or len(others) > MOST_FALLBACKS:
        raise invalid("config.routing: 1 to 10 destinations, and at most 5 fallbacks.")
    names = [each["name"] for each in (*first, *others)]
    # rule(assumed, strict): Names of destinations are unique in a service. [databricks-sdk, name]
    if len(set(names)) < len(names):
        refuse_if_strict("config.routing: a destination occurs twice.")
    _check_shares(first)
    old = {each["name"]: each for each in _all(before.get("config") or {})}
    kept = body.get(BOUND) or {}
    bound = {
        each["name"]: kept[each["name"]]
        if old.get(each["name"]) is not None and not _is_sent(request, each, first)
        else _bound_to(workspace.store, request.caller, each)
        for each in (*first, *others)
    }
    masks.check(config.get("rate_limits"))
    provider_configs.check_table(config, before.get("config") or {})
    return body | {BOUND: bound}


def _is_sent(request: ApiRequest, destination: Json, first: list[Json]) -> bool:
    """Whether the request writes the list that the destination is in."""
    mask = request.query.get("update_mask", "*").split(",")
    path = "config.routing.destinations"
    if destination not in first:
        path = "config.routing.fallback.destinations"
    return mask == ["*"] or path in mask


def _all(config: Json) -> Iterator[Json]:
    yield from primaries(config)
    yield from fallbacks(config)


def _check_shares(first: list[Json]) -> None:
    shares = [each.get("traffic_percentage") for each in first]
    # rule(documented): The shares of several destinations sum up to 100. [databricks-sdk,
    #     traffic_percentage]
    if (len(first) > 1 or shares[0] is not None) and (
        None in shares or sum(share or 0 for share in shares) != 100
    ):
        raise invalid("config.routing.destinations: traffic_percentage must sum up to 100.")


def _bound_to(store: Store, caller: Caller, destination: Json) -> str:
    """Returns the id of what a destination names. Raises ApiError where it may not be used."""
    field = CONFIGS[destination["destination_type"]]
    # rule(documented): A destination has the config of its type. [databricks-sdk,
    #     DestinationConfig]
    if [name for name in CONFIGS.values() if name in destination] != [field]:
        raise invalid(f"Destination '{destination['name']}' must have exactly {field}.")
    config = destination[field]
    if field == "external_model_config":
        return _bound_provider(store, caller, config)
    if field == "pay_per_token_config":
        # rule(assumed, always): Models that are paid per token are named `models/system.ai.NAME`,
        #     because the local workspace has no others. [databricks-sdk, PayPerTokenConfig]
        if not config["model"].startswith(f"{MODELS}system.ai."):
            raise invalid("pay_per_token_config.model must be models/system.ai.NAME.")
        return str(config["model"])
    name = config["model_serving_endpoint"].removeprefix(ENDPOINTS)
    return str(endpoints.require(store, name)["id"])


def _bound_provider(store: Store, caller: Caller, config: Json) -> str:
    full_name = config["model_provider_service"].removeprefix(PROVIDERS)
    provider = securables.require(store, securables.PROVIDER_SERVICE, full_name)
    lacking = securables.missing(store, caller, provider, "EXECUTE", securables.MANAGE)
    # rule(documented): Who routes to a provider service needs EXECUTE on it. [databricks-sdk,
    #     create_model_service]
    if lacking:
        raise ApiError(403, "PERMISSION_DENIED", lacking)
    listed = {target["model"] for target in provider.body["config"].get("targets") or ()}
    is_listed = config["target"]["model"] in listed
    # rule(documented): A target is listed by its provider, unless that allows all.
    #     [databricks-sdk, ExternalModelConfig]
    if not is_listed and not provider.body["config"].get("allow_all_targets"):
        model = config["target"]["model"]
        raise invalid(f"Model '{model}' is not a target of '{full_name}'.")
    return provider.id


def is_deleted(store: Store, securable: CatalogObject, destination: Json) -> bool:
    """Whether what a destination was bound to is gone, also where a new one has its name."""
    field = CONFIGS[destination["destination_type"]]
    bound, config = securable.body[BOUND].get(destination["name"]), destination[field]
    if field == "external_model_config":
        full_name = config["model_provider_service"].removeprefix(PROVIDERS)
        provider = securables.find(store, securables.PROVIDER_SERVICE, full_name)
        return provider is None or provider.id != bound
    if field == "provisioned_throughput_config":
        endpoint = endpoints.find(store, config["model_serving_endpoint"].removeprefix(ENDPOINTS))
        return endpoint is None or endpoint["id"] != bound
    return False


def view(workspace: EmulatedWorkspace, securable: CatalogObject) -> Json:
    """Returns the config with what the service adds to it."""
    config = dict(securable.body["config"])
    first = [_shown(workspace.store, securable, each) for each in primaries(config)]
    routing: Json = {"destinations": first}
    if others := [_shown(workspace.store, securable, each) for each in fallbacks(config)]:
        routing["fallback"] = {"destinations": others}
    shown = config | {"routing": routing} | provider_configs.table_view(config, securable.full_name)
    return {"config": shown, "supported_api_types": _supported(workspace.store, config)}


def native_types(store: Store, destination: Json) -> list[str]:
    """Returns the API types of a destination: its own, or those that its provider lists."""
    config = destination.get("external_model_config") or {}
    target = config.get("target") or {}
    if target.get("native_api_types"):
        return list(target["native_api_types"])
    full_name = str(config.get("model_provider_service", "")).removeprefix(PROVIDERS)
    provider = securables.find(store, securables.PROVIDER_SERVICE, full_name)
    listed = provider.body["config"].get("targets") or () if provider else ()
    return [
        each
        for entry in listed
        if entry["model"] == target.get("model")
        for each in entry.get("native_api_types") or ()
    ]


def _makes_vectors(model: str) -> bool:
    """Whether a model of Databricks makes embeddings, as its endpoint says."""
    tasks = {name: task for _, _, name, task in SYSTEM_ENDPOINTS}
    return tasks.get(model.removeprefix(MODELS), "").endswith("/embeddings")


def _supported(store: Store, config: Json) -> list[str]:
    """Returns what the first destinations speak, and the unified API that comes with it."""
    native = {
        each for destination in primaries(config) for each in native_types(store, destination)
    }
    models = {
        (target.get("pay_per_token_config") or {}).get("model") for target in primaries(config)
    }
    native |= {VECTORS for model in models if model and _makes_vectors(model)}
    vectors = {each for each in native if each.endswith("/embeddings")}
    # rule(assumed): A service whose destinations only make embeddings takes the unified API of
    #     embeddings, every other one that of chats. [databricks-sdk, supported_api_types]
    unified = {VECTORS} if vectors else set()
    if not native or native - vectors:
        unified.add(f"{UNIFIED}/chat/completions")
    return sorted(native | unified)


def _shown(store: Store, securable: CatalogObject, destination: Json) -> Json:
    return destination | ({"is_deleted": True} if is_deleted(store, securable, destination) else {})
