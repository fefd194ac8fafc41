"""Where secrets are read from, and what is refused before anything is written."""

from __future__ import annotations

import os

import pytest

from provisioner.errors import RefusedError
from provisioner.model.secret import SecretReader


def link_outside(root):
    (root.parent / "outside").write_text("canary", encoding="utf-8")
    (root / "key").symlink_to("../outside")


def linked_folder(root):
    (root.parent / "outside").mkdir()
    (root.parent / "outside/key").write_text("canary", encoding="utf-8")
    (root / "sub").symlink_to("../outside")


BAD = [
    pytest.param(lambda root: None, "key", "does not exist", id="nothing"),
    pytest.param(lambda root: (root / "key").mkdir(), "key", "is not a file", id="a folder"),
    pytest.param(lambda root: os.mkfifo(root / "key"), "key", "is not a file", id="a pipe"),
    pytest.param(
        lambda root: (root / "key").write_bytes(b"\r\n"), "key", "is empty", id="a line break"
    ),
    pytest.param(
        lambda root: (root / "key").write_bytes(b"canary\xff"),
        "key",
        "is not UTF-8 text",
        id="bytes",
    ),
    pytest.param(link_outside, "key", "is outside the project", id="a link"),
    pytest.param(linked_folder, "sub/key", "is outside the project", id="below a link"),
    pytest.param(
        lambda root: None, "/etc/hostname", "is outside the project", id="an absolute path"
    ),
    pytest.param(lambda root: None, "../../x", "is outside the project", id="a path that leads up"),
    pytest.param(
        lambda root: (root / "key").symlink_to("key"), "key", "cannot be read", id="a circle"
    ),
]


@pytest.mark.parametrize(("make", "name", "why"), BAD)
def test_a_file_that_gives_no_secret(tmp_path, make, name, why):
    root = tmp_path / "project"
    root.mkdir()
    make(root)
    reader = SecretReader(root)
    assert reader.missing({"from_file": name}).startswith(why)
    with pytest.raises(RefusedError) as caught:
        reader({"from_file": name})
    (problem,) = caught.value.problems
    assert problem.code == "E508"
    assert f"{name} {why}" in problem.message
    assert "canary" not in f"{caught.value} {caught.value.__cause__!r}"


def test_a_file_of_the_project_is_read_also_through_a_link(tmp_path):
    (tmp_path / "key.txt").write_text("value\n", encoding="utf-8")
    (tmp_path / "link").symlink_to("key.txt")
    reader = SecretReader(tmp_path)
    assert reader.missing({"from_file": "link"}) == ""
    assert reader({"from_file": "link"}).reveal() == "value"


def test_a_variable(monkeypatch, tmp_path):
    reader = SecretReader(tmp_path)
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("FULL", "x")
    assert [reader.missing({"from_env": name}) for name in ("EMPTY", "FULL")] == ["is not set", ""]
