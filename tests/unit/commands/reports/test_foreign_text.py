"""Every field of a report that can hold somebody else's text, in every format, for every trick.

The fields are found by walking the reports, so a new field is tried without a new line here.
"""

from __future__ import annotations

import html.parser
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import pytest
import report_runs as runs
from markdown_it import MarkdownIt
from proofs import depth

from provisioner.commands.reports.formats import FORMATS
from provisioner.commands.reports.report import Report
from provisioner.model.paths import Key

# Forges look for these in prose, and not in code.
FORGE_WORDS = {
    "@octocat": r"@octocat",
    "@org/team": r"@org",
    "#123": r"(?<!&)#123",
    "owner/repo#1": r"repo#1",
    "!45": r"(?<![\w&])!45",
    "https://evil.test/x": r"https://evil\.test",
    "www.evil.test": r"www\.evil\.test",
    "~bug": r"~bug",
    "$12": r"\$12",
    "/close": r"(?m)^/close",
}
TRICKS = {
    "words of a forge": " ".join(FORGE_WORDS),
    "a command of a forge alone": "x\n/close\n/merge",
    "HTML": "<script>alert(1)</script><img src=x onerror=y></details></code></pre>",
    "the end of a comment": "--> <b>x</b> <!--",
    "Markdown": "*x* [l](http://evil.test) ![i](http://evil.test) | a | b |\n\n# h\n> q\n- [ ] l",
    "fences": "```\n~~~\n````\n~~~~ `` ` ```` </code>",
    "log commands": "x\n::error::y\n::set-output name=a::b\n##vso[task.setvariable a=b]c\n##[x]",
    "sections of GitLab": "section_start:1:a[collapsed=true]\r\x1b[0Kx\nsection_end:1:a\r\x1b[0K",
    "expressions": "${{ secrets.X }} $(x) %(y)s {{ z }} ]]> &amp; &#64;octocat",
    "control characters": "\x00\x07\x1b[31m\u202e\u200b\u2028\ufeff\x9b",
}
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
MARKDOWN_TAGS = {"details", "/details", "summary", "/summary", "b", "/b", "code", "/code"}
MARKDOWN_TAGS |= {"sub", "/sub"}

# What the tool itself writes: names of commands, codes, times of its own clock.
OWN = {
    ("Report", "command"),
    ("Problem", "code"),
    ("Operation", "call"),
    ("Outcome", "done"),
    ("Operation", "method"),
    ("Audit", "started_at"),
    ("Audit", "finished_at"),
    ("Audit", "tool_version"),
    ("Step", "live_fingerprint"),
    ("Address", "kind"),
}
Place = tuple[str | int, ...]


def texts_in(value: Any, place: Place = (), owner: str = "") -> Iterator[tuple[Place, str]]:
    """The place of each text inside ``value``, and its class and field."""
    if isinstance(value, str) and not isinstance(value, Enum):
        yield place, f"{owner}.{place[-1] if isinstance(place[-1], str) else place[-2]}"
    elif is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        for field in fields(value):
            if (name, field.name) not in OWN:
                yield from texts_in(getattr(value, field.name), (*place, field.name), name)
    elif isinstance(value, list | tuple) and not isinstance(value, Key):
        for index, inner in enumerate(value):
            yield from texts_in(inner, (*place, index), owner)


def with_text(value: Any, place: Place, text: str) -> Any:
    """``value`` with ``text`` at ``place``."""
    if not place:
        return text
    head, *rest = place
    if isinstance(head, str):
        return replace(value, **{head: with_text(getattr(value, head), tuple(rest), text)})
    changed = [*value]
    changed[head] = with_text(changed[head], tuple(rest), text)
    return type(value)(*changed) if hasattr(value, "_fields") else type(value)(changed)


