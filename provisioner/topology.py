"""The ways that requests to one resource take, for pictures: what a kind says about itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Branch:
    """One way: ``name`` in the manifest, ``serves`` what is behind it, in words.

    ``share`` is the percentage of requests that goes this way; ``fallback`` says that
    requests come here when another way has failed. ``secrets`` are the names of the scopes
    that this way takes secrets from.
    """

    name: str
    serves: str
    share: int
    fallback: bool = False
    secrets: tuple[str, ...] = ()


Topology = tuple[Branch, ...]
"""All ways of one resource; none where requests do not branch."""
