"""The order of lists in answers: stable, and another one than was sent, unless a server keeps it.

The service returns entities, tags and grants in an order of its own. [serving-api 1.8, 1.11, 3.4]
A client that compares these lists by position fails here, before it fails in production. Databricks
bundles do compare entities and tags by position, so that a server for other clients can keep the
order sent. Routes and rate limits always keep it. [serving-api 10.1, 10.3]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any

from provisioner.emulator.http.routing import ApiRequest, invalid

# What tells entities, tags, secrets, rate limits and grants from their neighbours.
IDENTITIES = (
    *("name", "key", "principal"),
    *("user_name", "group_name", "service_principal_name"),
)


IS_SHUFFLED: ContextVar[bool] = ContextVar("is_shuffled", default=True)
"""Whether the workspace that answers has an order of its own; set for each request."""


def rearrange(items: Iterable[Any]) -> list[Any]:
    """Returns the JSON values ordered by a digest of what identifies them, or as they came."""
    return sorted(items, key=_digest) if IS_SHUFFLED.get() else list(items)


def _digest(item: Any) -> bytes:
    """Returns the digest of a value's identity: a changed value does not change the order."""
    if isinstance(item, dict):
        item = {key: item[key] for key in IDENTITIES if key in item} or item
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).digest()


# Pages of long lists, as the calls of Unity Catalog hand them out.


def page(
    request: ApiRequest, key: str, items: Sequence[Any], most: int, size: str = "max_results"
) -> dict[str, Any]:
    """Returns ``{key: items of this page}``, with ``next_page_token`` where there are more.

    ``size`` names the parameter with the length; 0 or none means the longest page, ``most``.
    """
    requested = _number(request, size)
    start = _number(request, "page_token")
    end = start + (min(requested, most) if requested else most)
    answer: dict[str, Any] = {key: list(items[start:end])}
    # Opaque to clients, and here simply where the next page begins.
    return answer | ({"next_page_token": str(end)} if end < len(items) else {})


def _number(request: ApiRequest, name: str) -> int:
    text = request.query.get(name) or "0"
    # rule(assumed, always): A page token or a page length that is no number is refused, because no
    #     page belongs to it. [SDK: max_results and page_token of Unity Catalog]
    if not (text.isdecimal() and text.isascii() and len(text) < 10):
        raise invalid(f"{name} is not valid.")
    return int(text)
