"""Permissions of endpoints: granted, taken away, kept, and never lost."""

from __future__ import annotations

import pytest

ENDPOINT = """
name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: TASK
        openai_config:
          openai_api_key: "{{secrets/keys/openai}}"
"""
ME = "local-user@example.com"
CALLER = {"user_name": ME, "permission_level": "CAN_MANAGE"}
ANALYSTS = "permissions:\n  - {level: CAN_QUERY, group_name: analysts}\n"
ROOT = "/api/2.0/permissions/serving-endpoints"


@pytest.fixture
def chat(repository, workspace):
    """Writes the endpoint with the given permissions; its key is in the workspace already."""
    secrets = "/api/2.0/secrets"
    workspace.call("POST", f"{secrets}/scopes/create", {"scope": "keys"})
    key = {"scope": "keys", "key": "openai", "string_value": "sk"}
    workspace.call("POST", f"{secrets}/put", key)

    def write(permissions: str = "", task: str = "llm/v1/chat") -> None:
        repository.endpoint(ENDPOINT.replace("TASK", task) + permissions)

    return write


@pytest.fixture
def grants(workspace):
    """The direct grants of an endpoint: principal to level."""

    def found(name: str = "chat") -> dict[str, str]:
        identity = workspace.endpoint(name)["id"]
        rows = workspace.call("GET", f"{ROOT}/{identity}")["access_control_list"]
        return {
            row.get("group_name") or row.get("user_name") or row["service_principal_name"]: entry[
                "permission_level"
            ]
            for row in rows
            for entry in row["all_permissions"]
            if not entry["inherited"]
        }

    return found


@pytest.fixture
def grant(workspace):
    """Grant something by hand."""

    def by_hand(name: str, level: str, kind: str = "group_name") -> None:
        identity = workspace.endpoint("chat")["id"]
        row = {kind: name, "permission_level": level}
        workspace.call("PATCH", f"{ROOT}/{identity}", {"access_control_list": [row]})

    return by_hand


def test_a_new_endpoint_gets_its_permissions_before_it_is_ready(chat, run, workspace, grants):
    chat(
        "permissions:\n"
        "  - {level: CAN_QUERY, group_name: analysts}\n"
        "  - {level: CAN_VIEW, user_name: ann@example.com}\n"
        "  - level: CAN_MANAGE\n"
        "    service_principal_name: 5f0c9a4e-3d1b-4c8e-9a57-0d2f6f1f2b10\n"
    )
    plan = run("plan", "-o", "json").json
    calls = [(one["call"], one["path"]) for one in plan["steps"][0]["operations"]]
    assert calls == [
        ("create", "/api/2.0/serving-endpoints"),
        ("set_permissions", f"{ROOT}/{{id}}"),
    ]
    workspace.forget()
    result = run("apply", "-y")
    assert result.code == 0, result.err
    identity = workspace.endpoint("chat")["id"]
    assert workspace.writes() == [
        ("POST", "/api/2.0/serving-endpoints"),
        ("PUT", f"{ROOT}/{identity}"),
    ]
    assert grants() == {
        "analysts": "CAN_QUERY",
        "ann@example.com": "CAN_VIEW",
        "5f0c9a4e-3d1b-4c8e-9a57-0d2f6f1f2b10": "CAN_MANAGE",
        ME: "CAN_MANAGE",
    }
    assert run("plan", "--detailed-exitcode").code == 0


def test_the_requests_of_a_plan_with_permissions_are_exactly_these(chat, run, workspace):
    chat(ANALYSTS)
    run("apply", "-y")
    identity = workspace.endpoint("chat")["id"]
    workspace.forget()
    assert run("plan").code == 0
    assert sorted(workspace.requests()) == [
        ("GET", f"{ROOT}/{identity}"),
        ("GET", "/api/2.0/preview/scim/v2/Me"),
        ("GET", "/api/2.0/serving-endpoints"),
        ("GET", "/api/2.0/serving-endpoints/chat"),
    ]


CHANGES = [
    pytest.param(
        (
            "permissions: [{level: CAN_MANAGE, group_name: analysts}]\n",
            {"analysts": "CAN_MANAGE", ME: "CAN_MANAGE"},
            ["permissions[analysts].level"],
        ),
        id="another level",
    ),
    pytest.param(
        (
            "permissions: [{level: CAN_QUERY, group_name: support}]\n",
            {"support": "CAN_QUERY", ME: "CAN_MANAGE"},
            ["permissions[analysts]", "permissions[support]"],
        ),
        id="another group",
    ),
    pytest.param(
        (
            "permissions: [{level: CAN_QUERY, user_name: analysts}]\n",
            {"analysts": "CAN_QUERY", ME: "CAN_MANAGE"},
            ["permissions[analysts]", "permissions[user_name:analysts]"],
        ),
        id="a user with the name of the group",
    ),
    pytest.param(("permissions: []\n", {ME: "CAN_MANAGE"}, ["permissions[analysts]"]), id="nobody"),
    pytest.param(("", {"analysts": "CAN_QUERY", ME: "CAN_MANAGE"}, []), id="nothing said"),
    pytest.param(
        (
            "permissions: [{level: CAN_QUERY, group_name: Analysts}]\n",
            {"analysts": "CAN_QUERY", ME: "CAN_MANAGE"},
            [],
        ),
        id="the same group in other letters",
    ),
    pytest.param(
        (
            ANALYSTS + f"  - {{level: CAN_VIEW, user_name: {ME.upper()}}}\n",
            {"analysts": "CAN_QUERY", ME: "CAN_MANAGE"},
            [],
        ),
        id="less for the caller, who keeps what he has",
    ),
    pytest.param(
        (
            ANALYSTS + "  - {level: CAN_QUERY, group_name: admins}\n",
            {"analysts": "CAN_QUERY", ME: "CAN_MANAGE"},
            [],
        ),
        id="what a group has inherited already",
    ),
]


