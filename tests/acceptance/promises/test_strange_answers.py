"""Answers that are not what they seem: a gateway's 404, an empty object, an answer about another.

Absence is only what the service says about that very resource, with its own error code; an
identity comes only from the answer to a create.
"""

from __future__ import annotations

from typing import Any

import pytest

ROOT = "/api/2.0/serving-endpoints"
SCOPES, KEYS, ACLS = (f"/api/2.0/secrets/{path}" for path in ("scopes/list", "list", "acls/list"))
MANIFEST = """
resources:
  secret_scopes:
    keys:
      name: keys
      secrets: {openai: {from_env: SHOP_KEY}}
      acls: [{principal: users, permission: READ}]
  model_serving_endpoints:
    chat:
      name: chat
      config:
        served_entities:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openai
              task: llm/v1/chat
              openai_config: {openai_api_key: "{{secrets/keys/openai}}"}
      permissions: [{level: CAN_QUERY, group_name: users}]
"""
GATEWAYS = {
    "Kong": {"message": "no Route matched with those values"},
    "AWS API Gateway": {"message": "Not Found"},
    "Azure API Management": {"statusCode": 404, "message": "Resource not found"},
    "Azure Front Door": {"error": {"code": "NOT_FOUND", "message": "Resource not found"}},
    "a code without a message": {"error_code": "RESOURCE_DOES_NOT_EXIST"},
    "an unknown code": {"error_code": "ROUTE_NOT_FOUND", "message": "no such route"},
    "an empty object": {},
}
ABSENT = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "it does not exist"}


@pytest.fixture
def applied(repository, run, workspace, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "sk")
    repository.write("manifests/all.yaml", MANIFEST)
    assert run("apply", "-y").code == 0
    workspace.forget()


@pytest.fixture
def removed(applied, repository):
    """The endpoint is live, and the manifests ask for its deletion."""
    consent = "removed: {model_serving_endpoints: {chat: {name: chat, delete: true}}}"
    scopes = MANIFEST.split("  model_serving_endpoints")[0]
    repository.write("manifests/all.yaml", scopes + consent)


@pytest.fixture
def fault(workspace):
    def order(path: str, action: dict[str, Any], method: str = "GET", times: int = 0) -> None:
        rule = {"method": method, "path": path, "action": action, "times": times}
        workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})

    return order


def is_refused(result: Any) -> bool:
    return result.code == 1 and "create" not in result.out and "error[E4" in result.err


@pytest.mark.parametrize("path", [f"{ROOT}/chat", ROOT, SCOPES, KEYS, ACLS])
@pytest.mark.parametrize("body", GATEWAYS.values(), ids=GATEWAYS.keys())
def test_a_404_of_a_gateway_is_an_error_for_every_route(applied, run, fault, path, body):
    fault(path, {"status": 404, "body": body})
    assert is_refused(run("plan"))
    assert is_refused(run("drift"))


@pytest.mark.parametrize("path", [f"{ROOT}/chat", ROOT, SCOPES, KEYS, ACLS])
def test_the_services_own_404_is_no_absence_where_the_list_has_it(applied, run, fault, path):
    fault(path, {"status": 404, "body": ABSENT})
    assert is_refused(run("plan"))


@pytest.mark.parametrize("path", [ROOT, SCOPES])
def test_an_empty_list_is_not_believed_where_its_entries_can_be_read(applied, run, fault, path):
    fault(path, {"status": 200, "body": {}})
    assert is_refused(run("plan"))


def test_the_services_own_404_is_an_absence_where_nothing_contradicts_it(applied, run, workspace):
    workspace.call("DELETE", f"{ROOT}/chat")
    assert "1 to create" in run("plan").out


@pytest.mark.parametrize("name", ["chat", "x"])
def test_the_answer_to_a_delete_brings_no_identity(removed, run, workspace, fault, name):
    fault(f"{ROOT}/*", {"status": 200, "body": {"name": name, "id": "0" * 32}}, "DELETE")
    result = run("apply", "-y", "--allow-delete", "all")
    assert result.code == 4
    assert "1 deleted" not in result.out
    assert workspace.endpoint("chat")


@pytest.mark.parametrize("body", GATEWAYS.values(), ids=GATEWAYS.keys())
def test_a_404_of_a_gateway_to_a_delete_is_not_gone_already(applied, repository, run, fault, body):
    removed = "removed: {model_serving_endpoints: {chat: {name: chat, delete: true}}}"
    repository.write("manifests/all.yaml", MANIFEST.split("  model_serving_endpoints")[0] + removed)
    fault(f"{ROOT}/*", {"status": 404, "body": body}, "DELETE")
    result = run("apply", "-y", "--allow-delete", "all")
    assert result.code in (1, 4)
    assert "1 deleted" not in result.out


@pytest.mark.parametrize("times", [0, 1], ids=["for ever", "once"])
def test_a_404_of_the_tags_is_not_gone_already(removed, run, workspace, fault, times):
    fault(f"{ROOT}/*/tags", {"status": 404, "body": ABSENT}, "PATCH", times)
    result = run("apply", "-y", "--allow-delete", "all")
    assert result.code == 1
    assert "1 deleted" not in result.out
    assert "`chat` itself exists" in result.err
    assert workspace.endpoint("chat")


CHANGED = MANIFEST.replace("gpt-4o", "gpt-4.1").replace("CAN_QUERY", "CAN_MANAGE")
CHANGED += """\
      tags: [{key: team, value: ml}]
      email_notifications: {on_update_failure: [a@example.com]}
      ai_gateway: {rate_limits: [{key: user, renewal_period: minute, calls: 5}]}
"""
PARTS = {
    "config": ("PUT", f"{ROOT}/*/config"),
    "gateway": ("PUT", f"{ROOT}/*/ai-gateway"),
    "tags": ("PATCH", f"{ROOT}/*/tags"),
    "notifications": ("PATCH", f"{ROOT}/*/notifications"),
    "permissions": ("PUT", "/api/2.0/permissions/serving-endpoints/*"),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_an_empty_object_is_no_proof_of_a_write(applied, repository, run, fault, part):
    """Where nothing confirmed the write, an old state is no read that lags."""
    repository.write("manifests/all.yaml", CHANGED)
    method, path = part
    fault(path, {"status": 200, "body": {}}, method)
    result = run("apply", "-y")
    assert result.code == 4
    assert "E606" in result.err
