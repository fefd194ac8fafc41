"""Plan, apply, plan again: what a user sees, and which requests are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.errors.codes import explanations

SIMPLE = """
name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config:
          openai_api_key: "{{secrets/keys/openai}}"
ai_gateway:
  rate_limits:
    - {key: user, renewal_period: minute, calls: CALLS}
tags:
  - {key: team, value: shop}
"""
SCOPE = """
resources:
  secret_scopes:
    keys:
      name: keys
      secrets:
        openai: {from_env: SHOP_KEY}
"""


@pytest.fixture
def shop(repository, monkeypatch):
    """A repository with one endpoint and the scope with its key."""
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    repository.write("manifests/scope.yaml", SCOPE)
    repository.endpoint(SIMPLE.replace("CALLS", "10"))
    return repository


def test_a_plan_of_what_does_not_exist_creates_it_and_changes_nothing(shop, run, workspace):
    result = run("plan")
    assert result.code == 0
    assert "+ create  model_serving_endpoints.chat" in result.out
    assert (
        result.out.splitlines()[-1]
        == "Plan: 2 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged"
    )
    assert workspace.writes() == []


def test_the_exit_code_tells_of_pending_changes_only_when_asked_to(shop, run):
    assert run("plan").code == 0
    assert run("plan", "--detailed-exitcode").code == 2
    assert run("apply", "-y").code == 0
    assert run("plan", "--detailed-exitcode").code == 0


def test_after_an_apply_the_endpoint_serves_and_the_plan_is_empty(shop, run, workspace):
    result = run("apply", "-y")
    assert result.code == 0, result.err
    assert workspace.endpoint("chat")["state"]["ready"] == "READY"
    again = run("plan")
    assert (
        again.out.splitlines()[-1]
        == "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 2 unchanged"
    )


def test_a_second_apply_sends_no_writing_request(shop, run, workspace):
    run("apply", "-y")
    workspace.forget()
    result = run("apply", "-y")
    assert result.code == 0
    assert "Nothing to do" in result.err
    assert workspace.writes() == []


def test_the_requests_of_a_plan_are_exactly_these(shop, run, workspace):
    run("apply", "-y")
    workspace.forget()
    run("plan")
    assert sorted(workspace.requests()) == [
        ("GET", "/api/2.0/secrets/list"),
        ("GET", "/api/2.0/secrets/scopes/list"),
        ("GET", "/api/2.0/serving-endpoints"),
        ("GET", "/api/2.0/serving-endpoints/chat"),
    ]


def test_a_scope_that_does_not_exist_yet_is_not_asked_for_its_keys(shop, run, workspace):
    # In an empty workspace it is: an empty list of scopes proves nothing by itself.
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "somebody-elses"})
    run("plan")
    assert ("GET", "/api/2.0/secrets/list") not in workspace.requests()


def test_another_rate_limit_is_one_call_to_the_gateway(shop, run, workspace):
    run("apply", "-y")
    shop.endpoint(SIMPLE.replace("CALLS", "20"))
    plan = run("plan")
    assert "~ update  model_serving_endpoints.chat" in plan.out
    assert "ai_gateway.rate_limits[user].calls  10 → 20" in " ".join(plan.out.split(" ")).replace(
        "   ", "  "
    )
    workspace.forget()
    assert run("apply", "-y").code == 0
    assert workspace.writes() == [("PUT", "/api/2.0/serving-endpoints/chat/ai-gateway")]


def test_a_hand_made_change_is_planned_back(shop, run, workspace):
    run("apply", "-y")
    workspace.call(
        "PATCH",
        "/api/2.0/serving-endpoints/chat/tags",
        {"add_tags": [{"key": "by", "value": "hand"}]},
    )
    steps = {step["address"]: step for step in run("plan", "-o", "json").json["steps"]}
    changes = steps["model_serving_endpoints.chat"]["changes"]
    assert [change["path"] for change in changes if change["action"] != "keep"] == ["tags[by]"]


def test_without_a_terminal_and_without_consent_nothing_is_even_read(shop, run, workspace):
    result = run("apply")
    assert result.code == 1
    assert "error[E804]" in result.err
    assert workspace.requests() == []


def test_a_saved_plan_is_applied_as_it_is(shop, run, workspace, tmp_path):
    saved = tmp_path / "plan.json"
    run("plan", "--out", str(saved))
    assert saved.stat().st_mode & 0o777 == 0o600
    result = run("apply", str(saved))
    assert result.code == 0, result.err
    assert run("plan", "--detailed-exitcode").code == 0


def test_a_saved_plan_takes_no_options_that_would_change_it(shop, run, workspace, tmp_path):
    saved = tmp_path / "plan.json"
    run("plan", "--out", str(saved))
    workspace.forget()
    result = run("apply", str(saved), "--select", "chat", "--prune")
    assert result.code == 1
    assert "--select, --prune cannot be combined with a saved plan" in result.err
    assert workspace.writes() == []


def test_a_saved_plan_is_stale_once_the_endpoint_has_changed(shop, run, workspace, tmp_path):
    run("apply", "-y")
    shop.endpoint(SIMPLE.replace("CALLS", "20"))
    saved = tmp_path / "plan.json"
    run("plan", "--out", str(saved))
    workspace.call("PUT", "/api/2.0/serving-endpoints/chat/ai-gateway", {})
    workspace.forget()
    result = run("apply", str(saved))
    assert result.code == 1
    assert "changed since the plan was made" in result.err
    assert workspace.writes() == []


def test_a_missing_secret_is_told_before_the_first_write(shop, run, workspace, monkeypatch):
    monkeypatch.delenv("SHOP_KEY")
    result = run("apply", "-y")
    assert result.code == 1
    assert "error[E507]: the environment variable SHOP_KEY is not set" in result.err
    assert workspace.writes() == []


def test_a_missing_secret_does_not_matter_when_it_is_not_needed(shop, run, monkeypatch):
    run("apply", "-y")
    monkeypatch.delenv("SHOP_KEY")
    shop.endpoint(SIMPLE.replace("CALLS", "20"))
    assert run("apply", "-y").code == 0


def test_rotating_writes_the_key_again(shop, run, workspace):
    run("apply", "-y")
    workspace.forget()
    plan = run("plan", "--rotate", "secret_scopes.keys")
    assert "--rotate" in plan.out
    assert run("apply", "-y", "--rotate", "secret_scopes.keys").code == 0
    assert workspace.writes() == [("POST", "/api/2.0/secrets/put")]


def test_rotating_something_that_does_not_exist_is_an_error(shop, run, workspace):
    result = run("plan", "--rotate", "secret_scopes.kyes")
    assert result.code == 1
    assert "did you mean `secret_scopes.keys`?" in result.err
    assert workspace.requests() == []


def test_rotating_what_only_refers_to_a_secret_is_an_error(shop, run, workspace):
    result = run("plan", "--rotate", "model_serving_endpoints.chat")
    assert result.code == 1
    assert "E812" in result.err
    assert "the manifests declare secret_scopes.keys" in result.err
    assert workspace.requests() == []


def test_an_endpoint_that_exists_is_adopted_only_with_consent(shop, run, workspace):
    run("apply", "-y", "--select", "keys")
    body = {"name": "chat", "config": {"served_entities": [ENTITY]}}
    workspace.call("POST", "/api/2.0/serving-endpoints", body)
    workspace.endpoint("chat")
    workspace.forget()
    assert "= adopt  model_serving_endpoints.chat" in run("plan").out
    refused = run("apply", "-y")
    assert refused.code == 1
    assert "--adopt" in refused.err
    assert workspace.writes() == []
    assert run("apply", "-y", "--adopt").code == 0
    assert {"key": "provisioner_project", "value": "shop"} in workspace.endpoint("chat")["tags"]
    assert run("plan", "--detailed-exitcode").code == 0


ENTITY = {
    "name": "gpt",
    "external_model": {
        "name": "gpt-4o",
        "provider": "openai",
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": "{{secrets/keys/openai}}"},
    },
}


def test_an_endpoint_of_another_owner_is_blocked(shop, run, workspace):
    body = {
        "name": "chat",
        "config": {"served_entities": [ENTITY]},
        "tags": [
            {"key": "provisioner_project", "value": "other"},
            {"key": "provisioner_environment", "value": "prod"},
        ],
    }
    workspace.call("POST", "/api/2.0/serving-endpoints", body)
    result = run("plan")
    assert result.code == 1
    assert "! blocked  model_serving_endpoints.chat" in result.out
    assert "--take-over-from other/prod" in result.out


def test_an_endpoint_without_a_manifest_is_an_orphan_until_it_is_pruned(shop, run, workspace):
    run("apply", "-y")
    shop.endpoint(SIMPLE.replace("CALLS", "10").replace("name: chat", "name: chat-2", 1))
    plan = run("plan")
    assert "? orphan" in plan.out
    assert plan.out.splitlines()[-1].endswith("1 orphan")
    refused = run("apply", "-y", "--prune")
    assert refused.code == 1
    assert "--allow-delete model_serving_endpoints.chat" in refused.err
    assert workspace.endpoint("chat")["name"] == "chat"


def test_destroy_without_a_terminal_names_the_options_that_approve_it(shop, run, workspace):
    result = run("destroy")
    assert result.code == 1
    assert "error[E804]" in result.err
    assert "pass -y with --allow-delete ADDRESS" in result.err
    assert "--out" not in result.err
    assert workspace.requests() == []


def test_destroy_deletes_what_is_ours_and_nothing_else(shop, run, workspace):
    run("apply", "-y")
    foreign = {"name": "foreign", "config": {"served_entities": [ENTITY]}}
    workspace.call("POST", "/api/2.0/serving-endpoints", foreign)
    refused = run("destroy", "-y")
    assert refused.code == 1
    assert "--allow-delete model_serving_endpoints.chat" in refused.err
    done = run("destroy", "-y", "--allow-delete", "all")
    assert done.code == 0, done.err
    names = {
        one["name"] for one in workspace.call("GET", "/api/2.0/serving-endpoints")["endpoints"]
    }
    assert "chat" not in names
    assert "foreign" in names
    assert run("destroy", "-y").code == 0


def test_status_tells_what_is_served(shop, run):
    assert run("status").code == 1
    run("apply", "-y")
    result = run("status")
    assert result.code == 0
    assert "model_serving_endpoints.chat  ready" in result.out
    assert "gpt  100 %  openai gpt-4o" in result.out


def test_a_question_is_answered(shop, run):
    run("apply", "-y")
    result = run("query", "chat", "--prompt", "What is a quoll?")
    assert result.code == 0, result.err
    assert "local workspace" in result.out


def test_an_empty_set_of_manifests_is_an_error(repository, run, workspace):
    (repository.root / "manifests").mkdir()
    result = run("plan")
    assert result.code == 1
    assert "error[E2" in result.err
    assert workspace.requests() == []


def test_json_holds_no_word_of_talk(shop, run):
    assert run("plan", "-o", "json").json["summary"]["create"] == 2
    applied = run("apply", "-y", "-o", "json")
    assert {outcome["status"] for outcome in applied.json["outcomes"]} == {"done"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["plan", "--slect", "x"], "did you mean `--select`?", id="a mistyped option"),
        pytest.param(["plam"], "did you mean `plan`?", id="a mistyped command"),
        pytest.param(
            ["plan", "--select", "chta"], "did you mean `chat`?", id="a mistyped resource"
        ),
        pytest.param(["plan", "-e", "prodd"], "prodd", id="an environment that does not exist"),
    ],
)
def test_wrong_usage_exits_with_1_and_says_what_is_meant(shop, words, said, capsys):
    from provisioner.cli import main

    options = ["-C", str(shop.root)] if words[0] == "plan" else []
    environment = ["-e", "dev"] if words[0] == "plan" and "-e" not in words else []
    assert main([words[0], *options, *environment, *words[1:]]) == 1
    assert said in capsys.readouterr().err


def test_the_tutorial_of_this_repository_is_valid(capsys):
    from provisioner.cli import main

    root = Path(__file__).parents[3]
    assert main(["validate", "-C", str(root)]) == 0


def test_a_saved_plan_that_was_applied_already_writes_no_secret_again(
    shop, run, workspace, tmp_path, monkeypatch
):
    saved = tmp_path / "plan.json"
    run("plan", "--out", str(saved))
    assert run("apply", str(saved)).code == 0
    monkeypatch.setenv("SHOP_KEY", "sk-rotated")
    assert run("apply", "-y", "--rotate", "secret_scopes.keys").code == 0
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    workspace.forget()
    result = run("apply", str(saved))
    assert result.code == 1
    assert "`keys` exists now; nothing was written to it" in result.err
    assert workspace.writes() == []


def test_the_text_of_a_problem_is_told_once(shop, run, tmp_path):
    saved = tmp_path / "plan.json"
    run("plan", "--out", str(saved))
    run("apply", str(saved))
    result = run("apply", str(saved))
    assert (result.out + result.err).count("`keys` exists now") == 1
    title = explanations()["E601"].title
    assert f"secret_scopes.keys stale: {title} (E601)" in " ".join(result.out.split())
    assert f"secret_scopes.keys: stale: {title} (E601)" in result.err


def deploys_for(workspace, transition):
    """Let the updates of the endpoint end in that way from now on."""
    rule = {"deployment": {"endpoint": "chat", "transition": transition}}
    workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})


def test_an_update_of_an_earlier_run_is_waited_for(shop, run, workspace):
    deploys_for(workspace, "polls=6")
    assert run("apply", "-y", "--no-wait").code == 0
    workspace.forget()
    result = run("apply", "-y")
    assert result.code == 0, result.err
    assert "model_serving_endpoints.chat  ready after waiting" in result.out
    assert workspace.endpoint("chat")["state"]["ready"] == "READY"
    assert workspace.writes() == []
    assert "Nothing to do" in run("apply", "-y").err


def test_an_update_of_an_earlier_run_that_takes_too_long_is_told_as_any_other(
    shop, run, workspace, tmp_path
):
    deploys_for(workspace, "seconds=600")
    assert run("apply", "-y", "--no-wait").code == 0
    saved = tmp_path / "plan.json"
    plan = run("plan", "--out", str(saved))
    assert "model_serving_endpoints.chat: update in progress" in plan.out
    assert plan.out.splitlines()[-1].endswith("2 unchanged")
    for how in (("-y",), (str(saved),)):
        result = run("apply", *how, "--timeout", "1s")
        assert result.code == 5
        assert "an update that was already in progress continues" in result.err
    impatient = run("apply", "-y", "--no-wait")
    assert impatient.code == 0
    assert "Nothing to do" in impatient.err


def test_redeploy_sends_the_config_again_where_nothing_differs(shop, run, workspace):
    run("apply", "-y")
    workspace.forget()
    plan = run("plan", "--redeploy", "model_serving_endpoints.chat")
    assert "config  sent again  (--redeploy)" in plan.out
    result = run("apply", "-y", "--redeploy", "model_serving_endpoints.chat")
    assert result.code == 0, result.err
    assert workspace.writes() == [("PUT", "/api/2.0/serving-endpoints/chat/config")]
    assert workspace.endpoint("chat")["config"]["config_version"] == 2
    assert run("plan", "--detailed-exitcode").code == 0


def test_a_saved_plan_remembers_what_to_redeploy(shop, run, workspace, tmp_path):
    run("apply", "-y")
    file = str(tmp_path / "plan.json")
    run("plan", "--redeploy", "model_serving_endpoints.chat", "--out", file)
    assert run("apply", file).code == 0
    assert workspace.endpoint("chat")["config"]["config_version"] == 2


@pytest.mark.parametrize("address", ["secret_scopes.keys", "model_serving_endpoints.chta"])
def test_only_a_declared_endpoint_with_a_config_can_be_redeployed(shop, run, address):
    result = run("apply", "-y", "--redeploy", address)
    assert result.code == 1
    assert f"error[E819]: `{address}` cannot be redeployed" in result.err
    assert "model_serving_endpoints.chat" in result.err
