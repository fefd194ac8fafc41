"""What users of other tools complain about, and the test that holds us to do better.

``complaints.toml`` lists the complaints; each names its tests, or why it does not apply.
The tests below are those that nothing else in the suite already had.
"""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from workbench import workbench, writable_fields

from provisioner.kinds import KINDS
from provisioner.model import schemas
from provisioner.model.outcome import Status

TESTS = Path(__file__).parents[2]
COMPLAINTS = tomllib.loads((TESTS / "support" / "complaints.toml").read_text(encoding="utf-8"))[
    "complaint"
]
HOW_MANY = 41
ROOT = "/api/2.0/serving-endpoints"
CHAT = f"{ROOT}/chat"
KIND = "model_serving_endpoints"
ADDRESS = f"{KIND}.chat"


# -- the list ----------------------------------------------------------------------------


def test_every_complaint_is_listed_once_and_in_order() -> None:
    assert [one["number"] for one in COMPLAINTS] == list(range(1, HOW_MANY + 1))


@pytest.mark.parametrize(
    "complaint", COMPLAINTS, ids=[f"{one['number']}: {one['says']}" for one in COMPLAINTS]
)
def test_a_complaint_has_tests_that_exist_or_a_reason(complaint: dict[str, Any]) -> None:
    tests, fields = complaint.get("tests", []), complaint.get("fields", [])
    assert bool(tests or fields) != bool(complaint.get("does_not_apply"))
    assert [test for test in tests if not is_there(test)] == []
    # That each of them has a row is what test_leaves.py holds.
    assert set(fields) <= {f"{k}.{f}" for k in KINDS for f in writable_fields(schemas.rules(k))}


def is_there(test: str) -> bool:
    """Whether the file has a test of that name."""
    file, _, name = test.partition("::")
    return name in names_in((TESTS.parent / file).read_text(encoding="utf-8"))


def names_in(source: str) -> set[str]:
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return {node.name for node in found if node.name.startswith("test_")}


def test_every_test_of_this_module_stands_behind_a_complaint() -> None:
    named = {test.partition("::")[2] for one in COMPLAINTS for test in one.get("tests", [])}
    unnamed = names_in(Path(__file__).read_text(encoding="utf-8")) - named
    assert {name for name in unnamed if "complaint" not in name} == set()


# -- what the tests below have in common -------------------------------------------------

EXTERNAL = """
name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key: "{{secrets/keys/openai}}"}
"""
CUSTOM = """
name: chat
config:
  served_entities:
    - name: fraud
      entity_name: main.ml.fraud
      entity_version: "1"
      scale_to_zero_enabled: false
"""


@pytest.fixture
def key(workspace) -> None:
    """The workspace holds the key that the endpoints refer to."""
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    secret = {"scope": "keys", "key": "openai", "string_value": "sk"}
    workspace.call("POST", "/api/2.0/secrets/put", secret)


@pytest.fixture
def settled(run):
    """Apply, and expect that a plan finds nothing to do afterwards."""

    def apply(*words: str) -> None:
        result = run("apply", "-y", *words)
        assert result.code == 0, result.out + result.err
        again = run("plan", "--detailed-exitcode")
        assert again.code == 0, again.out

    return apply


def bodies(workspace, method: str, path: str) -> list[Any]:
    """The bodies of such requests since the last ``forget``."""
    log = workspace.call("GET", "/__emulator__/requests")["requests"]
    return [one["body"] for one in log if (one["method"], one["path"]) == (method, path)]


def changed_paths(run) -> list[str]:
    steps = {step["address"]: step for step in run("plan", "-o", "json").json["steps"]}
    changes = steps[ADDRESS]["changes"]
    return [change["path"] for change in changes if change["action"] != "keep"]


# -- perpetual differences ---------------------------------------------------------------

ROUTES = "  traffic_config: {routes: [{SPELLING: gpt, traffic_percentage: 100}]}\n"


@pytest.mark.parametrize("spelling", ["served_entity_name", "served_model_name"])
def test_both_names_of_a_route_mean_the_same(key, repository, workspace, settled, spelling) -> None:
    repository.endpoint(EXTERNAL + ROUTES.replace("SPELLING", spelling))
    settled()
    (route,) = workspace.endpoint("chat")["config"]["traffic_config"]["routes"]
    assert route["served_entity_name"] == route["served_model_name"] == "gpt"


