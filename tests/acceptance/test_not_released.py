"""What has lost its released value, and is live, is left alone."""

from __future__ import annotations

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
