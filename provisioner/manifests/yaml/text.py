"""The text of one file: lines, positions, and excerpts that show no secret."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from provisioner.errors import Finding, Position, Problem, Span
from provisioner.model.secret import MASK

LONGEST_EXCERPT = 2_000

_BREAK = re.compile(r"\r\n|\r|\n")
_FIELD = re.compile(r"\s*+(?:- ++)*+[\"']?([\w.$-]++)[\"']?\s*+:(?=\s|$)")
_FIELD_VALUE = re.compile(r"(?<![\w-])([\w-]++)(?:[\"']\s*+:\s*+|\s*+:\s++)(?=\S)")
_SECRET_NAME = re.compile(
    r"(?i)plaintext|api_?keys?(?![a-z])|_keys?(?![a-z])|token|password|passwd|secret|credential"
)
# How keys of OpenAI and Anthropic, Databricks, AWS, Google and GitHub begin.
SECRET_VALUE = re.compile(r"(?<![\w-])(?:sk-|dapi|AKIA|ASIA|AIza|gh[ps]_)[\w-]{12,}")
# Behind such a name these are shown: references, numbers, and what only begins a value
# that stands on further lines.
_HARMLESS = re.compile(
    r"[\"']?(?:\{\{|\$\{)|\{[^}]*from_|\{\s*+\}|\[\s*+\]|[|>#]|-?\d++\s*+(?:[#,}]|$)"
)
_SECRETS = re.compile(r"(?<![\w-])[\"']?secrets[\"']?\s*+:")
# What is no name of a variable behind the name of a field, where sources of secrets stand.
_SOURCE_VALUE = re.compile(
    r":\s++(?:[&!*]\S*+\s++)?(?![\s{\[|>#*]|[\"']?[A-Z_][A-Z0-9_]*+[\"']?\s*+(?:[,}\]]|$))"
)
_LONGEST_VALUE_LINES = 400


class SpanIndex:
    """Spans of a text, found by where they are."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans = sorted(spans)
        # The furthest end of each span and those before it: an alias repeats what is inside.
        self._ends = list(accumulate((end for _, end in self._spans), max))

    def between(self, begin: int, end: int) -> Iterator[Span]:
        """Yields the spans that reach into the text from ``begin`` to ``end``."""
        first = bisect_right(self._ends, begin)
        last = bisect_left(self._spans, (end,))
        return (span for span in self._spans[first:last] if span[1] > begin)


Cover = SpanIndex | None


@dataclass(frozen=True, slots=True)
class Text:
    """``content`` is what the file says; ``starts`` are the offsets of its lines."""

    file: str
    content: str
    starts: tuple[int, ...]

    @classmethod
    def of(cls, file: str, content: str) -> Text:
        """``content`` with its lines found. They end as in editors: CRLF, LF or CR."""
        return cls(
            file, content, (0, *(line_break.end() for line_break in _BREAK.finditer(content)))
        )

    def position(self, offset: int) -> Position:
        """Line and column of the character at ``offset``."""
        line = bisect_right(self.starts, offset)
        return Position(self.file, line, offset - self.starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """The line ``number`` (from 1) without its line break."""
        end = self.starts[number] if number < len(self.starts) else len(self.content)
        return self.content[self.starts[number - 1] : end].rstrip("\r\n")

    def problem(self, finding: Finding, covered: Cover = None) -> Problem:
        """Returns ``finding``, which has a ``span``, with its line, column and excerpt.

        ``covered`` are spans that are masked sign by sign, so that the columns stay as they
        are; None where the file could not be read as YAML, and only its lines can tell.
        """
        start, end = finding.span or (0, 0)
        where = self.position(start)
        excerpt = self._shown(where.line, covered)
        if finding.secret:
            excerpt = excerpt[: where.column - 1] + MASK
            end = start + len(MASK)
        if where.column > LONGEST_EXCERPT:
            excerpt = ""
        width = max(1, min(end - start, len(excerpt) - where.column + 1))
        message, hint = (SECRET_VALUE.sub(MASK, text) for text in (finding.message, finding.hint))
        return Problem(
            finding.code, message, where, hint, finding.severity, excerpt=excerpt, width=width
        )

    def _shown(self, number: int, covered: Cover) -> str:
        """The line, with what looks like the value of a secret hidden."""
        line = self._masked(number, covered or SpanIndex())[:LONGEST_EXCERPT]
        if not _FIELD.match(line) and self._continues_a_secret(number):
            return line[: len(line) - len(line.lstrip())] + MASK
        for field in _FIELD_VALUE.finditer(line):
            if _SECRET_NAME.search(field[1]) and not _HARMLESS.match(line, field.end()):
                return line[: field.end()] + MASK
        if covered is None and self._is_below_secrets(number):
            value = _SOURCE_VALUE.search(line)
            line = line[: value.end()] + MASK if value else line
        key = SECRET_VALUE.search(line)
        return line[: key.start()] + MASK if key else line

    def _masked(self, number: int, covered: SpanIndex) -> str:
        line = self.line(number)
        begin = self.starts[number - 1]
        for start, end in covered.between(begin, begin + len(line)):
            first, last = max(start - begin, 0), min(end - begin, len(line))
            if first < last:
                line = line[:first] + "*" * (last - first) + line[last:]
        return line

    def _is_below_secrets(self, number: int) -> bool:
        """Whether the line belongs to the `secrets` of a scope, as its indentation has it."""
        line = self.line(number)
        if _SECRETS.search(line):
            return True
        indent = len(line) - len(line.lstrip())
        for above in range(number - 1, max(number - _LONGEST_VALUE_LINES, 0), -1):
            outer = self.line(above)
            depth = len(outer) - len(outer.lstrip())
            if outer.strip() and depth < indent:
                if _SECRETS.search(outer):
                    return True
                indent = depth
        return False

    def _continues_a_secret(self, number: int) -> bool:
        """Whether the line belongs to a field above it whose name is that of a secret."""
        for above in range(number - 1, max(number - _LONGEST_VALUE_LINES, 0), -1):
            field = _FIELD.match(self.line(above)[:LONGEST_EXCERPT])
            if field:
                return bool(_SECRET_NAME.search(field[1]))
        return False
