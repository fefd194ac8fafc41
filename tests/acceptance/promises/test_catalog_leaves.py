"""What a change to each field of the kinds of Unity Catalog sends, tried field by field.

Create, empty plan, change, one PATCH with exactly its mask, empty plan. The list of fields is
that of the schemas: a field that no row names is missing here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import pytest
from workbench import Workbench, left_to_do, workbench, writable_fields

from provisioner.kinds import KINDS
from provisioner.model import schemas
from provisioner.model.kind import OwnershipCarrier
from provisioner.model.outcome import Status
from provisioner.model.plan import Action, Plan

UC = "/api/2.1/unity-catalog"
PARENT = "schemas/main.gw"
GONE: Any = object()
TYPE = "EXTERNAL_MODEL_PROVIDER_TYPE_"
KEY, OTHER = "secrets/main.gw.one", "secrets/main.gw.two"
REFERENCE = {"secret_reference": {"name": KEY}}
CREDENTIAL = {"service_credential": {"name": "credential"}}
LIMIT = {
    "key": "RATE_LIMIT_KEY_USER",
    "principal": "a@example.com",
    "renewal_period": "RATE_LIMIT_RENEWAL_PERIOD_MINUTE",
    "requests": 10,
    "tokens": 1000,
}
TABLE = {"parent": PARENT, "table_name_prefix": "logs"}
GRANTS = [{"principal": "a@example.com", "privileges": ["MANAGE"]}]
NAMES = {"catalog_name": "main", "schema_name": "gw", "name": "thing"}
TARGETS = [{"model": "m-1", "native_api_types": ["openai/v1/chat/completions"]}]


def provider(name: str, direct: Any, **config: Any) -> Any:
    block = {} if name in config else {name: {"direct": direct}}
    return {
        "parent": PARENT,
        "model_provider_service_id": "thing",
        "config": {"provider_type": TYPE + name.upper(), "targets": TARGETS, **block, **config},
    }


def service(*destinations: Any, **config: Any) -> Any:
    routing = {"destinations": [*destinations], **config.pop("routing", {})}
    return {
        "parent": PARENT,
        "model_service_id": "thing",
        "config": {"routing": routing, **config},
    }


def external(name: str, model: str = "m-1", **fields: Any) -> Any:
    kind = "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL"
    config = {
        "model_provider_service": "model-provider-services/main.gw.first",
        "target": {"model": model, "native_api_types": ["openai/v1/chat/completions"]},
    }
    return {"name": name, "destination_type": kind, "external_model_config": config, **fields}


def provided(name: str, model: str = "a", **fields: Any) -> Any:
    kind = "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL"
    config = {"model": f"models/system.ai.{model}"}
    return {"name": name, "destination_type": kind, "pay_per_token_config": config, **fields}


def endpoint(name: str, where: str, **fields: Any) -> Any:
    kind = "DESTINATION_TYPE_PROVISIONED_THROUGHPUT_FOUNDATION_MODEL"
    config = {"model_serving_endpoint": f"serving-endpoints/{where}"}
    return {"name": name, "destination_type": kind, "provisioned_throughput_config": config}


OPENAI = {"api_key": REFERENCE, "base_url": "https://a.example", "organization": "acme"}
ENTRA = {
    "base_url": "https://a.example",
    "entra_service_principal": {"tenant_id": "t", "client_id": "c", "client_secret": REFERENCE},
}
BASES: dict[str, tuple[str, Any]] = {
    "schema": ("schemas", {"catalog_name": "main", "name": "thing", "comment": "a"}),
    "secret": (
        "secrets",
        NAMES | {"from_env": "KEY", "comment": "a", "expire_time": "2027-01-01T00:00:00Z"},
    ),
    "file": ("secrets", NAMES | {"from_file": "key"}),
    "model": ("registered_models", NAMES | {"comment": "a", "aliases": {"champion": "1"}}),
    "openai": ("model_provider_services", provider("openai", OPENAI) | {"comment": "a"}),
    "plain": (
        "model_provider_services",
        provider("openai", {"api_key": {"plaintext": "${env.KEY}"}}),
    ),
    "azure_openai": ("model_provider_services", provider("azure_openai", ENTRA)),
    "microsoft_foundry": ("model_provider_services", provider("microsoft_foundry", ENTRA)),
    "azure_key": (
        "model_provider_services",
        provider("azure_openai", {"base_url": "https://a.example", "api_key": REFERENCE}),
    ),
    "foundry_key": (
        "model_provider_services",
        provider("microsoft_foundry", {"base_url": "https://a.example", "api_key": REFERENCE}),
    ),
    "anthropic": ("model_provider_services", provider("anthropic", {"api_key": REFERENCE})),
    **{
        name: (
            "model_provider_services",
            provider(
                name,
                {
                    "region": "r",
                    "aws_access_key": {"access_key_id": "a", "secret_access_key": REFERENCE},
                },
            ),
        )
        for name in ("amazon_bedrock", "bedrock_mantle")
    },
    "gemini_enterprise": (
        "model_provider_services",
        provider("gemini_enterprise", {"project_id": "p", "region": "r", "api_key": REFERENCE}),
    ),
    "custom": (
        "model_provider_services",
        provider(
            "custom",
            {
                "base_url": "https://a.example",
                "header_auth": {"api_key_name": "n", "api_key_value": REFERENCE},
            },
            targets=[{"model": "m-1", "endpoint_route": "/a"}],
        ),
    ),
    "custom_key": (
        "model_provider_services",
        provider("custom", {"base_url": "https://a.example", "api_key": REFERENCE}),
    ),
    "service": (
        "model_services",
        service(
            external("a", traffic_percentage=60),
            provided("b", traffic_percentage=40),
            routing={"fallback": {"destinations": [external("c", "m-2"), provided("d")]}},
            rate_limits=[LIMIT],
        )
        | {"comment": "a"},
    ),
    "endpoint": (
        "model_services",
        service(
            endpoint("a", "first"),
            routing={"fallback": {"destinations": [endpoint("b", "first")]}},
        ),
    ),
    "tools": (
        "mcp_services",
        {
            "parent": PARENT,
            "mcp_service_id": "thing",
            "comment": "a",
            "config": {
                "source_connection": {"name": "connections/main.gw.one"},
                "include_tool_selectors": ["search", "read_*"],
                "rate_limits": [LIMIT],
            },
        },
    ),
}
DESTINATIONS, FALLBACK = "config.routing.destinations", "config.routing.fallback.destinations"
PROVIDER = "config.provider"
CONNECTION, TOOLS = "config.source_connection.name", "config.include_tool_selectors"


class Row(NamedTuple):
    """``path`` of the field in the base ``base``, its other value, and the mask that is sent.

    Names and indexes of the path are separated by dots. ``field`` is what the row is about
    where the path leads to something around it.
    """

    base: str
    path: str
    value: Any
    mask: str
    field: str = ""


def _of_azure(name: str, other: str) -> Iterator[Row]:
    direct = f"config.{name}.direct"
    login = f"{direct}.entra_service_principal"
    yield Row(name, f"{direct}.base_url", "https://b.example", PROVIDER)
    yield Row(name, f"{login}.tenant_id", "t2", PROVIDER)
    yield Row(name, f"{login}.client_id", "c2", PROVIDER)
    yield Row(name, f"{login}.client_secret.secret_reference.name", OTHER, PROVIDER)
    plain = {"plaintext": "${env.KEY}"}
    place = f"{login}.client_secret"
    yield Row(name, place, plain, f"comment,{PROVIDER}", f"{place}.plaintext")
    key = f"{direct}.api_key"
    yield Row(other, f"{key}.secret_reference.name", OTHER, PROVIDER)
    yield Row(other, key, plain, f"comment,{PROVIDER}", f"{key}.plaintext")


def _key(base: str, place: str) -> Iterator[Row]:
    yield Row(base, f"{place}.secret_reference.name", OTHER, PROVIDER)
    plain = {"plaintext": "${env.KEY}"}
    yield Row(base, place, plain, f"comment,{PROVIDER}", f"{place}.plaintext")


def _limits(base: str) -> Iterator[Row]:
    place, mask = "config.rate_limits", "config.rate_limits"
    for field, value in (
        ("key", "RATE_LIMIT_KEY_USER_GROUP"),
        ("principal", "b@example.com"),
        ("renewal_period", "RATE_LIMIT_RENEWAL_PERIOD_HOUR"),
        ("requests", 20),
        ("tokens", GONE),
    ):
        yield Row(base, place, [_changed(LIMIT, field, value)], mask, f"{place}.{field}")
    yield Row(base, place, GONE, mask, f"{place}.requests")


def _changed(entry: Any, field: str, value: Any) -> Any:
    entry = {**entry, field: value}
    return {name: entry[name] for name in entry if entry[name] is not GONE}


def _destinations(place: str, mask: str) -> Iterator[Row]:
    first, second = f"{place}.0", f"{place}.1"
    of_provider = f"{first}.external_model_config"
    yield Row("service", f"{first}.name", "z", mask)
    other = "model-provider-services/main.gw.second"
    yield Row("service", f"{of_provider}.model_provider_service", other, mask)
    yield Row("service", f"{of_provider}.target.model", "m-3", mask)
    types = f"{of_provider}.target.native_api_types"
    yield Row("service", types, ["openai/v1/responses"], mask)
    yield Row("service", f"{second}.pay_per_token_config.model", "models/system.ai.b", mask)
    share = {"traffic_percentage": 40} if place == DESTINATIONS else {}
    to_external = external("b" if share else "d", "m-3", **share)
    yield Row("service", second, to_external, mask, f"{place}.destination_type")
    where = f"{first}.provisioned_throughput_config.model_serving_endpoint"
    yield Row("endpoint", where, "serving-endpoints/second", mask)


SWITCHES = ("forward_headers", "forward_query_parameters", "forward_unmanaged_paths")
ROWS = [
    *(Row(base, "comment", "b", "comment") for base in ("schema", "secret", "model", "openai")),
    *(Row(base, "comment", GONE, "comment") for base in ("secret", "openai", "service", "tools")),
    *(Row(base, "comment", "b", "comment") for base in ("service", "tools")),
    *(
        Row(base, "grants", GRANTS, "grants", f"grants.{field}")
        for base in ("schema", "secret", "model", "openai", "service", "tools")
        for field in ("principal", "privileges")
    ),
    Row("secret", "from_env", "OTHER_KEY", "", "from_env"),
    Row("file", "from_file", "other", "", "from_file"),
    Row("secret", "rotated_at", "2026-11-20T10:00:00Z", "comment,value"),
    Row("secret", "expire_time", "2028-01-01T00:00:00Z", "expire_time"),
    Row("secret", "owner", "b@example.com", "owner"),
    Row("model", "owner", "b@example.com", "owner"),
    Row("model", "aliases.champion", "2", "aliases", "aliases"),
    Row("model", "aliases.champion", None, "aliases", "aliases"),
    *_key("openai", "config.openai.direct.api_key"),
    Row("openai", "config.openai.direct.base_url", "https://b.example", PROVIDER),
    Row("openai", "config.openai.direct.organization", GONE, PROVIDER),
    Row("openai", "config.targets.0.model", "m-9", "config.targets"),
    Row("openai", "config.targets.0.native_api_types", ["a", "b"], "config.targets"),
    Row("openai", "config.allow_all_targets", True, "config.allow_all_targets"),
    *(Row("openai", f"config.{name}", True, f"config.{name}") for name in SWITCHES),
    Row(
        "openai",
        "config.pricing",
        {"default_discount_basis_points": 100},
        "config.pricing.default_discount_basis_points",
        "config.pricing.default_discount_basis_points",
    ),
    # A markup.
    Row(
        "openai",
        "config.pricing",
        {"default_discount_basis_points": -250},
        "config.pricing.default_discount_basis_points",
        "config.pricing.default_discount_basis_points",
    ),
    *(
        Row(base, "config.inference_table", TABLE, "config.inference_table", f"{place}.{field}")
        for base in ("openai", "service")
        for place in ("config.inference_table",)
        for field in ("parent", "table_name_prefix")
    ),
    *(
        Row(
            "openai",
            "config.rate_limits",
            [_changed(LIMIT, field, GONE)],
            "config.rate_limits",
            f"config.rate_limits.{field}",
        )
        for field in ("requests", "tokens")
    ),
    *(
        Row(
            "openai",
            "config.rate_limits",
            [LIMIT],
            "config.rate_limits",
            f"config.rate_limits.{field}",
        )
        for field in ("key", "principal", "renewal_period")
    ),
    *_limits("service"),
    *_limits("tools"),
    Row("tools", CONNECTION, "connections/main.gw.two", CONNECTION),
    Row("tools", TOOLS, ["search"], TOOLS),
    Row("tools", TOOLS, GONE, TOOLS),
    *_of_azure("azure_openai", "azure_key"),
    *_of_azure("microsoft_foundry", "foundry_key"),
    *_key("anthropic", "config.anthropic.direct.api_key"),
    Row("anthropic", "config.anthropic", {"relayed": {}}, PROVIDER, "config.anthropic.relayed"),
    *(
        row
        for name in ("amazon_bedrock", "bedrock_mantle")
        for place in (f"config.{name}.direct",)
        for row in (
            Row(name, f"{place}.region", "r2", PROVIDER),
            Row(name, f"{place}.aws_access_key.access_key_id", "b", PROVIDER),
            *_key(name, f"{place}.aws_access_key.secret_access_key"),
        )
    ),
    Row("gemini_enterprise", "config.gemini_enterprise.direct.project_id", "p2", PROVIDER),
    Row("gemini_enterprise", "config.gemini_enterprise.direct.region", "r2", PROVIDER),
    *_key("gemini_enterprise", "config.gemini_enterprise.direct.api_key"),
    Row("custom", "config.custom.direct.base_url", "https://b.example", PROVIDER),
    Row("custom", "config.custom.direct.header_auth.api_key_name", "n2", PROVIDER),
    *_key("custom", "config.custom.direct.header_auth.api_key_value"),
    *_key("custom_key", "config.custom.direct.api_key"),
    Row("custom", "config.targets.0.endpoint_route", "/b", "config.targets"),
    Row(
        "service",
        DESTINATIONS,
        [external("a", traffic_percentage=50), provided("b", traffic_percentage=50)],
        DESTINATIONS,
        f"{DESTINATIONS}.traffic_percentage",
    ),
    *_destinations(DESTINATIONS, DESTINATIONS),
    *_destinations(FALLBACK, FALLBACK),
    Row("service", "config.routing.fallback", GONE, FALLBACK, f"{FALLBACK}.name"),
]
CATALOG_KINDS = [name for name, kind in KINDS.items() if kind.ownership is OwnershipCarrier.COMMENT]
# Fields that no update sends: names, what blocks or replaces, and what is never sent.
FIXED = {
    *("catalog_name", "schema_name", "name", "parent", "model_provider_service_id"),
    *(
        "model_service_id",
        "mcp_service_id",
        "existing",
        "lifecycle.prevent_destroy",
        "lifecycle.ignore_changes",
    ),
    *("storage_location", "config.provider_type"),
}


def field_of(row: Row) -> str:
    return row.field or ".".join(part for part in row.path.split(".") if not part.isdecimal())


@pytest.mark.parametrize("kind", CATALOG_KINDS)
def test_each_field_has_a_row(kind: str) -> None:
    fields = {field.replace(".0.", ".") for field in writable_fields(schemas.rules(kind))}
    tried = {
        ".".join(part for part in field_of(row).split(".") if not part.isdecimal())
        for row in ROWS
        if BASES[row.base][0] == kind
    }
    # Questions are never sent.
    fields = {field for field in fields if not field.startswith("checks.")}
    # Whether a key and a service credential may take each other's place is not known.
    credentials = {field for field in fields if ".service_credential." in field}
    assert fields - tried - FIXED - credentials == set()


def changed(document: Any, row: Row) -> Any:
    document = copy.deepcopy(document)
    *outer, last = row.path.split(".")
    place = document
    for name in outer:
        place = place[int(name)] if name.isdecimal() else place[name]
    key: Any = int(last) if last.isdecimal() else last
    if row.value is GONE:
        del place[key]
    else:
        place[key] = row.value
    return document


def test_another_field_changes_where_the_key_is_not_at_hand(
    empty: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, base = BASES["plain"]
    empty.apply({kind: {"thing": base}})
    monkeypatch.delenv("KEY")
    empty.forget()
    second = {kind: {"thing": changed(base, Row("", "config.openai.direct.organization", "b", ""))}}
    empty.apply(second)
    (write,) = empty.writes()
    assert write["body"] == {"config": {"openai": {"direct": {"organization": "b"}}}}
    assert left_to_do(empty.plan(second)) == {}


def test_a_key_in_plaintext_is_sent_again_when_it_is_rotated(empty: Workbench) -> None:
    kind, base = BASES["plain"]
    documents = {kind: {"thing": base}}
    empty.apply(documents)
    empty.forget()
    empty.apply(documents, rotate=frozenset({f"{kind}.thing"}))
    assert masks(empty) == [PROVIDER]
    assert left_to_do(empty.plan(documents)) == {}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    root = tmp_path_factory.mktemp("catalog")
    for name in ("key", "other"):
        (root / name).write_text("sk-file", encoding="utf-8")
    with workbench(root) as started, pytest.MonkeyPatch.context() as patch:
        for name in ("KEY", "OTHER_KEY"):
            patch.setenv(name, "sk-value")
        yield started


@pytest.fixture
def empty(bench: Workbench) -> Workbench:
    """A workspace with what the bases refer to, none of it managed."""
    bench.catalog()
    return bench


def masks(bench: Workbench) -> list[str]:
    """What each write since the last ``forget`` changes."""
    found = []
    for entry in bench.writes():
        mask = parse_qs(entry["query"]).get("update_mask", [""])[0]
        body = entry["body"] if isinstance(entry["body"], dict) else {}
        if "/permissions/" in entry["path"]:
            mask = "grants"
        elif "/aliases/" in entry["path"]:
            mask = "aliases"
        found.append(mask or ",".join(sorted(body)))
    return found


def strange_calls(plan: Plan) -> Iterator[str]:
    """The calls that a saved plan would be refused for: those that are not about their resource."""
    for step in plan.steps:
        own = KINDS[step.address.kind].planning.own_calls
        for operation in step.operations:
            if not own[operation.call].is_about(step.name, operation):
                yield operation.path
            if own[operation.call].is_about("main.gw.other", operation):
                yield f"{operation.path} is about anything"


def name_of(row: Row) -> str:
    value = "gone" if row.value is GONE else str(row.value)[:20]
    return f"{row.base}: {field_of(row)} {value}"


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_change_is_one_call_with_exactly_its_mask(empty: Workbench, row: Row) -> None:
    kind, base = BASES[row.base]
    first, second = ({kind: {"thing": document}} for document in (base, changed(base, row)))
    created, outcomes = empty.apply(first)
    assert {outcome.status for outcome in outcomes} == {Status.DONE}
    assert left_to_do(empty.plan(first)) == {}
    empty.forget()
    plan, outcomes = empty.apply(second)
    assert {step.action for step in plan.steps} <= {Action.UPDATE, Action.KEEP}
    assert {outcome.status for outcome in outcomes} <= {Status.DONE}
    assert masks(empty) == ([row.mask] if row.mask else [])
    assert [*strange_calls(created), *strange_calls(plan)] == []
    assert left_to_do(empty.plan(second)) == {}
