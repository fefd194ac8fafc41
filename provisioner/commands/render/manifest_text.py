"""Plain data as a YAML manifest, on request with the place each value came from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from provisioner.errors import Location
from provisioner.model.secret import reference_in
from provisioner.rendering.text import harmless_line

Origin = Callable[[Location], str]
Line = tuple[str, Location]
"""A line without its comment, and the location of the value that ends it (or ``()``)."""

# Plain only where no reader of YAML, of whichever version, takes it for anything but text.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def text(document: Any, origin: Origin | None = None) -> str:
    """``document`` as YAML, keys in their order, references to secrets as in a manifest.

    ``origin`` tells what stands behind a value as its comment.
    """
    lines = list(_lines(as_written(document), (), ""))
    if origin is None:
        return "".join(f"{line}\n" for line, _ in lines)
    comments = [origin(at) if at else "" for _, at in lines]
    width = max(
        (len(line) for (line, _), comment in zip(lines, comments, strict=True) if comment),
        default=0,
    )
    width = min(width, 60)
    return "".join(
        f"{line:{width}}  # {comment}\n" if comment else f"{line}\n"
        for (line, _), comment in zip(lines, comments, strict=True)
    )


def as_written(value: Any) -> Any:
    """``value`` as a manifest has it: ``${env.X}`` for secrets, ``$${`` for ``${``."""
    reference = reference_in(value)
    if reference is not None and "from_env" in reference:
        return _Reference(f"${{env.{reference['from_env']}}}")
    if isinstance(value, dict):
        return {name: as_written(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_written(inner) for inner in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


class _Reference(str):
    """A text that is a reference already."""


def _lines(value: Any, at: Location, indent: str) -> Iterator[Line]:
    """The lines of a mapping or a list that is not empty."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _field(f"{indent}{_scalar(name)}:", inner, (*at, name), f"{indent}  ")
    else:
        for index, inner in enumerate(value):
            place = (*at, index)
            if not _is_block(inner):
                yield f"{indent}- {_scalar(inner)}", place
                continue
            first, *rest = _lines(inner, place, f"{indent}  ")
            yield f"{indent}- {first[0][len(indent) + 2 :]}", first[1]
            yield from rest


def _field(head: str, value: Any, at: Location, indent: str) -> Iterator[Line]:
    if _is_block(value):
        yield head, ()
        yield from _lines(value, at, indent)
    else:
        yield f"{head} {_scalar(value)}", at


def _is_block(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return harmless_line(json.dumps(value, ensure_ascii=False))
