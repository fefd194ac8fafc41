"""Queries of model services: ``/ai-gateway/...``, where the body names the service.

A service is answered like an endpoint whose entities are its destinations. A name without dots is
that of an endpoint, as before. Sources: databricks-sdk, ``AiGatewayAPI``; [serving-api 6.4].
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.inference import api, tasks
from provisioner.emulator.inference.active import ActiveEndpoint
from provisioner.emulator.unity_catalog import destinations, provider_configs, securables
from provisioner.emulator.unity_catalog.securables import CatalogObject, Json
from provisioner.emulator.unity_catalog.service_shapes import KEY, PERIOD

MLFLOW, OPENAI, ANTHROPIC = (
    "/ai-gateway/mlflow/v1",
    "/ai-gateway/openai/v1",
    "/ai-gateway/anthropic",
)
# Path below the surface -> task, and the API type that a destination must speak natively.
PATHS = {
    "chat/completions": tasks.CHAT,
    "responses": tasks.RESPONSES,
    "embeddings": tasks.EMBEDDINGS,
}
DIRECT = "databricks-model-provider-service"
# Words of services -> those of endpoints, whose limits and tables are kept the same way.
LIMIT_KEYS = {
    "SERVICE": "endpoint",
    "USER_DEFAULT": "user",
    "USER": "user",
    "USER_GROUP": "user_group",
    "SERVICE_PRINCIPAL": "service_principal",
}
EXECUTE = "EXECUTE"
# Why an answer ends: OpenAI's word -> Anthropic's. [docs.anthropic.com, Messages]
STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def ask(task: str, api_type: str, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Answers a query of a model service, or of a provider service that the header names."""
    body = request.json()
    name = body.get("model")
    # rule(client): The clients name the service in "model". [serving-api 6.4]
    if not isinstance(name, str) or not name:
        raise invalid("model must be the full name of a model service")
    provider = request.headers.get(DIRECT, "")
    if not provider and name.count(".") != 2:
        return api.openai(task, workspace, request)
    served = (
        _of_provider(workspace.store, request, provider, name, task)
        if provider
        else _of_service(workspace.store, request, name, task, api_type)
    )
    return api.respond(workspace, request, api.EndpointQuery(served, task, body))


