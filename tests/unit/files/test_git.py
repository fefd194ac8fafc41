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
