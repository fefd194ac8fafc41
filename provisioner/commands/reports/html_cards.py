"""The cards of the HTML page: what happens, or happened, to one resource. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from provisioner.commands.drift.words import label_of, words
from provisioner.commands.reports import view
from provisioner.model.drift import Drift, DriftCategory
from provisioner.model.outcome import WENT_WELL, Outcome
from provisioner.model.plan import DESTRUCTIVE, Action, Step
from provisioner.model.query import CheckResult
from provisioner.model.rollout import RolloutNote
from provisioner.model.rollout_block import Stage
from provisioner.model.serving import Branch, Topology
from provisioner.planning.rollout_plan import span
from provisioner.rendering import capacity, problems
from provisioner.rendering.plan_rows import PlanBlock, PlanRow, blocks_of, moved_traffic
from provisioner.rendering.style import Role
from provisioner.rendering.text import harmless, harmless_line

_EMPTY = frozenset({"input", "rect"})
_SEAM = re.compile(r"(?<=[^.\[])(?=\.\w|\[)")
_QUOTED = re.compile(r"`([^`]+)`")


def text_of(text: str, *, lines: bool = False) -> str:
    """``text`` as it may stand in an element; ``lines`` keeps its line breaks."""
    return html.escape(harmless(text) if lines else harmless_line(text))


def prose(text: str) -> str:
    """``text`` of one line, what stands between backticks as code."""
    return _QUOTED.sub(r"<code>\1</code>", text_of(text))


def path_of(label: str) -> str:
    """The path ``label``; a browser may break a long one before a dot or a bracket."""
    text = text_of(label)
    # Where it is allowed to break, a browser does so also in a line that would fit.
    return _SEAM.sub("<wbr>", text) if len(label) > LONGEST_LABEL else text


def tag(name: str, *children: str, **attributes: str) -> str:
    """The element ``name``. ``children`` are HTML already, attributes are plain text.

    ``class_`` becomes ``class``, other underscores become hyphens; an attribute without
    text stands alone.
    """
    listed = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + (f'="{text_of(value)}"' if value else "")
        for key, value in attributes.items()
    )
    if name in _EMPTY:
        # HTML ignores the slash, and SVG inside it needs one.
        return f"<{name}{listed}/>"
    return f"<{name}{listed}>{''.join(children)}</{name}>"


URGENT = DESTRUCTIVE | {Action.BLOCKED}
DRIFT_STYLES = {
    **dict.fromkeys(
        (
            DriftCategory.NOT_OURS,
            DriftCategory.RECREATED,
            DriftCategory.GONE,
            DriftCategory.FAILED_UPDATE,
            DriftCategory.ROLLOUT,
        ),
        "bad",
    ),
    **dict.fromkeys(
        (DriftCategory.NOT_APPLIED, DriftCategory.UPDATING, DriftCategory.STOPPED), "a-adopt"
    ),
    DriftCategory.ORPHAN: "a-orphan",
}
BAR_WIDTH, BAR_HEIGHT = 120, 12
LONGEST_LABEL = 58
"""Characters of a path that stays on one line."""


@dataclass(frozen=True, slots=True)
class Card:
    """``group`` is what the page filters by, ``style`` the class that colours it."""

    group: str
    style: str
    summary: str
    body: str
    search: str
    urgent: bool = False
    resources: int = 1

    def html(self, *, opened: bool) -> str:
        """The element; what needs a look is open, however many there are."""
        attributes = {"open": ""} if opened else {}
        return tag(
            "details",
            tag("summary", self.summary),
            tag("div", self.body, class_="body"),
            class_=f"card {self.style}",
            data_group=self.group,
            data_search=self.search,
            data_count=str(self.resources),
            **attributes,
        )


def step_card(step: Step, branches: Topology) -> Card:
    """What the plan does to a resource."""
    word = view.word(step.action)
    return Card(
        word,
        f"a-{step.action.value}",
        _summary(f"{view.symbol(step.action)} {word}", step, ""),
        _body(step, branches),
        f"{step.address} {step.name}".lower(),
        urgent=step.action in URGENT,
    )


def alike_card(steps: Sequence[Step], branches: Topology) -> Card:
    """What the plan does to several resources, and the same to each."""
    first = step_card(steps[0], branches)
    badge = tag("span", text_of(f"{view.symbol(steps[0].action)} {first.group}"), class_="badge")
    words = f"{len(steps):,} resources with the same changes"
    addresses = ", ".join(tag("code", text_of(str(step.address))) for step in steps)
    listed = tag("details", tag("summary", "Which"), tag("p", addresses), class_="which")
    return replace(
        first,
        summary=badge + tag("span", text_of(words), class_="address"),
        body=listed + first.body,
        search=" ".join(f"{step.address} {step.name}" for step in steps).lower(),
        resources=len(steps),
    )


def outcome_card(outcome: Outcome, branches: Topology) -> Card:
    """How a step ended."""
    good, step = outcome.status in WENT_WELL, outcome.step
    word, sign = view.outcome_word(outcome), "✓" if good else "✗"
    problems_of_outcome = outcome.error.problems if outcome.error else ()
    paragraphs = [
        tag(
            "pre",
            text_of(problems.text([each], colour=False), lines=True),
            class_="problem s-error",
        )
        for each in problems_of_outcome
    ]
    message = tag("p", prose(outcome.message)) if outcome.message else ""
    return Card(
        word,
        "good" if good else "bad",
        _summary(f"{sign} {word}", step, view.took(outcome)),
        "".join((message, *paragraphs, _body(step, branches))),
        f"{step.address} {step.name}".lower(),
        urgent=not good,
    )


def check_card(result: CheckResult) -> Card:
    """What a check asked a live resource, and whether the answer was right."""
    word, sign = ("passed", "✓") if result.passed else ("failed", "✗")
    paragraphs = [tag("p", prose(result.message))] if result.message else []
    if result.cases:
        rows = [tag("li", prose(words)) for words in result.cases.failures]
        paragraphs += [tag("p", text_of(result.cases.text)), tag("ul", *rows) if rows else ""]
    if result.entity:
        paragraphs.append(tag("p", f"Answered by {tag('code', text_of(result.entity))}"))
    summary = (
        tag("span", text_of(f"{sign} {word}"), class_="badge"),
        tag("code", text_of(str(result.address)), class_="address"),
        tag("span", text_of(result.check), class_="name"),
        tag("span", f"{result.duration_ms} ms", class_="aside"),
    )
    return Card(
        word,
        "good" if result.passed else "bad",
        "".join(summary),
        "".join(paragraphs),
        f"{result.address} {result.name} {result.check}".lower(),
        urgent=not result.passed,
    )


def drift_card(group: list[Drift]) -> Card:
    """What is not as declared of one resource."""
    first = group[0]
    summary = (
        tag("span", text_of(words(first)), class_="badge"),
        tag("code", text_of(str(first.address)), class_="address"),
        tag("span", text_of(first.name), class_="name"),
    )
    return Card(
        words(first),
        DRIFT_STYLES.get(first.category, "a-update"),
        "".join(summary),
        tag("table", tag("tbody", *map(_drift_row, group))),
        f"{first.address} {first.name}".lower(),
        urgent=not first.path and first.counts,
    )


def _drift_row(finding: Drift) -> str:
    label, shown = label_of(finding, view.STYLE), view.values(finding)
    why = tag("span", prose(view.told_of(finding)), class_="why")
    long = " long" if len(label) > LONGEST_LABEL else ""
    head = tag("th", path_of(label or "as a whole"), scope="row", class_=f"outer{long}")
    return tag("tr", head, tag("td", text_of(shown) + (" " if shown else "") + why))


def _summary(badge: str, step: Step, aside: str) -> str:
    return "".join(
        (
            tag("span", text_of(badge), class_="badge"),
            tag("code", text_of(str(step.address)), class_="address"),
            tag("span", text_of(step.name), class_="name"),
            tag("span", text_of(aside), class_="aside") if aside else "",
        )
    )


def _body(step: Step, branches: Topology) -> str:
    parts = [tag("p", prose(step.reason), class_="reason")] if step.reason else []
    if step.hint:
        parts.append(tag("p", tag("b", "Hint: "), prose(step.hint), class_="hint"))
    rows = [row for block in blocks_of(step, view.STYLE) for row in _block(block)]
    if rows:
        parts.append(tag("table", tag("tbody", *rows)))
    if branches and step.action is not Action.DELETE:
        moved = {} if step.action is Action.CREATE else moved_traffic(step)
        parts.append(_flow(branches, moved))
    capacity_text = capacity.step_text(step, "→")
    if capacity_text:
        parts.append(tag("p", f"Capacity: {prose(capacity_text)}", class_="note"))
    if step.operations:
        calls = ", ".join(tag("code", text_of(each.call)) for each in step.operations)
        parts.append(tag("p", f"Calls: {calls}", class_="calls"))
    if step.rollout and step.rollout.stages:
        parts.append(_rollout(step.rollout))
    parts += [tag("p", prose(note), class_="note") for note in step.notes]
    return "".join(parts)


def _block(block: PlanBlock) -> Iterator[str]:
    if block.heading:
        heading = text_of(block.heading) + _reason(block.reason)
        yield tag("tr", tag("th", heading, colspan="2", scope="rowgroup", class_="heading"))
    inner = "inner" if block.heading else "outer"
    for row in block.rows:
        long = " long" if len(row.label) > LONGEST_LABEL else ""
        label = tag("th", path_of(row.label), scope="row", class_=inner + long)
        yield tag("tr", label, tag("td", _values(row) + _reason(row.reason)))


def _values(row: PlanRow) -> str:
    if row.role is Role.FAINT or len(row.values) == 1:
        style = {Role.ADDED: "new", Role.REMOVED: "old"}.get(row.role, "")
        text = text_of(view.shown_values(row))
        return tag("span", text, class_=style) if style else text
    before, after = row.values
    return f"{tag('del', text_of(before))} → {tag('ins', text_of(after))}"


def _reason(reason: str) -> str:
    return " " + tag("span", prose(reason), class_="why") if reason else ""


def _flow(branches: Topology, moved: dict[str, tuple[int, int]]) -> str:
    """Where requests go afterwards, as bars."""
    rows = [_branch(each, moved.get(each.name)) for each in branches]
    caption = tag("caption", "Where requests go")
    return tag("table", caption, tag("tbody", *rows), class_="flow")


def _branch(branch: Branch, moved: tuple[int, int] | None) -> str:
    before, after = moved or (branch.share, branch.share)
    share = f"{after} %" if before == after else f"{before} → {after} %"
    if branch.fallback and not branch.share:
        share = "fallback"
    return tag(
        "tr",
        tag("th", text_of(branch.name), scope="row"),
        tag("td", _bar(after), class_="bar"),
        tag("td", text_of(share), class_="share"),
        tag("td", text_of(branch.serves), class_="serves"),
    )


def _rollout(note: RolloutNote) -> str:
    """The stages of a rollout beside each other, each with what it asks for."""
    stages = [
        tag(
            "li",
            tag("b", f"{stage.percent} %"),
            tag("span", _asks(stage)),
            class_=_reached(stage, note),
        )
        for stage in note.stages
    ]
    return tag("ol", *stages, class_="steps", aria_label=f"Steps of the rollout: {note.percent} %")


def _asks(stage: Stage) -> str:
    parts = [f"for {span(stage.for_s)}"] if stage.for_s else []
    return ", ".join([*parts, *(["then an approval"] if stage.pause else [])])


def _reached(stage: Stage, note: RolloutNote) -> str:
    if stage.percent == note.percent:
        return "here"
    return "over" if stage.percent < note.percent else "ahead"


def _bar(percentage: int) -> str:
    full = BAR_WIDTH * max(0, min(percentage, 100)) // 100
    height = str(BAR_HEIGHT)
    track = tag("rect", width=str(BAR_WIDTH), height=height, rx="3", class_="track")
    fill = tag("rect", width=str(full), height=height, rx="3", class_="fill") if full else ""
    size = {"width": str(BAR_WIDTH), "height": height}
    return tag("svg", track, fill, aria_hidden="true", **size)
