"""From the service's answers to live documents: partial, newer than we are, in any order."""

from __future__ import annotations

import copy
import re
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds import KINDS
from provisioner.kinds.model_serving_endpoints.live import read
from provisioner.model.live import Ownership, Phase
from provisioner.model.serving import Served

KIND = KINDS["model_serving_endpoints"]
RULES = KIND.schema.rules()


DIGESTS = "config:3fa81c22 budget_policy_id:77f0a1b3"

OWNERS = [
    pytest.param(
        {"provisioner_project": "a-b", "provisioner_environment": "c"}, "a-b/c", id="both"
    ),
    pytest.param({}, "", id="none"),
]
UNCLEAR = [
    pytest.param({"provisioner_project": "shop"}, "`provisioner_project`", id="one of the two"),
    pytest.param({"provisioner_environment": "dev"}, "`provisioner_environment`", id="the other"),
    pytest.param({"provisioner_owner": "shop/dev"}, "`provisioner_owner`", id="the earlier tag"),
    pytest.param(
        {
            "provisioner_owner": "toys/dev",
            "provisioner_project": "shop",
            "provisioner_environment": "dev",
        },
        "`provisioner_owner`",
        id="two that contradict",
    ),
]


def ownership_of(tags):
    return read.split_tags([{"key": key, "value": value} for key, value in tags.items()])[1]


@pytest.mark.parametrize(("tags", "owner"), OWNERS)
def test_two_tags_name_the_owner(tags, owner):
    assert ownership_of(tags) == Ownership(owner=owner)


@pytest.mark.parametrize(("tags", "reason"), UNCLEAR)
def test_an_owner_that_is_not_clear_is_nobody_and_says_why(tags, reason):
    ownership = ownership_of(tags)
    assert ownership.owner == ""
    assert reason in ownership.unclear


def test_ownership_survives_its_way_through_tags():
    ownership = Ownership("a-b/c_d", True, DIGESTS)
    tags = read.ownership_tags(ownership)
    assert ownership_of(tags) == ownership
    assert all(re.fullmatch(r"[A-Za-z0-9_-]*", value) for value in tags.values())


def external(**fields):
    reference = {"openai_api_key": "{{secrets/keys/one}}"}
    block = {"provider": "openai", "task": "llm/v1/chat", "openai_config": reference}
    return {"name": "gpt-4o"} | block | fields


def entity(name, deployment="DEPLOYMENT_READY", message="", **fields):
    state = {"deployment": deployment, "deployment_state_message": message}
    shown = {"creator": "me", "creation_timestamp": 1, "type": "EXTERNAL_MODEL", "state": state}
    return {"name": name, "external_model": external()} | shown | fields


def config(*entities, version=1):
    routes = [
        {
            "served_entity_name": one["name"],
            "served_model_name": one["name"],
            "traffic_percentage": 100 // len(entities),
        }
        for one in entities
    ]
    return {
        "served_entities": list(entities),
        "served_models": [{"name": one["name"]} for one in entities],
        "traffic_config": {"routes": routes},
        "config_version": version,
    }


def answer(ready="READY", update="NOT_UPDATING", **fields):
    state = {"ready": ready, "config_update": update, "suspend": "NOT_SUSPENDED"}
    base = {
        "id": "1" * 32,
        "name": "chat",
        "creator": "me",
        "creation_timestamp": 1,
        "last_updated_timestamp": 2,
        "state": state,
        "task": "llm/v1/chat",
        "permission_level": "CAN_MANAGE",
        "route_optimized": False,
        "description": "",
        "endpoint_type": "EXTERNAL_MODEL",
        "creator_kind": "User",
    }
    return base | fields


def live(**fields):
    return read.live(answer(**fields), RULES)


