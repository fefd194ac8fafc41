"""Values that may be secrets stand in no message and no excerpt; everything else does."""

from __future__ import annotations

import json

import pytest

from provisioner.errors import FileError
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import Environment, WorkspaceSettings
from provisioner.rendering import problems as rendering

SCOPE = "resources:\n  secret_scopes:\n    keys:\n      name: keys\n      secrets: "
MODEL = """\
resources:
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
              openai_config: """

HIDDEN = [
    pytest.param(SCOPE + "{k: {from_env: canary-1}}\n", id="a value instead of a variable"),
    pytest.param(SCOPE + "{k: {from_env: canary-1, x: y}}\n", id="beside an unknown field"),
    pytest.param(SCOPE + "{k: {string_value: canary-1}}\n", id="an unknown field of a source"),
    pytest.param(SCOPE + "{k: {string_value: {a: [canary-1]}}}\n", id="far below a source"),
    pytest.param(SCOPE + "{k: canary-1}\n", id="a value instead of a source"),
    pytest.param(SCOPE + "canary-1\n", id="a value instead of all sources"),
    pytest.param(SCOPE + "[canary-1]\n", id="a list of values"),
    pytest.param(SCOPE + "{k: {canary-1}}\n", id="a value without a field"),
    pytest.param(SCOPE + "{k: {from_env: canary-1" + "x" * 80 + "}}\n", id="a long value"),
    pytest.param(SCOPE + '{k: {from_env: "canary-1\\n\\"x"}}\n', id="an escaped value"),
    pytest.param(SCOPE + "{k: {rotated_at: canary-1, from_env: A}}\n", id="as a time"),
    pytest.param(SCOPE + "{k: {from_env: |\n  canary-1}}\n", id="a syntax error above it"),
    pytest.param(SCOPE + "{k: {from_env: canary-1, [}}\n", id="a syntax error behind it"),
    pytest.param(SCOPE + "\n        k:\n          x: canary-1: y\n", id="a syntax error in it"),
    pytest.param(
        SCOPE + "\n        k:\n          from_env: |\n            canary-1\n", id="a block"
    ),
    pytest.param(SCOPE + "{k: {from_env: &a canary-1, from_env: *a}}\n", id="given twice"),
    pytest.param(MODEL + "{openai_api_ky: canary-1}\n", id="a misspelt key"),
    pytest.param(MODEL + "\n                openai_api_ky: canary-1\n", id="misspelt in a block"),
    pytest.param(MODEL + "{openai_api_key_plaintext: {from_env: canary-1}}\n", id="plaintext"),
    pytest.param(MODEL + "canary-1\n", id="a value instead of a block"),
    pytest.param(
        MODEL.replace("openai_config", "opnai_confg") + "{openai_api_ky: canary-1}\n",
        id="in a misspelt block",
    ),
    pytest.param(
        SCOPE.replace("resources:", "x-a: &a {from_env: canary-1}\nresources:") + "{k: *a}\n",
        id="behind an alias",
    ),
]


def told(root, text):
    (root / "a.yaml").write_text(text, encoding="utf-8")
    environment = Environment("dev", WorkspaceSettings(), ("a.yaml",))
    with pytest.raises(FileError) as caught:
        load(root, environment, KINDS)
    return caught.value.problems


@pytest.mark.parametrize("text", HIDDEN)
def test_a_value_that_may_be_a_secret_is_not_told(tmp_path, text):
    found = told(tmp_path, text)
    assert "canary" not in rendering.text(found, colour=False)
    assert "canary" not in json.dumps(rendering.to_json(found))
    assert "canary" not in str(found)


def test_the_caret_stays_below_what_it_points_at(tmp_path):
    found = told(tmp_path, SCOPE + "{k: {string_value: canary-1, from_env: A, wrong: x}}\n")
    lines = [(one.excerpt, one.where.column, one.width) for one in found]
    excerpt = "      secrets: {k: {string_value: ********, from_env: A, wrong: *}}"
    assert lines == [
        (excerpt, excerpt.index("string_value") + 1, len("string_value")),
        (excerpt, excerpt.index("wrong") + 1, len("wrong")),
    ]


def test_a_hidden_value_itself_is_underlined_in_its_width(tmp_path):
    (found,) = told(tmp_path, SCOPE + "{k: {from_env: canary-1}}\n")
    assert found.excerpt[found.where.column - 1 :][: found.width] == "*" * 8


SHOWN = [
    pytest.param(SCOPE + "{k: {from_env: GOOD_NAME, x: y}}\n", "GOOD_NAME", id="a variable"),
    pytest.param(SCOPE + "{k: {from_file: a/good.txt, x: y}}\n", "a/good.txt", id="a file"),
    pytest.param(
        SCOPE + "{k: {from_file: a/good.txt, from_env: A}}\n",
        "from_file: a/good.txt, from_env: A}",
        id="two sources",
    ),
    pytest.param(
        SCOPE + '{k: {from_env: A, rotated_at: "2026-11-20T10:00:00"}}\n',
        "`2026-11-20T10:00:00`",
        id="a time",
    ),
    pytest.param(
        MODEL + "{openai_api_base: https://good.example, x: y}\n",
        "https://good.example",
        id="a field that a provider has",
    ),
    pytest.param(
        MODEL + '{openai_api_key: "{{secrets/s/k}}"}\n'
        "      email_notifications: {on_update_failure: good@example.com}\n",
        "good@example.com",
        id="an address where a list is needed",
    ),
    pytest.param(MODEL.replace("provider", "providr") + "{}\n", "openai", id="a misspelt field"),
]


@pytest.mark.parametrize(("text", "part"), SHOWN)
def test_what_is_no_secret_is_told(tmp_path, text, part):
    assert part in rendering.text(told(tmp_path, text), colour=False)
