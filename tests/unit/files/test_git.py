"""How git is run."""

from __future__ import annotations

import subprocess

import pytest

from provisioner.files import git


def test_ctrl_c_in_the_moment_in_which_git_ends_is_an_interrupt(tmp_path, monkeypatch):
    class Interrupted(subprocess.Popen):
        def communicate(self, *words, **options):
            super().communicate(*words, **options)
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        git.git(tmp_path, "version")


def test_a_project_outside_of_a_repository_has_no_commit_and_git_is_not_started(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.delenv("GIT_DIR", raising=False)
    assert git.commit(tmp_path) == ""


@pytest.mark.parametrize("layout", ["a folder of it", "a working tree", "GIT_DIR"])
def test_the_commit_is_that_of_the_repository_above(layout, tmp_path, monkeypatch):
    def run(*words):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@users.test", "-C", tmp_path]
        done = subprocess.run([*command, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "-q", "above")
    run("-C", "above", "commit", "-q", "--allow-empty", "-m", "first")
    run("-C", "above", "worktree", "add", "-q", "../beside")
    places = {"a folder of it": "above/a/b", "a working tree": "beside/a", "GIT_DIR": "elsewhere"}
    folder = tmp_path / places[layout]
    folder.mkdir(parents=True)
    if layout == "GIT_DIR":
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "above/.git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "above"))
    assert git.commit(folder) == run("-C", "above", "rev-parse", "HEAD")
