"""P3 as a state machine: beside the tool somebody else creates, edits and deletes as they like.

What is not of this project and environment is never written to, whatever the manifests say and
whatever the other one does; and an apply that succeeds leaves an empty plan.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from mixed_apply import ROOT
from proofs import FULL, SHARED

NAMES = ("a", "b", "c")
FOREIGN = "foreign"
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
WRITTEN_BY_US = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(("x", "y")), min_size=1)


def machine(repository: Any, run: Any, workspace: Any) -> type[RuleBasedStateMachine]:
    """A machine on this workspace, which each of its runs empties."""

    class ForeignActor(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            workspace.call("POST", "/__emulator__/reset", {})
            self.theirs: dict[str, Any] = {}
            self.write({"a": "x"})

        def write(self, wanted: dict[str, str]) -> None:
            text = "".join(ENDPOINT.format(name=name, team=team) for name, team in wanted.items())
            head = "resources:\n  model_serving_endpoints:"
            repository.write("manifests/all.yaml", head + text)

        def live(self) -> dict[str, Any]:
            listed = workspace.call("GET", ROOT)["endpoints"]
            names = [one["name"] for one in listed if not one["name"].startswith("databricks-")]
            return {name: workspace.endpoint(name) for name in names}

        @rule(wanted=WRITTEN_BY_US)
        def we_change_the_manifests(self, wanted: dict[str, str]) -> None:
            self.write(wanted)

        @rule(name=st.sampled_from((*NAMES, FOREIGN)))
        def they_create(self, name: str) -> None:
            if name not in self.live():
                workspace.call("POST", ROOT, {"name": name, "tags": [{"key": "t", "value": "1"}]})
                self.theirs[name] = workspace.endpoint(name)

        @precondition(lambda self: self.live())
        @rule(data=st.data())
        def they_delete(self, data: Any) -> None:
            name = data.draw(st.sampled_from(sorted(self.live())))
            workspace.call("DELETE", f"{ROOT}/{name}")
            self.theirs.pop(name, None)

        @precondition(lambda self: self.live())
        @rule(data=st.data(), value=st.sampled_from(("1", "2")))
        def they_edit(self, data: Any, value: str) -> None:
            name = data.draw(st.sampled_from(sorted(self.live())))
            body = {"add_tags": [{"key": "edited", "value": value}]}
            workspace.call("PATCH", f"{ROOT}/{name}/tags", body)
            if name in self.theirs:
                self.theirs[name] = workspace.endpoint(name)

        @precondition(lambda self: self.live())
        @rule(data=st.data())
        def they_take_it_away_from_us(self, data: Any) -> None:
            name = data.draw(st.sampled_from(sorted(self.live())))
            ours = [tag["key"] for tag in self.live()[name].get("tags", ())]
            marks = [key for key in ours if key.startswith("provisioner_")]
            if marks:
                workspace.call("PATCH", f"{ROOT}/{name}/tags", {"delete_tags": marks})
            self.theirs[name] = workspace.endpoint(name)

        @rule(prune=st.booleans())
        def we_apply(self, prune: bool) -> None:
            more = ["--prune", "--allow-delete", "all", "--allow-destructive", "9"] if prune else []
            result = run("apply", "-y", *more)
            assert result.code in (0, 1, 4), result.err
            if result.code == 0:
                plan = run("plan", "--detailed-exitcode", *(["--prune"] if prune else []))
                assert plan.code == 0, plan.out

        @invariant()
        def what_is_theirs_is_as_they_left_it(self) -> None:
            live = self.live()
            for name, left in self.theirs.items():
                assert live.get(name) == left, name

    return ForeignActor


@pytest.mark.proof("foreign")
@pytest.mark.parametrize("number", range(12 if FULL else 1))
def test_what_is_somebody_elses_is_never_written_to(
    repository: Any, run: Any, workspace: Any, number: int
) -> None:
    from hypothesis import seed, settings
    from hypothesis.stateful import run_state_machine_as_test

    made = seed(number)(machine(repository, run, workspace))
    count, steps = (50, 25) if FULL else (4, 8)
    limits = settings(
        max_examples=count, stateful_step_count=steps, deadline=None, suppress_health_check=SHARED
    )
    run_state_machine_as_test(made, settings=limits)
