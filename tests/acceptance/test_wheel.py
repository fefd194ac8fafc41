"""What is installed from a wheel works like the checkout: schemas and emulator travel along."""

from __future__ import annotations

import os
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
    where = run("--version")
    assert "provisioner" in where
    assert run("schema", "manifest").startswith("{")
