"""Keys of resources and names of files for what gets its first manifest. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from pathlib import PurePosixPath
from typing import Final

from provisioner.errors import UsageError

DEFAULT: Final = "manifests/{key}.yaml"
PLACES: Final = ("{key}", "{name}")


def key_of(name: str, taken: Container[str]) -> str:
    """``name`` as a key in the habit of YAML files, and another one where it is taken."""
    key = re.sub(r"[^a-z0-9_]+", "_", name.lower(), flags=re.ASCII).strip("_")[:120] or "resource"
    return _free(key, taken)


def check_pattern(pattern: str) -> None:
    """Raise UsageError where files of ``pattern`` would not lie below the project root."""
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or path.suffix not in (".yaml", ".yml"):
        raise UsageError.of(
            "E830",
            f"`{pattern}` names no manifest below the project root",
            hint=f"as in --to {DEFAULT}; `{{name}}` is the name in the workspace",
        )


def file_of(pattern: str, key: str, name: str, taken: Container[str]) -> str:
    """The file for one resource; another one where it is taken by another of this run."""
    if not any(place in pattern for place in PLACES):
        return pattern
    parts: Mapping[str, str] = {"{key}": key, "{name}": re.sub(r"[^\w.@-]+", "_", name)}
    path = re.sub(r"\{(?:key|name)\}", lambda found: parts[found[0]], pattern)
    stem, dot, ending = path.rpartition(".")
    found, number = path, 2
    while found in taken:
        found, number = f"{stem}_{number}{dot}{ending}", number + 1
    return found


def _free(key: str, taken: Container[str]) -> str:
    found, number = key, 2
    while found in taken:
        found, number = f"{key}_{number}", number + 1
    return found
