"""Generates the files in ``schemas/`` from the models; nothing else loads the models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provisioner.errors.wording import listed
from provisioner.files.write import replace_file
from provisioner.kinds import KINDS
from provisioner.manifests import file_models
from provisioner.manifests.envelope import BUNDLE_KINDS, PART_OF_KEY, RESOURCE_KEY
from provisioner.manifests.for_each import FOR_EACH
from provisioner.manifests.schema.fields import inlined
from provisioner.manifests.schema.forms import (
    REFERENCE,
    REFERENCE_SCHEMA,
    Json,
    for_editors,
    partial,
    strict,
)
from provisioner.model.field_rules import FieldRule, rules_along, rules_in
from provisioner.model.kind import Kind
from provisioner.planning import file_models as plan_models
from provisioner.policies import file_models as policy_models

TABLE = "FIELDS.md"
DRAFT = "http://json-schema.org/draft-07/schema#"
OF_BUNDLES = "Resources of a bundle that `provisioner` does not manage. It ignores them."
FREE_KEYS = "A place for YAML anchors. Its values are not used otherwise."
_AT = "#/definitions/{model}"
FOR_EACH_SCHEMA: Json = {
    "description": "Creates a resource for each element: `${var.NAME}`, a list of texts or a "
    "mapping from keys to values. In the block `${each.key}` is the key, "
    "`${each.value.FIELD}` a field of the value; the address is "
    "`KIND.KEY/EACH`.",
    "anyOf": [
        {"type": "string", "pattern": r"^\$\{var\.[A-Za-z_][A-Za-z0-9_]*\}$"},
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        {"type": "object", "propertyNames": {"pattern": f"^{PART_OF_KEY}$"}},
    ],
}


def generate() -> dict[str, Json]:
    """Every schema by its name: ``manifest``, ``kinds/KIND``, ``plan`` and so on."""
    kinds = {name: kind.schema.model() for name, kind in KINDS.items()}
    return {
        "manifest": _manifest(kinds),
        **{f"kinds/{name}": _strict(model) for name, model in kinds.items()},
        "override": _override(kinds),
        "environment": _environment(kinds),
        "shapes/environment": _strict(file_models.EnvironmentFile),
        "project": _project(),
        "prices": _strict(file_models.PricesFile),
        "plan": _strict(plan_models.PlanFile),
        "release": _strict(file_models.Releases),
        "policy": _strict(policy_models.PolicyFile),
        "policy-case": _strict(policy_models.PolicyCaseFile),
        "removed": _strict(file_models.Removed),
    }


def write(folder: Path) -> None:
    """Write ``NAME.schema.json`` for each schema into ``folder``, and the table of fields."""
    for name, text in _texts().items():
        replace_file(folder / name, text)


def stale(folder: Path) -> tuple[str, ...]:
    """The files in ``folder`` that are missing or are not what would be written.

    A folder without the table of fields, such as that of a starter, holds the schemas that editors
    need: what is not there is then not missing.
    """
    wanted = {folder / name: text for name, text in _texts().items()}
    there = {path: text for path, text in wanted.items() if path.is_file()}
    if there and not (folder / TABLE).is_file():
        wanted = there
    differing = (
        path
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    )
    return tuple(str(path) for path in differing)


def _texts() -> dict[str, str]:
    schemas = generate()
    files = {
        f"{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }
    of_kinds = {name: inlined(schemas[f"kinds/{name}"]) for name in KINDS}
    return {**files, TABLE: markdown(KINDS, of_kinds)}


def _strict(model: type[Any]) -> Json:
    made = strict(model.model_json_schema(ref_template=_AT))
    definitions = made.pop("definitions", {})
    ordered = {"definitions": dict(sorted(definitions.items()))} if definitions else {}
    return {"$schema": DRAFT, **made, **ordered}


def _manifest(kinds: Mapping[str, type[Any]]) -> Json:
    """For editors: all kinds at once, references wherever a value can be.

    Old spellings are no part of it, so editors mark what `validate` takes with a warning:
    draft-07 has no word for "deprecated", and completion would offer them.
    """
    made = strict(file_models.Manifest.model_json_schema(ref_template=_AT))
    resources = made["properties"]["resources"]
    resources["properties"] = {
        **_by_kind(kinds),
        **{name: {"description": OF_BUNDLES} for name in BUNDLE_KINDS},
    }
    resources["additionalProperties"] = False
    definitions = _loose(kinds)
    for name in kinds:
        # Of blocks alone: it is replaced before a resource meets the schema of its kind.
        fields = definitions[name]["properties"]
        definitions[name]["properties"] = {FOR_EACH: FOR_EACH_SCHEMA, **fields}
    removed = made["properties"]["removed"]
    removed["properties"] = _removed_by_kind()
    removed["additionalProperties"] = False
    free = {"patternProperties": {"^x-": {"description": FREE_KEYS}}}
    return {"$schema": DRAFT, **made, **free, "definitions": definitions}


def _project() -> Json:
    """The project's file, with the sorts of names that the kinds let boundaries restrict."""
    made = _strict(file_models.ProjectFile)
    boundary = made["properties"]["boundaries"]["additionalProperties"]
    patterns = boundary.pop("additionalProperties")
    sorts = {
        sort: {"description": restriction.description, **patterns}
        for kind in KINDS.values()
        for sort, restriction in kind.dependencies.restrictions.items()
    }
    boundary |= {
        "description": "The values that manifests can use, as patterns with `*`. A field "
        "without a value restricts nothing.",
        "properties": sorts,
        "additionalProperties": False,
    }
    return made


