"""Release files as text: the same bytes for the same releases. Pure."""

from __future__ import annotations

import json
import re
from typing import Final

from provisioner.model.release import Released, Releases

HEADER: Final = """\
# yaml-language-server: $schema=../../schemas/release.schema.json
# Written by `provisioner pin`, `promote` and `rollback`: one line for each variable.
"""
_NUMBER_LIKE: Final = re.compile(r"[0-9]+(e[0-9]+)?")


def release_text(releases: Releases) -> str:
    """The content of the release file with ``releases``, sorted by name."""
    lines = (f"\n{name}: {_entry(releases[name])}\n" for name in sorted(releases))
    return HEADER + "".join(lines)


def _entry(released: Released) -> str:
    fields = {
        "value": _value(released.value),
        "previous": _value(released.previous),
        "from": _value(released.source or None),
        "alias": _value(released.alias or None),
        "rolled_back": _value(released.rolled_back),
        "commit": (
            _value(released.commit) if _NUMBER_LIKE.fullmatch(released.commit) else released.commit
        ),
        "at": released.at,
        "verified": _value(released.verified or None),
        "rejected": f"[{', '.join(map(_value, released.rejected))}]" if released.rejected else "",
    }
    return f"{{{', '.join(f'{name}: {text}' for name, text in fields.items() if text)}}}"


def _value(value: str | int | float | bool | None) -> str:
    # YAML allows no DEL, which JSON leaves as it is.
    return "" if value is None else json.dumps(value, ensure_ascii=False).replace("\x7f", r"\x7f")
