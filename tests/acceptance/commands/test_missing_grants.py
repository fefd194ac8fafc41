"""Preflight and doctor list every privilege that is missing in Unity Catalog, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

UC = "/api/2.1/unity-catalog"
EXAMPLE = Path(__file__).parents[3] / "examples/unity-gateway/manifests/gateway.yaml"
DEPLOYER = "deployer@example.com"
TOOLS = """
resources:
  mcp_services:
    tracker:
      parent: schemas/main.gateway
      mcp_service_id: tracker
      config: {source_connection: {name: connections/main.gateway.tracker}}
"""


@pytest.fixture
def deployer(repository, workspace, monkeypatch):
    """The example in a schema of somebody else, and a login that holds nothing there."""
    workspace.call("POST", f"{UC}/catalogs", {"name": "main"})
    workspace.call("POST", f"{UC}/schemas", {"name": "gateway", "catalog_name": "main"})
    manifest = EXAMPLE.read_text(encoding="utf-8")
    repository.write(
        "manifests/gateway.yaml",
        manifest.replace("      name: gateway\n", "      name: gateway\n      existing: true\n", 1),
    )
    token = workspace.call("POST", "/__emulator__/principals", {"name": DEPLOYER})["token"]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("DATABRICKS_TOKEN", token)
    return workspace


def grant(workspace, kind, name, *privileges, who=DEPLOYER):
    change = {"principal": who, "add": list(privileges)}
    workspace.call("PATCH", f"{UC}/permissions/{kind}/{name}", {"changes": [change]})


def missing(result):
    return sorted(
        (each["severity"], each["summary"].split(", ")[0].replace("`", ""))
        for each in result.json["preflight"]["diagnostics"]
        if each["code"] in ("E775", "E776", "W773")
    )


def test_what_deployer_and_callers_lack_is_listed_at_once(deployer, run):
    result = run("plan", "--preflight", "-o", "json")
    assert missing(result) == [
        ("error", f"{DEPLOYER} lacks CREATE_SECRET on the schema main.gateway"),
        ("error", f"{DEPLOYER} lacks CREATE_SERVICE on the schema main.gateway"),
        ("error", f"{DEPLOYER} lacks CREATE_TABLE on the schema main.gateway"),
        ("error", f"{DEPLOYER} lacks MANAGE on the schema main.gateway"),
        ("error", f"{DEPLOYER} lacks USE_CATALOG on the catalog main"),
        ("error", f"{DEPLOYER} lacks USE_SCHEMA on the schema main.gateway"),
        ("warning", "analysts lacks USE_CATALOG on the catalog main"),
        ("warning", "gateway-owner lacks USE_CATALOG on the catalog main"),
        ("warning", "gateway-owner lacks USE_SCHEMA on the schema main.gateway"),
    ]
    hints = [each["detail"] for each in result.json["preflight"]["diagnostics"]]
    assert any(f"GRANT CREATE SERVICE ON SCHEMA main.gateway TO `{DEPLOYER}`" in h for h in hints)


def test_with_the_grants_nothing_is_missing_and_apply_works(deployer, run):
    grant(deployer, "catalog", "main", "USE_CATALOG")
    privileges = ("USE_SCHEMA", "CREATE_SERVICE", "CREATE_SECRET", "CREATE_TABLE", "MANAGE")
    grant(deployer, "schema", "main.gateway", *privileges)
    for who in ("analysts", "gateway-owner"):
        grant(deployer, "catalog", "main", "USE_CATALOG", "USE_SCHEMA", who=who)
    assert missing(run("plan", "--preflight", "-o", "json")) == []


def test_an_mcp_service_needs_the_use_of_its_connection(deployer, repository, run):
    repository.write("manifests/gateway.yaml", TOOLS)
    connection = {"name": "tracker", "connection_type": "HTTP", "parent": "schemas/main.gateway"}
    deployer.call("POST", f"{UC}/connections", connection | {"options": {}})
    grant(deployer, "catalog", "main", "USE_CATALOG", "USE_SCHEMA", "CREATE_SERVICE")
    grant(deployer, "connection", "main.gateway.tracker", "MANAGE")
    lacking = missing(run("plan", "--preflight", "-o", "json"))
    assert lacking == [
        ("error", f"{DEPLOYER} lacks USE_CONNECTION on the connection main.gateway.tracker")
    ]
    assert run("apply", "-y").code != 0
    grant(deployer, "connection", "main.gateway.tracker", "USE_CONNECTION")
    assert missing(run("plan", "--preflight", "-o", "json")) == []
    assert run("apply", "-y").code == 0


def test_doctor_lists_them_too(deployer, run):
    text = " ".join(run("doctor").out.split())
    assert f"`{DEPLOYER}` lacks CREATE_SERVICE on the schema `main.gateway`" in text
    assert "`analysts` lacks USE_CATALOG on the catalog `main`" in text


def test_what_is_there_needs_no_privilege_to_create_it(deployer, run, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-acceptance")
    assert run("apply", "-y").code == 0
    found = missing(run("plan", "--preflight", "-o", "json"))
    assert not [each for each in found if "CREATE_SERVICE" in each[1]]


def test_a_catalog_that_is_not_there_is_an_error(repository, workspace, run, monkeypatch):
    repository.write("manifests/gateway.yaml", EXAMPLE.read_text(encoding="utf-8"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    found = missing(run("plan", "--preflight", "-o", "json"))
    assert [message for severity, message in found if severity == "error"] == [
        f"there is no catalog main in {workspace.server.url} that this login can see"
    ]


SCIM = "/api/2.0/preview/scim/v2"
CALLER = """
resources:
  schemas:
    gateway:
      catalog_name: main
      name: gateway
      existing: true
      grants: [{principal: app@example.com, privileges: [USE_SCHEMA]}]
  registered_models:
    fraud:
      catalog_name: main
      schema_name: gateway
      name: fraud
      grants: [{principal: app@example.com, privileges: [EXECUTE]}]
