"""What starts a rollout, waits for it, refuses it, or stands in its way."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from rollout_scene import MANIFEST, Scene

from provisioner.cli import main

AT_ONCE = MANIFEST.partition("rollout:")[0] + "rollout: {{steps: [5%, 25%], keep_previous: 1s}}\n"
UNITS = """
name: fraud
config:
  served_entities:
    - name: champion
      entity_name: system.ai.llama-4-maverick
      entity_version: "{version}"
      provisioned_model_units: 50
rollout: {{steps: [5% for 10m], keep_previous: 1h}}
"""
POLICIES = """
policies:
  - name: no small endpoints
    applies_to: {kind: model_serving_endpoints}
    forbid:
      - {path: "config.served_entities[*].workload_size", in: [Small]}
  - name: nothing is changed now
    applies_to: {kind: model_serving_endpoints}
    plan: {forbid: [{action: update}]}
"""
COMMAND = (
    MANIFEST.partition("checks:")[0]
    + """\
rollout:
  steps: [5%]
  analysis:
    metrics:
      - {{name: slo, from: command, run: [./slo.sh, "${{rollout.new}}"], timeout: 1s}}
"""
)


@pytest.fixture
def fraud(repository: Any, workspace: Any, run: Any) -> Scene:
    scene = Scene(repository, workspace, run)
    scene.declare(11)
    assert run("apply", "-y").code == 0
    return scene


def test_apply_waits_until_a_rollout_is_over(fraud: Scene) -> None:
    fraud.declare(12, AT_ONCE)
    done = fraud.run("apply", "-y", "--wait-rollout")
    assert done.code == 0, done.err
    assert fraud.traffic["champion-12"] == 100
    for share in (5, 25, 100):
        assert f"moved to {share} %" in done.err


def test_apply_waits_no_longer_than_it_is_asked_to(fraud: Scene) -> None:
    fraud.declare(12)
    assert fraud.run("apply", "-y", "--wait-rollout=2m").code == 0
    assert fraud.run("apply", "-y", "--wait-rollout=2m", "--detailed-exitcode").code == 6
    assert fraud.traffic["champion-12"] == 5


def test_apply_that_waits_ends_at_a_pause_and_says_who_goes_on(fraud: Scene) -> None:
    fraud.declare(12, AT_ONCE.replace("[5%, 25%]", "[5%, pause]"))
    done = fraud.run("apply", "-y", "--wait-rollout")
    assert done.code == 0
    assert "it waits for an approval" in done.err
    assert fraud.run("rollout", "status").out.count("provisioner rollout go chat") == 1
    assert fraud.traffic["champion-12"] == 5


def test_apply_that_waits_fails_when_the_version_steps_back(fraud: Scene) -> None:
    fraud.start(12)
    fraud.fail("champion-12", 50)
    fraud.ask(100, entity="champion-12")
    done = fraud.run("apply", "-y", "--wait-rollout=1h")
    assert done.code == 1
    assert "stepped back from 5 % to 0 %" in done.err
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}


def test_reserved_capacity_is_doubled_with_consent_by_name_alone(fraud: Scene) -> None:
    fraud.workspace.call("DELETE", "/api/2.0/serving-endpoints/fraud")
    fraud.declare(1, UNITS)
    assert fraud.run("apply", "-y").code == 0
    fraud.declare(2, UNITS)
    assert "until then you pay twice for 50 model units" in " ".join(fraud.run("plan").out.split())
    refused = fraud.run("apply", "-y")
    assert refused.code == 1
    assert "error[E540]" in refused.err
    assert "--allow-double model_serving_endpoints.chat" in refused.err
    assert fraud.traffic == {"champion-1": 100}
    assert fraud.run("apply", "-y", "--allow-double", "fraud").code == 0
    assert fraud.traffic == {"champion-1": 95, "champion-2": 5}
    # A third version is another one that is paid for beside the first.
    fraud.declare(3, UNITS)
    assert "error[E540]" in fraud.run("apply", "-y").err
    assert fraud.traffic == {"champion-1": 95, "champion-2": 5}


def test_a_retry_of_removed_reserved_capacity_leaves_the_consent_to_apply(fraud: Scene) -> None:
    fraud.workspace.call("DELETE", "/api/2.0/serving-endpoints/fraud")
    fraud.declare(1, UNITS)
    fraud.run("apply", "-y")
    fraud.declare(2, UNITS)
    fraud.run("apply", "-y", "--allow-double", "chat", "--allow-double", "fraud")
    fraud.run("rollout", "back", "fraud")
    fraud.later(7200)
    fraud.run("rollout", "advance")
    assert fraud.traffic == {"champion-1": 100}
    retried = fraud.run("rollout", "retry", "fraud")
    assert retried.code == 0
    assert "its rejection is cleared, `provisioner apply` starts it" in retried.out
    assert fraud.traffic == {"champion-1": 100}
    assert "error[E540]" in fraud.run("apply", "-y").err


def test_an_update_by_somebody_else_is_waited_for_and_is_no_failure(fraud: Scene) -> None:
    fraud.start()
    fraud.later(700)
    fraud.ask(entity="champion-12")
    rule = {"deployment": {"endpoint": "fraud", "transition": "command"}}
    fraud.workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    fraud.divide({"champion-11": 95, "champion-12": 5})
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 0
    assert "an update is in progress" in advanced.out
    fraud.workspace.call("POST", "/__emulator__/transitions", {"endpoint": "fraud"})
    assert fraud.traffic["champion-12"] == 5
    assert fraud.run("rollout", "advance").code == 0
    assert fraud.traffic["champion-12"] == 25


def test_an_update_that_begins_in_the_middle_of_a_move_delays_it(fraud: Scene) -> None:
    fraud.start()
    fraud.later(700)
    fraud.ask(entity="champion-12")
    busy = {"message": "Endpoint is updating.", "error_code": "RESOURCE_CONFLICT"}
    path = "/api/2.0/serving-endpoints/fraud/config"
    rule = {"method": "PUT", "path": path, "times": 1, "action": {"status": 409, "body": busy}}
    fraud.workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    assert fraud.run("rollout", "advance").code == 0
    assert fraud.traffic["champion-12"] == 25


@pytest.fixture
def judged_by_command(fraud: Scene, repository: Any) -> Path:
    """A version at 5 % that a committed script judges; the script."""
    script: Path = repository.write("slo.sh", "#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    git(repository.root, "init", "-q")
    commit(repository.root)
    fraud.declare(12, COMMAND)
    assert fraud.run("apply", "-y").code == 0
    return script


def test_a_command_that_hangs_holds_the_rollout_and_says_so(
    fraud: Scene, judged_by_command: Path
) -> None:
    rewrite(judged_by_command, "sleep 60")
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 0
    assert "slo not known, no answer within 1 s" in advanced.out
    assert fraud.traffic["champion-12"] == 5


def test_a_command_gets_the_new_version_and_no_login(
    fraud: Scene, judged_by_command: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "x")
    rewrite(judged_by_command, 'echo "$1 ${DATABRICKS_TOKEN:-no} ${GITHUB_TOKEN:-no}"; exit 1')
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 1
    assert "slo bad, champion-12 no no" in advanced.out
    assert fraud.traffic["champion-12"] == 0


def test_a_command_that_is_not_as_committed_is_not_run(
    fraud: Scene, judged_by_command: Path
) -> None:
    judged_by_command.write_text("#!/bin/sh\nexit 0\n# changed\n", encoding="utf-8")
    advanced = fraud.run("rollout", "advance")
    assert advanced.code == 0
    assert "`slo.sh` differs from the commit" in advanced.out.replace("./", "")
    assert fraud.traffic["champion-12"] == 5


@pytest.mark.parametrize("command", [["plan"], ["status"], ["drift"], ["rollout", "status"]])
def test_commands_that_only_read_run_no_command_of_the_project(
    fraud: Scene, judged_by_command: Path, command: list[str]
) -> None:
    rewrite(judged_by_command, "touch ran; exit 0")
    fraud.run(*command)
    assert not (judged_by_command.parent / "ran").exists()


def test_a_rollback_while_a_rollout_is_under_way_returns_the_traffic_at_once(
    fraud: Scene, repository: Any
) -> None:
    released(fraud, repository)
    fraud.workspace.forget()
    back = fraud.run("rollback", "chat", "--apply", "-y")
    assert back.code == 0, back.err
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}
    assert (
        'rejected: ["12"]' in repository.root.joinpath("environments/releases/dev.yaml").read_text()
    )
    # A change of traffic: both versions are sent as they are, and none is deployed.
    assert fraud.run("plan", "--detailed-exitcode").code == 0


def test_a_step_back_is_allowed_whatever_the_policies_say(fraud: Scene, repository: Any) -> None:
    released(fraud, repository)
    repository.write("policies/all.yaml", POLICIES)
    repository.write("environments/releases/dev.yaml", 'fraud_version: {value: "11"}\n')
    back = fraud.run("apply", "-y")
    assert back.code == 0, back.err
    assert "warning[W530]" in back.err
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}
    # Whatever else is to be applied with it is judged as ever.
    repository.write("environments/releases/dev.yaml", 'fraud_version: {value: "12"}\n')
    assert "error[E530]" in fraud.run("apply", "-y").err


def test_a_person_steps_back_whatever_the_policies_say(fraud: Scene, repository: Any) -> None:
    fraud.start()
    repository.write("policies/all.yaml", POLICIES)
    assert fraud.run("rollout", "back", "chat").code == 0
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}


def test_a_replacement_would_cut_a_rollout_and_is_blocked(fraud: Scene) -> None:
    fraud.start()
    fraud.declare(12, MANIFEST + "route_optimized: true\n")
    plan = fraud.run("plan")
    assert plan.code == 1
    text = " ".join(plan.out.split())
    assert "a rollout is active, and a change of route_optimized would replace the resource" in text
    assert "end it first: provisioner rollout finish chat" in text


def test_a_version_that_was_given_up_begins_at_no_traffic_again(fraud: Scene) -> None:
    fraud.start(12)
    fraud.start(11)
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}
    assert fraud.run("plan", "--detailed-exitcode").code == 0
    fraud.declare(12)
    assert "rollout 11 -> 12: starts at 0 %, then 5 %" in fraud.run("plan").out
    assert fraud.run("apply", "-y").code == 0
    assert fraud.traffic == {"champion-11": 95, "champion-12": 5}


def test_going_back_after_the_manifest_went_back_changes_nothing(fraud: Scene) -> None:
    fraud.start(12)
    fraud.start(11)
    assert fraud.run("rollout", "back", "chat").code == 1
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}


def test_a_version_on_its_way_is_not_promoted(
    fraud: Scene, repository: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    released(fraud, repository)
    repository.write(
        "environments/prod.yaml",
        "workspace: {emulator: prod.sqlite}\nmanifests: [manifests/*.yaml]\n"
        "released: [fraud_version]\npromotes_from: dev\n",
    )
    capsys.readouterr()
    assert main(["promote", "--from", "dev", "--to", "prod", "-C", str(repository.root)]) == 1
    refused = "".join(capsys.readouterr())
    assert "error[E795]" in refused
    assert "version 12 has 5 % of the traffic" in refused


def released(fraud: Scene, repository: Any) -> None:
    """Version 12, which comes from a release file, is at 5 %."""
    environment = repository.root / "environments/dev.yaml"
    environment.write_text(environment.read_text() + "released: [fraud_version]\n")
    line = 'fraud_version: {value: "%s"%s}\n'
    releases = "environments/releases/dev.yaml"
    fraud.repository.endpoint(MANIFEST.format(version="${var.fraud_version}"))
    repository.write(releases, line % (11, ""))
    assert fraud.run("apply", "-y").code == 0
    repository.write(releases, line % (12, ', previous: "11"'))
    assert fraud.run("apply", "-y").code == 0
    assert fraud.traffic == {"champion-11": 95, "champion-12": 5}


def test_an_environment_has_steps_of_its_own_or_none(fraud: Scene, repository: Any) -> None:
    environment = repository.root / "environments/dev.yaml"
    plain = environment.read_text()
    layer = "overrides: {model_serving_endpoints: {chat: {rollout: %s}}}\n"
    environment.write_text(plain + layer % "{steps: [50% for 1h]}")
    fraud.declare(12)
    assert "steps: [0] → 50 → 100 %" in fraud.run("plan").out
    assert fraud.run("validate").code == 0
    environment.write_text(plain + layer % "null")
    plan = fraud.run("plan").out
    assert "rollout" not in plan
    assert fraud.run("apply", "-y").code == 0
    assert fraud.traffic == {"champion": 100}


def git(folder: Path, *words: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *settings, *words], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "slo.sh")
    git(folder, "commit", "-qm", "a command")


def rewrite(script: Path, text: str) -> None:
    """Another content of the script, committed."""
    script.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    commit(script.parent)


SMALL_STEPS = """
policies:
  - name: small steps
    applies_to: {kind: model_serving_endpoints}
    plan: {limits: [{traffic: moved, at_most: 19}]}
