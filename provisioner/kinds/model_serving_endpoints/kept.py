"""What a call that replaces everything has to send for the fields that a manifest ignores.

``lifecycle.ignore_changes`` means that a field stays as it is on the live endpoint. The
config and the gateway are replaced as a whole, so such a field is sent as it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.parts import at, mapping
from provisioner.plan import ABSENT, Action, FieldChange
from provisioner.resource import Intent
from provisioner.semantics import Document, Key, Path

IGNORED: Final = "ignored by lifecycle.ignore_changes"

# The fields that tell the entries of a list apart, and what an entry without them counts as.
KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "served_entities": {"name": ""},
    "routes": {"served_entity_name": ""},
    "rate_limits": {"key": "endpoint", "principal": ""},
}
FREE_MAPPINGS: Final = ("environment_vars",)
"""Fields whose entries are told apart by their names: no list, though paths have keys."""


def with_live_values(intent: Intent, field: str) -> Any:
    """The desired value of ``field``, with the live one wherever the plan ignores a change.

    Other changes that the plan keeps are left out: what the service chose for itself is
    never sent. None where there is nothing to send.
    """
    wanted = (intent.desired or {}).get(field, ABSENT)
    live = intent.live.document if intent.live else {}
    for change in intent.changes:
        if change.path[0] == field and change.action is Action.KEEP and change.reason == IGNORED:
            path, value = _whole_list(change, live)
            wanted = _put(wanted, path[1:], value, "")
    return None if wanted is ABSENT else wanted


def _whole_list(change: FieldChange, live: Document) -> tuple[Path, Any]:
    """Path and live value of ``change``; of a list without keys always the whole list."""
    for index, segment in enumerate(change.path):
        keyed = index and change.path[index - 1] in (*KEYS, *FREE_MAPPINGS)
        if isinstance(segment, Key) and not keyed:
            place = tuple(str(name) for name in change.path[:index])
            found = at(live, place)
            return change.path[:index], ABSENT if found is None else found
    return change.path, change.before


def _put(value: Any, path: Path, new: Any, list_name: str) -> Any:
    """``value`` with ``new`` at ``path``; ABSENT where nothing is left of it."""
    if not path:
        return new
    segment, rest = path[0], path[1:]
    if isinstance(segment, Key) and list_name in FREE_MAPPINGS:
        segment = segment.value
    if isinstance(segment, Key):
        entries = value if isinstance(value, list) else []
        place = _index(entries, segment, KEYS[list_name])
        old = entries[place] if place < len(entries) else ABSENT
        changed = _put(old, rest, new, list_name)
        entry = [] if changed is ABSENT else [changed]
        return [*entries[:place], *entry, *entries[place + 1 :]]
    fields = dict(mapping(value))
    inner = _put(fields.get(segment, ABSENT), rest, new, segment)
    others = {name: one for name, one in fields.items() if name != segment}
    return (others or ABSENT) if inner is ABSENT else {**fields, segment: inner}


def _index(entries: list[Any], key: Key, keys: Mapping[str, str]) -> int:
    """Where the entry of ``key`` is; a single unnamed one is meant by any key."""
    labels = [label_of(entry, keys) for entry in entries]
    if key.value in labels:
        return labels.index(key.value)
    return 0 if labels == [""] else len(labels)


def label_of(entry: Any, keys: Mapping[str, str]) -> str:
    """An entry's label as it stands in the paths of a plan: its key texts, joined."""
    texts = (mapping(entry).get(name) or otherwise for name, otherwise in keys.items())
    return ":".join(str(text) for text in texts if text)