def test_sizes_that_the_service_filled_in_are_no_difference_and_not_sent_back(
    repository, workspace, settled
) -> None:
    repository.endpoint(CUSTOM)
    settled()
    (live,) = workspace.endpoint("chat")["config"]["served_entities"]
    assert (live["workload_size"], live["workload_type"]) == ("Small", "CPU")
    repository.endpoint(CUSTOM.replace('"1"', '"2"'))
    workspace.forget()
    settled()
    (body,) = bodies(workspace, "PUT", f"{CHAT}/config")
    assert set(body["served_entities"][0]) == {
        "name",
        "entity_name",
        "entity_version",
        "scale_to_zero_enabled",
    }


def test_what_the_service_takes_and_does_not_do_is_reported_and_can_be_left_alone(
    tmp_path,
) -> None:
    def manifest(*, to_zero: bool, **more: Any) -> Any:
        entity = {**CPU, "name": "fraud", "scale_to_zero_enabled": to_zero}
        return {KIND: {"chat": {"name": "chat", "config": {"served_entities": [entity]}, **more}}}

    path = "config.served_entities[fraud].scale_to_zero_enabled"
    with workbench(tmp_path) as bench:
        bench.apply(manifest(to_zero=False))
        # The answer is the endpoint as it was: the service took the call and changed nothing.
        answer = {"status": 200, "body": bench.call("GET", f"{ROOT}/chat")}
        rule = {"method": "PUT", "path": f"{ROOT}/{{name}}/config", "action": answer}
        bench.call("POST", "/__emulator__/faults", {"rules": [rule]})
        _, (outcome,) = bench.apply(manifest(to_zero=True))
        assert outcome.status is Status.DID_NOT_CONVERGE
        assert path in outcome.message
        ignoring = manifest(to_zero=True, lifecycle={"ignore_changes": [path]})
        assert bench.plan(ignoring).is_empty


def test_false_and_nothing_are_two_things_also_on_the_wire(repository, workspace, settled) -> None:
    repository.endpoint(CUSTOM)
    settled()
    (created,) = bodies(workspace, "POST", ROOT)
    assert created["config"]["served_entities"][0]["scale_to_zero_enabled"] is False
    limits = "ai_gateway: {rate_limits: [{renewal_period: minute, calls: 0}]}\n"
    repository.endpoint(f"{CUSTOM.replace('false', 'true')}{limits}tags: [{{key: a, value: ''}}]")
    settled()
    repository.endpoint(f"{CUSTOM}{limits}")
    workspace.forget()
    settled()
    (updated,) = bodies(workspace, "PUT", f"{CHAT}/config")
    assert updated["served_entities"][0]["scale_to_zero_enabled"] is False


def test_a_key_given_as_plaintext_is_no_difference_and_can_be_rotated(
    repository, run, workspace, settled, monkeypatch
) -> None:
    monkeypatch.setenv("OPENAI_KEY", "sk-very-secret")
    plaintext = "openai_api_key_plaintext: '${env.OPENAI_KEY}'"
    reference = 'openai_api_key: "{{secrets/keys/openai}}"'
    repository.endpoint(EXTERNAL.replace(reference, plaintext))
    settled()
    assert "sk-very-secret" not in json.dumps(workspace.endpoint("chat"))
    workspace.forget()
    settled("--rotate", ADDRESS)
    assert ("PUT", f"{CHAT}/config") in workspace.writes()


REVERSED = """
name: chat
tags: [{key: b, value: x}, {key: a, value: x}]
config:
  traffic_config:
    routes:
      - {served_entity_name: two, traffic_percentage: 10}
      - {served_entity_name: one, traffic_percentage: 90}
  served_entities:
    - {name: two, entity_name: main.ml.b, entity_version: "1", scale_to_zero_enabled: true}
    - {name: one, entity_name: main.ml.a, entity_version: "1", scale_to_zero_enabled: true}
ai_gateway:
  rate_limits:
    - {key: user, renewal_period: minute, calls: 2}
    - {key: endpoint, renewal_period: minute, calls: 9}
telemetry_config:
  telemetry_profile_id: one
  enabled_telemetry_features:
    - TELEMETRY_FEATURE_INFERENCE_TABLE
    - TELEMETRY_FEATURE_LOGS
    - TELEMETRY_FEATURE_TRACES
"""


