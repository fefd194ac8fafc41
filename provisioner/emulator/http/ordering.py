"""The order of lists in answers: stable, and another one than was sent.

The service returns entities, tags and grants in an order of its own. [serving-api 1.8, 1.11, 3.4]
A client that compares these lists by position has to fail here, not in production. Routes and rate
limits keep the order sent. [serving-api 10.1, 10.3]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

# What tells entities, tags, secrets, rate limits and grants from their neighbours.
IDENTITIES = (
    *("name", "key", "principal"),
    *("user_name", "group_name", "service_principal_name"),
)


def rearrange(items: Iterable[Any]) -> list[Any]:
    """Returns the JSON values ordered by a digest of what identifies them."""
    return sorted(items, key=_digest)


def _digest(item: Any) -> bytes:
    """Returns the digest of a value's identity: a changed value does not change the order."""
    if isinstance(item, dict):
        item = {key: item[key] for key in IDENTITIES if key in item} or item
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).digest()