"""
NO_SHARES = """
policies:
  - name: traffic stays
    applies_to: {kind: model_serving_endpoints}
    plan: {forbid: [{action: update, change: config.traffic_config}]}
"""
FROZEN = """
policies:
  - name: nothing is updated now
    when: {weekdays: [mon, tue, wed, thu, fri, sat, sun]}
    plan: {forbid: [{action: update}]}
"""
STRICT = """
policies:
  - name: at most no update
    plan: {limits: [{action: update, at_most: 0}]}
"""
SIZES = POLICIES.partition("  - name: nothing")[0]
MOVES = ("advance",), ("go", "chat"), ("finish", "chat")


@pytest.mark.parametrize("policy", [SMALL_STEPS, NO_SHARES, FROZEN, STRICT, SIZES])
def test_a_policy_stops_a_step_to_more_traffic(fraud: Scene, repository: Any, policy: str) -> None:
    fraud.start()
    repository.write("policies/all.yaml", policy)
    fraud.later(600)
    fraud.ask(entity="champion-12")
    before = fraud.tag
    for words in MOVES:
        done = fraud.run("rollout", *words)
        assert done.code == 1
        assert "error[E530]: policy `" in done.err
        assert (fraud.traffic["champion-12"], fraud.tag) == (5, before)
    # Going back is never refused.
    assert fraud.run("rollout", "back", "chat").code == 0
    assert fraud.traffic == {"champion-11": 100, "champion-12": 0}


UNREADABLE = "policies: [{}]\n"


@pytest.mark.parametrize("policy", [SMALL_STEPS, NO_SHARES, FROZEN, STRICT, SIZES, UNREADABLE])
def test_a_bad_version_steps_back_whatever_the_policies_say(
    fraud: Scene, repository: Any, policy: str
) -> None:
    fraud.start(13)
    repository.write("policies/all.yaml", policy)
    # The same policy refuses a step forward.
    assert fraud.run("rollout", "finish", "chat").code == 1
    assert fraud.traffic == {"champion-11": 95, "champion-13": 5}
    fraud.fail("champion-13", 30)
    fraud.ask(199, entity="champion-13")
    done = fraud.run("rollout", "advance")
    assert done.code == 1
    assert "[E530]" not in done.err
    assert fraud.traffic == {"champion-11": 100, "champion-13": 0}
    assert "13 at 0 % beside 11, rolled back at 5 %" in fraud.run("rollout", "status").out


NOT_TWICE = """
policies:
  - name: nothing is paid twice
    plan: {limits: [{capacity: concurrency, of: during, at_most: 4}]}