def test_an_answer_in_manifest_vocabulary():
    found = live(
        config=config(entity("a")),
        tags=[
            {"key": "team", "value": "shop"},
            {"key": "provisioner_project", "value": "shop"},
            {"key": "provisioner_environment", "value": "dev"},
            {"key": "provisioner_protected", "value": "true"},
            {"key": "provisioner_applied", "value": "config-3fa81c22-budget_policy_id-77f0a1b3"},
            {"key": "bare"},
        ],
        ai_gateway={
            "rate_limits": [{"key": "endpoint", "renewal_period": "minute", "calls": "20"}],
            "guardrails": {"input": {}, "output": {"invalid_keywords": []}},
        },
        email_notifications={"on_update_success": [], "on_update_failure": ["a@b.c"]},
    )
    assert found.document == {
        "name": "chat",
        "description": "",
        "route_optimized": False,
        "config": {
            "served_entities": [{"name": "a", "external_model": external()}],
            "traffic_config": {"routes": [{"served_entity_name": "a", "traffic_percentage": 100}]},
        },
        "tags": [{"key": "team", "value": "shop"}, {"key": "bare", "value": ""}],
        "ai_gateway": {
            "rate_limits": [{"key": "endpoint", "renewal_period": "minute", "calls": 20}]
        },
        "email_notifications": {"on_update_failure": ["a@b.c"]},
    }
    assert found.ownership == Ownership(owner="shop/dev", protected=True, applied=DIGESTS)
    assert found.identity == "1" * 32
    assert found.unknown == ()


CONFIGS = [
    pytest.param({"config": config(entity("old"))}, "old", id="the active config"),
    pytest.param(
        {
            "update": "IN_PROGRESS",
            "config": config(entity("old")),
            "pending_config": config(entity("new"), version=2),
        },
        "new",
        id="while an update is in progress, the one that is coming",
    ),
    pytest.param(
        {
            "update": "UPDATE_FAILED",
            "config": config(entity("old")),
            "pending_config": config(entity("new"), version=2),
        },
        "old",
        id="after a failed update, the active one",
    ),
    pytest.param(
        {"ready": "NOT_READY", "update": "UPDATE_FAILED", "pending_config": config(entity("new"))},
        None,
        id="after a first update that failed, none",
    ),
    pytest.param(
        {"update": "IN_PROGRESS", "config": config(entity("old"))},
        "old",
        id="an update in progress that is not shown",
    ),
    pytest.param({"ready": "NOT_READY"}, None, id="no config at all"),
]


@pytest.mark.parametrize(("fields", "expected"), CONFIGS)
def test_which_config_is_compared(fields, expected):
    entities = live(**fields).document.get("config", {}).get("served_entities", [])
    assert [one["name"] for one in entities] == ([expected] if expected else [])


UNKNOWN = [
    pytest.param(
        {"telemetry_config": {"x": 1}, "usage_policy": "b", "fast": True},
        ["fast", "telemetry_config.x", "usage_policy"],
        id="fields that come later",
    ),
    pytest.param(
        {"telemetry_config": {}, "usage_policy": "", "auto": None, "fast": False},
        [],
        id="fields that say nothing",
    ),
    pytest.param(
        {
            "config": config(
                {
                    "name": "m-1",
                    "entity_name": "c.s.m",
                    "entity_version": "1",
                    "workload_size": "Small",
                    "workload_class": "fast",
                    "batching_config": {"enabled": False},
                    "min_dbus": 1,
                    "state": {"deployment": "DEPLOYMENT_READY"},
                }
            )
        },
        ["config.served_entities[m-1].workload_class"],
        id="a field of a custom model",
    ),
    pytest.param(
        {"ai_gateway": {"guardrails": {"input": {"toxicity": 3}}, "mcp": {"on": True}}},
        ["ai_gateway.guardrails.input.toxicity", "ai_gateway.mcp"],
        id="blocks that the service may learn",
    ),
    pytest.param(
        {"config": config(entity("a", external_model=external(gemini_config={"key": "x"})))},
        ["config.served_entities[a].external_model.gemini_config"],
        id="a provider that we do not know",
    ),
    pytest.param(
        {"config": {"auto_capture_config": {"enabled": True, "state": {"x": 1}, "kept": "30d"}}},
        ["config.auto_capture_config.kept"],
        id="a field of the legacy table",
    ),
    pytest.param({"lifecycle": {"prevent_destroy": True}}, ["lifecycle"], id="a word of manifests"),
]


@pytest.mark.parametrize(("fields", "expected"), UNKNOWN)
def test_what_our_vocabulary_does_not_know_is_listed(fields, expected):
    found = live(**fields)
    assert list(found.unknown) == expected
    assert not any(f"'{name.rpartition('.')[2]}'" in str(found.document) for name in expected)


