"""Plain data as YAML that a person would have written. Pure.

Blocks for what has parts, one line for what is short and flat; quotes only where a reader
of YAML, of whichever version, could take the text for something else.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from provisioner.errors import Location
from provisioner.model.documents import entry_rule
from provisioner.model.field_rules import PLAIN, FieldRule

WIDTH: Final = 96
FLAT_FIELDS: Final = 3
"""A mapping whose model has no more fields than these, all of them flat, stands on one line."""

_PLAIN: Final = re.compile(
    r"[A-Za-z_/][A-Za-z0-9_./@+-]*(?:[ :][A-Za-z0-9_./@+-]+)*|\$\{[A-Za-z0-9_.]+\}"
    r"|[0-9]{1,3}%(?: for [0-9]+[smhd])?"
)
_IN_BRACKETS: Final = re.compile(r"[:,{}\[\]]")
_WORDS: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))

Comments = Mapping[Location, Sequence[str]]
"""By place in the document the lines that stand above it."""


def scalar(value: Any) -> str:
    """One value that is no mapping and no list, or an empty one of these."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return harmless(json.dumps(value, ensure_ascii=False))


def harmless(text: str) -> str:
    """``text`` with what cannot be seen as the escapes of YAML's double quotes."""
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    number = ord(sign)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def document(data: Any) -> str:
    """``data``, which JSON can hold, as a YAML document for programs: in ASCII, no aliases.

    Readers of YAML 1.1 and of YAML 1.2 find the same data in it as readers of the JSON.
    """
    import yaml

    # A tuple or an enumeration becomes what the reader of the JSON gets.
    plain = json.loads(json.dumps(data))
    text: str = yaml.dump(
        plain, Dumper=_dumper(), sort_keys=False, default_flow_style=False, width=_NO_FOLDING
    )
    # What a build agent obeys stands in double quotes, where an escape has the same meaning.
    return text.replace("##", "#\\x23")


_NO_FOLDING: Final = 2**31 - 1
# A digest such as `12e4` is a number in YAML 1.2, and `y` is true in YAML 1.1; the library
# quotes neither.
_LOOKS_TYPED: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[yYnN]"
)
_BLOCK: Final = re.compile(r"[^\s](?s:.*)[^\n]\n?")
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


@functools.cache
def _dumper() -> type[Any]:
    import yaml

    base: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper: type[Any] = type("_Dumper", (base,), {"ignore_aliases": lambda self, node: True})
    dumper.add_representer(str, _text_node)
    return dumper


def _text_node(dumper: Any, text: str) -> Any:
    # No stream can write half a character, and YAML has no escape for it.
    text = _HALF_CHARACTER.sub("\ufffd", text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_text_style(text))


def _text_style(text: str) -> str | None:
    """How ``text`` is quoted; None where the library decides."""
    if "##" in text:
        return '"'
    if "\n" in text:
        return "|" if _BLOCK.fullmatch(text) else '"'
    return "'" if _LOOKS_TYPED.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class YamlStyle:
    """What decides how a part is written besides what it holds."""

    comments: Comments = field(default_factory=dict)

    def has_comments_below(self, at: Location) -> bool:
        """Whether anything inside of ``at`` has a comment of its own."""
        return any(len(at) < len(place) and place[: len(at)] == at for place in self.comments)


def lines(value: Any, rule: FieldRule = PLAIN, style: YamlStyle | None = None) -> list[str]:
    """The lines of ``value``, a mapping or a list that is not empty, without indentation."""
    return list(_block(value, rule, (), style or YamlStyle()))


def inline(value: Any) -> str:
    """``value`` on one line."""
    if isinstance(value, dict) and value:
        return "{" + ", ".join(f"{scalar(k)}: {inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list) and value:
        return "[" + ", ".join(map(inline, value)) + "]"
    text = scalar(value)
    # Within brackets a colon or a comma has more meanings than elsewhere. An empty list or
    # mapping has brackets of its own.
    is_quoted = not isinstance(value, str) or text.startswith('"')
    return text if is_quoted or not _IN_BRACKETS.search(text) else f'"{text}"'


def entry(name: str, value: Any, rule: FieldRule = PLAIN) -> list[str]:
    """The lines of the field ``name`` with its ``value``; ``rule`` is the value's."""
    return list(_field(name, value, rule, (name,), YamlStyle()))


def item(value: Any, rule: FieldRule = PLAIN) -> list[str]:
    """The lines of one entry of a block list; ``rule`` is the entry's."""
    return list(_item(value, rule, (0,), YamlStyle()))


def _block(value: Any, rule: FieldRule, at: Location, style: YamlStyle) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _comment((*at, name), style)
            yield from _field(name, inner, rule.fields.get(name, PLAIN), (*at, name), style)
    else:
        for index, inner in enumerate(value):
            yield from _comment((*at, index), style)
            yield from _item(inner, entry_rule(rule), (*at, index), style)


def _comment(at: Location, style: YamlStyle) -> Iterator[str]:
    return (f"# {harmless(line)}".rstrip() for line in style.comments.get(at, ()))


def _field(name: str, value: Any, rule: FieldRule, at: Location, style: YamlStyle) -> Iterator[str]:
    head = f"{scalar(name)}:"
    if not _is_block(value):
        yield f"{head} {scalar(value)}"
    elif not style.has_comments_below(at) and _is_short(head, value, rule):
        yield f"{head} {inline(value)}"
    else:
        yield head
        yield from (f"  {line}".rstrip() for line in _block(value, rule, at, style))


def _item(value: Any, rule: FieldRule, at: Location, style: YamlStyle) -> Iterator[str]:
    if not _is_block(value):
        yield f"- {scalar(value)}"
        return
    fits = len(inline(value)) <= WIDTH - 12
    if fits and not style.has_comments_below(at) and _is_flat(value) and not _has_parts(rule):
        yield f"- {inline(value)}"
        return
    first, *rest = _block(value, rule, at, style)
    yield f"- {first}"
    yield from (f"  {line}".rstrip() for line in rest)


def _is_short(head: str, value: Any, rule: FieldRule) -> bool:
    if len(head) + len(inline(value)) > WIDTH - 16 or rule.mapping:
        return False
    if isinstance(value, list):
        return not any(_is_block(item) for item in value)
    return _is_flat(value) and not _has_parts(rule) and len(rule.fields or value) <= FLAT_FIELDS


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and not any(_is_block(inner) for inner in value.values())


def _has_parts(rule: FieldRule) -> bool:
    return any(inner.fields or inner.mapping for inner in rule.fields.values())


def _is_block(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)
