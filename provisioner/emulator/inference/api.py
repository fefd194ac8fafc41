"""Queries, the data plane: finds the endpoint, holds its limits, lets a served entity answer.

Answers are made up and the same for the same query; nothing is sent anywhere but to an upstream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    event_stream,
    invalid,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity.authentication import WORKSPACE_ID
from provisioner.emulator.inference import forwarding, limits, payloads, tasks, traffic
from provisioner.emulator.inference.active import ActiveEndpoint, active
from provisioner.emulator.serving import access, endpoints, idleness

# Of route-optimised endpoints, as their endpoint_url says.
DATA_PLANE = f"/{WORKSPACE_ID}/serving-endpoints"
# Vectors and predictions cannot say themselves that they are made up.
MADE_UP = {"x-made-up-by": "local workspace"}


@dataclass(frozen=True, slots=True)
class EndpointQuery:
    """A query with its endpoint. ``served`` is the entity that it asks for, "" for any."""

    endpoint: ActiveEndpoint
    task: str
    body: Mapping[str, Any]
    served: str = ""


def invocations(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Answers a query. The traffic split, or the path, selects the served entity."""
    body = request.json()
    endpoint = _require_serving(workspace, request, request.parameters["name"])
    task = tasks.task_of(endpoint, body)
    served = request.parameters.get("served", "")
    return respond(workspace, request, EndpointQuery(endpoint, task, body, served))


