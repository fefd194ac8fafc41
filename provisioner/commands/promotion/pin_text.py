"""What pinning changes, as lines and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.commands.promotion.pin import Pin
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import columns, padded, safe


def text(pins: Sequence[Pin], style: Style) -> str:
    """``fraud_version  3 → 4  (main.risk.fraud@champion)`` for each."""
    width = max((columns(safe(pin.name, style)) for pin in pins), default=0)
    moves = [_move(pin, style) for pin in pins]
    broad = max(map(columns, moves), default=0)
    lines = [_line(pin, move, (width, broad), style) for pin, move in zip(pins, moves, strict=True)]
    return painted(lines, style)


def to_json(pins: Sequence[Pin]) -> list[dict[str, Any]]:
    """A list of ``{"variable", "alias", "before", "after", "changed"}``."""
    return [
        {
            "variable": pin.name,
            "alias": str(pin.alias),
            "before": pin.before,
            "after": pin.after,
            "changed": pin.changes,
        }
        for pin in pins
    ]


def _line(pin: Pin, move: str, widths: tuple[int, int], style: Style) -> Line:
    name, shown = padded(safe(pin.name, style), widths[0]), padded(move, widths[1])
    role = Role.CHANGED if pin.changes else Role.FAINT
    return (
        Span(name, Role.STRONG),
        Span(f"  {shown}", role),
        Span(f"  ({safe(str(pin.alias), style)})", Role.FAINT),
    )


def _move(pin: Pin, style: Style) -> str:
    if not pin.changes:
        return f"{safe(str(pin.after), style)} as before"
    before = "none" if pin.before is None else safe(str(pin.before), style)
    return f"{before} {style.glyphs.arrow} {safe(str(pin.after), style)}"