@pytest.mark.parametrize("change", CHANGES)
def test_permissions_become_what_is_declared(chat, run, workspace, grants, change):
    permissions, expected, paths = change
    chat(ANALYSTS)
    assert run("apply", "-y").code == 0
    chat(permissions)
    step = run("plan", "-o", "json").json["steps"][0]
    assert [c["path"] for c in step["changes"] if c["action"] != "keep"] == paths
    workspace.forget()
    result = run("apply", "-y")
    assert result.code == 0, result.err
    identity = workspace.endpoint("chat")["id"]
    assert workspace.writes() == ([("PUT", f"{ROOT}/{identity}")] if paths else [])
    assert grants() == expected
    assert run("plan", "--detailed-exitcode").code == 0


def test_what_is_ignored_stays_in_the_list_that_is_sent(chat, run, grant, grants):
    ignoring = "lifecycle: {ignore_changes: ['permissions[guests]']}\n"
    chat(ANALYSTS + ignoring)
    run("apply", "-y")
    grant("guests", "CAN_VIEW")
    assert run("plan", "--detailed-exitcode").code == 0
    chat(ANALYSTS.replace("QUERY", "MANAGE") + ignoring)
    assert run("apply", "-y").code == 0
    assert grants() == {"analysts": "CAN_MANAGE", "guests": "CAN_VIEW", ME: "CAN_MANAGE"}


def test_an_endpoint_that_was_made_again_by_hand_gets_its_permissions_again(
    chat, run, workspace, grants
):
    chat(ANALYSTS)
    run("apply", "-y")
    before = workspace.endpoint("chat")
    workspace.call("DELETE", "/api/2.0/serving-endpoints/chat")
    body = {key: before[key] for key in ("name", "config", "tags")}
    body["config"] = {"served_entities": [_sent(e) for e in before["config"]["served_entities"]]}
    workspace.call("POST", "/api/2.0/serving-endpoints", body)
    workspace.endpoint("chat")
    assert grants() == {ME: "CAN_MANAGE"}
    assert run("apply", "-y").code == 0
    assert grants() == {"analysts": "CAN_QUERY", ME: "CAN_MANAGE"}
    assert run("plan", "--detailed-exitcode").code == 0


def _sent(entity):
    return {key: entity[key] for key in ("name", "external_model")}


@pytest.mark.parametrize("status", [401, 403, 404], ids=["no login", "forbidden", "not enabled"])
def test_permissions_that_cannot_be_read_are_an_error_and_never_none(chat, run, workspace, status):
    chat(ANALYSTS)
    run("apply", "-y")
    body = {"error_code": "PERMISSION_DENIED", "message": "no"}
    answer = {"status": status, "body": body}
    rule = {"method": "GET", "path": f"{ROOT}/*", "times": 0, "action": answer}
    workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    workspace.forget()
    result = run("apply", "-y")
    assert result.code == 1
    assert "error[E4" in result.err
    assert workspace.writes() == []


def test_a_plan_is_stale_when_the_permissions_have_changed(chat, run, grant, tmp_path, workspace):
    chat(ANALYSTS)
    run("apply", "-y")
    chat(ANALYSTS.replace("QUERY", "MANAGE"))
    saved = tmp_path / "plan.json"
    assert run("plan", "--out", str(saved)).code == 0
    grant("guests", "CAN_VIEW")
    workspace.forget()
    result = run("apply", str(saved))
    assert result.code == 1
    assert "changed since the plan was made" in result.err
    assert workspace.writes() == []


def test_an_empty_endpoint_has_permissions_too(repository, run, workspace, grants):
    repository.endpoint("name: chat\n" + ANALYSTS)
    result = run("apply", "-y")
    assert result.code == 0, result.err
    assert grants() == {"analysts": "CAN_QUERY", ME: "CAN_MANAGE"}
    assert run("plan", "--detailed-exitcode").code == 0


def test_who_does_not_wait_grants_all_the_same(chat, run, grants):
    chat(ANALYSTS)
    assert run("apply", "-y", "--no-wait").code == 0
    assert grants() == {"analysts": "CAN_QUERY", ME: "CAN_MANAGE"}