def test_the_order_of_lists_is_no_difference(repository, run, workspace, settled) -> None:
    repository.endpoint(REVERSED)
    settled()
    lines = REVERSED.splitlines()
    swapped = {6: 7, 7: 6, 9: 10, 10: 9, 13: 14, 14: 13, 18: 20, 20: 18}
    text = "\n".join(lines[swapped.get(at, at)] for at in range(len(lines)))
    assert text != REVERSED
    repository.endpoint(
        text.replace(
            "{key: b, value: x}, {key: a, value: x}", "{key: a, value: x}, {key: b, value: x}"
        )
    )
    assert run("plan", "--detailed-exitcode").code == 0


def test_the_traffic_that_the_service_chose_is_no_difference(
    key, repository, workspace, settled
) -> None:
    repository.endpoint(EXTERNAL)
    settled()
    assert workspace.endpoint("chat")["config"]["traffic_config"]["routes"]


def test_telemetry_waits_for_the_config_and_is_no_difference_afterwards(
    repository, workspace, settled
) -> None:
    telemetry = "telemetry_config: {table_names: {logs_table: main.logs.LOGS}}\n"
    repository.endpoint(CUSTOM + telemetry.replace("LOGS", "one"))
    settled()
    deployment = {"deployment": {"endpoint": "chat", "transition": "polls=2"}}
    workspace.call("POST", "/__emulator__/faults", {"rules": [deployment]})
    repository.endpoint(CUSTOM.replace('"1"', '"2"') + telemetry.replace("LOGS", "two"))
    workspace.forget()
    settled()
    log = workspace.call("GET", "/__emulator__/requests")["requests"]
    writes = [(one["path"], one["status"]) for one in log if one["method"] != "GET"]
    assert writes == [
        (f"{CHAT}/config", 200),
        (f"{CHAT}/telemetry-config", 200),
        (f"{CHAT}/tags", 200),
    ]


# -- fields that a tool does not know or does not send ------------------------------------


def test_a_field_that_nobody_knows_yet_is_sent_and_its_change_is_seen(
    key, repository, run, workspace, settled
) -> None:
    gateway = "ai_gateway:\n  raw: {x_new_feature: {level: LEVEL}}\n"
    repository.endpoint(EXTERNAL + gateway.replace("LEVEL", "1"))
    settled()
    (created,) = bodies(workspace, "POST", ROOT)
    assert created["ai_gateway"] == {"x_new_feature": {"level": 1}}
    repository.endpoint(EXTERNAL + gateway.replace("LEVEL", "2"))
    assert changed_paths(run) == ["ai_gateway.raw"]
    workspace.forget()
    settled()
    assert bodies(workspace, "PUT", f"{CHAT}/ai-gateway") == [{"x_new_feature": {"level": 2}}]


UNITS = """
name: chat
config:
  served_entities:
    - {name: llama, entity_name: system.ai.llama, entity_version: "1", provisioned_model_units: 50}
ai_gateway:
  rate_limits: [{renewal_period: minute, calls: CALLS}]
"""


def test_a_gateway_stands_before_provisioned_throughput_too(repository, workspace, settled) -> None:
    repository.endpoint(UNITS.replace("CALLS", "5"))
    settled()
    (created,) = bodies(workspace, "POST", f"{ROOT}/pt")
    assert created["ai_gateway"]["rate_limits"] == [{"renewal_period": "minute", "calls": 5}]
    repository.endpoint(UNITS.replace("CALLS", "6"))
    workspace.forget()
    settled()
    assert workspace.writes() == [("PUT", f"{CHAT}/ai-gateway")]


def test_a_create_and_an_update_send_the_same_config(repository, workspace, settled) -> None:
    large = CUSTOM + "      workload_type: GPU_LARGE\n      workload_size: Medium\n"
    repository.endpoint(large)
    settled()
    (created,) = bodies(workspace, "POST", ROOT)
    workspace.call("PUT", f"{CHAT}/config", {"served_entities": [CPU]})
    workspace.forget()
    settled()
    (updated,) = bodies(workspace, "PUT", f"{CHAT}/config")
    # The route is for what it replaces: a create has nothing to replace.
    routes = [{"served_entity_name": "fraud", "traffic_percentage": 100}]
    assert updated == created["config"] | {"traffic_config": {"routes": routes}}


