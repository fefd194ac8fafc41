"""What an endpoint becomes: a model service with routing, limits, inference table and grants. Pure.

Source: databricks-sdk, ``ModelServiceConfig``; docs.databricks.com, Migrate to Unity Gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import (
    LIMITS,
    at,
    mapping,
    parts_of,
)
from provisioner.kinds.model_serving_endpoints.invocation.requests import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    task_of,
)
from provisioner.kinds.model_serving_endpoints.migration.accounts import (
    Accounts,
    Findings,
    identifier,
)
from provisioner.kinds.model_serving_endpoints.migration.routing import routed
from provisioner.kinds.unity_catalog.securable import ABSENT, ROOT
from provisioner.model.connection import Connection
from provisioner.model.importing import (
    GeneratedManifest,
    Loss,
    LossReason,
    MigratedResource,
    MigrationDraft,
    MigrationSource,
    MigrationTarget,
    SuccessorResource,
)
from provisioner.model.paths import Document

SERVICES, SCHEMAS = "model_services", "schemas"
VECTORS: Final = "/embeddings"
LONGEST_COMMENT: Final = 900
KEYS: Final = {
    "endpoint": "SERVICE",
    "user": "USER_DEFAULT",
    "user_group": "USER_GROUP",
    "service_principal": "SERVICE_PRINCIPAL",
}
NAMED_USER: Final = "USER"
PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")
# CAN_MANAGE includes asking, and MANAGE of the catalog does not.
PRIVILEGES: Final = {
    "CAN_QUERY": ("EXECUTE",),
    "CAN_VIEW": ("READ_METADATA",),
    "CAN_MANAGE": ("EXECUTE", "MANAGE"),
}
# Groups that each workspace has for itself: the catalog grants to groups of the account only.
LOCAL_GROUPS: Final = frozenset({"admins", "users"})
# By field of an endpoint what is lost with it, and what takes its place.
LOST: Final[Mapping[str, tuple[LossReason, str, str]]] = {
    "tags": (LossReason.TAGS, "its tags", "tag the service in the UI"),
    "budget_policy_id": (
        LossReason.BUDGET_POLICY,
        "its budget policy",
        "budgets use the tags of the service",
    ),
    "email_notifications": (
        LossReason.NOTIFICATIONS,
        "its e-mail notifications",
        "a service has no updates that need notifications",
    ),
    "telemetry_config": (LossReason.TELEMETRY, "its telemetry", "traces of services are Beta"),
    "route_optimized": (
        LossReason.ROUTE_OPTIMIZATION,
        "its route optimization",
        "all services have the same URL",
    ),
    "raw": (LossReason.RAW, "fields that this version does not know", "check them by hand"),
}


def successor(name: str, place: str) -> tuple[str, str]:
    """The kind and the full name of the service that the endpoint ``name`` becomes."""
    return SERVICES, f"{place}.{identifier(name)}"


def exists(connection: Connection, place: str) -> bool:
    """Whether the schema ``place`` is in the workspace."""
    return connection.get(f"{ROOT}/schemas/{place}", absent=ABSENT) is not None


def migrate(sources: Sequence[MigrationSource], target: MigrationTarget) -> MigrationDraft:
    """What becomes of each endpoint, and what has to be declared for those that can move."""
    sources = [replace(source, generated=_literal(source.generated)) for source in sources]
    taken = {successor(source.name, target.place)[1] for source in sources}
    # Looked at twice: nothing is declared for an endpoint that stays.
    first = [_moved(source, target, Accounts(target, taken))[0] for source in sources]
    good = {each.name for each in first if _may_move(each, target)}
    accounts = Accounts(target, taken)
    second = {
        source.name: _moved(source, target, accounts) for source in sources if source.name in good
    }
    services = [service for _, service in second.values() if service is not None]
    made = [*accounts.secrets.values(), *accounts.services(), *services]
    place = _schema(target, services)
    return MigrationDraft(
        tuple(second[each.name][0] if each.name in second else each for each in first),
        (*place, *made),
        tuple(accounts.variables.values()) if services else (),
    )


def _literal(generated: GeneratedManifest) -> GeneratedManifest:
    """``generated`` with its texts as a manifest has them: what looks like a reference is none."""
    document: Document = _escaped(generated.document)
    return GeneratedManifest(document)


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _escaped(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_escaped(inner) for inner in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _may_move(moved: MigratedResource, target: MigrationTarget) -> bool:
    return not any(loss.stops(target.accepted) for loss in moved.losses)


def _moved(
    source: MigrationSource, target: MigrationTarget, accounts: Accounts
) -> tuple[MigratedResource, SuccessorResource | None]:
    kind, full_name = successor(source.name, target.place)
    document = source.generated.document
    findings = Findings(target.accepted)
    for loss in _losses(source, target, full_name):
        findings.losses.append(loss)
    destinations, fallbacks = routed(source, accounts, findings)
    routing: Document = {"destinations": destinations}
    if fallbacks:
        routing["fallback"] = {"destinations": fallbacks}
    config: Document = {"routing": routing, **_limits(document), **_table(document, findings)}
    service: Document = {
        "parent": f"schemas/{target.place}",
        "model_service_id": identifier(source.name),
        "comment": _comment(source),
        "config": config,
        "grants": _grants(document, target, findings),
        "checks": _checks(source),
    }
    service = {name: value for name, value in service.items() if value}
    uses = [
        ("model_provider_services", str(name).removeprefix("model-provider-services/"))
        for each in (*destinations, *fallbacks)
        if (name := mapping(each.get("external_model_config")).get("model_provider_service"))
    ]
    moved = MigratedResource(
        source.name,
        (kind, full_name),
        tuple(dict.fromkeys(findings.losses)),
        tuple(dict.fromkeys(findings.notes)),
        tuple(dict.fromkeys(findings.questions)),
        tuple(dict.fromkeys(uses)),
    )
    key = identifier(source.name)
    made = SuccessorResource(kind, key, full_name, service) if destinations else None
    return moved, made


def _comment(source: MigrationSource) -> str:
    description = str(source.generated.document.get("description") or "")
    return description[:LONGEST_COMMENT] or f"Was the serving endpoint {source.name}"


def _losses(source: MigrationSource, target: MigrationTarget, full_name: str) -> Iterator[Loss]:
    """What of the endpoint itself has no place in a service."""
    document = source.generated.document
    if full_name in target.declared.get(SERVICES, {}):
        message = f"`{full_name}` is already declared"
        hint = "it was already migrated, or choose another schema"
        yield Loss(LossReason.NAME, message, hint, is_final=True)
    gateway = mapping(document.get("ai_gateway"))
    if gateway.get("guardrails"):
        # Service policies are Beta, and attached in the UI: no API declares one.
        hint = "attach service policies in the UI first: until then, requests are not checked"
        yield Loss(LossReason.GUARDRAILS, "a service has no field for its guardrails", hint)
    for field, (reason, words, hint) in LOST.items():
        # Some are never shown, and only the manifest tells them. [serving-api 3.9]
        if _is_set(document.get(field)) or _is_set(source.declared.get(field)):
            yield Loss(reason, f"{words} ({field}) cannot be migrated", hint)
    task = task_of(source.raw) or task_of(document)
    if task == COMPLETIONS:
        hint = "clients must send chat requests, and the model must support chat"
        yield Loss(LossReason.COMPLETIONS, "a service does not support completions", hint)


def _is_set(value: Any) -> bool:
    """Whether a field says anything: a mapping of empty lists does not."""
    return any(map(_is_set, value.values())) if isinstance(value, Mapping) else bool(value)


def _limits(document: Document) -> Document:
    """Limits by key, principal and period: calls and tokens of one key become one limit."""
    limits: dict[tuple[str, str, str], Document] = {}
    for part in parts_of(document, LIMITS):
        principal = str(part.value.get("principal") or "")
        old = str(part.value.get("key") or "endpoint")
        key = NAMED_USER if old == "user" and principal else KEYS.get(old, old.upper())
        period = str(part.value.get("renewal_period") or "minute").upper()
        limit = limits.setdefault(
            (key, principal, period),
            {
                "key": f"RATE_LIMIT_KEY_{key}",
                "renewal_period": f"RATE_LIMIT_RENEWAL_PERIOD_{period}",
                **({"principal": principal} if principal else {}),
            },
        )
        for field, new in (("calls", "requests"), ("tokens", "tokens")):
            if part.value.get(field) is not None:
                limit[new] = part.value[field]
    return {"rate_limits": list(limits.values())} if limits else {}


def _table(document: Document, findings: Findings) -> Document:
    table = mapping(at(document, ("ai_gateway", "inference_table_config")))
    if not table.get("enabled") or not table.get("catalog_name"):
        return {}
    # Both generations write `<prefix>_payload`, so one prefix could mean one table.
    prefix = f"{table.get('table_name_prefix') or 'endpoint'}_service"
    schema = f"{table['catalog_name']}.{table.get('schema_name')}"
    findings.notes.append(
        f"requests go to another table, `{schema}.{prefix}_payload`: the table of the endpoint "
        "gets no more rows"
    )
    return {"inference_table": {"parent": f"schemas/{schema}", "table_name_prefix": prefix}}


def _grants(document: Document, target: MigrationTarget, findings: Findings) -> list[Document]:
    """Permissions as grants. Nobody gets EXECUTE on a provider service: it passes by limits."""
    grants = []
    for entry in document.get("permissions") or ():
        principal = next((str(entry[name]) for name in PRINCIPALS if entry.get(name)), "")
        if entry.get("group_name") in LOCAL_GROUPS:
            findings.questions.append(
                f"`{principal}` is a workspace group, but grants need account groups: which of "
                f"its members need {entry.get('level')}?"
            )
        elif principal:
            privileges = list(PRIVILEGES.get(str(entry.get("level")), ()))
            grants.append({"principal": principal, "privileges": privileges})
    if grants:
        names = ", ".join(f"`{grant['principal']}`" for grant in grants)
        catalog = target.place.partition(".")[0]
        findings.questions.append(
            f"do {names} have USE_CATALOG on `{catalog}`? Groups must be account groups"
        )
    return grants


def _checks(source: MigrationSource) -> list[Document]:
    """The checks of the endpoint that fit: routing chooses the destination, so none is asked."""
    task = task_of(source.raw)
    return [
        dict(check)
        for check in source.checks
        if "entity" not in check and task in (CHAT, EMBEDDINGS)
    ]


def _schema(target: MigrationTarget, services: list[SuccessorResource]) -> list[SuccessorResource]:
    """The schema, so that callers may use it; made where it is not there."""
    if not services or target.place in target.declared.get(SCHEMAS, {}):
        return []
    principals = {
        str(grant["principal"]): None
        for service in services
        for grant in service.document.get("grants") or ()
    }
    catalog_name, _, name = target.place.partition(".")
    document: Document = {"catalog_name": catalog_name, "name": name}
    if target.exists:
        document["existing"] = True
    if principals:
        document["grants"] = [
            {"principal": principal, "privileges": ["USE_SCHEMA"]} for principal in principals
        ]
    elif target.exists:
        return []
    return [SuccessorResource(SCHEMAS, identifier(name), target.place, document)]


# The API that has to be there for each task. [databricks-sdk, supported_api_types]
NEEDED: Final = {CHAT: "/chat/completions", COMPLETIONS: "/chat/completions", EMBEDDINGS: VECTORS}


def same_api(endpoint: Mapping[str, Any], service: Mapping[str, Any]) -> str:
    """Why the live ``service`` does not speak what ``endpoint`` does; ``""`` where it does."""
    task = task_of(endpoint)
    types = [str(each) for each in service.get("supported_api_types") or ()]
    wanted = NEEDED.get(task)
    if not types or wanted is None or any(each.endswith(wanted) for each in types):
        return ""
    return f"the task of the endpoint is `{task}`, but the service supports {', '.join(types)}"