def test_a_custom_model_in_manifest_vocabulary():
    served = {
        "name": "m-1",
        "entity_name": "c.s.m",
        "entity_version": "1",
        "workload_size": "Small",
        "workload_type": "CPU",
        "scale_to_zero_enabled": False,
        "min_provisioned_concurrency": "4",
        "environment_vars": {"A": "{{secrets/a/b}}"},
    }
    hidden = {"burst_scaling_enabled": True, "type": "UC_MODEL", "creator": "me"}
    telemetry = {
        "telemetry_profile_id": "p",
        "inference_table_config": {"name": "c.s.t", "sampling_fraction": 0.5},
        "enabled_telemetry_features": ["TELEMETRY_FEATURE_LOGS"],
    }
    found = live(
        config=config(served | hidden)
        | {"auto_capture_config": {"enabled": True, "catalog_name": "c", "state": {"x": 1}}},
        telemetry_config=telemetry | {"table_names": {"logs_table": "c.s.l"}},
        effective_budget_policy_id="b",
        route_optimized=True,
        endpoint_url="https://x",
        data_plane_info={"query_info": {}},
    )
    shown = found.document["config"]
    assert shown["served_entities"] == [served | {"min_provisioned_concurrency": 4}]
    assert shown["auto_capture_config"] == {"enabled": True, "catalog_name": "c"}
    assert found.document["telemetry_config"] == telemetry | {
        "inference_table_config": {"sampling_fraction": 0.5}
    }
    assert found.document["route_optimized"] is True
    assert found.unknown == ()


def test_the_case_of_a_bedrock_provider_does_not_matter():
    block = {"aws_region": "us-east-1", "bedrock_provider": "Anthropic"}
    model = external(provider="amazon-bedrock", amazon_bedrock_config=block)
    entities = live(config=config(entity("a", external_model=model))).document["config"]
    shown = entities["served_entities"][0]["external_model"]["amazon_bedrock_config"]
    assert shown["bedrock_provider"] == "anthropic"


WHOLE = answer(
    config=config(entity("a"), entity("b")),
    tags=[{"key": "x", "value": "1"}, {"key": "y", "value": "2"}],
)


def fingerprint(raw):
    return read.live(raw, RULES).fingerprint


def changed(**fields):
    return {**copy.deepcopy(WHOLE), **fields}


SAME = [
    pytest.param(changed(last_updated_timestamp=9), id="another time of change"),
    pytest.param(changed(tags=WHOLE["tags"][::-1]), id="tags in another order"),
    pytest.param(
        changed(config=WHOLE["config"] | {"served_entities": [entity("b"), entity("a")]}),
        id="entities in another order",
    ),
    pytest.param(
        changed(state={"ready": "NOT_READY", "config_update": "NOT_UPDATING"}),
        id="another readiness",
    ),
    pytest.param(
        changed(
            state={"ready": "READY", "config_update": "IN_PROGRESS"},
            pending_config=WHOLE["config"],
            config=config(entity("before")),
        ),
        id="the same config while it is still coming",
    ),
]
OTHER = [
    pytest.param(changed(id="2" * 32), id="another endpoint of that name"),
    pytest.param(changed(tags=WHOLE["tags"][:1]), id="a tag less"),
    pytest.param(
        changed(
            tags=[
                *WHOLE["tags"],
                {"key": "provisioner_project", "value": "a"},
                {"key": "provisioner_environment", "value": "b"},
            ]
        ),
        id="an owner",
    ),
    pytest.param(changed(config=WHOLE["config"] | {"config_version": 2}), id="another version"),
    pytest.param(changed(ai_gateway={"fallback_config": {"enabled": True}}), id="a gateway"),
]


@pytest.mark.parametrize("raw", SAME)
def test_the_fingerprint_stays(raw):
    assert fingerprint(raw) == fingerprint(WHOLE)


@pytest.mark.parametrize("raw", OTHER)
def test_the_fingerprint_changes(raw):
    assert fingerprint(raw) != fingerprint(WHOLE)
    assert fingerprint(raw).startswith("sha256:")


