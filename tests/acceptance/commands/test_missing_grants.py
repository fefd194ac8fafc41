"""Preflight and doctor list every privilege that is missing in Unity Catalog, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

UC = "/api/2.1/unity-catalog"
EXAMPLE = Path(__file__).parents[3] / "examples/unity-gateway/manifests/gateway.yaml"
DEPLOYER = "deployer@example.com"


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
        f"there is no catalog main in {workspace.server.url} that this login sees"
    ]
