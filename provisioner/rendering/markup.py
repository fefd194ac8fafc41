"""Text of others inside Markdown and Mermaid, where it must stay text. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from difflib import unified_diff

from provisioner.rendering.text import harmless, harmless_line

# Everything that some reader of Markdown may take for structure, a link or HTML. At the
# beginning a slash would be a command to GitLab, and what is a list or a heading.
_STRUCTURE = re.compile(
    r"[!\"#$&'*<>@\[\\\]^`{|}~]|:(?=/)|(?<=www)[.]|^[/+=-]|^[0-9]+(?=[.)](?:\s|$))"
    # Inside a word, such as a name, an underscore is only a character [CommonMark 6.2].
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
)
# After these a forge finds people, issues, merge requests, labels, snippets and addresses.
_SIGNS = frozenset("@#!~$:.")
_QUOTED = re.compile(r"`([^`]+)`")
_TICKS = re.compile("`+")


def prose(text: str) -> str:
    """``text`` of one line; what it has between backticks becomes a code span."""
    parts = _QUOTED.split(harmless_line(text).strip())
    spans = (code(part) if index % 2 else escaped(part) for index, part in enumerate(parts))
    return "".join(spans)


def escaped(text: str) -> str:
    """``text`` as prose of one line: what could be markup becomes character references.

    Mentions and references to issues are looked for after that, in the text of elements, so
    an empty comment parts their sign from what follows.
    """
    return _STRUCTURE.sub(_reference, harmless_line(text))


def _reference(match: re.Match[str]) -> str:
    references = "".join(f"&#{ord(character)};" for character in match.group())
    return f"{references}<!-- -->" if match.group() in _SIGNS else references


def code(text: str) -> str:
    """``text`` as a code span, whatever backticks it holds."""
    text = harmless_line(text) or " "
    ticks = "`" * (max(map(len, _TICKS.findall(text)), default=0) + 1)
    blank = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{ticks}{blank}{text}{blank}{ticks}"


def fence(language: str, lines: Iterable[str]) -> str:
    """``lines`` as a fenced block that none of them can close."""
    content = "\n".join(map(harmless_line, lines))
    longest = max(map(len, _TICKS.findall(content)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{content}\n{ticks}\n"


def in_html(text: str) -> str:
    """``text`` of one line inside an HTML element or attribute."""
    return html.escape(harmless_line(text))


def in_mermaid(text: str) -> str:
    """``text`` inside the quotes of a Mermaid label, in its ``#35;`` notation."""
    shown = harmless_line(text)
    return "".join(_mermaid(character) for character in shown)


def _mermaid(character: str) -> str:
    plain = character.isalnum() or character in " .,-/%→"
    return character if plain else f"#{ord(character)};"


def diff_of(file: str, before: str, after: str, *, new: bool = False) -> str:
    """A unified diff of ``file``; ``new``: there is none yet."""
    lines = unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        "/dev/null" if new else f"a/{file}",
        f"b/{file}",
    )
    return harmless("".join(line if line.endswith("\n") else f"{line}\n" for line in lines))
