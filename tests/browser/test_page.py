"""The HTML report as a reader meets it: it shows, filters, searches, prints, and obeys nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import report_runs as runs
from playwright.sync_api import Browser, Page, expect

from provisioner.commands.reports.formats import FORMATS
from provisioner.commands.reports.report import Report
from provisioner.model.plan import Action, Plan

pytestmark = pytest.mark.browser

Shown = Callable[..., Page]


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Shown]:
    """Open a report; a page that complains or asks for anything outside fails the test."""
    complaints: list[str] = []
    pages: list[Page] = []

    def show(report: Report, **settings: object) -> Page:
        file = tmp_path / "report.html"
        file.write_text(FORMATS["html"].text(report), encoding="utf-8")
        page = browser.new_page(**settings)
        pages.append(page)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith("file:") else complaints.append(asked.url),
        )
        page.goto(file.as_uri())
        return page

    yield show
    for page in pages:
        page.close()
    assert complaints == []


def cards(page: Page) -> list[str]:
    """The groups of the cards that can be seen, in their order."""
    return page.eval_on_selector_all(
        ".card:not([hidden])", "found => found.map(card => card.dataset.group)"
    )


def test_the_worst_stands_first(shown: Shown):
    page = shown(runs.of_plan(runs.plan(blocked=True)))
    assert cards(page)[:3] == ["delete", "replace", "blocked"]
    assert page.title() == "Plan · shop/prod"


def test_a_click_on_an_action_shows_that_one_alone_and_a_second_click_all(shown: Shown):
    page = shown(runs.of_plan(runs.plan()))
    everything = cards(page)
    page.get_by_role("button", name="replace").click()
    assert cards(page) == ["replace"]
    page.get_by_role("button", name="update").click()
    assert cards(page) == ["replace", "update"]
    page.get_by_role("button", name="update").click()
    page.get_by_role("button", name="replace").click()
    assert cards(page) == everything


def test_a_keyboard_is_enough(shown: Shown):
    page = shown(runs.of_plan(runs.plan()))
    everything = cards(page)
    page.keyboard.press("/")
    page.keyboard.type("delete")
    assert cards(page) == ["delete"]
    expect(page.get_by_role("status")).to_have_text(f"1 of {len(everything)}")
    page.keyboard.press("Escape")
    assert cards(page) == everything
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".card").first.get_attribute("open") is None


def test_of_many_cards_only_the_dangerous_ones_are_open(shown: Shown):
    # Each with a note of its own: equal ones would be one card.
    steps = tuple(
        replace(runs.step(f"a{index}", Action.UPDATE), notes=(f"note {index}",))
        for index in range(30)
    )
    steps += (runs.step("b", Action.DELETE),)
    page = shown(runs.of_plan(Plan("shop", "prod", "https://example.test", steps)))
    assert page.locator(".card[open]").count() == 1
    page.get_by_role("button", name="Close all").click()
    assert page.locator(".card[open]").count() == 0
    page.get_by_role("button", name="Open all").click()
    assert page.locator(".card[open]").count() == 31


def test_paper_shows_everything_without_the_buttons(shown: Shown):
    page = shown(runs.of_plan(runs.plan()))
    page.get_by_role("button", name="Close all").click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator(".card:not([open])").count() == 0
    assert not page.locator("#tools").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(shown: Shown, scheme: str):
    page = shown(runs.of_plan(runs.plan()), color_scheme=scheme)
    contrasts = page.evaluate(
        """() => {
          const settings = {willReadFrequently: true};
          const canvas = document.createElement("canvas").getContext("2d", settings);
          const rgb = (colour) => {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
          };
          const light = (colour) => {
            const [r, g, b] = rgb(colour).slice(0, 3).map((part) => {
              part /= 255;
              return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (element) => {
            for (let at = element; at; at = at.parentElement) {
              const colour = getComputedStyle(at).backgroundColor;
              if (rgb(colour)[3] > 0) return colour;
            }
            return "white";
          };
          return [...document.querySelectorAll("body *")]
            .filter((element) => [...element.childNodes].some(
              (node) => node.nodeType === 3 && node.textContent.trim()))
            .filter((element) => element.checkVisibility())
            .map((element) => {
              const pair = [light(getComputedStyle(element).color), light(behind(element))];
              return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
            });
        }"""
    )
    # WCAG 2.2, AA, for text of normal size.
    assert min(contrasts) >= 4.5


@pytest.mark.parametrize("width", [320, 390, 1100])
def test_no_width_makes_the_page_scroll_sideways(shown: Shown, width: int):
    for text in ("plain", runs.NASTY, "x" * 300):
        page = shown(runs.of_plan(runs.plan(text)), viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_in_a_name_is_run(shown: Shown):
    for report in runs.all_with(runs.NASTY + "<img src=x onerror=alert(1)>"):
        page = shown(report)
        assert page.locator("img").count() == 0
        assert "alert(1)" in page.locator("body").inner_text()


def test_it_can_be_read_without_scripts(browser: Browser, tmp_path: Path):
    file = tmp_path / "report.html"
    file.write_text(FORMATS["html"].text(runs.of_plan(runs.plan())), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator(".card").count() > 3
    assert not page.locator("#tools").is_visible()
    context.close()
