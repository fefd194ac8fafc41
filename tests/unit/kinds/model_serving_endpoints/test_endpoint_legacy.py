"""Old spellings are understood, translated and reported with the new one."""

from __future__ import annotations

import copy

import pytest

from provisioner.errors import Severity
from provisioner.kinds import KINDS

migrate_legacy = KINDS["model_serving_endpoints"].schema.migrate_legacy
LIMIT = {"key": "user", "renewal_period": "minute", "calls": 20}
OTHER = {"key": "user", "renewal_period": "minute", "calls": 5}
ENTITIES = ("config", "served_entities")
ROUTES = ("config", "traffic_config", "routes")


def config(**fields):
    return {"name": "chat", "config": fields}


def external(**fields):
    return config(served_entities=[{"name": "a", "external_model": fields}])


def routed(**route):
    return config(traffic_config={"routes": [route]})


TRANSLATED = [
    pytest.param(
        {"name": "chat", "rate_limits": [LIMIT]},
        {"name": "chat", "ai_gateway": {"rate_limits": [LIMIT]}},
        [("W711", ("rate_limits",))],
        id="rate limits of the endpoint itself",
    ),
    pytest.param(
        config(rate_limits=[LIMIT]),
        config() | {"ai_gateway": {"rate_limits": [LIMIT]}},
        [("W711", ("config", "rate_limits"))],
        id="rate limits in the config, as in MLflow's documentation",
    ),
    pytest.param(
        {"rate_limits": [LIMIT], "ai_gateway": {"usage_tracking_config": {"enabled": True}}},
        {"ai_gateway": {"usage_tracking_config": {"enabled": True}, "rate_limits": [LIMIT]}},
        [("W711", ("rate_limits",))],
        id="rate limits beside a gateway that has none",
    ),
    pytest.param(
        config(served_models=[{"name": "a", "model_name": "m", "model_version": "3"}]),
        config(served_entities=[{"name": "a", "entity_name": "m", "entity_version": "3"}]),
        [("W710", ("config", "served_models"))],
        id="served models",
    ),
    pytest.param(
        config(
            served_models=[
                {
                    "model_name": "c.s.m",
                    "model_version": "3",
                    "workload_size": "Small",
                    "scale_to_zero_enabled": False,
                    "environment_vars": {"model_name": "x"},
                }
            ],
            traffic_config={"routes": [{"served_model_name": "m-3", "traffic_percentage": 100}]},
        ),
        config(
            served_entities=[
                {
                    "entity_name": "c.s.m",
                    "entity_version": "3",
                    "workload_size": "Small",
                    "scale_to_zero_enabled": False,
                    "environment_vars": {"model_name": "x"},
                }
            ],
            traffic_config={"routes": [{"served_entity_name": "m-3", "traffic_percentage": 100}]},
        ),
        [
            ("W710", ("config", "served_models")),
            ("W712", (*ROUTES, 0, "served_model_name")),
        ],
        id="a custom model as Terraform's users have it",
    ),
    pytest.param(
        routed(served_model_name="a", traffic_percentage=100),
        routed(served_entity_name="a", traffic_percentage=100),
        [("W712", (*ROUTES, 0, "served_model_name"))],
        id="a route by its old name",
    ),
    pytest.param(
        routed(served_model_name="a", served_entity_name="a", traffic_percentage=100),
        routed(served_entity_name="a", traffic_percentage=100),
        [("W712", (*ROUTES, 0, "served_model_name"))],
        id="a route as the service echoes it",
    ),
    pytest.param(
        external(provider="openai", config={"openai_config": {"openai_api_base": "x"}}),
        external(provider="openai", openai_config={"openai_api_base": "x"}),
        [("W713", (*ENTITIES, 0, "external_model", "config"))],
        id="the block of a provider below config",
    ),
    pytest.param(
        external(provider="openai", config={"openai_api_base": "x"}),
        external(provider="openai", openai_config={"openai_api_base": "x"}),
        [("W713", (*ENTITIES, 0, "external_model", "config"))],
        id="the settings of a provider in config itself",
    ),
    pytest.param(
        external(provider="amazon-bedrock", aws_bedrock_config={"aws_region": "r"}),
        external(provider="amazon-bedrock", amazon_bedrock_config={"aws_region": "r"}),
        [("W717", (*ENTITIES, 0, "external_model", "aws_bedrock_config"))],
        id="Bedrock by its old name",
    ),
    pytest.param(
        external(
            provider="amazon-bedrock", config={"aws_bedrock_config": {"bedrock_provider": "Amazon"}}
        ),
        external(provider="amazon-bedrock", amazon_bedrock_config={"bedrock_provider": "amazon"}),
        [
            ("W713", (*ENTITIES, 0, "external_model", "config")),
            ("W717", (*ENTITIES, 0, "external_model", "aws_bedrock_config")),
        ],
        id="an old name inside an old place, and a provider in capitals",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), TRANSLATED)
