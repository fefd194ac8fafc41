"""What a user reads when something fails, and how the next run heals it."""

from __future__ import annotations

from typing import Any

import pytest

ROOT = "/api/2.0/serving-endpoints"
ENDPOINT = """
    {name}:
      name: {name}
      config:
        served_entities:
          - name: gpt
            external_model:
              name: MODEL
              provider: openai
              task: llm/v1/chat
              openai_config: {{openai_api_key: "{{{{secrets/keys/openai}}}}"}}
"""
SCOPE = """
resources:
  secret_scopes:
    keys: {name: keys, secrets: {openai: {from_env: SHOP_KEY}}}
"""
MESSAGE = "The provider refused the key. Check openai_api_key."


@pytest.fixture
def shop(repository, monkeypatch):
    """A scope and the endpoints ``chat`` and ``other``."""
    monkeypatch.setenv("SHOP_KEY", "sk")
    repository.write("manifests/scope.yaml", SCOPE)

    def write(more: str = "", model: str = "gpt-4o") -> None:
        lines = "".join(f"      {line}\n" for line in more.splitlines())
        chat = ENDPOINT.format(name="chat").replace("MODEL", model) + lines
        other = ENDPOINT.format(name="other").replace("MODEL", "gpt-4o")
        text = f"resources:\n  model_serving_endpoints:{chat}{other}"
        repository.write("manifests/endpoints.yaml", text)

    write()
    return write


@pytest.fixture
def fault(workspace):
    """Order faults of the local workspace."""

    def order(**rule: Any) -> None:
        workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})

    return order


def refused(status: int, code: str, message: str) -> dict[str, Any]:
    return {"status": status, "body": {"error_code": code, "message": message}}


def names(workspace) -> set[str]:
    listed = workspace.call("GET", ROOT)["endpoints"]
    return {one["name"] for one in listed if not one["name"].startswith("databricks-")}


FAILS = {"endpoint": "chat", "entity": "gpt", "state": "DEPLOYMENT_FAILED", "message": MESSAGE}


def test_a_failed_create_shows_the_entity_its_message_and_the_log(shop, run, workspace, fault):
    fault(deployment=FAILS)
    result = run("apply", "-y")
    assert result.code == 4
    assert "error[E602]" in result.err
    assert f"gpt: {MESSAGE}" in result.err
    logs = workspace.call("GET", f"{ROOT}/chat/served-models/gpt/build-logs")["logs"]
    for line in logs.strip().splitlines()[-3:]:
        assert line.strip() in result.err
    assert "model_serving_endpoints.chat" in result.err
    assert "nothing was deleted" in result.err
    # The others went on, and what failed is kept.
    assert names(workspace) == {"chat", "other"}
    assert workspace.endpoint("other")["state"]["ready"] == "READY"
    workspace.forget()
    again = run("apply", "-y")
    assert again.code == 0, again.err
    assert workspace.writes() == [("PUT", f"{ROOT}/chat/config")]
    assert run("plan", "--detailed-exitcode").code == 0


def test_of_a_long_log_the_end_is_shown(shop, run, fault):
    log = "\n".join(f"step {number:02}" for number in range(1, 50))
    fault(deployment={**FAILS, "log": log})
    result = run("apply", "-y")
    assert result.code == 4
    assert "step 49" in result.err
    assert "step 31" in result.err
    assert "step 30" not in result.err


def test_a_failed_update_says_that_the_old_config_still_serves(shop, run, workspace, fault):
    run("apply", "-y")
    fault(deployment=FAILS)
    shop("ai_gateway: {usage_tracking_config: {enabled: true}}\n", model="gpt-4o-mini")
    result = run("apply", "-y")
    assert result.code == 4
    assert f"gpt: {MESSAGE}" in result.err
    assert "the previous config still serves" in result.err
    assert "not sent: `put_ai_gateway`" in result.err
    assert run("status").code == 1
    again = run("apply", "-y")
    assert again.code == 0, again.err
    assert run("plan", "--detailed-exitcode").code == 0


