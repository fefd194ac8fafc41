"""From which environment another one takes its values, and after how long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed

PROMOTES_FROM: Final = "promotes_from"
SOAK: Final = "soak"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def soak_s(text: str) -> int:
    """The seconds of ``90s``, ``30m``, ``2h`` or ``7d``; 0 for an empty text."""
    return int(text[:-1]) * _SECONDS[text[-1]] if text else 0


def promotes_mistakes(
    data: Mapping[str, Any], environment: str, known: Collection[str]
) -> Iterator[Finding]:
    """What is wrong with ``promotes_from`` and ``soak`` of an environment's file."""
    source = data.get(PROMOTES_FROM)
    if source is None and SOAK in data:
        message = f"`soak` needs `{PROMOTES_FROM}`"
        hint = f"write `{PROMOTES_FROM}: ENVIRONMENT` in the same file"
        yield Finding((SOAK,), "E707", message, hint, key=True)
    if source == environment:
        message = f"`{environment}` cannot promote from itself"
        hint = "name the environment in which values are tested first"
        yield Finding((PROMOTES_FROM,), "E707", message, hint)
    elif source is not None and source not in known:
        others = [name for name in known if name != environment]
        hint = did_you_mean(source, others, f"the environments are {listed(others)}")
        yield Finding((PROMOTES_FROM,), "E707", f"there is no environment `{source}`", hint)
