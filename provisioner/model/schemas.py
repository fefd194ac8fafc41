"""Where the generated JSON Schemas are, and what rules they carry."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from provisioner.model.field_rules import FieldRule, rules_in

_HERE = Path(__file__).parent.parent
# In a wheel the schemas lie inside the package, in a checkout beside it.
FOLDERS = (_HERE / "schema_documents", _HERE.parent / "schemas")


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema ``NAME.schema.json``, for instance ``manifest`` or ``environment``.

    Raises FileNotFoundError in a broken installation.
    """
    loaded: dict[str, Any] = json.loads(text(name))
    return loaded


def text(name: str) -> str:
    """The file of the schema ``name``; see ``schema``."""
    for folder in FOLDERS:
        path = folder / f"{name}.schema.json"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"{name}.schema.json is missing from this installation")


@cache
def rules(kind: str) -> FieldRule:
    """The rule tree of a kind, read from its strict schema ``kinds/KIND``."""
    return rules_in(schema(f"kinds/{kind}"))
