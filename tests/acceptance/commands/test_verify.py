"""verify: the checks of the manifests against the live endpoints."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from manifest_texts import TWO_MODELS

CHECKS = """
checks:
  - name: answers
    prompt: What is a quoll?
    expect: {contains: quoll, total_tokens: 500}
  - name: the next one answers
    entity: next
    prompt: What is a quoll?
    expect: {contains: served by next}
"""


@pytest.fixture
def chat(repository, run, monkeypatch, workspace):
    """Write the endpoint ``chat`` with these checks and apply it."""
    monkeypatch.setenv("SHOP_KEY", "sk-of-the-shop")
    monkeypatch.setenv("COLUMNS", "80")

    def applied(checks: str = CHECKS) -> None:
        repository.endpoint(TWO_MODELS + checks)
        assert run("apply", "-y").code == 0
        workspace.forget()

    return applied


@pytest.fixture
def fault(workspace):
    def order(**rule: Any) -> None:
        workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})

    return order


def test_checks_that_pass(chat, run, workspace):
    chat()
    result = run("verify")
    assert (result.code, result.err) == (0, "")
    head, first, second, count = result.out.splitlines()
    assert head == "model_serving_endpoints.chat"
    assert first.split()[:2] == ["pass", "answers"]
    assert first.split()[-1] == "gpt"
    assert second.split()[-1] == "next"
    assert count == "2 of 2 checks passed"
    asked = sorted(path for _, path in workspace.writes())
    assert asked == [
        "/serving-endpoints/chat/invocations",
        "/serving-endpoints/chat/served-models/next/invocations",
    ]


def test_a_check_that_fails_says_what_was_expected_and_what_came(chat, run):
    chat(CHECKS.replace("contains: quoll", 'contains: "wombat"'))
    result = run("verify")
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[1].split()[:2] == ["fail", "answers"]
    assert lines[2].startswith("      expected text with `wombat`, got `Made-up answer")
    assert lines[-1] == "1 of 2 checks passed"
    assert max(map(len, lines)) <= 80


def test_the_answer_as_json(chat, run):
    chat(CHECKS.replace("served by next", "wombat"))
    result = run("verify", "-o", "json")
    assert (result.json["passed"], result.json["failed"]) == (1, 1)
    good, bad = result.json["checks"]
    assert list(good) == list(bad)
    assert good["address"] == "model_serving_endpoints.chat"
    assert (good["passed"], good["message"], good["entity"]) == (True, "", "gpt")
    assert good["tokens"] > 10
    assert bad["check"] == "the next one answers"
    assert "`wombat`" in bad["message"]


def test_the_results_go_into_a_report_of_tests(chat, run, repository):
    chat(CHECKS.replace("served by next", "wombat"))
    file = repository.root / "verify.xml"
    assert run("verify", "--report", f"junit={file}").code == 1
    root = ElementTree.parse(file).getroot()
    good, bad = root.iter("testcase")
    assert good.get("name") == "model_serving_endpoints.chat answers"
    assert good.find("failure") is None
    assert "expected text with `wombat`" in bad.find("failure").text


def test_what_a_model_says_cannot_obey_a_terminal(chat, run, fault):
    chat()
    body = {"error_code": "BAD_REQUEST", "message": "\x1b[2J\u202eevil"}
    fault(path="/serving-endpoints/chat/**", method="POST", action={"status": 400, "body": body})
    result = run("verify")
    assert result.code == 1
    assert "\x1b" not in result.out
    assert "\u202e" not in result.out


def test_an_endpoint_that_is_not_there_is_not_asked(chat, run, workspace):
    chat()
    workspace.call("DELETE", "/api/2.0/serving-endpoints/chat")
    workspace.forget()
    result = run("verify")
    assert result.code == 1
    assert "skipped: the endpoint does not exist yet; `provisioner apply` creates it" in result.out
    assert workspace.writes() == []


def test_an_endpoint_that_is_updating_is_not_asked(chat, run, repository, fault, workspace):
    chat()
    fault(deployment={"endpoint": "chat", "transition": "polls=9"})
    repository.endpoint(TWO_MODELS.replace("gpt-4o", "gpt-4o-mini") + CHECKS)
    assert run("apply", "-y", "--no-wait").code == 0
    workspace.forget()
    result = run("verify")
    assert result.code == 1
    assert "skipped: the endpoint is updating; to wait for it" in result.out
    assert workspace.writes() == []


def test_a_rate_limit_is_said_as_such_and_not_waited_for(chat, run, workspace):
    chat(
        "ai_gateway: {rate_limits: [{key: endpoint, renewal_period: minute, calls: 1}]}\n" + CHECKS
    )
    result = run("verify", "--parallelism", "1")
    assert result.code == 1
    assert "the rate limit was reached; try again in" in " ".join(result.out.split())
    assert len(workspace.writes()) == 2


def test_an_answer_that_takes_too_long_fails_its_check(chat, run, fault):
    chat()
    fault(path="/serving-endpoints/chat/invocations", action={"delay_ms": 1000})
    result = run("verify", "--timeout", "0.2s")
    assert result.code == 1
    assert "did not finish its answer within 0.2 s" in " ".join(result.out.split())
    assert "1 of 2 checks passed" in result.out


def test_an_endpoint_that_may_not_be_read_fails_its_checks_alone(chat, run, fault):
    chat()
    body = {"error_code": "PERMISSION_DENIED", "message": "not for you"}
    fault(path="/api/2.0/serving-endpoints/chat", action={"status": 403, "body": body})
    result = run("verify", "-o", "json")
    assert result.code == 1
    assert {one["message"] for one in result.json["checks"]} == {
        "skipped: GET /api/2.0/serving-endpoints/chat: 403 PERMISSION_DENIED: not for you"
    }


def test_a_workspace_that_does_not_answer_is_an_error_and_no_failed_check(chat, run, repository):
    chat()
    environment = repository.root / "environments" / "dev.yaml"
    environment.write_text(
        "workspace: {host: 'http://127.0.0.1:1'}\nmanifests: [manifests/*.yaml]\n"
    )
    result = run("verify")
    assert (result.code, result.out) == (1, "")
    assert "error[E408]" in result.err


def test_nothing_to_check_proves_nothing(chat, run, workspace):
    chat("")
    result = run("verify")
    assert result.code == 1
    assert "error[E747]" in result.err
    assert workspace.requests() == []


def test_only_the_selected_are_asked(chat, run):
    chat()
    assert run("verify", "--select", "chat").code == 0
    result = run("verify", "--select", "chatt")
    assert result.code == 1
    assert "did you mean `chat`?" in result.err


def test_checks_are_no_part_of_a_plan(chat, run, repository):
    chat()
    before = run("plan", "-o", "json").json
    repository.endpoint(TWO_MODELS + CHECKS.replace("quoll", "wombat"))
    after = run("plan", "-o", "json").json
    assert after == before
    assert "checks" not in json.dumps(after)


def test_an_environment_lays_its_own_over_them(chat, run, repository, workspace):
    chat()
    environment = repository.root / "environments" / "dev.yaml"
    overrides = """
