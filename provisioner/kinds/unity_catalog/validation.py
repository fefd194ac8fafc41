"""What must hold for every object of Unity Catalog, beyond what a schema can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding, Location, Severity
from provisioner.kinds.unity_catalog import grants
from provisioner.kinds.unity_catalog.securable import SecurableKind
from provisioner.model.kind import Declared
from provisioner.model.paths import Document

SYSTEM: Final = "system."
# https://docs.databricks.com: services of all kinds share the names of their schema.
SHARED_NAMES: Final = ("model_services", "model_provider_services")
MOST_LIMITS, MOST_FOR_GROUPS = 20, 5
NAMING: Final = frozenset(
    f"RATE_LIMIT_KEY_{key}" for key in ("USER", "USER_GROUP", "SERVICE_PRINCIPAL")
)


def relations(kind: SecurableKind, document: Document, declared: Declared) -> Iterator[Finding]:
    """What holds for objects of all kinds."""
    full_name = kind.full_name(document)
    field = (kind.identity[-1],)
    # rule(recorded): Objects of the catalog `system` take grants alone: an update re-sends what
    #     Databricks set, and fails. [databricks/terraform-provider-databricks 5976]
    if full_name.startswith(SYSTEM) and not document.get("existing"):
        hint = (
            "to manage its grants, declare it with `existing: true`; or copy it to your own catalog"
        )
        yield Finding((kind.identity[0],), "E364", f"`{full_name}` belongs to Databricks", hint)
    # rule(documented): Services of all kinds share the names of a schema. [docs.databricks.com,
    #     Create model provider services]
    if kind.name == SHARED_NAMES[0] and full_name in declared.get(SHARED_NAMES[1], {}):
        message = f"a model provider service also has the name `{full_name}`"
        yield Finding(
            field, "E359", message, "names of services are unique in a schema: rename one of them"
        )
    yield from grants.relations(kind, document)
    yield from _limits(document)


def _limits(document: Document) -> Iterator[Finding]:
    config = document.get("config")
    limits = config.get("rate_limits") if isinstance(config, Mapping) else None
    place: Location = ("config", "rate_limits")
    entries = limits if isinstance(limits, list) else []
    groups = [each for each in entries if str(each.get("key", "")).endswith("USER_GROUP")]
    # rule(recorded): A service has at most 20 limits, 5 of them for groups. [public deployments]
    if len(entries) > MOST_LIMITS or len(groups) > MOST_FOR_GROUPS:
        message = f"{len(entries)} limits, {len(groups)} of them for groups"
        hint = f"a service can have {MOST_LIMITS} limits, {MOST_FOR_GROUPS} of them for groups"
        yield Finding(place, "E357", message, hint)
    seen: set[tuple[Any, ...]] = set()
    for index, limit in enumerate(entries):
        key = limit.get("key")
        # rule(documented): A limit for one principal names it, and no other does. [databricks-sdk,
        #     RateLimit]
        if (key in NAMING) != bool(limit.get("principal")):
            hint = "`principal` works only with the keys USER, USER_GROUP and SERVICE_PRINCIPAL"
            message = f"`{key}` {'requires a' if key in NAMING else 'cannot have a'} `principal`"
            yield Finding((*place, index, "key"), "E357", message, hint)
        identity = (key, limit.get("principal", ""), limit.get("renewal_period"))
        # rule(tool): A key, a principal and a period have one limit: by these it is compared with
        #     the live one.
        if identity in seen:
            message, hint = "this limit occurs twice", "keep one of the two"
            yield Finding((*place, index), "E357", message, hint, key=True)
        seen.add(identity)


def forwarding(document: Document) -> Iterator[Finding]:
    """Warns of what passes by limits and logs."""
    config = document.get("config") or {}
    for name in ("forward_headers", "forward_query_parameters", "forward_unmanaged_paths"):
        # rule(documented): What callers write is passed on. [databricks-sdk, forward_headers,
        #     forward_query_parameters, forward_unmanaged_paths]
        if config.get(name):
            message = f"`{name}` forwards data of callers to the provider"
            hint = "unmanaged paths also bypass limits and logs: remove it unless you need it"
            yield Finding(("config", name), "W786", message, hint, Severity.WARNING)
