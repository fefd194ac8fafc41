"""A report as one page that needs nothing else: style and script are in it, and allowed by hash.

Its policy forbids everything that is not in the file, so what a user wrote into a name
or a description could not run or load anything even if it were not escaped.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from provisioner.commands.drift.remedies import ways_out
from provisioner.commands.reports import view
from provisioner.commands.reports.html_cards import (
    Card,
    alike_card,
    check_card,
    drift_card,
    outcome_card,
    step_card,
    tag,
    text_of,
)
from provisioner.commands.reports.report import Report
from provisioner.errors import Problem, Severity
from provisioner.model.drift import Drifted
from provisioner.model.outcome import Outcome
from provisioner.model.plan import Action, Address, Plan, Step
from provisioner.model.serving import Topology
from provisioner.rendering import capacity, problems
from provisioner.rendering.plan_text import MOST_EQUAL_STEPS

OPEN_UP_TO = 25
"""With more cards than this only those are open that need a look."""

MOST_NAMES = 8

TITLES = {
    "plan": "Plan",
    "show": "Plan",
    "apply": "Apply",
    "destroy": "Destroy",
    "drift": "Drift",
    "validate": "Validation",
    "verify": "Checks",
}


def text(report: Report) -> str:
    """The page, from the doctype to its end."""
    name = f"{TITLES.get(report.command, 'Report')} · {view.title(report)}"
    return "".join(
        (
            "<!doctype html>\n",
            '<html lang="en">\n',
            _head(name),
            tag("body", _header(report), _main(report), tag("script", _file("page.js"))),
            "\n</html>\n",
        )
    )


@cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _head(name: str) -> str:
    # The hashes allow exactly these two; an injected script has another hash.
    style, script = _file("page.css"), _file("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text_of(name)}</title>\n<style>{style}</style>\n</head>\n"
    )


def _header(report: Report) -> str:
    facts = [
        tag("div", tag("dt", text_of(fact.name)), tag("dd", text_of(fact.value)))
        for fact in view.facts(report)
    ]
    return tag(
        "header",
        tag("p", text_of(TITLES.get(report.command, "Report")), class_="kind"),
        tag("h1", text_of(view.title(report))),
        tag("p", *_headline(report), class_="headline"),
        *_alarms(report),
        *_capacity(report),
        tag("dl", *facts),
    )


def _capacity(report: Report) -> Iterator[str]:
    """What the plan does to the capacity in sum."""
    rows = list(capacity.sum_rows(report.plan)) if report.plan and not report.outcomes else []
    if rows:
        yield tag("h2", "Capacity")
        pairs = (tag("div", tag("dt", text_of(k)), tag("dd", text_of(text))) for k, text in rows)
        yield tag("dl", *pairs)


def _headline(report: Report) -> Iterator[str]:
    if report.plan is None or report.outcomes:
        yield text_of(view.headline(report))
        return
    counts = report.plan.counts
    for action in view.WORST_FIRST:
        if counts[action]:
            label = tag("b", str(counts[action])) + f" {_to(action)}"
            yield tag("span", label, class_=f"count a-{action.value}")


def _to(action: Action) -> str:
    plain = {Action.KEEP: "unchanged", Action.BLOCKED: "blocked", Action.ORPHAN: "orphan"}
    return plain.get(action, f"to {action.value}")


def _alarms(report: Report) -> Iterator[str]:
    plan = report.plan
    if plan is None or report.outcomes:
        return
    destroyed, blocked = view.destroyed(plan), view.blocked(plan)
    deleted = [step for step in destroyed if step.action is Action.DELETE]
    replaced = [step for step in destroyed if step.action is Action.REPLACE]
    # Named beside the counts: a deletion must not hide among a thousand updates.
    warnings = [f"deletes {_named(deleted)}"] if deleted else []
    warnings += [f"deletes and recreates {_named(replaced)}"] if replaced else []
    if warnings:
        yield tag("p", f"This {', and '.join(warnings)}.", class_="alarm", role="note")
    if blocked:
        sentence = f"Nothing can be applied: {_named(blocked)} cannot be applied as declared."
        yield tag("p", sentence, class_="alarm", role="note")


def _named(steps: list[Step]) -> str:
    names = ", ".join(tag("code", text_of(step.name)) for step in steps[:MOST_NAMES])
    more = len(steps) - MOST_NAMES
    return f"{names} and {more} more" if more > 0 else names


def _main(report: Report) -> str:
    cards = _cards(report)
    many = len(cards) > OPEN_UP_TO
    return tag(
        "main",
        *_problems(report),
        _tools(cards) if len(cards) > 1 else "",
        tag("section", *(card.html(opened=card.urgent or not many) for card in cards), id="cards"),
        _how_to_apply(report, report.plan) if report.plan and cards else "",
        _ways_out(report.drift) if report.drift else "",
    )


def _cards(report: Report) -> list[Card]:
    branches = dict(report.topology)
    if report.outcomes:
        made: list[Outcome] = view.ordered_outcomes(report)
        return [outcome_card(each, branches.get(each.step.address, ())) for each in made]
    if report.drift:
        return list(map(drift_card, view.by_resource(report.drift)))
    if report.checks:
        return [check_card(each) for each in sorted(report.checks, key=view.check_rank)]
    steps: list[Step] = view.changed_steps(report.plan) if report.plan else []
    return _step_cards(steps, branches)


def _step_cards(steps: Sequence[Step], branches: Mapping[Address, Topology]) -> list[Card]:
    """A card for each step; one for many steps that differ in nothing but their resource."""
    cards = {step.address: step_card(step, branches.get(step.address, ())) for step in steps}
    alike: dict[object, list[Step]] = {}
    for step in steps:
        card = cards[step.address]
        # What is consented to by address, or needs a look, has a card of its own.
        key = step.address if card.urgent else (card.group, card.style, card.body)
        alike.setdefault(key, []).append(step)
    return [
        card
        for group in alike.values()
        for card in (
            [alike_card(group, branches.get(group[0].address, ()))]
            if len(group) > MOST_EQUAL_STEPS
            else [cards[step.address] for step in group]
        )
    ]


def _tools(cards: list[Card]) -> str:
    """Hidden until the script runs, without which they would do nothing."""
    counts: Counter[str] = Counter()
    for card in cards:
        counts[card.group] += card.resources
    styles = {card.group: card.style for card in cards}
    buttons = [
        tag(
            "button",
            f"{text_of(group)} {tag('b', str(count))}",
            type="button",
            class_=f"chip {styles[group]}",
            data_group=group,
            aria_pressed="true",
        )
        for group, count in counts.items()
    ]
    search = tag(
        "input", type="search", id="search", placeholder="Find  /", aria_label="Find a resource"
    )
    toggle = tag("button", "Close all", type="button", id="toggle", class_="plain")
    status = tag("span", "", id="told", role="status")
    groups = tag("div", *buttons, class_="chips", role="group", aria_label="Show only")
    return tag("div", groups, search, toggle, status, id="tools", hidden="")


def _problems(report: Report) -> Iterator[str]:
    for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE):
        yield from (_problem(each) for each in report.problems if each.severity is severity)


def _problem(problem: Problem) -> str:
    text = problems.text([problem], colour=False)
    return tag("pre", text_of(text, lines=True), class_=f"problem s-{problem.severity}")


def _how_to_apply(report: Report, plan: Plan) -> str:
    if report.outcomes or plan.blocked or plan.is_empty:
        return ""
    variables = ", ".join(tag("code", text_of(name)) for name in view.needed_variables(plan))
    return tag(
        "section",
        tag("h2", "How to apply"),
        tag("pre", text_of(view.apply_command(report)), class_="command", tabindex="0"),
        tag("p", f"It needs the environment variables {variables}.") if variables else "",
    )


def _ways_out(drifted: Drifted) -> str:
    ways = ways_out(drifted)
    if not ways:
        return ""
    items = "".join(
        tag("p", text_of(way.does))
        + tag("pre", text_of(way.command), class_="command", tabindex="0")
        for way in ways
    )
    return tag("section", tag("h2", "To resolve"), items)
