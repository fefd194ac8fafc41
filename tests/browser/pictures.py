"""Writes examples/report: a plan as page and comment, and pictures of both. `make pictures`."""

from __future__ import annotations

import html
import re
import tempfile
from pathlib import Path

import report_sample
from markdown_it import MarkdownIt
from playwright.sync_api import Browser
from window import add_mermaid, draw_mermaid, opened

from provisioner.commands.reports.formats import FORMATS

FOLDER = Path(__file__).parent.parent.parent / "examples" / "report"
WIDTH = 920
LINES = {"+": "#dafbe1", "-": "#ffebe9", "!": "#fff8c5"}
DIFF = r'<pre><code class="language-diff">(.*?)</code></pre>'
CHART = r'<pre><code class="language-mermaid">(.*?)</code></pre>'
STYLE = """
body { margin: 0; padding: 24px; background: #fff; color: #1f2328; max-width: 860px;
       font: 14px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h2 { font-size: 21px; border-bottom: 1px solid #d1d9e0; padding-bottom: 5px; margin-top: 0; }
h3 { font-size: 16px; margin: 18px 0 8px; }
code { background: #f0f2f4; border-radius: 5px; padding: 2px 5px; font-size: 12px; }
pre { background: #f6f8fa; border-radius: 6px; padding: 12px; margin: 8px 0; overflow: hidden; }
pre code { background: none; padding: 0; }
pre code span { display: block; margin: 0 -12px; padding: 0 12px; }
blockquote { margin: 0; padding: 2px 14px; border-left: 4px solid #d1242f; }
sub { font-size: 11px; vertical-align: baseline; color: #59636e; }
details { margin: 8px 0; }
svg { max-height: 520px; }
"""


def coloured(found: re.Match[str]) -> str:
    """A diff as GitHub paints it."""
    lines = [(line, LINES.get(line[:1], "none")) for line in found[1].rstrip("\n").split("\n")]
    spans = (f'<span style="background:{colour}">{line}</span>' for line, colour in lines)
    return f"<pre><code>{''.join(spans)}</code></pre>"


def as_comment(browser: Browser, text: str) -> str:
    """The comment about as GitHub shows it, the worst of its details open."""
    made = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    made = made.replace("[!CAUTION]", "<b>Caution</b><br>")
    made = made.replace("<details>", "<details open>", 3)
    made = re.sub(DIFF, coloured, made, flags=re.DOTALL)
    chart = re.search(CHART, made, re.DOTALL)
    if chart:
        page = browser.new_page()
        add_mermaid(page)
        made = made.replace(chart[0], draw_mermaid(page, html.unescape(chart[1])))
        page.close()
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{made}"


def photograph(browser: Browser, source: str, picture: Path, height: int) -> None:
    page = browser.new_page(viewport={"width": WIDTH, "height": height})
    page.set_content(source)
    page.screenshot(path=picture)
    page.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = report_sample.made_in(Path(folder))
    FOLDER.mkdir(exist_ok=True)
    page, comment = FORMATS["html"].text(report), FORMATS["markdown"].text(report)
    (FOLDER / "plan.html").write_text(page, encoding="utf-8")
    (FOLDER / "plan.md").write_text(comment, encoding="utf-8")
    with opened() as browser:
        photograph(browser, page, FOLDER / "plan.png", 1080)
        photograph(browser, as_comment(browser, comment), FOLDER / "comment.png", 1420)


if __name__ == "__main__":
    main()
