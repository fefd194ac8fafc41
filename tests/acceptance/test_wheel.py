"""What is installed from a wheel works like the checkout: schemas and emulator travel along."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The ``provisioner`` of a second environment that borrows this one's libraries."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run(
        [*pip, "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)], check=True
    )
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # A plain path: the editable checkout of this environment must not come with it.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv" / "bin" / "provisioner"


def test_an_installed_wheel_validates_plans_and_applies(installed, tmp_path):
    project = Path(shutil.copytree(ROOT / "examples" / "gateway", tmp_path / "gateway"))
    environment = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": "k", "HOME": str(tmp_path)}

    def run(*words: str) -> str:
        command = [str(installed), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=project, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("validate")
    assert "2 to create" in run("plan")
    run("apply", "-y")
    assert "2 unchanged" in run("plan")
    assert "<style>:root" in run("plan", "--report", "html=-")
    run("init", "started")
    assert (project / "started" / ".github" / "workflows" / "apply.yml").is_file()
    run("apply", "-y", "-C", "started")
    (console,) = installed.parent.parent.glob("lib/*/site-packages/provisioner/emulator/console")
    in_checkout = ROOT / "provisioner" / "emulator" / "console"
    assert sorted(file.name for file in console.iterdir()) == sorted(
        file.name for file in in_checkout.iterdir()
    )
    page = installed.parent.parent / "share" / "man" / "man1" / "provisioner.1"
    assert page.read_text(encoding="utf-8") == run("help", "--man")
    where = run("--version")
    assert "provisioner" in where
    assert run("schema", "manifest").startswith("{")


def test_the_five_commands_of_the_page_lead_from_a_wheel_to_an_answer(installed, tmp_path):
    page = (ROOT / "docs" / "start" / "install.md").read_text(encoding="utf-8")
    block = page.split("tests/acceptance/test_wheel.py runs these lines")[1].split("```")[1]
    first, *others = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    assert len(others) == 4
    # What the first line makes is here already: the fixture needs no index.
    assert re.fullmatch(
        r"python3 -m venv ~/provisioner && ~/provisioner/bin/pip install \S+", first
    )
    (tmp_path / "provisioner").symlink_to(installed.parent.parent)
    done = subprocess.run(
        ["bash", "-ec", "\n".join(others)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("You asked: Say hello.\n")
    # It was installed from a wheel, so the pipelines of the new repository get that wheel.
    line = (tmp_path / "chat-platform" / "requirements-tool.txt").read_text().splitlines()[-1]
    assert re.fullmatch(r"\./wheels/serving_provisioner-\S+\.whl --hash=sha256:[0-9a-f]{64}", line)
