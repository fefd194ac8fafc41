"""What was changed behind the manifests, and of which sort each change is."""

from __future__ import annotations

import json
import os
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

ENDPOINTS = "/api/2.0/serving-endpoints"
SECRETS = "/api/2.0/secrets"
GRANTS = "/api/2.0/permissions/serving-endpoints"
ME = "local-user@example.com"
CHAT = """\
name: chat
config:
  served_entities:
    - name: champion
      entity_name: main.models.chat
      entity_version: "12"
      workload_size: Small
      scale_to_zero_enabled: true
ai_gateway:
  rate_limits:
    - {key: user, renewal_period: minute, calls: 20}
tags:
  - {key: team, value: shop}
permissions:
  - {level: CAN_QUERY, group_name: analysts}
"""
SCOPE = """\
resources:
  secret_scopes:
    keys:
      name: keys
      secrets:
        openai: {from_env: SHOP_KEY}
      acls:
        - {principal: analysts, permission: READ}
"""


@pytest.fixture
def applied(repository, run, workspace, monkeypatch):
    """One endpoint and one scope, applied."""
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    repository.write("manifests/scope.yaml", SCOPE)
    repository.endpoint(CHAT)
    assert run("apply", "-y").code == 0
    workspace.forget()
    return repository


def config(workspace, **changes):
    entity = {
        "name": "champion",
        "entity_name": "main.models.chat",
        "entity_version": "12",
        "workload_size": "Small",
        "scale_to_zero_enabled": True,
    }
    body = {"served_entities": [entity | changes]}
    return workspace.call("PUT", f"{ENDPOINTS}/chat/config", body)


