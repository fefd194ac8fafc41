"""Endpoints that somebody else creates: only what is written is managed."""

from __future__ import annotations

import pytest
from owners import owner_of

LLAMA = "databricks-meta-llama-3-1-70b-instruct"
ROOT = "/api/2.0/serving-endpoints"
LIMIT = "ai_gateway:\n  rate_limits:\n    - {key: user, renewal_period: minute, calls: 10}\n"
TAGS = "tags:\n  - {key: team, value: shop}\n"
ANALYSTS = "permissions:\n  - {level: CAN_QUERY, group_name: analysts}\n"
PROVIDER = {"openai_config": {"openai_api_key": "{{secrets/keys/openai}}"}}
MODEL = {"name": "gpt-4o", "provider": "openai", "task": "llm/v1/chat", **PROVIDER}
ENTITY = {"name": "gpt", "external_model": MODEL}


@pytest.fixture
def existing(repository):
    """Writes an endpoint with ``existing: true``."""

    def write(name: str, *blocks: str) -> None:
        repository.endpoint(f"name: {name}\nexisting: true\n" + "".join(blocks))

    return write


@pytest.fixture
def theirs(workspace):
    """An endpoint of another project, with a tag, a gateway and grants of its own."""
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    key = {"scope": "keys", "key": "openai", "string_value": "sk"}
    workspace.call("POST", "/api/2.0/secrets/put", key)
    body = {
        "name": "theirs",
        "config": {"served_entities": [ENTITY]},
        "tags": [
            {"key": "provisioner_project", "value": "other"},
            {"key": "provisioner_environment", "value": "prod"},
            {"key": "provisioner_protected", "value": "true"},
            {"key": "cost_center", "value": "4711"},
        ],
    }
    workspace.call("POST", ROOT, body)
    grant(workspace, "theirs", "support")
    return "theirs"


def grant(workspace, name, group):
    path = f"/api/2.0/permissions/serving-endpoints/{workspace.endpoint(name)['id']}"
    row = {"group_name": group, "permission_level": "CAN_VIEW"}
    workspace.call("PATCH", path, {"access_control_list": [row]})


def groups(workspace, name):
    path = f"/api/2.0/permissions/serving-endpoints/{workspace.endpoint(name)['id']}"
    rows = workspace.call("GET", path)["access_control_list"]
    direct = [
        row for row in rows if any(not entry["inherited"] for entry in row["all_permissions"])
    ]
    return {row["group_name"] for row in direct if "group_name" in row}


def tags(workspace, name):
    tags = workspace.endpoint(name).get("tags", ())
    return {tag["key"]: tag.get("value", "") for tag in tags}


def test_a_gateway_on_a_pay_per_token_endpoint(existing, run, workspace):
    existing(LLAMA, LIMIT, ANALYSTS)
    plan = run("plan")
    assert plan.code == 0, plan.err
    assert "~ update  model_serving_endpoints.chat" in plan.out
    assert "managed here: ai_gateway, permissions" in " ".join(plan.out.split())
    workspace.forget()
    result = run("apply", "-y")
    assert result.code == 0, result.err
    granting = f"/api/2.0/permissions/serving-endpoints/{workspace.endpoint(LLAMA)['id']}"
    assert workspace.writes() == [("PUT", granting), ("PUT", f"{ROOT}/{LLAMA}/ai-gateway")]
    assert "tags" not in workspace.endpoint(LLAMA) or tags(workspace, LLAMA) == {}
    assert run("plan", "--detailed-exitcode").code == 0
    assert run("destroy", "-y", "--allow-delete", "all").code == 0
    assert workspace.endpoint(LLAMA)["ai_gateway"]["rate_limits"]