def _environment(kinds: Mapping[str, type[Any]]) -> Json:
    """For editors: an environment's file with the fields of `defaults` and `overrides`.

    The tool checks those two by kind and key, after their references are replaced; what the
    file must look like before that is ``shapes/environment``.
    """
    made = _strict(file_models.EnvironmentFile)
    layers = {
        "defaults": {name: {"$ref": f"#/definitions/{name}"} for name in kinds},
        "overrides": _by_kind(kinds),
    }
    for section, by_kind in layers.items():
        made["properties"][section] |= {"properties": by_kind, "additionalProperties": False}
    made["definitions"] = made.get("definitions", {}) | _partial(kinds)
    return made


def _partial(kinds: Mapping[str, type[Any]]) -> Json:
    return {name: partial(schema) for name, schema in _loose(kinds).items()}


def _override(kinds: Mapping[str, type[Any]]) -> Json:
    """What may be laid over manifests: kind, key, and any part of a resource."""
    parts = _partial(kinds)
    return {
        "$schema": DRAFT,
        "description": "Overrides of the fields of resources, by kind and key.",
        "type": "object",
        "properties": _by_kind(kinds),
        "additionalProperties": False,
        "definitions": parts,
    }


def _removed_by_kind() -> Json:
    """For each kind that can be deleted a mapping from keys to what becomes of them."""
    entry = strict(file_models.Removed.model_json_schema(ref_template=_AT))
    return {
        name: {
            "type": "object",
            "propertyNames": {"pattern": RESOURCE_KEY},
            "additionalProperties": for_editors(entry),
        }
        for name, kind in KINDS.items()
        if kind.is_owned
    }


def _by_kind(kinds: Mapping[str, type[Any]]) -> Json:
    """For each kind a mapping from keys to resources."""
    return {
        name: {
            "type": "object",
            "propertyNames": {"pattern": RESOURCE_KEY},
            "additionalProperties": {"$ref": f"#/definitions/{name}"},
        }
        for name in kinds
    }


def _loose(kinds: Mapping[str, type[Any]]) -> Json:
    """The definitions for editors: ``KIND`` is a resource, ``KIND.Part`` what is in it."""
    definitions: Json = {}
    for name, model in kinds.items():
        made = strict(model.model_json_schema(ref_template=f"#/definitions/{name}.{{model}}"))
        parts = made.pop("definitions", {})
        definitions[name] = made
        definitions |= {f"{name}.{part}": parts[part] for part in sorted(parts)}
    loose = {name: for_editors(schema) for name, schema in definitions.items()}
    return {**loose, REFERENCE: REFERENCE_SCHEMA}


