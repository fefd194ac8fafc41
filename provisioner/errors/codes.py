"""Every code that a problem can have: what it means and what to do about it.

The entries are prose and stand in ``codes.toml`` beside this module, sorted by code: E1
files, E2 project and environments, E3 relations between fields, E4 the workspace, E5
safety, E6 applying, W7 warnings, E8 the command line and the emulator.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Explanation(NamedTuple):
    """``title`` is a short phrase; ``text`` some sentences with an example where it helps."""

    title: str
    text: str


@cache
def explanations() -> dict[str, Explanation]:
    """Code to explanation, sorted."""
    raw = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {
        code: Explanation(raw[code]["title"], raw[code]["text"].strip()) for code in sorted(raw)
    }
