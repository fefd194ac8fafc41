"""What is special about a field, said once, on the model.

A marker stands in ``Annotated`` beside the type and names the source of its claim:

    description: Annotated[str | None, NotUpdatable(SDK, remedy="...")] = None

The markers travel in the generated JSON Schemas (as ``x-semantics``), and ``rules_in``
reads them back as one tree in the shape of the model. So diff, planner, overlay and docs
ask the same rules, and no command has to load pydantic to know them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
"""JSON data in manifest vocabulary."""

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """A path segment that is the key of a list entry or of a free mapping."""

    value: str

    def __str__(self) -> str:
        return f"[{quoted(self.value)}]"


Path = tuple[str | Key, ...]
"""Where in a comparable document: ``("config", "served_entities", Key("champion"))``."""


def quoted(key: str) -> str:
    """``key`` as it stands between brackets: as a JSON string where it is ambiguous."""
    if key and not any(c in '[]"' or c.isspace() for c in key):
        return key
    return json.dumps(key, ensure_ascii=False)


def path_text(path: Path) -> str:
    """``config.served_entities[champion].entity_version``."""
    text = "".join(str(s) if isinstance(s, Key) else f".{s}" for s in path)
    return text.removeprefix(".")


_SEGMENT = re.compile(
    r'(?:^|(?<!^)\.)(?P<name>[^.\[\]"\s]+)|\[(?:(?P<bare>[^\[\]"\s]+)|(?P<quoted>"(?:[^"\\]|\\.)*"))\]'
)


def parse_path(text: str) -> Path:
    """The path that ``path_text`` writes as ``text``. Raises ValueError if there is none."""
    found = list(_SEGMENT.finditer(text))
    if "".join(segment[0] for segment in found) != text:
        raise ValueError(f"`{text}` is not a path")
    return tuple(map(_segment, found))


def _segment(found: re.Match[str]) -> str | Key:
    return found["name"] or Key(found["bare"] or json.loads(found["quoted"]))
