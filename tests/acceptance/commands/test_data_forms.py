"""``-o yaml`` holds the data of ``-o json``, on every command, errors included."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from provisioner.cli import COMMANDS, group, main

ENVIRONMENT = """
workspace: {emulator: NAME.sqlite}
variables: {catalog: NAME}
released: [fraud_version]
"""
MANIFEST = """
resources:
  model_serving_endpoints:
    fraud:
      name: fraud
      config:
        served_entities:
          - name: champion
            entity_name: ${var.catalog}.risk.fraud
            entity_version: ${var.fraud_version}
            workload_size: Small
            scale_to_zero_enabled: true
      checks:
        - {name: it answers, dataframe_records: [{amount: 1}]}
      rollout: {steps: [5% for 10m, 100%]}
"""
RELEASES = 'fraud_version: {value: "2", previous: "1", from: dev, at: 2026-11-20T10:00:00Z}\n'
SCOPE = "resources: {secret_scopes: {keys: {name: keys, secrets: {token: {from_env: HOME}}}}}\n"
POLICY = """
policies:
  - name: small
    message: ask the platform team
    applies_to: {kind: model_serving_endpoints}
    forbid: [{path: "config.served_entities[*].workload_size", not_in: [Small]}]
"""
# Command -> the words behind it. In this order: what changes the workspace comes last.
CALLS = {
    "version": "",
    "init": "started --ci none -y",
    "validate": "",
    "policy test": "",
    "policy explain": "",
    "fmt": "--check",
    "render": "-e dev",
    "graph": "-e dev",
    "diff": "dev prod",
    "emulator register": "dev.risk.fraud --version 2 -e dev",
    "plan": "-e dev --out PLAN",
    "show": "PLAN",
    "apply": "-e dev -y",
    "status": "-e dev",
    "logs": "fraud -e dev",
    "open": "fraud -e dev",
    "drift": "-e dev",
    "query": "fraud --record {} -e dev",
    "verify": "-e dev",
    "connect": "fraud --client curl -e dev",
    "doctor": "-e dev",
    "pin": "-e dev --check",
    "promote": "--from dev --to prod",
    "history": "",
    "rollout status": "-e dev",
    "rollout advance": "-e dev",
    "rollout go": "fraud -e dev",
    "rollout hold": "fraud -e dev",
    "rollout back": "fraud -e dev",
    "rollout finish": "fraud -e dev",
    "rollout retry": "fraud -e dev",
    "import": "fraud -e dev --dry-run",
    "migrate": "fraud --to dev.gateway -e dev --dry-run",
    "emulator fault": "fraud champion --status 503 -e dev",
    "emulator advance": "30m -e dev",
    "rollback": "fraud_version -e dev",
    "destroy": "-e dev -y --allow-delete all",
}


def commands_with_json() -> Iterator[str]:
    root = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(root, name)
        assert command is not None
        inner = command.commands if isinstance(command, click.Group) else {"": command}
        for word, each in inner.items():
            choices = [
                choice
                for param in each.params
                if param.name == "output" and isinstance(param.type, click.Choice)
                for choice in param.type.choices
            ]
            if "json" in choices:
                assert "yaml" in choices, name
                yield f"{name} {word}".strip()


def test_every_command_with_json_is_called_here() -> None:
    assert sorted(CALLS) == sorted(commands_with_json())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "provisioner.yaml": "project: shop\n",
        "environments/dev.yaml": ENVIRONMENT.replace("NAME", "dev"),
        "environments/prod.yaml": ENVIRONMENT.replace("NAME", "prod"),
        "environments/releases/dev.yaml": RELEASES,
        "manifests/fraud.yaml": MANIFEST,
        "policies/small.yaml": POLICY,
    }
    for name, text in files.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "shop"


def shape(data: Any) -> Any:
    """Names, order and types: times and digests differ from run to run."""
    if isinstance(data, dict):
        return [(key, shape(value)) for key, value in data.items()]
    if isinstance(data, list):
        return [shape(item) for item in data]
    return type(data).__name__


def answers(
    project: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> dict[str, tuple[int, str]]:
    shown = {}
    for name, words in CALLS.items():
        folder = [] if name == "version" else ["-C", str(project)]
        words = words.replace("PLAN", str(project / "plan.json"))
        code = main([*name.split(), *words.split(), "-o", form, *folder])
        shown[name] = code, capsys.readouterr().out
    return shown


def test_yaml_holds_what_json_holds(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    shutil.copytree(project, other)
    as_json, as_yaml = answers(project, "json", capsys), answers(other, "yaml", capsys)
    for name in CALLS:
        (code, text), (yaml_code, yaml_text) = as_json[name], as_yaml[name]
        assert yaml_code == code, name
        assert not yaml_text.startswith("{"), name
        assert shape(yaml.safe_load(yaml_text)) == shape(json.loads(text)), name
    assert as_yaml["apply"][0] == 0


@pytest.mark.parametrize("words", ["-o yaml", "-oyaml", "--output=yaml"])
def test_an_error_is_yaml_too(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "-C", str(tmp_path), *words.split()]) == 1
    (problem,) = yaml.safe_load(capsys.readouterr().out)["diagnostics"]
    assert problem["code"] == "E201"


def test_a_watched_status_is_one_document_a_change(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "manifests/fraud.yaml").write_text(SCOPE)
    main(["apply", "-e", "dev", "-y", "-C", str(project)])
    capsys.readouterr()
    main(["status", "-e", "dev", "--watch", "--wait", "-o", "yaml", "-C", str(project)])
    out = capsys.readouterr().out
    assert out.startswith("---\nresources:\n")
    assert [sorted(each) for each in yaml.safe_load_all(out)] == [["resources"]]
