"""Every command in the documentation runs, and prints what the page shows.

A page is one story: its blocks run from top to bottom in a folder of its own.

- A ``console`` block holds commands (lines that begin with ``$ ``) and their output, stdout and
  stderr together. ``...`` stands for any lines, within a line for any text.
- A ``yaml`` block whose first line is ``# PATH`` becomes that file.
- ``<!-- scene: examples/NAME -->`` starts the page in a copy of that example, ``<!-- scene:
  repository -->`` in a copy of this repository's own project, ``<!-- scene: empty -->`` (the
  default) in an empty folder. ``<!-- set: NAME=VALUE -->`` sets a variable.
- ``<!-- not run: REASON -->`` before a block leaves it out: it needs a workspace, a forge, ...
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = {"commands.md", "fields.md", "error-codes.md"}
PAGES = sorted(
    path
    for path in DOCS.rglob("*.md")
    if path.parent.name != "contributing" and path.name not in GENERATED
)
BLOCK = re.compile(
    r"<!-- (?P<note>.*?) -->|^```(?P<kind>\w*)[^\n]*\n(?P<text>.*?)^```", re.M | re.S
)
END = "\x01"
TIMEOUT_S = 120


@dataclass
class Story:
    """What a page does: files to write and commands to run, in order."""

    scene: str = "empty"
    variables: dict[str, str] = field(default_factory=dict)
    acts: list[tuple[str, str, str]] = field(default_factory=list)
    """("file", path, content) or ("run", command, expected output)."""


def story(page: Path) -> Story:
    made = Story()
    leave_out = False
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        note = match["note"]
        if note is not None:
            name, _, value = (part.strip() for part in note.partition(":"))
            if name == "scene":
                made.scene = value
            elif name == "set":
                variable, _, content = value.partition("=")
                made.variables[variable] = content
            leave_out = leave_out or name == "not run"
            continue
        if not leave_out:
            made.acts += _acts(match["kind"], match["text"])
        leave_out = False
    return made


def _acts(kind: str, text: str) -> Iterator[tuple[str, str, str]]:
    if kind == "yaml" and (path := re.match(r"# ([\w./-]+\.ya?ml)\n", text)):
        yield "file", path[1], text.split("\n", 1)[1]
    elif kind == "console":
        for command in re.split(r"^(?=\$ )", text, flags=re.M):
            if command.startswith("$ "):
                line, _, output = command.removeprefix("$ ").partition("\n")
                while line.endswith("\\"):
                    more, _, output = output.partition("\n")
                    line += "\n" + more
                yield "run", line, output


def _set_scene(scene: str, folder: Path) -> None:
    local = shutil.ignore_patterns(".provisioner")
    if scene == "repository":
        for name in ("environments", "examples"):
            shutil.copytree(ROOT / name, folder / name, ignore=local)
        shutil.copy(ROOT / "provisioner.yaml", folder)
    elif scene == "empty":
        folder.mkdir()
    else:
        shutil.copytree(ROOT / scene, folder, ignore=local)


def _run(made: Story, folder: Path, command: Path) -> list[str]:
    """What each command printed, in order."""
    script = ["exec 2>&1"]
    for kind, name, text in made.acts:
        if kind == "run":
            script += [name, f"printf '{END}'"]
        else:
            script += [
                f"mkdir -p $(dirname {name}); cat > {name} <<'END-OF-FILE'\n{text}END-OF-FILE"
            ]
    environment = {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder.parent / "home"),
        "COLUMNS": "100",
        "LANG": "C.UTF-8",
        **made.variables,
    }
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.stdout.split(END)


def _same(expected: str, printed: str) -> bool:
    """Whether the lines are equal; ``...`` within a line stands for any text."""
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, printed) is not None


def missing(expected: str, printed: str) -> str:
    """The first line of ``expected`` that ``printed`` does not have in its place; else ""."""
    lines = iter(printed.rstrip().splitlines())
    anywhere = False
    for line in expected.rstrip().splitlines():
        if line.strip() == "...":
            anywhere = True
            continue
        if not line.strip():
            continue
        for other in lines:
            if _same(line.rstrip(), other.rstrip()):
                break
            if other.strip() and not anywhere:
                return f"{line!r}, but it prints {other!r}"
        else:
            return f"{line!r}, which is not printed"
        anywhere = False
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_commands_of_a_page_print_what_it_shows(page, tmp_path, preforked_command):
    made = story(page)
    if not any(kind == "run" for kind, _, _ in made.acts):
        return
    folder = tmp_path / "project"
    (tmp_path / "home").mkdir()
    _set_scene(made.scene, folder)
    printed = _run(made, folder, preforked_command)
    commands = [(name, text) for kind, name, text in made.acts if kind == "run"]
    for (command, expected), output in zip(commands, printed, strict=False):
        problem = missing(expected, output) if expected.strip() else ""
        assert not problem, f"`{command}`: the page shows {problem}\n\nprinted:\n{output}"
    assert len(printed) > len(commands), f"not every command ran; the last printed {printed[-1]}"


def _links(page: Path) -> list[str]:
    return re.findall(r"\]\(([\w./-]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))


def test_every_link_of_the_documentation_leads_to_a_file():
    pages = [*DOCS.rglob("*.md"), ROOT / "README.md"]
    links = ((page, target) for page in pages for target in _links(page))
    broken = [(page, target) for page, target in links if not (page.parent / target).exists()]
    assert not broken, broken


def test_the_search_of_the_site_knows_every_folder_and_leaves_out_pages_for_contributors():
    boosts = runpy.run_path(str(DOCS / "search.py"))["BOOSTS"]
    folders = {path.parent.name for path in DOCS.rglob("*.md")} - {"docs"}
    assert folders - boosts.keys() == {"contributing"}
    assert boosts["how-to"] > boosts["reference"]
