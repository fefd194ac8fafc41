"""The destinations of a model service. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.errors import Location
from provisioner.model.paths import Document
from provisioner.model.serving import Branch, Topology


def destinations(document: Document) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    """Where each destination stands and what it says; the fallbacks last."""
    config = document.get("config") or {}
    routing = config.get("routing") or {}
    for index, each in enumerate(routing.get("destinations") or ()):
        yield ("config", "routing", "destinations", index), each
    fallback = routing.get("fallback") or {}
    for index, each in enumerate(fallback.get("destinations") or ()):
        yield ("config", "routing", "fallback", "destinations", index), each


PREFIXES = ("model-provider-services/", "models/", "serving-endpoints/")


def topology(document: Document) -> Topology:
    """A branch for each destination, and for each fallback behind them."""
    branches = []
    for place, each in destinations(document):
        is_fallback = "fallback" in place
        serves, provider = _served(each)
        # A single destination gets everything, with or without its share.
        share = 0 if is_fallback else each.get("traffic_percentage", 100)
        holders = (provider,) if provider else ()
        branches.append(Branch(str(each.get("name", "")), serves, share, is_fallback, holders))
    return tuple(branches)


def _served(destination: Mapping[str, Any]) -> tuple[str, str]:
    """What a destination asks, in words, and the provider service that holds its key."""
    external = destination.get("external_model_config") or {}
    if external:
        provider = _bare(external.get("model_provider_service"))
        model = (external.get("target") or {}).get("model", "")
        return f"{provider.rpartition('.')[2]} {model}", provider
    own = destination.get("pay_per_token_config") or {}
    endpoint = destination.get("provisioned_throughput_config") or {}
    return _bare(own.get("model") or endpoint.get("model_serving_endpoint")), ""


def _bare(name: Any) -> str:
    text = str(name or "")
    for prefix in PREFIXES:
        text = text.removeprefix(prefix)
    return text
