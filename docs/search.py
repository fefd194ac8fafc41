"""A hook of MkDocs: the search of the site finds pages for users, instructions first.

The pages themselves need no front matter for it, which a forge would show as a table.
"""

from __future__ import annotations

from typing import Any

BOOSTS = {"start": 4, "how-to": 4, "concepts": 2, "from": 2, "reference": 1}
"""Folder -> the factor of Material's ``search.boost``. Pages for contributors, of which one has
more words than all instructions, are in no search of users."""


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> None:
    """Give ``page`` the place of its folder in the search, unless it has one of its own."""
    folder, _, rest = page.file.src_uri.partition("/")
    boost = BOOSTS.get(folder if rest else "reference")
    page.meta.setdefault("search", {"boost": boost} if boost else {"exclude": True})
