"""Portraits as the text of a manifest. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provisioner.errors import Location
from provisioner.plan import Address
from provisioner.portrait import Portrait
from provisioner.secret import reference_in
from provisioner.semantics import FieldRule
from provisioner.yaml_text import Comments, Style, lines


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a manifest to be. ``rules`` are those of its kind."""

    address: Address
    portrait: Portrait
    rules: FieldRule
    references: bool = False
    """Whether the texts of the document already are those of a manifest."""


def manifest(entries: Iterable[Entry], schema: str = "") -> str:
    """The file that declares ``entries``; ``schema`` is the path to it for editors."""
    resources: dict[str, dict[str, Any]] = {}
    comments: dict[Location, Any] = {}
    kinds: dict[str, dict[str, FieldRule]] = {}
    for one in entries:
        kind, key = one.address.kind, one.address.key
        document = one.portrait.document if one.references else as_written(one.portrait.document)
        resources.setdefault(kind, {})[key] = document
        at: Location = ("resources", kind, key)
        comments |= {(*at, *place): said for place, said in one.portrait.comments.items()}
        kinds.setdefault(kind, {})[key] = one.rules
    found: Comments = comments
    text = lines({"resources": resources}, _rules(kinds), Style(found))
    first = [f"# yaml-language-server: $schema={schema}"] if schema else []
    return "\n".join((*first, *text)) + "\n"


def _rules(kinds: dict[str, dict[str, FieldRule]]) -> FieldRule:
    """The rules for a whole manifest: below each kind every key has the rules of the kind."""
    by_kind = {kind: FieldRule(fields=keys, mapping=True) for kind, keys in kinds.items()}
    return FieldRule(fields={"resources": FieldRule(fields=by_kind, mapping=True)}, mapping=True)


def as_written(value: Any) -> Any:
    """``value`` as a manifest has it: ``${env.X}`` for secrets, ``$${`` for ``${``."""
    found = reference_in(value)
    if found is not None and "from_env" in found:
        return f"${{env.{found['from_env']}}}"
    if isinstance(value, dict):
        return {name: as_written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_written(inner) for inner in value]
    return value.replace("${", "$${") if isinstance(value, str) else value
