"""Secret scopes: who may use them, and those that an Azure Key Vault keeps."""

from __future__ import annotations

import pytest

ROOT = "/api/2.0/secrets"
ME = "local-user@example.com"
VAULT = (
    "      backend_type: AZURE_KEYVAULT\n"
    "      backend_azure_keyvault:\n"
    "        resource_id: /subscriptions/1/resourceGroups/ml/providers/Microsoft/vaults/ID\n"
    "        dns_name: https://shop.vault.azure.net/\n"
)
SECRETS = "      secrets: {openai: {from_env: SHOP_KEY}}\n"


@pytest.fixture
def scope(repository, monkeypatch):
    """Writes the scope ``keys``."""
    monkeypatch.setenv("SHOP_KEY", "sk")

    def write(*blocks: str) -> None:
        text = "resources:\n  secret_scopes:\n    keys:\n      name: keys\n" + "".join(blocks)
        repository.write("manifests/scope.yaml", text)

    return write


def acls(**permissions: str) -> str:
    entries = [f"{{principal: {who}, permission: {what}}}" for who, what in permissions.items()]
    return f"      acls: [{', '.join(entries)}]\n"


@pytest.fixture
def granted(workspace):
    """Principal to permission, as the workspace has it."""

    def found() -> dict[str, str]:
        items = workspace.call("GET", f"{ROOT}/acls/list?scope=keys")["items"]
        return {item["principal"]: item["permission"] for item in items}

    return found


def test_a_new_scope_gets_its_keys_and_its_acls(scope, run, workspace, granted):
    scope(SECRETS, acls(analysts="READ", admins="MANAGE"))
    result = run("apply", "-y")
    assert result.code == 0, result.err
    assert [path for _, path in workspace.writes()] == [
        f"{ROOT}/scopes/create",
        f"{ROOT}/put",
        f"{ROOT}/acls/put",
        f"{ROOT}/acls/put",
    ]
    assert granted() == {"analysts": "READ", "admins": "MANAGE", ME: "MANAGE"}
    assert run("plan", "--detailed-exitcode").code == 0


def test_only_declared_principals_are_touched(scope, run, workspace, granted):
    scope(acls(analysts="READ"))
    run("apply", "-y")
    for who in ("guests", "analysts"):
        put = {"scope": "keys", "principal": who, "permission": "WRITE"}
        workspace.call("POST", f"{ROOT}/acls/put", put)
    (step,) = run("plan", "-o", "json").json["steps"]
    assert [(one["path"], one["before"], one["after"]) for one in step["changes"]] == [
        ("acls[analysts].permission", "WRITE", "READ")
    ]
    assert run("apply", "-y").code == 0
    assert granted() == {"analysts": "READ", "guests": "WRITE", ME: "MANAGE"}
    scope()
    assert run("plan", "--detailed-exitcode").code == 0


def test_access_that_is_not_declared_any_more_is_told_and_stays(scope, run, granted):
    scope(acls(analysts="READ", guests="WRITE"))
    run("apply", "-y")
    scope(acls(analysts="READ"))
    plan = run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert "= unchanged  secret_scopes.keys  (keys)" in plan.out
    told = " ".join(plan.out.split())
    assert f"not declared here, so it is kept: access of guests (WRITE), {ME} (MANAGE)" in told
    assert granted()["guests"] == "WRITE"
    # Whoever made the scope manages it, which is no news.
    scope(acls(analysts="READ", guests="WRITE"))
    assert "access of" not in run("plan").out


def test_the_only_one_who_may_manage_a_scope_keeps_that(scope, run, granted):
    scope()
    run("apply", "-y")
    scope(f"      acls: [{{principal: {ME.upper()}, permission: READ}}]\n")
    plan = run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert "no other principal could manage the scope then" in " ".join(plan.out.split())
    scope(
        f"      acls:\n        - {{principal: {ME}, permission: WRITE}}\n"
        "        - {principal: admins, permission: MANAGE}\n"
    )
    assert run("apply", "-y").code == 0
    assert granted() == {ME: "WRITE", "admins": "MANAGE"}


def test_acls_are_asked_for_only_where_they_are_declared(scope, run, workspace):
    scope(acls(analysts="READ"))
    run("plan")
    assert f"{ROOT}/acls/list" not in [path for _, path in workspace.requests()]
    run("apply", "-y")
    workspace.forget()
    run("plan")
    asked = [path for _, path in workspace.requests() if path.startswith(ROOT)]
    assert sorted(asked) == [f"{ROOT}/acls/list", f"{ROOT}/list", f"{ROOT}/scopes/list"]
    scope()
    workspace.forget()
    run("plan")
    assert f"{ROOT}/acls/list" not in [path for _, path in workspace.requests()]


