"""The destinations of a model service. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.errors import Location
from provisioner.model.paths import Document


def destinations(document: Document) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    """Where each destination stands and what it says; the fallbacks last."""
    config = document.get("config") or {}
    routing = config.get("routing") or {}
    for index, each in enumerate(routing.get("destinations") or ()):
        yield ("config", "routing", "destinations", index), each
    fallback = routing.get("fallback") or {}
    for index, each in enumerate(fallback.get("destinations") or ()):
        yield ("config", "routing", "fallback", "destinations", index), each
