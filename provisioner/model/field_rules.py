"""What is special about a field, said once, on the model.

A marker stands in ``Annotated`` beside the type and names the source of its claim:

    description: Annotated[str | None, NotUpdatable(SDK, remedy="...")] = None

The markers travel in the generated JSON Schemas (as ``x-semantics``), and ``rules_in``
reads them back as one tree in the shape of the model. So diff, planner, overlay and docs
ask the same rules, and no command has to load pydantic to know them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from provisioner.model.paths import Path, Schema


@dataclass(frozen=True, slots=True)
class Marker:
    """A claim about a field. ``source`` is where the claim can be checked."""

    source: str

    def facts(self) -> dict[str, Any]:
        """What the claim adds to the field's ``x-semantics``."""
        raise TypeError(f"{type(self).__name__} claims nothing")

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = handler(core)
        known = schema.get("x-semantics", {})
        sources = [*known.get("source", []), self.source]
        return schema | {"x-semantics": known | self.facts() | {"source": sources}}


@dataclass(frozen=True, slots=True)
class Immutable(Marker):
    """Fixed at creation: changing it, or anything inside it, replaces the resource."""

    def facts(self) -> dict[str, Any]:
        return {"immutable": True}


@dataclass(frozen=True, slots=True)
class WriteOnly(Marker):
    """Accepted but never returned: sent, not compared. ``secret``: also never shown."""

    secret: bool = False

    def facts(self) -> dict[str, Any]:
        return {"write_only": True} | ({"secret": True} if self.secret else {})


@dataclass(frozen=True, slots=True)
class SecretReference(Marker):
    """Holds ``{{secrets/scope/key}}``; its twin ``<name>_plaintext`` holds the value."""

    def facts(self) -> dict[str, Any]:
        return {"secret_reference": True}


@dataclass(frozen=True, slots=True)
class ServerDefault(Marker):
    """Where the manifest is silent the service chooses, and the live value stays.

    With ``only``, just these values count as the service's choice: any other live value
    was set by a user, and is removed when the manifest does not hold it.
    """

    only: tuple[Any, ...] = ()

    def facts(self) -> dict[str, Any]:
        return {"server_default": True} | ({"only": list(self.only)} if self.only else {})


@dataclass(frozen=True, slots=True)
class KeyedBy(Marker):
    """The list's entries are told apart by these of their fields, not by position.

    A field named in ``default`` counts as that value where an entry lacks it. An entry that
    holds several of the fields in ``split`` counts as one entry for each of them.
    """

    key: tuple[str, ...] = ()
    default: tuple[tuple[str, str], ...] = ()
    split: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        return (
            {"key": list(self.key)}
            | ({"key_default": dict(self.default)} if self.default else {})
            | ({"split": list(self.split)} if self.split else {})
        )


@dataclass(frozen=True, slots=True)
class NotUpdatable(Marker):
    """No call changes it, and a replacement is not wanted: a change blocks the step."""

    remedy: str = ""

    def facts(self) -> dict[str, Any]:
        return {"not_updatable": self.remedy}


# Without slots: which fields lead to something write-only is asked for every document.
@dataclass(frozen=True)
class FieldRule:
    """A field's markers as questions. ``fields`` are the rules of the fields inside it.

    ``list_key`` is empty for anything but a keyed list; ``split_by`` names the fields of which
    each makes an entry of its own, also where one entry holds several; ``mapping`` says that
    the field is a free mapping whose entries are compared one by one; ``type`` is the JSON type of
    a scalar (``""`` for anything else).
    """

    type: str = ""
    immutable: bool = False
    write_only: bool = False
    secret: bool = False
    secret_reference: bool = False
    server_default: bool = False
    default_values: tuple[Any, ...] = ()
    not_updatable: str = ""
    list_key: tuple[str, ...] = ()
    key_default: Mapping[str, str] = field(default_factory=dict)
    split_by: tuple[str, ...] = ()
    mapping: bool = False
    sources: tuple[str, ...] = ()
    fields: Mapping[str, FieldRule] = field(default_factory=dict)

    @cached_property
    def unread(self) -> Mapping[str, FieldRule]:
        """Those of ``fields`` that are write-only, or hold something that is."""
        return {name: rule for name, rule in self.fields.items() if rule.write_only or rule.unread}


PLAIN = FieldRule()


def rules_in(schema: Schema) -> FieldRule:
    """The rule tree of a JSON Schema whose properties carry ``x-semantics``.

    Understands what our generator writes: objects, arrays of objects, free mappings,
    scalars, and ``$ref`` into ``definitions`` or ``$defs`` with ``x-semantics`` beside it.
    A schema that refers to itself is not one of ours and ends in RecursionError.
    """
    return _rule(schema, schema)


def _rule(node: Schema, root: Schema) -> FieldRule:
    facts: Mapping[str, Any] = node.get("x-semantics", {})
    shape = _shape(node, root)
    # A field that refers to a shared definition may say more than the definition does.
    facts = {**shape.get("x-semantics", {}), **facts}
    entry = _shape(shape.get("items", {}), root) if shape.get("type") == "array" else shape
    inner = entry.get("properties", {})
    free = shape.get("type") == "object" and "properties" not in shape
    return FieldRule(
        type=shape["type"] if shape.get("type") in _SCALARS else "",
        immutable=facts.get("immutable", False),
        write_only=facts.get("write_only", False),
        secret=facts.get("secret", False),
        secret_reference=facts.get("secret_reference", False),
        server_default=facts.get("server_default", False),
        default_values=tuple(facts.get("only", ())),
        not_updatable=facts.get("not_updatable", ""),
        list_key=tuple(facts.get("key", ())),
        key_default=facts.get("key_default", {}),
        split_by=tuple(facts.get("split", ())),
        mapping=free,
        sources=tuple(facts.get("source", ())),
        fields={name: _rule(child, root) for name, child in inner.items()},
    )


_SCALARS = ("string", "integer", "number", "boolean")


def _shape(node: Schema, root: Schema) -> Schema:
    """``node``, or what it refers to; of alternatives the one that is not null."""
    if "$ref" in node:
        target: Any = root
        for part in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        return _shape(target, root)
    # pydantic writes an optional field as `anyOf` of its type and null.
    choices = [c for c in node.get("anyOf", ()) if c.get("type") != "null"]
    return _shape(choices[0], root) if len(choices) == 1 else node


def rule_at(root: FieldRule, path: Path) -> FieldRule:
    """The rule for ``path``; a plain one where the model does not reach.

    What is immutable, write-only or secret is so down to its last leaf.
    """
    rules = rules_along(root, path) or (root,)
    # Most fields inherit nothing, and this is asked for each leaf of each endpoint.
    if not any(rule.immutable or rule.write_only or rule.secret for rule in rules[:-1]):
        return rules[-1]
    return replace(
        rules[-1],
        immutable=any(rule.immutable for rule in rules),
        write_only=any(rule.write_only for rule in rules),
        secret=any(rule.secret for rule in rules),
    )


def rules_along(root: FieldRule, path: Path) -> tuple[FieldRule, ...]:
    """The rules of each named field on the way to ``path``, outermost first."""
    rules = [root]
    for segment in path:
        if isinstance(segment, str):
            rules.append(rules[-1].fields.get(segment, PLAIN))
    return tuple(rules[1:])
