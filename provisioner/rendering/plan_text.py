"""A plan as people read it: what happens to each resource, in which fields, and why. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from provisioner.model.plan import Action, Plan, Step
from provisioner.model.rollout_block import drawn
from provisioner.rendering import capacity
from provisioner.rendering.plan_rows import PlanBlock, PlanRow, blocks_of
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import Sides, columns, fitted, padded, safe, shortened

__all__ = ["Style", "lines_of", "summary_line", "text"]

HEADS = {
    Action.KEEP: ("=", Role.FAINT),
    Action.CREATE: ("+", Role.ADDED),
    Action.UPDATE: ("~", Role.CHANGED),
    Action.REPLACE: ("±", Role.REMOVED),
    Action.DELETE: ("-", Role.REMOVED),
    Action.ADOPT: ("=", Role.TAKEN),
    Action.BLOCKED: ("!", Role.REMOVED),
    Action.ORPHAN: ("?", Role.ODD),
}
ALWAYS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
INDENT = "    "
MOST_LINES = 12
"""A longer text is cut in its middle."""
MOST_EQUAL_NOTES = 3
"""A note of more resources than this is shown once, with their number."""
MOST_EQUAL_STEPS = 20
"""More steps than this that differ in nothing but their resource are shown once."""
FOUND_ONE_BY_ONE = frozenset({Action.REPLACE, Action.DELETE, Action.BLOCKED})
"""Steps of these actions are always shown each: they are consented to by address, or repaired."""
MOST_NAMED = 5
GAP = "  "
ROOM_FOR_VALUES, ROOM_FOR_REASONS = 24, 40
"""Neither begins further right than leaves this much room."""


def text(plan: Plan, style: Style) -> str:
    """The whole plan; it ends with the summary."""
    return painted(lines_of(plan, style), style)


def summary_line(plan: Plan) -> str:
    """``Plan: 1 to create, 0 to update, 0 to replace, 0 to delete, 3 unchanged``.

    What to adopt, what is blocked and what is an orphan follows where there is any.
    """
    return summary_line_of(plan.steps)


def summary_line_of(steps: Iterable[Step]) -> str:
    """The same for steps of any plans."""
    counts = Counter(step.action for step in steps)
    parts = [f"{counts[action]} to {action.value}" for action in ALWAYS]
    parts.append(f"{counts[Action.KEEP]} unchanged")
    if counts[Action.ADOPT]:
        parts.append(f"{counts[Action.ADOPT]} to adopt")
    if counts[Action.BLOCKED]:
        parts.append(f"{counts[Action.BLOCKED]} blocked")
    if counts[Action.ORPHAN]:
        parts.append(f"{counts[Action.ORPHAN]} orphan")
    return f"Plan: {', '.join(parts)}"


def drift_line(steps: Iterable[Step]) -> str:
    """How many differences the files' change did not make; ``""`` where it made all of them."""
    drifted = sum(change.drift for step in steps for change in step.changes)
    noun = "difference" if drifted == 1 else "differences"
    return f"Drift: {drifted} {noun} not caused by the change" if drifted else ""


def lines_of(plan: Plan, style: Style) -> Iterator[Line]:
    """The lines of the plan, coloured by roles."""
    where = safe(f"{plan.project}/{plan.environment} at {plan.host}", style)
    protected = " (protected)" if plan.protected else ""
    yield (Span(f"Plan for {where}{protected}", Role.STRONG),)
    yield ()
    shown = [step for step in plan.steps if _is_shown(step, style)]
    common = {} if style.verbose else _common_notes(shown)
    for alike in _alike(shown, common, style):
        yield from _alike_lines(alike, common, style)
    for note, count in common.items():
        yield from _told(f"note ({count:,} resources): ", note, style)
    if common:
        yield ()
    yield from _in_progress(plan, style)
    yield from _capacity(plan, style)
    parts = summary_line(plan).split(", ")
    words = [Span(f"{part},", Role.STRONG) for part in parts[:-1]]
    yield from _in_lines([*words, Span(parts[-1], Role.STRONG)], " ", style.width)


