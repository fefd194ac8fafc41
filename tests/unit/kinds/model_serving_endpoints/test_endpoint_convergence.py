"""Plan, apply, plan again on the local workspace: every provider, every block of the gateway."""

from __future__ import annotations

import itertools

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running
from provisioner.kinds import KINDS
from provisioner.kinds.model_serving_endpoints.validation.legacy import migrate_legacy
from provisioner.model.live import Phase
from provisioner.model.plan import Action, Address
from provisioner.model.resource import Resource
from provisioner.model.secret import SecretReader
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext
from provisioner.workspace import WorkspaceTarget, connect

KIND = KINDS["model_serving_endpoints"]
REFERENCE = "{{secrets/keys/one}}"
PLAINTEXT = {"$secret": {"from_env": "PROVIDER_KEY"}}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A driver for a local workspace, with a way to ask that workspace directly."""
    folder = tmp_path_factory.mktemp("root")
    with (
        running(Settings(token="dapi-kinds")) as server,
        connect(WorkspaceTarget(host=server.url, token="dapi-kinds"), {}, "tests") as connection,
    ):
        yield KIND.runtime.connect(connection, SecretReader(folder)), connection


def plan(document, driver):
    address, name = Address("model_serving_endpoints", "x"), document["name"]
    wanted = Resource(address, name, document)
    pair = Pair(address, name, wanted, driver.read(wanted))
    return plan_step(pair, KIND, PlanContext(project="shop", environment="dev"))


def carry_out(step, driver):
    for operation in step.operations:
        driver.perform(operation, "")
        ready = (driver.confirm(step.name).phase for _ in range(20))
        assert not operation.wait or Phase.READY in ready, driver.confirm(step.name)


def external(provider, block, config, task="llm/v1/chat"):
    return {"name": "m.1", "provider": provider, "task": task, block: config}


def openai(**config):
    return external("openai", "openai_config", {"openai_api_key": REFERENCE} | config)


def anthropic(**config):
    config = config or {"anthropic_api_key": REFERENCE}
    return external("anthropic", "anthropic_config", config)


def serving(*models, **fields):
    entities = [{"name": "abc"[at], "external_model": one} for at, one in enumerate(models)]
    config = {"served_entities": entities}
    if len(entities) > 1:
        shares = [100 - len(entities) + 1, *([1] * (len(entities) - 1))]
        routes = [
            {"served_entity_name": one["name"], "traffic_percentage": share}
            for one, share in zip(entities, shares, strict=True)
        ]
        config["traffic_config"] = {"routes": routes}
    return {"config": config} | fields


AZURE = {
    "openai_api_base": "https://x.openai.azure.com",
    "openai_api_version": "2024-06-01",
    "openai_deployment_name": "gpt",
}
ENTRA = {
    "openai_api_type": "azuread",
    "microsoft_entra_client_id": "c",
    "microsoft_entra_tenant_id": "t",
    "microsoft_entra_client_secret_plaintext": PLAINTEXT,
}
BEDROCK = {"aws_region": "us-east-1", "bedrock_provider": "anthropic"}
TABLE = {"catalog_name": "c", "schema_name": "s", "enabled": True}
MODEL = {"entity_name": "main.shop.model", "entity_version": "1"}
FOUNDATION = {"entity_name": "system.ai.llama", "entity_version": "2"}


def registered(*entities, model=MODEL, routes=None, config=None, **fields):
    """An endpoint whose entities differ in what is given."""
    served = [{"name": "abc"[at]} | model | one for at, one in enumerate(entities)]
    split = [{"served_entity_name": n, "traffic_percentage": s} for n, s in (routes or {}).items()]
    traffic = {"traffic_config": {"routes": split}} if split else {}
    return {"config": {"served_entities": served} | traffic | (config or {})} | fields


def custom(*entities, **fields):
    return registered(*({"scale_to_zero_enabled": True} | one for one in entities), **fields)


CAPTURE = {"catalog_name": "c", "schema_name": "s"}
TELEMETRY = {
    "table_names": {"logs_table": "c.s.logs", "traces_table": "c.s.traces"},
    "enabled_telemetry_features": ["TELEMETRY_FEATURE_LOGS"],
    "inference_table_config": {"sampling_fraction": 0.25},
}
JOINT = {"key": "user", "renewal_period": "minute", "calls": 9, "tokens": 500}
SPLIT = [
    {"key": "user", "renewal_period": "minute", "tokens": 500},
    {"key": "user", "renewal_period": "minute", "calls": 9},
]
SITUATIONS = {
    "a custom model": custom({}),
    "a custom model without a name": {
        "config": {"served_entities": [MODEL | {"scale_to_zero_enabled": False}]}
    },
    "a custom model with everything": custom(
        {
            "workload_size": "Medium",
            "workload_type": "GPU_SMALL",
            "environment_vars": {"KEY": REFERENCE, "MODE": "fast"},
            "instance_profile_arn": "arn:aws:iam::1:instance-profile/x",
        },
        telemetry_config=TELEMETRY,
        budget_policy_id="policy",
        tags=[{"key": "team", "value": "risk"}],
    ),
    "champion and challenger by concurrency": custom(
        {"min_provisioned_concurrency": 4, "max_provisioned_concurrency": 16},
        {"entity_version": "2", "scale_to_zero_enabled": False},
        routes={"a": 90, "b": 10},
        telemetry_config={"telemetry_profile_id": "profile"},
        budget_policy_id="policy",
    ),
    "a custom model with a legacy table": custom(
        {}, config={"auto_capture_config": CAPTURE | {"enabled": True}}
    ),
    "a custom model with a legacy table that is off": custom(
        {}, config={"auto_capture_config": CAPTURE | {"enabled": False}}
    ),
    "a short way": custom({}, route_optimized=True),
    "a feature spec": {
        "config": {
            "served_entities": [
                {"name": "a", "entity_name": "main.shop.spec", "scale_to_zero_enabled": True}
            ]
        }
    },
    "a foundation model by throughput": registered(
        {"min_provisioned_throughput": 0, "max_provisioned_throughput": 9500}, model=FOUNDATION
    ),
    "model units": registered(
        {"provisioned_model_units": 50, "burst_scaling_enabled": False},
        model=FOUNDATION,
        tags=[{"key": "team", "value": "risk"}],
        ai_gateway={"usage_tracking_config": {"enabled": True}},
    ),
    "more model units": registered(
        {"provisioned_model_units": 100},
        {"provisioned_model_units": 50},
        model=FOUNDATION,
        routes={"a": 50, "b": 50},
    ),
    "fields that nobody knows": custom(
        {"raw": {"new_of_entity": 1}},
        config={"raw": {"new_of_config": 1}},
        ai_gateway={"raw": {"new_of_gateway": {"a": [1]}}},
        raw={"new_of_endpoint": True},
    ),
    "nothing but a name": {},
    "one model": serving(openai()),
    "one without a name": {"config": {"served_entities": [{"external_model": openai()}]}},
    "a key as plaintext": serving(
        external("openai", "openai_config", {"openai_api_key_plaintext": PLAINTEXT})
    ),
    "an external model with bursts": {
        "config": {
            "served_entities": [
                {"name": "a", "external_model": openai(), "burst_scaling_enabled": True}
            ]
        }
    },
    "Azure with a key": serving(openai(openai_api_type="azure", **AZURE)),
    "Azure with Entra ID": serving(external("openai", "openai_config", AZURE | ENTRA)),
    "three models": serving(
        openai(), anthropic(), anthropic(anthropic_api_key_plaintext=PLAINTEXT)
    ),
    "Bedrock with keys": serving(
        external(
            "amazon-bedrock",
            "amazon_bedrock_config",
            BEDROCK
            | {"aws_access_key_id": REFERENCE, "aws_secret_access_key_plaintext": PLAINTEXT},
        )
    ),
    "Bedrock with a profile": serving(
        external(
            "amazon-bedrock", "amazon_bedrock_config", BEDROCK | {"instance_profile_arn": "arn:x"}
        )
    ),
    "Vertex AI": serving(
        external(
            "google-cloud-vertex-ai",
            "google_cloud_vertex_ai_config",
            {"project_id": "p", "region": "r", "private_key": REFERENCE},
        )
    ),
    "Cohere": serving(
        external("cohere", "cohere_config", {"cohere_api_key": REFERENCE}, "llm/v1/embeddings")
    ),
    "AI21 Labs": serving(
        external(
            "ai21labs", "ai21labs_config", {"ai21labs_api_key_plaintext": PLAINTEXT}, "llm/v1/chat"
        )
    ),
    "PaLM": serving(external("palm", "palm_config", {"palm_api_key": REFERENCE})),
    "another workspace": serving(
        external(
            "databricks-model-serving",
            "databricks_model_serving_config",
            {"databricks_workspace_url": "https://x", "databricks_api_token": REFERENCE},
        )
    ),
    "a custom provider with a header": serving(
        external(
            "custom",
            "custom_provider_config",
            {
                "custom_provider_url": "https://x",
                "api_key_auth": {"key": "X-Key", "value_plaintext": PLAINTEXT},
            },
        )
    ),
    "a custom provider with a token": serving(
        external(
            "custom",
            "custom_provider_config",
            {
                "custom_provider_url": "https://x",
                "bearer_token_auth": {"token_plaintext": PLAINTEXT},
            },
        )
    ),
    "a whole gateway": serving(
        openai(),
        anthropic(),
        description="Answers",
        tags=[{"key": "team", "value": "shop"}, {"key": "bare"}, {"key": "empty", "value": ""}],
        email_notifications={"on_update_success": ["z@b.c", "a@b.c"], "on_update_failure": []},
        ai_gateway={
            "fallback_config": {"enabled": True},
            "usage_tracking_config": {"enabled": True},
            "guardrails": {
                "input": {"safety": True, "pii": {"behavior": "BLOCK"}},
                "output": {"pii": {"behavior": "MASK"}, "valid_topics": ["b", "a"]},
            },
            "rate_limits": [
                {"renewal_period": "minute", "calls": 10, "tokens": 5},
                {"key": "user", "renewal_period": "minute", "calls": 0},
                {"key": "user", "principal": "a@b.c", "renewal_period": "minute", "calls": 2},
                {"key": "user_group", "principal": "ops", "renewal_period": "minute", "tokens": 2},
            ],
            "inference_table_config": TABLE | {"table_name_prefix": "answers"},
        },
    ),
    "another gateway": serving(
        openai(),
        description="Answers",
        tags=[{"key": "team", "value": "web"}],
        email_notifications={"on_update_failure": ["a@b.c"]},
        ai_gateway={
            "fallback_config": {"enabled": False},
            "usage_tracking_config": {"enabled": False},
            "guardrails": {"input": {"safety": False, "pii": {"behavior": "NONE"}}},
            "rate_limits": [{"key": "endpoint", "renewal_period": "minute", "calls": 1}],
            "inference_table_config": TABLE | {"catalog_name": "other"},
        },
    ),
    "a limit of calls and one of tokens, in one entry": serving(
        openai(), ai_gateway={"rate_limits": [JOINT]}
    ),
    "a limit of calls and one of tokens, in two entries": serving(
        openai(), ai_gateway={"rate_limits": SPLIT}
    ),
    "a gateway with everything off": serving(
        openai(),
        ai_gateway={
            "usage_tracking_config": {},
            "guardrails": {},
            "rate_limits": [],
            "inference_table_config": TABLE | {"enabled": False},
        },
    ),
}
OFF = TABLE | {"enabled": False}
EMPTY = {
    "an empty gateway": serving(openai(), ai_gateway={}),
    "guardrails of nothing": serving(openai(), ai_gateway={"guardrails": {"input": {}}}),
    "a guardrail of nothing": serving(
        openai(), ai_gateway={"guardrails": {"input": {"pii": {}}, "output": {}}}
    ),
    "no keywords": serving(
        openai(), ai_gateway={"guardrails": {"input": {"invalid_keywords": []}}}
    ),
    "no tags": serving(openai(), tags=[]),
    "nobody to notify": serving(openai(), email_notifications={}),
    "nobody to notify of updates": serving(openai(), email_notifications={"on_update_success": []}),
    "no permissions": serving(openai(), permissions=[]),
    "an empty description": serving(openai(), description=""),
    "nothing raw": serving(openai(raw={}), raw={}, ai_gateway={"raw": {}}),
    "nothing raw in an entity": custom({"raw": {}}, config={"raw": {}}),
    "no variables": custom({"environment_vars": {}}),
    "all features": custom({}, telemetry_config=TELEMETRY | {"enabled_telemetry_features": []}),
    "no split": custom({}, config={"traffic_config": {}}),
    "a split of no routes": custom({}, config={"traffic_config": {"routes": []}}),
    "a table that is off, with an empty prefix": serving(
        openai(), ai_gateway={"inference_table_config": OFF | {"table_name_prefix": ""}}
    ),
    "a table with an empty prefix": serving(
        openai(), ai_gateway={"inference_table_config": TABLE | {"table_name_prefix": ""}}
    ),
    "a legacy table with an empty prefix": custom(
        {}, config={"auto_capture_config": CAPTURE | {"enabled": True, "table_name_prefix": ""}}
    ),
}
"""Blocks that say nothing: refused where the service would answer with something."""
REFUSED = {
    "no split": "E319",
    "a split of no routes": "E319",
}
FAR_APART = [
    "one model",
    "one without a name",
    "a key as plaintext",
    "three models",
    "Cohere",
    "a custom provider with a token",
    "a whole gateway",
    "another gateway",
    "a gateway with everything off",
    "a custom model",
    "a custom model with everything",
    "champion and challenger by concurrency",
    "a foundation model by throughput",
    "model units",
    "more model units",
]


@pytest.fixture
def keyed(monkeypatch, workspace):
    """The workspace's driver, once the provider's key is there."""
    monkeypatch.setenv("PROVIDER_KEY", "sk-one")
    driver, connection = workspace
    if not (connection.get("/api/2.0/secrets/scopes/list") or {}).get("scopes"):
        connection.send(
            "POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"}, repeatable=True
        )
        body = {"scope": "keys", "key": "one", "string_value": "sk"}
        connection.send("POST", "/api/2.0/secrets/put", body, repeatable=True)
    return driver


NUMBERS = itertools.count()


@pytest.mark.parametrize(("first", "second"), [([JOINT], SPLIT), (SPLIT, [JOINT])])
def test_one_entry_and_two_for_calls_and_tokens_are_the_same(keyed, first, second):
    document = {"name": f"endpoint-{next(NUMBERS)}"} | serving(openai())
    written = document | {"ai_gateway": {"rate_limits": first}}
    carry_out(plan(written, keyed), keyed)
    other = document | {"ai_gateway": {"rate_limits": second}}
    assert plan(other, keyed).action is Action.KEEP


def named(situation):
    return {"name": f"endpoint-{next(NUMBERS)}"} | SITUATIONS[situation]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_after_an_apply_nothing_is_left_to_do(keyed, situation):
    document = named(situation)
    carry_out(plan(document, keyed), keyed)
    again = plan(document, keyed)
    assert [c for c in again.changes if c.action is not Action.KEEP] == []
    assert again.action is Action.KEEP
    assert again.unknown == ()
    assert keyed.poll()[document["name"]].phase is Phase.READY


@pytest.mark.parametrize("base", ["nothing", "an endpoint without it"])
@pytest.mark.parametrize("situation", EMPTY)
def test_an_empty_block_converges_or_is_refused(keyed, situation, base):
    written = {"name": f"endpoint-{next(NUMBERS)}"} | EMPTY[situation]
    document, _ = migrate_legacy(written)
    found = {each.code for each in KIND.schema.relations(document, {}) if each.code.startswith("E")}
    assert found == ({REFUSED[situation]} if situation in REFUSED else set())
    if found:
        return
    if base != "nothing":
        other = custom({}) if "entity_name" in str(document) else serving(openai())
        carry_out(plan({"name": document["name"]} | other, keyed), keyed)
    carry_out(plan(document, keyed), keyed)
    again = plan(document, keyed)
    assert [c for c in again.changes if c.action is not Action.KEEP] == []
    assert again.action is Action.KEEP


def kept(document, other):
    """``other`` with what no call can change of ``document``."""
    fixed = ("description", "budget_policy_id")
    rest = {name: value for name, value in other.items() if name not in fixed}
    rest |= {name: document[name] for name in fixed if name in document}
    if "provisioned_model_units" in str(other):
        rest.pop("description", None)  # The endpoint is made anew, and then has none.
    return rest


@pytest.mark.parametrize("first", FAR_APART)
def test_every_endpoint_can_become_every_other(keyed, first):
    document = named(first)
    carry_out(plan(document, keyed), keyed)
    for second in FAR_APART:
        document = kept(document, {"name": document["name"]} | SITUATIONS[second])
        carry_out(plan(document, keyed), keyed)
        again = plan(document, keyed)
        assert [c for c in again.changes if c.action is not Action.KEEP] == [], second
        assert again.action is Action.KEEP
