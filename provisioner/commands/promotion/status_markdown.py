"""Released values as a Markdown table, for a wiki or a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from provisioner.commands.promotion import status_words as words
from provisioner.commands.promotion.status_model import PromotionStatus, StatusCell
from provisioner.rendering.markup import escaped, fence, prose


def text(status: PromotionStatus, now: datetime) -> str:
    """The table, what could not be seen, and what to do next."""
    return "\n".join(_parts(status, now))


def _parts(status: PromotionStatus, now: datetime) -> Iterator[str]:
    ways = "; ".join(" → ".join(way) for way in words.chains(status.columns))
    yield f"**{escaped(status.project)}: {escaped(ways)}**\n"
    names = [column.environment for column in status.columns]
    yield _row(["variable", *map(escaped, names)])
    yield _row(["---"] * (len(names) + 1))
    for row in status.rows:
        yield _row([escaped(row.name), *(_cell(row.cells.get(name), now) for name in names)])
    yield ""
    for column in status.columns:
        for problem in column.problems:
            yield f"- {escaped(column.environment)}: {prose(problem.message)}"
    following = words.next_steps(status)
    if following:
        yield "\n" + fence("console", (f"$ {command}" for command in following))
    offline = ", from files alone" if status.offline else ""
    yield f"{escaped(words.summary(status))}{offline}\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: StatusCell | None, now: datetime) -> str:
    if cell is None:
        return ""
    if cell.value is None:
        return words.value_of(cell)
    state = f"{words.SYMBOLS[cell.state]} {cell.state}" if words.SYMBOLS[cell.state] else ""
    first = f"**{escaped(words.value_of(cell))}** {state}".strip()
    remarks = [words.since(cell, now), words.provenance(cell), *words.remarks(cell)]
    return "<br>".join([first, *(escaped(remark) for remark in remarks if remark)])