def _capacity(plan: Plan, style: Style) -> Iterator[Line]:
    """What all steps do to the capacity, in a column of names."""
    rows = list(capacity.sum_rows(plan, verbose=style.verbose))
    if not rows:
        return
    yield (Span("Capacity"),)
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        label = f"{name:{width}}{GAP}"
        for line in _wrapped(f"{label}{safe(text, style)}", INDENT, len(label), style):
            yield (Span(line),)
    yield ()


def _is_shown(step: Step, style: Style) -> bool:
    return bool(style.verbose or step.attention or step.action is not Action.KEEP)


def _common_notes(steps: Iterable[Step]) -> dict[str, int]:
    """The notes of more than ``MOST_EQUAL_NOTES`` steps, and of how many."""
    counts = Counter(note for step in steps for note in step.notes)
    return {note: count for note, count in counts.items() if count > MOST_EQUAL_NOTES}


def _in_progress(plan: Plan, style: Style) -> Iterator[Line]:
    """What apply would only wait for; such a step is not shown, and its note neither."""
    waiting = ", ".join(str(step.address) for step in plan.steps if step.only_waits)
    if waiting:
        sentence = f"{waiting}: update in progress; apply waits until it ends"
        for line in _wrapped(safe(sentence, style), "", 0, style):
            yield (Span(line),)


def _alike(
    steps: Sequence[Step], common: Mapping[str, int], style: Style
) -> Iterator[tuple[Step, ...]]:
    """``steps`` in groups, each where its first one stands; mostly a group is a single step."""
    if style.verbose or len(steps) <= MOST_EQUAL_STEPS:
        yield from ((step,) for step in steps)
        return
    groups: dict[object, list[Step]] = {}
    for step in steps:
        # What is shown of a step beside its address is all that a reader could tell apart.
        own = step.action in FOUND_ONE_BY_ONE
        key = step.address if own else (step.action, *_details(step, common, style))
        groups.setdefault(key, []).append(step)
    for group in groups.values():
        if len(group) > MOST_EQUAL_STEPS:
            yield tuple(group)
        else:
            yield from ((step,) for step in group)


def _alike_lines(
    steps: tuple[Step, ...], common: Mapping[str, int], style: Style
) -> Iterator[Line]:
    """One step, or what several have in common with their number and the first addresses."""
    if len(steps) == 1:
        yield from _head(steps[0], style)
    else:
        symbol, role = HEADS[steps[0].action]
        words = (
            Span(f"{symbol} {steps[0].action.value}", role),
            Span(f"{len(steps):,} resources with the same changes", Role.STRONG),
        )
        yield from _in_lines(words, GAP, style.width)
        named = ", ".join(str(step.address) for step in steps[:MOST_NAMED])
        yield from _told("", f"{named} and {len(steps) - MOST_NAMED:,} more (-v shows each)", style)
    yield from _details(steps[0], common, style)
    yield ()


def _details(step: Step, common: Mapping[str, int], style: Style) -> Iterator[Line]:
    """What is shown of a step below its address."""
    yield from _told("", step.reason, style)
    yield from _told("hint: ", step.hint, style)
    for block in blocks_of(step, style):
        yield from _block(block, style)
    capacity_text = capacity.step_text(step, style.glyphs.arrow, verbose=style.verbose)
    yield from _told("capacity: ", capacity_text, style)
    yield from _told("calls: ", ", ".join(each.call for each in step.operations), style)
    for note in (each for each in step.notes if each not in common):
        yield from _told("note: ", note, style)
    if step.rollout and step.rollout.stages:
        stages = drawn(step.rollout.stages, step.rollout.percent, style.glyphs.arrow)
        yield from _told("steps: ", f"{stages} %", style)


def _head(step: Step, style: Style) -> Iterator[Line]:
    symbol, role = HEADS[step.action]
    if step.action is Action.REPLACE:
        symbol = style.glyphs.replace
    action = f"{symbol} {'unchanged' if step.action is Action.KEEP else step.action.value}"
    address, name = safe(str(step.address), style), safe(f"({step.name})", style)
    words = (Span(action, role), Span(address, Role.STRONG), Span(name, Role.FAINT))
    yield from _in_lines(words, GAP, style.width)


