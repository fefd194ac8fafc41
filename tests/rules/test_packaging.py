"""What users are told to install is this project, and never the stranger of the same name."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
# pip, pipx, uv and uvx with the bare name (extras and versions included) fetch another project.
STRANGER = re.compile(
    r"(?:pip3?|pipx|uv tool|uv pip|uv)\s+(?:install|add|run)\s[^\n`]*"
    r"(?<![\w./-])provisioner(?![\w./-])"
    r"|uvx\s+(?:--\S+\s+)*provisioner(?![\w./-])",
)
TEXTS = (".md", ".py", ".toml", ".yml", ".yaml", ".js", ".html", ".txt", "Dockerfile", "Makefile")


def committed() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in names.splitlines() if name.endswith(TEXTS)]


def test_no_text_tells_anybody_to_install_the_stranger() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in committed()
        if path != Path(__file__) and path.is_file()
        for match in STRANGER.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not offenders, "\n".join(offenders)


def test_the_pattern_finds_what_it_is_for() -> None:
    bad = ("pip install provisioner", 'pip install "provisioner[sql]"', "uvx provisioner plan")
    good = ("pip install serving-provisioner", "pip install ./wheels/serving_provisioner-1.whl")
    assert all(STRANGER.search(text) for text in bad)
    assert not any(STRANGER.search(text) for text in good)


def test_the_metadata_has_what_a_company_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "serving-provisioner"
    assert project["license"] == "Apache-2.0"
    assert all(project[name] for name in ("authors", "classifiers", "keywords"))
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
