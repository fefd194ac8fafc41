"""Counts tokens. A made-up answer needs no real tokenizer, but its numbers must add up."""

from __future__ import annotations

import re
from collections.abc import Iterable

# A word of up to eight letters or one sign, with the blanks before it; blanks at the end.
# Longer words are several tokens, as they are for real tokenizers, and so is text that is
# written without blanks.
TOKEN = re.compile(r"\s*(?:\w{1,8}|[^\w\s])|\s+")


def pieces(text: str) -> list[str]:
    """Returns the tokens of ``text``; joined they are ``text`` again."""
    return TOKEN.findall(text)


def count(texts: Iterable[str]) -> int:
    """Returns the number of tokens in all texts."""
    return sum(len(pieces(text)) for text in texts)


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """Returns the ``usage`` block of chat and completions answers."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
