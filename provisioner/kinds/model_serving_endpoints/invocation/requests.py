"""Requests in the shape of an endpoint's task. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    external_models,
    is_custom,
    parts_of,
)
from provisioner.model.paths import Document

CHAT, COMPLETIONS, EMBEDDINGS = "llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"
CUSTOM: Final = "custom"
"""Of models that somebody registered: the service has no word for what they do."""

BODIES: Final[Mapping[str, Callable[[str], Document]]] = {
    CHAT: lambda prompt: {"messages": [{"role": "user", "content": prompt}]},
    COMPLETIONS: lambda prompt: {"prompt": prompt},
    EMBEDDINGS: lambda prompt: {"input": prompt},
}
"""What a prompt looks like for each task that takes one."""

FRAMES: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
"""The fields of which custom models want exactly one. Source: serving-endpoints/query."""


def invocations(name: str, entity: str = "") -> str:
    """Where the endpoint ``name`` is asked, or one served entity of it. No ``/api/2.0``."""
    served = f"/served-models/{quote(entity, safe='')}" if entity else ""
    return f"/serving-endpoints/{quote(name, safe='')}{served}/invocations"


def task_of(endpoint: Mapping[str, Any]) -> str:
    """The task of an endpoint, declared or live; ``""`` where none can be found.

    The top-level field is there for external and foundation models; a fresh endpoint may
    lack it, its entities do not.
    """
    if endpoint.get("task"):
        return str(endpoint["task"])
    for which in ("config", "pending_config"):
        for model in external_models({"config": endpoint.get(which)}):
            if model.value.get("task"):
                return str(model.value["task"])
    return ""


def asked_as(endpoint: Mapping[str, Any]) -> str:
    """The task of an endpoint, ``CUSTOM`` for registered models, ``""`` where nobody can tell."""
    task = task_of(endpoint)
    if task:
        return task
    entities = [entity.value for entity in parts_of(dict(endpoint), ENTITIES)]
    names = [str(entity.get("entity_name", "")) for entity in entities if is_custom(entity)]
    # Models of `system.ai` are foundation models, and tell their task only when they serve.
    custom = names and all(name and not name.startswith("system.ai.") for name in names)
    return CUSTOM if custom else ""
