"""From an answer to a live document in manifest vocabulary, and on to a manifest. Pure.

Nothing here raises, whatever an answer holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

from provisioner.errors import Location
from provisioner.kinds.unity_catalog.securable import GRANTS
from provisioner.model.documents import entries_by_label, in_order, without_defaults
from provisioner.model.field_rules import PLAIN, FieldRule
from provisioner.model.importing import GeneratedManifest, variable_name
from provisioner.model.live import Live
from provisioner.model.paths import Document, Key, Path, path_text

NAMES: Final = frozenset({"parent", "model_provider_service", "model_serving_endpoint"})
"""Fields that name an object of the catalog, which does not mind the case."""
REFERENCES: Final = ("secrets/", "connections/")
"""What a reference to another object of the catalog begins with, in fields of other names."""
DELETED: Final = "is_deleted"
GONE: Final = "deleted: "


def with_deleted_targets(value: Any, replaced: Set[str] = frozenset()) -> Any:
    """An answer in which no target that was deleted has its name; ``replaced`` are such names.

    A new object of that name is another one: the destination has to be sent again, and so it
    has to differ. [databricks-sdk, is_deleted]
    """
    if isinstance(value, list):
        return [with_deleted_targets(each, replaced) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.get(DELETED) is not True and not any(_names(value, replaced)):
        return {name: with_deleted_targets(inner, replaced) for name, inner in value.items()}
    return {
        name: {field: _gone(field, text) for field, text in inner.items()}
        if isinstance(inner, Mapping)
        else _gone(name, inner)
        for name, inner in value.items()
    }


def _gone(field: str, value: Any) -> Any:
    """``value`` as it is shown of what was deleted: a name of another object gets a mark."""
    is_reference = isinstance(value, str) and value.startswith(REFERENCES)
    return f"{GONE}{value}" if field in NAMES or is_reference else value


def _names(destination: Mapping[str, Any], replaced: Set[str]) -> Iterator[bool]:
    """Whether a block of ``destination`` names one of ``replaced``."""
    for block in destination.values():
        for field, text in block.items() if isinstance(block, Mapping) else ():
            if field in NAMES and isinstance(text, str):
                yield text.rpartition("/")[2].casefold() in replaced


def without_marks(value: Any) -> Any:
    """``value`` with the names of deleted targets: what a deletion elsewhere does not change."""
    if isinstance(value, Mapping):
        return {name: without_marks(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_marks(each) for each in value]
    return value.removeprefix(GONE) if isinstance(value, str) else value


def known_fields(
    raw: Mapping[str, Any], rule: FieldRule, path: Path, ignored: frozenset[str], unknown: list[str]
) -> Document:
    """``raw`` without what the model does not know; that is added to ``unknown``."""
    fields = {}
    for name, value in raw.items():
        inner = rule.fields.get(name)
        if inner is None:
            if name not in ignored and not _says_nothing(value):
                unknown.append(path_text((*path, name)))
        elif not inner.write_only:
            fields[name] = _value(value, inner, (*path, name), ignored, unknown)
    return {name: value for name, value in fields.items() if value is not None}


def _value(
    value: Any, rule: FieldRule, path: Path, ignored: frozenset[str], unknown: list[str]
) -> Any:
    if not rule.fields:
        return _number(value) if rule.type == "integer" else value
    if isinstance(value, Mapping):
        return known_fields(value, rule, path, ignored, unknown)
    if not isinstance(value, list):
        return None
    entries = [each for each in value if isinstance(each, Mapping)]
    return [
        known_fields(each, rule, (*path, Key(str(each.get("name", index)))), ignored, unknown)
        for index, each in enumerate(entries)
    ]


def _number(value: Any) -> Any:
    # The JSON form of protocol buffers writes 64-bit numbers as text.
    is_number = isinstance(value, str) and value.isascii() and value.isdecimal()
    return int(value) if is_number and len(value) < 19 else value


def _says_nothing(value: Any) -> bool:
    return value in (None, "", False) or (not value and isinstance(value, Mapping | list))


def spelled_as(live: Any, desired: Any, rule: FieldRule, name: str = "") -> Any:
    """``live`` as ``desired`` writes it, where both mean the same.

    The order of a list of texts means nothing, and neither does the case of a name.
    """
    if isinstance(live, dict) and isinstance(desired, dict):
        return {
            key: spelled_as(value, desired.get(key), rule.fields.get(key, PLAIN), key)
            for key, value in live.items()
        }
    if isinstance(live, list) and isinstance(desired, list):
        return _spelled_list(live, desired, rule)
    both_texts = isinstance(live, str) and isinstance(desired, str)
    is_name = name in NAMES or (both_texts and live.startswith(REFERENCES))
    return desired if both_texts and is_name and live.casefold() == desired.casefold() else live


def _spelled_list(live: list[Any], desired: list[Any], rule: FieldRule) -> list[Any]:
    entry = FieldRule(fields=rule.fields)
    if rule.list_key:
        wanted = entries_by_label(desired, rule)
        actual = entries_by_label(live, rule)
        return [spelled_as(each, wanted.get(label), entry) for label, each in actual.items()]
    if rule.fields:
        beside = [*desired, *[None] * len(live)]
        return [spelled_as(each, beside[index], entry) for index, each in enumerate(live)]
    texts = all(isinstance(each, str) for each in (*live, *desired))
    return desired if texts and sorted(live) == sorted(desired) else live


def fingerprint(*facts: Any) -> str:
    """A digest of all that a plan was made from."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


ROTATED: Final = "rotated_at"
NOT_READ = (
    "The value is never read back. apply needs the variable only if it writes the value again:",
    "if the secret is missing, with another `rotated_at`, or with --rotate.",
)


def generate(rules: FieldRule, live: Live, words: str) -> GeneratedManifest:
    """``live`` as a manifest describes it; ``words`` begin the names of its variables."""
    document: Document = without_defaults(in_order(live.document, rules), rules)
    comments: dict[Location, tuple[str, ...]] = {}
    if "from_env" in rules.fields:
        document["from_env"] = variable_name(words)
        comments[("from_env",)] = NOT_READ
    document |= _applied_facts(rules, live)
    document = _with_plaintext(document, words)
    if not document.get(GRANTS):
        document.pop(GRANTS, None)
    return GeneratedManifest(in_order(document, rules), comments)


def _applied_facts(rules: FieldRule, live: Live) -> Document:
    """Fields of the manifest that only the last line of the comment keeps, such as a rotation."""
    facts = (fact.partition(":") for fact in live.ownership.applied.split())
    return {
        name: value
        for name, _, value in facts
        if value and name == ROTATED and name in rules.fields
    }


def _with_plaintext(value: Any, words: str) -> Any:
    """A login that the service shows empty was given as text: its place takes a variable."""
    if not isinstance(value, Mapping):
        return (
            [_with_plaintext(each, words) for each in value] if isinstance(value, list) else value
        )
    result = {}
    for name, inner in value.items():
        is_set = name in SECRET_FIELDS and inner == {}
        variable = variable_name(f"{words}_{name}")
        secret = {"plaintext": {"$secret": {"from_env": variable}}}
        result[name] = secret if is_set else _with_plaintext(inner, words)
    return result


SECRET_FIELDS = frozenset({"api_key", "client_secret", "secret_access_key", "api_key_value"})
