"""A plan tells what a resource needs from the others, and what it does to them."""

from __future__ import annotations

import pytest

SCOPE, CHAT = "secret_scopes.keys", "model_serving_endpoints.chat"
MANIFEST = """\
resources:
  secret_scopes:
    keys:
      name: keys
      secrets: {openai: {from_env: SHOP_KEY}}
  model_serving_endpoints:
    chat:
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


@pytest.fixture(autouse=True)
def _declared(repository, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "sk")
    repository.write("manifests/shop.yaml", MANIFEST)


@pytest.fixture
def notes(run):
    """Notes by address, as a plan with these options has them."""

    def found(*options: str) -> dict[str, list[str]]:
        steps = run("plan", "-o", "json", *options).json["steps"]
        return {step["address"]: step.get("notes", []) for step in steps}

    return found


def test_an_endpoint_alone_tells_which_scope_it_needs(notes):
    assert notes("--select", "chat") == {CHAT: [f"needs {SCOPE}, which is not selected"]}
    assert notes() == {CHAT: [], SCOPE: []}


def test_a_rotated_secret_names_the_endpoints_that_use_it(run, notes):
    assert run("apply", "-y").code == 0
    assert notes() == {CHAT: [], SCOPE: []}
    assert notes("--rotate", SCOPE) == {CHAT: [], SCOPE: [f"used by {CHAT}"]}
