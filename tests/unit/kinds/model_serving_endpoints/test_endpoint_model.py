"""The endpoint's model against the service's own client, and against our tables."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from enum import Enum

import pytest
from databricks.sdk.service import serving

from provisioner.kinds import KINDS
from provisioner.kinds.model_serving_endpoints.live.read import FIELDS
from provisioner.kinds.model_serving_endpoints.planning.calls import CALLS, FIELDS_OF_CALL
from provisioner.kinds.model_serving_endpoints.planning.config_actions import ALL_FEATURES
from provisioner.kinds.model_serving_endpoints.validation.external_models import NEEDED_BY_TYPE
from provisioner.kinds.model_serving_endpoints.vocabulary import (
    BLOCK_OF,
    OUTPUT_ONLY,
    REFERENCES,
    REQUIRED_SECRET,
    SECRET_FIELDS,
    TASKS,
)
from provisioner.model.field_rules import rules_in

KIND = KINDS["model_serving_endpoints"]
SCHEMA = KIND.schema.model().model_json_schema()
RULES = rules_in(SCHEMA)
# Words of manifests: no field of the service.
OURS = {"raw", "lifecycle", "existing", "checks", "rollout"}
# Kept by the service beside the endpoint, with calls of their own.
BESIDE = {"permissions"}
# Old spellings, which `migrate_legacy` translates.
LEGACY = {
    (): {"rate_limits"},
    ("config",): {"served_models"},
    ("config", "traffic_config", "routes"): {"served_model_name"},
}
# The client's constructor wants a name for a config; the service ignores it.
NEEDLESS = {serving.EndpointCoreConfigInput: {"name"}}
CONFIGS = (
    serving.EndpointCoreConfigInput,
    serving.PtEndpointCoreConfig,
    serving.EndpointPendingConfig,
    serving.EndpointCoreConfigSummary,
)


def dataclass_in(hint):
    """The dataclass inside a type such as ``Optional[List[X]]``, or None."""
    if dataclasses.is_dataclass(hint):
        return hint
    return next(filter(None, map(dataclass_in, typing.get_args(hint))), None)


def classes(root, rule, path=()):
    """The client's classes beside our rules, as far down as what we hold goes."""
    yield root, rule, path
    for name, hint in typing.get_type_hints(root).items():
        inner = dataclass_in(hint)
        if inner and name in rule.fields:
            yield from classes(inner, rule.fields[name], (*path, name))


PAIRS = [
    pair
    for root in (serving.ServingEndpointDetailed, serving.ServingEndpoint)
    for pair in classes(root, RULES)
] + [pair for root in CONFIGS for pair in classes(root, RULES.fields["config"], ("config",))]


def name_of(pair):
    return f"{pair[0].__name__} {'.'.join(pair[2])}"


@pytest.mark.parametrize("pair", PAIRS, ids=name_of)
def test_every_field_of_the_client_is_held_translated_or_left_out_with_a_reason(pair):
    root, rule, path = pair
    unknown = {field.name for field in dataclasses.fields(root)} - set(rule.fields)
    reasons = OUTPUT_ONLY.get(path, {})
    assert all(reasons.values())
    assert unknown - set(reasons) - LEGACY.get(path, set()) - NEEDLESS.get(root, set()) == set()


def test_nothing_that_is_left_out_can_be_set():
    inputs = {("config",): serving.EndpointCoreConfigInput}
    inputs[("config", "served_entities")] = serving.ServedEntityInput
    inputs[("config", "auto_capture_config")] = serving.AutoCaptureConfigInput
    for path, root in inputs.items():
        settable = {field.name for field in dataclasses.fields(root)} - LEGACY.get(path, set())
        assert not settable & set(OUTPUT_ONLY.get(path, {}))


WRITES = [
    "create",
    "create_provisioned_throughput_endpoint",
    "update_config",
    "update_provisioned_throughput_endpoint_config",
    "put",
    "put_ai_gateway",
    "patch",
    "patch_telemetry_config",
    "update_notifications",
]


@pytest.mark.parametrize("method", WRITES)
def test_every_parameter_of_a_call_that_writes_is_a_field(method):
    asked = set(inspect.signature(getattr(serving.ServingEndpointsAPI, method)).parameters)
    known = set(RULES.fields) | set(RULES.fields["config"].fields)
    known |= set(RULES.fields["ai_gateway"].fields) | LEGACY[()] | LEGACY[("config",)]
    assert asked - known - {"self", "add_tags", "delete_tags"} == set()


@pytest.mark.parametrize("pair", PAIRS, ids=name_of)
def test_we_hold_no_field_that_no_class_of_the_client_has(pair):
    _, rule, path = pair
    known = {
        field.name
        for other, _, place in PAIRS
        if place == path
        for field in dataclasses.fields(other)
    }
    assert set(rule.fields) - known <= OURS | (BESIDE if path == () else set())


def test_the_comparison_with_the_client_reaches_every_class():
    reached = {root.__name__ for root, _, _ in PAIRS}
    assert {
        "ExternalModel",
        "OpenAiConfig",
        "AmazonBedrockConfig",
        "ApiKeyAuth",
        "BearerTokenAuth",
        "AiGatewayGuardrailPiiBehavior",
        "AiGatewayRateLimit",
        "AutoCaptureConfigInput",
        "AutoCaptureConfigOutput",
        "EmailNotifications",
        "EndpointTag",
        "PtServedModel",
        "Route",
        "ServedEntityInput",
        "ServedEntityOutput",
        "TelemetryInferenceTableConfig",
        "UnityCatalogTableNames",
    } <= reached