variables: {animal: wombat}
overrides:
  model_serving_endpoints:
    chat:
      checks:
        - {name: answers, prompt: "What is a ${var.animal}?", expect: {contains: "${var.animal}"}}
        - {name: the next one answers, $delete: true}
        - {name: more, prompt: Hello, expect: {contains: nothing of it}}
"""
    environment.write_text(environment.read_text() + overrides)
    checks = run("verify", "-o", "json").json["checks"]
    assert [(one["check"], one["passed"]) for one in checks] == [("answers", True), ("more", False)]


def test_what_somebody_else_creates_is_checked_too(repository, run, workspace):
    repository.endpoint("""
name: databricks-dbrx-instruct
existing: true
checks:
  - {name: answers, prompt: What is a quoll?, expect: {contains: quoll}}
""")
    result = run("verify")
    assert result.code == 0, result.out + result.err


MISTAKES = [
    pytest.param("promt: x", "did you mean `prompt`?", id="an unknown field"),
    pytest.param("input: x", "`input` does not work for the task `llm/v1/chat`", id="another task"),
    pytest.param("prompt: x, expect: {pattern: '('}", "not a regular expression", id="a pattern"),
    pytest.param("prompt: x, expect: {}", "E1", id="an expectation of nothing"),
]


@pytest.mark.parametrize(("check", "said"), MISTAKES)
def test_mistakes_are_found_by_validate_where_they_are(repository, run, monkeypatch, check, said):
    monkeypatch.setenv("SHOP_KEY", "sk")
    repository.endpoint(f"{TWO_MODELS}checks:\n  - {{name: c, {check}}}\n")
    result = run("validate")
    assert result.code == 1
    assert said in result.err
    assert "manifests/endpoint.yaml:19:" in result.err
