"""Chromium without a window, and without a word to anybody outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MERMAID = Path(__file__).parent / "node_modules/mermaid/dist/mermaid.min.js"


@contextmanager
def opened() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def add_mermaid(page: Page) -> None:
    """Loads mermaid into the page, which takes seconds: once for many charts."""
    page.add_script_tag(path=MERMAID)
    page.evaluate("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")


def draw_mermaid(page: Page, source: str) -> str:
    """The chart as SVG. Raises playwright's Error when mermaid cannot read ``source``."""
    return page.evaluate("async (source) => (await mermaid.render('chart', source)).svg", source)
