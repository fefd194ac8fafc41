"""The hooks for pre-commit, ours and those of a new repository: what they run, and when."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from provisioner.cli import main

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert main(["init", str(tmp_path), "--project", "shop", "--ci", "none", "-q"]) == 0
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hooks(shop: Path) -> dict[str, list[dict[str, str]]]:
    """The hooks of this repository, and of a new one."""
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    config = yaml.safe_load((shop / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return {"offered": offered, "new": config["repos"][0]["hooks"]}


def run(hook: dict[str, str]) -> int:
    program, *words = shlex.split(hook["entry"])
    assert program == "provisioner"
    return main(words)


@pytest.mark.parametrize("where", ["offered", "new"])
def test_each_hook_passes_on_a_new_repository_and_sees_its_files(where: str, shop: Path):
    for hook in hooks(shop)[where]:
        assert run(hook) == 0
        for name in ("provisioner.yaml", "environments/prod.yaml", "manifests/team/chat.yaml"):
            assert re.search(hook["files"], name)
        assert not re.search(hook["files"], "README.md")


@pytest.mark.parametrize("where", ["offered", "new"])
def test_each_hook_does_its_work(where: str, shop: Path):
    manifest = shop / "manifests" / "chat.yaml"
    good = manifest.read_text(encoding="utf-8")
    by_id = {hook["id"]: hook for hook in hooks(shop)[where]}
    manifest.write_text(good.replace("provider:", "providr:"), encoding="utf-8")
    assert run(by_id["provisioner-validate"]) == 1
    # pre-commit stops where a hook has changed files.
    prompt, limit = "          prompt: Say hello.\n", "          max_tokens: 20\n"
    moved = good.replace(prompt + limit, limit + prompt)
    assert moved != good
    manifest.write_text(moved, encoding="utf-8")
    assert run(by_id["provisioner-fmt"]) == 0
    assert manifest.read_text(encoding="utf-8") == good
