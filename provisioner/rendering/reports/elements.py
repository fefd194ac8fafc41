"""HTML elements as text. Pure."""

from __future__ import annotations

import html
import re

from provisioner.rendering.text import harmless, harmless_line

_EMPTY = frozenset({"input", "rect"})
_QUOTED = re.compile(r"`([^`]+)`")


def text_of(text: str, *, lines: bool = False) -> str:
    """``text`` as it may stand in an element; ``lines`` keeps its line breaks."""
    return html.escape(harmless(text) if lines else harmless_line(text))


def prose(text: str) -> str:
    """``text`` of one line, what stands between backticks as code."""
    return _QUOTED.sub(r"<code>\1</code>", text_of(text))


def tag(name: str, *children: str, **attributes: str) -> str:
    """The element ``name``. ``children`` are HTML already, attributes are plain text.

    ``class_`` becomes ``class``, other underscores become hyphens; an attribute without
    text stands alone.
    """
    listed = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + (f'="{text_of(value)}"' if value else "")
        for key, value in attributes.items()
    )
    if name in _EMPTY:
        # HTML ignores the slash, and SVG inside it needs one.
        return f"<{name}{listed}/>"
    return f"<{name}{listed}>{''.join(children)}</{name}>"
