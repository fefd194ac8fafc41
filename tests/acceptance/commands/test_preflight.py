"""`plan --preflight`: what a workspace lacks, before anything is written."""

from __future__ import annotations

import pytest

MODEL = "ml.risk.fraud"
ENDPOINT = """
name: fraud
config:
  served_entities:
    - name: champion
      entity_name: ml.risk.fraud
      entity_version: "3"
      workload_size: Small
      scale_to_zero_enabled: true
      environment_vars: {TOKEN: "{{secrets/risk/token}}"}
permissions:
  - {level: CAN_QUERY, group_name: analysts}
"""
SCOPE = """
resources:
  secret_scopes:
    risk: {name: risk, secrets: {token: {from_env: RISK_TOKEN}}}
"""


@pytest.fixture
def complete(repository, workspace):
    """A workspace that has all that the endpoint needs."""
    repository.endpoint(ENDPOINT)
    workspace.call("POST", "/__emulator__/models", {"full_name": MODEL, "version": 3})
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "risk"})
    body = {"scope": "risk", "key": "token", "string_value": "x"}
    workspace.call("POST", "/api/2.0/secrets/put", body)
    return workspace


def missing(result):
    told = result.json["preflight"]["diagnostics"]
    return [one["code"] for one in told if one["severity"] == "error"]


def preflight(run, *words):
    return run("plan", "--preflight", "-o", "json", *words)


def test_nothing_is_missing(complete, run):
    result = run("plan", "--preflight", "--detailed-exitcode")
    assert result.code == 2
    assert result.out.endswith("\nPreflight: 3 dependencies checked, none missing\n")
    assert "1 new serving endpoint will belong to `local-user@example.com`" in result.err
    assert complete.writes() == [
        one for one in complete.writes() if one[1].startswith(("/api/2.0/secrets",))
    ]


def test_a_plan_alone_looks_for_none_of_it(repository, run):
    repository.endpoint(ENDPOINT)
    result = run("plan", "-o", "json")
    assert result.code == 0
    assert "preflight" not in result.json


def test_who_owns_it_is_told_only_of_what_is_new(complete, run):
    assert run("apply", "-y").code == 0
    assert "W771" not in run("plan", "--preflight").err


def delete_scope(workspace):
    workspace.call("POST", "/api/2.0/secrets/scopes/delete", {"scope": "risk"})


def delete_key(workspace):
    workspace.call("POST", "/api/2.0/secrets/delete", {"scope": "risk", "key": "token"})


def delete_version(workspace):
    workspace.call("DELETE", f"/api/2.1/unity-catalog/models/{MODEL}/versions/3")


def delete_model(workspace):
    workspace.call("DELETE", f"/api/2.1/unity-catalog/models/{MODEL}")


def unready_version(workspace):
    delete_version(workspace)
    body = {"full_name": MODEL, "version": 3, "status": "FAILED_REGISTRATION"}
    workspace.call("POST", "/__emulator__/models", body)


def strangers(workspace):
    workspace.call("POST", "/__emulator__/principals", {"name": "ada@example.com"})


LACKS = [
    pytest.param(delete_scope, "E768", "databricks secrets create-scope risk", id="a scope"),
    pytest.param(delete_key, "E769", "databricks secrets put-secret risk token", id="a key"),
    pytest.param(delete_version, "E762", "copy_model_version", id="a version"),
    pytest.param(delete_model, "E760", "mlflow.register_model", id="a model"),
    pytest.param(unready_version, "E767", "register it again", id="a version that is ready"),
    pytest.param(strangers, "E771", "look for a typo", id="a group"),
]


@pytest.mark.parametrize(("lose", "code", "remedy"), LACKS)
def test_what_is_missing_is_named_with_a_remedy_and_its_place(complete, run, lose, code, remedy):
    lose(complete)
    result = preflight(run)
    assert result.code == 1
    assert missing(result) == [code]
    (told,) = (one for one in result.json["preflight"]["diagnostics"] if one["code"] == code)
    assert remedy in told["detail"]
    assert told["range"]["filename"] == "manifests/endpoint.yaml"
    assert run("plan", "--preflight").code == 1


