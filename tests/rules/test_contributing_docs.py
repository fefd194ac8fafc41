"""The documentation for contributors names only what is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs" / "contributing").glob("*.md"))

# `provisioner/planning/diff.py`, `provisioner/planning/diff.py:differences`; a placeholder such as
# `provisioner/kinds/<kind>/` is no path.
NAMED = re.compile(r"`((?:provisioner|tests)/[^`\s:<>*]*)(?::([\w.]+))?`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
CODE = re.compile(r"`[^`\n]*`")


def missing(text: str, root: Path) -> Iterator[str]:
    """Each path in backticks that does not exist, and each name that its module does not define."""
    for path, name in NAMED.findall(text):
        file = root / path
        if not file.exists():
            yield f"`{path}` does not exist"
        elif name and name not in defined(file):
            yield f"`{path}` defines no `{name}`"


def defined(file: Path) -> set[str]:
    """Names of functions, classes, methods (``Class.method``) and constants of a module."""
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        names |= _names(node)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for item in node.body for name in _names(item)}
    return names


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def test_every_path_in_the_contributing_docs_exists() -> None:
    found = [
        f"{page.name}: {problem}"
        for page in PAGES
        for problem in missing(page.read_text(encoding="utf-8"), ROOT)
    ]
    assert not found, "\n".join(found)


def test_every_link_of_the_contributing_docs_leads_to_a_file() -> None:
    found = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
        if not (page.parent / target).exists()
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("`provisioner/a.py` and `provisioner/`", [], id="what is there"),
        pytest.param("`provisioner/a.py:run`, `provisioner/a.py:A.go`", [], id="names in it"),
        pytest.param("`provisioner/<kind>/a.py`", [], id="a placeholder"),
        pytest.param("`provisioner/b.py`", ["`provisioner/b.py` does not exist"], id="no file"),
        pytest.param(
            "`provisioner/a.py:stop`", ["`provisioner/a.py` defines no `stop`"], id="no name"
        ),
    ],
)
def test_paths_and_names_are_looked_up(tmp_path: Path, text: str, expected: list[str]) -> None:
    (tmp_path / "provisioner").mkdir()
    source = "def run(): ...\nclass A:\n    def go(self): ...\n"
    (tmp_path / "provisioner" / "a.py").write_text(source, encoding="utf-8")
    assert list(missing(text, tmp_path)) == expected


def test_every_page_has_its_place_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"([\w./-]+\.md)$", text, re.MULTILINE))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert (pages - listed, listed - pages) == (set(), set())
