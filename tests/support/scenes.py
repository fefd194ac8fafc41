"""Scenes: folders that are built once a session, shared by all workers, and copied for each test.

A local workspace is a SQLite file in its folder, so a copy of the folder is a workspace of its
own: what a test does to its copy reaches no other test.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Build = Callable[[Path], None]


@dataclass(frozen=True)
class Scenes:
    """The scenes of one session, in ``root``."""

    root: Path

    def copy(self, name: str, build: Build, target: Path) -> Path:
        """Copies the scene ``name`` into ``target``, which may exist, and returns ``target``.

        ``build`` fills an empty folder, the first time the scene is asked for. Nothing in the
        scene may hold the path of that folder.
        """
        shutil.copytree(self._built(name, build), target, dirs_exist_ok=True, symlinks=True)
        return target

    def _built(self, name: str, build: Build) -> Path:
        scene, unfinished = self.root / name, self.root / f"{name}.unfinished"
        with (self.root / f"{name}.lock").open("w") as lock:
            # Another worker may be building it: its copy is good for this one, too.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not scene.exists():
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                build(unfinished)
                os.rename(unfinished, scene)
        return scene