@pytest.mark.parametrize(
    ("others", "named"),
    [
        (1, "also needed by model_serving_endpoints.other0\n"),
        (5, "model_serving_endpoints.other1, model_serving_endpoints.other2 and 2 more\n"),
    ],
)
def test_many_places_that_lack_the_same_are_told_once(complete, repository, run, others, named):
    delete_key(complete)
    text = (repository.root / "manifests/endpoint.yaml").read_text()
    for number in range(others):
        other = text.replace("    chat:", f"    other{number}:")
        other = other.replace("name: fraud", f"name: other{number}", 1)
        repository.write(f"manifests/other{number}.yaml", other)
    assert missing(preflight(run)) == ["E769"]
    assert named in run("plan", "--preflight").err


def test_a_declared_key_needs_a_value_only_while_none_is_stored(
    complete, repository, run, monkeypatch
):
    repository.write("manifests/scope.yaml", SCOPE)
    monkeypatch.delenv("RISK_TOKEN", raising=False)
    assert missing(preflight(run)) == []
    delete_scope(complete)
    assert missing(preflight(run)) == ["E773"]
    monkeypatch.setenv("RISK_TOKEN", "value")
    assert missing(preflight(run)) == []


def test_a_selection_looks_only_for_what_is_selected(complete, repository, run):
    repository.write("manifests/scope.yaml", SCOPE)
    delete_version(complete)
    assert missing(preflight(run, "--select", "risk")) == []


def test_a_model_that_is_hidden_is_told_with_the_grant(complete, run, monkeypatch):
    ada = complete.call("POST", "/__emulator__/principals", {"name": "ada@example.com"})
    complete.call(
        "POST",
        "/api/2.0/secrets/acls/put",
        {"scope": "risk", "principal": "users", "permission": "READ"},
    )
    monkeypatch.setenv("DATABRICKS_TOKEN", ada["token"])
    result = preflight(run)
    assert "E763" in missing(result)
    assert f"databricks grants update function {MODEL}" in run("plan", "--preflight").err


def test_what_cannot_be_looked_at_is_a_warning(complete, run):
    rule = {
        "method": "GET",
        "path": "/api/2.0/preview/scim/v2/Groups",
        "times": 0,
        "action": {"status": 403, "body": {"error_code": "PERMISSION_DENIED", "message": "no"}},
    }
    complete.call("POST", "/__emulator__/faults", {"rules": [rule]})
    result = preflight(run)
    assert (result.code, missing(result)) == (6, [])
    assert run("plan", "--preflight", "--detailed-exitcode").code == 6
    assert "W772" in {one["code"] for one in result.json["preflight"]["diagnostics"]}
    summary = "Preflight: 1 of 3 dependencies could not be checked, none of the others missing\n"
    assert run("plan", "--preflight").out.endswith(summary)


def test_a_scope_that_the_login_may_not_read_is_an_error(complete, run):
    rule = {
        "method": "GET",
        "path": "/api/2.0/secrets/list",
        "times": 0,
        "action": {"status": 403, "body": {"error_code": "PERMISSION_DENIED", "message": "no"}},
    }
    complete.call("POST", "/__emulator__/faults", {"rules": [rule]})
    result = preflight(run)
    assert (result.code, missing(result)) == (1, ["E774"])
    assert "READ" in run("plan", "--preflight").err


@pytest.mark.parametrize("place", ["permissions", "acls"])
def test_a_service_principal_by_its_display_name_gets_its_application_id(
    complete, repository, run, place
):
    scim = "/api/2.0/preview/scim/v2/ServicePrincipals"
    made = complete.call("POST", scim, {"displayName": "backend-sp"})
    complete.call("POST", "/api/2.0/preview/scim/v2/Groups", {"displayName": "analysts"})
    if place == "permissions":
        grant = "  - {level: CAN_VIEW, service_principal_name: backend-sp}\n"
        repository.endpoint(ENDPOINT + grant)
    else:
        acls = "acls: [{principal: backend-sp, permission: READ}]"
        text = f"resources: {{secret_scopes: {{shared: {{name: shared, {acls}}}}}}}\n"
        repository.write("manifests/scope.yaml", text)
    result = preflight(run)
    (told,) = (one for one in result.json["preflight"]["diagnostics"] if one["code"] == "E771")
    assert made["applicationId"] in told["detail"]


def test_a_feature_spec_is_looked_for(repository, run):
    text = ENDPOINT.replace('      entity_version: "3"\n', "")
    repository.endpoint(text.partition("      environment_vars")[0])
    assert missing(preflight(run)) == ["E772"]


