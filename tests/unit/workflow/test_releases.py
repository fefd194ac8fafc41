"""Release files on disk: whole or not at all, and nobody else's line changes."""

from __future__ import annotations

import pytest

from provisioner.errors import FileError
from provisioner.manifests.release_file import read_releases
from provisioner.model.release import Released, release_path
from provisioner.workflow import releases

FIRST = {"fraud": Released(value="3", source="dev", at="2026-01-02T03:04:05Z")}
SECOND = {"chat": Released(value="7")}


def test_what_is_written_is_read_and_other_entries_stay(tmp_path):
    releases.write_release(tmp_path, "prod", FIRST)
    releases.write_release(tmp_path, "prod", SECOND)
    assert read_releases(tmp_path, "prod").releases == FIRST | SECOND
    folder = (tmp_path / release_path("prod")).parent
    assert [path.name for path in folder.iterdir()] == ["prod.yaml"]


def test_a_draft_writes_nothing(tmp_path):
    draft = releases.draft_release(tmp_path, "prod", FIRST)
    assert draft.is_new
    assert draft.changes
    assert list(tmp_path.iterdir()) == []


def test_the_same_again_changes_nothing(tmp_path):
    releases.write_release(tmp_path, "prod", FIRST)
    assert not releases.draft_release(tmp_path, "prod", FIRST).changes
    assert not releases.draft_release(tmp_path, "prod", {}).changes


def test_a_file_that_nobody_understands_is_not_written_over(tmp_path):
    path = tmp_path / release_path("prod")
    path.parent.mkdir(parents=True)
    path.write_text("<<<<<<< ours\n")
    with pytest.raises(FileError):
        releases.write_release(tmp_path, "prod", FIRST)
    assert path.read_text() == "<<<<<<< ours\n"


def test_the_rights_of_a_file_stay(tmp_path):
    releases.write_release(tmp_path, "prod", FIRST)
    path = tmp_path / release_path("prod")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o664)
    releases.write_release(tmp_path, "prod", SECOND)
    assert path.stat().st_mode & 0o777 == 0o664


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "environments").write_text("a file")
    with pytest.raises(FileError) as caught:
        releases.write_release(tmp_path, "prod", FIRST)
    assert caught.value.problems[0].code == "E802"