def test_a_refused_call_shows_what_was_asked_and_what_had_gone_through(shop, run, workspace, fault):
    run("apply", "-y")
    message = "Rate limits are not enabled for this workspace."
    fault(
        method="PUT",
        path=f"{ROOT}/*/ai-gateway",
        action=refused(403, "FEATURE_DISABLED", message),
    )
    gateway = "ai_gateway:\n  rate_limits: [{key: user, renewal_period: minute, calls: 5}]\n"
    shop("tags: [{key: team, value: shop}]\n" + gateway)
    result = run("apply", "-y")
    assert result.code == 4
    for part in (
        "model_serving_endpoints.chat, put_ai_gateway",
        f"PUT {ROOT}/chat/ai-gateway",
        "403 FEATURE_DISABLED",
        message,
        "before that, `patch_tags` succeeded",
        "only the missing calls are sent",
    ):
        assert part in result.err
    workspace.forget()
    assert run("apply", "-y").code == 0
    assert workspace.writes() == [("PUT", f"{ROOT}/chat/ai-gateway")]


def test_a_refused_create_does_not_hold_up_the_others(shop, run, workspace, fault):
    fault(
        method="POST",
        path=ROOT,
        action=refused(400, "INVALID_PARAMETER_VALUE", "no such model"),
    )
    result = run("apply", "-y")
    assert result.code == 4
    assert "400 INVALID_PARAMETER_VALUE: no such model" in result.err
    assert len(names(workspace)) == 1
    assert run("apply", "-y").code == 0
    assert names(workspace) == {"chat", "other"}


def test_what_needs_something_that_failed_is_not_started(shop, run, workspace, fault):
    fault(path="/api/2.0/secrets/put", action=refused(403, "PERMISSION_DENIED", "not yours"))
    result = run("apply", "-y")
    assert result.code == 4
    assert "secret_scopes.keys, put_secret" in result.err
    assert "before that, `create_scope` succeeded" in result.err
    assert "needs secret_scopes.keys" in result.out
    assert names(workspace) == set()
    again = run("apply", "-y")
    assert again.code == 0, again.err
    assert run("plan", "--detailed-exitcode").code == 0


def test_permissions_that_are_refused_leave_the_endpoint_to_the_next_run(
    shop, run, workspace, fault
):
    shop("permissions: [{level: CAN_QUERY, group_name: analysts}]\n")
    fault(
        method="PUT",
        path="/api/2.0/permissions/serving-endpoints/*",
        action=refused(400, "INVALID_PARAMETER_VALUE", "there is no group analysts"),
    )
    result = run("apply", "-y")
    assert result.code == 4
    assert "model_serving_endpoints.chat, set_permissions" in result.err
    assert "there is no group analysts; before that, `create` succeeded" in result.err
    identity = workspace.endpoint("chat")["id"]
    workspace.forget()
    again = run("apply", "-y")
    assert again.code == 0, again.err
    assert workspace.writes() == [("PUT", f"/api/2.0/permissions/serving-endpoints/{identity}")]
    assert run("plan", "--detailed-exitcode").code == 0


def test_a_read_that_is_refused_stops_before_the_first_write(shop, run, workspace, fault):
    fault(method="GET", path=f"{ROOT}/chat", action=refused(403, "PERMISSION_DENIED", "not yours"))
    result = run("apply", "-y")
    assert result.code == 1
    assert f"GET {ROOT}/chat: 403 PERMISSION_DENIED: not yours" in result.err
    assert workspace.writes() == []


def test_what_the_service_says_cannot_move_the_cursor(shop, run, workspace, fault):
    fault(deployment={**FAILS, "message": "red \x1b[31m alert\nerror[E999]: made up"})
    result = run("apply", "-y")
    assert result.code == 4
    assert "\x1b" not in result.out + result.err
    assert not [line for line in result.err.splitlines() if line.startswith("error[E999]")]


def test_json_tells_the_same(shop, run, workspace, fault):
    fault(deployment=FAILS)
    result = run("apply", "-y", "-o", "json")
    assert result.code == 4
    by_address = {one["address"]: one for one in result.json["outcomes"]}
    failed = by_address["model_serving_endpoints.chat"]
    assert failed["status"] == "failed"
    assert MESSAGE in str(failed)
    assert by_address["model_serving_endpoints.other"]["status"] == "done"
