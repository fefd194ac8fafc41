"""Every code that a problem can have: what it means and what to do about it.

``provisioner explain CODE`` prints an entry. E1 files, E2 project and environments, E3
relations between fields, E4 the workspace, E5 safety, E6 applying, W7 warnings.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Code(NamedTuple):
    """``title`` is a short phrase; ``text`` some sentences with an example where it helps."""

    title: str
    text: str


CODES: Final[dict[str, Code]] = {}
