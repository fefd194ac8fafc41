"""Selects the served entity: traffic split, fallbacks, and providers that fail on command.

A fault rule for the path ``/__provider__/{endpoint}/{served entity}`` makes that provider fail: its
``action`` is the provider's answer. Such a call is made for each attempt.
"""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any, TypeVar

from provisioner.emulator.faults import rules as faults
from provisioner.emulator.http.routing import NOTHING, ApiError
from provisioner.emulator.http.store import Store
from provisioner.emulator.inference.active import ActiveEndpoint
from provisioner.emulator.secrets.secret_values import problem_with, references_in
from provisioner.emulator.serving import metrics

Entity = dict[str, Any]
A = TypeVar("A")

# rule(documented): A request falls back to at most 2 other entities. [serving-api 3.6]
MOST_FALLBACKS = 2

# Has no divisor in common with 100: its multiples visit each of 100 places once, well spread.
STRIDE = 61

# What MLflow and the SDK turn into the right error. [serving-api 9.10]
ERROR_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


# rule(assumed, always): A query of an entity that the endpoint does not serve answers 404, because
#     nothing can answer it. [serving-api 3.10]
def entity_named(endpoint: ActiveEndpoint, name: str) -> Entity:
    """Returns a served entity by name. Raises ApiError RESOURCE_DOES_NOT_EXIST."""
    for entity in endpoint.entities:
        if entity["name"] == name:
            return entity
    raise ApiError(
        404,
        "RESOURCE_DOES_NOT_EXIST",
        f"Served entity '{name}' does not exist in endpoint '{endpoint.name}'.",
    )


def choose(store: Store, endpoint: ActiveEndpoint) -> Entity:
    """Returns the entity for the next call. Of 100 calls in a row, each gets exactly its share."""
    counter = f"traffic/{endpoint.id}"
    with store.transaction():
        number = store.fact(counter)
        store.set_fact(counter, number + 1)
    return entity_named(endpoint, entity_for_call(endpoint, number))


def entity_for_call(endpoint: ActiveEndpoint, number: int) -> str:
    """Returns the name of the entity for the ``number``-th call."""
    ends = list(accumulate(percentage for _, percentage in endpoint.routes))
    return endpoint.routes[bisect(ends, number * STRIDE % 100)][0]


def answer_with_fallbacks(
    store: Store, endpoint: ActiveEndpoint, direct: Entity | None, ask: Callable[[Entity], A]
) -> A:
    """Returns what ``ask`` gets from the entity ``direct``, else from the next one of the split.

    With fallbacks, and not for a direct call, the others are tried after a 429 or a 5xx, in their
    order, also those without traffic. [serving-api 3.8] Raises ApiError: the answer of the last
    provider that was asked.
    """
    entity = direct or choose(store, endpoint)
    others = [] if direct else _fallbacks(endpoint, entity)
    while True:
        started = time.perf_counter()
        try:
            _check(store, endpoint, entity)
            answer = ask(entity)
            _measure(store, endpoint, entity, 200, started)
            return answer
        except ApiError as failure:
            _measure(store, endpoint, entity, failure.status, started)
            if not others or not _may_pass_on(failure):
                raise
            entity, *others = others


def _measure(
    store: Store, endpoint: ActiveEndpoint, entity: Entity, status: int, started: float
) -> None:
    duration_ms = (time.perf_counter() - started) * 1000
    metrics.record_call(
        store, endpoint.id, metrics.MeasuredCall(entity["name"], status, duration_ms)
    )


def _fallbacks(endpoint: ActiveEndpoint, first: Entity) -> list[Entity]:
    if endpoint.fallbacks is not None:
        return [*endpoint.fallbacks]
    rule = endpoint.gateway.get("fallback_config") or {}
    if not rule.get("enabled") or "external_model" not in first:
        return []
    return [entity for entity in endpoint.entities if entity is not first][:MOST_FALLBACKS]


def _may_pass_on(failure: ApiError) -> bool:
    return failure.status == 429 or failure.status >= 500


def _check(store: Store, endpoint: ActiveEndpoint, entity: Entity) -> None:
    """Raises ApiError where the entity's secrets are missing, or a fault rule makes it fail."""
    for reference in references_in(entity.get("external_model")):
        # rule(documented): Secrets are resolved when the provider is called; the answer where one
        #     is missing is assumed. [serving-api 3.9]
        if problem := problem_with(store, reference):
            raise ApiError(400, "BAD_REQUEST", problem)
    fault = faults.take(store, "POST", (faults.PROVIDERS, endpoint.name, entity["name"]))
    if fault is None:
        return
    time.sleep(fault.delay_s)
    # A broken connection to a provider is an answer as well: the gateway's own.
    status = fault.status or (503 if fault.connection else 200)
    if status >= 400:
        body = fault.body or {"message": "made to fail by a fault rule of the local workspace"}
        raise provider_error(entity, status, body, fault.headers)


# rule(documented): A provider's error is wrapped with its name and its message. [serving-api 3.10]
def provider_error(
    entity: Entity, status: int, body: Any, headers: Mapping[str, str] = NOTHING
) -> ApiError:
    """Returns a provider's error as the gateway passes it on. [serving-api 3.10]"""
    provider = (entity.get("external_model") or {}).get("provider", "")
    return ApiError(
        status,
        ERROR_CODES.get(status, "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST"),
        f"The provider of served entity {entity['name']} answered with status {status}.",
        headers=headers,
        extra={"external_model_provider": provider, "external_model_message": body},
    )