"""


def about(result, who):
    return {
        (each["code"], each["summary"].replace("`", "").split(":")[0])
        for each in result.json["preflight"]["diagnostics"]
        if f"`{who}`" in each["summary"] and each["code"] != "W771"
    }


@pytest.fixture
def caller(repository, workspace):
    """A model whose caller needs USE_CATALOG, and a way to put the caller into groups."""
    workspace.call("POST", f"{UC}/catalogs", {"name": "main"})
    workspace.call("POST", f"{UC}/schemas", {"name": "gateway", "catalog_name": "main"})
    repository.write("manifests/gateway.yaml", CALLER)

    def join(*groups):
        principal = {"name": "app@example.com", "groups": list(groups)}
        workspace.call("POST", "/__emulator__/principals", principal)

    return join


LACKS = (
    "W773",
    "app@example.com lacks USE_CATALOG on the catalog main, which the grants here require",
)
MAY_LACK = ("W774", "app@example.com may lack USE_CATALOG on the catalog main")


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param((("analysts",), "analysts", set()), id="held by its group"),
        pytest.param((("analysts",), "app@example.com", set()), id="held by itself"),
        pytest.param((("analysts",), "account users", set()), id="held by everybody"),
        pytest.param(((), "admins", {"W773"}), id="held by a group that it is not in"),
        pytest.param(((), "other@example.com", {"W773"}), id="held by another user"),
        pytest.param(((), "all-of-finance", {"W774"}), id="held by a group of the account alone"),
    ],
)
def test_what_a_caller_holds_by_its_groups_is_looked_up(caller, workspace, run, scene):
    groups, holder, expected = scene
    caller(*groups)
    grant(workspace, "catalog", "main", "USE_CATALOG", who=holder)
    result = run("plan", "--preflight", "-o", "json")
    assert {code for code, _ in about(result, "app@example.com")} == expected


def test_a_group_with_groups_in_it_may_have_the_caller_as_a_member(caller, workspace, run):
    caller()
    grant(workspace, "catalog", "main", "USE_CATALOG", who="finance")
    member = {"value": "1", "display": "analysts", "$ref": "Groups/1"}
    body = {"Resources": [{"displayName": "finance", "id": "2", "members": [member]}]}
    rule = {"method": "GET", "path": f"{SCIM}/Groups", "times": 0}
    rule["action"] = {"status": 200, "body": body}
    workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    result = run("plan", "--preflight", "-o", "json")
    assert {code for code, _ in about(result, "app@example.com")} == {"W774"}


def test_a_login_in_a_group_that_the_workspace_does_not_show_may_hold_it(deployer, run):
    for kind, name in (("catalog", "main"), ("schema", "main.gateway")):
        privileges = ("USE_CATALOG",) if kind == "catalog" else ("USE_SCHEMA", "CREATE_SERVICE")
        grant(deployer, kind, name, *privileges, who="platform-of-the-account")
    codes = about(run("plan", "--preflight", "-o", "json"), DEPLOYER)
    assert ("W774", f"{DEPLOYER} may lack CREATE_SERVICE on the schema main.gateway") in codes
    assert {code for code, summary in codes if "USE_" in summary} == {"W774"}
    assert {code for code, summary in codes if "CREATE_SECRET" in summary} == {"E775"}


def test_each_question_is_asked_once(deployer, run):
    deployer.forget()
    run("plan", "--preflight")
    questions = [
        (method, path)
        for method, path in deployer.requests()
        if path.startswith((f"{UC}/effective-permissions", f"{SCIM}/Me"))
    ]
    # The login is asked about once more before preflight, for the owner of what is new.
    assert len(questions) - len(set(questions)) <= 1


PROVISIONED = """
resources:
  model_services:
    chat:
      parent: schemas/main.gateway
      model_service_id: chat
      config:
        routing:
          destinations:
            - name: reserved
              destination_type: DESTINATION_TYPE_PROVISIONED_THROUGHPUT_FOUNDATION_MODEL
              provisioned_throughput_config: {model_serving_endpoint: serving-endpoints/llama}
