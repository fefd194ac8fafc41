"""Bundles and Terraform states become manifests offline, and let go of what they had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.cli import main

HERE = Path(__file__).parents[2]
STATE = HERE / "support" / "terraform_states" / "serving.tfstate"
BUNDLE = HERE / "support" / "bundle" / "databricks.yml"


@pytest.fixture
def importing(tmp_path, capsys):
    """Run an import into an empty folder."""
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")

    def call(*words):
        code = main(["import", "-C", str(tmp_path), *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def rendered(folder, capsys, environment="local"):
    capsys.readouterr()
    assert main(["render", "-C", str(folder), "-e", environment, "-o", "json"]) == 0
    return json.loads(capsys.readouterr().out)["resources"]


# -- Terraform ---------------------------------------------------------------------------


def test_a_state_becomes_manifests_that_are_valid(importing, tmp_path, capsys):
    code, out, err = importing("--from-terraform-state", STATE)
    assert code == 0, err
    assert "its creator, `b@example.com`" in out
    assert main(["validate", "-C", str(tmp_path)]) == 0
    found = rendered(tmp_path, capsys)
    assert set(found["model_serving_endpoints"]) == {"chat", "fraud", "llama"}
    assert found["model_serving_endpoints"]["chat"]["permissions"] == [
        {"level": "CAN_QUERY", "group_name": "analysts"},
        {"level": "CAN_MANAGE", "user_name": "a@example.com"},
    ]
    assert found["secret_scopes"]["openai"] == {
        "name": "openai",
        "secrets": {"chat": {"from_env": "OPENAI_CHAT"}, "spare": {"from_env": "OPENAI_SPARE"}},
        "acls": [{"principal": "ml", "permission": "READ"}],
    }


def test_no_secret_of_a_state_gets_anywhere(importing, tmp_path):
    said = importing("--from-terraform-state", STATE, "-o", "json")
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert "canary" not in "".join([*said[1:], *files])


def test_a_key_that_stands_where_a_reference_belongs_stays_in_the_state(importing, tmp_path):
    text = STATE.read_text().replace("{{secrets/openai/chat}}", "canary-in-a-reference")
    state = tmp_path / "wrong.tfstate"
    state.write_text(text)
    code, out, err = importing("--from-terraform-state", state)
    assert code == 0, err
    manifest = (tmp_path / "manifests/chat.yaml").read_text()
    assert "openai_api_key_plaintext: ${env.CHAT_GPT_OPENAI_API_KEY}" in manifest
    assert "canary" not in manifest + out + err


def test_removed_blocks_name_each_resource_once_and_without_keys(importing, tmp_path):
    importing("--from-terraform-state", STATE)
    text = (tmp_path / "removed.tf").read_text()
    found = [line.split("= ")[1] for line in text.splitlines() if "from =" in line]
    assert found == [
        "databricks_model_serving.fraud",
        "databricks_model_serving_provisioned_throughput.llama",
        "databricks_permissions.chat",
        "databricks_secret.keys",
        "databricks_secret_acl.readers",
        "databricks_secret_scope.openai",
        "module.serving.databricks_model_serving.chat",
    ]
    assert text.count("destroy = false") == len(found)
    assert '# databricks_secret.keys["a b"]' in text


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed here")
def test_terraform_takes_the_removed_blocks(importing, tmp_path):
    importing("--from-terraform-state", STATE)
    folder = tmp_path / "configuration"
    folder.mkdir()
    shutil.copy(tmp_path / "removed.tf", folder)
    for words in (["fmt", "-check"], ["validate"]):
        done = subprocess.run(
            ["terraform", f"-chdir={folder}", *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("no json", "E838", id="no JSON"),
        pytest.param("{}", "E838", id="no version"),
        pytest.param('{"version": 3}', "E838", id="an older version"),
        pytest.param('{"version": 4, "resources": []}', "E837", id="nothing of ours"),
    ],
)
def test_what_is_no_state_is_refused(importing, tmp_path, text, code):
    (tmp_path / "x.tfstate").write_text(text)
    done = importing("--from-terraform-state", tmp_path / "x.tfstate")
    assert done[0] == 1
    assert f"error[{code}]" in done[2]


# -- bundles -----------------------------------------------------------------------------

RESOURCES = """\
resources:
  jobs: {nightly: {name: nightly}}
  secret_scopes:
    keys:
      name: bundle_keys
      permissions: [{level: READ, group_name: analysts}]
  model_serving_endpoints:
    fraud:
      name: fraud
      permissions: [{level: CAN_QUERY, group_name: analysts}]
      rate_limits: [{key: user, renewal_period: minute, calls: 7}]
      config:
        served_models:
          - {name: a, model_name: main.ml.fraud, model_version: 3, workload_size: Small,
             scale_to_zero_enabled: true, environment_vars: {LEVEL: "on", TOKEN: "{{secrets/x/y}}"}}
