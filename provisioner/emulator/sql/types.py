"""Results as Databricks SQL shows them: names of types, values as text. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

# The engine's name of a type -> as written in SQL, and as the manifest of a result names it.
# [the SDK: ColumnInfoTypeName]
NAMES = {
    "boolean": ("BOOLEAN", "BOOLEAN"),
    "tinyint": ("TINYINT", "BYTE"),
    "smallint": ("SMALLINT", "SHORT"),
    "integer": ("INT", "INT"),
    "bigint": ("BIGINT", "LONG"),
    # Sums of whole numbers, for which the engine takes more room than Databricks does.
    "hugeint": ("BIGINT", "LONG"),
    "float": ("FLOAT", "FLOAT"),
    "double": ("DOUBLE", "DOUBLE"),
    "varchar": ("STRING", "STRING"),
    "blob": ("BINARY", "BINARY"),
    "date": ("DATE", "DATE"),
    # The session's time zone is UTC, so the engine needs none in its values.
    "timestamp": ("TIMESTAMP", "TIMESTAMP"),
    "interval": ("INTERVAL", "INTERVAL"),
    "null": ("VOID", "NULL"),
}
NESTED = {"list": "ARRAY", "array": "ARRAY", "map": "MAP", "struct": "STRUCT"}


def column(name: str, engine_type: Any, position: int) -> dict[str, Any]:
    """Returns a column of the manifest."""
    shown = {"name": name, "type_text": text_of(engine_type), "type_name": _name(engine_type)}
    if engine_type.id == "decimal":
        sizes = dict(engine_type.children)
        shown |= {"type_precision": sizes["precision"], "type_scale": sizes["scale"]}
    return shown | {"position": position}


def text_of(engine_type: Any) -> str:
    """Returns the type as it is written in SQL: ``ARRAY<FLOAT>``."""
    if engine_type.id in NESTED:
        inner = dict(engine_type.children)
        if engine_type.id == "struct":
            fields = (f"{name}: {text_of(child)}" for name, child in inner.items())
            return f"STRUCT<{', '.join(fields)}>"
        if engine_type.id == "map":
            return f"MAP<{text_of(inner['key'])}, {text_of(inner['value'])}>"
        return f"ARRAY<{text_of(inner['child'])}>"
    if engine_type.id == "decimal":
        sizes = dict(engine_type.children)
        return f"DECIMAL({sizes['precision']},{sizes['scale']})"
    return NAMES.get(engine_type.id, ("STRING", "STRING"))[0]


def _name(engine_type: Any) -> str:
    if engine_type.id == "decimal":
        return "DECIMAL"
    return NESTED.get(engine_type.id) or NAMES.get(engine_type.id, ("STRING", "STRING"))[1]


def row(values: Sequence[Any]) -> list[str | None]:
    """Returns the values as text, as in the JSON_ARRAY format; nested ones are JSON in it."""
    return [_text(value) for value in values]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    plain = _plain(value)
    return json.dumps(plain) if isinstance(plain, bool | int | float) else str(plain)


def _plain(value: Any) -> Any:
    """Returns the value as JSON; exact numbers, moments and bytes become text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return format(value, "f") if isinstance(value, Decimal) else _other(value)


def _other(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
