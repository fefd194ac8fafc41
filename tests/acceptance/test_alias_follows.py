"""An alias of a registered model moves after the endpoint that serves its version."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

UC = "/api/2.1/unity-catalog/models/main.risk.fraud"
MODEL = """
  registered_models:
    fraud:
      catalog_name: main
      schema_name: risk
      name: fraud
      aliases: {champion: "${var.fraud_version}"}
"""
ENDPOINT = """
resources:
  model_serving_endpoints:
    fraud:
      name: fraud
      config:
        served_entities:
          - name: champion
            entity_name: main.risk.fraud
            entity_version: "${var.fraud_version}"
            workload_size: Small
            scale_to_zero_enabled: false
"""
ROLLOUT = """
      rollout:
        steps: [5% for 10m, 25% for 30m]
        keep_previous: 24h
"""


class Scene:
    """A model with three versions, an endpoint that serves one, and an alias for it."""

    def __init__(self, repository: Any, workspace: Any, run: Any) -> None:
        self.repository, self.workspace, self.run = repository, workspace, run
        for version in (1, 2, 3):
            model = {"full_name": "main.risk.fraud", "version": version}
            workspace.call("POST", "/__emulator__/models", model)
        self.host = f"workspace: {{host: {workspace.server.url}}}\nmanifests: [manifests/*.yaml]\n"

    def declare(self, version: int, rollout: str = "") -> None:
        self.repository.write("manifests/all.yaml", f"{ENDPOINT}{rollout}{MODEL}")
        variables = f'variables: {{fraud_version: "{version}"}}\n'
        self.repository.write("environments/dev.yaml", f"{self.host}{variables}")

    def apply(self, version: int, *words: str, rollout: str = "") -> Any:
        self.declare(version, rollout)
        self.workspace.forget()
        return self.run("apply", "-y", "--adopt", *words)

    @property
    def alias(self) -> int:
        aliases = self.workspace.call("GET", f"{UC}?include_aliases=true").get("aliases") or []
        return next((each["version_num"] for each in aliases), 0)

    def later(self, seconds: int) -> None:
        self.workspace.call("POST", "/__emulator__/clock", {"advance_s": seconds})


@pytest.fixture
def scene(repository: Any, workspace: Any, run: Any) -> Scene:
    made = Scene(repository, workspace, run)
    assert made.apply(1).code == 0
    assert made.alias == 1
    return made


def test_the_alias_moves_after_the_endpoint_is_ready(scene: Scene) -> None:
    assert scene.apply(2).code == 0
    calls = scene.workspace.requests()
    config = calls.index(("PUT", "/api/2.0/serving-endpoints/fraud/config"))
    alias = calls.index(("PUT", f"{UC}/aliases/champion"))
    assert config < alias
    # Between the two the endpoint was asked whether it is ready.
    between = calls[config + 1 : alias]
    assert any(method == "GET" and "serving-endpoints" in path for method, path in between)
    assert scene.alias == 2
    assert scene.run("plan", "--detailed-exitcode").code == 0


def test_the_alias_stays_where_the_endpoint_fails(scene: Scene) -> None:
    rule = {"method": "PUT", "path": "/api/2.0/serving-endpoints/fraud/config", "times": 0}
    rule["action"] = {"status": 400}
    scene.workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    result = scene.apply(2)
    assert result.code != 0
    assert "needs model_serving_endpoints.fraud" in result.out + result.err
    assert scene.alias == 1


def test_without_waiting_the_alias_is_left_to_the_next_apply(scene: Scene) -> None:
    result = scene.apply(2, "--no-wait")
    assert result.code == 4, result.out
    assert "which is not ready yet" in result.out + result.err
    assert scene.alias == 1
    assert scene.apply(2).code == 0
    assert scene.alias == 2


def test_one_selected_without_the_other_leaves_the_alias(scene: Scene) -> None:
    scene.declare(2)
    plan = scene.run("plan", "--select", "registered_models.fraud", "-v")
    assert "moves together with model_serving_endpoints.fraud" in plan.out
    assert scene.run("apply", "-y", "--select", "registered_models.fraud").code == 0
    assert scene.alias == 1


def test_a_saved_plan_is_stale_once_the_alias_has_moved(scene: Scene) -> None:
    scene.declare(2)
    file = str(scene.repository.root / "plan.json")
    assert scene.run("plan", "--out", file).code == 0
    scene.workspace.call("PUT", f"{UC}/aliases/champion", {"version_num": 3})
    result = scene.run("apply", file, "-y")
    assert result.code == 4
    assert "since the plan was made; nothing was written to it" in result.out + result.err
    assert scene.alias == 3


def test_an_alias_that_was_moved_by_hand_is_drift(scene: Scene) -> None:
    scene.workspace.call("PUT", f"{UC}/aliases/champion", {"version_num": 3})
    found = scene.run("drift", "--detailed-exitcode", "-o", "json")
    assert found.code == 2
    (drift,) = found.json["drift"]
    assert (drift["address"], drift["path"]) == ("registered_models.fraud", "aliases[champion]")
    assert scene.apply(1).code == 0
    assert scene.alias == 1


def test_with_a_rollout_the_alias_moves_at_the_end_only(scene: Scene) -> None:
    assert scene.apply(1, rollout=ROLLOUT).code == 0
    assert scene.apply(2, rollout=ROLLOUT).code == 0
    moved = []
    for seconds in (600, 1800, 0):
        moved.append(scene.alias)
        assert scene.run("plan", "--detailed-exitcode").code == 0
        assert scene.run("drift", "--detailed-exitcode").code == 0
        scene.later(seconds)
        assert scene.run("rollout", "advance").code == 0
    assert moved == [1, 1, 2]
    assert scene.alias == 2


def test_a_step_back_never_moves_the_alias(scene: Scene) -> None:
    assert scene.apply(1, rollout=ROLLOUT).code == 0
    assert scene.apply(2, rollout=ROLLOUT).code == 0
    assert scene.run("rollout", "back", "fraud").code == 0
    assert scene.alias == 1
    # The version is rejected: its plan is blocked, and moves no alias.
    assert scene.run("apply", "-y").code == 1
    assert scene.alias == 1
    assert scene.apply(1, rollout=ROLLOUT).code == 0
    assert scene.alias == 1


def test_rollback_takes_the_alias_back_with_the_endpoint(scene: Scene) -> None:
    scene.declare(1)
    released = "released: [fraud_version]\nvariables: {}\n"
    scene.repository.write("environments/dev.yaml", f"{scene.host}{released}")
    entry = {"value": "2", "previous": "1"}
    scene.repository.write(
        "environments/releases/dev.yaml", f"fraud_version: {json.dumps(entry)}\n"
    )
    assert scene.run("apply", "-y").code == 0
    assert scene.alias == 2
    assert scene.run("rollback", "fraud_version", "--apply", "-y").code == 0
    assert scene.alias == 1
    assert scene.run("plan", "--detailed-exitcode").code == 0


def test_an_alias_that_a_variable_is_pinned_from_is_an_offline_error(scene: Scene) -> None:
    pinned = "variables: {fraud_version: {alias: main.risk.fraud@champion}}\n"
    released = "released: [fraud_version]\n"
    scene.repository.write("environments/dev.yaml", f"{scene.host}{pinned}{released}")
    entry = {"value": "2"}
    scene.repository.write(
        "environments/releases/dev.yaml", f"fraud_version: {json.dumps(entry)}\n"
    )
    scene.workspace.forget()
    result = scene.run("validate")
    assert result.code == 1
    assert "E728" in result.err
    assert "`fraud_version` is pinned from it" in result.err
    assert scene.workspace.requests() == []


def test_null_removes_an_alias_and_leaves_others(scene: Scene) -> None:
    for name in ("old", "theirs"):
        scene.workspace.call("PUT", f"{UC}/aliases/{name}", {"version_num": 3})
    without = MODEL.replace('}"}', '}", old: null}')
    scene.repository.write("manifests/all.yaml", f"{ENDPOINT}{without}")
    scene.workspace.forget()
    assert scene.run("apply", "-y").code == 0
    assert scene.workspace.writes() == [("DELETE", f"{UC}/aliases/old")]
    aliases = scene.workspace.call("GET", f"{UC}?include_aliases=true")["aliases"]
    assert {each["alias_name"] for each in aliases} == {"champion", "theirs"}
    assert scene.run("plan", "--detailed-exitcode").code == 0


ALONE = "\nresources:" + MODEL.replace("main", "shop").replace("risk", "ml")


def test_an_alias_waits_for_the_first_version_of_a_new_model(
    repository: Any, workspace: Any, run: Any
) -> None:
    repository.write("manifests/all.yaml", ALONE.replace('"${var.fraud_version}"', "1"))
    plan = run("plan")
    assert "aliases[champion] waits for version 1, which does not exist yet" in _words(plan.out)
    assert run("apply", "-y").code == 0
    again = run("plan", "--detailed-exitcode")
    assert again.code == 0
    assert "waits for version 1" in _words(again.out)
    assert run("drift", "--detailed-exitcode").code == 0
    workspace.call("POST", "/__emulator__/models", {"full_name": "shop.ml.fraud", "version": 1})
    assert run("plan", "--detailed-exitcode").code == 2
    workspace.forget()
    assert run("apply", "-y").code == 0
    alias = "/api/2.1/unity-catalog/models/shop.ml.fraud/aliases/champion"
    assert workspace.writes() == [("PUT", alias)]
    assert "waits" not in run("plan", "-v").out


def test_an_alias_of_a_version_that_is_not_there_waits_and_others_move(scene: Scene) -> None:
    two = MODEL.replace('}"}', '}", next: 4}')
    scene.repository.write("manifests/all.yaml", f"{ENDPOINT}{two}")
    scene.repository.write(
        "environments/dev.yaml", f'{scene.host}variables: {{fraud_version: "2"}}'
    )
    assert scene.run("apply", "-y").code == 0
    assert scene.alias == 2
    plan = scene.run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert "aliases[next] waits for version 4, which does not exist yet" in _words(plan.out)
    saved = str(scene.repository.root / "plan.json")
    assert scene.run("plan", "--out", saved).code == 0
    scene.workspace.call(
        "POST", "/__emulator__/models", {"full_name": "main.risk.fraud", "version": 4}
    )
    assert scene.run("plan", "--detailed-exitcode").code == 2


@pytest.mark.parametrize("words", [(), ("--wait-rollout",)])
def test_apply_that_waits_for_the_rollout_moves_the_alias_at_its_end(
    scene: Scene, words: tuple[str, ...]
) -> None:
    at_once = ROLLOUT.replace("[5% for 10m, 25% for 30m]", "[5%, 25%]").replace("24h", "1s")
    assert scene.apply(1, rollout=at_once).code == 0
    applied = scene.apply(2, *words, rollout=at_once)
    assert applied.code == 0, applied.err
    assert scene.alias == (2 if words else 1)
    assert ("registered_models.fraud follows: done" in applied.err) == bool(words)
    assert scene.run("plan", "--detailed-exitcode").code == 0


def test_apply_that_waits_moves_no_alias_when_the_version_steps_back(scene: Scene) -> None:
    analysis = (
        ROLLOUT + "        analysis: {metrics: [{name: errors, max: 1%, min_requests: 20}]}\n"
    )
    assert scene.apply(1, rollout=analysis).code == 0
    assert scene.apply(2, rollout=analysis).code == 0
    rule = {"path": "/__provider__/fraud/champion-2", "times": 0, "action": {"status": 500}}
    scene.workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    path = "/serving-endpoints/fraud/served-models/champion-2/invocations"
    for _ in range(50):
        with contextlib.suppress(OSError):
            scene.workspace.call("POST", path, {"dataframe_records": [{"amount": 1}]})
    done = scene.run("apply", "-y", "--wait-rollout=2h")
    assert done.code == 1
    assert "stepped back" in done.err
    assert scene.alias == 1


def test_apply_of_the_endpoint_alone_moves_no_alias_that_is_not_selected(scene: Scene) -> None:
    at_once = ROLLOUT.replace("[5% for 10m, 25% for 30m]", "[5%]").replace("24h", "1s")
    assert scene.apply(1, rollout=at_once).code == 0
    only = ("--select", "model_serving_endpoints.fraud", "--wait-rollout")
    assert scene.apply(2, *only, rollout=at_once).code == 0
    assert scene.alias == 1


POLICY = """
policies:
  - name: no champion
    message: Set this alias by hand.
    applies_to: {kind: registered_models}
    forbid: [{path: aliases.champion}]
"""


def test_a_rule_about_resources_refuses_the_alias_before_the_rollout_starts(scene: Scene) -> None:
    assert scene.apply(1, rollout=ROLLOUT).code == 0
    scene.repository.write("policies/alias.yaml", POLICY)
    done = scene.apply(2, "--wait-rollout", rollout=ROLLOUT)
    assert done.code == 1
    assert "policy `no champion`" in done.err
    assert scene.workspace.writes() == []


def _words(text: str) -> str:
    return " ".join(text.split())