"""


def test_a_rule_about_capacity_refuses_to_deploy_a_version_again(
    fraud: Scene, repository: Any
) -> None:
    fraud.start()
    repository.write("policies/all.yaml", NOT_TWICE)
    fraud.later(600)
    fraud.ask(entity="champion-12")
    # Both versions are there already: a step does not deploy anything.
    assert fraud.run("rollout", "advance").code == 0
    assert fraud.traffic["champion-12"] == 25
    assert fraud.run("rollout", "back", "chat").code == 0
    fraud.later(100_000)
    fraud.run("rollout", "advance")
    assert fraud.traffic == {"champion-11": 100}
    refused = fraud.run("rollout", "retry", "chat")
    assert refused.code == 1
    assert "there would be 8 concurrency, but the maximum is 4" in refused.err
    assert fraud.traffic == {"champion-11": 100}


def test_policies_of_a_pipeline_judge_a_rollout_and_their_digest_is_pinned(
    fraud: Scene, repository: Any
) -> None:
    fraud.start()
    repository.write("pinned/steps.yaml", SMALL_STEPS.replace("19", "20"))
    fraud.later(600)
    fraud.ask(entity="champion-12")
    folder = ("--policy-dir", str(repository.root / "pinned"))
    refused = fraud.run("rollout", "advance", *folder, "--policy-digest", "sha256:00")
    assert refused.code == 1
    assert "error[E233]" in refused.err
    assert fraud.traffic["champion-12"] == 5
    assert fraud.run("rollout", "advance", *folder).code == 0
    assert fraud.traffic["champion-12"] == 25
    refused = fraud.run("rollout", "finish", "chat", *folder)
    assert "the step moves 75 % of the traffic, but the maximum is 20 %" in refused.err
    assert fraud.traffic["champion-12"] == 25


def test_a_policy_with_the_severity_warning_lets_a_step_pass(fraud: Scene, repository: Any) -> None:
    fraud.start()
    warns = SMALL_STEPS.replace("    plan:", "    severity: warning\n    plan:")
    repository.write("policies/all.yaml", warns)
    fraud.later(600)
    fraud.ask(entity="champion-12")
    done = fraud.run("rollout", "advance")
    assert done.code == 0
    assert "warning[W530]: policy `small steps`" in done.err
    assert fraud.traffic["champion-12"] == 25


def test_policies_judge_the_steps_that_apply_itself_makes(fraud: Scene, repository: Any) -> None:
    repository.write("policies/all.yaml", SMALL_STEPS)
    fraud.declare(12, AT_ONCE)
    done = fraud.run("apply", "-y", "--wait-rollout")
    assert done.code == 1
    assert "the step moves 20 % of the traffic, but the maximum is 19 %" in done.err
    assert fraud.traffic == {"champion-11": 95, "champion-12": 5}
