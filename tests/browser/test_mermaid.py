"""The real mermaid package reads our charts, and shows every name as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import report_runs as runs
from playwright.sync_api import Browser, Page
from window import add_mermaid, draw_mermaid

from provisioner.commands.graph.graph import graph
from provisioner.commands.graph.text import mermaid
from provisioner.commands.reports.markdown import flowchart
from provisioner.model.serving import Branch

pytestmark = pytest.mark.browser

Draw = Callable[[str], Page]


@pytest.fixture(scope="module")
def artist(browser: Browser) -> Iterator[Page]:
    """A page that has loaded mermaid, for all charts."""
    page = browser.new_page()
    page.goto("about:blank")
    add_mermaid(page)
    yield page
    page.close()


@pytest.fixture
def drawn(browser: Browser, artist: Page) -> Iterator[Draw]:
    """Draws a chart, and shows it on a page of its own."""
    page = browser.new_page()

    def draw(source: str) -> Page:
        page.set_content(draw_mermaid(artist, source))
        return page

    yield draw
    page.close()


@pytest.mark.parametrize(
    "text",
    [
        "chat",
        "gpt-4o: mini (v3)",
        'a"b]c}d)e|f;g#h%i',
        "end",
        "click x href y",
        "<script>alert(1)</script>",
        "-->",
        "`*_markdown_*`",
        "ünïcödé 語",
        runs.NASTY,
    ],
)
def test_a_name_is_only_a_name(drawn: Draw, text: str):
    report = runs.of_plan(runs.plan(text))
    branches = (Branch(text, text, 90), Branch(f"{text} 2", text, 0, fallback=True))
    steps = report.plan.steps if report.plan else ()
    named = replace(report, topology=tuple((step.address, branches) for step in steps))
    page = drawn(flowchart(named))
    assert page.locator("script, img").count() == 0
    assert "fallback" in page.locator("svg").first.text_content()


@pytest.mark.parametrize("name", ["traffic-split", "tutorial", "permissions", "promotion"])
def test_graphs_of_examples_are_drawn(drawn: Draw, name: str):
    root = Path(__file__).parent.parent.parent / "examples" / name
    environment = "" if (root / "provisioner.yaml").is_file() else "dev"
    folder = root if not environment else root.parent.parent
    network = graph(folder, environment)
    assert drawn(mermaid(network)).locator("g.node").count() == len(network.nodes)
