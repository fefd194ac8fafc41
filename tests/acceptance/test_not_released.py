"""What has lost its released value, and is live, is left alone."""

from __future__ import annotations

import pytest

ENDPOINT = """
name: chat
config:
  served_entities:
    - name: champion
      entity_name: main.models.chat
      entity_version: ${var.version}
      workload_size: Small
      scale_to_zero_enabled: true
"""


def test_a_live_endpoint_without_its_value_is_no_orphan_and_is_not_pruned(
    run, repository, workspace
):
    head = f"workspace: {{host: {workspace.server.url}}}\nreleased: [version]\n"
    repository.write("environments/dev.yaml", head)
    release = repository.write("environments/releases/dev.yaml", 'version: {value: "1"}\n')
    repository.endpoint(ENDPOINT)
    assert run("apply", "-y").code == 0
    release.unlink()
    workspace.forget()
    done = run("plan", "--prune", "-o", "json")
    assert done.code == 0, done.err
    assert done.json["steps"] == []
    assert "not released in dev yet: `version`" in done.err
    assert run("apply", "-y", "--prune", "--allow-delete", "all").code == 0
    assert run("plan", "--select", "chat", "-o", "json").json["steps"] == []
    assert "not released in dev yet: `version`" in run("status").err
    assert workspace.writes() == []
    assert workspace.endpoint("chat")["name"] == "chat"


@pytest.fixture
def withheld(run, repository, workspace):
    """A live endpoint of ours whose value has gone from the release file; its file."""
    head = f"workspace: {{host: {workspace.server.url}}}\nreleased: [version]\n"
    repository.write("environments/dev.yaml", head)
    release = repository.write("environments/releases/dev.yaml", 'version: {value: "1"}\n')
    repository.endpoint(ENDPOINT)
    assert run("apply", "-y").code == 0
    text = release.read_text()
    release.unlink()
    workspace.forget()
    return release, text


@pytest.mark.parametrize(
    "words", [pytest.param(["--all"], id="all"), pytest.param(["chat"], id="by name")]
)
def test_import_knows_its_manifest(run, withheld, repository, workspace, words):
    files = sorted(repository.root.rglob("*.yaml"))
    done = run("import", *words)
    assert done.code == 0, done.err
    assert "0 new" in done.out
    assert "manifests/endpoint.yaml" in done.out
    assert sorted(repository.root.rglob("*.yaml")) == files


def test_status_and_verify_leave_it_out_and_say_so(run, withheld):
    assert "skipped" in run("status").err
    done = run("verify")
    assert "E747" in done.err


def test_a_saved_plan_does_not_delete_it(run, withheld, repository, workspace):
    plan = repository.root / "plan.json"
    assert run("plan", "--prune", "--out", str(plan)).code == 0
    assert run("apply", str(plan), "--allow-delete", "all").code == 0
    assert workspace.writes() == []
    assert workspace.endpoint("chat")["name"] == "chat"


def test_a_plan_saved_before_a_release_was_taken_back_is_refused(
    run, withheld, repository, workspace
):
    release, text = withheld
    release.write_text(text.replace("1", "2"))
    plan = repository.root / "plan.json"
    assert run("plan", "--out", str(plan)).code == 0
    release.unlink()
    workspace.forget()
    refused = run("apply", str(plan))
    assert refused.code == 1
    assert "error[E528]" in refused.err
    assert workspace.writes() == []


def test_destroy_names_it_by_its_own_address_and_asks(run, withheld, workspace):
    done = run("destroy", "-y")
    assert done.code == 1
    assert "model_serving_endpoints.chat" in done.out
    assert "@orphan" not in done.out
    assert workspace.writes() == []


@pytest.mark.parametrize(
    "live", [pytest.param([], id="files"), pytest.param(["--live"], id="workspaces")]
)
def test_a_comparison_of_environments_calls_it_no_accident(
    run, withheld, repository, workspace, live
):
    head = f"workspace: {{host: {workspace.server.url}}}\nname_prefix: two-\n"
    repository.write("environments/two.yaml", f"{head}variables: {{version: '1'}}\n")
    done = run("diff", "dev", "two", *live, "--detailed-exitcode")
    assert done.code == 0, done.err
    assert "on purpose: it is not released in dev yet" in done.out
    assert "not released in dev yet: `version`" in done.err
