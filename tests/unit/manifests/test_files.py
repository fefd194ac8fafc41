"""No part of the manifests vanishes silently: what is not declared might be deleted."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from provisioner.errors import FileError, Severity
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import Environment, WorkspaceSettings

SCOPE = "resources:\n  secret_scopes:\n    keys: {name: keys}\n"
NOBODY = 65534


@pytest.fixture
def root():
    # Not pytest's folder: nobody but its owner may enter that one.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "manifests/sub").mkdir(parents=True)
        (folder / "manifests/a.yaml").write_text(SCOPE, encoding="utf-8")
        yield folder


@pytest.fixture
def as_nobody():
    """Permissions count for everybody but root."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(was)


def loaded(root, *patterns):
    settings = WorkspaceSettings()
    return load(root, Environment("dev", settings, patterns or ("manifests/**/*.yaml",)), KINDS)


def told(root, *patterns):
    with pytest.raises(FileError) as caught:
        loaded(root, *patterns)
    return [(one.code, one.message) for one in caught.value.problems]


def dangling(root):
    (root / "manifests/sub/b.yaml").symlink_to("nowhere.yaml")


def dangling_folder(root):
    (root / "manifests/linked").symlink_to("nowhere")


def circle(root):
    (root / "manifests/sub/b.yaml").symlink_to("b.yaml")


def pipe(root):
    os.mkfifo(root / "manifests/sub/b.yaml")


def device(root):
    (root / "manifests/sub/b.yaml").symlink_to("/dev/null")


def outside(root):
    (root / "manifests/linked").symlink_to("/usr")


def inside_twice(root):
    (root / "manifests/linked").symlink_to("sub")
    (root / "manifests/sub/b.yaml").write_text(SCOPE, encoding="utf-8")


GONE = [
    pytest.param(dangling, "E208", "`manifests/sub/b.yaml`", id="a link to nothing"),
    pytest.param(dangling_folder, "E208", "`manifests/linked`", id="a folder's link to nothing"),
    pytest.param(circle, "E208", "`manifests/sub/b.yaml`", id="a link to itself"),
    pytest.param(pipe, "E208", "`manifests/sub/b.yaml`", id="a pipe"),
    pytest.param(device, "E204", "`manifests/sub/b.yaml`", id="a link to a device"),
    pytest.param(outside, "E204", "`manifests/linked`", id="a folder outside of the project"),
    pytest.param(inside_twice, "E208", "`manifests/linked`", id="a linked folder, not entered"),
]


@pytest.mark.parametrize(("make", "code", "name"), GONE)
def test_what_cannot_be_read_is_an_error(root, make, code, name):
    make(root)
    (problem,) = told(root)
    assert problem[0] == code
    assert name in problem[1]


def test_a_folder_that_may_not_be_entered(root, as_nobody):
    was = os.geteuid()
    os.seteuid(os.getuid())
    (root / "manifests/sub").chmod(0)
    os.seteuid(was)
    assert told(root) == [("E208", "cannot read `manifests/sub`: permission denied")]


def test_a_file_that_may_not_be_read(root, as_nobody):
    was = os.geteuid()
    os.seteuid(os.getuid())
    (root / "manifests/a.yaml").chmod(0)
    os.seteuid(was)
    assert told(root) == [("E208", "cannot read `manifests/a.yaml`: permission denied")]


def test_what_no_pattern_asks_for_does_not_matter(root):
    (root / "manifests/sub/notes.txt").symlink_to("nowhere")
    (root / "elsewhere").symlink_to("nowhere")
    assert loaded(root).warnings == ()
    outside(root)
    assert loaded(root, "manifests/*.yaml").files == ("manifests/a.yaml",)


def test_a_file_with_the_other_ending_is_warned_of(root):
    (root / "manifests/sub/x.yml").write_text(SCOPE, encoding="utf-8")
    (warning,) = loaded(root).warnings
    assert (warning.code, warning.severity) == ("W724", Severity.WARNING)
    assert "`manifests/sub/x.yml`" in warning.message


def test_a_file_with_the_other_ending_that_another_pattern_matches(root):
    (root / "manifests/sub/x.yml").write_text(SCOPE.replace("keys", "others"), encoding="utf-8")
    assert loaded(root, "manifests/**/*.yaml", "manifests/**/*.yml").warnings == ()


def test_scopes_whose_names_differ_in_case_only_are_one(root):
    (root / "manifests/b.yaml").write_text(
        "resources:\n  secret_scopes:\n    others: {name: KEYS}\n", encoding="utf-8"
    )
    ((code, message),) = told(root)
    assert (code, message) == ("E207", "another secret scope has the name `KEYS`")
