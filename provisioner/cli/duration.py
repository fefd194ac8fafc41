"""How long, as options take it."""

from __future__ import annotations

import click


class Duration(click.ParamType[float]):
    """``90s``, ``30m``, ``2h`` or a number of seconds; given on as seconds."""

    name = "duration"
    units = {"s": 1, "m": 60, "h": 3600}

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value).strip()
        factor = self.units.get(text[-1:], 0)
        number = text[:-1] if factor else text
        try:
            seconds = float(number) * (factor or 1)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < float("inf"):
            self.fail(f"`{value}` is not a duration; write 90s, 30m or 2h", param, ctx)
        return seconds
