"""migrate: endpoints and their successors side by side, and why some endpoints stay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from textwrap import indent

import pytest
from manifest_texts import TWO_MODELS

from provisioner.cli.migrate import REASONS
from provisioner.model.importing import LossReason

EXAMPLES = Path(__file__).parents[3] / "examples"
KEYS = ("OPENAI", "ANTHROPIC", "COHERE")
PLACE = ("--to", "main.gateway")
ENDPOINTS = "/api/2.0/serving-endpoints"
MOVES = {
    "tutorial": ("completions", "provider"),
    "gateway": ("guardrails", "tags", "notifications"),
    "traffic-split": ("tags",),
}


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    for name in KEYS:
        monkeypatch.setenv(f"{name}_API_KEY", "sk-of-the-shop")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sk-of-the-shop")
    for name in ("OPENAI_COMPLETIONS_PLAINTEXT", "CHAT", "SHOP"):
        monkeypatch.setenv(f"{name}_OPENAI_API_KEY", "sk-of-the-shop")


def names_of(workspace):
    listed = workspace.call("GET", ENDPOINTS)["endpoints"]
    return sorted(each["name"] for each in listed if not each["name"].startswith("databricks-"))


def without(reasons):
    return [word for reason in reasons for word in ("--without", reason)]


@pytest.mark.parametrize("example", MOVES)
def test_each_endpoint_of_an_example_moves(run, repository, workspace, example):
    reasons = MOVES[example]
    shutil.copytree(EXAMPLES / example / "manifests", repository.root / "manifests")
    assert run("apply", "-y").code == 0
    names = names_of(workspace)
    workspace.forget()
    stopped = run("migrate", *names, *PLACE, "--dry-run", "-o", "json")
    assert stopped.code == 1
    said = {loss["reason"] for each in stopped.json["endpoints"] for loss in each["losses"]}
    assert said == set(reasons)
    moved = run("migrate", *names, *PLACE, *without(reasons), "-o", "json")
    assert (moved.code, moved.err.count("error")) == (0, 0)
    assert workspace.writes() == []
    assert all(each["moves"] for each in moved.json["endpoints"])
    add_variables(repository, moved.json["variables"])
    assert run("apply", "-y").code == 0
    assert "0 to create, 0 to update" in run("plan").out
    checked = run("migrate", *names, *PLACE, "--check", "-o", "json")
    assert checked.code == 0, checked.out
    assert {check["name"].count(".") for check in checked.json["checks"]} == {0, 2}


def add_variables(repository, variables):
    """Does what the report asks for."""
    file = repository.root / "environments/dev.yaml"
    needed = [f"  {each['name']}: value" for each in variables if each["in_project"]]
    if needed:
        lines = "\n".join(("variables:", *needed))
        file.write_text(f"{file.read_text()}{lines}\n", encoding="utf-8")


def test_databricks_own_endpoints_become_models_of_the_catalog(run, repository, workspace):
    """Those that the tutorials query."""
    listed = workspace.call("GET", ENDPOINTS)["endpoints"]
    names = [each["name"] for each in listed if each["name"].startswith("databricks-")]
    assert len(names) == 4
    assert run("migrate", *names, *PLACE).code == 0
    assert run("apply", "-y").code == 0
    manifest = (repository.root / "manifests/unity_gateway.yaml").read_text()
    assert "model: models/system.ai.gte_large_en_v1_5" in manifest
    checked = run("migrate", *names, *PLACE, "--check", "-o", "json")
    assert [check for check in checked.json["checks"] if not check["passed"]] == []


def external(provider, block, name="m", task="llm/v1/chat"):
    fields = {"name": name, "provider": provider, "task": task, **block}
    return [{"name": "entity", "external_model": fields}]


KEY = {"openai_config": {"openai_api_key_plaintext": "sk-1"}}
OPENAI = external("openai", KEY)
VERTEX = {"project_id": "p", "region": "r", "private_key_plaintext": "k"}
PROFILE = {
    "aws_region": "us-east-1",
    "bedrock_provider": "amazon",
    "instance_profile_arn": "arn:aws:iam::1:instance-profile/p",
}
REMOTE = {"databricks_workspace_url": "https://x.cloud.databricks.com"}
SIZE = {"workload_size": "Small", "scale_to_zero_enabled": True}
STAYS = {
    "guardrails": (OPENAI, {"ai_gateway": {"guardrails": {"input": {"safety": True}}}}),
    "tags": (OPENAI, {"tags": [{"key": "team", "value": "a"}]}),
    "notifications": (OPENAI, {"email_notifications": {"on_update_failure": ["a@example.com"]}}),
    "completions": (external("openai", KEY, task="llm/v1/completions"), {}),
    "provider": (
        external("cohere", {"cohere_config": {"cohere_api_key_plaintext": "k"}}),
        {},
    ),
    "provider-2": (
        external("ai21labs", {"ai21labs_config": {"ai21labs_api_key_plaintext": "k"}}),
        {},
    ),
    "provider-3": (external("palm", {"palm_config": {"palm_api_key_plaintext": "k"}}), {}),
    "provider-4": (
        external(
            "databricks-model-serving",
            {"databricks_model_serving_config": REMOTE | {"databricks_api_token_plaintext": "k"}},
        ),
        {},
    ),
    "login": (
        external("google-cloud-vertex-ai", {"google_cloud_vertex_ai_config": VERTEX}),
        {},
    ),
    "login-2": (external("amazon-bedrock", {"amazon_bedrock_config": PROFILE}), {}),
    "model": (
        [{"name": "own", "entity_name": "main.risk.fraud", "entity_version": "1", **SIZE}],
        {"route_optimized": True},
    ),
}


def test_what_cannot_move_says_why(run, repository, workspace):
    for name, (entities, fields) in STAYS.items():
        body = {"name": name, "config": {"served_entities": entities}, **fields}
        workspace.call("POST", ENDPOINTS, body)
    repository.write("jobs/nightly.sql", "SELECT ai_query('ai-query', 'Hello')")
    workspace.call("POST", ENDPOINTS, {"name": "ai-query", "config": {"served_entities": OPENAI}})
    result = run("migrate", *STAYS, "ai-query", *PLACE, "-o", "json")
    assert result.code == 1
    for endpoint in result.json["endpoints"]:
        reasons = {loss["reason"] for loss in endpoint["losses"]}
        name = endpoint["endpoint"]
        assert (endpoint["moves"], name.rstrip("-234") in reasons) == (False, True), endpoint
        assert f"`{name}` cannot move: " in result.err
    assert "`jobs/nightly.sql` queries it with ai_query" in result.err
    assert "a custom model" in result.err
    # Nothing lets a model of one's own go on.
    every = ("guardrails", "login", "completions", "provider", "route-optimization")
    again = run("migrate", "model", "login", "provider-2", *PLACE, *without(every), "-o", "json")
    moved = {each["endpoint"]: each["moves"] for each in again.json["endpoints"]}
    assert moved == {"model": False, "login": True, "provider-2": False}


def test_what_only_the_manifest_tells_stops_too(run, repository, monkeypatch):
    repository.endpoint(f"{TWO_MODELS}budget_policy_id: p-1\n")
    monkeypatch.setenv("SHOP_KEY", "sk-1")
    assert run("apply", "-y").code == 0
    assert "--without budget-policy" in run("migrate", "chat", *PLACE).err


def test_no_key_is_read_and_none_is_in_any_file(run, repository, workspace):
    workspace.call("POST", ENDPOINTS, {"name": "chat", "config": {"served_entities": OPENAI}})
    workspace.forget()
    assert run("migrate", "chat", *PLACE).code == 0
    assert {method for method, _ in workspace.requests()} == {"GET"}
    assert not [path for _, path in workspace.requests() if "secrets" in path]
    written = [path.read_text() for path in repository.root.rglob("*") if path.is_file()]
    assert not [text for text in written if "sk-1" in text]
    assert "set CHAT_OPENAI_API_KEY" not in written
    report = json.loads((repository.root / "migration.json").read_text())
    assert [each["name"] for each in report["variables"]] == ["CHAT_OPENAI_API_KEY"]


def test_permissions_become_grants_and_limits_keep_their_numbers(run, repository, workspace):
    limits = [
        {"key": "user", "renewal_period": "minute", "calls": 20},
        {"key": "user", "renewal_period": "minute", "tokens": 900},
        {"key": "endpoint", "renewal_period": "minute", "calls": 100},
    ]
    body = {
        "name": "chat",
        "config": {"served_entities": OPENAI},
        "ai_gateway": {"rate_limits": limits},
    }
    made = workspace.call("POST", ENDPOINTS, body)
    acl = [
        {"group_name": "analysts", "permission_level": "CAN_QUERY"},
        {"group_name": "users", "permission_level": "CAN_QUERY"},
        {"user_name": "a@example.com", "permission_level": "CAN_MANAGE"},
    ]
    path = f"/api/2.0/permissions/serving-endpoints/{made['id']}"
    workspace.call("PATCH", path, {"access_control_list": acl})
    result = run("migrate", "chat", *PLACE)
    assert result.code == 0
    assert "to decide: `users` is a workspace group" in result.out
    assert run("apply", "-y").code == 0
    service = workspace.call("GET", "/api/2.1/unity-catalog/model-services/main.gateway.chat")
    period = "RATE_LIMIT_RENEWAL_PERIOD_MINUTE"
    assert sorted(service["config"]["rate_limits"], key=len) == [
        {"key": "RATE_LIMIT_KEY_SERVICE", "renewal_period": period, "requests": 100},
        {
            "key": "RATE_LIMIT_KEY_USER_DEFAULT",
            "renewal_period": period,
            "requests": 20,
            "tokens": 900,
        },
    ]
    grants = workspace.call(
        "GET", "/api/2.1/unity-catalog/permissions/model_service/main.gateway.chat"
    )
    held = {each["principal"]: each["privileges"] for each in grants["privilege_assignments"]}
    assert held == {"analysts": ["EXECUTE"], "a@example.com": ["EXECUTE", "MANAGE"]}


def test_a_second_run_uses_the_account_of_the_first(run, repository, workspace):
    entity = external("openai", {"openai_config": {"openai_api_key": "{{secrets/shop/key}}"}})
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "shop"})
    secret = {"scope": "shop", "key": "key", "string_value": "x"}
    workspace.call("POST", "/api/2.0/secrets/put", secret)
    for name in ("first", "second"):
        workspace.call("POST", ENDPOINTS, {"name": name, "config": {"served_entities": entity}})
    assert run("migrate", "first", *PLACE).code == 0
    # The file of the first run stays.
    assert "E834" in run("migrate", "second", *PLACE).err
    assert run("migrate", "second", *PLACE, "--file", "manifests/second.yaml").code == 0
    manifest = (repository.root / "manifests/second.yaml").read_text()
    assert "model_provider_services:" not in manifest
    assert "model-provider-services/main.gateway.openai" in manifest
    assert "is already declared" in run("migrate", "first", *PLACE).err


def test_the_report_shows_what_callers_change(run, repository, workspace):
    workspace.call("POST", ENDPOINTS, {"name": "chat", "config": {"served_entities": OPENAI}})
    shown = run("migrate", "chat", *PLACE, "--dry-run")
    assert shown.code == 0
    assert '-     model="chat",\n+     base_url=' in shown.out
    assert "Client `mlflow`: not supported" in shown.out
    assert sorted(path.name for path in repository.root.iterdir()) == [
        "environments",
        "provisioner.yaml",
    ]


def test_the_option_knows_every_reason_that_can_be_agreed_to():
    final = {LossReason.MODEL, LossReason.ROUTING, LossReason.NAME, LossReason.TARGET}
    assert set(REASONS) == {str(reason) for reason in LossReason if reason not in final}


def test_a_place_that_is_no_schema_is_refused(run):
    result = run("migrate", "chat", "--to", "Main.gateway")
    assert "E841" in result.err
    assert "E441" in run("migrate", "nobody", *PLACE).err


WAREHOUSE = ("--warehouse", "a1b2c3d4e5f60718")
HELLO = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def asked(run, repository, workspace, monkeypatch):
    """Two endpoints with a service each; one tracks its usage, and somebody asks both."""
    for name in ("SHOP_KEY", "CHAT_GPT_OPENAI_API_KEY", "OTHER_GPT_OPENAI_API_KEY"):
        monkeypatch.setenv(name, "sk-of-the-shop")
    tracked = TWO_MODELS + "ai_gateway: {usage_tracking_config: {enabled: true}}\n"
    repository.endpoint(tracked)
    other = indent(TWO_MODELS.replace("name: chat", "name: other"), "      ")
    repository.write(
        "manifests/other.yaml", f"resources:\n  model_serving_endpoints:\n    other:{other}"
    )
    assert run("apply", "-y").code == 0
    chat, other = names_of(workspace)
    moved = run("migrate", chat, other, *PLACE, "-o", "json")
    assert moved.code == 0, moved.err
    assert moved.json["usage"] is None
    report = (repository.root / "migration.md").read_text()
    assert "Not checked. Pass `--warehouse ID`" in report
    assert "FROM system.serving.served_entities" in report
    for name in (chat, chat, other):
        workspace.call("POST", f"/serving-endpoints/{name}/invocations", HELLO)
    return chat, other


def test_a_warehouse_tells_who_calls_an_endpoint_that_tracks_its_usage(run, repository, asked):
    pytest.importorskip("duckdb")
    chat, other = asked
    (repository.root / "manifests/unity_gateway.yaml").unlink()
    moved = run("migrate", chat, other, *PLACE, *WAREHOUSE, "-o", "json")
    assert moved.code == 0, moved.err
    tracked, untracked = moved.json["usage"]
    (caller,) = tracked["callers"]
    assert (caller["name"], caller["requests"]) == ("local-user@example.com", 2)
    assert tracked["unknown"] is None
    assert untracked["callers"] == []
    assert "does not track its usage" in untracked["unknown"]
    report = (repository.root / "migration.md").read_text()
    assert "called by `local-user@example.com`: 2 requests in 30 days" in report


def test_the_check_lists_the_callers_that_are_left(run, asked):
    pytest.importorskip("duckdb")
    assert run("apply", "-y").code == 0
    done = run("migrate", *asked, *PLACE, "--check", *WAREHOUSE)
    assert done.code == 0, done.out
    assert "called by `local-user@example.com`: " in done.out
    assert "callers may be missing: the endpoint does not track its usage" in done.out


@pytest.mark.parametrize("engine", ["another warehouse", "refused", "slow"])
def test_no_answer_about_callers_is_not_no_callers(run, workspace, asked, engine):
    path, action = "/api/2.0/sql/statements", {"status": 403}
    if engine == "slow":
        state = {"statement_id": "s", "status": {"state": "PENDING"}}
        action = {"status": 200, "body": state}
    if engine != "another warehouse":
        rule = {
            "path": "/api/2.0/sql/**" if engine == "slow" else path,
            "times": 0,
            "action": action,
        }
        workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    warehouse = "nowhere" if engine == "another warehouse" else WAREHOUSE[1]
    done = run("migrate", *asked, *PLACE, "--warehouse", warehouse)
    assert done.code == 1
    assert "E843" in done.err
    assert "no requests" not in done.out
    assert "callers may be missing" in done.out