def _in_lines(words: Iterable[Span], gap: str, width: int) -> Iterator[Line]:
    """``words`` beside each other as far as they fit; none is broken."""
    line: Line = ()
    for word in words:
        beside = (*line, Span(gap), word) if line else (word,)
        if line and sum(columns(span.text) for span in beside) > width:
            yield line
            beside = (Span(INDENT), word)
        line = beside
    yield line


def _told(word: str, text: str, style: Style) -> Iterator[Line]:
    if text:
        for line in _wrapped(f"{word}{safe(text, style)}", INDENT, len(word), style):
            yield (Span(line, Role.FAINT),)


def _wrapped(text: str, indent: str, hanging: int, style: Style) -> list[str]:
    """Broken at blanks alone, so that flags, paths and addresses can be copied."""
    return textwrap.wrap(
        text,
        width=max(style.width, len(indent) + hanging + 20),
        initial_indent=indent,
        subsequent_indent=indent + " " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _block(block: PlanBlock, style: Style) -> Iterator[Line]:
    indent = INDENT
    if block.heading:
        below = len(INDENT) + len(GAP)
        yield from _with_reason(
            [Span(INDENT + block.heading, block.role)], block.reason, below, style
        )
        indent += "  "
    width = _column(block.rows, style.width - len(indent) - len(GAP), style)
    for row in block.rows:
        yield from _row(row, indent, width, style)


def _column(rows: tuple[PlanRow, ...], room: int, style: Style) -> int:
    """The width of the labels, of those that have their values beside them."""
    labels = ((columns(row.label), columns(_said(row, style))) for row in rows)
    fitting = (label for label, values in labels if label + values <= room)
    return max((label for label in fitting if label <= room - ROOM_FOR_VALUES), default=0)


def _row(row: PlanRow, indent: str, width: int, style: Style) -> Iterator[Line]:
    """The label and what is said of it: in its column, right behind, or else below."""
    values = _said(row, style)
    room = style.width - columns(values)
    beside = [indent + padded(row.label, width) + GAP, indent + row.label + GAP]
    before = next((label for label in beside if columns(label) <= room), "")
    at = len(indent) + (width if before else 0) + len(GAP)
    if not before:
        yield (Span(indent + row.label),)
        before = " " * at
        *first, values = _broken(row, style.width - at, style)
        yield from ((Span(before), Span(line, row.role)) for line in first)
    yield from _with_reason([Span(before), Span(values, row.role)], row.reason, at, style)


def _said(row: PlanRow, style: Style) -> str:
    return _bar(row) + _arrow(style).join(row.values)


def _bar(row: PlanRow) -> str:
    return f"{row.bar} " if row.bar else ""


def _arrow(style: Style) -> str:
    return f" {style.glyphs.arrow} "


def _broken(row: PlanRow, room: int, style: Style) -> list[str]:
    """What is said of the row in lines of ``room`` columns: only a change is cut to fit."""
    text = row.values[0]
    if len(row.values) > 1 or row.bar or not text.isascii():
        return [_cut(row, room, style)]
    lines = textwrap.wrap(text, max(room, 20), break_on_hyphens=False)
    return lines if 0 < len(lines) <= MOST_LINES else [_cut(row, room, style)]


def _cut(row: PlanRow, room: int, style: Style) -> str:
    """What is said of the row, its values cut to fit into ``room`` columns."""
    bar, arrow, ellipsis = _bar(row), _arrow(style), style.glyphs.ellipsis
    room -= len(bar)
    if len(row.values) == 1:
        return bar + shortened(row.values[0], room, ellipsis)
    return bar + arrow.join(fitted(Sides(*row.values), room - len(arrow), ellipsis))


def _with_reason(spans: list[Span], reason: str, at: int, style: Style) -> Iterator[Line]:
    """The reason at the end of the line, or wrapped below the values."""
    shown = f"({safe(reason, style)})" if reason else ""
    used = sum(columns(span.text) for span in spans)
    if not shown:
        yield tuple(spans)
    elif used + len(GAP) + columns(shown) <= style.width:
        yield (*spans, Span(GAP + shown, Role.FAINT))
    else:
        yield tuple(spans)
        at = at if style.width - at >= ROOM_FOR_REASONS else len(INDENT) + len(GAP)
        for line in _wrapped(shown, " " * at, 0, style):
            yield (Span(line, Role.FAINT),)
