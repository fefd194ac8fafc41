"""An endpoint that Terraform deployed is adopted by the import of its state without a change."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofs import examples
from strategies import KEYS, configs, external_entities, gateways, registered_entities
from workbench import Workbench, differences, paths, workbench

from provisioner.commands.importing.draft import write
from provisioner.commands.importing.from_terraform import import_state
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import Environment, WorkspaceSettings
from provisioner.model.plan import Action, Plan
from provisioner.workflow.plan import make_plan
from provisioner.workflow.project import Project
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

pytestmark = pytest.mark.proof("import")
ENDPOINTS_API = "/api/2.0/serving-endpoints"
Document = dict[str, Any]
# What the provider keeps as it is; every other mapping is a block, a list of one in a state.
MAPPINGS = ("environment_vars",)
# What a state holds where nobody set the field.
UNSET: dict[str, Document] = {
    "served_entities": {"workload_size": "", "instance_profile_arn": "", "entity_name": ""},
    "rate_limits": {"calls": 0, "tokens": 0, "principal": ""},
}
NUMBERS = ("calls", "tokens", "min_provisioned_concurrency", "max_provisioned_concurrency")


def without_zeros(value: Any, name: str = "") -> Any:
    """``value`` as HCL can say it: the provider sends no zero, no ``raw`` and no empty block."""
    if isinstance(value, dict):
        made = {field: without_zeros(inner, field) for field, inner in value.items()}
        return {field: inner for field, inner in made.items() if field != "raw" and inner != {}}
    if isinstance(value, list):
        return [without_zeros(inner) for inner in value]
    if name == "scale_to_zero_enabled":
        return True
    return 4 if name in NUMBERS and value == 0 else value


def _config_and_gateway(entities: Any, *, external: bool) -> Any:
    has_no_plaintext = configs(entities).filter(lambda config: "_plaintext" not in str(config))
    return st.tuples(has_no_plaintext, gateways(external=external)).map(
        lambda pair: {"config": without_zeros(pair[0]), "ai_gateway": without_zeros(pair[1])}
    )


ENDPOINTS = st.one_of(
    _config_and_gateway(registered_entities, external=False),
    _config_and_gateway(external_entities("llm/v1/chat"), external=True),
)
TAGS = st.sampled_from(([], [{"key": "team", "value": "ml"}, {"key": "cost", "value": "7"}]))


def stated(value: Any, name: str = "") -> Any:
    """``value`` of an answer as the attribute ``name`` of a state."""
    if isinstance(value, dict) and name not in MAPPINGS:
        return [{field: stated(inner, field) for field, inner in value.items()}]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [UNSET.get(name, {}) | stated(entry)[0] for entry in value]
    return value


def state_of(answer: Document) -> Document:
    """The state that the provider keeps of an endpoint, from what GET answers."""
    attributes = {field: stated(inner, field) for field, inner in answer.items()}
    attributes |= {"serving_endpoint_id": answer["id"], "rate_limits": [], "telemetry_config": []}
    instance = {"attributes": attributes, "schema_version": 0}
    resource = {"mode": "managed", "type": "databricks_model_serving", "name": "a"}
    provider = 'provider["registry.terraform.io/databricks/databricks"]'
    resources = [{**resource, "provider": provider, "instances": [instance]}]
    return {"version": 4, "terraform_version": "1.11.4", "serial": 1, "resources": resources}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with workbench(tmp_path_factory.mktemp("states")) as made:
        yield made


def imported(root: Path, state: Document) -> Path:
    """The folder of the project that the import of ``state`` writes."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / "provisioner.yaml").write_text("project: shop\n", encoding="utf-8")
    file = root / "terraform.tfstate"
    file.write_text(json.dumps(state), encoding="utf-8")
    result = import_state(root, file, "manifests/{key}.yaml")[1]
    assert not result.problems
    write(root, result.files.values())
    return root


def planned(bench: Workbench, state: Document) -> Plan:
    """The plan after the import of ``state``, with no variable set."""
    root = imported(bench.root / "state", state)
    environment = Environment("dev", WorkspaceSettings(host=bench.server.url))
    loaded = load(root, environment, KINDS)
    started = Session(
        Project(root, "shop"), environment, loaded, bench.connection, {}, bench.server.url, ""
    )
    return make_plan(replace(started, drivers=started.new_drivers()), PlanOptions())


@given(endpoint=ENDPOINTS, tags=TAGS)
@examples(quick=12, full=1500)
def test_an_imported_state_adopts_what_terraform_deployed_and_changes_nothing(
    bench: Workbench, endpoint: Document, tags: list[Document]
) -> None:
    bench.empty(KEYS)
    body = {"name": "a", **copy.deepcopy(endpoint), "tags": tags}
    bench.call("POST", ENDPOINTS_API, body)
    # Terraform waits for the endpoint and keeps what it reads then.
    for _ in range(3):
        answer = bench.call("GET", f"{ENDPOINTS_API}/a")
    plan = planned(bench, state_of(answer))
    changed = {
        str(step.address): (
            step.action,
            [path for path in paths(differences(step)) if "provisioner_" not in path],
        )
        for step in plan.steps
    }
    assert changed == {"model_serving_endpoints.a": (Action.ADOPT, [])}


def test_a_plaintext_key_of_terraform_stays_when_its_endpoint_is_adopted(bench: Workbench) -> None:
    bench.empty(KEYS)
    model: Document = {"name": "gpt-4o", "provider": "openai", "task": "llm/v1/chat"}
    key = {"openai_config": {"openai_api_key_plaintext": "sk-canary"}}
    entity = {"name": "gpt", "external_model": model | key}
    bench.call("POST", ENDPOINTS_API, {"name": "a", "config": {"served_entities": [entity]}})
    for _ in range(3):
        answer = bench.call("GET", f"{ENDPOINTS_API}/a")
    answer["config"]["served_entities"][0]["external_model"] |= key
    (step,) = planned(bench, state_of(answer)).steps
    assert step.action is Action.ADOPT
    assert [operation.call for operation in step.operations] == ["patch_tags"]
    assert any("--rotate model_serving_endpoints.a" in note for note in step.notes)
