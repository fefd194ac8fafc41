"""The resources of a bundle with one target laid over it, as documents of their kinds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from provisioner.commands.importing.bundle.fold import mapping, united, without_empty
from provisioner.commands.importing.bundle.references import REFERENCE, Resolver
from provisioner.commands.importing.manifest_text import key_of
from provisioner.kinds import KINDS
from provisioner.kinds.bundle_vocabulary import LEVEL, PERMISSIONS, PRINCIPALS
from provisioner.manifests.envelope import RESOURCE_KEY
from provisioner.model import schemas
from provisioner.model.documents import in_order
from provisioner.model.importing import BundleRules
from provisioner.model.kind import Kind
from provisioner.model.paths import Document
from provisioner.model.plan import Address

Documents = Mapping[Address, Document]


def documents(data: Document, resolver: Resolver) -> Documents:
    """Returns the resources of the kinds that bundles and provisioner have, by address.

    ``data`` is the bundle with a target laid over it.
    """
    grants = resolver.resolved(data.get(PERMISSIONS) or [])
    resources: dict[Address, Document] = {}
    for kind, rules in bundle_kinds():
        for key, raw in mapping(mapping(data.get("resources")).get(kind.name)).items():
            written = without_empty(resolver.resolved(mapping(raw)))
            document = resolver.with_prefix(kind.name, written)
            granted = with_grants(document, grants, rules)
            resources[Address(kind.name, safe_key(key))] = _in_our_terms(granted, kind, rules)
    return resources


def bundle_kinds() -> Iterator[tuple[Kind, BundleRules]]:
    """The kinds that a bundle can have."""
    for kind in KINDS.values():
        if kind.importing and kind.importing.bundle:
            yield kind, kind.importing.bundle()


def safe_key(key: str) -> str:
    """``key`` where it can be the key of a resource here, else one that is made of it.

    The CLI replaces no reference in a key: `${var.name}` is a key of that text.
    """
    if re.fullmatch(RESOURCE_KEY, key):
        return key
    words = REFERENCE.sub(lambda match: match[1].rpartition(".")[2], key)
    return key_of(words, ())


def with_grants(document: Document, grants: Sequence[Any], rules: BundleRules) -> Document:
    """Returns ``document`` with the bundle's ``grants`` beside its own, as the CLI has it.

    A principal with a level of its own keeps that one; of several levels the highest counts.
    """
    own = document.get(PERMISSIONS)
    own = list(own) if isinstance(own, list) else []
    named = {_principal(entry) for entry in own}
    for grant in grants if isinstance(grants, list) else ():
        level = rules.levels.get(str(mapping(grant).get(LEVEL)))
        if level and _principal(grant) not in named:
            own.append({**grant, LEVEL: level})
    return {**document, PERMISSIONS: _highest(own, rules.ranks)} if own else document


def _highest(entries: Iterable[Any], ranks: Sequence[str]) -> list[Any]:
    renamed: dict[object, Any] = {}
    for index, entry in enumerate(entries):
        principal = _principal(entry) or index
        other = renamed.get(principal)
        if other is None or _rank(entry, ranks) > _rank(other, ranks):
            renamed[principal] = entry
    return list(renamed.values())


def _rank(entry: Any, ranks: Sequence[str]) -> int:
    level = mapping(entry).get(LEVEL)
    return ranks.index(level) if level in ranks else -1


def _principal(entry: Any) -> tuple[str, ...]:
    names = [(name, mapping(entry).get(name)) for name in PRINCIPALS]
    return tuple(f"{name} {value}" for name, value in names if value)


def _in_our_terms(document: Document, kind: Kind, rules: BundleRules) -> Document:
    """Today's spelling, values in the type of their field, entries united and named, ordered."""
    from provisioner.manifests.schema.check import converted

    document = {field: document[field] for field in document if field not in rules.unmanaged}
    migrate = kind.schema.migrate_legacy
    # After folding: the CLI appends lists under the name that both parts use.
    today = migrate(document)[0] if migrate else document
    schema = schemas.schema(f"kinds/{kind.name}")
    made, _ = converted(today, schema, drop_empty=True)
    field_rules = kind.schema.rules()
    ordered: Document = in_order(rules.named(united(made, field_rules)), field_rules)
    return ordered