def limit(workspace):
    limits = [{"key": "user", "renewal_period": "minute", "calls": 100}]
    workspace.call("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"rate_limits": limits})


def grants(workspace, *rows):
    path = f"{GRANTS}/{workspace.endpoint('chat')['id']}"
    mine = {"user_name": ME, "permission_level": "CAN_MANAGE"}
    found = [{"group_name": name, "permission_level": level} for name, level in rows]
    workspace.call("PUT", path, {"access_control_list": [*found, mine]})


def tags(workspace, *, add=(), delete=()):
    body = {"add_tags": [{"key": k, "value": v} for k, v in add], "delete_tags": list(delete)}
    workspace.call("PATCH", f"{ENDPOINTS}/chat/tags", body)


def delete(workspace):
    workspace.call("DELETE", f"{ENDPOINTS}/chat")


def make_again(workspace):
    delete(workspace)
    entity = {"name": "champion", "entity_name": "main.models.chat", "entity_version": "12"}
    sized = entity | {"workload_size": "Small", "scale_to_zero_enabled": True}
    body = {"name": "chat", "config": {"served_entities": [sized]}}
    workspace.call("POST", ENDPOINTS, body)


def another_owner(workspace):
    tags(workspace, add=[("provisioner_project", "other"), ("provisioner_environment", "prod")])


def no_owner(workspace):
    tags(
        workspace, delete=["provisioner_project", "provisioner_environment", "provisioner_applied"]
    )


def case(sentence, *values):
    return pytest.param(*values, id=sentence)


VERSION = "config.served_entities[champion].entity_version"
SIZE = "config.served_entities[champion].workload_size"
LIMIT = "ai_gateway.rate_limits[user].calls"
ANALYSTS, SUPPORT = "permissions[analysts]", "permissions[support]"
EDITS = [
    case(
        "another version",
        lambda w: config(w, entity_version="11"),
        [("version_changed", VERSION, "12", "11")],
    ),
    case(
        "another size",
        lambda w: config(w, workload_size="Large"),
        [("edited", SIZE, "Small", "Large")],
    ),
    case("another limit", limit, [("edited", LIMIT, 20, 100)]),
    case(
        "a tag more",
        lambda w: tags(w, add=[("owner", "me")]),
        [("tag_added", "tags[owner]", None, {"key": "owner", "value": "me"})],
    ),
    case(
        "another value of a tag",
        lambda w: tags(w, add=[("team", "me")]),
        [("edited", "tags[team].value", "shop", "me")],
    ),
    case(
        "a tag less",
        lambda w: tags(w, delete=["team"]),
        [("edited", "tags[team]", {"key": "team", "value": "shop"}, None)],
    ),
    case(
        "a grant more",
        lambda w: grants(w, ("analysts", "CAN_QUERY"), ("support", "CAN_MANAGE")),
        [("permission_added", SUPPORT, None, {"level": "CAN_MANAGE", "group_name": "support"})],
    ),
    case(
        "a grant less",
        grants,
        [("permission_removed", ANALYSTS, {"level": "CAN_QUERY", "group_name": "analysts"}, None)],
    ),
    case(
        "a stronger grant",
        lambda w: grants(w, ("analysts", "CAN_MANAGE")),
        [("permission_changed", f"{ANALYSTS}.level", "CAN_QUERY", "CAN_MANAGE")],
    ),
    case("a deletion", delete, [("gone", None, None, None)]),
    case("our tags taken off", no_owner, [("recreated", None, None, None)]),
    case("another owner's tag", another_owner, [("not_ours", None, None, None)]),
    case(
        "a key of the scope less",
        lambda w: w.call("POST", f"{SECRETS}/delete", {"scope": "keys", "key": "openai"}),
        [("edited", "secrets[openai]", {"$secret": {"from_env": "SHOP_KEY"}}, None)],
    ),
    case(
        "an access to the scope less",
        lambda w: w.call(
            "POST", f"{SECRETS}/acls/delete", {"scope": "keys", "principal": "analysts"}
        ),
        [
            (
                "permission_removed",
                "acls[analysts]",
                {"principal": "analysts", "permission": "READ"},
                None,
            )
        ],
    ),
    case(
        "a stronger access to the scope",
        lambda w: w.call(
            "POST",
            f"{SECRETS}/acls/put",
            {"scope": "keys", "principal": "analysts", "permission": "WRITE"},
        ),
        [("permission_changed", "acls[analysts].permission", "READ", "WRITE")],
    ),
]


def found(result):
    assert result.err == ""
    return [
        (one["sort"], one.get("path"), one.get("declared"), one.get("live"))
        for one in result.json["drift"]
    ]


@pytest.mark.parametrize(("edit", "expected"), EDITS)
def test_an_edit_behind_the_manifests_is_told_by_its_sort(applied, run, workspace, edit, expected):
    edit(workspace)
    workspace.forget()
    done = run("drift", "--detailed-exitcode", "-o", "json")
    assert done.code == 2, done.err
    assert found(done) == expected
    assert workspace.writes() == []
    assert run("drift").code == 0


def test_without_an_edit_there_is_no_drift(applied, run):
    done = run("drift", "--detailed-exitcode")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "No drift: 2 resources, all as declared"
    assert run("drift", "-o", "json").json["ways_out"] == []


def test_it_asks_as_much_as_a_plan(applied, run, workspace):
    limit(workspace)
    asked = []
    for command in ("plan", "drift"):
        workspace.forget()
        assert run(command).code == 0
        asked.append(sorted(workspace.requests()))
    assert asked[0] == asked[1]


def test_what_was_made_again_is_told_with_its_maker_and_its_differences(applied, run, workspace):
    make_again(workspace)
    done = run("drift", "-o", "json")
    first, *others = done.json["drift"]
    assert (first["sort"], first["by"]) == ("recreated", ME)
    assert first["at"].endswith("Z")
    assert [one.get("path") for one in others] == [
        "ai_gateway.rate_limits[user]",
        "tags[team]",
        ANALYSTS,
    ]
    assert "provisioner apply --select model_serving_endpoints.chat --adopt -e dev" in [
        way["command"] for way in done.json["ways_out"]
    ]


def test_an_imported_endpoint_is_not_adopted_yet_and_adoption_is_offered(
    run, repository, workspace
):
    workspace.call("POST", "/api/2.0/serving-endpoints", {"name": "by-hand"})
    repository.endpoint("name: by-hand\ndescription: made by hand")
    out = run("drift").out
    assert "not adopted yet, recreated, or its tags were removed" in out
    assert "provisioner apply --select model_serving_endpoints.chat --adopt -e dev" in out


def test_the_other_owner_is_named_with_the_way_back(applied, run, workspace):
    another_owner(workspace)
    out = run("drift").out
    assert "managed by other/prod" in out
    way = "apply --select model_serving_endpoints.chat --take-over-from other/prod -e dev"
    assert way in out
    assert "edited" not in out


def test_an_orphan_is_drift_unless_something_is_selected(applied, run):
    (applied.root / "manifests/endpoint.yaml").unlink()
    done = run("drift", "--detailed-exitcode")
    assert done.code == 2
    assert "  orphan: managed by this project, without a manifest" in done.out.splitlines()
    assert "  provisioner apply --prune -e dev" in done.out.splitlines()
    assert run("drift", "--detailed-exitcode", "--select", "keys").code == 0


EXTERNAL = """\
name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key: "{{secrets/keys/openai}}"}
"""


def test_what_cannot_be_read_back_tells_that_it_is_not_applied_yet(applied, run, monkeypatch):
    applied.endpoint(EXTERNAL.replace("name: chat", "name: text"))
    assert run("apply", "-y").code == 0
    monkeypatch.setenv("OTHER_KEY", "sk-canary")
    given = '_plaintext: "${env.OTHER_KEY}"'
    text = EXTERNAL.replace("name: chat", "name: text")
    applied.endpoint(text.replace(': "{{secrets/keys/openai}}"', given))
    (one,) = [one for one in run("drift", "-o", "json").json["drift"] if one["sort"] != "orphan"]
    assert one["sort"] == "not_applied"
    out = run("drift").out
    assert "(secret from $OTHER_KEY) → (cannot be read back)" in out
    assert "sk-" not in out


def test_a_failed_update_tells_what_failed_and_what_serves(applied, run, workspace):
    rule = {"endpoint": "chat", "state": "DEPLOYMENT_FAILED", "message": "no quota"}
    workspace.call("POST", "/__emulator__/faults", {"rules": [{"deployment": rule}]})
    config(workspace, entity_version="11")
    done = run("drift", "--detailed-exitcode")
    assert done.code == 2
    assert "  the last update failed" in done.out.splitlines()
    assert "no quota" in done.out
    (one,) = run("drift", "-o", "json").json["drift"]
    assert one["sort"] == "failed_update"


def test_a_failed_apply_is_no_edit_by_hand_in_silence(applied, run, workspace):
    rule = {"endpoint": "chat", "state": "DEPLOYMENT_FAILED", "message": "no quota"}
    workspace.call("POST", "/__emulator__/faults", {"rules": [{"deployment": rule}]})
    applied.endpoint(CHAT.replace('"12"', '"13"'))
    assert run("apply", "-y").code != 0
    failed, version = run("drift", "-o", "json").json["drift"]
    assert (failed["sort"], version["sort"]) == ("failed_update", "version_changed")
    assert version["reason"] == "the last update failed: the previous config still serves"


def test_an_update_in_progress_is_told_and_is_no_drift(applied, run, workspace):
    rule = {"deployment": {"endpoint": "chat", "transition": "seconds=600"}}
    workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    applied.endpoint(CHAT.replace('"12"', '"13"'))
    assert run("apply", "-y", "--no-wait").code == 0
    done = run("drift", "--detailed-exitcode")
    assert done.code == 0
    assert "  updating: compared with the config of the update" in done.out.splitlines()
    assert done.out.splitlines()[-1] == "No drift: 2 resources, all as declared"


def test_a_stopped_endpoint_is_told_and_is_no_drift(applied, run, workspace):
    workspace.call("POST", f"{ENDPOINTS}/chat/config:stop")
    done = run("drift", "--detailed-exitcode")
    assert done.code == 0
    assert "  stopped" in done.out.splitlines()


def test_a_removal_that_was_not_applied_is_told(applied, run):
    applied.write(
        "manifests/endpoint.yaml",
        "removed:\n  model_serving_endpoints:\n    chat: {name: chat, delete: true}\n",
    )
    (one,) = run("drift", "-o", "json").json["drift"]
    assert one["sort"] == "not_applied"
    assert "still exists" in one["reason"]


def test_the_ways_out_lead_out(applied, run, workspace):
    limit(workspace)
    tags(workspace, add=[("owner", "me")])
    ways = [way["command"].split() for way in run("drift", "-o", "json").json["ways_out"]]
    update = next(way for way in ways if way[1] == "import")
    assert run(*update[1:-2]).code == 0
    assert run("drift", "--detailed-exitcode").code == 0
    config(workspace, entity_version="11")
    ways = [way["command"].split() for way in run("drift", "-o", "json").json["ways_out"]]
    repair = next(way for way in ways if way[1] == "apply")
    assert run(*repair[1:-2], "-y").code == 0
    assert run("drift", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(("edit", "expected"), EDITS)
def test_an_import_is_offered_where_it_leads_out(applied, run, workspace, edit, expected):
    edit(workspace)
    ways = [one["command"].split()[1:-2] for one in run("drift", "-o", "json").json["ways_out"]]
    imports = [words for words in ways if words[0] == "import"]
    has_two = all(sort not in NO_MANIFEST for sort, *_ in expected) and not has_secret(expected)
    assert len(imports) == (1 if has_two else 0)
    for words in imports:
        assert run(*words).code == 0
        assert run("drift", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(("edit", "expected"), EDITS)
def test_an_apply_leads_out_of_each_edit(applied, run, workspace, edit, expected):
    edit(workspace)
    ways = [one["command"].split()[1:-2] for one in run("drift", "-o", "json").json["ways_out"]]
    (words,) = [words for words in ways if words[0] == "apply"]
    assert run(*words, "-y").code == 0
    assert run("drift", "--detailed-exitcode").code == 0


NO_MANIFEST = ("gone", "recreated", "not_ours")


def has_secret(expected):
    return "$secret" in json.dumps(expected)


def test_two_projects_on_one_workspace_do_not_see_each_other(applied, run, workspace, tmp_path):
    applied.write("provisioner.yaml", "project: other\n")
    applied.endpoint(CHAT.replace("name: chat", "name: theirs"))
    assert run("apply", "-y").code == 0
    assert run("drift", "--detailed-exitcode").code == 0
    applied.write("provisioner.yaml", "project: shop\n")
    applied.endpoint(CHAT)
    assert run("drift", "--detailed-exitcode").code == 0
    delete(workspace)
    assert [one["address"] for one in run("drift", "-o", "json").json["drift"]] == [
        "model_serving_endpoints.chat"
    ]


def test_what_is_not_released_yet_is_no_drift(run, repository, workspace):
    head = f"workspace: {{host: {workspace.server.url}}}\nreleased: [version]\n"
    repository.write("environments/dev.yaml", head)
    release = repository.write("environments/releases/dev.yaml", 'version: {value: "12"}\n')
    repository.endpoint(CHAT.replace('"12"', "${var.version}"))
    assert run("apply", "-y").code == 0
    release.unlink()
    done = run("drift", "--detailed-exitcode", "-o", "json")
    assert done.code == 0
    assert done.json["drift"] == []
    assert "not released in dev yet: `version`" in done.err


def test_somebody_elses_endpoint_is_compared_in_what_is_written_alone(applied, run, workspace):
    another_owner(workspace)
    applied.endpoint("name: chat\nexisting: true\ntags:\n  - {key: team, value: me}\n")
    assert found(run("drift", "-o", "json")) == [("edited", "tags[team].value", "me", "shop")]


def test_people_read_the_sort_first_and_the_live_value_last(applied, run, workspace):
    config(workspace, entity_version="11")
    limit(workspace)
    lines = run("drift").out.splitlines()
    assert lines[1] == "as declared → as it is live"
    assert lines[3] == "model_serving_endpoints.chat  (chat)  manifests/endpoint.yaml:3"
    assert lines[4].startswith("  last changed 2")
    assert lines[5:9] == [
        "  another version, or not applied yet",
        f'    {VERSION}  "12" → "11"',
        "  edited by hand, or not applied yet",
        f"    {LIMIT}  20 → 100",
    ]
    assert lines[-1] == "Drift: 2 differences in 1 of 2 resources"


def test_an_unreadable_endpoint_is_an_error_and_no_drift(applied, run, workspace):
    body = {"error_code": "PERMISSION_DENIED", "message": "not yours"}
    action = {"status": 403, "body": body}
    fault = {"method": "GET", "path": f"{ENDPOINTS}/chat", "action": action}
    workspace.call("POST", "/__emulator__/faults", {"rules": [fault]})
    done = run("drift", "--detailed-exitcode")
    assert (done.code, done.out) == (1, "")
    assert "403" in done.err


def test_reports_hold_every_difference_and_the_ways_out(applied, run, workspace, tmp_path):
    config(workspace, entity_version="11")
    limit(workspace)
    files = {name: tmp_path / name for name in ("markdown", "html", "json", "junit", "sarif")}
    words = [word for name, file in files.items() for word in ("--report", f"{name}={file}")]
    assert run("drift", "--detailed-exitcode", *words).code == 2
    for name in ("markdown", "html"):
        text = files[name].read_text(encoding="utf-8")
        assert "Drift: 2 differences in 1 of 2 resources" in text
        assert "import --update model_serving_endpoints.chat -e dev" in text
        assert VERSION in text
        assert LIMIT in text
    (failure,) = ElementTree.parse(files["junit"]).iter("failure")
    assert VERSION in failure.text
    assert LIMIT in failure.text
    record = json.loads(files["json"].read_text())
    assert record["exit_code"] == 2
    assert record["drift"]["drifted"] == 1
    assert [one["path"] for one in record["drift"]["differences"]] == [VERSION, LIMIT]
    (found,) = json.loads(files["sarif"].read_text())["runs"]
    assert [one["ruleId"] for one in found["results"]] == ["drift", "drift"]


def test_reports_without_drift_say_so(applied, run):
    assert (
        "**No drift: 2 resources, all as declared**" in run("drift", "--report", "markdown=-").out
    )
    assert 'failures="0"' in run("drift", "--report", "junit=-").out
    assert run("drift", "--report", "github=-").out == ""


@pytest.fixture
def commit(repository):
    """Commit everything in the repository."""
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}

    def git(*words):
        where = ["git", "-C", str(repository.root), "-c", "init.defaultBranch=main"]
        environ = {**os.environ, **identity}
        return subprocess.run([*where, *words], env=environ, check=True, capture_output=True)

    def make():
        git("init", "-q")
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", "x")

    return make


def test_what_an_earlier_commit_declared_is_not_applied_yet_and_the_rest_by_hand(
    applied, run, workspace, commit
):
    commit()
    applied.endpoint(CHAT.replace('"12"', '"13"').replace("value: shop", "value: chat"))
    commit()
    limit(workspace)
    workspace.forget()
    by_hand, *others = run("drift", "-o", "json").json["drift"]
    assert (by_hand["path"], by_hand["sort"], by_hand["by_hand"]) == (LIMIT, "edited", True)
    assert [(one["path"], one["sort"]) for one in others] == [
        (VERSION, "not_applied"),
        ("tags[team].value", "not_applied"),
    ]
    assert all("equal to commit " in one["reason"] for one in others)
    out = run("drift").out
    assert "  edited by hand" in out.splitlines()
    assert "Changed by hand: the earlier commit did not declare this value either." in out
    assert workspace.writes() == []


def test_what_is_being_edited_is_compared_with_the_last_commit(applied, run, commit):
    commit()
    applied.endpoint(CHAT.replace('"12"', '"13"'))
    (one,) = run("drift", "-o", "json").json["drift"]
    assert (one["sort"], one["declared"], one["live"]) == ("not_applied", "13", "12")


def test_a_first_commit_alone_proves_nothing(applied, run, workspace, commit):
    commit()
    applied.write("README.yaml", "about: something else\n")
    commit()
    applied.write("report.json", "{}")
    limit(workspace)
    done = run("drift", "-o", "json").json
    assert done["commits"] == 0
    assert "by_hand" not in done["drift"][0]
    assert "  edited by hand, or not applied yet" in run("drift").out.splitlines()


def test_a_commit_whose_files_are_wrong_is_passed_over(applied, run, workspace, commit):
    applied.endpoint("name: [chat\n")
    commit()
    applied.endpoint(CHAT)
    commit()
    limit(workspace)
    assert run("drift", "-o", "json").json["commits"] == 0
