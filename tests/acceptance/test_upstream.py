"""A model server behind a local workspace, named on the command line or in the environment."""

from __future__ import annotations

import pytest

from provisioner.cli import main

MANIFEST = """
resources:
  model_serving_endpoints:
    chat:
      name: databricks-dbrx-instruct
      existing: true
      tags: [{key: team, value: shop}]
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "all.yaml").write_text(MANIFEST)
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    return tmp_path


def test_queries_of_a_local_environment_go_to_the_upstream(project, capsys, monkeypatch):
    # Nobody listens there; that it is said shows that somebody was asked.
    monkeypatch.setenv("PROVISIONER_UPSTREAM", "http://127.0.0.1:9/v1")
    words = ["query", "databricks-dbrx-instruct", "--prompt", "hello"]
    main([*words, "-C", str(project)])
    said = capsys.readouterr()
    assert "answered with status 503" in said.out + said.err


def test_an_upstream_that_cannot_be_is_told(project, capsys, monkeypatch):
    assert main(["emulator", "start", "-C", str(project), "--upstream", "http://far"]) == 1
    assert "error[E808]: upstream must be https://" in capsys.readouterr().err
    monkeypatch.setenv("PROVISIONER_UPSTREAM", "http://far")
    assert main(["plan", "-C", str(project)]) == 1
    assert "error[E808]: upstream must be https://" in capsys.readouterr().err
