"""A workspace that cannot be reached: the reason comes at once, and is the right one."""

from __future__ import annotations

import socket
import time

import pytest

PLACEHOLDERS = {
    "the host of the starter": "https://dev.workspace.example",
    "angle brackets of a page": "https://<your-workspace>",
    "angle brackets without a scheme": "<workspace-host>",
}


@pytest.mark.parametrize("host", PLACEHOLDERS.values(), ids=PLACEHOLDERS)
@pytest.mark.parametrize("has_token", [True, False])
def test_a_placeholder_is_recognised_before_any_request(
    run, repository, monkeypatch, host, has_token
):
    def refuse(*anything, **more):
        raise AssertionError("a name was looked up")

    if not has_token:
        monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    repository.endpoint("name: chat")
    repository.write("environments/dev.yaml", f"workspace: {{host: '{host}'}}\n")
    result = run("plan")
    assert result.code == 1
    assert "error[E420]" in result.err
    assert "is a placeholder, not the URL of a workspace" in result.err
    assert "write the URL of your workspace in environments/dev.yaml" in result.err


@pytest.mark.parametrize("has_token", [True, False])
def test_a_name_that_does_not_resolve_is_reported_at_once(
    run, repository, monkeypatch, tmp_path, has_token
):
    def unknown(*anything, **more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if not has_token:
        monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    repository.endpoint("name: chat")
    repository.write("environments/dev.yaml", "workspace: {host: https://misspelt.invalid}\n")
    started = time.monotonic()
    result = run("plan")
    assert time.monotonic() - started < 3  # Below a second on an idle machine.
    assert result.code == 1
    assert "error[E408]" in result.err
    assert "there is no host misspelt.invalid" in result.err
    assert "tried" not in result.err
    assert "for details, run `provisioner doctor -e dev`" in result.err
    assert "login" not in result.err


def test_a_missing_login_leads_to_doctor(run, repository, monkeypatch, tmp_path):
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("DATABRICKS_HOST", "")
    repository.endpoint("name: chat")
    result = run("plan")
    assert result.code == 1
    assert "for details, run `provisioner doctor -e dev`" in result.err