# The table of all fields: what each takes, what a change of it means, who says so. Pure.
# It is made of what the schemas carry, so it says what the planner does.

Schema = Mapping[str, Any]

INTRODUCTION: Final = """\
# Every field, its rule and its API call

Generated by `provisioner schema --write schemas`. A field without a rule is compared and updated by
its call. If the manifest does not have the field, the call removes it. A field without a source is
as in the API reference of Databricks. The tests compare all fields with the Databricks SDK.
"""
HEAD: Final = "| field | type | rule | call | source |\n|---|---|---|---|---|"
CREATE: Final = "create only"
NOT_SENT: Final = "not sent"
WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
}


@dataclass(frozen=True, slots=True)
class TableField:
    """A leaf of a kind's schema. ``names`` is its path without the keys of entries."""

    path: str
    names: tuple[str, ...]
    type: str
    key: bool = False


def markdown(kinds: Mapping[str, Kind], schemas: Mapping[str, Schema]) -> str:
    """The page. ``schemas`` are those of the kinds, with references written out."""
    parts = [INTRODUCTION]
    for name, kind in kinds.items():
        rules = rules_in(schemas[name])
        rows = (_row(field, rules, kind) for field in _fields(schemas[name], "", ()))
        parts.append("\n".join((f"## {name}\n", HEAD, *rows)) + "\n")
    return "\n".join(parts)


def _fields(
    node: Schema, path: str, names: tuple[str, ...], keys: tuple[str, ...] = ()
) -> Iterator[TableField]:
    for name, part in node["properties"].items():
        place, along = f"{path}{name}", (*names, name)
        entry, suffix = _entry(part)
        if entry.get("properties"):
            facts = part.get("x-semantics", {})
            yield from _fields(entry, f"{place}{suffix}.", along, tuple(facts.get("key", ())))
        else:
            needed = ", required" if name in node.get("required", ()) else ""
            yield TableField(place, along, _type(part) + needed, name in keys)


def _entry(part: Schema) -> tuple[Schema, str]:
    """What is inside of ``part``, and how its place is written."""
    if part.get("type") == "array":
        return part["items"], "[]"
    inner = part.get("additionalProperties")
    if isinstance(inner, Mapping) and "properties" in inner:
        return inner, "[]"
    return part, ""


def _type(part: Schema) -> str:
    if "enum" in part or "const" in part:
        return listed(part.get("enum", [part.get("const")]))
    if part.get("type") == "array":
        return f"list of {_type(part['items'])}"
    if "anyOf" in part:
        return " or ".join(_type(choice) for choice in part["anyOf"])
    inner = part.get("additionalProperties")
    if isinstance(inner, Mapping):
        return f"mapping to {_type(inner)}"
    return WORDS.get(part.get("type", ""), "anything")


def _row(field: TableField, rules: FieldRule, kind: Kind) -> str:
    *around, own = rules_along(rules, field.names)
    words = dict.fromkeys(word for rule in (*around, own) for word in _rules(rule))
    claims = (rule for rule in around if any(_rules(rule)))
    sources = dict.fromkeys(source for rule in (*claims, own) for source in rule.sources)
    first = ["identifies the entry"] if field.key else []
    call = _call(field.names[0], (*around, own), kind)
    cells = (f"`{field.path}`", field.type, ", ".join((*first, *words)), call, "; ".join(sources))
    return f"| {' | '.join(cells)} |"


def _rules(rule: FieldRule) -> Iterator[str]:
    if rule.immutable:
        yield "a change replaces"
    if rule.not_updatable:
        yield "a change is refused"
    if rule.write_only:
        yield "secret, never returned" if rule.secret else "never returned"
    if rule.secret_reference:
        yield "refers to a secret"
    if rule.server_default:
        values = listed(map(json.dumps, rule.default_values))
        yield f"default {values}" if values else "default chosen by Databricks"


def _call(root: str, along: tuple[FieldRule, ...], kind: Kind) -> str:
    if root in kind.planning.calls_of_field and not any(rule.immutable for rule in along):
        return listed(kind.planning.calls_of_field[root])
    fixed = any(rule.immutable or rule.not_updatable for rule in along)
    return CREATE if fixed else NOT_SENT
