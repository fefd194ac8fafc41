"""The order of lists in answers: stable, and another one than was sent.

The service returns entities, tags and grants in an order of its own. [serving-api 1.8, 1.11, 3.4]
A client that compares lists by position has to fail here, not in production.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any


def rearranged(items: Iterable[Any]) -> list[Any]:
    """The JSON values ordered by a digest of what identifies them."""
    return sorted(items, key=_digest)


def _digest(item: Any) -> bytes:
    """By name or key where there is one: a changed value does not change the order."""
    if isinstance(item, dict):
        item = item.get("name") or item.get("key") or item
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).digest()
