"""import of schemas, secrets, models and services of Unity Catalog, from all three sources."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples/unity-gateway/manifests"
KEY = {"schema_name": "gateway", "name": "openai_key"}
UC = "/api/2.1/unity-catalog"
NOTHING_TO_DO = "0 to create, 0 to update, 0 to replace, 0 to delete"


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_KEY"):
        monkeypatch.setenv(name, "sk-of-the-shop")


@pytest.fixture
def applied(repository, run):
    """The example is live, and its manifests are gone."""
    shutil.copytree(EXAMPLE, repository.root / "manifests")
    assert run("apply", "-y").code == 0
    shutil.rmtree(repository.root / "manifests")
    return repository


def test_live_objects_become_manifests_that_change_nothing(applied, run, workspace):
    workspace.forget()
    result = run("import", "main.gateway.*", "main.gateway", "--to", "manifests/all.yaml")
    assert (result.code, result.err.count("error")) == (0, 0), result.err
    assert workspace.writes() == []
    assert NOTHING_TO_DO in run("plan").out
    manifest = (applied.root / "manifests/all.yaml").read_text()
    assert "from_env: OPENAI_KEY" in manifest
    assert "managed by provisioner" not in manifest
    assert "principal: analysts" in manifest


def test_one_service_is_imported_by_its_full_name(applied, run):
    assert run("import", "main.gateway.chat").code == 0
    assert (applied.root / "manifests/chat.yaml").is_file()
    assert "E832" in run("import", "main.gateway.chatt").err


@pytest.mark.parametrize("asked", ["main.gateway.*", "main.gateway.chat"])
def test_what_a_service_refers_to_comes_with_it_once(applied, run, asked):
    arguments = ("--with-scopes", "--to", "manifests/all.yaml")
    result = run("import", asked, *arguments)
    assert (result.code, result.err.count("error")) == (0, 0), result.err
    assert "4 new" in result.out
    assert f"{NOTHING_TO_DO}, 4 unchanged" in run("plan").out


def config_of(workspace, plural, name):
    return workspace.call("GET", f"/api/2.1/unity-catalog/{plural}/main.gateway.{name}")


def test_a_terraform_state_becomes_manifests_that_change_nothing(applied, run, workspace):
    # Terraform's own comment has no line of this tool.
    chat = config_of(workspace, "model-services", "chat") | {"comment": "Chat for everybody"}
    openai = config_of(workspace, "model-provider-services", "openai_prod")
    openai["comment"] = "Platform account"
    resources = [
        ("ai_gateway_model_service", {"model_service_id": "chat", **chat}),
        (
            "ai_gateway_model_provider_service",
            {"model_provider_service_id": "openai_prod", **openai},
        ),
        ("secret_uc", {**KEY, "value": "sk-in-the-state"}),
        ("schema", {"name": "gateway", "comment": ""}),
        ("registered_model", {"schema_name": "gateway", "name": "fraud", "comment": "Fraud"}),
        ("grants", {"model_service": "main.gateway.chat", "grant": grants("analysts", "EXECUTE")}),
        ("grants", {"schema": "main.gateway", "grant": grants("analysts", "USE_SCHEMA")}),
    ]
    state = applied.write("gateway.tfstate", json.dumps(state_of(resources)))
    result = run("import", "--from-terraform-state", str(state), "--to", "manifests/all.yaml")
    assert result.code == 0, result.err
    assert "removed {" in (applied.root / "removed.tf").read_text()
    manifest = (applied.root / "manifests/all.yaml").read_text()
    assert "sk-in-the-state" not in manifest
    plan = run("plan", "-o", "json").json
    actions = {step["address"]: step["action"] for step in plan["steps"]}
    assert actions == {
        "model_provider_services.openai_prod": "keep",
        "model_services.chat": "keep",
        "registered_models.fraud": "create",
        "schemas.gateway": "keep",
        "secrets.openai_key": "update",
    }


def grants(principal, *privileges):
    return [{"principal": principal, "privileges": list(privileges)}]


def state_of(resources):
    entries = [
        {
            "mode": "managed",
            "type": f"databricks_{kind}",
            "name": f"r{number}",
            "instances": [
                {"attributes": {"catalog_name": "main", "parent": "schemas/main.gateway", **fields}}
            ],
        }
        for number, (kind, fields) in enumerate(resources)
    ]
    return {"version": 4, "resources": entries}


BUNDLE = """
bundle: {name: gateway}
variables: {catalog: {default: main}, key: {description: The key}}
resources:
  secrets:
    key:
      catalog_name: ${var.catalog}
      schema_name: gateway
      name: openai_key
      value: ${var.key}
  registered_models:
    fraud: {catalog_name: "${var.catalog}", schema_name: risk, name: fraud, comment: Fraud}
  model_provider_services:
    openai:
      parent: schemas/${var.catalog}.gateway
      model_provider_service_id: openai_prod
      config:
        provider_type: EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI
        openai: {direct: {api_key: {secret_reference: {name: secrets/main.gateway.openai_key}}}}
        targets: [{model: gpt-5}]
      grants: [{principal: owners, privileges: [EXECUTE]}]
  model_services:
    chat:
      parent: schemas/${var.catalog}.gateway
      model_service_id: chat
      config:
        routing:
          destinations:
            - name: gpt
              destination_type: DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL
              external_model_config:
                model_provider_service: model-provider-services/main.gateway.openai_prod
                target: {model: gpt-5}
