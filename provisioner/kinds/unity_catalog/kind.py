"""Makes a ``Kind`` of what is special about one kind of Unity Catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial

from provisioner.errors import Finding, Location
from provisioner.kinds.lazy import loaded
from provisioner.kinds.unity_catalog import calls, privileges, validation
from provisioner.kinds.unity_catalog.securable import GRANTS, SecurableKind
from provisioner.model import schemas
from provisioner.model.connection import Connection
from provisioner.model.drift import DriftCategory
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import (
    BundleRules,
    Claimed,
    GeneratedManifest,
    Importing,
    StateEntry,
)
from provisioner.model.kind import (
    Declared,
    Dependencies,
    Driver,
    Intent,
    Invocation,
    Kind,
    OwnershipCarrier,
    Planning,
    Runtime,
    Schema,
)
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange
from provisioner.model.references import Prerequisite, RestrictedName, nothing
from provisioner.model.secret import SecretReader
from provisioner.model.serving import Topology

# What model services and model provider services have in common. Pure.

TABLE = ("config", "inference_table")


def table_action(change: FieldChange) -> FieldAction | None:
    """An inference table may come and go as a whole, but not move."""
    names = tuple(segment for segment in change.path if isinstance(segment, str))
    if names[:2] != TABLE:
        return None
    whole = change.before is ABSENT or change.after is ABSENT
    # The service fills in the prefix where the manifest is silent.
    if names[2:] == ("table_name_prefix",) and change.after is ABSENT:
        return None
    return FieldAction(Action.UPDATE, Cause.DIFFERS) if whole else None


Relations = Callable[[Document, Declared], Iterator[Finding]]


def _none(document: Document, declared: Declared) -> Iterator[Finding]:
    return iter(())


def _nothing(document: Document) -> Iterator[tuple[str, str]]:
    return iter(())


@dataclass(frozen=True, slots=True)
class CatalogParts:
    """What a kind adds to what all kinds of Unity Catalog do.

    ``model`` is the name of its pydantic model, in the module ``model`` of its folder.
    """

    model: str
    relations: Relations = _none
    depends_on: Callable[[Document], Iterator[tuple[str, str]]] = _nothing
    field_action: Callable[[FieldChange, Document, Live], FieldAction | None] | None = None
    applied_digests: Callable[[Document], str] | None = None
    calls_of_field: Mapping[str, tuple[str, ...]] | None = None
    migrate_legacy: Callable[[Document], tuple[Document, tuple[Finding, ...]]] | None = None
    invocation: Invocation | None = None
    privileges: Callable[[Document], Iterator[Prerequisite]] = nothing
    aliases: Callable[[Document], Iterator[tuple[str, Location]]] = nothing
    follows: Callable[[FieldChange], frozenset[str]] | None = None
    topology: Callable[[Document], Topology] | None = None
    provides_secrets: bool = False
    keeps_data: bool = False


def kind_of(securable: SecurableKind, parts: CatalogParts) -> Kind:
    """The kind whose objects ``securable`` describes."""
    rules = partial(schemas.rules, securable.name)
    updated = dict.fromkeys((*securable.created_fields, *securable.updated_later), ("update",))
    return Kind(
        name=securable.name,
        title=securable.title,
        ownership=OwnershipCarrier.COMMENT,
        keeps_data=parts.keeps_data,
        schema=Schema(
            model=partial(loaded, f"{securable.name}.model", parts.model),
            rules=rules,
            relations=partial(_relations, securable, parts.relations),
            migrate_legacy=parts.migrate_legacy,
            same_name=str.lower,
            # One metastore serves many environments: they differ by catalog or schema.
            takes_name_prefix=False,
            name_of=securable.full_name,
            api_name=securable.api_name if securable.is_service else None,
        ),
        dependencies=_dependencies(securable, parts),
        planning=Planning(
            operations=partial(calls.operations, securable),
            own_calls=calls.own_calls(securable),
            calls_of_field={**updated, GRANTS: ("update_grants",), **(parts.calls_of_field or {})},
            field_action=parts.field_action,
            applied_digests=parts.applied_digests,
            warnings=_warnings,
            drift_category=drift_category,
            follows=parts.follows,
            rebound=rebound if securable.is_service else None,
        ),
        runtime=Runtime(connect=partial(_connect, securable, rules), topology=parts.topology),
        invocation=parts.invocation,
        importing=_importing(securable, rules, parts),
    )


def _relations(
    securable: SecurableKind, own: Relations, document: Document, declared: Declared
) -> Iterator[Finding]:
    yield from validation.relations(securable, document, declared)
    yield from own(document, declared)


def _depends_on(
    securable: SecurableKind,
    own: Callable[[Document], Iterator[tuple[str, str]]],
    document: Document,
) -> Iterator[tuple[str, str]]:
    """The schema that the object is in comes first, and then what it refers to."""
    full_name = securable.full_name(document)
    if full_name.count(".") == 2:
        yield "schemas", full_name.rpartition(".")[0]
    yield from own(document)


def _prerequisites(
    securable: SecurableKind,
    own: Callable[[Document], Iterator[Prerequisite]],
    document: Document,
) -> Iterator[Prerequisite]:
    """The privileges that the login and the callers need."""
    yield from privileges.of_object(securable, document)
    yield from own(document)


def _references(securable: SecurableKind, document: Document) -> Iterator[RestrictedName]:
    """The catalog, in the word of boundaries."""
    full_name = securable.full_name(document)
    if full_name:
        yield RestrictedName("catalogs", full_name.partition(".")[0], (securable.identity[0],))


def _warnings(intent: Intent) -> Iterator[str]:
    beside = intent.live.beside if intent.live else {}
    if beside.get("copied_mark"):
        yield (
            "the last line of its comment belongs to another object, as in a copied comment: it "
            "counts as unmanaged"
        )
    for name in beside.get("is_deleted") or ():
        connection = name.removeprefix("connections/")
        if connection != name:
            yield f"the connection `{connection}` was deleted"
        else:
            yield f"destination `{name}` refers to a deleted object"


def drift_category(change: FieldChange) -> DriftCategory | None:
    """The sort of ``change``; None for a plain edit."""
    if change.path[0] != GRANTS:
        return None
    if change.after is ABSENT:
        return DriftCategory.PERMISSION_ADDED
    is_missing = change.before is ABSENT
    return DriftCategory.PERMISSION_REMOVED if is_missing else DriftCategory.PERMISSION_CHANGED


def _generate(rules: Callable[[], FieldRule], live: Live, words: str) -> GeneratedManifest:
    from provisioner.kinds.unity_catalog import live_document

    return live_document.generate(rules(), live, words)


def _dependencies(securable: SecurableKind, parts: CatalogParts) -> Dependencies:
    return Dependencies(
        depends_on=partial(_depends_on, securable, parts.depends_on),
        references=partial(_references, securable),
        aliases=parts.aliases,
        provides_secrets=parts.provides_secrets,
        prerequisites=partial(_prerequisites, securable, parts.privileges),
    )


def rebound(document: Document, replaced: Set[str]) -> Document:
    """A live service as it is once the resources that the names ``replaced`` mean are new ones.

    Its destinations are bound to the old ones, so each that names one has to be sent again.
    [databricks-sdk, is_deleted; the binding is assumed]
    """
    from provisioner.kinds.unity_catalog import live_document

    names = {name.casefold() for name in replaced}
    bound: Document = live_document.with_deleted_targets(document, names)
    return bound


def _importing(
    securable: SecurableKind, rules: Callable[[], FieldRule], parts: CatalogParts
) -> Importing:
    return Importing(
        partial(_generate, rules),
        {GRANTS: []},
        # Databricks' own objects are in the catalog `system`.
        is_provided=lambda name: name.startswith(validation.SYSTEM),
        from_terraform=partial(_from_terraform, securable, rules),
        bundle=partial(_bundle_rules, securable),
    )


def _from_terraform(
    securable: SecurableKind, rules: Callable[[], FieldRule], entries: Sequence[StateEntry]
) -> Sequence[Claimed]:
    claimed: Sequence[Claimed] = loaded("unity_catalog.importing", "from_terraform")(
        securable, rules(), entries
    )
    return claimed


def _bundle_rules(securable: SecurableKind) -> BundleRules:
    rules: BundleRules = loaded("unity_catalog.importing", "bundle_rules")(securable)
    return rules


def _connect(
    securable: SecurableKind,
    rules: Callable[[], FieldRule],
    connection: Connection,
    secrets: SecretReader,
) -> Driver:
    driver: Driver = loaded("unity_catalog.driver", "CatalogDriver")(
        securable, connection, secrets, rules()
    )
    return driver
