"""What plan, status, drift, verify and the reports say while a rollout is under way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rollout_scene import MANIFEST, Scene

KEY = "model_serving_endpoints.chat"


@pytest.fixture
def fraud(repository: Any, workspace: Any, run: Any) -> Scene:
    scene = Scene(repository, workspace, run)
    scene.declare(11)
    assert run("apply", "-y").code == 0
    return scene


def test_a_plan_shows_steps_the_next_move_and_what_is_paid_twice(fraud: Scene) -> None:
    fraud.declare(12)
    start = fraud.run("plan").out
    assert "rollout 11 -> 12: starts at 0 %, then 5 %, 25 %, 100 %" in start
    assert "ends at the earliest in 40 min; until then you pay twice for Small CPU" in flat(start)
    assert "steps: [0] → 5 → 25 → 100 %" in start
    assert "provisioner_rollout  (not set) → going to 0 %" in start
    fraud.run("apply", "-y")
    going = flat(fraud.run("plan").out)
    assert "rollout 11 -> 12: at 5 %, then 25 % not before " in going
    assert "steps: 0 → [5] → 25 → 100 %" in going
    note = fraud.run("plan", "-o", "json").json["steps"][0]["rollout"]
    assert note["earliest_end"] - note["due"] == 1800


def test_reports_show_a_rollout_though_nothing_is_to_be_applied(
    fraud: Scene, tmp_path: Path
) -> None:
    fraud.start()
    formats = ("markdown=plan.md", "html=plan.html", "junit=plan.xml")
    flags = [word for name in formats for word in ("--report", name.replace("=", f"={tmp_path}/"))]
    assert fraud.run("plan", *flags).code == 0
    markdown = (tmp_path / "plan.md").read_text(encoding="utf-8")
    assert "Steps: **0 → [5] → 25 → 100 %**" in markdown
    assert "### = rolled out step by step" in markdown
    page = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert '<li class="here"><b>5 %</b><span>for 10 min</span></li>' in page
    (case,) = ElementTree.parse(tmp_path / "plan.xml").iter("testcase")
    output = case.findtext("system-out") or ""
    assert "steps: 0 → [5] → 25 → 100 %" in output
    assert "until then you pay twice for Small CPU" in output


def test_status_shows_where_a_rollout_stands(fraud: Scene) -> None:
    fraud.start()
    status = fraud.run("status").out
    # A machine that is busy takes a second or two between the move and the question.
    assert re.search(r"rollout: 12 at 5 % beside 11, for \d s of 10 min, next 25 % at ", status)
    assert "0 → [5] → 25 → 100" in status
    (row,) = fraud.run("status", "-o", "json").json["resources"]
    assert (row["rollout"]["percent"], row["rollout"]["steps"]) == (5, [0, 5, 25, 100])
    fraud.later(700)
    due = flat(fraud.run("status").out)
    assert "next: 25 % (its time is over: run `provisioner rollout advance`)" in due


def test_a_status_without_a_rollout_has_no_line_about_one(fraud: Scene) -> None:
    assert "rollout" not in fraud.run("status").out
    assert "rollout" not in fraud.run("status", "-o", "json").json["resources"][0]


def test_a_split_that_was_moved_by_hand_is_drift_with_its_remedy(fraud: Scene) -> None:
    fraud.start()
    assert fraud.run("drift", "--detailed-exitcode").code == 0
    fraud.divide({"champion-11": 83, "champion-12": 17})
    drift = fraud.run("drift", "--detailed-exitcode")
    assert drift.code == 2
    assert "the traffic was changed by hand" in flat(drift.out)
    assert "provisioner rollout advance chat --take-over" in flat(drift.out)
    assert fraud.run("drift", "-o", "json").json["drift"][0]["sort"] == "rollout"
    plan = flat(fraud.run("plan").out)
    assert "at 17 %, waiting for a decision: the traffic was changed by hand" in plan
    assert "steps: 0 → 5 → (17) → 25 → 100 %" in plan
    status = fraud.run("rollout", "status").out
    assert "hint: continue from the nearest lower step: provisioner rollout advance chat" in status


def test_a_version_that_is_held_without_a_tag_is_drift_and_a_person_can_start_it(
    fraud: Scene,
) -> None:
    fraud.start()
    fraud.run("rollout", "back", "fraud")
    fraud.untag()
    drift = flat(fraud.run("drift").out)
    assert "a version at 0 % without the tag does not start automatically" in drift
    assert "provisioner rollout go chat" in drift
    assert fraud.run("rollout", "go", "chat").code == 0
    assert fraud.run("rollout", "advance").code == 0
    assert fraud.traffic["champion-12"] == 5


def test_a_rejected_version_is_drift_and_says_the_command_that_retries_it(fraud: Scene) -> None:
    fraud.start(13)
    fraud.run("rollout", "back", "fraud")
    drift = flat(fraud.run("drift").out)
    assert "version 13 was rolled back at 5 %" in drift
    hint = "release another version, or try this one again: provisioner rollout retry chat"
    assert hint in drift
    assert hint in flat(fraud.run("plan").out)
    assert "rolled back at 5 %" in fraud.run("status").out


def test_a_removed_block_is_drift_and_shows_no_steps(fraud: Scene) -> None:
    fraud.start()
    fraud.declare(12, MANIFEST.partition("rollout:")[0])
    assert "the `rollout` block was removed while" in flat(fraud.run("drift").out)
    assert "steps:" not in fraud.run("plan").out
    assert "its `rollout` block was removed" in fraud.run("status").out


def test_a_plan_of_a_third_version_says_whose_traffic_returns_first(fraud: Scene) -> None:
    fraud.start(12)
    fraud.declare(13)
    plan = flat(fraud.run("plan").out)
    assert (
        "rollout 11 -> 13: all traffic returns from 12 to 11 first; then at 0 %, then 5 %" in plan
    )
    status = fraud.run("rollout", "status").out
    assert "12 at 5 % beside 11, 13 is declared" in status


def test_a_plan_after_a_deleted_version_says_why_it_starts_again(fraud: Scene) -> None:
    fraud.start()
    fraud.divide({"champion-11": 100})
    plan = flat(fraud.run("plan").out)
    assert "starts at 0 % again, because the new version was deleted by hand" in plan
    assert "the new version was deleted by hand" in flat(fraud.run("drift").out)


def test_going_back_without_a_previous_version_says_that_it_was_deleted(fraud: Scene) -> None:
    fraud.start()
    fraud.divide({"champion-12": 100})
    back = fraud.run("rollout", "back", "chat")
    assert back.code == 1
    assert "the previous version was deleted by hand" in back.out
    assert "end it: provisioner rollout finish chat" in back.out
    assert "the previous version was deleted by hand" in flat(fraud.run("plan").out)


def test_all_forms_of_rollout_status_say_why_a_version_went_back(fraud: Scene) -> None:
    fraud.start(13)
    fraud.fail("champion-13", 30)
    fraud.ask(199, entity="champion-13")
    failed = fraud.run("rollout", "advance", "-o", "junit")
    assert failed.code == 1
    (suite,) = ElementTree.fromstring(failed.out).iter("testsuite")
    assert suite.get("failures") == "1"
    why = "rolled back at 5 % (errors 29.9 % > 1 %)"
    (row,) = fraud.run("rollout", "status", "-o", "json").json["rollouts"]
    assert (row["rejected"], row["why_back"]) == (True, "errors 29.9 % > 1 %")
    assert row["hint"].endswith("provisioner rollout retry chat")
    markdown = fraud.run("rollout", "status", "-o", "markdown").out
    assert why in markdown
    assert "Hint: release another version" in markdown
    for command in (["rollout", "status"], ["status"], ["plan"]):
        assert why in flat(fraud.run(*command).out)


def test_a_deletion_says_that_a_rollout_ends_with_it(fraud: Scene) -> None:
    fraud.start()
    fraud.repository.write(
        "manifests/endpoint.yaml",
        "removed: {model_serving_endpoints: {chat: {name: fraud, delete: true}}}\n",
    )
    plan = flat(fraud.run("plan").out)
    assert "a rollout is active, and all of its versions are deleted" in plan


def test_verify_asks_both_versions_while_both_have_traffic(fraud: Scene) -> None:
    fraud.start()
    answers = fraud.run("verify", "-o", "json").json["checks"]
    assert [answer["entity"] for answer in answers] == ["champion-12", "champion-11"]


def test_verify_asks_the_version_that_serves_after_a_step_back(fraud: Scene) -> None:
    named = MANIFEST.replace("- name: answers", "- name: answers\n    entity: champion")
    fraud.declare(12, named)
    fraud.run("apply", "-y")
    fraud.run("rollout", "back", "chat")
    answers = fraud.run("verify", "-o", "json").json["checks"]
    assert [answer["entity"] for answer in answers] == ["champion-11"]


def test_a_plan_says_that_a_version_without_traffic_is_a_fallback(fraud: Scene) -> None:
    external = """
name: fraud
config:
  served_entities:
    - name: champion
      external_model:
        name: {model}
        provider: openai
        task: llm/v1/chat
        openai_config: {{openai_api_key: "{{{{secrets/scope/key}}}}"}}
ai_gateway:
  fallback_config: {{enabled: true}}
rollout:
  steps: [5% for 10m]
"""
    call = fraud.workspace.call
    call("POST", "/api/2.0/secrets/scopes/create", {"scope": "scope"})
    secret = {"scope": "scope", "key": "key", "string_value": "x"}
    call("POST", "/api/2.0/secrets/put", secret)
    call("DELETE", "/api/2.0/serving-endpoints/fraud")
    fraud.repository.endpoint(external.format(model="gpt-5"))
    assert fraud.run("apply", "-y").code == 0
    fraud.repository.endpoint(external.format(model="gpt-5-1"))
    plan = flat(fraud.run("plan").out)
    assert "rollout gpt-5 -> gpt-5-1: starts at 0 %" in plan
    assert "a version at 0 % answers requests that another version cannot answer" in plan


def flat(text: str) -> str:
    """``text`` without the line breaks of a narrow terminal."""
    return " ".join(text.split())
