"""Saved plans that must not be applied: stale, foreign, tampered; each refused, none writes."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from owners import owner_tags

from provisioner.planning import plan_file
from tests.acceptance.commands.test_apply import SCOPE, SIMPLE

ENDPOINTS = "/api/2.0/serving-endpoints"
CHAT = "model_serving_endpoints.chat"
Edit = Callable[[dict[str, Any]], object]


class Situation:
    """A repository whose plan is saved, and the workspace that it was made for."""

    def __init__(self, shop: Any, run: Any, workspace: Any, saved: Path) -> None:
        self.shop, self.run, self.workspace, self.saved = shop, run, workspace, saved

    def plan(self, *words: str) -> None:
        result = self.run("plan", "--out", str(self.saved), *words)
        assert result.code == 0, result.err

    def apply(self, *words: str) -> Any:
        self.workspace.forget()
        return self.run("apply", str(self.saved), *words)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.workspace.call(method, path, body)

    def edit(self, change: Edit, *, sealed: bool) -> None:
        """Change the file; ``sealed``: by somebody who computes the digest again."""
        data = json.loads(self.saved.read_text())
        change(data)
        self.saved.write_text(json.dumps(seal(data) if sealed else data))


def seal(data: dict[str, Any]) -> dict[str, Any]:
    covered = {
        "project": data["project"],
        "environment": data["environment"],
        "host": data["workspace"]["host"],
        **({"inputs": data["inputs"]} if data.get("inputs") else {}),
        "steps": data["steps"],
    }
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    summary = dict.fromkeys(data["summary"], 0)
    for step in data["steps"]:
        summary[step["action"]] += 1
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    variables = set(
        re.findall(
            r'"from_env": "([^"]+)"', json.dumps([step["operations"] for step in data["steps"]])
        )
    )
    needed = {"required_env": sorted(variables)}
    return {**data, **needed, "digest": digest, "summary": summary}


def chat_of(data: dict[str, Any]) -> dict[str, Any]:
    (step,) = [step for step in data["steps"] if step["address"] == CHAT]
    return step


@pytest.fixture
def situation(repository, run, workspace, monkeypatch, tmp_path):
    """Applied, changed in the manifest, planned: one endpoint is to be updated."""
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    repository.write("manifests/scope.yaml", SCOPE)
    repository.endpoint(SIMPLE.replace("CALLS", "10"))
    made = Situation(repository, run, workspace, tmp_path / "plan.json")
    assert run("apply", "-y").code == 0
    repository.endpoint(SIMPLE.replace("CALLS", "20"))
    made.plan()
    return made


@pytest.fixture
def beginning(repository, run, workspace, monkeypatch, tmp_path):
    """Planned before anything exists."""
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    repository.write("manifests/scope.yaml", SCOPE)
    repository.endpoint(SIMPLE.replace("CALLS", "10"))
    made = Situation(repository, run, workspace, tmp_path / "plan.json")
    made.plan()
    return made


def assert_refused(situation: Situation, message: str, *words: str) -> None:
    result = situation.apply(*words)
    assert result.code == 1, result.out
    assert message in " ".join(result.err.split())
    assert "Traceback" not in result.err
    assert situation.workspace.writes() == []


def case(sentence: str, *values: Any) -> Any:
    return pytest.param(*values, id=sentence)


# What the file holds instead of the plan -> what is said about it.
NO_PLANS = [
    case("an empty file", lambda text: b"", "is not a plan: it is empty"),
    case("a file of blanks", lambda text: b" \n\n", "is not a plan: it is empty"),
    case("its first half", lambda text: text[: len(text) // 2], "it is cut off in line"),
    case("all but its last bracket", lambda text: text.rstrip()[:-1], "it is cut off in line"),
    case("cut within a word", lambda text: text[:7], "it is cut off in line"),
    case("a manifest", lambda text: b"resources:\n  a: 1\n", "it is not JSON (line 1, column 1)"),
    case("the plan twice", lambda text: text + text, "it is not JSON"),
    case("the plan with a comment", lambda text: b"# mine\n" + text, "it is not JSON"),
    case("the plan in UTF-16", lambda text: text.decode().encode("utf-16"), "not UTF-8 text"),
    case("another program's zip", lambda text: b"PK\x03\x04\xff\xfe\x00", "not UTF-8 text"),
    case("brackets without end", lambda text: b"[" * 200_000, "is not a plan: it "),
    case("a list", lambda text: b"[]", "this is not a plan"),
    case("a number", lambda text: b"1", "this is not a plan"),
    case("null", lambda text: b"null", "this is not a plan"),
    case("the JSON of something else", lambda text: b'{"resources": []}', "this is not a plan"),
    case("a number with 5000 digits", lambda text: b'{"a": ' + b"9" * 5000 + b"}", "not a plan: "),
    case("not a number", lambda text: b'{"a": NaN}', "it contains NaN, which is not JSON"),
    case(
        "the digest of another plan before its own",
        lambda text: text.replace(b'"digest"', b'"digest": "sha256:0", "digest"', 1),
        "it has the same key twice",
    ),
]


@pytest.mark.parametrize(("write", "message"), NO_PLANS)
def test_a_file_that_is_no_plan_is_refused(situation, write, message):
    situation.saved.write_bytes(write(situation.saved.read_bytes()))
    assert_refused(situation, message)
    assert situation.workspace.requests() == []


def test_a_file_that_is_too_large_is_not_read_to_its_end(situation, monkeypatch):
    monkeypatch.setattr(plan_file, "MOST_BYTES", 1024 * 1024)
    with situation.saved.open("ab") as file:
        file.truncate(1024 * 1024 * 1024)
    assert_refused(situation, "it is larger than 1 MB")


CHANGED = "the plan was changed after it was made"


def put(name: str, value: Any) -> Edit:
    return lambda data: data.update({name: value})


def put_in_chat(name: str, value: Any) -> Edit:
    return lambda data: chat_of(data).update({name: value})


def put_in_call(name: str, value: Any) -> Edit:
    return lambda data: chat_of(data)["operations"][0].update({name: value})


def without(name: str) -> Edit:
    return lambda data: data.pop(name)


EDITS = [
    case("another format", put("format_version", 2), "the plan has format 2"),
    case("a format that is true", put("format_version", True), "the plan has format True"),
    case("a format that is text", put("format_version", "1"), "the plan has format '1'"),
    case("no format", without("format_version"), "this is not a plan"),
    case("no steps", without("steps"), "`steps` of the plan is missing"),
    case("no digest", without("digest"), CHANGED),
    case("no version of the tool", without("tool_version"), "`tool_version` of the plan is miss"),
    case("steps that are text", put("steps", "all"), "`steps` of the plan is missing or of the"),
    case("a step that is text", put("steps", ["all"]), "contains a value that is not an object"),
    case("an action nobody knows", put_in_chat("action", "explode"), "`action` of a step"),
    case("a name that is a number", put_in_chat("name", 1), "`name` of a step is missing or of"),
    case("an address without a kind", put_in_chat("address", "chat"), "`address` of a step"),
    case("a call that is a list", put_in_call("payload", []), "`payload` of an operation"),
    case("other values to send", put_in_call("payload", {"rate_limits": []}), CHANGED),
    case("another endpoint to send them to", put_in_call("path", f"{ENDPOINTS}/prod"), CHANGED),
    case("a fingerprint of what is there now", put_in_chat("live_fingerprint", "x"), CHANGED),
    case("another reason", put_in_chat("reason", "harmless"), CHANGED),
    case("one step less", lambda data: data["steps"].pop(), CHANGED),
    case("a consent that nobody gave", put_in_chat("consented", True), CHANGED),
    case("a summary of nothing", lambda data: data["summary"].update(update=0), "`summary` cannot"),
    case("no variable that it needs", put("required_env", ["PATH"]), "`required_env` cannot come"),
    case("a field of its own", put("approved_by", "me"), "`approved_by` cannot come from its"),
    case("a field in a step", put_in_chat("approved", True), "`steps` cannot come from its steps"),
]


@pytest.mark.parametrize(("change", "message"), EDITS)
def test_a_plan_that_was_edited_is_refused(situation, change, message):
    situation.edit(change, sealed=False)
    assert_refused(situation, message)
    assert situation.workspace.requests() == []


def twice(data: dict[str, Any]) -> None:
    data["steps"].append(copy.deepcopy(data["steps"][-1]))


def in_a_circle(data: dict[str, Any]) -> None:
    first, second = data["steps"]
    first["needs"], second["needs"] = [second["address"]], [first["address"]]


SEALED = [
    case("another project", put("project", "toys"), "the plan is for the project `toys`, but"),
    case("another environment", put("environment", "prod"), "for the environment `prod`, but this"),
    case(
        "another workspace",
        put("workspace", {"host": "https://prod.cloud.databricks.com"}),
        "the plan is for the workspace `https://prod.cloud.databricks.com`, but this is",
    ),
    case("another version", put("tool_version", "99.1"), "the plan was made by provisioner 99.1"),
    case("a kind nobody knows", put_in_chat("address", "x.chat"), "an unknown kind: `x`"),
    case("a step twice", twice, "its steps are not sorted by address, or an address has two"),
    case("steps that need each other", in_a_circle, "its steps depend on each other in a cycle"),
    case("a step that keeps and calls", put_in_chat("action", "keep"), ", but makes calls"),
    case("an update that deletes", put_in_call("method", "DELETE"), ", but deletes"),
    case("a method of its own", put_in_call("method", "GET"), "a call that the service does not"),
    case("a call elsewhere", put_in_call("path", "@evil.example/"), "the service does not have"),
    case(
        "a call that climbs out",
        put_in_call("path", "/api/2.0/serving-endpoints/../token/create"),
        "the service does not have",
    ),
]


def call_of_chat(call: str, method: str, path: str, payload: Any = None) -> Edit:
    operation = {"call": call, "method": method, "path": path, "wait": False}
    more = {} if payload is None else {"payload": payload}
    return lambda data: chat_of(data)["operations"].append({**operation, **more})


def secret_of(source: dict[str, str]) -> Edit:
    body = {"scope": "shop", "key": "k", "string_value": {"$secret": source}}
    operation = {"call": "put_secret", "method": "POST", "path": "/api/2.0/secrets/put"}

    def change(data: dict[str, Any]) -> None:
        (step,) = [step for step in data["steps"] if step["address"].startswith("secret_")]
        step["action"] = "update"
        body["scope"] = step["name"]
        step["operations"] = [{**operation, "payload": body, "wait": False}]

    return change


GRANT = {"access_control_list": [{"group_name": "users", "permission_level": "CAN_MANAGE"}]}
FORGED_CALLS = [
    case("a new token", call_of_chat("create_token", "POST", "/api/2.0/token/create", {})),
    case(
        "the deletion of a scope",
        call_of_chat("delete", "POST", "/api/2.0/secrets/scopes/delete", {"scope": "victim"}),
    ),
    case("a secret from a file", secret_of({"from_file": ".git/config"})),
    case("a secret from a variable", secret_of({"from_env": "DATABRICKS_TOKEN"})),
    case(
        "another endpoint's tags",
        call_of_chat("patch_tags", "PATCH", f"{ENDPOINTS}/prod/tags", {"delete_tags": ["team"]}),
    ),
    case(
        "a create of another name",
        call_of_chat("create", "POST", ENDPOINTS, {"name": "mine"}),
    ),
    case(
        "the permissions of a cluster",
        call_of_chat("set_permissions", "PUT", "/api/2.0/permissions/clusters/abc", GRANT),
    ),
    case("another name for the resource", put_in_chat("name", "victim")),
]


@pytest.mark.parametrize("change", FORGED_CALLS)
def test_a_call_that_is_not_about_the_resource_is_refused_before_any_request(situation, change):
    situation.edit(change, sealed=True)
    assert_refused(situation, "E510")
    assert situation.workspace.requests() == []


def deletes_a_foreign_endpoint(data: dict[str, Any]) -> None:
    step = copy.deepcopy(chat_of(data))
    operation = {"call": "delete", "method": "DELETE", "path": f"{ENDPOINTS}/victim"}
    step |= {"address": "model_serving_endpoints.victim", "name": "victim", "action": "delete"}
    step["operations"] = [{**operation, "wait": False}]
    step["live_fingerprint"] = VICTIM["fingerprint"]
    step.pop("desired", None)
    data["steps"] = sorted([*data["steps"], step], key=lambda step: step["address"])


VICTIM: dict[str, str] = {}
OTHER_CALLS = [
    case(
        "the permissions of another endpoint",
        call_of_chat("set_permissions", "PUT", "/api/2.0/permissions/serving-endpoints/abc", GRANT),
    ),
    case(
        "permissions that nobody declared",
        call_of_chat(
            "set_permissions", "PUT", "/api/2.0/permissions/serving-endpoints/{id}", GRANT
        ),
    ),
    case("other values to send", put_in_call("payload", {"rate_limits": []})),
    case("one call less", lambda data: chat_of(data)["operations"].pop()),
    case(
        "a value that nobody would approve",
        lambda data: chat_of(data)["changes"][0].update(after=1),
    ),
    case("a document that says it is done", put_in_chat("desired", {"name": "chat"})),
    case("differences that are to be ignored", put_in_chat("ignore_changes", ["ai_gateway"])),
    case("the deletion of what another project owns", deletes_a_foreign_endpoint),
]


@pytest.mark.parametrize("change", OTHER_CALLS)
def test_calls_that_a_new_plan_does_not_make_refuse_the_whole_plan(
    situation, change, run, workspace
):
    other_scope(situation)
    tags = [{"key": "provisioner_owner", "value": "toys/prod"}]
    body = {"name": "victim", "tags": tags, "config": {"served_entities": [ENTITY]}}
    situation.call("POST", ENDPOINTS, body)
    VICTIM["fingerprint"] = fingerprint_of(workspace, "victim")
    situation.edit(change, sealed=True)
    assert_refused(situation, "E528")


def fingerprint_of(workspace: Any, name: str) -> str:
    """What somebody who may read the workspace can compute."""
    from provisioner.kinds import KINDS
    from provisioner.kinds.model_serving_endpoints.live import read

    rules = KINDS["model_serving_endpoints"].schema.rules()
    return read.live(workspace.endpoint(name), rules).fingerprint


HONEST = [
    case("ignored fields", 'lifecycle: {ignore_changes: ["tags[by_hand]"]}'),
    case(
        "an environment variable",
        "email_notifications: {on_update_failure: ['${var.owner}@example.com']}",
    ),
]


@pytest.mark.parametrize("more", HONEST)
def test_an_honest_plan_is_never_called_forged(situation, monkeypatch, more):
    monkeypatch.setenv("OWNER_GROUP", "ml")
    if "var.owner" in more:
        path = situation.shop.root / "environments/dev.yaml"
        path.write_text(path.read_text() + "variables: {owner: '${env.OWNER_GROUP}'}\n")
    situation.shop.endpoint(SIMPLE.replace("CALLS", "30") + "\n" + more)
    situation.call("PATCH", TAGS, {"add_tags": [{"key": "by_hand", "value": "x"}]})
    situation.plan()
    result = situation.apply()
    assert result.code == 0, result.err
    assert situation.run("plan", "--detailed-exitcode").code == 0


def test_an_honest_plan_with_variables_rotation_and_selection_is_applied(situation):
    path = situation.shop.root / "environments/dev.yaml"
    path.write_text(path.read_text() + "variables: {calls: 1}\n")
    situation.shop.endpoint(SIMPLE.replace("CALLS", '"${var.calls}"'))
    situation.plan("--var", "calls=77", "--select", "chat")
    data = json.loads(situation.saved.read_text())
    assert data["inputs"] == {"select": ["chat"], "variables": ["calls=77"]}
    assert situation.apply().code == 0
    limits = situation.workspace.endpoint("chat")["ai_gateway"]["rate_limits"]
    assert limits[0]["calls"] == 77


def test_an_honest_plan_that_adopts_and_deletes_is_applied(situation, workspace):
    other_scope(situation)
    for name, tags in (("old", owner_tags("shop/dev")), ("chat2", [])):
        body = {"name": name, "tags": tags, "config": {"served_entities": [ENTITY]}}
        situation.call("POST", ENDPOINTS, body)
    manifest = json.dumps(
        {
            "resources": {
                "model_serving_endpoints": {
                    "adopted": {
                        "name": "chat2",
                        "tags": [{"key": "team", "value": "ml"}],
                        "config": {"served_entities": [ENTITY]},
                    }
                }
            }
        }
    )
    situation.shop.write("manifests/adopted.yaml", manifest)
    situation.plan("--prune")
    result = situation.apply(
        "--adopt", "--allow-delete", "model_serving_endpoints.old", "--allow-destructive", "100"
    )
    assert result.code == 0, result.err
    assert ("DELETE", f"{ENDPOINTS}/old") in situation.workspace.writes()


def test_a_plan_with_other_variables_says_why_it_is_refused(situation, monkeypatch):
    path = situation.shop.root / "environments/dev.yaml"
    path.write_text(path.read_text() + "variables: {calls: '${env.CALLS}'}\n")
    situation.shop.endpoint(SIMPLE.replace("CALLS", '"${var.calls}"'))
    monkeypatch.setenv("CALLS", "5")
    situation.plan()
    monkeypatch.setenv("CALLS", "6")
    assert_refused(situation, "other values of variables")


@pytest.mark.parametrize(("change", "message"), SEALED)
def test_a_plan_for_elsewhere_or_of_no_sense_is_refused_though_its_digest_fits(
    situation, change, message
):
    situation.edit(change, sealed=True)
    assert_refused(situation, message)


def test_a_plan_for_elsewhere_is_refused_before_anybody_logs_in(situation, monkeypatch):
    prod = "workspace: {host: https://prod.cloud.databricks.com}\nmanifests: [manifests/*.yaml]\n"
    situation.shop.write("environments/prod.yaml", prod)
    monkeypatch.delenv("DATABRICKS_TOKEN")
    result = situation.run("apply", str(situation.saved), "-e", "prod")
    assert result.code == 1
    assert "error[E509]: the plan is for the environment `dev`, but this is `prod`" in result.err
    assert "provisioner apply -e dev PLANFILE" in result.err
    assert "E401" not in result.err


def hand(method: str, path: str, body: Any) -> Callable[[Situation], None]:
    """Somebody else does this in the workspace."""
    return lambda situation: situation.call(method, path, body)


def delete(situation: Situation) -> None:
    situation.call("DELETE", f"{ENDPOINTS}/chat")


def create_again(situation: Situation) -> None:
    """The same once more, but for its identity."""
    found = situation.workspace.endpoint("chat")
    delete(situation)
    config = {"served_entities": found["config"]["served_entities"]}
    body = {name: found[name] for name in ("name", "tags", "ai_gateway")}
    situation.call("POST", ENDPOINTS, {**body, "config": config})


def there_and_back(situation: Situation) -> None:
    """Its config is what it was, and was another in between."""
    path = f"{ENDPOINTS}/chat/config"
    entities = situation.workspace.endpoint("chat")["config"]["served_entities"]
    other = copy.deepcopy(entities)
    other[0]["external_model"]["name"] = "gpt-4o-mini"
    situation.call("PUT", path, {"served_entities": other})
    situation.call("PUT", path, {"served_entities": entities})


TAGS = f"{ENDPOINTS}/chat/tags"
WORLDS = [
    case("its gateway was taken off", hand("PUT", f"{ENDPOINTS}/chat/ai-gateway", {})),
    case("a tag was added", hand("PATCH", TAGS, {"add_tags": [{"key": "a", "value": "b"}]})),
    case("a tag was taken off", hand("PATCH", TAGS, {"delete_tags": ["team"]})),
    case(
        "our tag was taken off",
        hand("PATCH", TAGS, {"delete_tags": ["provisioner_project", "provisioner_environment"]}),
    ),
    case(
        "somebody else owns it now",
        hand(
            "PATCH",
            TAGS,
            {
                "add_tags": [
                    {"key": "provisioner_project", "value": "toys"},
                    {"key": "provisioner_environment", "value": "prod"},
                ]
            },
        ),
    ),
    case(
        "it was protected",
        hand("PATCH", TAGS, {"add_tags": [{"key": "provisioner_protected", "value": "true"}]}),
    ),
    case(
        "somebody is told of its updates",
        hand(
            "PATCH",
            f"{ENDPOINTS}/chat/notifications",
            {"email_notifications": {"on_update_success": ["a@example.com"]}},
        ),
    ),
    case("its config was changed and changed back", there_and_back),
    case("it was deleted", delete),
    case("it was deleted and created again as it was", create_again),
]


@pytest.mark.parametrize("happens", WORLDS)
def test_a_plan_is_stale_once_the_endpoint_is_another(situation, happens):
    happens(situation)
    assert_refused(situation, "E601")


ENTITY = {
    "name": "gpt",
    "external_model": {
        "name": "gpt-4o",
        "provider": "openai",
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": "{{secrets/other/openai}}"},
    },
}


def other_scope(situation: Situation) -> None:
    situation.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "other"})
    key = {"scope": "other", "key": "openai", "string_value": "not-a-key"}
    situation.call("POST", "/api/2.0/secrets/put", key)


def somebody_creates_chat(situation: Situation) -> None:
    other_scope(situation)
    situation.call("POST", ENDPOINTS, {"name": "chat", "config": {"served_entities": [ENTITY]}})


def somebody_creates_the_scope(situation: Situation) -> None:
    situation.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})


def another_job_applies(situation: Situation) -> None:
    assert situation.run("apply", "-y").code == 0


def test_a_plan_to_create_an_endpoint_is_stale_once_there_is_one(beginning):
    beginning.plan("--select", "chat")
    somebody_creates_chat(beginning)
    assert_refused(beginning, "E601")


@pytest.mark.parametrize(
    "happens",
    [
        case("somebody has created its scope", somebody_creates_the_scope),
        case("another job has applied the same", another_job_applies),
    ],
)
def test_a_plan_to_create_everything_is_stale_once_something_is_there(beginning, happens):
    happens(beginning)
    assert_refused(beginning, "E601")


def test_of_two_plans_made_before_anything_exists_the_second_is_stale(beginning, tmp_path):
    other = Situation(beginning.shop, beginning.run, beginning.workspace, tmp_path / "other.json")
    other.plan()
    assert beginning.apply().code == 0
    assert_refused(other, "E601")


def test_a_plan_whose_secrets_are_missing_says_all_of_them_at_once(beginning, monkeypatch):
    beginning.shop.write(
        "manifests/scope.yaml",
        SCOPE + "        second: {from_env: SECOND_KEY}\n        third: {from_env: THIRD_KEY}\n",
    )
    monkeypatch.setenv("SECOND_KEY", "2")
    beginning.plan()
    assert json.loads(beginning.saved.read_text())["required_env"] == [
        "SECOND_KEY",
        "SHOP_KEY",
        "THIRD_KEY",
    ]
    monkeypatch.delenv("SECOND_KEY")
    monkeypatch.delenv("SHOP_KEY")
    result = beginning.apply()
    assert result.code == 1
    assert "environment variables are not set: SECOND_KEY, SHOP_KEY, THIRD_KEY" in result.err
    assert beginning.workspace.writes() == []


def test_what_a_file_says_about_protection_and_the_guard_is_not_believed(situation):
    situation.shop.write(
        "environments/dev.yaml",
        f"workspace: {{host: {situation.workspace.server.url}}}\nmanifests: [manifests/*.yaml]\n"
        "guard: {destructive_percent: 30, destructive_count: 1}\nprotected: true\n",
    )
    situation.shop.endpoint(SIMPLE.replace("CALLS", "10").replace("name: chat", "name: chat-2"))
    situation.plan("--prune")
    situation.edit(lambda data: data.update(owned=1000, protected=False), sealed=False)
    assert_refused(situation, f"{CHAT}@orphan would be deleted", "--allow-delete", "all")


def test_consent_of_a_removed_entry_counts_only_while_it_is_there(situation):
    situation.shop.endpoint(SIMPLE.replace("CALLS", "10").replace("name: chat", "name: chat-2"))
    removed = "removed:\n  model_serving_endpoints:\n    old: {name: chat, delete: true}\n"
    path = situation.shop.write("manifests/removed.yaml", removed)
    situation.plan()
    path.unlink()
    assert_refused(situation, "`model_serving_endpoints.old` has not changed since the plan")
    situation.shop.write("manifests/removed.yaml", removed)
    assert situation.apply().code == 0


def test_a_plan_is_refused_where_the_manifests_ask_for_something_else_by_now(situation):
    situation.shop.endpoint(SIMPLE.replace("CALLS", "30"))
    assert_refused(situation, "it was made from other manifests")


def test_a_plan_is_applied_where_other_resources_were_added_and_that_is_said(situation):
    other_scope(situation)
    more = {"name": "more", "config": {"served_entities": [ENTITY]}}
    manifest = {"resources": {"model_serving_endpoints": {"more": more}}}
    situation.shop.write("manifests/more.yaml", json.dumps(manifest))
    result = situation.apply()
    assert result.code == 0
    assert "the plan was made without git from other manifests" in result.err
    limits = situation.workspace.endpoint("chat")["ai_gateway"]["rate_limits"]
    assert limits[0]["calls"] == 20


class TestAnApprovedDigest:
    def digest(self, situation: Situation) -> str:
        return situation.run("plan", "-o", "json").json["digest"]

    def test_applies_the_plan_that_is_made_again_without_asking(self, situation):
        digest = self.digest(situation)
        result = situation.run("apply", "--expect-plan-digest", digest)
        assert result.code == 0, result.err
        assert situation.workspace.endpoint("chat")["ai_gateway"]["rate_limits"][0]["calls"] == 20

    def test_refuses_another_plan(self, situation):
        digest = self.digest(situation)
        situation.shop.endpoint(SIMPLE.replace("CALLS", "30"))
        situation.workspace.forget()
        result = situation.run("apply", "--expect-plan-digest", digest)
        assert result.code == 1
        assert "error[E514]: this is not the plan that was approved" in result.err
        assert situation.workspace.writes() == []

    def test_refuses_what_was_changed_by_hand_in_between(self, situation):
        digest = self.digest(situation)
        situation.call("PATCH", TAGS, {"add_tags": [{"key": "a", "value": "b"}]})
        situation.workspace.forget()
        assert situation.run("apply", "-y", "--expect-plan-digest", digest).code == 1
        assert situation.workspace.writes() == []

    def test_stands_by_a_file(self, situation):
        digest = json.loads(situation.saved.read_text())["digest"]
        situation.edit(put_in_chat("reason", "harmless"), sealed=True)
        assert_refused(situation, "not the plan that was approved", "--expect-plan-digest", digest)
        situation.plan()
        assert situation.apply("--expect-plan-digest", digest.removeprefix("sha256:")).code == 0

    def test_is_no_consent_to_destroy(self, situation):
        replaced = SIMPLE.replace("CALLS", "20").replace("llm/v1/chat", "llm/v1/completions")
        situation.shop.endpoint(replaced)
        digest = self.digest(situation)
        situation.workspace.forget()
        result = situation.run("apply", "--expect-plan-digest", digest)
        assert "--allow-replace model_serving_endpoints.chat" in result.err
        assert situation.workspace.writes() == []

    @pytest.mark.parametrize("given", ["sha256:12ab", "latest", "sha512:" + "0" * 64])
    def test_has_to_be_whole(self, situation, given):
        result = situation.run("apply", "--expect-plan-digest", given)
        assert f"error[E515]: `{given}` is not a plan digest" in result.err


class TestTheFile:
    def test_is_for_its_owner_alone_also_where_there_was_one(self, situation):
        situation.saved.write_text("old")
        situation.saved.chmod(0o666)
        situation.plan()
        assert situation.saved.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in situation.saved.parent.glob(".plan*")] == []

    def test_takes_the_place_of_a_link_and_does_not_follow_it(self, situation, tmp_path):
        precious = tmp_path / "precious"
        precious.write_text("mine")
        situation.saved.unlink()
        situation.saved.symlink_to(precious)
        situation.plan()
        assert precious.read_text() == "mine"
        assert situation.apply().code == 0

    def test_that_cannot_be_written_is_said_and_leaves_the_old_one(self, situation, tmp_path):
        result = situation.run("plan", "--out", str(tmp_path / "none" / "plan.json"))
        assert result.code == 1
        assert "error[E802]: cannot write" in result.err

    def test_may_be_a_pipe(self, situation, tmp_path):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        assert situation.run("plan", "--out", str(pipe)).code == 0
        assert json.loads(os.read(reader, 1 << 20))["environment"] == "dev"
        os.close(reader)

    def test_holds_no_secret(self, beginning):
        assert "sk-shop" not in beginning.saved.read_text()

    def test_is_told_with_its_digest_and_the_command_that_applies_it(self, situation):
        result = situation.run("plan", "--out", str(situation.saved))
        assert json.loads(situation.saved.read_text())["digest"] in result.err
        assert f"provisioner apply -e dev {situation.saved}" in result.err
