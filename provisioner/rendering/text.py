"""Text of others made harmless before a terminal or a log sees it."""

from __future__ import annotations

import json
import re
from typing import Any

# C0 and C1 controls but the line break, and what reorders or hides text: a name or a
# message of the service must not move the cursor, recolour the terminal or lie about
# its own order (kubectl had to learn this: CVE-2021-25743).
_HARMFUL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    # Halves of characters and what is none, which no stream can write, and invisible tags.
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
    # What a build agent obeys wherever it stands in a line of the log: `##vso[...]`, `##[...]`.
    r"|(?<=#)#(?=\[|vso\[)"
)


def harmless(text: str) -> str:
    """``text`` with control, bidirectional and invisible characters shown as escapes.

    The same for the commands that build agents look for in logs.
    """
    return _HARMFUL.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return r"\x23" if character == "#" else character.encode("unicode_escape").decode()


def harmless_line(text: str) -> str:
    """The same for text that has to stay on one line."""
    return harmless(text).replace("\n", "\\n")


def json_text(data: Any) -> str:
    """``data`` as JSON in ASCII, keys in their order, without anything that a log would obey."""
    return _disarmed(json.dumps(data, indent=2)) + "\n"


def json_line(data: Any) -> str:
    """The same on one line."""
    return _disarmed(json.dumps(data)) + "\n"


def _disarmed(text: str) -> str:
    return text.replace("##", "#\\u0023")
