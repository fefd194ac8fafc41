"""Where in a document a value is, and how to follow that.

A ``Path`` names a field of any document of a kind: field names, and the keys of entries. It
is what plans show and manifests ignore. A ``Location`` leads through one document: field
names and the indexes of lists. ``model.documents`` turns a path into a location.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.errors import Location

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


def overlaps(left: Path, right: Path) -> bool:
    """Whether one of the paths is the other, or lies inside of it."""
    shorter = min(len(left), len(right))
    return left[:shorter] == right[:shorter]


def get(document: Any, at: Location) -> Any:
    """The value at the names and indexes of ``at``; None where there is none."""
    return _follow(document, at)[1]


def has(document: Any, at: Location) -> bool:
    """Whether there is anything at ``at``, null included."""
    return _follow(document, at)[0]


def _follow(document: Any, at: Location) -> tuple[bool, Any]:
    for step in at:
        inside = isinstance(document, dict) and step in document
        if isinstance(document, list) and isinstance(step, int):
            inside = 0 <= step < len(document)
        if not inside:
            return False, None
        document = document[step]
    return True, document


_SEGMENT = re.compile(
    r'(?:^|(?<!^)\.)(?P<name>[^.\[\]"\s]+)|\[(?:(?P<bare>[^\[\]"\s]+)|(?P<quoted>"(?:[^"\\]|\\.)*"))\]'
)


def parse_path(text: str) -> Path:
    """The path that ``path_text`` writes as ``text``. Raises ValueError if there is none."""
    matches = list(_SEGMENT.finditer(text))
    if "".join(segment[0] for segment in matches) != text:
        raise ValueError(f"`{text}` is not a path")
    return tuple(map(_segment, matches))


def parse_paths(texts: Iterable[str]) -> tuple[Path, ...]:
    """The paths among ``texts``, without those that are no path or the path of everything."""
    return tuple(path for text in texts if (path := _path_or_nothing(text)))


def _path_or_nothing(text: str) -> Path:
    try:
        return parse_path(text)
    except ValueError:
        return ()


def _segment(match: re.Match[str]) -> str | Key:
    return match["name"] or Key(match["bare"] or json.loads(match["quoted"]))
