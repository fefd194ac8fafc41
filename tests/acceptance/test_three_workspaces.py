"""This repository's own environments: three local workspaces, as the README walks through them."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from provisioner.cli import main

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHAPTER = README.split("\n## Promotion\n")[1].split("\n## ")[0]
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


def steps():
    """Each command of the chapter in order, with the lines that are shown below it."""
    for block in re.findall(r"^```console\n(.*?)^```", CHAPTER, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            yield command, [line for line in shown.splitlines() if line and line != "..."]


def test_the_chapter_of_the_readme_is_what_happens(clone, capsys, monkeypatch):
    done = 0
    for command, shown in steps():
        program, *words = shlex.split(command)
        if program == "export":
            monkeypatch.setenv(*words[0].split("=", 1))
            continue
        assert program == "provisioner", command
        capsys.readouterr()
        code = main(words)
        said = capsys.readouterr()
        refused = any(line.startswith("error[") for line in shown)
        assert code == (1 if refused else 0), f"{command}\n{said.out}{said.err}"
        for line in shown:
            assert line in (said.out + said.err).splitlines(), f"{command}: {line}"
        done += 1
    assert done >= 15


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