def test_one_request_for_each_distinct_thing(complete, repository, run):
    text = (repository.root / "manifests/endpoint.yaml").read_text()
    for number in range(10):
        other = text.replace("    chat:", f"    other{number}:")
        other = other.replace("name: fraud", f"name: other{number}", 1)
        repository.write(f"manifests/other{number}.yaml", other)
    run("plan")
    complete.forget()
    run("plan")
    alone = len(complete.requests())
    complete.forget()
    assert run("plan", "--preflight").code == 0
    # A version, the keys of a scope, a group, and who is asking.
    assert len(complete.requests()) == alone + 4


def test_what_is_removed_needs_nothing(complete, repository, run):
    assert run("apply", "-y").code == 0
    (repository.root / "manifests/endpoint.yaml").unlink()
    repository.write("manifests/scope.yaml", SCOPE)
    repository.write(
        "manifests/removed.yaml",
        "removed: {model_serving_endpoints: {old: {name: fraud, delete: true}}}\n",
    )
    delete_model(complete)
    assert missing(preflight(run, "--select", "old")) == []


VAULT = """
resources:
  secret_scopes:
    risk:
      name: Risk
      backend_type: AZURE_KEYVAULT
      backend_azure_keyvault: {resource_id: /subscriptions/x, dns_name: https://risk.vault.test/}
"""


@pytest.mark.parametrize("lose", [delete_scope, delete_key])
def test_a_declared_vault_has_every_key_whatever_the_case_of_its_name(
    complete, repository, run, lose
):
    repository.write("manifests/scope.yaml", VAULT)
    lose(complete)
    assert run("validate").code == 0
    assert missing(preflight(run)) == []


def test_a_declared_scope_is_the_same_in_another_case(complete, repository, run, monkeypatch):
    repository.write("manifests/scope.yaml", SCOPE.replace("name: risk", "name: Risk"))
    monkeypatch.setenv("RISK_TOKEN", "value")
    delete_scope(complete)
    assert missing(preflight(run)) == []


REGION = """
name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key: "{{secrets/providers/openai}}"}
    - name: claude
      external_model:
        name: claude-sonnet-4-5
        provider: anthropic
        task: llm/v1/chat
        anthropic_config: {anthropic_api_key: "{{secrets/providers/anthropic}}"}
  traffic_config:
    routes:
      - {served_entity_name: gpt, traffic_percentage: 50}
      - {served_entity_name: claude, traffic_percentage: 50}
"""


def test_another_region_lists_each_key_that_it_still_lacks(repository, workspace, run):
    repository.endpoint(REGION)
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "providers"})
    result = preflight(run)
    assert missing(result) == ["E769", "E769"]
    told = {one["summary"] for one in result.json["preflight"]["diagnostics"]}
    for key in ("openai", "anthropic"):
        assert any(f"has no key `{key}`" in one for one in told)
        body = {"scope": "providers", "key": key, "string_value": "x"}
        workspace.call("POST", "/api/2.0/secrets/put", body)
    assert missing(preflight(run)) == []


def answer(workspace, path, body):
    action = {"status": 200, "body": body}
    rule = {"method": "GET", "path": path, "times": 0, "action": action}
    workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})


def test_a_login_that_is_not_active_can_create_nothing(complete, run):
    me = {"userName": "ada@example.com", "active": False}
    # The plan asks who is calling as well, and only for the name.
    answer(complete, "/api/2.0/preview/scim/v2/Me", me)
    assert missing(preflight(run)) == ["E770"]


def test_a_workspace_that_is_full_by_default_is_a_warning(complete, run):
    listed = [{"name": f"e{number}", "id": str(number)} for number in range(1000)]
    answer(complete, "/api/2.0/serving-endpoints", {"endpoints": listed})
    result = preflight(run)
    assert result.code == 0
    (told,) = (one for one in result.json["preflight"]["diagnostics"] if one["code"] == "W770")
    assert told["summary"].startswith(
        "the workspace has 1000 serving endpoints and the plan adds 1"
    )


def test_a_secret_file_that_is_not_there(repository, run):
    scope = SCOPE.replace("from_env: RISK_TOKEN", "from_file: token.txt")
    repository.write("manifests/scope.yaml", scope)
    result = preflight(run)
    assert missing(result) == ["E773"]
    assert "token.txt" in run("plan", "--preflight").err
