"""How far one released value is ahead of another. Pure."""

from __future__ import annotations

import re
from typing import Final

from provisioner.release import Value

# More digits would be no version, and slow to subtract.
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def steps(newer: Value, older: Value | None) -> int | None:
    """``newer`` minus ``older`` for two whole numbers, also as text; None for other values."""
    left, right = _number(newer), _number(older)
    return None if left is None or right is None else left - right


def _number(value: Value | None) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None
