"""Answers of models: alone, below each other or side by side, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from provisioner.model.query import Answer, Asked
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.text import harmless
from provisioner.rendering.values import columns as columns_of
from provisioner.rendering.values import padded, safe, shortened, wrapped

LEAST_TERMINAL, LEAST_COLUMN = 80, 24
LONGEST_TEXT = 1500
"""Texts with more columns than this are read below each other."""

NO_ANSWER = "no answer"


def alone(answer: Answer, style: Style) -> str:
    """The text and nothing else."""
    return _shown(answer.text, style)


def facts(answer: Answer, style: Style) -> str:
    """``openai-completions  412 ms  53 tokens``, as far as they are known."""
    known = [safe(answer.entity, style), f"{answer.duration_ms} ms"]
    if answer.tokens is not None:
        known.append(f"{answer.tokens} tokens")
    return "  ".join(filter(None, known))


def stacked(answers: Sequence[Asked], style: Style) -> str:
    """The answers one below the other, each with a head of its own."""
    lines: list[Line] = []
    for asked_endpoint in answers:
        head = (
            Span(safe(asked_endpoint.word, style), Role.STRONG),
            Span(f"  {_facts(asked_endpoint, style)}"),
        )
        lines += [*([()] if lines else []), head]
        lines += [
            (Span(line, _role(asked_endpoint)),)
            for line in _text(asked_endpoint, style).split("\n")
        ]
    return painted(lines, style)


def fit(answers: Sequence[Asked], style: Style) -> bool:
    """Whether the answers can be read side by side."""
    if style.width < LEAST_TERMINAL or _width(len(answers), style) < LEAST_COLUMN:
        return False
    return all(columns_of(_text(answer, style)) <= LONGEST_TEXT for answer in answers)


def columns(answers: Sequence[Asked], style: Style) -> str:
    """The answers side by side, as wide as the terminal."""
    width = _width(len(answers), style)
    bar = Span(" │ " if style.unicode else " | ", Role.FAINT)
    rule = Span("─" * width if style.unicode else "-" * width, Role.FAINT)
    cross = Span("─┼─" if style.unicode else "-+-", Role.FAINT)
    cells = [list(_cells(answer, width, style)) for answer in answers]
    heads, texts = [cell[:2] for cell in cells], [cell[2:] for cell in cells]
    lines = [
        *(_joined(row, bar, width) for row in zip(*heads, strict=True)),
        _between([rule] * len(answers), cross),
        *(_joined(row, bar, width) for row in zip_longest(*texts, fillvalue=Span(""))),
    ]
    return painted(lines, style)


def _width(count: int, style: Style) -> int:
    return (style.width - 3 * (count - 1)) // count


def _cells(answer: Asked, width: int, style: Style) -> Iterator[Span]:
    glyph = style.glyphs.ellipsis
    yield Span(shortened(safe(answer.word, style), width, glyph), Role.STRONG)
    yield Span(shortened(_facts(answer, style), width, glyph), Role.FAINT)
    for line in wrapped(_text(answer, style), width):
        yield Span(line, _role(answer))


def _joined(cells: Sequence[Span], bar: Span, width: int) -> Line:
    return _between([Span(padded(cell.text, width), cell.role) for cell in cells], bar)


def _between(cells: Sequence[Span], bar: Span) -> Line:
    return tuple(part for cell in cells for part in (bar, cell))[1:]


def _facts(answer: Asked, style: Style) -> str:
    return facts(answer.answer, style) if answer.answer else NO_ANSWER


def _text(answer: Asked, style: Style) -> str:
    if answer.answer:
        return _shown(answer.answer.text, style)
    return _shown(
        "\n".join(f"{problem.code}: {problem.message}" for problem in answer.problems), style
    )


def _shown(text: str, style: Style) -> str:
    text = harmless(text)
    return text if style.unicode else text.encode("ascii", "backslashreplace").decode()


def _role(answer: Asked) -> Role:
    return Role.PLAIN if answer.answer else Role.REMOVED


def to_json(answers: Sequence[Asked]) -> dict[str, Any]:
    """``{"answers": [{"name", "task", "entity", "text", …, "error"}]}``; one of the two is null."""
    return {"answers": [_answer_data(answer) for answer in answers]}


def _answer_data(item: Asked) -> dict[str, Any]:
    answer = item.answer
    problem = next(iter(item.problems), None)
    return {
        "name": answer.name if answer else item.word,
        "task": answer.task if answer else None,
        "entity": answer.entity or None if answer else None,
        "text": answer.text if answer else None,
        "tokens": answer.tokens if answer else None,
        "duration_ms": answer.duration_ms if answer else None,
        "raw": answer.raw if answer else None,
        "error": problem and {"code": problem.code, "message": problem.message},
    }
