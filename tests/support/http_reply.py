"""What the local workspace answers, as its tests read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The error code; it fails where the body is not an error in the service's shape."""
        assert set(self.json) >= {"error_code", "message"}, self.content
        return str(self.json["error_code"])
