"""A saved plan as a file: written whole and for its owner alone, read with suspicion.

Only the file is judged here; whether its plan may be applied is ``saved_plan``'s business.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from provisioner.errors import FileError
from provisioner.model.plan import Plan
from provisioner.planning.plan_json import MAKE_AGAIN, digest, from_json, to_json

MOST_BYTES: Final = 128 * 1024 * 1024
"""A plan of ten thousand endpoints takes a third of it."""


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """``plan`` as it was read, and the version of the tool that wrote it."""

    plan: Plan
    tool_version: str


def save(plan: Plan, path: Path, tool_version: str) -> str:
    """Write ``plan`` to ``path`` and return its digest. Raises FileError.

    The file is there as a whole or not at all, with mode 0600. What is no ordinary file, such
    as ``/dev/stdout``, is written to as it is; a link is replaced, not followed.
    """
    text = json.dumps(to_json(plan, tool_version), indent=2) + "\n"
    try:
        if path.exists() and not path.is_file():
            _write_into(path, text)
        else:
            _replace(path, text)
    except OSError as error:
        raise FileError.of("E802", f"cannot write {path}: {error.strerror}") from error
    return digest(plan)


def _write_into(path: Path, text: str) -> None:
    """Writes to /dev/stdout and the like. A pipe without a reader is an error, and no wait."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "w", encoding="utf-8") as file:
        os.set_blocking(file.fileno(), True)
        file.write(text)


def _replace(path: Path, text: str) -> None:
    # mkstemp gives mode 0600, and a name under which no other program has put a link.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def load(path: Path) -> SavedPlan:
    """The plan saved in ``path``. Raises FileError when it is not one, or was changed.

    Whose file it is and what its mode is does not count: artifacts of a pipeline arrive with
    any. What protects a plan between two jobs is an approved digest.
    """
    data = _data(_text(path), path)
    plan = from_json(data)
    return SavedPlan(plan, data["tool_version"])


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        _refuse(path, "it is not a file")  # A pipe may never end.
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise FileError.of("E803", f"cannot read the plan {path}: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        _refuse(path, f"it is larger than {MOST_BYTES // 1024 // 1024} MB")
    if not content.strip():
        _refuse(path, "it is empty")
    try:
        return content.decode()
    except UnicodeDecodeError:
        _refuse(path, "it is not UTF-8 text")


def _data(text: str, path: Path) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            _refuse(path, f"it is cut off in line {text.count(chr(10)) + 1}")
        _refuse(path, f"it is not JSON (line {error.lineno}, column {error.colno})")
    except RecursionError:
        _refuse(path, "it is nested too deeply")
    except ValueError as error:
        _refuse(path, f"{error}")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Programs differ in which of two equal keys they believe: what was shown could be another."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("it has the same key twice")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it contains {name}, which is not JSON")


def _refuse(path: Path, why: str) -> NoReturn:
    raise FileError.of("E803", f"{path} is not a plan: {why}", MAKE_AGAIN)