targets:
  dev: {default: true, workspace: {host: "HOST"}}
"""


def test_a_bundle_with_gateway_kinds_becomes_a_project(tmp_path_factory, run, workspace):
    bundle = tmp_path_factory.mktemp("bundle")
    text = BUNDLE.replace("HOST", workspace.server.url)
    (bundle / "databricks.yml").write_text(text, encoding="utf-8")
    folder = ("-C", str(bundle))
    result = run("import", *folder, "--from-bundle", str(bundle / "databricks.yml"))
    assert result.code == 0, result.err
    assert run("apply", "-y", *folder).code == 0
    assert NOTHING_TO_DO in run("plan", *folder).out
    assert config_of(workspace, "model-services", "chat")["config"]


SCHEMAS = """
bundle: {name: shop}
resources:
  schemas:
    gateway:
      catalog_name: main
      name: Gateway
      comment: Services of the shop
      storage_root: s3://bucket/gateway
      properties: {team: shop}
      grants: [{principal: analysts, privileges: [USE_SCHEMA, EXECUTE]}]
  registered_models:
    fraud:
      catalog_name: main
      schema_name: ${resources.schemas.gateway.name}
      name: fraud
      grants: [{principal: analysts, privileges: [EXECUTE]}]
targets:
  dev: {default: true, mode: development, presets: {name_prefix: "dev_"}, workspace: {host: "HOST"}}
"""


def test_schemas_of_a_bundle_are_imported_with_their_grants(tmp_path_factory, run, workspace):
    bundle = tmp_path_factory.mktemp("bundle")
    text = SCHEMAS.replace("HOST", workspace.server.url)
    (bundle / "databricks.yml").write_text(text, encoding="utf-8")
    folder = ("-C", str(bundle))
    result = run("import", *folder, "--from-bundle", str(bundle / "databricks.yml"))
    assert result.code == 0, result.err
    for left in ("storage_root", "properties"):
        assert left in result.out + result.err
    # What the bundle deployed: the prefix of the target in lower case.
    workspace.call("POST", f"{UC}/catalogs", {"name": "main"})
    schema = {"catalog_name": "main", "name": "devgateway", "comment": "Services of the shop"}
    workspace.call("POST", f"{UC}/schemas", schema)
    change = {"principal": "analysts", "add": ["EXECUTE", "USE_SCHEMA"]}
    path = f"{UC}/permissions/schema/main.devgateway"
    workspace.call("PATCH", path, {"changes": [change]})
    plan = run("plan", *folder, "-o", "json").json
    actions = {step["name"]: step["action"] for step in plan["steps"]}
    assert actions == {"main.devgateway": "adopt", "main.devgateway.devfraud": "create"}
    calls = {step["name"]: [each["call"] for each in step["operations"]] for step in plan["steps"]}
    assert calls["main.devgateway"] == ["update"]
    assert run("apply", "-y", "--adopt", *folder).code == 0
    assert NOTHING_TO_DO in run("plan", *folder).out
