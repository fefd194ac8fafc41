"""The endpoint's model against the service's own client, and against our tables."""

from __future__ import annotations

import dataclasses
import typing
from enum import Enum

import pytest
from databricks.sdk.service import serving

from provisioner.kinds import KINDS
from provisioner.kinds.model_serving_endpoints.kept import KEYS
from provisioner.kinds.model_serving_endpoints.operations import FIELDS_OF_CALL
from provisioner.kinds.model_serving_endpoints.providers import (
    BLOCK_OF,
    REFERENCES,
    REQUIRED_SECRET,
    SECRET_FIELDS,
    TASKS,
)
from provisioner.kinds.model_serving_endpoints.relations_models import NEEDED_BY_TYPE
from provisioner.kinds.model_serving_endpoints.translate import FIELDS, OUTPUT_ONLY
from provisioner.semantics import rules_in

KIND = KINDS["model_serving_endpoints"]
SCHEMA = KIND.model().model_json_schema()
RULES = rules_in(SCHEMA)
# Fields of the service that only other models than external ones have.
OTHER_MODELS = {
    (): {"route_optimized", "budget_policy_id", "telemetry_config"},
    ("config",): {"auto_capture_config"},
    ("config", "served_entities"): {
        "burst_scaling_enabled",
        "entity_name",
        "entity_version",
        "environment_vars",
        "instance_profile_arn",
        "max_provisioned_concurrency",
        "max_provisioned_throughput",
        "min_provisioned_concurrency",
        "min_provisioned_throughput",
        "provisioned_model_units",
        "scale_to_zero_enabled",
        "workload_size",
        "workload_type",
    },
}
# Old spellings, which `modernise` translates.
LEGACY = {
    ("config",): {"served_models"},
    ("config", "traffic_config", "routes"): {"served_model_name"},
}


def dataclass_in(hint):
    """The dataclass inside a type such as ``Optional[List[X]]``, or None."""
    if dataclasses.is_dataclass(hint):
        return hint
    return next(filter(None, map(dataclass_in, typing.get_args(hint))), None)


def classes(root, rule, path=()):
    """The client's classes beside our rules, as far down as both go."""
    yield root, rule, path
    for name, hint in typing.get_type_hints(root).items():
        inner = dataclass_in(hint)
        if inner and name in rule.fields and rule.fields[name].fields:
            yield from classes(inner, rule.fields[name], (*path, name))


PAIRS = list(classes(serving.ServingEndpointDetailed, RULES)) + list(
    classes(serving.EndpointCoreConfigInput, RULES.fields["config"], ("config",))
)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].__name__} {'.'.join(pair[2])}")
def test_the_client_of_the_service_knows_no_field_that_we_do_not(pair):
    root, rule, path = pair
    unknown = {field.name for field in dataclasses.fields(root)} - set(rule.fields)
    listed = [table.get(path, set()) for table in (OUTPUT_ONLY, OTHER_MODELS, LEGACY)]
    # The client's constructor wants a name for a config; the service ignores it.
    needless = {"name"} if root is serving.EndpointCoreConfigInput else set()
    assert unknown - set().union(*listed) - needless == set()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].__name__} {'.'.join(pair[2])}")
def test_we_know_no_field_that_the_client_of_the_service_does_not(pair):
    root, rule, path = pair
    known = {field.name for field in dataclasses.fields(root)}
    assert set(rule.fields) - known == ({"lifecycle"} if path == () else set())


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
        "EmailNotifications",
        "EndpointTag",
        "Route",
    } <= reached


def enums_in(node):
    """Name of property to its allowed values, wherever one is in the schema."""
    for name, child in node.get("properties", {}).items():
        choices = [child, *child.get("anyOf", ())]
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
    ],
)
def test_the_values_of_a_choice_are_those_of_the_client(schema, field, enum: type[Enum]):
    assert dict(enums_in(SCHEMA["$defs"][schema]))[field] == {member.value for member in enum}


def rules_below(rule, path=()):
    for name, inner in rule.fields.items():
        yield (*path, name), inner
        yield from rules_below(inner, (*path, name))


ALL = dict(rules_below(RULES))


def test_every_field_that_can_be_changed_has_exactly_one_call():
    changeable = [
        name
        for name, rule in RULES.fields.items()
        if not rule.immutable and not rule.not_updatable and name != "lifecycle"
    ]
    covered = [name for fields in FIELDS_OF_CALL.values() for name in fields]
    assert sorted(covered) == sorted(changeable)


def test_the_rules_that_everybody_asks_are_those_of_the_model():
    assert KIND.rules() == RULES


def test_every_field_of_the_api_is_sent_and_read():
    assert set(FIELDS) == set(RULES.fields) - {"lifecycle"}


def test_secret_fields_are_secret_write_only_and_the_only_ones():
    marked = {path[-1] for path, rule in ALL.items() if rule.secret}
    assert marked == SECRET_FIELDS == KIND.secret_fields
    assert {path[-1] for path, rule in ALL.items() if rule.write_only} == SECRET_FIELDS
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
    keyed = {path[-1]: rule for path, rule in ALL.items() if rule.list_key}
    assert set(keyed) == {"tags", *KEYS}
    for name, keys in KEYS.items():
        assert keyed[name].list_key == tuple(keys)
        defaults = {key: otherwise for key, otherwise in keys.items() if otherwise}
        assert {k: v for k, v in keyed[name].key_default.items() if v} == defaults
