"""Pages of long lists, as the calls of Unity Catalog hand them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.emulator.http.routing import ApiRequest, invalid


def page(request: ApiRequest, key: str, items: Sequence[Any], most: int) -> dict[str, Any]:
    """Returns ``{key: items of this page}``, with ``next_page_token`` where there are more.

    ``max_results`` of 0 or none means the longest page, ``most``.
    """
    asked = _number(request, "max_results")
    start = _number(request, "page_token")
    end = start + (min(asked, most) if asked else most)
    answer: dict[str, Any] = {key: list(items[start:end])}
    # Opaque to clients, and here simply where the next page begins.
    return answer | ({"next_page_token": str(end)} if end < len(items) else {})


def _number(request: ApiRequest, name: str) -> int:
    text = request.query.get(name) or "0"
    # rule(assumed): A page token or a page length that is no number is refused. [SDK: max_results
    #     and page_token of Unity Catalog]
    if not (text.isdecimal() and text.isascii() and len(text) < 10):
        raise invalid(f"{name} is not valid.")
    return int(text)
