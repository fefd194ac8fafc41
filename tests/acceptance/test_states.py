"""Endpoints that never served, that are stopped, or whose last update failed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

ROOT = "/api/2.0/serving-endpoints"
ADDRESS = "model_serving_endpoints.chat"
CUSTOM = """
name: chat
config:
  served_entities:
    - {name: a, entity_name: main.ml.fraud, entity_version: "VERSION", scale_to_zero_enabled: true}
"""
EXTERNAL = """
name: chat
config:
  served_entities:
    - name: a
      external_model:
        name: gpt-4o
        provider: openai
        task: TASK
        openai_config: {openai_api_key: "{{secrets/keys/openai}}"}
"""
UNITS = """
name: chat
config:
  served_entities:
    - {name: a, entity_name: system.ai.llama, entity_version: "1", provisioned_model_units: 50}
"""
TABLE = "  auto_capture_config: {catalog_name: CATALOG, schema_name: logs}\n"
IGNORING = "lifecycle: {ignore_changes: [PATH]}\n"


def custom(version: str = "1", more: str = "") -> str:
    return CUSTOM.replace("VERSION", version) + more


def external(task: str = "llm/v1/chat") -> str:
    return EXTERNAL.replace("TASK", task)


def table(catalog: str, more: str = "") -> str:
    return custom() + TABLE.replace("CATALOG", catalog).replace("}", f"{more}}}")


@pytest.fixture
def shop(repository, workspace):
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    key = {"scope": "keys", "key": "openai", "string_value": "sk"}
    workspace.call("POST", "/api/2.0/secrets/put", key)
    return repository


@pytest.fixture
def failing(workspace):
    """The next deployment fails."""

    def order(**how: Any) -> None:
        rule = {"endpoint": "chat", "state": "DEPLOYMENT_FAILED", "message": "no quota"} | how
        workspace.call("POST", "/__emulator__/faults", {"rules": [{"deployment": rule}]})

    return order


@pytest.fixture
def stopped(shop, run, workspace):
    """The endpoint of ``custom()`` is applied, and somebody stopped it."""
    shop.endpoint(custom())
    assert run("apply", "-y").code == 0
    workspace.call("POST", f"{ROOT}/chat/config:stop")
    workspace.forget()
    return shop


def step(run) -> dict[str, Any]:
    (found,) = run("plan", "-o", "json").json["steps"]
    return found


def empty(run) -> bool:
    return run("plan", "--detailed-exitcode").code == 0


FIRSTS = [
    pytest.param((custom(), external(), "external models"), id="custom to external"),
    pytest.param((external(), custom(), "other models"), id="external to custom"),
    pytest.param((custom(), UNITS, "model units"), id="plain to model units"),
    pytest.param((UNITS, custom(), "model units"), id="model units to plain"),
    pytest.param((external(), external("llm/v1/embeddings"), "its task"), id="another task"),
    pytest.param((table("main"), table("dev"), "legacy inference table"), id="another table"),
    pytest.param(
        (
            table("main", ", enabled: false"),
            table("main", ", enabled: true"),
            "legacy inference table",
        ),
        id="a table that was off",
    ),
]


@pytest.mark.parametrize("history", FIRSTS)
def test_what_never_served_is_replaced_where_it_cannot_become_what_is_wanted(
    shop, run, workspace, failing, history
):
    first, then, why = history
    shop.endpoint(first)
    failing()
    assert run("apply", "-y").code == 4
    identity = workspace.endpoint("chat")["id"]
    shop.endpoint(then)
    planned = step(run)
    assert planned["action"] == "replace"
    reasons = {one["reason"] for one in planned["changes"] if one["action"] == "replace"}
    assert {
        (reason.startswith("its first config failed; "), why in reason) for reason in reasons
    } == {(True, True)}
    workspace.forget()
    refused = run("apply", "-y")
    assert refused.code == 1
    assert f"--allow-replace {ADDRESS}" in refused.err
    assert workspace.writes() == []
    done = run("apply", "-y", "--allow-replace", ADDRESS)
    assert done.code == 0, done.err
    assert workspace.endpoint("chat")["id"] != identity
    assert empty(run)


def test_what_never_served_is_updated_where_it_can_become_what_is_wanted(
    shop, run, workspace, failing
):
    shop.endpoint(custom())
    failing()
    run("apply", "-y")
    shop.endpoint(custom("2"))
    assert step(run)["action"] == "update"
    workspace.forget()
    assert run("apply", "-y").code == 0
    assert workspace.writes() == [("PUT", f"{ROOT}/chat/config")]
    assert empty(run)


IGNORED = ("config", "config.served_entities", '"config.served_entities[a]"')


@pytest.mark.parametrize("case", [*itertools.product(IGNORED, (True, False))])
def test_what_is_ignored_is_not_sent_again_after_a_failure(shop, run, workspace, failing, case):
    path, served = case
    shop.endpoint(custom())
    if served:
        run("apply", "-y")
    failing()
    shop.endpoint(custom("2"))
    assert run("apply", "-y").code == 4
    version = "1" if served else "2"
    shop.endpoint(custom(version, IGNORING.replace("PATH", path)))
    planned = run("plan")
    assert planned.code == 0
    assert "sent again" not in planned.out
    # Nothing is done, but nobody may think that all is well.
    assert "the last config update failed: a: no quota" in planned.out
    workspace.forget()
    assert run("apply", "-y").code == 0
    assert workspace.writes() == []


def test_a_config_is_never_sent_empty(shop, run, workspace):
    shop.endpoint(custom())
    run("apply", "-y")
    # The live entity `a` is not written any more, and what is written is not to be added.
    ignoring = IGNORING.replace("PATH", '"config.served_entities[b]"')
    shop.endpoint(custom(more=ignoring).replace("name: a,", "name: b,"))
    planned = step(run)
    assert planned["action"] == "blocked"
    assert "no served entity would remain" in planned["reason"]
    assert planned["operations"] == []


def test_traffic_that_is_ignored_does_not_go_where_nothing_is(shop, run, workspace):
    shop.endpoint(custom())
    run("apply", "-y")
    ignoring = IGNORING.replace("PATH", "config.traffic_config")
    shop.endpoint(custom(more=ignoring).replace("name: a,", "name: b,"))
    planned = step(run)
    assert (planned["action"], planned["operations"]) == ("blocked", [])
    assert "goes to a, which would no longer be served" in planned["reason"]


def test_what_cannot_be_kept_though_it_is_ignored_is_told(shop, run, workspace):
    burst = ", burst_scaling_enabled: false}"
    path = "config.served_entities[a].burst_scaling_enabled"
    ignoring = IGNORING.replace("PATH", f'"{path}"')
    shop.endpoint(UNITS.replace("50}", f"50{burst}"))
    run("apply", "-y")
    shop.endpoint(UNITS.replace("50}", "100, burst_scaling_enabled: true}") + ignoring)
    planned = step(run)
    (sent,) = planned["operations"][:1]
    assert sent["payload"]["config"]["served_entities"][0]["burst_scaling_enabled"] is True
    note = f"sent although ignored: {path}"
    assert [one for one in planned["notes"] if one.startswith(note)] != []
    assert note in " ".join(run("plan").out.split())
    assert run("apply", "-y").code == 0
    assert empty(run)


def test_a_stopped_endpoint_is_told_although_nothing_changes(stopped, run):
    planned = run("plan", "--detailed-exitcode")
    assert planned.code == 0
    assert f"= unchanged  {ADDRESS}" in planned.out
    assert "note: stopped: start it to send queries" in planned.out
    assert "1 unchanged" in planned.out
    assert "stopped" in run("status").out


STOPPED = [
    pytest.param(custom("2"), "config", id="the config"),
    pytest.param(
        custom(more="ai_gateway: {usage_tracking_config: {enabled: true}}\n"),
        "ai_gateway",
        id="the gateway",
    ),
    pytest.param(
        custom(more="telemetry_config: {telemetry_profile_id: x}\n"),
        "telemetry_config",
        id="telemetry",
    ),
    pytest.param(custom("2", "tags: [{key: team, value: x}]\n"), "config", id="with a tag"),
]


@pytest.mark.parametrize(("then", "field"), STOPPED)
def test_what_a_stopped_endpoint_may_refuse_is_blocked_with_a_remedy(
    stopped, run, workspace, then, field
):
    stopped.endpoint(then)
    planned = step(run)
    assert planned["action"] == "blocked"
    assert planned["reason"] == f"it is stopped, and `{field}` can be changed only while it runs"
    assert f"{ROOT}/chat/config:start" in planned["hint"]
    assert run("apply", "-y").code == 1
    assert workspace.writes() == []
    workspace.call("POST", f"{ROOT}/chat/config:start")
    assert run("apply", "-y").code == 0
    assert empty(run)


def test_what_does_not_concern_serving_goes_through_while_it_is_stopped(stopped, run, workspace):
    more = (
        "tags: [{key: team, value: x}]\nemail_notifications: {on_update_failure: [a@b.c]}\n"
        "permissions: [{level: CAN_QUERY, group_name: analysts}]\n"
    )
    stopped.endpoint(custom(more=more))
    done = run("apply", "-y")
    assert done.code == 0, done.err
    assert [path.rpartition("/")[2] for _, path in workspace.writes()][1:] == [
        "tags",
        "notifications",
    ]
    assert empty(run)


@pytest.fixture
def split(shop, run):
    """Two entities are applied; the manifest holds but the first one, and no split."""
    two = custom() + CUSTOM.splitlines()[-1].replace("VERSION", "2").replace("a,", "b,", 1)
    routes = "[{served_entity_name: a, traffic_percentage: 90}, {served_entity_name: b, "
    shop.endpoint(f"{two}\n  traffic_config: {{routes: {routes}traffic_percentage: 10}}]}}\n")
    done = run("apply", "-y")
    assert done.code == 0, done.err
    shop.endpoint(custom())
    return shop


def test_what_is_left_alone_gets_all_of_the_traffic(split, run, workspace):
    changes = {one["path"]: one for one in step(run)["changes"]}
    assert changes["config.served_entities[b]"]["action"] == "update"
    kept = changes["config.traffic_config.routes[a]"]
    assert (kept["action"], kept["reason"]) == (
        "keep",
        "depends on the served entities",
    )
    assert run("apply", "-y").code == 0
    (route,) = workspace.endpoint("chat")["config"]["traffic_config"]["routes"]
    assert (route["served_entity_name"], route["traffic_percentage"]) == ("a", 100)
    assert empty(run)


def test_entities_that_are_ignored_keep_their_traffic(split, run, workspace):
    ignoring = IGNORING.replace("PATH", '"config.served_entities[b]"')
    split.endpoint(custom(more=ignoring))
    assert empty(run)
    split.endpoint(custom("2", ignoring))
    done = run("apply", "-y")
    assert done.code == 0, done.err
    config = workspace.endpoint("chat")["config"]
    routes = config["traffic_config"]["routes"]
    assert {one["served_entity_name"]: one["traffic_percentage"] for one in routes} == {
        "a": 90,
        "b": 10,
    }
    assert {one["name"]: one["entity_version"] for one in config["served_entities"]} == {
        "a": "2",
        "b": "2",
    }
    assert empty(run)


def test_a_sampling_fraction_that_is_taken_out_is_taken_away(shop, run, workspace):
    sampled = "telemetry_config:\n  table_names: {logs_table: main.logs.x}\n"
    fraction = "  inference_table_config: {sampling_fraction: 0.25}\n"
    shop.endpoint(custom(more=sampled + fraction))
    run("apply", "-y")
    shop.endpoint(custom(more=sampled))
    changed = [one for one in step(run)["changes"] if one["action"] == "update"]
    assert [(one["path"], one["before"], "after" in one) for one in changed] == [
        ("telemetry_config.inference_table_config.sampling_fraction", 0.25, False)
    ]
    assert run("apply", "-y").code == 0
    shown = workspace.endpoint("chat")["telemetry_config"]
    assert "sampling_fraction" not in shown.get("inference_table_config", {})
    assert empty(run)


def test_a_legacy_table_that_is_off_is_had_again_under_other_names(shop, run, workspace):
    shop.endpoint(table("main"))
    run("apply", "-y")
    shop.endpoint(custom())
    assert run("apply", "-y").code == 0
    assert workspace.endpoint("chat")["config"]["auto_capture_config"]["enabled"] is False
    # Under its old names it stays off for ever: said where it is asked for ...
    shop.endpoint(table("main", ", enabled: true"))
    assert step(run)["action"] == "blocked"
    # ... and told where it may be meant.
    shop.endpoint(table("main"))
    assert step(run)["action"] == "keep"
    assert "disabled and cannot be enabled again: write `enabled: false`" in " ".join(
        run("plan").out.split()
    )
    # A config update for another reason does not ask for it either.
    shop.endpoint(table("main").replace('"1"', '"2"'))
    done = run("apply", "-y")
    assert done.code == 0, done.err
    # Other names are another endpoint.
    for enabled in ("", ", enabled: true"):
        shop.endpoint(table("dev", enabled))
        assert step(run)["action"] == "replace"
    done = run("apply", "-y", "--allow-replace", ADDRESS)
    assert done.code == 0, done.err
    assert workspace.endpoint("chat")["config"]["auto_capture_config"]["enabled"] is True
    assert empty(run)


def test_a_table_that_is_taken_out_is_said_to_be_switched_off(shop, run, workspace):
    inference = (
        "ai_gateway: {inference_table_config: {catalog_name: main, schema_name: logs, "
        "enabled: true}}\n"
    )
    shop.endpoint(custom(more=inference))
    run("apply", "-y")
    shop.endpoint(custom())
    planned = step(run)
    changes = {
        one["path"].rpartition(".")[2]: one
        for one in planned["changes"]
        if one["path"].startswith("ai_gateway")
    }
    assert changes["enabled"]["before"] is True
    assert {one["action"] for one in changes.values()} == {"update"}
    assert {one["reason"] for one in changes.values()} == {
        "the table is disabled, and its rows are kept"
    }
    assert not [note for note in planned.get("notes", []) if "choose again" in note]
    assert run("apply", "-y").code == 0
    assert empty(run)


def test_what_nobody_can_see_is_vouched_for_when_it_is_adopted(shop, run, workspace):
    shop.endpoint(custom())
    run("apply", "-y")
    ours = {"delete_tags": ["provisioner_project", "provisioner_environment"]}
    workspace.call("PATCH", f"{ROOT}/chat/tags", ours)
    policy = "budget_policy_id: policy-1\n"
    shop.endpoint(custom(more=policy))
    planned = step(run)
    assert planned["action"] == "blocked"
    ignoring = "lifecycle: {ignore_changes: [budget_policy_id]}"
    assert f"apply once with `{ignoring}`" in planned["hint"]
    assert "restore the old id" not in planned["hint"]
    shop.endpoint(custom(more=f"{policy}{ignoring}\n"))
    assert run("apply", "-y", "--adopt").code == 0
    shop.endpoint(custom(more=policy))
    assert empty(run)


def test_a_grant_that_is_declared_and_not_made_is_told(shop, run, workspace):
    me = workspace.call("GET", "/api/2.0/preview/scim/v2/Me")["userName"]
    grant = f"permissions: [{{level: CAN_VIEW, user_name: {me}}}]\n"
    shop.endpoint(custom(more=grant))
    run("apply", "-y")
    plan = run("plan", "--detailed-exitcode")
    assert plan.code == 0
    told = " ".join(plan.out.split())
    assert f"not done: permissions[user_name:{me}].level: the permissions of the creator" in told


def test_verbose_also_shows_what_is_left_as_it_is(shop, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shop.endpoint(custom())
    run("apply", "-y")
    assert run("plan").out.splitlines()[2:] == [
        "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 unchanged"
    ]
    shown = run("plan", "-v")
    assert shown.code == 0
    assert shown.out == run("plan", "--verbose").out
    assert f"= unchanged  {ADDRESS}  (chat)" in shown.out
    assert "config.served_entities[a].workload_size" in shown.out
    assert '"Small" is kept' in shown.out or "Small is kept" in shown.out
    assert "(chosen by the service)" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    assert run("plan", "-v", "-o", "json").json == run("plan", "-o", "json").json
