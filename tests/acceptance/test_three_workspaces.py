"""This repository's own environments: three local workspaces, as the how-to page uses them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from provisioner.cli import main

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENTS = ("dev", "staging", "prod")
MODELS = ("risk.card_payments", "support.ticket_router")


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """What a fresh clone has of them, as the current folder."""
    for name in ("provisioner.yaml", "environments", "examples"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FEATURE_STORE_TOKEN", raising=False)
    return tmp_path


def test_the_environments_are_good_as_they_are_cloned(clone, capsys):
    assert main(["validate"]) == 0
    told = re.findall(r"^(\w+\[\w+\])", capsys.readouterr().err, re.MULTILINE)
    assert set(told) == {"note[W741]"}, "there is nothing to tell but what is not released yet"


@pytest.fixture
def released(clone):
    """Version 1 of both models, released everywhere."""
    for environment in ENVIRONMENTS:
        lines = [f'{name}: {{value: "1"}}\n' for name in ("fraud_version", "router_version")]
        file = clone / "environments" / "releases" / f"{environment}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(lines))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_environment_is_applied_once_its_models_are_registered(
    released, capsys, monkeypatch, environment
):
    monkeypatch.setenv("FEATURE_STORE_TOKEN", "value")
    where = ["-e", environment]
    assert main(["plan", "--preflight", *where]) == 1
    for model in MODELS:
        assert main(["emulator", "register", f"{environment}.{model}", *where]) == 0
    capsys.readouterr()
    assert main(["plan", "--preflight", *where]) == 0, capsys.readouterr().err
    assert main(["apply", "-y", *where]) == 0, capsys.readouterr().err
    assert main(["plan", "--detailed-exitcode", *where]) == 0
    assert main(["verify", *where]) == 0, capsys.readouterr().out


def test_production_is_larger_and_dev_has_names_of_its_own(released, capsys):
    said = {}
    for environment in ENVIRONMENTS:
        assert main(["render", "-e", environment]) == 0
        said[environment] = capsys.readouterr().out
    assert "workload_size: Large" in said["prod"]
    assert "workload_size: Large" not in said["staging"]
    assert "name: dev-fraud-scores" in said["dev"]
