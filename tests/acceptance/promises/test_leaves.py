"""What a change to each writable field plans, tried field by field on the local workspace.

The list of fields is that of the schemas: a field that nobody has given a row is missing here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from workbench import Workbench, differences, left_to_do, workbench, writable_fields

from provisioner.errors import FileError
from provisioner.model import schemas
from provisioner.model.outcome import Status
from provisioner.model.paths import Key, Path, parse_path, path_text
from provisioner.model.plan import Action, Step

ENDPOINTS, SCOPES = "model_serving_endpoints", "secret_scopes"
REFERENCE, OTHER = "{{secrets/keys/one}}", "{{secrets/keys/two}}"
GONE: Any = object()

# What is planned. Whatever cannot be read back leaves a digest of itself in a tag, and last.
MARK = ("patch_tags",)
CONFIG = ("update_config",)
UNITS = ("update_provisioned_throughput_config",)
GATEWAY = ("put_ai_gateway",)
TABLE_MOVES = ("put_ai_gateway", "put_ai_gateway")
TAGS = ("patch_tags",)
NOTIFY = ("update_notifications",)
TELEMETRY = ("patch_telemetry_config",)
PERMISSIONS = ("set_permissions",)
ANOTHER = ("delete", "create")
SECRET = ("put_secret",)
ACL = ("put_acl",)


class Row(NamedTuple):
    """``path`` of the field in the endpoint (or scope) ``base``, and its other value.

    ``calls`` are what the change plans; ``beside`` are other fields that have to change with
    it, ``shows`` paths that the plan tells instead, where the field tells entries apart.
    """

    path: str
    base: str
    value: Any
    calls: tuple[str, ...]
    beside: dict[str, Any] = {}
    shows: tuple[str, ...] = ()


def external(provider: str, block: str, settings: Any) -> Any:
    model = {"name": "m-1", "provider": provider, "task": "llm/v1/chat", block: settings}
    return {"name": "x", "config": {"served_entities": [{"name": "a", "external_model": model}]}}


def registered(**fields: Any) -> Any:
    entity = {"name": "a", "entity_name": "main.ml.fraud", "entity_version": "1", **fields}
    return {"name": "x", "config": {"served_entities": [entity]}}


AZURE = {
    "openai_api_base": "https://x.openai.azure.com",
    "openai_api_version": "2024-06-01",
    "openai_deployment_name": "gpt",
}
ENTRA = AZURE | {
    "openai_api_type": "azuread",
    "microsoft_entra_client_id": "c",
    "microsoft_entra_tenant_id": "t",
    "microsoft_entra_client_secret": REFERENCE,
}
BEDROCK = {"aws_region": "us-east-1", "bedrock_provider": "anthropic"}
KEY_PAIR = BEDROCK | {"aws_access_key_id": REFERENCE, "aws_secret_access_key": REFERENCE}
GUARDED = {
    "safety": True,
    "pii": {"behavior": "BLOCK"},
    "invalid_keywords": ["bomb"],
    "valid_topics": ["money"],
}
AROUND = {
    "ai_gateway": {
        "rate_limits": [{"key": "user", "renewal_period": "minute", "calls": 1, "tokens": 2}],
        "guardrails": {"input": GUARDED, "output": copy.deepcopy(GUARDED)},
        "fallback_config": {"enabled": False},
        "usage_tracking_config": {"enabled": True},
        "inference_table_config": {
            "enabled": True,
            "catalog_name": "main",
            "schema_name": "logs",
            "table_name_prefix": "x",
        },
        "raw": {"x_new": 1},
    },
    "tags": [{"key": "team", "value": "shop"}],
    "description": "Answers",
    "email_notifications": {
        "on_update_success": ["a@example.com"],
        "on_update_failure": ["a@example.com"],
    },
    "permissions": [
        {"group_name": "analysts", "level": "CAN_QUERY"},
        {"user_name": "a@example.com", "level": "CAN_VIEW"},
        {"service_principal_name": "0a1b-app", "level": "CAN_VIEW"},
    ],
    "budget_policy_id": "policy-1",
    "raw": {"x_new": 1},
}
SPLIT = {
    "traffic_config": {
        "routes": [
            {"served_entity_name": "a", "traffic_percentage": 90},
            {"served_entity_name": "b", "traffic_percentage": 10},
        ]
    }
}
ONE = external("openai", "openai_config", {"openai_api_key": REFERENCE})
TWO = copy.deepcopy(ONE)
TWO["config"]["served_entities"].append({**ONE["config"]["served_entities"][0], "name": "b"})
TWO["config"] |= SPLIT | {"raw": {"x_new": 1}}
SIZED = registered(
    workload_size="Small",
    workload_type="CPU",
    scale_to_zero_enabled=True,
    environment_vars={"LEVEL": "info"},
    instance_profile_arn="arn:1",
    raw={"x_new": 1},
)
CAPTURED = registered(scale_to_zero_enabled=True)
CAPTURED["config"]["auto_capture_config"] = {
    "enabled": True,
    "catalog_name": "main",
    "schema_name": "logs",
    "table_name_prefix": "x",
}
OBSERVED = registered(scale_to_zero_enabled=True) | {
    "telemetry_config": {
        "enabled_telemetry_features": ["TELEMETRY_FEATURE_LOGS"],
        "inference_table_config": {"sampling_fraction": 0.5},
        "table_names": {
            "annotations_table": "main.t.annotations",
            "logs_table": "main.t.logs",
            "metrics_table": "main.t.metrics",
            "traces_table": "main.t.traces",
        },
    }
}
PROFILED = registered(scale_to_zero_enabled=True) | {
    "telemetry_config": {"telemetry_profile_id": "profile-1"}
}
SCOPE = {
    "name": "shop",
    "secrets": {"openai": {"from_env": "SHOP_KEY"}},
    "acls": [{"principal": "analysts", "permission": "READ"}],
}
VAULT = {
    "name": "shop",
    "backend_type": "AZURE_KEYVAULT",
    "backend_azure_keyvault": {
        "resource_id": "/subscriptions/1/vaults/one",
        "dns_name": "https://one.vault.azure.net/",
    },
}
BASES = {
    "openai": ONE,
    "all around": ONE | AROUND,
    "two": TWO,
    "azure": external(
        "openai",
        "openai_config",
        AZURE | {"openai_api_type": "azure", "openai_api_key": REFERENCE},
    ),
    "entra": external("openai", "openai_config", ENTRA),
    "anthropic": external("anthropic", "anthropic_config", {"anthropic_api_key": REFERENCE}),
    "cohere": external("cohere", "cohere_config", {"cohere_api_key": REFERENCE}),
    "bedrock": external("amazon-bedrock", "amazon_bedrock_config", KEY_PAIR),
    "bedrock by profile": external(
        "amazon-bedrock", "amazon_bedrock_config", BEDROCK | {"instance_profile_arn": "arn:1"}
    ),
    "bedrock by credential": external(
        "amazon-bedrock", "amazon_bedrock_config", BEDROCK | {"uc_service_credential_name": "one"}
    ),
    "vertex": external(
        "google-cloud-vertex-ai",
        "google_cloud_vertex_ai_config",
        {"project_id": "p", "region": "r", "private_key": REFERENCE},
    ),
    "databricks": external(
        "databricks-model-serving",
        "databricks_model_serving_config",
        {"databricks_workspace_url": "https://x", "databricks_api_token": REFERENCE},
    ),
    "ai21": external("ai21labs", "ai21labs_config", {"ai21labs_api_key": REFERENCE}),
    "palm": external("palm", "palm_config", {"palm_api_key": REFERENCE}),
    "header": external(
        "custom",
        "custom_provider_config",
        {"custom_provider_url": "https://x", "api_key_auth": {"key": "X", "value": REFERENCE}},
    ),
    "bearer": external(
        "custom",
        "custom_provider_config",
        {"custom_provider_url": "https://x", "bearer_token_auth": {"token": REFERENCE}},
    ),
    "sized": SIZED,
    "elastic": registered(
        scale_to_zero_enabled=False,
        min_provisioned_concurrency=4,
        max_provisioned_concurrency=8,
    ),
    "throughput": registered(min_provisioned_throughput=10, max_provisioned_throughput=20),
    "units": registered(provisioned_model_units=50, burst_scaling_enabled=False),
    "captured": CAPTURED,
    "observed": OBSERVED,
    "profiled": PROFILED,
    "scope": SCOPE,
    "vault": VAULT,
}

ENTITY = "config.served_entities[a]"
MODEL = f"{ENTITY}.external_model"
LIMIT = "ai_gateway.rate_limits[user]"
TABLE = "ai_gateway.inference_table_config"
GUARDS = "ai_gateway.guardrails"


def secret(base: str, place: str) -> list[Row]:
    """A secret by another reference, and given as plaintext instead."""
    reference, plaintext = f"{MODEL}.{place}", f"{MODEL}.{place}_plaintext"
    return [
        Row(reference, base, OTHER, CONFIG),
        Row(plaintext, base, "${env.SHOP_KEY}", (*CONFIG, *MARK), {reference: GONE}),
    ]


UPDATED = [
    Row(f"{ENTITY}.name", "openai", "z", CONFIG, shows=("config",)),
    Row(f"{MODEL}.name", "openai", "m-2", CONFIG),
    Row(
        f"{MODEL}.provider",
        "openai",
        "palm",
        CONFIG,
        {f"{MODEL}.openai_config": GONE, f"{MODEL}.palm_config": {"palm_api_key": REFERENCE}},
    ),
    Row(
        f"{MODEL}.openai_config.openai_api_type",
        "openai",
        "azure",
        CONFIG,
        {f"{MODEL}.openai_config.{name}": value for name, value in AZURE.items()},
    ),
    *secret("openai", "openai_config.openai_api_key"),
    Row(f"{MODEL}.openai_config.openai_api_base", "azure", "https://y.example.com", CONFIG),
    Row(f"{MODEL}.openai_config.openai_api_version", "azure", "2025-01-01", CONFIG),
    Row(f"{MODEL}.openai_config.openai_deployment_name", "azure", "other", CONFIG),
    Row(f"{MODEL}.openai_config.openai_organization", "openai", "shop", CONFIG),
    Row(f"{MODEL}.openai_config.microsoft_entra_client_id", "entra", "d", CONFIG),
    *secret("entra", "openai_config.microsoft_entra_client_secret"),
    Row(f"{MODEL}.openai_config.microsoft_entra_tenant_id", "entra", "u", CONFIG),
    *secret("anthropic", "anthropic_config.anthropic_api_key"),
    *secret("cohere", "cohere_config.cohere_api_key"),
    Row(f"{MODEL}.cohere_config.cohere_api_base", "cohere", "https://y", CONFIG),
    Row(f"{MODEL}.amazon_bedrock_config.aws_region", "bedrock", "eu-west-1", CONFIG),
    Row(f"{MODEL}.amazon_bedrock_config.bedrock_provider", "bedrock", "cohere", CONFIG),
    *secret("bedrock", "amazon_bedrock_config.aws_access_key_id"),
    *secret("bedrock", "amazon_bedrock_config.aws_secret_access_key"),
    Row(
        f"{MODEL}.amazon_bedrock_config.instance_profile_arn",
        "bedrock by profile",
        "arn:2",
        CONFIG,
    ),
    Row(
        f"{MODEL}.amazon_bedrock_config.uc_service_credential_name",
        "bedrock by credential",
        "two",
        CONFIG,
    ),
    Row(f"{MODEL}.google_cloud_vertex_ai_config.project_id", "vertex", "q", CONFIG),
    Row(f"{MODEL}.google_cloud_vertex_ai_config.region", "vertex", "s", CONFIG),
    *secret("vertex", "google_cloud_vertex_ai_config.private_key"),
    Row(
        f"{MODEL}.databricks_model_serving_config.databricks_workspace_url",
        "databricks",
        "https://y",
        CONFIG,
    ),
    *secret("databricks", "databricks_model_serving_config.databricks_api_token"),
    *secret("ai21", "ai21labs_config.ai21labs_api_key"),
    *secret("palm", "palm_config.palm_api_key"),
    Row(f"{MODEL}.custom_provider_config.custom_provider_url", "header", "https://y", CONFIG),
    Row(f"{MODEL}.custom_provider_config.api_key_auth.key", "header", "Y", CONFIG),
    *secret("header", "custom_provider_config.api_key_auth.value"),
    *secret("bearer", "custom_provider_config.bearer_token_auth.token"),
    Row(f"{MODEL}.raw[x_new]", "openai", 2, (*CONFIG, *MARK)),
    Row(f"{ENTITY}.entity_name", "sized", "main.ml.churn", CONFIG),
    Row(f"{ENTITY}.entity_version", "sized", "2", CONFIG),
    Row(f"{ENTITY}.workload_size", "sized", "Large", CONFIG),
    Row(f"{ENTITY}.workload_type", "sized", "GPU_SMALL", CONFIG),
    Row(f"{ENTITY}.scale_to_zero_enabled", "sized", False, CONFIG),
    Row(f"{ENTITY}.environment_vars[LEVEL]", "sized", "debug", CONFIG),
    Row(f"{ENTITY}.instance_profile_arn", "sized", "arn:2", CONFIG),
    Row(f"{ENTITY}.raw[x_new]", "sized", 2, (*CONFIG, *MARK)),
    Row(f"{ENTITY}.min_provisioned_concurrency", "elastic", 0, CONFIG),
    Row(f"{ENTITY}.max_provisioned_concurrency", "elastic", 16, CONFIG),
    Row(f"{ENTITY}.min_provisioned_throughput", "throughput", 0, CONFIG),
    Row(f"{ENTITY}.max_provisioned_throughput", "throughput", 40, CONFIG),
    Row(f"{ENTITY}.provisioned_model_units", "units", 100, UNITS),
    Row(f"{ENTITY}.burst_scaling_enabled", "units", True, (*UNITS, *MARK)),
    Row(
        "config.traffic_config.routes[b].traffic_percentage",
        "two",
        20,
        CONFIG,
        {"config.traffic_config.routes[a].traffic_percentage": 80},
    ),
    Row(
        "config.traffic_config.routes[b].served_entity_name",
        "two",
        "c",
        CONFIG,
        {"config.served_entities[b].name": "c"},
        shows=("config.served_entities", "config.traffic_config.routes"),
    ),
    Row("config.raw[x_new]", "two", 2, (*CONFIG, *MARK)),
    Row("config.auto_capture_config.enabled", "captured", False, CONFIG),
    Row(f"{LIMIT}.calls", "all around", 10, GATEWAY),
    Row(f"{LIMIT}.tokens", "all around", 0, GATEWAY),
    Row(f"{LIMIT}.key", "all around", "endpoint", GATEWAY, shows=("ai_gateway.rate_limits",)),
    Row(
        f"{LIMIT}.principal",
        "all around",
        "a@example.com",
        GATEWAY,
        shows=("ai_gateway.rate_limits",),
    ),
    *(
        row
        for side in ("input", "output")
        for row in (
            Row(f"{GUARDS}.{side}.safety", "all around", False, GATEWAY),
            Row(f"{GUARDS}.{side}.pii.behavior", "all around", "MASK", GATEWAY),
            Row(f"{GUARDS}.{side}.invalid_keywords", "all around", ["x", "y"], GATEWAY),
            Row(f"{GUARDS}.{side}.valid_topics", "all around", [], GATEWAY),
        )
    ),
    Row("ai_gateway.fallback_config.enabled", "all around", True, GATEWAY),
    Row("ai_gateway.usage_tracking_config.enabled", "all around", False, GATEWAY),
    Row(f"{TABLE}.enabled", "all around", False, GATEWAY),
    Row(f"{TABLE}.catalog_name", "all around", "dev", TABLE_MOVES),
    Row(f"{TABLE}.schema_name", "all around", "other", TABLE_MOVES),
    Row(f"{TABLE}.table_name_prefix", "all around", "y", TABLE_MOVES),
    Row("ai_gateway.raw[x_new]", "all around", 2, (*GATEWAY, *MARK)),
    Row("tags[team].key", "all around", "group", TAGS, shows=("tags",)),
    Row("tags[team].value", "all around", "", TAGS),
    Row("email_notifications.on_update_success", "all around", [], NOTIFY),
    Row("email_notifications.on_update_failure", "all around", ["b@example.com"], NOTIFY),
    Row("permissions[analysts].level", "all around", "CAN_MANAGE", PERMISSIONS),
    Row(
        "permissions[analysts].group_name",
        "all around",
        "others",
        PERMISSIONS,
        shows=("permissions",),
    ),
    Row(
        "permissions[user_name:a@example.com].user_name",
        "all around",
        "b@example.com",
        PERMISSIONS,
        shows=("permissions",),
    ),
    Row(
        "permissions[service_principal_name:0a1b-app].service_principal_name",
        "all around",
        "2c3d-app",
        PERMISSIONS,
        shows=("permissions",),
    ),
    Row(
        "telemetry_config.enabled_telemetry_features",
        "observed",
        ["TELEMETRY_FEATURE_TRACES", "TELEMETRY_FEATURE_METRICS"],
        TELEMETRY,
    ),
    Row("telemetry_config.inference_table_config.sampling_fraction", "observed", 1, TELEMETRY),
    *(
        Row(f"telemetry_config.table_names.{name}", "observed", "main.t.z", (*TELEMETRY, *MARK))
        for name in ("annotations_table", "logs_table", "metrics_table", "traces_table")
    ),
    Row("telemetry_config.telemetry_profile_id", "profiled", "profile-2", TELEMETRY),
    Row("lifecycle.prevent_destroy", "openai", True, TAGS),
    Row("secrets[second]", "scope", {"from_env": "SHOP_KEY"}, SECRET),
    Row("acls[analysts].permission", "scope", "WRITE", ACL),
    Row("acls[analysts].principal", "scope", "others", ACL, shows=("acls",)),
]

ANEW = [
    Row(f"{MODEL}.task", "openai", "llm/v1/completions", ANOTHER),
    Row("route_optimized", "sized", True, ANOTHER),
    Row("config.auto_capture_config.catalog_name", "captured", "dev", ANOTHER),
    Row("config.auto_capture_config.schema_name", "captured", "other", ANOTHER),
    Row("config.auto_capture_config.table_name_prefix", "captured", "y", ANOTHER),
    Row("name", "openai", "y", ("create",), shows=("",)),
    Row("name", "scope", "other", ("create_scope", "put_secret", "put_acl"), shows=("",)),
]
BLOCKED = [
    Row("description", "all around", "Other answers", ()),
    Row("budget_policy_id", "all around", "policy-2", ()),
    Row("raw[x_new]", "all around", 2, ()),
    Row(
        "backend_type",
        "scope",
        "AZURE_KEYVAULT",
        (),
        {
            "secrets": GONE,
            "backend_azure_keyvault": VAULT["backend_azure_keyvault"],
        },
    ),
    Row("backend_azure_keyvault.resource_id", "vault", "/subscriptions/2/vaults/two", ()),
    Row("backend_azure_keyvault.dns_name", "vault", "https://two.vault.azure.net/", ()),
]
INVALID = [
    Row(f"{LIMIT}.renewal_period", "all around", "hour", ()),
]
UNSENT = [
    Row("lifecycle.ignore_changes", "openai", ["tags[other]"], ()),
    Row("existing", "openai", False, ()),
    Row("lifecycle.prevent_destroy", "scope", True, ()),
    Row("lifecycle.ignore_changes", "scope", ["secrets[other]"], ()),
]
TABLE_OF_ALL = {
    "updated": UPDATED,
    "made anew": ANEW,
    "blocked": BLOCKED,
    "invalid": INVALID,
    "not sent": UNSENT,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with pytest.MonkeyPatch.context() as patch, workbench(tmp_path_factory.mktemp("x")) as made:
        patch.setenv("SHOP_KEY", "not-a-key")
        yield made


def kind_of(row: Row) -> str:
    return SCOPES if row.base in ("scope", "vault") else ENDPOINTS


def manifest(row: Row, document: Any) -> Any:
    return {kind_of(row): {"it": document}}


def changed(row: Row) -> Any:
    """The document of the row with the other value."""
    document = copy.deepcopy(BASES[row.base])
    # What stands beside is found by names that the row itself may change.
    for path, value in (*row.beside.items(), (row.path, row.value)):
        put(document, parse_path(path), value)
    return document


def put(document: Any, path: Path, value: Any) -> None:
    *way, last = path
    for segment in way:
        document = inside(document, segment)
    name = last.value if isinstance(last, Key) else last
    if value is GONE:
        del document[name]
    else:
        document[name] = value


def inside(document: Any, segment: str | Key) -> Any:
    if isinstance(document, list):
        return next(entry for entry in document if label(entry) == str(segment)[1:-1])
    name = segment.value if isinstance(segment, Key) else segment
    return document.setdefault(name, {})


def label(entry: Any) -> str:
    """What the paths of a plan call an entry of a list."""
    for name in ("name", "served_entity_name", "key", "principal", "group_name"):
        if name in entry:
            return str(entry[name])
    return ":".join(next((k, v) for k, v in entry.items() if k != "level"))


def stands_for(path: Path, row: Row) -> bool:
    """Whether the row says that the plan may tell ``path``."""
    told = [parse_path(one) if one else () for one in row.shows or (row.path, *row.beside)]
    return any(path[: len(one)] == one or one[: len(path)] == path for one in told)


def planned(bench: Workbench, row: Row) -> Step:
    """The step for the changed document, after the base was applied."""
    bench.empty({"keys": ["one", "two"]})
    _, outcomes = bench.apply(manifest(row, BASES[row.base]))
    assert [(one.status, one.message) for one in outcomes] == [(Status.DONE, "")]
    plan = bench.plan(manifest(row, changed(row)))
    return next(step for step in plan.steps if str(step.address) == f"{kind_of(row)}.it")


def applied(bench: Workbench, row: Row) -> None:
    _, outcomes = bench.apply(manifest(row, changed(row)), prune=True)
    assert {(one.status, one.message) for one in outcomes} == {(Status.DONE, "")}
    assert left_to_do(bench.plan(manifest(row, changed(row)))) == {}


def ids(rows: list[Row]) -> list[str]:
    return [f"{kind_of(row)}.{row.path}" for row in rows]


@pytest.mark.parametrize("row", UPDATED, ids=ids(UPDATED))
def test_an_update_makes_exactly_these_calls_and_shows_exactly_this(
    bench: Workbench, row: Row
) -> None:
    step = planned(bench, row)
    assert step.action is Action.UPDATE
    shown = differences(step)
    assert shown
    # A limit of tokens has a label of its own beside the limit of calls for the same key.
    paths = [parse_path(path_text(one.path).replace("[user:tokens]", "[user]")) for one in shown]
    assert [path_text(path) for path in paths if not stands_for(path, row)] == []
    assert tuple(operation.call for operation in step.operations) == row.calls
    applied(bench, row)


@pytest.mark.parametrize("row", ANEW, ids=ids(ANEW))
def test_what_is_fixed_at_creation_needs_another_one(bench: Workbench, row: Row) -> None:
    step = planned(bench, row)
    assert step.action is (Action.CREATE if row.path == "name" else Action.REPLACE)
    assert [one for one in differences(step) if not stands_for(one.path, row)] == []
    assert tuple(operation.call for operation in step.operations) == row.calls
    applied(bench, row)


@pytest.mark.parametrize("row", BLOCKED, ids=ids(BLOCKED))
def test_what_no_call_changes_is_blocked_with_a_way_out(bench: Workbench, row: Row) -> None:
    step = planned(bench, row)
    assert step.action is Action.BLOCKED
    assert row.path.partition("[")[0].partition(".")[0] in step.reason
    assert step.hint
    assert step.operations == ()


@pytest.mark.parametrize("row", INVALID, ids=ids(INVALID))
def test_a_field_with_one_value_takes_no_other(bench: Workbench, row: Row) -> None:
    with pytest.raises(FileError, match=r"renewal_period|hour"):
        bench.session(manifest(row, changed(row)))


@pytest.mark.parametrize("row", UNSENT, ids=ids(UNSENT))
def test_what_is_not_for_the_service_sends_nothing(bench: Workbench, row: Row) -> None:
    step = planned(bench, row)
    assert step.action is Action.KEEP
    assert step.operations == ()


def leaf(row: Row) -> str:
    return ".".join(segment for segment in parse_path(row.path) if isinstance(segment, str))


# The kinds of Unity Catalog have a table of their own: test_catalog_leaves.py.
@pytest.mark.parametrize("kind", ["model_serving_endpoints", "secret_scopes"])
def test_every_field_has_a_row_and_every_row_is_of_a_field(kind: str) -> None:
    rows = [row for rows in TABLE_OF_ALL.values() for row in rows if kind_of(row) == kind]
    # Checks are questions: nothing of them is sent or compared.
    beside = ("checks.", "rollout.")
    fields = {name for name in writable_fields(schemas.rules(kind)) if not name.startswith(beside)}
    assert {leaf(row) for row in rows} == fields


def test_no_base_is_left_over() -> None:
    used = {row.base for rows in TABLE_OF_ALL.values() for row in rows}
    assert used == set(BASES)