"""


def test_a_bundle_becomes_manifests_and_environments(importing, tmp_path, capsys):
    code, _, err = importing("--from-bundle", BUNDLE)
    assert code == 0, err
    assert "databricks bundle deployment unbind fraud -t prod" in err
    assert "skipped: `jobs`" in err
    dev = rendered(tmp_path, capsys, "dev")["model_serving_endpoints"]["fraud"]
    prod = rendered(tmp_path, capsys, "prod")["model_serving_endpoints"]["fraud"]
    entities = [one["config"]["served_entities"][0] for one in (dev, prod)]
    assert [one["entity_version"] for one in entities] == ["3", "2"]
    assert entities[0]["environment_vars"] == {"SCOPE": "bundle_keys"}
    assert (dev["name"], prod["name"]) == ("dev_your_short_name_fraud", "prodfraud")
    assert prod["tags"] == [{"key": "stage", "value": "prod"}]


def test_an_imported_bundle_plans_as_its_resource_file_does(importing, tmp_path, capsys):
    same = tmp_path / "same"
    (same / "manifests").mkdir(parents=True)
    (same / "provisioner.yaml").write_text("project: shop\n")
    (same / "manifests/resources.yaml").write_text(RESOURCES)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    text = f"bundle: {{name: b}}\n{RESOURCES}"
    (bundle / "databricks.yml").write_text(text)
    assert importing("--from-bundle", bundle / "databricks.yml")[0] == 0
    plans = []
    for folder in (same, tmp_path):
        assert main(["plan", "-C", str(folder), "-o", "json"]) == 0
        plan = json.loads(capsys.readouterr().out)
        plans.append((plan["digest"], plan["steps"]))
    assert plans[0] == plans[1]


def test_the_second_import_of_a_bundle_writes_nothing(importing):
    importing("--from-bundle", BUNDLE)
    code, out, _ = importing("--from-bundle", BUNDLE)
    assert (code, "0 new, 0 changed" in out) == (0, True)


def test_files_of_a_user_stay(importing, tmp_path):
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/dev.yaml").write_text("workspace: {profile: x}\n")
    code, _, err = importing("--from-bundle", BUNDLE)
    assert (code, "error[E834]: `environments/dev.yaml`" in err) == (1, True)
    assert (tmp_path / "environments/dev.yaml").read_text() == "workspace: {profile: x}\n"


# -- what a state may hold besides -------------------------------------------------------


def state_with(*resources):
    return json.dumps({"version": 4, "resources": list(resources)})


def instance(kind, block, /, **attributes):
    return {
        "mode": "managed",
        "type": kind,
        "name": block,
        "instances": [{"attributes": attributes}],
    }


SYSTEM = instance(
    "databricks_model_serving",
    "llama",
    name="databricks-meta-llama",
    serving_endpoint_id="1",
    config=[{"served_entities": [{"name": "x", "entity_name": "system.ai.llama"}]}],
    ai_gateway=[{"usage_tracking_config": [{"enabled": True}]}],
    tags=[{"key": "team", "value": "ml"}],
)


def test_an_endpoint_that_databricks_provides_is_existing(importing, tmp_path, capsys):
    state = tmp_path / "terraform.tfstate"
    state.write_text(state_with(SYSTEM))
    code, out, err = importing("--from-terraform-state", state)
    assert code == 0, err
    (found,) = rendered(tmp_path, capsys)["model_serving_endpoints"].values()
    assert (found["name"], found["existing"]) == ("databricks-meta-llama", True)
    assert found["tags"] == [{"key": "team", "value": "ml"}]
    assert "config" not in found
    assert "not imported: `config`, which Databricks sets" in out


def test_a_state_without_a_project_around_it_makes_one(tmp_path, capsys):
    folder = tmp_path / "My Shop"
    folder.mkdir()
    assert main(["import", "-C", str(folder), "--from-terraform-state", str(STATE)]) == 0
    assert (folder / "provisioner.yaml").read_text() == "project: my-shop\n"
    assert main(["validate", "-C", str(folder)]) == 0


def test_what_stays_with_terraform_is_said_with_the_reason(importing):
    _, _, err = importing("--from-terraform-state", STATE)
    assert (
        "still managed by Terraform: `databricks_job.nightly`; the import does not support" in err
    )
