"""Files are written whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.files.write import create_file, replace_file


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "manifest.yaml"
    replace_file(path, "a: 1\n")
    path.chmod(0o600)
    replace_file(path, "a: 2\r\n")
    assert path.read_bytes() == b"a: 2\r\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["manifest.yaml"]


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    target = tmp_path / "shared.yaml"
    target.write_text("a: 1\n")
    link = tmp_path / "manifest.yaml"
    link.symlink_to("shared.yaml")
    replace_file(link, "a: 2\n")
    assert link.is_symlink()
    assert target.read_text() == "a: 2\n"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    replace_file(pipe, "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text("a: 1\n")
    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "a: \udc80\n")
    assert path.read_text() == "a: 1\n"
    assert os.listdir(tmp_path) == ["manifest.yaml"]


def test_an_existing_file_is_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "new.yaml"
    create_file(path, "a: 1\n")
    with pytest.raises(FileExistsError):
        create_file(path, "a: 2\n")
    assert path.read_text() == "a: 1\n"
