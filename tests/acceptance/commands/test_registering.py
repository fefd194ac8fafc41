"""Models of local workspaces: registered from the command line, asked for by the tool."""

from __future__ import annotations

import json

import pytest

from provisioner.cli import main
from provisioner.errors import UnreachableError, WorkspaceError
from provisioner.workspace import WorkspaceTarget, connect, unity_catalog

MODEL = "ml.risk.fraud"
REGISTER = ["emulator", "register"]
MANIFEST = """
resources:
  model_serving_endpoints:
    fraud:
      name: fraud
      config:
        served_entities:
          - name: champion
            entity_name: ml.risk.fraud
            entity_version: "2"
            workload_size: Small
            scale_to_zero_enabled: true
"""


@pytest.fixture
def project(tmp_path):
    """A project whose environments are a local workspace each, and `prod`, which is none."""
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "fraud.yaml").write_text(MANIFEST)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text("workspace: {emulator: dev.sqlite}\n")
    (tmp_path / "environments" / "prod.yaml").write_text("workspace: {host: https://a.test}\n")
    return tmp_path


@pytest.fixture
def run(project, capsys):
    def call(*words):
        code = main([*words, "-C", str(project)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_versions_count_up_and_aliases_move(run):
    assert run(*REGISTER, MODEL, "-e", "dev")[1] == f"{MODEL} version 1 registered in dev.sqlite\n"
    _, out, _ = run(*REGISTER, MODEL, "--alias", "champion", "-e", "dev")
    expected = "version 2 registered in dev.sqlite; alias champion now points to version 2"
    assert out == f"{MODEL} {expected}\n"
    code, out, _ = run(
        *REGISTER, MODEL, "--version", "1", "--alias", "champion", "--state", "dev.sqlite"
    )
    assert code == 0
    assert "version 1 was already registered" in out
    assert "champion now points to version 1" in out


def test_the_answer_as_json(run):
    _, out, _ = run(*REGISTER, MODEL, "--version", "7", "-e", "dev", "-o", "json")
    assert json.loads(out) == {
        "name": MODEL,
        "version": 7,
        "alias": "",
        "is_new": True,
        "state": "dev.sqlite",
    }


def test_a_feature_spec_has_no_version(run):
    words = (*REGISTER, "ml.risk.spec", "--feature-spec", "-e", "dev")
    assert run(*words)[1] == "ml.risk.spec registered in dev.sqlite\n"
    assert run(*words)[1] == "ml.risk.spec was already registered in dev.sqlite\n"


REFUSED = [
    pytest.param(["ml.fraud", "-e", "dev"], "E764", id="a name of two parts"),
    pytest.param([MODEL, "--alias", "latest", "-e", "dev"], "E764", id="a reserved alias"),
    pytest.param([MODEL, "-e", "prod"], "E765", id="an environment on a real workspace"),
    pytest.param([MODEL, "-e", "nowhere"], "E202", id="an environment that does not exist"),
    pytest.param([MODEL, "--state", "provisioner.yaml"], "E815", id="a file of something else"),
]


@pytest.mark.parametrize(("words", "code"), REFUSED)
def test_what_cannot_be_registered(run, words, code):
    assert run(*REGISTER, *words)[0] == 1
    assert f"[{code}]" in run(*REGISTER, *words)[2]


def test_a_failed_registration_leaves_nothing(run):
    run(*REGISTER, MODEL, "--alias", "latest", "-e", "dev")
    assert "version 1 registered" in run(*REGISTER, MODEL, "-e", "dev")[1]


def test_an_endpoint_is_applied_once_its_version_is_registered(run):
    run(*REGISTER, MODEL, "-e", "dev")
    code, _, err = run("apply", "-e", "dev", "-y")
    assert code == 1
    assert "Model version '2' of 'ml.risk.fraud' does not exist" in err
    assert "plan --preflight" in err
    run(*REGISTER, MODEL, "-e", "dev")
    assert run("apply", "-e", "dev", "-y")[0] == 0


@pytest.fixture
def connection(workspace):
    target = WorkspaceTarget(host=workspace.server.url, token=workspace.server.token)
    with connect(target, {}, "provisioner-tests/1") as opened:
        yield opened


@pytest.fixture
def trained(workspace):
    """Versions 1 and 2 of the model, the second one champion and the third not ready."""
    for more in ({}, {"alias": "champion"}, {"status": "PENDING_REGISTRATION"}):
        workspace.call("POST", "/__emulator__/models", {"full_name": MODEL, **more})


def test_what_the_tool_asks_about_models(trained, connection):
    assert unity_catalog.alias_version(connection, MODEL, "champion") == "2"
    assert unity_catalog.version_status(connection, MODEL, "2") == unity_catalog.READY
    assert unity_catalog.version_status(connection, MODEL, "3") == "PENDING_REGISTRATION"
    assert unity_catalog.version_status(connection, MODEL, "4") == unity_catalog.MISSING
    assert unity_catalog.model_exists(connection, MODEL)
    assert not unity_catalog.model_exists(connection, "ml.risk.nobody")


@pytest.mark.parametrize(
    ("model", "alias", "code"),
    [
        pytest.param("ml.risk.nobody", "champion", "E760", id="no such model"),
        pytest.param(MODEL, "nobody", "E761", id="no such alias"),
    ],
)
def test_an_alias_that_leads_nowhere(trained, connection, model, alias, code):
    with pytest.raises(WorkspaceError) as caught:
        unity_catalog.alias_version(connection, model, alias, "emulator:dev.sqlite")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert "emulator:dev.sqlite" in problem.message
    assert f"provisioner emulator register {model}" in problem.hint
    assert "--state dev.sqlite" in problem.hint


def test_hints_for_a_real_workspace_name_mlflow(trained, connection):
    with pytest.raises(WorkspaceError) as caught:
        unity_catalog.alias_version(connection, MODEL, "nobody")
    assert connection.host in caught.value.problems[0].message
    assert "set_registered_model_alias" in caught.value.problems[0].hint


def test_a_model_that_may_not_be_executed_is_not_absent(workspace, trained):
    ada = workspace.call("POST", "/__emulator__/principals", {"name": "ada@example.com"})
    target = WorkspaceTarget(host=workspace.server.url, token=ada["token"])
    with (
        connect(target, {}, "provisioner-tests/1") as hers,
        pytest.raises(WorkspaceError) as caught,
    ):
        unity_catalog.version_status(hers, MODEL, "1")
    (problem,) = caught.value.problems
    assert problem.code == "E763"
    assert f"databricks grants update function {MODEL}" in problem.hint


def test_an_answer_about_something_else_is_no_version(workspace, connection):
    rule = {
        "method": "GET",
        "path": "/api/2.1/unity-catalog/models/**",
        "action": {"status": 200, "body": {"name": "fraud"}},
    }
    workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
    with pytest.raises(UnreachableError) as caught:
        unity_catalog.alias_version(connection, MODEL, "champion")
    assert caught.value.problems[0].code == "E766"