def test_acls_that_may_not_be_read_are_an_error(scope, run, workspace):
    scope(acls(analysts="READ"))
    run("apply", "-y")
    body = {"error_code": "PERMISSION_DENIED", "message": "no"}
    action = {"status": 403, "body": body}
    rule = {"path": f"{ROOT}/acls/list", "action": action}
    workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    result = run("plan")
    assert result.code == 1
    assert "PERMISSION_DENIED" in result.err


def test_what_is_ignored_is_not_granted(scope, run, granted):
    scope(acls(analysts="READ"), "      lifecycle: {ignore_changes: ['acls[analysts]']}\n")
    assert run("apply", "-y").code == 0
    assert granted() == {ME: "MANAGE"}


def test_a_scope_in_a_key_vault_is_created_and_then_left_alone(scope, run, workspace):
    scope(VAULT, acls(analysts="READ"))
    result = run("apply", "-y")
    assert result.code == 0, result.err
    (made,) = workspace.call("GET", f"{ROOT}/scopes/list")["scopes"]
    assert made["backend_type"] == "AZURE_KEYVAULT"
    assert made["keyvault_metadata"]["dns_name"] == "https://shop.vault.azure.net/"
    assert run("plan", "--detailed-exitcode").code == 0
    scope(VAULT.replace("azure.net/", "azure.net").replace("Microsoft", "microsoft"))
    assert run("plan", "--detailed-exitcode").code == 0


def test_the_words_of_a_bundle_are_understood(scope, run, granted):
    scope(
        VAULT.replace("backend_azure_keyvault", "keyvault_metadata"),
        "      permissions:\n        - {level: READ, group_name: analysts}\n"
        "        - {level: WRITE, user_name: ann@example.com}\n",
    )
    result = run("validate")
    assert result.code == 0
    assert result.err.count("warning[W730]") == 2
    assert run("apply", "-y").code == 0
    assert granted() == {"analysts": "READ", "ann@example.com": "WRITE", ME: "MANAGE"}
    assert run("plan", "--detailed-exitcode").code == 0


MOVED = [
    pytest.param(VAULT.replace("vaults/ID", "vaults/other"), "resource_id", id="another vault"),
    pytest.param(VAULT.replace("shop.", "bakery."), "dns_name", id="another address"),
    pytest.param("      backend_type: DATABRICKS\n", "backend_type", id="no vault"),
]


@pytest.mark.parametrize(("after", "field"), MOVED)
def test_moving_a_scope_is_blocked_with_a_remedy(scope, run, workspace, after, field):
    scope(VAULT)
    run("apply", "-y")
    scope(after)
    workspace.forget()
    result = run("apply", "-y")
    assert result.code == 1
    assert f"{field}: set when the scope was created" in result.err
    assert "declare a scope with another name" in result.err
    assert workspace.writes() == []


MISTAKES = [
    pytest.param([VAULT, SECRETS], "E344", "9:7", id="values for a vault"),
    pytest.param(
        ["      backend_type: AZURE_KEYVAULT\n"], "E345", "5:21", id="a vault that is not named"
    ),
    pytest.param(
        [VAULT.replace("backend_type: AZURE_KEYVAULT", "backend_type: DATABRICKS")],
        "E345",
        "6:7",
        id="a vault for another type",
    ),
    pytest.param(
        ["      acls: [{principal: a, permission: READ}, {principal: A, permission: WRITE}]\n"],
        "E346",
        "5:60",
        id="a principal twice",
    ),
    pytest.param(
        ["      acls: []\n      permissions: []\n"], "E347", "6:7", id="in both kinds of words"
    ),
    pytest.param(
        ["      acls: [{principal: a, permission: OWN}]\n"], "E107", "5:41", id="a wrong permission"
    ),
]


@pytest.mark.parametrize(("blocks", "code", "place"), MISTAKES)
def test_mistakes_are_told_at_their_places(scope, run, blocks, code, place):
    scope(*blocks)
    result = run("validate")
    assert result.code == 1
    assert f"error[{code}]" in result.err
    assert f"manifests/scope.yaml:{place}" in result.err