REPORTS = {
    "plan": runs.of_plan(runs.plan(), problems=(runs.problem(),)),
    "blocked": runs.of_plan(runs.plan(blocked=True)),
    "apply": runs.of_apply(),
    "verify": runs.of_checks(),
    "drift": runs.of_drift(),
    "validate": Report("validate", problems=(runs.problem(),)),
    "changes": Report("plan", parts=(runs.of_plan(runs.plan()),), changed_since="main"),
}
# One place for each field of each sort of report.
PLACES = {
    f"{name}: {field}": (name, place)
    for name, report in REPORTS.items()
    for field, place in {field: place for place, field in texts_in(report)}.items()
}

# Each place meets a third of the tricks in each format, and all of them in the proofs.
STEP = depth(quick=3, full=1)


def check_markdown(text: str) -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    inner = [each for token in page for each in (token, *(token.children or ()))]
    assert not {"link_open", "image"} & {token.type for token in inner}
    for token in inner:
        if token.type in ("html_block", "html_inline"):
            tags = re.findall(r"<(/?\w+)", re.sub("<!--.*?-->", "", token.content))
            assert set(tags) <= MARKDOWN_TAGS, token.content
    shown = MarkdownIt("commonmark", {"html": True}).render(text)
    prose = re.sub(r"<(code|pre)\b.*?</\1>", "", shown, flags=re.DOTALL)
    # An empty comment parts a sign from what follows it, and a forge does not look inside one.
    prose = re.sub(r"<!--.*?-->", " ", prose, flags=re.DOTALL)
    for pattern in FORGE_WORDS.values():
        found = re.search(pattern, prose)
        assert not found, prose[max(0, found.start() - 60) : found.end() + 60]
    # GitLab obeys a line that begins like this, wherever in a comment.
    outside = re.sub(r"(?ms)^(`{3,}|~{3,}).*?^\1", "", text)
    assert not re.search(r"(?m)^/\w+", outside)


def check_html(text: str) -> None:
    class Elements(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in {"a", "img", "iframe", "link", "object", "base", "form"}
            for name, _ in attrs:
                assert not name.startswith("on"), name
                assert name not in ("src", "href", "style"), name

    Elements().feed(text)
    assert text.count("<script") == 1


def check_github(text: str) -> None:
    for line in text.splitlines():
        assert re.fullmatch(r"::(error|warning|notice)( [^:]*)?::[^\r\n]*", line), line


def check_azure(text: str) -> None:
    for line in text.splitlines():
        assert re.match(r"##vso\[task\.(logissue|setvariable) [^\]]*\]", line), line
        assert len(re.findall(r"##(vso)?\[", line)) == 1


def check_json(text: str) -> None:
    json.loads(text)


CHECKS: dict[str, Callable[[str], object]] = {
    "markdown": check_markdown,
    "html": check_html,
    "github": check_github,
    "azure": check_azure,
    "json": check_json,
    "gitlab-terraform": check_json,
    "codequality": check_json,
    "sarif": check_json,
    "junit": ElementTree.fromstring,
}


def test_every_format_has_a_check() -> None:
    assert set(CHECKS) == {*FORMATS}


@pytest.mark.proof("properties")
@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("name", FORMATS)
def test_no_text_of_others_does_anything_in_a_report(name: str, trick: str) -> None:
    wrong = []
    first = [*TRICKS].index(trick) % STEP
    for label, (report, place) in [*PLACES.items()][first::STEP]:
        text = FORMATS[name].text(with_text(REPORTS[report], place, TRICKS[trick]))
        try:
            # Without them, sections of a GitLab log are text, too.
            assert not CONTROLS.search(text)
            if name != "azure":
                # Logs that show a report are read by an agent as well.
                assert not re.search(r"##(vso)?\[", text.replace("\\u0023", "!"))
            CHECKS[name](text)
        except (AssertionError, ValueError, ElementTree.ParseError) as error:
            wrong.append(f"{label}: {error}")
    assert not wrong, "\n".join(wrong)
