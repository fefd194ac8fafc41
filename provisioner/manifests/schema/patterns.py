"""Texts that a pattern of the schema refuses: which part is wrong, and what was meant. Pure."""

from __future__ import annotations

import re
from typing import Final

_PAGE: Final = re.compile(r"(https?://)?(?:[^/@\s]*@)?([A-Za-z0-9.-]+\.[A-Za-z]+(?::[0-9]+)?)[/?#]")
MOST_SHOWN: Final = 5
"""With more refused characters than this, the others are not listed."""


def refused_part(text: str, pattern: str) -> str:
    """What of ``text`` the pattern of a name refuses, as ``: `.` is not allowed``; or ``""``.

    Found by trying: a name is a sequence of characters that are each allowed or not, and has a
    greatest length.
    """
    # Forms such as addresses and numbers refuse this, and have no single refused character.
    if not text or not re.search(pattern, "aaa"):
        return ""
    refused = [each for each in dict.fromkeys(text) if not re.search(pattern, f"a{each}a")]
    if refused:
        shown = ["a blank" if each.isspace() else f"`{each}`" for each in refused[:MOST_SHOWN]]
        return f": {', '.join(shown)} {'is' if len(refused) == 1 else 'are'} not allowed"
    sizes = range(len(text))
    most = next((size for size in sizes if not re.search(pattern, "a" * (size + 1))), 0)
    return f": it has {len(text)} characters, at most {most} are allowed" if most else ""


def meant(text: str, pattern: str) -> str:
    """How to write ``text`` so that ``pattern`` takes it; ``""`` where that is not known."""
    return _last_part(text, pattern) or _address(text, pattern)


def _last_part(text: str, pattern: str) -> str:
    """A hint for `catalog.schema.name` where a name has no catalog and no schema."""
    *outer, name = text.split(".")
    if len(outer) != 2 or not re.search(pattern, name):
        return ""
    return f"write `{name}`: this name has no catalog and no schema"


def _address(text: str, pattern: str) -> str:
    """A hint for the address of a page, where the address of its server is needed."""
    page = _PAGE.match(text)
    address = f"{page[1] or 'https://'}{page[2]}" if page else ""
    is_meant = page and re.search(pattern, address)
    return f"write only the address of the workspace: {address}" if is_meant else ""