def openai(task: str, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Answers a call of an OpenAI client: ``model`` names the endpoint. [serving-api 6.4]"""
    body = request.json()
    name = body.get("model")
    # rule(client): OpenAI's clients name the endpoint in "model". [serving-api 6.4]
    if not isinstance(name, str) or not name:
        raise invalid("model must be the name of a serving endpoint")
    endpoint = _require_serving(workspace, request, name)
    own_task = tasks.task_of(endpoint, body)
    if task == tasks.RESPONSES and own_task == tasks.CHAT:
        own_task = task
    # rule(assumed, always): A path of OpenAI's API takes endpoints of its task, because another
    #     model cannot answer; only the answer is assumed. [serving-api 6.4]
    if task != own_task and own_task != tasks.CUSTOM:
        raise ApiError(
            400,
            "BAD_REQUEST",
            f"Endpoint '{name}' has the task {own_task}; this path is for {task}.",
        )
    return respond(workspace, request, EndpointQuery(endpoint, own_task, body))


def _require_serving(
    workspace: EmulatedWorkspace, request: ApiRequest, name: str
) -> ActiveEndpoint:
    """Returns the endpoint, if it answers this caller's queries. [serving-api 3.10]

    Raises ApiError 404 where it is missing or never became ready, 503 where waiting helps, 400
    where it was stopped.
    """
    endpoint = active(workspace, name)
    _check_access(workspace.store, endpoint, request)
    # rule(documented): A query of a stopped endpoint answers 400. [serving-api 3.10]
    if endpoint.stopped:
        raise ApiError(400, "BAD_REQUEST", f"Endpoint '{name}' is stopped.")
    if endpoint.ready:
        return endpoint
    # rule(documented): A query of an endpoint that is not ready answers 503 or 404; that it is
    #     503 while waiting helps is assumed. [serving-api 3.10]
    if endpoints.require(workspace.store, name)["update"] == endpoints.IN_PROGRESS:
        raise ApiError(
            503,
            "TEMPORARILY_UNAVAILABLE",
            f"Endpoint '{name}' is not ready yet.",
            headers={"Retry-After": "1"},
        )
    # rule(documented): An endpoint that never became ready answers 404. [serving-api 3.10]
    raise ApiError(
        404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint '{name}' has no configuration that is ready."
    )


def _check_access(store: Store, endpoint: ActiveEndpoint, request: ApiRequest) -> None:
    """Refuses callers without CAN_QUERY, and queries at the wrong address. Raises ApiError."""
    place = {"name": endpoint.name, "id": endpoint.id, "system": endpoint.system}
    access.require(store, request.caller, place, access.CAN_QUERY)
    is_data_plane = request.path.startswith(f"{DATA_PLANE}/")
    # rule(assumed, always): Only route-optimized endpoints have an address of their own, because no
    #     other answer shows one. [serving-api 1.14]
    if is_data_plane and not endpoint.route_optimized:
        message = f"Endpoint '{endpoint.name}' has no address of its own."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    # rule(documented): The address of a route-optimized endpoint takes OAuth tokens only; the
    #     status is assumed. [serving-api 1.14]
    if is_data_plane and not request.caller.has_login:
        message = "Route-optimized endpoints take OAuth tokens, not personal access tokens."
        raise ApiError(401, "UNAUTHENTICATED", message)
    # rule(documented): A route-optimized endpoint made since September 2025 is queried at its own
    #     address only; the status is assumed. [serving-api 1.14]
    if endpoint.route_optimized and not is_data_plane:
        message = f"Endpoint '{endpoint.name}' is route-optimized: query its endpoint_url."
        raise ApiError(400, "BAD_REQUEST", message)


def respond(workspace: EmulatedWorkspace, request: ApiRequest, call: EndpointQuery) -> ApiResponse:
    """Returns the answer of an entity; it and every error go to the endpoint's inference table."""
    store = workspace.store
    exchange = payloads.Exchange(
        store, call.endpoint, request.caller.name, call.body, store.now_ms()
    )
    try:
        answered = _ask(workspace, request, call)
    except ApiError as error:
        exchange.add(error.status, error.answer().json)
        raise
    written = answered.written
    headers = MADE_UP if written.made_up else {}
    # Nobody has seen that header in answers of model services.
    if call.endpoint.fallbacks is None:
        headers = {**headers, "served-model-name": answered.entity["name"]}
    if written.chunks is None:
        exchange.add(200, written.json, answered.entity)
        return ApiResponse(written.json, headers=headers)
    events = event_stream(_record_chunks(exchange, answered))
    return ApiResponse(stream=events, headers=headers, content_type="text/event-stream")


@dataclass(frozen=True, slots=True)
class AnsweredQuery:
    """The entity that answers, its answer as far as it goes, and the limits that count it."""

    entity: dict[str, Any]
    written: tasks.ModelAnswer
    meters: Sequence[limits.RateMeter]


def _ask(workspace: EmulatedWorkspace, request: ApiRequest, call: EndpointQuery) -> AnsweredQuery:
    store, endpoint = workspace.store, call.endpoint
    direct = traffic.entity_named(endpoint, call.served) if call.served else None
    meters = limits.admit(store, endpoint, request.caller)
    idleness.record_query(store, endpoint.id, endpoint.entities)
    prepared = tasks.prepare(call.task, call.body, endpoint.gateway.get("guardrails") or {})

    def ask(entity: dict[str, Any]) -> AnsweredQuery:
        if workspace.settings.upstream and prepared.body is not None:
            written = forwarding.ask(workspace, entity, call.task, prepared)
        else:
            source = tasks.source_of(endpoint, entity, call.task)
            written = prepared.write(source, store.now_ms() // 1000)
        return AnsweredQuery(entity, prepared.finish(written), meters)

    answered = traffic.answer_with_fallbacks(store, endpoint, direct, ask)
    limits.charge(store, meters, answered.written.tokens)
    return answered


def _record_chunks(
    exchange: payloads.Exchange, answered: AnsweredQuery
) -> Iterator[dict[str, Any]]:
    """Yields the chunks. Their tokens are charged at the end, also when the client has gone."""
    written = answered.written
    try:
        yield from written.chunks or ()
    finally:
        if written.tally:
            limits.charge(exchange.store, answered.meters, written.tally.tokens)
        response = written.tally.chunks if written.tally else written.json
        exchange.add(200, response, answered.entity)


def list_models(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the endpoints that the caller may query, as OpenAI's clients list models."""
    models = [
        _model(record)
        for record in endpoints.every(workspace.store)
        if access.level(workspace.store, request.caller, record) in access.ASKING
    ]
    return ApiResponse({"object": "list", "data": models})


def get_model(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns one endpoint as a model of OpenAI's API."""
    record = endpoints.find(workspace.store, request.parameters["model"])
    # rule(client): A model that is no endpoint answers 404 to OpenAI's clients. [serving-api 6.4]
    if record is None:
        message = f"Endpoint with name '{request.parameters['model']}' does not exist."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    access.require(workspace.store, request.caller, record, access.CAN_QUERY)
    return ApiResponse(_model(record))


def _model(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record["name"],
        "object": "model",
        "created": record["created_ms"] // 1000,
        "owned_by": record["creator"] or "databricks",
    }


# Not atomic: a call that fails counts as well, and a provider may be made to wait.
_query = partial(ApiRoute, "POST", atomic=False)
# The second is how Databricks' own OpenAI client can be told to ask. [serving-api 6.4]
OPENAI_BASES = ("/serving-endpoints", "/ai-gateway/mlflow/v1")
OPENAI_PATHS = {
    "chat/completions": tasks.CHAT,
    "completions": tasks.COMPLETIONS,
    "embeddings": tasks.EMBEDDINGS,
    "responses": tasks.RESPONSES,
}
ROUTES = (
    _query("/serving-endpoints/{name}/invocations", invocations),
    _query(f"{DATA_PLANE}/{{name}}/invocations", invocations),
    _query("/serving-endpoints/{name}/served-models/{served}/invocations", invocations),
    *(
        _query(f"{OPENAI_BASES[0]}/{path}", partial(openai, task))
        for path, task in OPENAI_PATHS.items()
    ),
    # The other paths of the gateway take names of model services as well: ``service_queries``.
    _query(f"{OPENAI_BASES[1]}/completions", partial(openai, tasks.COMPLETIONS)),
    *(ApiRoute("GET", f"{base}/models", list_models) for base in OPENAI_BASES),
    *(ApiRoute("GET", f"{base}/models/{{model}}", get_model) for base in OPENAI_BASES),
)
