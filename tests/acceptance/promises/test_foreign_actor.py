"""P3 as a state machine: two projects apply, and another person creates, edits and deletes.

What is not of the project that applies is never written to, whatever the manifests say and
whatever the others do; and an apply that succeeds leaves a plan without changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from catalog_apply import UC
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from mixed_apply import ROOT
from proofs import FULL, SHARED

NAMES = ("a", "b", "c")
FOREIGN = "foreign"
PROJECTS = ("shop", "toys")
PRUNE = ("--prune", "--allow-delete", "all", "--allow-destructive", "9")
ENDPOINT = """
    {name}:
      name: {name}
      tags: [{{key: team, value: {team}}}]
      config:
        served_entities:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openai
              task: llm/v1/chat
              openai_config: {{openai_api_key: "{{{{secrets/keys/one}}}}"}}
"""
SERVICE = """
    {name}:
      parent: schemas/main.gw
      model_service_id: {name}
      comment: {team}
      config:
        routing:
          destinations:
            - name: gpt
              destination_type: DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL
              external_model_config:
                model_provider_service: model-provider-services/main.gw.openai
                target: {{model: m}}
"""
PROVIDER = {
    "config": {
        "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI",
        "openai": {"direct": {"api_key": {"plaintext": "sk-x"}}},
        "allow_all_targets": True,
    }
}
DESTINATION = {
    "name": "gpt",
    "destination_type": "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL",
    "external_model_config": {
        "model_provider_service": "model-provider-services/main.gw.openai",
        "target": {"model": "theirs"},
    },
}
BY_PARENT = "parent=schemas%2Fmain.gw"
WANTED = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(("x", "y")), min_size=1)


@dataclass(frozen=True)
class Endpoints:
    """Serving endpoints, whose tags say to whom they belong."""

    call: Any
    kind = "model_serving_endpoints"
    manifest = ENDPOINT

    def prepare(self) -> None:
        key = {"scope": "keys", "key": "one", "string_value": "sk-x"}
        self.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
        self.call("POST", "/api/2.0/secrets/put", key)

    def project_of(self, live: Any) -> str:
        tags = {tag["key"]: tag["value"] for tag in live.get("tags", ())}
        return str(tags.get("provisioner_project", ""))

    def live(self) -> dict[str, Any]:
        names = [each["name"] for each in self.call("GET", ROOT)["endpoints"]]
        own = [name for name in names if not name.startswith("databricks-")]
        return {name: self.call("GET", f"{ROOT}/{name}") for name in own}

    def create(self, name: str) -> None:
        self.call("POST", ROOT, {"name": name, "tags": [{"key": "t", "value": "1"}]})

    def delete(self, name: str) -> None:
        self.call("DELETE", f"{ROOT}/{name}")

    def edit(self, name: str, value: int) -> None:
        body = {"add_tags": [{"key": "edited", "value": str(value)}]}
        self.call("PATCH", f"{ROOT}/{name}/tags", body)

    def take_away(self, name: str, live: Any) -> None:
        keys = [tag["key"] for tag in live.get("tags", ())]
        marks = [key for key in keys if key.startswith("provisioner_")]
        if marks:
            self.call("PATCH", f"{ROOT}/{name}/tags", {"delete_tags": marks})


@dataclass(frozen=True)
class Services:
    """Model services of Unity Catalog, whose comments say to whom they belong."""

    call: Any
    kind = "model_services"
    manifest = SERVICE
    root = f"{UC}/model-services"

    def prepare(self) -> None:
        self.call("POST", f"{UC}/catalogs", {"name": "main"})
        self.call("POST", f"{UC}/schemas", {"name": "gw", "catalog_name": "main"})
        place = f"{BY_PARENT}&model_provider_service_id=openai"
        self.call("POST", f"{UC}/model-provider-services?{place}", PROVIDER)

    def project_of(self, live: Any) -> str:
        mark = live.get("comment", "").rpartition("\n")[2]
        return next((name for name in PROJECTS if f"{name}/dev@" in mark), "")

    def live(self) -> dict[str, Any]:
        listed = self.call("GET", f"{self.root}?{BY_PARENT}").get("model_services", [])
        names = [each["name"].rpartition(".")[2] for each in listed]
        return {name: self.call("GET", f"{self.root}/main.gw.{name}") for name in names}

    def create(self, name: str) -> None:
        body = {"config": {"routing": {"destinations": [DESTINATION]}}}
        self.call("POST", f"{self.root}?{BY_PARENT}&model_service_id={name}", body)

    def delete(self, name: str) -> None:
        self.call("DELETE", f"{self.root}/main.gw.{name}")

    def edit(self, name: str, value: int) -> None:
        limit = {"key": "RATE_LIMIT_KEY_USER_DEFAULT", "requests": value}
        limit["renewal_period"] = "RATE_LIMIT_RENEWAL_PERIOD_MINUTE"
        body = {"config": {"rate_limits": [limit]}}
        self.call("PATCH", f"{self.root}/main.gw.{name}?update_mask=config.rate_limits", body)

    def take_away(self, name: str, live: Any) -> None:
        path = f"{self.root}/main.gw.{name}?update_mask=comment"
        self.call("PATCH", path, {"comment": live.get("comment", "").partition("\n")[0]})


def machine(repository: Any, run: Any, world: Any) -> type[RuleBasedStateMachine]:
    """A machine on this world, which each of its runs empties."""

    class ForeignActor(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            world.call("POST", "/__emulator__/reset", {})
            world.prepare()
            self.theirs: dict[str, Any] = {}
            environment = (repository.root / "environments/dev.yaml").read_text("utf-8")
            for project in PROJECTS:
                repository.write(f"{project}/provisioner.yaml", f"project: {project}\n")
                repository.write(f"{project}/environments/dev.yaml", environment)
                self.write(project, {"a": "x"})

        def write(self, project: str, wanted: dict[str, str]) -> None:
            texts = (world.manifest.format(name=name, team=team) for name, team in wanted.items())
            head = f"resources:\n  {world.kind}:"
            repository.write(f"{project}/manifests/all.yaml", head + "".join(texts))

        @rule(project=st.sampled_from(PROJECTS), wanted=WANTED)
        def a_project_changes_its_manifests(self, project: str, wanted: dict[str, str]) -> None:
            self.write(project, wanted)

        @rule(name=st.sampled_from((*NAMES, FOREIGN)))
        def they_create(self, name: str) -> None:
            if name not in world.live():
                world.create(name)
                self.theirs[name] = world.live()[name]

        @precondition(lambda self: world.live())
        @rule(data=st.data())
        def they_delete(self, data: Any) -> None:
            name = data.draw(st.sampled_from(sorted(world.live())))
            world.delete(name)
            self.theirs.pop(name, None)

        @precondition(lambda self: world.live())
        @rule(data=st.data(), value=st.sampled_from((1, 2)))
        def they_edit(self, data: Any, value: int) -> None:
            name = data.draw(st.sampled_from(sorted(world.live())))
            world.edit(name, value)
            if name in self.theirs:
                self.theirs[name] = world.live()[name]

        @precondition(lambda self: world.live())
        @rule(data=st.data())
        def they_take_it_away_from_its_project(self, data: Any) -> None:
            live = world.live()
            name = data.draw(st.sampled_from(sorted(live)))
            world.take_away(name, live[name])
            self.theirs[name] = world.live()[name]

        @rule(project=st.sampled_from(PROJECTS), prune=st.booleans())
        def a_project_applies(self, project: str, prune: bool) -> None:
            folder = ("-C", str(repository.root / project))
            before = world.live()
            result = run("apply", *folder, "-y", *(PRUNE if prune else ()))
            assert result.code in (0, 1, 4), result.err
            after = world.live()
            for name, left in before.items():
                if world.project_of(left) != project:
                    assert after.get(name) == left, name
            if result.code == 0:
                plan = run("plan", *folder, "-o", "json", *(["--prune"] if prune else []))
                left_to_do = {step["action"] for step in plan.json["steps"]} - {"keep"}
                assert left_to_do <= (set() if prune else {"orphan"}), plan.out

        @invariant()
        def what_is_theirs_is_as_they_left_it(self) -> None:
            live = world.live()
            for name, left in self.theirs.items():
                assert live.get(name) == left, name

    return ForeignActor


@pytest.mark.proof("foreign")
@pytest.mark.parametrize("world", [Endpoints, Services])
@pytest.mark.parametrize("number", range(12 if FULL else 1))
def test_what_is_somebody_elses_is_never_written_to(
    repository: Any, run: Any, workspace: Any, world: Any, number: int
) -> None:
    from hypothesis import seed, settings
    from hypothesis.stateful import run_state_machine_as_test

    made = seed(number)(machine(repository, run, world(workspace.call)))
    count, steps = (50, 25) if FULL else (4, 8)
    limits = settings(
        max_examples=count, stateful_step_count=steps, deadline=None, suppress_health_check=SHARED
    )
    run_state_machine_as_test(made, settings=limits)
