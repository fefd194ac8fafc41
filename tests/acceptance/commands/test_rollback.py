"""rollback: one line of the release file goes back, and with --apply only what it is about."""

from __future__ import annotations

import pytest

MANIFEST = """
resources:
  model_serving_endpoints:
    {key}:
      name: {key}-scores
      config:
        served_entities:
          - name: champion
            entity_name: main.models.{key}
            entity_version: ${{var.{key}_version}}
            workload_size: Small
            scale_to_zero_enabled: true
"""
RELEASES = "environments/releases/dev.yaml"
FRAUD = 'fraud_version: {value: "2", previous: "1", from: staging, at: 2026-11-20T10:00:00Z}\n'
ROUTER = 'router_version: {value: "7"}\n'


@pytest.fixture
def released(repository, workspace):
    """Two endpoints with a released version each; the release file as a path."""
    repository.write(
        "environments/dev.yaml",
        f"workspace: {{host: {workspace.server.url}}}\n"
        "released: [fraud_version, router_version, unused]\n",
    )
    for key in ("fraud", "router"):
        repository.write(f"manifests/{key}.yaml", MANIFEST.format(key=key))
    return repository.write(RELEASES, FRAUD + "\n" + ROUTER)


def version(workspace, name):
    (entity,) = workspace.endpoint(name)["config"]["served_entities"]
    return entity["entity_version"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("fraud_version", id="a variable"),
        pytest.param("fraud", id="the key of an endpoint"),
        pytest.param("model_serving_endpoints.fraud", id="an address"),
        pytest.param("fraud-scores", id="the name of an endpoint"),
    ],
)
def test_only_the_line_changes_and_the_difference_is_shown(run, released, workspace, name):
    done = run("rollback", name)
    assert done.code == 0, done.err
    text = released.read_text()
    assert 'value: "1"' in text
    assert 'rolled_back: "2"' in text
    assert 'rejected: ["2"]' in text
    assert "previous" not in text
    assert '\nrouter_version: {value: "7"}\n' in text
    assert '-fraud_version: {value: "2"' in done.out
    assert '+fraud_version: {value: "1"' in done.out
    assert "next: provisioner apply -e dev --select fraud" in done.err
    assert workspace.requests() == []


def test_a_second_rollback_is_refused_and_says_how_to_go_on(run, released):
    assert run("rollback", "fraud").code == 0
    before = released.read_bytes()
    done = run("rollback", "fraud")
    assert done.code == 1
    assert "error[E723]" in done.err
    assert "it was already rolled back from `2` to `1`" in done.err
    assert "provisioner history fraud_version -e dev" in done.err
    assert "provisioner rollback -e dev fraud_version --to VALUE" in done.err
    assert released.read_bytes() == before


def test_to_a_value_that_the_file_does_not_know_there_is_a_warning(run, released):
    done = run("rollback", "fraud", "--to", "12")
    assert done.code == 0, done.err
    assert "warning[W743]" in done.err
    assert 'value: "12"' in released.read_text()
    done = run("rollback", "fraud", "--to", "2")
    assert (done.code, "W743" in done.err) == (0, False)


def test_with_json_the_answer_names_values_and_endpoints(run, released):
    done = run("rollback", "fraud", "-o", "json")
    assert done.json == {
        "file": RELEASES,
        "written": True,
        "resources": ["model_serving_endpoints.fraud"],
        "variables": [
            {"name": "fraud_version", "value": "1", "rolled_back": "2", "rejected": ["2"]}
        ],
    }


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(["frud"], "E711", "`frud` is neither a released variable", id="a typo"),
        pytest.param(["unused"], "E721", "`unused` has no released value", id="never released"),
        pytest.param(["router"], "E723", "no previous value", id="the first value"),
        pytest.param(["fraud", "router"], "E723", "`router_version`", id="one of two"),
        pytest.param(["fraud", "--to", "2"], "E722", "is already", id="where it is"),
        pytest.param(["fraud", "router", "--to", "2"], "E725", "one value", id="one for two"),
    ],
)
def test_what_is_refused_writes_nothing(run, released, words, code, message):
    before = released.read_bytes()
    done = run("rollback", *words)
    assert done.code == 1
    assert f"error[{code}]" in done.err
    assert message in done.err
    assert released.read_bytes() == before


def test_where_nothing_is_released_it_says_how_to_begin(run, repository, workspace):
    repository.write("manifests/fraud.yaml", MANIFEST.format(key="fraud"))
    head = f"workspace: {{host: {workspace.server.url}}}\nvariables: {{fraud_version: '1'}}\n"
    repository.write("environments/dev.yaml", head)
    done = run("rollback", "fraud")
    assert done.code == 1
    assert "error[E720]" in done.err


def test_apply_touches_only_the_endpoints_concerned(run, released, workspace):
    assert run("apply", "-y").code == 0
    released.write_text(released.read_text().replace('"7"', '"8"'))
    workspace.forget()
    done = run("rollback", "fraud", "--apply", "-y")
    assert done.code == 0, done.err
    assert '+fraud_version: {value: "1"' in done.out
    assert workspace.writes() == [("PUT", "/api/2.0/serving-endpoints/fraud-scores/config")]
    assert not [path for _, path in workspace.requests() if "router" in path]
    assert version(workspace, "fraud-scores") == "1"
    assert version(workspace, "router-scores") == "7"
    assert 'rejected: ["2"]' in released.read_text()


FROZEN = """
policies:
  - name: frozen
    plan: {forbid: [{action: update}]}
"""


def test_apply_that_a_policy_refuses_writes_nothing(run, released, repository, workspace):
    assert run("apply", "-y").code == 0
    repository.write("policies/frozen.yaml", FROZEN)
    before = released.read_bytes()
    workspace.forget()
    done = run("rollback", "fraud", "--apply", "-y")
    assert done.code == 1
    assert "error[E530]: policy `frozen`" in done.err
    assert (released.read_bytes(), workspace.writes()) == (before, [])


def test_apply_without_anybody_to_ask_writes_nothing(run, released, workspace):
    before = released.read_bytes()
    done = run("rollback", "fraud", "--apply")
    assert done.code == 1
    assert "error[E804]" in done.err
    assert (released.read_bytes(), workspace.requests()) == (before, [])


def test_a_plan_that_is_refused_leaves_the_file_as_it_was(run, released, workspace):
    assert run("apply", "-y").code == 0
    before = released.read_bytes()
    done = run("rollback", "fraud", "--apply", "--expect-plan-digest", "0" * 64)
    assert done.code == 1
    assert "error[E514]" in done.err
    assert released.read_bytes() == before
    assert version(workspace, "fraud-scores") == "2"


def test_apply_where_the_old_value_is_live_already_still_writes_the_file(run, released, workspace):
    text = released.read_text()
    released.write_text('fraud_version: {value: "1"}\n\n' + ROUTER)
    assert run("apply", "-y").code == 0
    released.write_text(text)
    workspace.forget()
    done = run("rollback", "fraud", "--apply", "-y")
    assert done.code == 0, done.err
    assert "Nothing to do." in done.err
    assert workspace.writes() == []
    assert 'rejected: ["2"]' in released.read_text()
