"""The extensions of a resource, such as ``lifecycle`` and ``checks``: never sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from provisioner.errors import Finding
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.model.field_rules import FieldRule
from provisioner.model.paths import Document, Key, parse_path

LIFECYCLE: Final = "lifecycle"
EXISTING: Final = "existing"
CHECKS: Final = "checks"
ROLLOUT: Final = "rollout"
IGNORE_CHANGES: Final = "ignore_changes"
OURS: Final = (LIFECYCLE, EXISTING, CHECKS, ROLLOUT)


def settings(document: Document) -> dict[str, Any]:
    """What ``document`` says about itself."""
    settings_block: dict[str, Any] = document.get(LIFECYCLE, {})
    return settings_block


def without_settings(document: Document) -> Document:
    """``document`` as it is compared and sent."""
    return {name: part for name, part in document.items() if name not in OURS}


def ignored_paths(document: Document, rules: FieldRule) -> Iterator[Finding]:
    """Entries of ``ignore_changes`` that name no field: a typo there would ignore nothing.

    For a document whose shape is right.
    """
    for index, text in enumerate(settings(document).get(IGNORE_CHANGES, ())):
        problem = _wrong(text, rules)
        if problem:
            message, hint = problem
            yield Finding((LIFECYCLE, IGNORE_CHANGES, index), "E122", message, hint)


def _wrong(text: str, rules: FieldRule) -> tuple[str, str] | None:
    """Message and hint when ``text`` is the path of nothing, else None."""
    try:
        path = parse_path(text)
    except ValueError:
        path = ()
    if not path:
        return f"`{text}` is not the path of a field", "write it like `config.routes[key].field`"
    for segment in path:
        if isinstance(segment, Key):
            if not (rules.list_key or rules.mapping):
                return f"`{text}` names no field", f"what is before `{segment}` has no entries"
        elif segment in rules.fields:
            rules = rules.fields[segment]
        elif rules.mapping:
            return f"`{text}` names no field", f"write `[{segment}]` instead of `.{segment}`"
        else:
            return f"`{text}` names no field", did_you_mean(segment, rules.fields)
    return None
