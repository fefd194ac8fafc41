"""What an unquoted word of YAML means: text, unless it is plainly something else.

The rules are those of YAML 1.2's JSON schema, made narrower. A number that they do not
cover (leading zeros, underscores, a plus sign, base 60, ``.inf``, 20 digits and more) is
never converted: it stays the text that was written, and where a number is needed the
schema says so.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_MAYBE = frozenset("-0123456789")
# 19 digits hold every 64-bit integer. With two digits of exponent nothing overflows to
# infinity or underflows to zero.
_NUMBER = re.compile(
    r"(?P<whole>-?(?:0|[1-9][0-9]{0,18}))(?P<rest>(?:\.[0-9]{1,17})?(?:[eE][-+]?[0-9]{1,2})?)"
)


def meaning(word: str) -> Scalar:
    """The value of the plain (unquoted) scalar ``word``."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in _MAYBE:
        return word
    number = _NUMBER.fullmatch(word)
    if number is None:
        return word
    return float(word) if number["rest"] else int(word)