def test_an_old_spelling_is_translated_and_reported(old, new, expected):
    before = copy.deepcopy(old)
    document, findings = migrate_legacy(old)
    assert document == new
    assert [(one.code, one.at) for one in findings] == expected
    assert {one.severity for one in findings} == {Severity.WARNING}
    assert all(one.hint for one in findings)
    assert old == before, "the document that was given must stay as it is"


@pytest.mark.parametrize(("old", "new", "expected"), TRANSLATED)
def test_what_is_modern_stays_as_it_is(old, new, expected):
    assert migrate_legacy(new) == (new, ())


CONFLICTS = [
    pytest.param(
        {"rate_limits": [LIMIT], "ai_gateway": {"rate_limits": [OTHER]}},
        {"ai_gateway": {"rate_limits": [OTHER]}},
        ("rate_limits",),
        id="rate limits in both places",
    ),
    pytest.param(
        config(served_models=[], served_entities=[{"name": "a"}]),
        config(served_entities=[{"name": "a"}]),
        ("config", "served_models"),
        id="served models and served entities",
    ),
    pytest.param(
        routed(served_model_name="a", served_entity_name="b"),
        routed(served_entity_name="b"),
        (*ROUTES, 0, "served_model_name"),
        id="a route with two names that differ",
    ),
    pytest.param(
        external(
            provider="openai",
            config={"openai_config": {"openai_api_base": "x"}},
            openai_config={"openai_api_base": "y"},
        ),
        external(provider="openai", openai_config={"openai_api_base": "y"}),
        (*ENTITIES, 0, "external_model", "config"),
        id="the settings of a provider in both places",
    ),
]


@pytest.mark.parametrize(("old", "new", "at"), CONFLICTS)
def test_an_old_and_the_new_spelling_together_are_an_error(old, new, at):
    document, findings = migrate_legacy(old)
    assert document == new
    assert [(one.code, one.at, one.severity) for one in findings] == [("E330", at, Severity.ERROR)]


LIMITS = [{"key": "user", "renewal_period": "minute", "calls": 1}]
CONFIG = {"aws_region": "r"}
SAME_TWICE = [
    pytest.param(
        {"rate_limits": LIMITS, "ai_gateway": {"rate_limits": LIMITS}}, "W711", id="rate limits"
    ),
    pytest.param(
        {"aws_bedrock_config": CONFIG, "amazon_bedrock_config": CONFIG}, "W717", id="Bedrock"
    ),
]


@pytest.mark.parametrize(("written", "code"), SAME_TWICE)
def test_an_old_spelling_beside_the_new_one_with_the_same_value_only_warns(written, code):
    if code == "W717":
        entity = {"name": "a", "external_model": {"provider": "amazon-bedrock", **written}}
        written = {"config": {"served_entities": [entity]}}
    assert [finding.code for finding in migrate_legacy(written)[1]] == [code]