def ask_messages(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Answers a query in the shapes of Anthropic's API."""
    body = _chat_of(request.json())
    name = str(body.get("model") or "")
    provider = request.headers.get(DIRECT, "")
    served = (
        _of_provider(workspace.store, request, provider, name, tasks.CHAT)
        if provider
        else _of_service(workspace.store, request, name, tasks.CHAT, "anthropic/v1/messages")
    )
    answer = api.respond(workspace, request, api.EndpointQuery(served, tasks.CHAT, body))
    return ApiResponse(_message_of(answer.json), headers=answer.headers)


def _of_service(
    store: Store, request: ApiRequest, name: str, task: str, api_type: str
) -> ActiveEndpoint:
    """Returns a model service as it is queried. Raises ApiError."""
    if name.lower().startswith("system.ai."):
        entity = _entity("model", name, "databricks", task)
        return _endpoint(name, name, [entity], [])
    service = securables.require(store, securables.MODEL_SERVICE, name)
    securables.require_privilege(store, request.caller, service, EXECUTE)
    config = service.body["config"]
    first = _usable(store, service, destinations.primaries(config), api_type)
    # rule(assumed, always): A path of a provider's own API takes services with a destination of
    #     that type, because no other destination understands the request. [databricks-sdk,
    #     native_api_types]
    if not first:
        raise ApiError(400, "BAD_REQUEST", f"Model service '{name}' does not support {api_type}.")
    others = _usable(store, service, destinations.fallbacks(config), api_type)
    entities = [_entity_of(store, each, task) for each in (*first, *others)]
    shares = [each.get("traffic_percentage", 100) for each in first]
    if sum(shares) != 100:
        # A path of a provider's API leaves the other destinations out.
        shares = [100] + [0] * (len(shares) - 1)
    routes = [(each["name"], share) for each, share in zip(first, shares, strict=True)]
    return _endpoint(service.full_name, service.id, entities, routes, config)


def _usable(store: Store, service: CatalogObject, listed: list[Json], api_type: str) -> list[Json]:
    """Returns the destinations that speak the API type. Raises ApiError for a deleted one."""
    for each in listed:
        # rule(assumed, always): A destination whose target was deleted fails the request, because
        #     nothing can answer it. [databricks-sdk, is_deleted]
        if destinations.is_deleted(store, service, each):
            message = f"Destination '{each['name']}' of '{service.full_name}' was deleted."
            raise ApiError(400, "BAD_REQUEST", message)
    return [
        each
        for each in listed
        if not api_type or api_type in destinations.native_types(store, each)
    ]


def _of_provider(
    store: Store, request: ApiRequest, full_name: str, model: str, task: str
) -> ActiveEndpoint:
    """Returns a provider service as it is queried directly. Raises ApiError."""
    provider = securables.require(store, securables.PROVIDER_SERVICE, full_name)
    securables.require_privilege(store, request.caller, provider, EXECUTE)
    config = provider.body["config"]
    listed = {target["model"] for target in config.get("targets") or ()}
    # rule(documented): A provider service takes the models that it lists, or all of them.
    #     [databricks-sdk, allow_all_targets]
    if model not in listed and not config.get("allow_all_targets"):
        raise ApiError(400, "BAD_REQUEST", f"Model '{model}' is not a target of '{full_name}'.")
    entity = _entity(model, model, provider_configs.block_of(config), task)
    entity["external_model"] |= _login(store, provider)
    return _endpoint(provider.full_name, provider.id, [entity], [], config)


def _entity_of(store: Store, destination: Json, task: str) -> Json:
    """Returns a destination as a served entity, with the provider's key where it has one."""
    config = destination[destinations.CONFIGS[destination["destination_type"]]]
    if "target" not in config:
        model = str(config.get("model") or config.get("model_serving_endpoint"))
        model = model.removeprefix(destinations.MODELS)
        return _entity(destination["name"], model, "databricks", task)
    full_name = config["model_provider_service"].removeprefix(destinations.PROVIDERS)
    provider = securables.require(store, securables.PROVIDER_SERVICE, full_name)
    block = provider_configs.block_of(provider.body["config"])
    entity = _entity(destination["name"], config["target"]["model"], block, task)
    entity["external_model"] |= _login(store, provider)
    return entity


def _login(store: Store, provider: CatalogObject) -> Json:
    """Returns the key of a provider as endpoints hold it, for an upstream; ``{}`` without one."""
    config = provider.body["config"]
    direct = config[provider_configs.block_of(config)].get("direct") or {}
    key = direct.get("api_key") or {}
    value = key.get("plaintext", "")
    for reference in provider_configs.references_in({"api_key": key}):
        name = reference.removeprefix(provider_configs.SECRETS)
        secret = securables.find(store, securables.SECRET, name)
        # rule(documented): A secret is looked up when the provider is called; the answer where it
        #     is missing is assumed. [docs.databricks.com, Create model provider services]
        if secret is None:
            raise ApiError(400, "BAD_REQUEST", f"Secret '{name}' does not exist.")
        value = secret.body["value"]
    return {"openai_config": {"openai_api_key_plaintext": value}} if value else {}


def _entity(name: str, model: str, provider: str, task: str) -> Json:
    return {"name": name, "external_model": {"name": model, "provider": provider, "task": task}}


def _endpoint(
    name: str,
    identity: str,
    entities: list[Json],
    routes: list[tuple[str, int]],
    config: Mapping[str, Any] | None = None,
) -> ActiveEndpoint:
    """Returns what answers queries for a service, in the words of endpoints."""
    config = config or {}
    routed = {route for route, _ in routes}
    limits = [_limit(limit) for limit in config.get("rate_limits") or ()]
    return ActiveEndpoint(
        name=name,
        id=identity,
        system=False,
        task="",
        ready=True,
        stopped=False,
        route_optimized=False,
        config_version=1,
        entities=tuple(entities),
        routes=tuple(routes) or ((entities[0]["name"], 100),),
        gateway=_table(dict(config), name),
        rate_limits=tuple(limits),
        auto_capture={},
        fallbacks=tuple(each for each in entities[1:] if each["name"] not in routed),
    )


def _limit(limit: Json) -> Json:
    """Returns a limit of a service as one of an endpoint."""
    key = limit["key"].removeprefix(KEY)
    period = limit["renewal_period"].removeprefix(PERIOD).lower()
    counted = {
        name: limit[field]
        for name, field in (("calls", "requests"), ("tokens", "tokens"))
        if field in limit
    }
    named = {"principal": limit["principal"]} if limit.get("principal") else {}
    return {"key": LIMIT_KEYS[key], "renewal_period": period, **counted, **named}


def _table(config: Json, name: str) -> Json:
    shown = provider_configs.table_view(config, name).get("inference_table")
    if not shown:
        return {}
    catalog_name, _, schema_name = shown["parent"].removeprefix("schemas/").partition(".")
    return {
        "inference_table_config": {
            "enabled": True,
            "catalog_name": catalog_name,
            "schema_name": schema_name,
            "table_name_prefix": shown["table_name_prefix"],
        }
    }


def _chat_of(body: Json) -> Json:
    """Returns the query as a chat of OpenAI's shape. Raises ApiError."""
    # rule(local): Messages are answered whole.
    if body.get("stream") is True:
        message = "The local workspace does not stream answers of Anthropic's API."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    # rule(documented): A query names a model, its messages and max_tokens. [docs.anthropic.com,
    #     Messages]
    if not body.get("model") or not body.get("messages") or not body.get("max_tokens"):
        raise invalid("model, messages and max_tokens must be given.")
    system = (
        [{"role": "system", "content": _plain_text(body["system"])}] if body.get("system") else []
    )
    contents = [
        {"role": each.get("role"), "content": _plain_text(each.get("content"))}
        for each in body["messages"]
        if isinstance(each, dict)
    ]
    kept: Json = {
        name: body[name] for name in ("model", "max_tokens", "temperature") if name in body
    }
    return {**kept, "messages": [*system, *contents]}


def _plain_text(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def _message_of(chat: Json) -> Json:
    """Returns the answer to a chat as a message."""
    choice, usage = chat["choices"][0], chat["usage"]
    return {
        "id": chat["id"].replace("chatcmpl-", "msg_"),
        "type": "message",
        "role": "assistant",
        "model": chat["model"],
        "content": [{"type": "text", "text": choice["message"]["content"]}],
        "stop_reason": STOPS.get(choice["finish_reason"], "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
        },
    }


# Not atomic: a call that fails counts as well, and a provider may be made to wait.
_query = partial(ApiRoute, "POST", atomic=False)
ROUTES = (
    *(_query(f"{MLFLOW}/{path}", partial(ask, task, "")) for path, task in PATHS.items()),
    *(
        _query(f"{OPENAI}/{path}", partial(ask, task, f"openai/v1/{path}"))
        for path, task in PATHS.items()
    ),
    _query(f"{ANTHROPIC}/v1/messages", ask_messages),
)