CREATING = entity("a", "DEPLOYMENT_CREATING", "Creating resources\nfor served entity.\x1b[31m")
FAILED = entity("a", "DEPLOYMENT_FAILED", "no such secret")
READINESS = [
    pytest.param({"config": config(entity("a"))}, Phase.READY, "", id="it serves"),
    pytest.param(
        {"ready": "NOT_READY", "update": "IN_PROGRESS", "pending_config": config(CREATING)},
        Phase.UPDATING,
        "a: Creating resources for served entity. [31m",
        id="it is being built",
    ),
    pytest.param(
        {"update": "IN_PROGRESS", "config": config(entity("a"))},
        Phase.UPDATING,
        "a config update is in progress",
        id="it serves and is being changed",
    ),
    pytest.param(
        {"update": "QUEUED", "config": config(entity("a"))},
        Phase.UPDATING,
        "a config update is in progress",
        id="a word for an update that we do not know",
    ),
    pytest.param(
        {
            "update": "UPDATE_FAILED",
            "config": config(entity("old")),
            "pending_config": config(FAILED),
        },
        Phase.FAILED,
        "the last config update failed: a: no such secret; the previous config still serves",
        id="a failed update of what serves",
    ),
    pytest.param(
        {"ready": "NOT_READY", "update": "UPDATE_FAILED", "pending_config": config(FAILED)},
        Phase.FAILED,
        "the last config update failed: a: no such secret",
        id="a first update that failed",
    ),
    pytest.param(
        {"ready": "NOT_READY", "update": "UPDATE_CANCELED"},
        Phase.FAILED,
        "the last config update was cancelled",
        id="a cancelled update",
    ),
    pytest.param(
        {"config": config(entity("a"), entity("b", "DEPLOYMENT_ABORTED"))},
        Phase.FAILED,
        "b: aborted",
        id="one of two is broken",
    ),
    pytest.param(
        {"config": config(entity("a"), entity("b", "DEPLOYMENT_RECOVERING"))},
        Phase.NOT_READY,
        "b: recovering",
        id="one of two comes back",
    ),
    pytest.param(
        {"config": config(entity("a", message="Scaled to zero"))},
        Phase.READY,
        "",
        id="scaled to zero",
    ),
    pytest.param(
        {"config": {"served_entities": [{"name": "a"}]}},
        Phase.READY,
        "",
        id="an entry of the list, which tells no deployments",
    ),
    pytest.param(
        {"ready": "NOT_READY"},
        Phase.READY,
        "it has no config, and serves no model",
        id="without a config idle is enough",
    ),
    pytest.param(
        {"ready": "NOT_READY", "config": config(entity("a"))},
        Phase.NOT_READY,
        "not ready to serve",
        id="not ready, for no reason that is told",
    ),
    pytest.param({"state": {}}, Phase.NOT_READY, "not ready to serve", id="no state at all"),
    pytest.param(
        {
            "state": {
                "ready": "NOT_READY",
                "config_update": "NOT_UPDATING",
                "suspend": "STOPPED",
            },
            "config": config(entity("a")),
        },
        Phase.STOPPED,
        "start it to send queries",
        id="stopped",
    ),
]


@pytest.mark.parametrize(("fields", "phase", "message"), READINESS)
def test_readiness(fields, phase, message):
    found = live(**fields).readiness
    assert (found.phase, found.message) == (phase, message)


def test_a_message_of_the_service_is_cut_at_a_sensible_length():
    long = entity("a", "DEPLOYMENT_CREATING", "x" * 5000)
    found = live(update="IN_PROGRESS", pending_config=config(long)).readiness
    assert len(found.message) == 300
    assert found.message.endswith("x…")