def test_of_tags_and_permissions_only_what_is_written_is_touched(existing, run, workspace, theirs):
    existing(theirs, LIMIT, TAGS, ANALYSTS)
    plan = run("plan")
    assert "managed by other/prod" in plan.out
    assert "managed here: ai_gateway, permissions, tags" in " ".join(plan.out.split())
    result = run("apply", "-y")
    assert result.code == 0, result.err
    assert tags(workspace, theirs) == {
        "provisioner_project": "other",
        "provisioner_environment": "prod",
        "provisioner_protected": "true",
        "cost_center": "4711",
        "team": "shop",
    }
    assert groups(workspace, theirs) == {"support", "analysts"}
    assert run("plan", "--detailed-exitcode").code == 0


def test_what_others_do_with_it_is_no_difference(existing, run, workspace, theirs):
    existing(theirs, TAGS)
    run("apply", "-y")
    grant(workspace, theirs, "guests")
    workspace.call(
        "PUT", f"{ROOT}/{theirs}/ai-gateway", {"usage_tracking_config": {"enabled": True}}
    )
    config = {"served_entities": [{"name": "other", "external_model": MODEL}]}
    workspace.call("PUT", f"{ROOT}/{theirs}/config", config)
    workspace.endpoint(theirs)
    workspace.call("PATCH", f"{ROOT}/{theirs}/tags", {"add_tags": [{"key": "x", "value": "y"}]})
    assert run("plan", "--detailed-exitcode").code == 0


def test_one_that_is_not_there_is_never_created(existing, run, workspace):
    existing("later", LIMIT)
    result = run("apply", "-y")
    assert result.code == 1
    assert "is blocked: does not exist, and `existing: true` never creates it" in result.err
    assert workspace.writes() == []


def test_one_that_was_ours_is_given_up(run, workspace, repository, theirs):
    manifest = "name: {name}\nconfig:\n  served_entities:\n    - name: gpt\n"
    manifest += "      external_model:\n        name: gpt-4o\n        provider: openai\n"
    manifest += "        task: llm/v1/chat\n        openai_config:\n"
    manifest += "          openai_api_key: '{{{{secrets/keys/openai}}}}'\n"
    repository.endpoint(manifest.format(name="ours") + "lifecycle: {prevent_destroy: true}\n")
    assert run("apply", "-y").code == 0
    assert owner_of(tags(workspace, "ours")) == "shop/dev"
    repository.endpoint("name: ours\nexisting: true\n" + TAGS)
    plan = run("plan")
    assert "has the ownership tags of shop/dev, which are removed" in plan.out
    assert run("apply", "-y").code == 0
    assert tags(workspace, "ours") == {"team": "shop"}
    assert run("plan", "--detailed-exitcode").code == 0


def test_a_saved_plan_keeps_to_what_is_written(existing, run, workspace, theirs, tmp_path):
    existing(theirs, TAGS, ANALYSTS)
    saved = tmp_path / "plan.json"
    run("plan", "--out", str(saved))
    result = run("apply", str(saved))
    assert result.code == 0, result.err
    assert groups(workspace, theirs) == {"support", "analysts"}
    assert tags(workspace, theirs)["cost_center"] == "4711"


REFUSED = [
    pytest.param(
        "name: databricks-x\n", "E301", "`existing: true` to manage limits", id="a reserved name"
    ),
    pytest.param(
        "name: x\nexisting: true\ndescription: y\n",
        "E362",
        "managed are `ai_gateway`, `tags`, `permissions`, `email_notifications`",
        id="a description",
    ),
    pytest.param(
        "name: databricks-x\nexisting: true\nemail_notifications: {on_update_failure: [a@b]}\n",
        "E362",
        "managed are `ai_gateway`, `tags`, `permissions`\n",
        id="notifications of an endpoint of Databricks",
    ),
    pytest.param(
        "name: x\nexisting: true\nlifecycle: {prevent_destroy: true}\n",
        "E363",
        "remove `prevent_destroy`",
        id="protection",
    ),
]


@pytest.mark.parametrize(("manifest", "code", "said"), REFUSED)
def test_what_cannot_be_asked_of_it(repository, run, manifest, code, said):
    repository.endpoint(manifest)
    result = run("validate")
    assert result.code == 1
    assert f"error[{code}]" in result.err
    assert said in result.err
