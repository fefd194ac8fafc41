"""What is written to release files is read back, and merges."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.files.release_text import release_text
from provisioner.manifests.release_file import releases_in
from provisioner.model.release import Released

FULL = Released(
    "12", "11", "staging", "", None, "3fa81c2", "2026-11-20T10:00:00Z", "3 checks", ("10",)
)


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(FULL, id="all of it"),
        pytest.param(Released(), id="nothing so far"),
        pytest.param(replace(FULL, commit="1234567"), id="a commit like a number"),
        pytest.param(replace(FULL, commit="12e4567+"), id="a commit like a power, and changes"),
        pytest.param(Released(True, 0.5, alias="a.b.c@d: e"), id="other values"),
        pytest.param(Released('a "b", {c}: # d', rejected=(3, False)), id="signs of YAML"),
        pytest.param(Released("ä\u2028\x7f"), id="letters and signs of others"),
    ],
)
def test_what_is_written_is_read_back(one):
    assert releases_in("r.yaml", release_text({"v": one}).encode()).releases == {"v": one}


def test_lines_are_sorted():
    text = release_text({"b": Released("1"), "a": Released("2")})
    assert text.index('a: {value: "2"}') < text.index('b: {value: "1"}')


def test_two_teams_promotions_of_neighbouring_variables_merge(tmp_path: Path):
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    def commit(**values: str) -> None:
        text = release_text({name: Released(value) for name, value in values.items()})
        (tmp_path / "prod.yaml").write_text(text, encoding="utf-8")
        git("add", ".")
        git("commit", "-m", "release")

    git("init", "-b", "main")
    commit(chat="1", risk="1")
    git("checkout", "-b", "team")
    commit(chat="2", risk="1")
    git("checkout", "main")
    commit(chat="1", risk="2")
    git("merge", "team")
    merged = releases_in("prod.yaml", (tmp_path / "prod.yaml").read_bytes()).releases
    assert {name: one.value for name, one in merged.items()} == {"chat": "2", "risk": "2"}