def test_what_is_served_is_told_in_the_order_of_the_traffic():
    routes = [
        {"served_entity_name": "a", "traffic_percentage": 10},
        {"served_entity_name": "b", "traffic_percentage": 90},
    ]
    custom = {"name": "c", "entity_name": "m", "entity_version": "3"}
    custom["creation_timestamp"] = 1795168800000
    split = config(entity("a"), entity("b"), custom) | {"traffic_config": {"routes": routes}}
    found = live(config=split)
    assert KIND.runtime.describe(found) == (
        Served("b", "openai gpt-4o", "", 90, "1970-01-01T00:00:00Z"),
        Served("a", "openai gpt-4o", "", 10, "1970-01-01T00:00:00Z"),
        Served("c", "m", "3", 0, "2026-11-20T10:00:00Z"),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FULL = answer(
    update="IN_PROGRESS",
    config=config(entity("a"), FAILED),
    pending_config=config(
        CREATING,
        {
            "name": "b",
            "entity_name": "c.s.m",
            "entity_version": "1",
            "environment_vars": {"A": "b"},
            "min_provisioned_throughput": "0",
        },
    )
    | {"auto_capture_config": {"enabled": True, "catalog_name": "c"}},
    tags=[
        {"key": "team", "value": "shop"},
        {"key": "provisioner_project", "value": "a"},
        {"key": "provisioner_environment", "value": "b"},
    ],
    email_notifications={"on_update_success": ["a@b.c"]},
    telemetry_config={"enabled_telemetry_features": ["x"], "telemetry_profile_id": "p"},
    route_optimized=False,
    ai_gateway={
        "rate_limits": [{"key": "user", "renewal_period": "minute", "calls": 1, "principal": "p"}],
        "guardrails": {"input": {"pii": {"behavior": "BLOCK"}, "valid_topics": ["a"]}},
        "inference_table_config": {"catalog_name": "c", "enabled": True},
    },
)


def places(value, at=()):
    """The location of everything inside ``value``."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, child in inner:
        yield (*at, name)
        if isinstance(child, dict | list):
            yield from places(child, (*at, name))


PLACES = sorted(places(FULL), key=str)


@st.composite
def answers(draw):
    """An answer of the service in which up to three things are not as they should be."""
    raw = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(PLACES))
        holder = raw
        for name in way:
            inside = isinstance(holder, dict) and name in holder
            inside |= isinstance(holder, list) and isinstance(name, int) and name < len(holder)
            holder = holder[name] if inside else {}
        if isinstance(holder, dict):
            holder.pop(last, None)
            if draw(st.booleans()):
                holder[last] = draw(JSON)
    return raw


@given(answers() | st.dictionaries(st.text(max_size=5), JSON))
def test_no_answer_trips_us(raw):
    found = read.live(raw, RULES)
    assert found.fingerprint.startswith("sha256:")
    assert found.readiness.phase in Phase
    assert read.listed(raw).ownership == found.ownership
    for one in KIND.runtime.describe(found):
        assert [type(value) for value in astuple(one)] == [str, str, str, int, str, tuple]
    # What was understood is understood again, and has nothing in it that is unknown.
    again = read.live(found.document, RULES)
    assert again.document == found.document
    assert again.unknown == ()


NEVER = [
    pytest.param(
        {"update": "UPDATE_FAILED", "pending_config": config(FAILED)},
        [{"name": "a", "external_model": external()}],
        id="the first config failed",
    ),
    pytest.param(
        {"update": "UPDATE_CANCELED"},
        [{"external_model": {"task": "llm/v1/chat"}}],
        id="it was cancelled, and left its type alone",
    ),
    pytest.param({"endpoint_type": ""}, None, id="there never was a config"),
    pytest.param({"config": config(entity("a"))}, None, id="a config serves"),
    pytest.param(
        {
            "config": config(entity("a")),
            "update": "UPDATE_FAILED",
            "pending_config": config(FAILED),
        },
        None,
        id="a later config failed",
    ),
    pytest.param(
        {"update": "IN_PROGRESS", "pending_config": config(entity("a"))},
        None,
        id="the first config is on its way, and is compared with",
    ),
]


@pytest.mark.parametrize(("fields", "entities"), NEVER)
def test_a_config_that_never_served_is_known_beside_the_document(fields, entities):
    found = live(ready="NOT_READY", **fields)
    never = found.beside.get(read.NEVER_SERVED)
    assert (never and never["config"]["served_entities"]) == entities
    assert never is None or "config" not in found.document


def test_another_config_that_failed_makes_a_plan_stale():
    first, other = (
        live(ready="NOT_READY", update="UPDATE_FAILED", pending_config=config(entity(name)))
        for name in ("a", "b")
    )
    assert first.fingerprint != other.fingerprint
