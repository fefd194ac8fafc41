"""Every citation of the API's facts in the code resolves to a section that readers can open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs" / "contributing" / "serving-api.md"

HEADING = re.compile(r"^#{2,3} (\d+(?:\.\d+)?)\.? ", re.MULTILINE)
CITATION = re.compile(r"\[serving-api\b([^\]]*)\]")
LINE_BREAK = re.compile(r"\s*\n\s*(?:#\s*)?")
# Section numbers, then a remark after a colon or a semicolon.
CITED = re.compile(r"\s+(?P<sections>\d+(?:\.\d+)?(?:, \d+(?:\.\d+)?)*)(?:[:;] .+)?")
# A mention without brackets looks like a citation, and no tool would find it.
BARE = re.compile(r"(?<!\[)\bserving-api\b(?!\.md)")
# Documents that are not in the repository: `[clients.md, errors]`, "a guess of the reference".
ELSEWHERE = re.compile(
    r"\[[\w-]+\.md\b"
    r"|\b(?:clients|go-clients|new-kinds|unity-gateway|reliability-performance|house|design)\.md\b"
    r"|\b(?:of|in|from|by) the\s+(?:#\s*)?reference\b"
    r"|\bthe reference (?:also |only )?(?:calls|lists|names|says|speaks)\b"
    r"|\[GUESS\b"
)


def sections_of(reference: str) -> set[str]:
    return set(HEADING.findall(reference))


def offences(source: str, sections: set[str]) -> Iterator[tuple[int, str]]:
    """Line number and reason of each citation in ``source`` that a reader cannot follow."""
    for match in CITATION.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        text = LINE_BREAK.sub(" ", match[0])
        cited = CITED.fullmatch(LINE_BREAK.sub(" ", match[1]))
        if cited is None:
            yield line, f"{text} is not `[serving-api N.N, N.N: remark]`"
            continue
        for section in cited["sections"].split(", "):
            if section not in sections:
                yield line, f"{text}: there is no section {section}"
    for pattern in (BARE, ELSEWHERE):
        for match in pattern.finditer(source):
            line = source.count("\n", 0, match.start()) + 1
            yield line, f"`{match[0]}` is no citation of a section of {REFERENCE.name}"


def test_every_citation_in_the_code_is_a_section_of_the_reference() -> None:
    sections = sections_of(REFERENCE.read_text(encoding="utf-8"))
    found = [
        f"{path.relative_to(ROOT)}:{line}: {reason}"
        for path in sorted((ROOT / "provisioner").rglob("*.py"))
        for line, reason in sorted(offences(path.read_text(encoding="utf-8"), sections))
    ]
    assert not found, "\n".join(["citations that nobody can follow:", *found])


def test_section_numbers_of_the_reference_are_unique() -> None:
    numbers = HEADING.findall(REFERENCE.read_text(encoding="utf-8"))
    assert sorted(numbers) == sorted(set(numbers))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("# [serving-api 1.2]", 0, id="one section"),
        pytest.param("# [serving-api 4]", 0, id="a chapter"),
        pytest.param("# [serving-api 4, 1.2: a remark, with 9.9]", 0, id="two with a remark"),
        pytest.param("# [serving-api 4,\n# 1.2; a remark]", 0, id="over two comment lines"),
        pytest.param("see docs/contributing/serving-api.md", 0, id="the page itself"),
        pytest.param("# [serving-api 9.9]", 1, id="a section that does not exist"),
        pytest.param("# [serving-api 1.2, 9.9, 8.8]", 2, id="two that do not exist"),
        pytest.param("# [serving-api 1.2, the other way]", 1, id="a remark after a comma"),
        pytest.param("# [serving-api]", 1, id="no section"),
        pytest.param("Sources: serving-api 1.2.", 1, id="no brackets"),
        pytest.param("# [clients.md, errors]", 1, id="another document"),
        pytest.param("a guess of the reference: refused", 1, id="a document without a name"),
        pytest.param("[GUESS: not in the reference]", 2, id="a guess without a section"),
    ],
)
def test_citations_are_judged_by_their_form_and_their_section(source: str, expected: int) -> None:
    assert len(list(offences(source, {"1.2", "4"}))) == expected