CPU = {"name": "x", "entity_name": "m", "entity_version": "1", "scale_to_zero_enabled": True}


def test_permissions_are_confirmed_and_nothing_internal_is_said(key, repository, run) -> None:
    grants = "permissions: [{group_name: analysts, level: CAN_QUERY}]\n"
    repository.endpoint(EXTERNAL + grants)
    result = run("apply", "-y", "--debug", "-o", "json")
    (outcome,) = result.json["outcomes"]
    assert (outcome["status"], outcome["done"]) == ("done", ["create", "set_permissions"])
    assert "unknown field" not in result.err


SHARED = """
x-grants: &grants
  - {group_name: analysts, level: CAN_QUERY}
x-gateway: &gateway
  usage_tracking_config: {enabled: true}
  rate_limits: [{key: user, renewal_period: minute, calls: 5}]
resources:
  model_serving_endpoints:
    one: {<<: &custom {config: {served_entities: [ENTITY]}}, name: one,
          permissions: *grants, ai_gateway: *gateway}
    two: {<<: *custom, name: two, permissions: *grants,
          ai_gateway: {<<: *gateway, usage_tracking_config: {enabled: false}}}
"""


def test_endpoints_can_share_their_permissions_and_their_gateway(
    repository, workspace, settled
) -> None:
    repository.write("manifests/shared.yaml", SHARED.replace("ENTITY", json.dumps(CPU)))
    settled()
    one, two = workspace.endpoint("one"), workspace.endpoint("two")
    assert one["ai_gateway"]["rate_limits"] == two["ai_gateway"]["rate_limits"]
    assert one["ai_gateway"]["usage_tracking_config"] == {"enabled": True}
    assert two["ai_gateway"]["usage_tracking_config"] == {"enabled": False}
    grants = f"/api/2.0/permissions/serving-endpoints/{two['id']}"
    rows = workspace.call("GET", grants)["access_control_list"]
    assert "analysts" in {row.get("group_name") for row in rows}


def test_the_body_of_the_api_is_a_manifest_as_it_is_also_in_old_words(
    key, repository, workspace, settled
) -> None:
    model = {"model_name": "main.ml.fraud", "model_version": "3", "scale_to_zero_enabled": True}
    body = {
        "name": "chat",
        "config": {"served_models": [{"name": "fraud", "workload_size": "Small", **model}]},
        "rate_limits": [{"calls": 7, "renewal_period": "minute", "key": "user"}],
    }
    resources = {"resources": {"model_serving_endpoints": {"chat": body}}}
    repository.write("manifests/endpoint.yaml", json.dumps(resources))
    settled()
    live = workspace.endpoint("chat")
    assert live["config"]["served_entities"][0]["entity_version"] == "3"
    assert live["ai_gateway"]["rate_limits"][0]["calls"] == 7


# -- what is on the other side, and what is destroyed -------------------------------------


def test_an_endpoint_without_a_config_trips_nothing(
    key, repository, run, workspace, settled
) -> None:
    workspace.call("POST", ROOT, {"name": "chat"})
    workspace.call("POST", ROOT, {"name": "nobodys"})
    repository.endpoint(EXTERNAL)
    assert run("status").code in (0, 1)
    assert "= adopt" in run("plan").out
    settled("--adopt")


def test_one_endpoint_can_be_applied_alone(repository, run, workspace) -> None:
    text = SHARED.replace("ENTITY", json.dumps(CPU))
    repository.write("manifests/shared.yaml", text)
    assert run("apply", "-y", "--select", "two").code == 0
    names = {one["name"] for one in workspace.call("GET", ROOT)["endpoints"]}
    assert "two" in names
    assert "one" not in names


def test_a_replacement_is_refused_without_being_named(repository, run, workspace, settled) -> None:
    repository.endpoint(CUSTOM)
    settled()
    before = workspace.endpoint("chat")["id"]
    repository.endpoint(f"{CUSTOM}route_optimized: true\n")
    assert "± replace" in run("plan").out
    refused = run("apply", "-y")
    assert refused.code == 1
    assert f"--allow-replace {ADDRESS}" in refused.err
    assert workspace.endpoint("chat")["id"] == before
    settled("--allow-replace", ADDRESS)
    assert workspace.endpoint("chat")["id"] != before