"""


def test_a_service_in_front_of_an_endpoint_needs_to_manage_it(
    repository, workspace, run, monkeypatch
):
    repository.write("manifests/gateway.yaml", PROVISIONED)
    codes = {
        each["code"]: each["summary"]
        for each in run("plan", "--preflight", "-o", "json").json["preflight"]["diagnostics"]
    }
    assert "there is no serving endpoint `llama`" in codes["E776"]


CREDENTIAL = """
resources:
  model_provider_services:
    bedrock:
      parent: schemas/main.gateway
      model_provider_service_id: bedrock
      config:
        provider_type: EXTERNAL_MODEL_PROVIDER_TYPE_AMAZON_BEDROCK
        amazon_bedrock:
          direct: {region: eu-west-1, service_credential: {name: credentials/bedrock-role}}
        targets: [{model: claude, native_api_types: [anthropic/v1/messages]}]
"""


@pytest.mark.parametrize("holds", [True, False])
def test_a_service_credential_needs_access(repository, workspace, run, holds):
    repository.write("manifests/gateway.yaml", CREDENTIAL)
    who = "local-user@example.com" if holds else "other@example.com"
    held = {"principal": who, "privileges": [{"privilege": "ACCESS"}]}
    answers = {
        f"{UC}/credentials/bedrock-role": {"name": "bedrock-role", "owner": "o@example.com"},
        f"{UC}/effective-permissions/credential/bedrock-role": {"privilege_assignments": [held]},
    }
    rules = [
        {"path": path, "times": 0, "action": {"status": 200, "body": body}}
        for path, body in answers.items()
    ]
    workspace.call("POST", "/__emulator__/faults", {"rules": rules})
    found = missing(run("plan", "--preflight", "-o", "json"))
    lacks = "local-user@example.com lacks ACCESS on the credential bedrock-role"
    assert (("error", lacks) in found) is not holds