def enums_in(node):
    """Name of property to its allowed values, wherever one is in the schema."""
    for name, child in node.get("properties", {}).items():
        choices = [child, *child.get("anyOf", ())]
        choices += [one["items"] for one in choices if "items" in one]
        yield from ((name, set(c["enum"])) for c in choices if "enum" in c)
        yield from ((name, {c["const"]}) for c in choices if "const" in c)


@pytest.mark.parametrize(
    ("schema", "field", "enum"),
    [
        ("ExternalModel", "provider", serving.ExternalModelProvider),
        ("AmazonBedrockConfig", "bedrock_provider", serving.AmazonBedrockConfigBedrockProvider),
        ("RateLimit", "key", serving.AiGatewayRateLimitKey),
        ("RateLimit", "renewal_period", serving.AiGatewayRateLimitRenewalPeriod),
        ("Pii", "behavior", serving.AiGatewayGuardrailPiiBehaviorBehavior),
        ("ServedEntity", "workload_type", serving.ServingModelWorkloadType),
        ("TelemetryConfig", "enabled_telemetry_features", serving.TelemetryFeature),
    ],
)
def test_the_values_of_a_choice_are_those_of_the_client(schema, field, enum: type[Enum]):
    assert dict(enums_in(SCHEMA["$defs"][schema]))[field] == {member.value for member in enum}


def rules_below(rule, path=()):
    for name, inner in rule.fields.items():
        yield (*path, name), inner
        yield from rules_below(inner, (*path, name))


ALL = dict(rules_below(RULES))
# Checks are taken out before anything is compared.
COMPARED = {path: rule for path, rule in ALL.items() if path[0] != "checks"}


def test_every_field_that_can_be_changed_has_exactly_one_call():
    changeable = [
        name
        for name, rule in RULES.fields.items()
        if not rule.immutable and not rule.not_updatable and name not in OURS
    ]
    covered = [name for fields in FIELDS_OF_CALL.values() for name in fields]
    assert sorted(covered) == sorted(changeable)
    assert list(CALLS) == list(FIELDS_OF_CALL)
    assert list(FIELDS_OF_CALL) == [
        "set_permissions",
        "patch_tags",
        "update_notifications",
        "update_config",
        "put_ai_gateway",
        "patch_telemetry_config",
    ]


def test_the_rules_that_everybody_asks_are_those_of_the_model():
    assert KIND.schema.rules() == RULES


def test_every_field_of_the_api_is_sent_and_read():
    assert set(FIELDS) == set(RULES.fields) - OURS - BESIDE


def test_secret_fields_are_secret_write_only_and_the_only_ones():
    marked = {path[-1] for path, rule in ALL.items() if rule.secret}
    assert marked == SECRET_FIELDS
    unseen = {"burst_scaling_enabled", "budget_policy_id", "table_names", "raw"}
    assert {path[-1] for path, rule in ALL.items() if rule.write_only} == SECRET_FIELDS | unseen
    assert {path[-1] for path, rule in ALL.items() if rule.secret_reference} == set(REFERENCES)
    assert len(SECRET_FIELDS) == 12


def test_every_plaintext_field_has_a_reference_beside_it():
    for path in (path for path, rule in ALL.items() if rule.secret):
        twin = (*path[:-1], path[-1].removesuffix("_plaintext"))
        assert ALL[twin].secret_reference


def test_every_claim_about_a_field_names_its_source():
    for path, rule in ALL.items():
        claims = rule.immutable or rule.write_only or rule.server_default or rule.list_key
        assert bool(rule.sources) == bool(claims or rule.not_updatable or rule.secret_reference), (
            path
        )


def objects(node):
    return {"": node, **node["$defs"]}.items()


def test_every_field_and_every_object_is_described():
    for name, node in objects(SCHEMA):
        assert node.get("description"), name
        for field, child in node["properties"].items():
            assert child.get("description", "").endswith((".", "`")), f"{name}.{field}"


def test_no_object_takes_unknown_fields():
    assert all(node["additionalProperties"] is False for _, node in objects(SCHEMA))


def test_what_is_sent_raw_may_hold_anything_and_stands_in_five_places():
    homes = {path[:-1] for path in ALL if path[-1] == "raw"}
    entity = ("config", "served_entities")
    assert homes == {(), ("config",), entity, (*entity, "external_model"), ("ai_gateway",)}
    assert all(ALL[(*home, "raw")].mapping for home in homes)


def test_the_tables_of_providers_name_fields_that_exist():
    model = ALL["config", "served_entities", "external_model"]
    assert set(BLOCK_OF.values()) == {name for name in model.fields if name.endswith("_config")}
    openai = model.fields["openai_config"].fields
    assert set(openai) >= {name for names in NEEDED_BY_TYPE.values() for name in names}
    blocks = {path[-1]: rule for path, rule in ALL.items()}
    assert all(secret in blocks[block].fields for block, secret in REQUIRED_SECRET.items())
    task = SCHEMA["$defs"]["ExternalModel"]["properties"]["task"]
    assert task["examples"] == list(TASKS)


def test_lists_without_keys_hold_plain_values_only():
    keyed = {path[-1]: rule for path, rule in COMPARED.items() if rule.list_key}
    assert set(keyed) == {"tags", "served_entities", "routes", "rate_limits"} | BESIDE


def test_all_features_are_those_of_the_client():
    assert {feature.value for feature in serving.TelemetryFeature} == ALL_FEATURES
