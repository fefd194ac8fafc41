"""Manifests as bundles, documentation and answers of the service have them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from provisioner.errors import FileError, Problem
from provisioner.kinds import KINDS
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import read_environment
from provisioner.model.paths import Document

ENTITY = "entity_name: main.ml.ads, entity_version: '3', workload_size: Small"
SIZED = f"{ENTITY}, scale_to_zero_enabled: true"


def manifest(entity: str = f"name: ads, {SIZED}", more: str = "", config: str = "") -> str:
    return (
        "resources:\n  model_serving_endpoints:\n    ads:\n      name: ads\n      config:\n"
        f"        served_entities:\n          - {{{entity}}}\n{config}{more}"
    )


def loaded(root: Path, text: str, environment: str = "workspace: {emulator: x}\n") -> Loaded:
    for name, content in {"manifests/a.yaml": text, "environments/dev.yaml": environment}.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return load(root, read_environment(root, "dev", Outside()), KINDS)


def document(root: Path, *texts: str) -> Document:
    (resource,) = loaded(root, *texts).resources
    return resource.document


def problems(root: Path, *texts: str) -> tuple[Problem, ...]:
    with pytest.raises(FileError) as caught:
        loaded(root, *texts)
    return caught.value.problems


def entity_of(found: Document) -> Any:
    return found["config"]["served_entities"][0]


READ = [
    pytest.param(f"name: a, {ENTITY}, scale_to_zero_enabled: 'true'", "scale_to_zero_enabled", True,
                 id="a quoted boolean"),
    pytest.param(f"name: a, {ENTITY}, scale_to_zero_enabled: yes", "scale_to_zero_enabled", True,
                 id="a word of YAML 1.1"),
    pytest.param(f"name: a, {ENTITY}, scale_to_zero_enabled: 'false'", "scale_to_zero_enabled",
                 False, id="a quoted false"),
    pytest.param(f"name: a, {SIZED}, environment_vars: {{T: true}}", "environment_vars",
                 {"T": "true"}, id="a boolean in an environment variable"),
    pytest.param(f"name: a, {SIZED}, environment_vars: {{T: 5}}", "environment_vars", {"T": "5"},
                 id="a number in an environment variable"),
    pytest.param(f"name: a, {SIZED}, environment_vars: {{T: 0.3}}", "environment_vars",
                 {"T": "0.3"}, id="a fraction in an environment variable"),
    pytest.param(f"name: a, {SIZED}, environment_vars: {{T: ''}}", "environment_vars", {"T": ""},
                 id="an empty text stays"),
    pytest.param(f"name: 5, {SIZED}", "name", "5", id="a number for a name"),
]  # fmt: skip


@pytest.mark.parametrize(("entity", "field", "expected"), READ)
def test_a_value_is_read_as_the_databricks_cli_reads_it(tmp_path, entity, field, expected):
    assert entity_of(document(tmp_path, manifest(entity)))[field] == expected


def test_a_quoted_share_of_the_traffic_is_a_number(tmp_path):
    routes = "        traffic_config:\n          routes:\n"
    routes += "            - {served_entity_name: ads, traffic_percentage: '100'}\n"
    (route,) = document(tmp_path, manifest(config=routes))["config"]["traffic_config"]["routes"]
    assert route["traffic_percentage"] == 100


def test_the_value_of_a_tag_may_be_a_number(tmp_path):
    tags = "      tags: [{key: centre, value: 4711}, {key: prod, value: false}]\n"
    values = [tag["value"] for tag in document(tmp_path, manifest(more=tags))["tags"]]
    assert values == ["4711", "false"]


@pytest.mark.parametrize("field", ["tags", "description", "ai_gateway", "permissions"])
def test_a_key_without_a_value_is_absent_in_a_manifest(tmp_path, field):
    assert field not in document(tmp_path, manifest(more=f"      {field}:\n"))


def test_null_removes_in_an_override(tmp_path):
    environment = (
        "workspace: {emulator: x}\n"
        "overrides: {model_serving_endpoints: {ads: {description: null}}}\n"
    )
    found = document(tmp_path, manifest(more="      description: text\n"), environment)
    assert "description" not in found


def test_a_key_without_a_value_in_a_manifest_leaves_the_default(tmp_path):
    environment = (
        "workspace: {emulator: x}\ndefaults: {model_serving_endpoints: {description: text}}\n"
    )
    found = document(tmp_path, manifest(more="      description:\n"), environment)
    assert found["description"] == "text"


def test_an_override_may_use_old_words_and_quoted_values(tmp_path):
    environment = (
        "workspace: {emulator: x}\noverrides:\n  model_serving_endpoints:\n    ads:\n"
        "      config:\n        traffic_config:\n"
        "          routes: [{served_model_name: ads, traffic_percentage: '100'}]\n"
    )
    found = loaded(tmp_path, manifest(), environment)
    (resource,) = found.resources
    assert resource.document["config"]["traffic_config"]["routes"] == [
        {"served_entity_name": "ads", "traffic_percentage": 100}
    ]
    assert [(one.code, str(one.where)) for one in (*found.warnings, *found.notes)] == [
        ("W712", "environments/dev.yaml:7:21"),
        ("W702", "environments/dev.yaml:7:65"),
    ]


def test_a_variable_is_read_as_the_type_of_the_field_that_uses_it(tmp_path):
    environment = "workspace: {emulator: x}\nvariables: {idle: 'true'}\n"
    text = manifest(f"name: a, {ENTITY}, scale_to_zero_enabled: '${{var.idle}}'")
    found = loaded(tmp_path, text, environment)
    assert entity_of(found.resources[0].document)["scale_to_zero_enabled"] is True
    (note,) = found.notes
    assert (note.code, str(note.where)) == ("W702", "environments/dev.yaml:2:19")


def test_a_value_of_the_wrong_type_is_reported_where_it_stands(tmp_path):
    environment = "workspace: {emulator: x}\nvariables: {idle: perhaps}\n"
    text = manifest(f"name: a, {ENTITY}, scale_to_zero_enabled: '${{var.idle}}'")
    (problem,) = problems(tmp_path, text, environment)
    assert (problem.code, str(problem.where)) == ("E105", "environments/dev.yaml:2:19")


def test_what_is_converted_is_said_once_for_a_file(tmp_path):
    text = manifest(
        f"name: a, {ENTITY}, scale_to_zero_enabled: 'true', environment_vars: {{A: 1, B: 2}}"
    )
    (note,) = loaded(tmp_path, text).notes
    assert note.message == (
        "`scale_to_zero_enabled` is read as `true` or `false`; 2 other values in this file too"
    )
    assert note.where is not None
    assert note.where.line == 7


DOUBTFUL = [
    pytest.param(f"name: a, {ENTITY}, scale_to_zero_enabled: 1", id="a number for a boolean"),
    pytest.param(f"name: a, {SIZED}, environment_vars: {{T: 3.10}}", id="a zero that is lost"),
    pytest.param(f"name: a, {SIZED}, environment_vars: {{T: 1e3}}", id="an exponent"),
]  # fmt: skip


@pytest.mark.parametrize("entity", DOUBTFUL)
def test_a_value_in_doubt_stays_an_error(tmp_path, entity):
    assert [one.code for one in problems(tmp_path, manifest(entity))] == ["E105"]


def test_a_secret_that_is_written_out_is_refused_as_a_number_too(tmp_path):
    text = manifest(
        "name: gpt, external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, "
        "openai_config: {openai_api_key_plaintext: 12345678901}}"
    )
    (problem,) = problems(tmp_path, text)
    assert problem.code == "E105"
    assert "12345678901" not in f"{problem.message}{problem.hint}{problem.excerpt}"


def test_the_word_of_the_file_is_the_word_of_the_message(tmp_path):
    routes = "        traffic_config:\n          routes:\n"
    routes += "            - {served_model_name: main.ml.ads-3, traffic_percentage: 100}\n"
    (problem,) = problems(tmp_path, manifest(SIZED, config=routes))
    wrong = "`main.ml.ads-3` cannot be the value of `served_model_name`"
    assert problem.message == f"{wrong}: `.` is not allowed"
    assert problem.hint == "write `ads-3`: the name must not contain the catalog and schema"
    assert str(problem.where) == "manifests/a.yaml:10:35"


def test_the_name_of_a_field_is_never_masked(tmp_path):
    text = manifest(
        "name: gpt, external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, "
        "azure_openai_config: {openai_api_type: azure}}"
    )
    (problem,) = problems(tmp_path, text)
    assert problem.message == "unknown field `azure_openai_config`"
    assert problem.hint == "did you mean `openai_config`?"


ANSWERS = [
    pytest.param("      id: abc\n", "`id` is output only", id="one field"),
    pytest.param("      creator: a@b.example\n      state: {ready: READY}\n",
                 "`creator`, `state` are output only", id="two fields"),
    pytest.param("      permission_level: CAN_MANAGE\n", "`permission_level` is output only",
                 id="a field whose name is like another"),
    pytest.param("      endpoint_url: https://x\n", "`endpoint_url` is output only", id="address"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "message"), ANSWERS)
def test_a_pasted_answer_has_one_explanation(tmp_path, more, message):
    (problem,) = problems(tmp_path, manifest(more=more))
    assert problem.code == "E123"
    assert problem.message.startswith(message)


def test_a_whole_answer_with_both_names_of_its_entities_has_one_explanation(tmp_path):
    entity = f"name: a, {SIZED}, creator: a@b.example, state: {{deployment: DEPLOYMENT_READY}}"
    model = "name: a, model_name: main.ml.ads, model_version: '3', workload_size: Small"
    config = f"        served_models:\n          - {{{model}}}\n        config_version: 1\n"
    (problem,) = problems(
        tmp_path, manifest(entity, config=config, more="      id: abc\n      task: llm/v1/chat\n")
    )
    assert problem.code == "E123"


# Each: what to write in place of `name: ads` and its entity, and how many hints lead there.
FOLLOWED = [
    pytest.param(f"nam: ads, {SIZED}", id="a misspelt field"),
    pytest.param(f"name: ads, {ENTITY}, scale_to_zero_enabld: true", id="a misspelt boolean"),
    pytest.param(f"name: ads, {ENTITY}, scale_to_zero_enabled: 1", id="a number for a boolean"),
    pytest.param(f"name: ads, {SIZED}, environment_vars: {{T: 3.10}}", id="a zero that is lost"),
    pytest.param(f"name: ads, {SIZED}, environment_vars: {{T: 1e3}}", id="an exponent"),
    pytest.param("name: ads, entity_name: main.ml.ads, entity_version: '3', workload_size: small, "
                 "scale_to_zero_enabled: true", id="the case of a choice"),
    pytest.param(f"name: main.ml.ads, {SIZED}", id="a full name"),
    pytest.param("name: ads, external_model: {name: gpt-4o, provider: opnai, task: llm/v1/chat, "
                 "openai_config: {openai_api_key: '{{secrets/s/k}}'}}", id="a misspelt provider"),
    pytest.param("name: ads, external_model: {name: gpt-4o, provider: openai, task: chat, "
                 "openai_config: {openai_api_key: '{{secrets/s/k}}'}}", id="a short task"),
    pytest.param("name: ads, external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, "
                 "azure_openai_config: {openai_api_key: '{{secrets/s/k}}'}}", id="an old block"),
]  # fmt: skip
_ADVICE = re.compile(r"(?:did you mean|write|quote it:) (?:`([^`]+)`|(\"[^\"]+\")|([\w.]+))")


def followed(text: str, problem: Problem) -> str:
    """``text`` with the word that ``problem`` underlines replaced by the one of its hint."""
    advice = _ADVICE.search(problem.hint)
    assert advice is not None, problem.hint
    assert problem.where is not None
    lines = text.split("\n")
    line, start = lines[problem.where.line - 1], problem.where.column - 1
    word = next(group for group in advice.groups() if group)
    lines[problem.where.line - 1] = line[:start] + word + line[start + problem.width :]
    return "\n".join(lines)


@pytest.mark.parametrize("entity", FOLLOWED)
def test_a_hint_that_is_followed_makes_the_file_valid(tmp_path, entity):
    text = manifest(entity)
    for _ in range(3):
        try:
            loaded(tmp_path, text)
            return
        except FileError as error:
            text = followed(text, error.problems[0])
    pytest.fail(f"still not valid:\n{text}")


def test_a_version_that_lost_its_zero_is_not_to_be_quoted(tmp_path):
    version = "name: ads, entity_name: main.ml.ads, entity_version: 3.10, workload_size: Small"
    (problem,) = problems(tmp_path, manifest(f"{version}, scale_to_zero_enabled: true"))
    assert problem.hint.startswith('write a whole number of at least 1, such as "3"')
