"""Aliases become versions in the release file, and what waits for one does not stop the rest."""

from __future__ import annotations

import json

import pytest

from provisioner.cli import main

ENVIRONMENT = """
workspace: {emulator: dev.sqlite}
released: [fraud_version, chat_version]
variables:
  catalog: dev
  fraud_version: {alias: "${var.catalog}.risk.fraud@champion"}
  chat_version: {alias: "${var.catalog}.chat.bot@champion"}
"""
ENDPOINT = """
resources:
  model_serving_endpoints:
    NAME:
      name: NAME
      config:
        served_entities:
          - name: champion
            entity_name: ${var.catalog}.MODEL
            entity_version: ${var.NAME_version}
            workload_size: Small
            scale_to_zero_enabled: true
"""
ROUTES = """
resources:
  model_serving_endpoints:
    open:
      name: open
      config:
        served_entities:
          - name: champion
            entity_name: system.ai.bge
            entity_version: "1"
            workload_size: Small
            scale_to_zero_enabled: true
"""


@pytest.fixture
def project(tmp_path):
    files = {
        "provisioner.yaml": "project: shop\n",
        "environments/dev.yaml": ENVIRONMENT,
        "manifests/fraud.yaml": ENDPOINT.replace("NAME", "fraud").replace("MODEL", "risk.fraud"),
        "manifests/chat.yaml": ENDPOINT.replace("NAME", "chat").replace("MODEL", "chat.bot"),
        "manifests/open.yaml": ROUTES,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def run(project, capsys):
    def call(*words):
        code = main([*words, "-C", str(project)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def release_file(project):
    return project / "environments/releases/dev.yaml"


def register(run, model, *more):
    words = ("emulator", "register", f"dev.{model}", "--alias", "champion", *more)
    assert run(*words, "-e", "dev")[0] == 0


def test_what_waits_for_a_pin_does_not_stop_the_rest(run):
    assert run("validate")[0] == 0
    code, out, err = run("apply", "-e", "dev", "-y")
    assert code == 0, err
    assert "Applied: 1 created" in out
    assert "hint: provisioner pin -e dev fraud_version" in err
    assert "hint: provisioner pin -e dev chat_version" in err


def test_pin_writes_versions_and_apply_serves_them(run, release_file):
    register(run, "risk.fraud", "--version", "3")
    register(run, "chat.bot")
    code, out, err = run("pin", "-e", "dev")
    assert code == 0, err
    assert out.splitlines() == [
        "chat_version   none → 1  (dev.chat.bot@champion)",
        "fraud_version  none → 3  (dev.risk.fraud@champion)",
    ]
    assert run("apply", "-e", "dev", "-y")[0] == 0
    before = release_file.read_text()
    assert run("pin", "-e", "dev")[1].splitlines()[1] == (
        "fraud_version  3 as before  (dev.risk.fraud@champion)"
    )
    assert release_file.read_text() == before


def test_a_named_resource_means_the_variables_behind_it(run, release_file):
    register(run, "risk.fraud")
    assert run("pin", "-e", "dev", "fraud")[0] == 0
    assert "chat_version" not in release_file.read_text()
    code, _, err = run("pin", "-e", "dev", "frau_version")
    assert code == 1
    assert "error[E711]" in err
    assert "did you mean `fraud_version`?" in err
    assert "did you mean `fraud`?" in run("pin", "-e", "dev", "froud")[2]
    assert "[E711]" in run("pin", "-e", "dev", "open")[2]


def test_check_writes_nothing(run, release_file):
    register(run, "risk.fraud")
    assert run("pin", "-e", "dev", "fraud", "--check")[0] == 3
    assert not release_file.exists()
    assert run("pin", "-e", "dev", "fraud")[0] == 0
    assert run("pin", "-e", "dev", "fraud", "--check")[0] == 0


def test_an_alias_that_leads_nowhere_stops_no_other(run, release_file):
    register(run, "risk.fraud")
    code, out, err = run("pin", "-e", "dev", "-o", "json")
    assert code == 1
    assert "[E760]" in err
    assert '"written": true' in out
    assert "fraud_version" in release_file.read_text()
    assert "chat_version" not in release_file.read_text()


def test_a_version_that_was_rolled_back_is_not_pinned_again_unasked(run, release_file):
    register(run, "risk.fraud", "--version", "4")
    release_file.parent.mkdir()
    release_file.write_text('fraud_version: {value: "3", rejected: ["4"]}\n')
    code, _, err = run("pin", "-e", "dev", "fraud")
    assert code == 1
    assert "[E713]" in err
    assert run("pin", "-e", "dev", "fraud", "--retry-rejected")[0] == 0
    assert 'value: "4", previous: "3"' in release_file.read_text()
    assert "rejected" not in release_file.read_text()


def test_an_environment_without_an_alias_has_nothing_to_pin(run, project):
    (project / "environments/dev.yaml").write_text("workspace: {emulator: dev.sqlite}\n")
    for name in ("fraud", "chat"):
        (project / f"manifests/{name}.yaml").unlink()
    code, _, err = run("pin", "-e", "dev")
    assert code == 1
    assert "[E712]" in err


ELEMENTS = """
  tenants:
    eu: {version: "${var.fraud_version}"}
    us: {version: "${var.fraud_version}"}
    apac: {version: "5"}
"""


def test_pin_releases_a_version_to_all_elements_that_use_it(project, run, release_file):
    block = ENDPOINT.replace("NAME:\n", "NAME:\n      for_each: ${var.tenants}\n", 1)
    block = block.replace("name: NAME", "name: NAME-${each.key}")
    block = block.replace("${var.NAME_version}", "${each.value.version}")
    manifest = project / "manifests/fraud.yaml"
    manifest.write_text(block.replace("NAME", "fraud").replace("MODEL", "risk.fraud"))
    environment = project / "environments/dev.yaml"
    environment.write_text(ENVIRONMENT.rstrip() + ELEMENTS)
    assert "fraud/apac" in run("plan", "-e", "dev")[1]
    assert "fraud/eu" not in run("plan", "-e", "dev")[1]
    register(run, "risk.fraud", "--version", "3")
    code, out, err = run("pin", "-e", "dev", "fraud_version")
    assert code == 0, err
    assert out.splitlines() == ["fraud_version  none → 3  (dev.risk.fraud@champion)"]
    answer = json.loads(run("render", "-e", "dev", "-o", "json")[1])
    made = answer["resources"]["model_serving_endpoints"]
    versions = {
        key: endpoint["config"]["served_entities"][0]["entity_version"]
        for key, endpoint in made.items()
        if key.startswith("fraud/")
    }
    assert versions == {"fraud/eu": "3", "fraud/us": "3", "fraud/apac": "5"}
