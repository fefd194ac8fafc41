"""`logs` and `open`: what an endpoint said, and where its page is."""

from __future__ import annotations

import pytest

from provisioner.commands.logs.logs import new_part

MODEL = """name: chat
config:
  served_entities:
    - {name: one, entity_name: main.ml.one, entity_version: "1", workload_size: Small,
       scale_to_zero_enabled: true}
"""


@pytest.fixture
def applied(run, repository):
    repository.endpoint(MODEL)
    assert run("apply", "-y").code == 0


def test_the_logs_of_an_endpoint_are_marked_with_entity_and_source(applied, run):
    result = run("logs", "chat")
    assert result.code == 0
    assert "one build | [local workspace] Building the container image." in result.out
    assert "one server | [local workspace] Starting the server" in result.out


def test_one_source_of_one_entity(applied, run):
    result = run("logs", "chat", "--entity", "one", "--source", "build", "-o", "json")
    (log,) = result.json["logs"]
    assert (log["entity"], log["source"], log["reason"]) == ("one", "build", "")
    assert "Building" in log["text"]


def test_an_entity_that_is_not_served_is_answered_with_the_ones_that_are(applied, run):
    result = run("logs", "chat", "--entity", "on")
    assert result.code == 1
    assert "did you mean `one`?" in result.err


def test_an_endpoint_that_is_not_applied_has_no_logs(run, repository):
    repository.endpoint(MODEL)
    assert "there is no endpoint `chat`" in run("logs", "chat").err


GROWTH = {
    "nothing new": ("a\n", "a\n", ""),
    "a line more": ("a\n", "a\nb\n", "b\n"),
    "the first lines are gone": ("a\nb\n", "b\nc\n", "c\n"),
    "another log": ("a\n", "x\ny\n", "x\ny\n"),
    "the first look": ("", "a\n", "a\n"),
}


@pytest.mark.parametrize(("before", "after", "expected"), GROWTH.values(), ids=GROWTH)
def test_only_what_is_new_is_followed(before, after, expected):
    assert new_part(before, after) == expected


def test_the_page_of_an_endpoint_is_printed_and_in_the_json_of_status(applied, run, workspace):
    page = f"{workspace.server.url}/ml/endpoints/chat"
    assert run("open", "chat").out == f"{page}\n"
    (row,) = run("status", "-o", "json").json["resources"]
    assert row["url"] == page
    outcome = run("apply", "-y", "-o", "json").json
    assert outcome["outcomes"] == []


def test_a_local_workspace_has_no_page_until_it_is_started(run, repository):
    repository.endpoint(MODEL)
    repository.write("environments/dev.yaml", "workspace: {emulator: .provisioner/dev.sqlite}\n")
    result = run("open", "chat")
    assert result.code == 1
    assert "provisioner emulator start --state .provisioner/dev.sqlite" in result.err


def test_a_first_deployment_that_failed_has_its_build_log(run, repository):
    external = """name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key: "{{secrets/missing/key}}"}
"""
    repository.endpoint(external)
    assert run("apply", "-y").code == 4
    result = run("logs", "chat", "--source", "build")
    assert "gpt build | [local workspace] DEPLOYMENT_FAILED" in result.out
