"""``doctor``: what is between this machine and a workspace, and what helps."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.cli import main
from provisioner.commands.doctor.doctor import DiagnosisStatus, DoctorOptions, findings

CHAT = """
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
ENDPOINTS = "/api/2.0/serving-endpoints"


def found(result) -> dict[str, list[dict[str, str]]]:
    """The findings by what they are about."""
    by_about: dict[str, list[dict[str, str]]] = {}
    for one in result.json["findings"]:
        by_about.setdefault(one["about"], []).append(one)
    return by_about


@pytest.fixture
def chat(repository, workspace):
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    key = {"scope": "keys", "key": "openai", "string_value": "canary-of-a-doctor"}
    workspace.call("POST", "/api/2.0/secrets/put", key)
    repository.endpoint(CHAT)
    return repository


def test_a_healthy_way_ends_with_0_and_says_who_one_is(run, chat, workspace):
    result = run("doctor", "-o", "json")
    assert result.code == 0, result.out
    about = found(result)
    assert list(about) == [
        "versions",
        "git",
        "manifests",
        "network",
        "clock",
        "login",
        "identity",
        "serving endpoints",
        "secret scopes",
        "declared",
        "needs",
    ]
    assert about["login"][0]["message"] == "pat, from DATABRICKS_TOKEN"
    assert "@" in about["identity"][0]["message"]
    assert about["declared"][0]["message"] == "0 of 1 found"
    assert workspace.writes()[2:] == []
    text = run("doctor").out
    assert "✓ ok       login" in text
    assert "dapi-acceptance" not in text + result.out


def test_files_that_are_not_there_are_told_with_what_helps(run, chat, tmp_path_factory, capsys):
    assert "the environments are `dev`" in run("doctor", "-e", "nope").out
    assert main(["doctor", "-C", str(tmp_path_factory.mktemp("empty"))]) == 1
    said = capsys.readouterr().out
    assert "provisioner init" in said
    assert "validate" not in said


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_nobody_answers_and_that_is_said_at_once(run, chat, closed_port):
    host = f"http://127.0.0.1:{closed_port}"
    chat.write("environments/dev.yaml", f"workspace: {{host: {host}}}\n")
    started = time.monotonic()
    result = run("doctor", "-o", "json")
    assert time.monotonic() - started < 8
    assert result.code == 1
    (network,) = found(result)["network"]
    assert network["verdict"] == "failed"
    assert host in network["message"]
    assert found(result)["rights"][0]["verdict"] == "unknown"


def test_a_server_that_says_nothing_holds_nobody_up(chat, monkeypatch):
    from provisioner.workspace import probe

    monkeypatch.setattr(probe, "LIMIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        chat.write("environments/dev.yaml", f"workspace: {{host: 'http://127.0.0.1:{port}'}}\n")
        said = {one.about: one for one in findings(DoctorOptions(chat.root, "dev"))}
    assert said["network"].verdict is DiagnosisStatus.FAILED
    assert "did not finish its answer within 0.3 s" in said["network"].message


def test_the_address_of_a_template_is_nobodys(run, chat):
    chat.write("environments/dev.yaml", "workspace: {host: https://dev.workspace.example}\n")
    result = run("doctor", "-o", "json")
    assert result.code == 1
    assert "environments/dev.yaml" in found(result)["network"][0]["hint"]


def test_no_login_is_explained_with_the_ways_to_one(run, chat, monkeypatch):
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("DATABRICKS_AUTH_TYPE", "pat")
    result = run("doctor", "-o", "json")
    assert result.code == 1
    assert found(result)["login"][0]["verdict"] == "failed"
    assert "identity" not in found(result)


def test_a_login_that_is_refused_is_told_where_one_is_asked_who_one_is(run, chat, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-wrong-canary")
    result = run("doctor", "-o", "json")
    assert result.code == 1
    assert found(result)["identity"][0]["verdict"] == "failed"
    assert "canary" not in result.out + result.err


def test_manifests_with_errors_come_first(run, chat):
    chat.endpoint(CHAT.replace("provider:", "providr:"))
    result = run("doctor", "-o", "json")
    assert result.code == 1
    (manifests,) = found(result)["manifests"]
    assert manifests["hint"] == "provisioner validate -e dev"
    assert found(result)["workspace"][0]["verdict"] == "unknown"


def test_what_the_manifests_name_and_nobody_has_is_named(run, chat):
    chat.endpoint(CHAT.replace("keys/openai", "keys/anthropic"))
    result = run("doctor", "-o", "json")
    assert result.code == 1
    (needs,) = [one for one in found(result)["needs"] if one["verdict"] == "failed"]
    assert "has no key `anthropic`" in needs["message"]
    assert "put-secret keys anthropic" in needs["hint"]


def faults(workspace, status: int, body: dict[str, str], *paths: str) -> None:
    rules = [{"path": path, "action": {"status": status, "body": body}} for path in paths]
    workspace.call("POST", "/__emulator__/faults", {"rules": rules})


def test_what_may_not_be_listed_or_read_is_named(run, chat, workspace):
    assert run("apply", "-y").code == 0
    no = {"error_code": "PERMISSION_DENIED", "message": "not you"}
    faults(workspace, 403, no, ENDPOINTS, f"{ENDPOINTS}/chat")
    result = run("doctor", "-o", "json")
    assert result.code == 1
    assert found(result)["serving endpoints"][0]["verdict"] == "failed"
    refused, counted = found(result)["declared"]
    assert refused["message"].startswith("model_serving_endpoints.chat cannot be read")
    assert counted["message"] == "0 of 1 found"


def test_what_may_only_be_read_is_named(run, chat, workspace):
    assert run("apply", "-y").code == 0
    shown = {**workspace.endpoint("chat"), "permission_level": "CAN_VIEW"}
    faults(workspace, 200, shown, f"{ENDPOINTS}/chat")
    result = run("doctor", "-o", "json")
    assert result.code == 1
    assert "can be read but not changed" in found(result)["declared"][0]["message"]


SKEWS = {
    0: DiagnosisStatus.OK,
    60: DiagnosisStatus.WARNING,
    -60: DiagnosisStatus.WARNING,
    3600: DiagnosisStatus.FAILED,
}


@pytest.mark.parametrize("seconds", SKEWS)
def test_a_wrong_clock_is_told_by_how_much(seconds: int, chat):
    def clock() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    said = {one.about: one for one in findings(DoctorOptions(chat.root, "dev"), clock)}
    assert said["clock"].verdict is SKEWS[seconds]


def test_no_line_is_longer_than_the_terminal(run, chat, monkeypatch):
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("doctor").out.splitlines()
    assert max(map(len, lines)) <= 80