class TestReplacing:
    def test_is_blocked_while_it_would_lose_a_grant(self, chat, run, workspace, grant, grants):
        chat()
        run("apply", "-y")
        grant("guests", "CAN_QUERY")
        chat(task="llm/v1/completions")
        workspace.forget()
        result = run("apply", "-y", "--allow-replace", "model_serving_endpoints.chat")
        assert result.code == 1
        assert "CAN_QUERY of group guests" in result.out + result.err
        assert "add it to `permissions` in the manifest" in result.err
        assert workspace.writes() == []
        asked = [path for _, path in workspace.requests() if path.startswith(ROOT)]
        assert len(asked) == 1
        chat("permissions: [{level: CAN_QUERY, group_name: guests}]\n", task="llm/v1/completions")
        before = workspace.endpoint("chat")["id"]
        again = run("apply", "-y", "--allow-replace", "model_serving_endpoints.chat")
        assert again.code == 0, again.err
        assert workspace.endpoint("chat")["id"] != before
        assert grants() == {"guests": "CAN_QUERY", ME: "CAN_MANAGE"}
        assert run("plan", "--detailed-exitcode").code == 0

    def test_asks_nothing_more_where_nothing_is_replaced(self, chat, run, workspace):
        chat()
        run("apply", "-y")
        workspace.forget()
        run("plan")
        assert not [path for _, path in workspace.requests() if path.startswith(ROOT)]

    def test_goes_on_where_the_callers_own_grant_is_all_there_is(self, chat, run):
        chat()
        run("apply", "-y")
        chat(task="llm/v1/completions")
        assert "± replace" in run("plan").out


class TestSeveralPeople:
    ANN = "ann@example.com"
    CI = "0b1c2d3e-0000-4000-8000-00000000000a"

    @pytest.fixture
    def become(self, workspace, monkeypatch):
        """Go on as somebody else, who administers the workspace."""

        def somebody(name: str, kind: str = "user") -> None:
            principal = {"name": name, "kind": kind, "workspace_admin": True}
            made = workspace.call("POST", "/__emulator__/principals", principal)
            monkeypatch.setenv("DATABRICKS_TOKEN", made["token"])

        return somebody

    def test_a_service_principal_keeps_what_it_created(self, chat, run, become, grants):
        become(self.CI, "service_principal")
        chat(ANALYSTS)
        result = run("apply", "-y")
        assert result.code == 0, result.err
        assert grants() == {"analysts": "CAN_QUERY", self.CI: "CAN_MANAGE"}
        assert run("plan", "--detailed-exitcode").code == 0

    def test_a_creator_who_is_declared_with_less_keeps_what_he_has(self, chat, run, become, grants):
        become(self.ANN)
        chat(f"permissions: [{{level: CAN_VIEW, user_name: {self.ANN.title()}}}]\n")
        assert run("apply", "-y").code == 0
        assert grants() == {self.ANN: "CAN_MANAGE"}
        assert run("plan", "--detailed-exitcode").code == 0

    def test_the_creator_keeps_access_when_others_apply(self, chat, run, become, grants):
        become(self.ANN)
        chat()
        run("apply", "-y")
        become("bob@example.com")
        chat(ANALYSTS)
        assert run("apply", "-y").code == 0
        assert grants() == {"analysts": "CAN_QUERY", self.ANN: "CAN_MANAGE"}
        become("carl@example.com")
        assert run("plan", "--detailed-exitcode").code == 0

    def test_a_replacement_by_others_would_lose_the_creators_access(
        self, chat, run, become, grants
    ):
        become(self.ANN)
        chat()
        run("apply", "-y")
        become("bob@example.com")
        chat(task="llm/v1/completions")
        words = ("apply", "-y", "--allow-replace", "model_serving_endpoints.chat")
        refused = run(*words)
        assert refused.code == 1
        assert f"CAN_MANAGE of user {self.ANN}" in refused.err
        declared = f"permissions: [{{level: CAN_MANAGE, user_name: {self.ANN}}}]\n"
        chat(declared, task="llm/v1/completions")
        done = run(*words)
        assert done.code == 0, done.err
        assert grants() == {self.ANN: "CAN_MANAGE", "bob@example.com": "CAN_MANAGE"}
        assert run("plan", "--detailed-exitcode").code == 0

    def test_somebody_who_may_only_look_is_told_so(self, chat, run, workspace, monkeypatch):
        chat(ANALYSTS)
        run("apply", "-y")
        made = workspace.call("POST", "/__emulator__/principals", {"name": "dora@example.com"})
        identity = workspace.endpoint("chat")["id"]
        row = {"user_name": "dora@example.com", "permission_level": "CAN_VIEW"}
        workspace.call("PATCH", f"{ROOT}/{identity}", {"access_control_list": [row]})
        monkeypatch.setenv("DATABRICKS_TOKEN", made["token"])
        chat(ANALYSTS.replace("QUERY", "VIEW"))
        workspace.forget()
        result = run("apply", "-y")
        assert result.code in (1, 4)
        assert "PERMISSION_DENIED" in result.err
