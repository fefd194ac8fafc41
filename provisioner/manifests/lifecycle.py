"""The extensions of a resource, such as ``lifecycle`` and ``checks``: never sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from provisioner.errors import FileError, Finding, Position, Problem
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.manifests import files
from provisioner.manifests.yaml.source import MOST_BYTES
from provisioner.model import schemas
from provisioner.model.field_rules import FieldRule
from provisioner.model.kind import Kind
from provisioner.model.paths import Document, Key, parse_path

LIFECYCLE: Final = "lifecycle"
EXISTING: Final = "existing"
CHECKS: Final = "checks"
ROLLOUT: Final = "rollout"
IGNORE_CHANGES: Final = "ignore_changes"
OURS: Final = (LIFECYCLE, EXISTING, CHECKS, ROLLOUT)


def settings(document: Document) -> dict[str, Any]:
    """What ``document`` says about itself."""
    settings_block: dict[str, Any] = document.get(LIFECYCLE, {})
    return settings_block


def without_settings(document: Document) -> Document:
    """``document`` as it is compared and sent."""
    return {name: part for name, part in document.items() if name not in OURS}


def ignored_paths(document: Document, rules: FieldRule) -> Iterator[Finding]:
    """Entries of ``ignore_changes`` that name no field: a typo there would ignore nothing.

    For a document whose shape is right.
    """
    for index, text in enumerate(settings(document).get(IGNORE_CHANGES, ())):
        problem = _wrong(text, rules)
        if problem:
            message, hint = problem
            yield Finding((LIFECYCLE, IGNORE_CHANGES, index), "E122", message, hint)


def _wrong(text: str, rules: FieldRule) -> tuple[str, str] | None:
    """Message and hint when ``text`` is the path of nothing, else None."""
    try:
        path = parse_path(text)
    except ValueError:
        path = ()
    if not path:
        return f"`{text}` is not the path of a field", "write it like `config.routes[key].field`"
    for segment in path:
        if isinstance(segment, Key):
            if not (rules.list_key or rules.mapping):
                return f"`{text}` is not a field", f"the field before `{segment}` has no entries"
        elif segment in rules.fields:
            rules = rules.fields[segment]
        elif rules.mapping:
            return f"`{text}` is not a field", f"write `[{segment}]` instead of `.{segment}`"
        else:
            return f"`{text}` is not a field", did_you_mean(segment, rules.fields)
    return None


CASES: Final = "cases"
CASES_CODE: Final = "E738"
LINE: Final = "line"
MOST_CASES: Final = 10_000
INHERITED: Final = ("entity", "max_tokens", "temperature")
"""Fields of a check with cases that hold for each of them."""


@dataclass
class CaseFiles:
    """Reads the files of cases below ``root``, each once; ``problems`` is what is wrong in them."""

    root: Path
    problems: list[Problem] = field(default_factory=list)
    _known: dict[str, tuple[tuple[int, Document], ...]] = field(default_factory=dict)

    def filled(self, checks: tuple[Document, ...], kind: Kind, bare: Document) -> tuple[Any, ...]:
        """``checks``, with the questions of their files in ``cases`` in place of the names.

        ``bare`` is the document of the resource, whose kind says which questions fit it.
        """
        return tuple(
            {**check, CASES: self._cases(check, kind, bare)} if CASES in check else check
            for check in checks
        )

    def _cases(self, check: Document, kind: Kind, bare: Document) -> Mapping[str, Any]:
        name = check[CASES]
        if name not in self._known:
            self._known[name] = tuple(self._read(name))
        lines = self._known[name]
        questions = [_question(check, line, case) for line, case in lines]
        self._check(name, [line for line, _ in lines], {**bare, CHECKS: questions}, kind)
        return {"file": name, "questions": questions, "lines": [line for line, _ in lines]}

    def _read(self, name: str) -> Iterator[tuple[int, Document]]:
        """The number and the content of each line that is not empty."""
        try:
            content = files.read(self.root, name)
            text = content.decode()
        except FileError as error:
            self.problems += error.problems
            return
        except UnicodeDecodeError:
            self._wrong(name, 1, "the file is not UTF-8", "save the file as UTF-8")
            return
        rows = [(line, row) for line, row in enumerate(text.splitlines(), 1) if row.strip()]
        if not rows or len(content) > MOST_BYTES or len(rows) > MOST_CASES:
            limit = f"{MOST_CASES:,} cases and {MOST_BYTES // 1_000_000} MB"
            message = (
                "the file contains no cases" if not rows else f"the file has more than {limit}"
            )
            self._wrong(
                name, 1, message, f"write 1 to {MOST_CASES:,} cases, one JSON object per line"
            )
            return
        for line, row in rows:
            try:
                case = json.loads(row)
            except ValueError as error:
                self._wrong(
                    name, line, f"this line is not JSON: {error}", "write one JSON object per line"
                )
                continue
            if isinstance(case, dict) and CASES not in case:
                yield line, case
            else:
                self._wrong(
                    name,
                    line,
                    "a case must be a JSON object with a question",
                    'as in `{"prompt": "Hello"}`',
                )

    def _check(self, name: str, lines: list[int], document: Document, kind: Kind) -> None:
        """Judges the questions as checks of the resource: each finding belongs to its line."""
        from provisioner.manifests.schema.check import shape

        findings = list(shape(document, schemas.schema(f"kinds/{kind.name}")))
        for finding in findings or kind.schema.relations(document, {}):
            if len(finding.at) > 1 and finding.at[0] == CHECKS and isinstance(finding.at[1], int):
                self._wrong(name, lines[finding.at[1]], finding.message, finding.hint)

    def _wrong(self, name: str, line: int, message: str, hint: str) -> None:
        self.problems.append(Problem(CASES_CODE, message, Position(name, line, 1), hint))


def _question(check: Document, line: int, case: Document) -> Document:
    """The check that a case is."""
    inherited: Document = {name: check[name] for name in INHERITED if name in check}
    own: Document = case["expect"] if isinstance(case.get("expect"), dict) else {}
    expect: Document = {**check.get("expect", {}), **own}
    whole: Document = {**inherited, **case, "name": f"{LINE} {line}"}
    return {**whole, "expect": expect} if expect else whole
