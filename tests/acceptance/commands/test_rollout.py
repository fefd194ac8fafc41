"""A gradual rollout from the command line, with the clock of the local workspace moved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rollout_scene import MANIFEST, Scene


@pytest.fixture
def fraud(repository: Any, workspace: Any, run: Any) -> Scene:
    scene = Scene(repository, workspace, run)
    scene.declare(11)
    assert run("apply", "-y").code == 0
    return scene


def test_the_first_version_is_created_without_a_rollout(fraud: Scene) -> None:
    assert fraud.traffic == {"champion-11": 100}
    assert fraud.tag == ""
    assert fraud.run("plan", "--detailed-exitcode").code == 0


def test_a_new_version_goes_live_step_by_step(fraud: Scene) -> None:
    started = fraud.start()
    assert started.code == 0, started.err
    assert fraud.traffic == {"champion-11": 95, "champion-12": 5}
    assert fraud.run("plan", "--detailed-exitcode").code == 0
    assert fraud.run("rollout", "advance").code == 0
    assert fraud.traffic["champion-12"] == 5
    seen = [5]
    for seconds in (600, 1800, 86_400):
        fraud.later(seconds)
        fraud.ask(entity="champion-12")
        assert fraud.run("rollout", "advance").code == 0
        seen.append(fraud.traffic["champion-12"])
    assert seen == [5, 25, 100, 100]
    assert fraud.traffic == {"champion-12": 100}
    assert fraud.tag == ""
    assert fraud.run("plan", "--detailed-exitcode").code == 0


def test_a_bad_version_steps_back_and_stays_rejected(fraud: Scene) -> None:
    fraud.start(13)
    fraud.fail("champion-13", 30)
    fraud.ask(199, entity="champion-13")
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 1
    assert fraud.traffic == {"champion-11": 100, "champion-13": 0}
    why = "rolled back at 5 % (errors 29.9 % > 1 %)"
    assert why in fraud.run("rollout", "status").out
    plan = fraud.run("plan")
    assert plan.code == 1
    assert f"version 13 was {why}" in plan.out
    assert fraud.run("apply", "-y").code == 1
    assert fraud.ask() == []


def test_too_few_requests_hold_a_rollout_and_say_so(fraud: Scene) -> None:
    fraud.start()
    fraud.later(600)
    fraud.ask(7, entity="champion-12")
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 0
    assert "7 of 20 requests" in advanced.out
    assert fraud.traffic["champion-12"] == 5


def test_a_person_goes_on_holds_and_goes_back(fraud: Scene) -> None:
    fraud.start()
    assert fraud.run("rollout", "hold", "fraud").code == 0
    fraud.later(7200)
    fraud.ask(entity="champion-12")
    assert "it is held" in fraud.run("rollout", "advance").out
    assert fraud.run("rollout", "go", "fraud").code == 0
    assert fraud.traffic["champion-12"] == 25
    assert fraud.run("rollout", "back", "fraud").code == 0
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}
    assert fraud.run("plan").code == 1
    assert fraud.run("rollout", "retry", "fraud").code == 0
    assert fraud.run("plan").code == 0


def test_finish_goes_to_the_end_with_the_checks_only(fraud: Scene) -> None:
    fraud.start()
    assert fraud.run("rollout", "finish", "fraud").code == 0
    assert fraud.traffic == {"champion-11": 0, "champion-12": 100}
    assert fraud.run("rollout", "finish", "fraud").code == 0
    assert fraud.traffic == {"champion-12": 100}


def test_a_third_version_never_makes_three(fraud: Scene) -> None:
    fraud.start(12)
    result = fraud.start(13)
    assert result.code == 0, result.err
    assert fraud.traffic == {"champion-11": 95, "champion-13": 5}


def test_the_old_version_returns_at_once_and_nothing_is_deployed(fraud: Scene) -> None:
    fraud.start(12)
    fraud.workspace.forget()
    assert fraud.start(11).code == 0
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}


def test_apply_says_that_a_rollout_is_not_finished(fraud: Scene) -> None:
    fraud.declare(12)
    assert fraud.run("apply", "-y", "--detailed-exitcode").code == 6
    assert fraud.run("apply", "-y", "--detailed-exitcode").code == 6
    assert fraud.run("apply", "-y").code == 0


def test_other_fields_apply_at_once_while_a_rollout_is_under_way(fraud: Scene) -> None:
    fraud.start(12)
    tagged = MANIFEST.replace("checks:", "tags: [{{key: team, value: risk}}]\nchecks:")
    fraud.declare(12, tagged)
    assert fraud.run("apply", "-y").code == 0
    tags = {tag["key"] for tag in fraud.workspace.endpoint("fraud")["tags"]}
    assert "team" in tags
    assert fraud.traffic == {"champion-11": 95, "champion-12": 5}


def test_a_plan_of_a_rollout_can_be_saved_and_applied(fraud: Scene, tmp_path: Any) -> None:
    fraud.declare(12)
    file = str(tmp_path / "plan.json")
    assert fraud.run("plan", "--out", file).code == 0
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert plan["steps"][0]["rollout"]["steps"][1] == {
        "percent": 5,
        "for_seconds": 600,
        "pause": False,
    }
    assert fraud.run("apply", file).code == 0
    assert fraud.traffic["champion-12"] == 5


def test_traffic_that_was_moved_by_hand_is_told_and_taken_over_on_request(fraud: Scene) -> None:
    fraud.start()
    fraud.divide({"champion-11": 83, "champion-12": 17})
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 1
    assert "the traffic was changed by hand" in advanced.out
    assert fraud.traffic["champion-12"] == 17
    assert fraud.run("rollout", "advance", "--take-over").code == 0
    assert fraud.traffic["champion-12"] == 5
    assert "next 25 %" in fraud.run("rollout", "advance").out


def test_a_tag_that_was_removed_by_hand_starts_the_time_of_the_step_again(fraud: Scene) -> None:
    fraud.start()
    fraud.later(6000)
    fraud.ask(entity="champion-12")
    fraud.untag()
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 0
    assert "the tag is missing, so the time of this step starts again" in advanced.out
    assert fraud.traffic["champion-12"] == 5
    assert "next 25 %" in fraud.run("rollout", "status").out


def test_a_version_at_no_traffic_without_a_tag_is_not_started(fraud: Scene) -> None:
    fraud.start()
    fraud.run("rollout", "back", "fraud")
    fraud.untag()
    advanced = fraud.run("rollout", "advance")
    assert "a version at 0 % without the tag does not start automatically" in advanced.out
    assert fraud.traffic["champion-12"] == 0


def test_a_deleted_previous_version_is_told(fraud: Scene) -> None:
    fraud.start()
    fraud.divide({"champion-12": 100})
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 1
    assert "the previous version was deleted by hand" in advanced.out
    assert fraud.run("rollout", "finish", "fraud").code == 0
    assert fraud.tag == ""


def test_a_deleted_new_version_is_told(fraud: Scene) -> None:
    fraud.start()
    fraud.divide({"champion-11": 100})
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 1
    assert "the new version was deleted by hand" in advanced.out


def test_a_failed_deployment_of_the_new_version_is_told(fraud: Scene) -> None:
    failed = {"deployment": {"endpoint": "fraud", "entity": "*", "state": "DEPLOYMENT_FAILED"}}
    fraud.workspace.call("POST", "/__emulator__/faults", {"rules": [failed]})
    assert fraud.start().code != 0
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 1
    assert "the deployment of the new version failed" in advanced.out
    assert fraud.traffic["champion-11"] == 100


def test_metrics_that_are_not_there_hold_a_rollout(fraud: Scene) -> None:
    fraud.start()
    fraud.later(600)
    path = "/api/2.0/serving-endpoints/fraud/metrics"
    rule = {"path": path, "times": 0, "action": {"status": 403, "body": {"message": "no"}}}
    fraud.workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 0
    assert "errors not known, no metrics" in advanced.out
    assert fraud.traffic["champion-12"] == 5


def test_metrics_without_a_label_judge_the_endpoint_as_a_whole(fraud: Scene) -> None:
    fraud.start()
    fraud.workspace.call("POST", "/__emulator__/metrics", {"entities": False})
    fraud.later(600)
    fraud.ask(40)
    advanced = fraud.run("rollout", "advance")
    assert "errors 0 % ok of the whole endpoint" in advanced.out
    assert fraud.traffic["champion-12"] == 25


def test_advance_from_another_commit_moves_nothing(fraud: Scene) -> None:
    fraud.start(12)
    fraud.later(600)
    fraud.ask(entity="champion-12")
    fraud.declare(13)
    advanced = fraud.run("rollout", "advance")
    assert "for another version than this manifest declares" in advanced.out
    assert fraud.traffic["champion-12"] == 5


def test_steps_that_change_on_the_way_are_blocked(fraud: Scene) -> None:
    fraud.start(12)
    fraud.declare(12, MANIFEST.replace("25% for 30m", "50% for 30m"))
    plan = fraud.run("plan")
    assert plan.code == 1
    assert "the steps were changed while version 12 has 5 % of the traffic" in plan.out


def test_a_block_that_is_removed_on_the_way_is_blocked_until_finish_or_back(fraud: Scene) -> None:
    fraud.start(12)
    fraud.declare(12, MANIFEST.partition("rollout:")[0])
    plan = fraud.run("plan")
    assert plan.code == 1
    assert "the `rollout` block was removed" in plan.out
    assert fraud.run("rollout", "back", "fraud").code == 0
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}


def test_verify_asks_the_declared_version_by_its_live_name(fraud: Scene) -> None:
    named = MANIFEST.replace("- name: answers", "- name: answers\n    entity: champion")
    fraud.declare(11, named)
    verified = fraud.run("verify")
    assert verified.code == 0, verified.out
    assert "champion-11" in verified.out
