"""The body of a request as bytes: the only place where secrets are revealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from provisioner.secret import Secret


def encoded(body: Mapping[str, Any] | None) -> tuple[bytes | None, tuple[str, ...]]:
    """``body`` as JSON, and the values that were secret in it.

    Raises TypeError and ValueError for what is no JSON: a defect of ours.
    """
    if body is None:
        return None, ()
    revealed: list[str] = []

    def reveal(value: Any) -> Any:
        if isinstance(value, Secret):
            revealed.append(value.reveal())
            return revealed[-1]
        if isinstance(value, Mapping):
            return dict(value)
        raise TypeError(f"{type(value).__name__} cannot be sent as JSON")

    text = json.dumps(body, default=reveal, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii"), tuple(revealed)
