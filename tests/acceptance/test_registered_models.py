"""Models of Unity Catalog from the command line: sizes, versions, model units, telemetry."""

from __future__ import annotations

import pytest

ROOT = "/api/2.0/serving-endpoints"
CUSTOM = """
name: fraud
budget_policy_id: policy-1
config:
  served_entities:
    - name: champion
      entity_name: main.fraud.model
      entity_version: 3
      workload_size: Small
      scale_to_zero_enabled: false
      environment_vars: {MODE: fast}
      raw: {new_of_entity: 1}
telemetry_config:
  table_names: {logs_table: main.fraud.logs}
"""
UNITS = """
name: assistant
config:
  served_entities:
    - name: llama
      entity_name: system.ai.llama
      entity_version: "1"
      provisioned_model_units: 50
      burst_scaling_enabled: false
"""


def calls(plan):
    (step,) = plan.json["steps"]
    return step["action"], [operation["call"] for operation in step["operations"]]


@pytest.fixture
def applied(repository, run):
    """Write the endpoint, apply it, and find nothing left to do."""

    def apply(text, *consent):
        repository.endpoint(text)
        result = run("apply", "-y", *consent)
        assert result.code == 0, result.err
        assert run("plan", "--detailed-exitcode").code == 0
        return repository

    return apply


def test_a_custom_model_is_applied_and_nothing_is_left_to_do(applied, workspace):
    applied(CUSTOM)
    (entity,) = workspace.endpoint("fraud")["config"]["served_entities"]
    assert entity["entity_version"] == "3"
    assert entity["scale_to_zero_enabled"] is False


CHANGES = [
    pytest.param("entity_version: 3", "entity_version: 4", ["update_config"], id="the version"),
    pytest.param(
        "workload_size: Small",
        "max_provisioned_concurrency: 8",
        ["update_config"],
        id="a size becomes a concurrency",
    ),
    pytest.param("MODE: fast", "MODE: exact", ["update_config"], id="a variable"),
    pytest.param(
        "new_of_entity: 1",
        "new_of_entity: 2",
        ["update_config", "patch_tags"],
        id="a field that provisioner does not know",
    ),
    pytest.param(
        "main.fraud.logs",
        "main.fraud.other_logs",
        ["patch_telemetry_config", "patch_tags"],
        id="a table of the telemetry, which cannot be read back",
    ),
    pytest.param(
        "telemetry_config:\n  table_names: {logs_table: main.fraud.logs}\n",
        "",
        ["patch_telemetry_config", "patch_tags"],
        id="no telemetry any more",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), CHANGES)
def test_each_change_is_one_call_of_its_own(applied, run, old, new, expected):
    repository = applied(CUSTOM)
    changed = CUSTOM.replace(old, new)
    repository.endpoint(changed)
    assert calls(run("plan", "-o", "json")) == ("update", expected)
    applied(changed)


def test_telemetry_that_is_taken_out_is_gone(applied, workspace):
    applied(CUSTOM)
    assert workspace.endpoint("fraud")["telemetry_config"]["telemetry_profile_id"]
    applied(CUSTOM.partition("telemetry_config")[0])
    assert "telemetry_config" not in workspace.endpoint("fraud")


@pytest.mark.parametrize("line", ["budget_policy_id: policy-2\n", ""])
def test_a_budget_policy_is_refused_when_it_changes(applied, repository, run, line):
    applied(CUSTOM)
    repository.endpoint(CUSTOM.replace("budget_policy_id: policy-1\n", line))
    result = run("plan")
    assert result.code == 1
    assert "! blocked" in result.out
    assert "restore the old id" in " ".join(result.out.split())
    assert run("apply", "-y").code == 1


def test_model_units_have_calls_of_their_own(applied, repository, run, workspace):
    repository.endpoint(UNITS)
    assert calls(run("plan", "-o", "json")) == ("create", ["create_provisioned_throughput"])
    applied(UNITS)
    workspace.forget()
    applied(UNITS.replace("units: 50", "units: 100"))
    assert ("PUT", f"{ROOT}/pt/assistant/config") in workspace.writes()


def test_an_endpoint_without_model_units_any_more_is_made_anew_with_consent(
    applied, repository, run
):
    applied(UNITS)
    other = UNITS.partition("      provisioned_model_units")[0] + (
        "      max_provisioned_throughput: 9500\n"
    )
    repository.endpoint(other)
    assert calls(run("plan", "-o", "json")) == ("replace", ["delete", "create"])
    assert run("apply", "-y").code == 1
    applied(other, "--allow-replace", "model_serving_endpoints.chat")


LEGACY = """
name: fraud
config:
  served_models:
    - model_name: main.fraud.model
      model_version: "3"
      workload_size: Small
      scale_to_zero_enabled: true
  traffic_config:
    routes: [{served_model_name: model-3, traffic_percentage: 100}]
"""


def test_the_spelling_of_before_2023_still_works(applied, run):
    applied(LEGACY)
    said = run("validate").err
    assert "W710" in said
    assert "W712" in said


def test_a_switch_that_is_missing_is_a_warning(repository, run):
    repository.endpoint(CUSTOM.replace("      scale_to_zero_enabled: false\n", ""))
    result = run("validate")
    assert result.code == 0
    assert "warning[W736]" in result.err


REFUSED = [
    pytest.param("entity_version: 3", "entity_version: 3.10", "E105", id="a fraction"),
    pytest.param("MODE: fast", 'MODE: "${env.MODE}"', "E121", id="a variable of whoever applies"),
    pytest.param(
        "new_of_entity: 1", "workload_type: CPU", "E372", id="a field that is known sent raw"
    ),
    pytest.param(
        "workload_size: Small",
        "workload_size: Small\n      min_provisioned_concurrency: 4",
        "E334",
        id="a size and a concurrency",
    ),
]


@pytest.mark.parametrize(("old", "new", "code"), REFUSED)
def test_what_cannot_be_is_refused_by_validate(repository, run, old, new, code):
    assert old in CUSTOM
    repository.endpoint(CUSTOM.replace(old, new))
    result = run("validate")
    assert result.code == 1
    assert f"[{code}]" in result.err
