"""One YAML file as plain data, and where every part of it stands.

Unchecked bytes go in; out comes a ``SourceFile`` or a FileError. Size, depth
and number of values are bounded before anything is built, so no file can crash or stall
the command.
"""

from __future__ import annotations

import codecs
import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.errors import FileError, Finding, Location, Position, Problem, Span
from provisioner.manifests.references import has_references
from provisioner.manifests.yaml.builder import Builder, Built, Mark, TooMuchError
from provisioner.manifests.yaml.text import Text

if TYPE_CHECKING:
    from provisioner.manifests.yaml.masking import CoveredIndex


MOST_BYTES = 2_000_000

# What YAML 1.2 calls printable, section 5.1, without the byte order mark.
# Compiled when a text has more than ASCII: that alone takes milliseconds.
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_UNPRINTABLE_ASCII = re.compile("[^\t\n\r\x20-\x7e]")


# Without slots, for the sake of what is found out only when there is a problem to tell.
@dataclass(frozen=True)
class SourceFile:
    """``data`` is what the file says; ``mark`` is the tree of places beside it."""

    text: Text
    data: Any
    mark: Mark

    @cached_property
    def has_references(self) -> bool:
        """Whether there is any reference in the file. Searched once, not for each resource."""
        return has_references(self.text.content)

    @cached_property
    def covered(self) -> CoveredIndex:
        """What may be a secret, and is shown by no problem."""
        from provisioner.manifests.yaml.masking import CoveredIndex, covered

        return CoveredIndex(tuple(covered(self.data, self.mark)))

    def has(self, at: Location) -> bool:
        """Whether there is anything at ``at`` in the file."""
        return len(self._along(at)) == len(at) + 1

    def value(self, at: Location) -> Any:
        """The value at ``at``; None where nothing is."""
        value = self.data
        for step in at:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def written(self, at: Location) -> str:
        """The text of the number, boolean or null at ``at`` as typed, ``""`` for others."""
        marks = self._along(at)
        return marks[-1].written if len(marks) == len(at) + 1 else ""

    def position(self, at: Location) -> Position:
        """Where the key of ``at`` stands, or the value where there is no key."""
        return self.text.position(self.span(at, key=True)[0])

    def problem(self, finding: Finding, subject: str = "") -> Problem:
        """Returns ``finding`` with its place in the file; values that may be secrets are masked."""
        placed = replace(
            finding,
            message=self.covered.without(finding.message, finding),
            hint=self.covered.without(finding.hint, finding),
            span=self.span(finding.at, finding.key),
            # Of a field that is only blamed for its name, or is not there, no value is shown.
            secret=finding.secret and self.has(finding.at) and not finding.key,
        )
        # Signs are masked one by one, so that what is underlined stays in its column.
        return replace(self.text.problem(placed, self.covered.spans), subject=subject)

    def excerpt(self, line: int) -> str:
        """The line ``line``, from 1 on, with what may be a secret masked."""
        start = self.text.starts[line - 1]
        finding = Finding((), "", "", span=(start, start))
        return self.text.problem(finding, self.covered.spans).excerpt

    def span(self, at: Location, key: bool = False) -> Span:
        """What to underline for ``at``; for what is not in the file, its nearest parent."""
        marks = self._along(at)
        mark = marks[-1]
        start, end = mark.value
        if start < end and not key and len(marks) == len(at) + 1:
            return mark.value
        if mark.key:
            return mark.key
        # A block has no visible end: its first field stands for it.
        first = next(iter(mark.inner.values()), None)
        return first.key if first and first.key else mark.value

    def _along(self, at: Location) -> list[Mark]:
        """The marks from the root to ``at``, as far as the file has them."""
        marks = [self.mark]
        for step in at:
            inner = marks[-1].inner.get(step)
            if inner is None:
                break
            marks.append(inner)
        return marks


def parse(file: str, raw: bytes) -> SourceFile:
    """Read ``raw``, the content of ``file`` (named as in messages).

    Raises FileError with every problem that can be told without guessing.
    """
    text = Text.of(file, _decoded(file, raw))
    bad = re.search(_UNPRINTABLE_ASCII if text.content.isascii() else _UNPRINTABLE, text.content)
    if bad:
        message = f"a character that YAML does not allow (U+{ord(bad[0]):04X})"
        raise _error(text, Finding((), "E120", message, "delete it", span=bad.span()))
    (data, mark), findings = _built(text)
    if findings:
        raise _error(text, *findings)
    if data is None:
        message = "the file contains only comments" if text.content.strip() else "an empty file"
        raise FileError.of("E112", message, where=Position(file))
    return SourceFile(text, data, mark)


@contextmanager
def without_collector() -> Iterator[None]:
    """Python's garbage collector off: many small objects at once make it the main cost."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _decoded(file: str, raw: bytes) -> str:
    if len(raw) > MOST_BYTES:
        message = f"larger than {MOST_BYTES // 1_000_000} MB"
        raise FileError.of("E110", message, "split the file", where=Position(file))
    content = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        place = Text.of(file, before).position(len(before))
        number = len(raw) - len(content) + error.start + 1
        message = f"not UTF-8: byte {number:,} of the file is 0x{content[error.start]:02X}"
        raise FileError.of("E111", message, "save the file as UTF-8", where=place) from error


def _error(text: Text, *findings: Finding) -> FileError:
    return FileError(text.problem(finding) for finding in findings)


def _built(text: Text) -> tuple[Built, list[Finding]]:
    """The one document of the file, and what is wrong with it."""
    import yaml
    from yaml.events import DocumentStartEvent

    parser = _parser(text)
    builder = Builder(parser.get_event, text)
    built: Built = (None, Mark((0, 0)))
    try:
        parser.get_event()
        event = parser.get_event()
        if isinstance(event, DocumentStartEvent):
            built = builder.node(parser.get_event())
            parser.get_event()
            event = parser.get_event()
        if isinstance(event, DocumentStartEvent):
            builder.findings.append(_second_document(event))
    except TooMuchError as error:
        builder.findings.append(error.finding)
    except yaml.YAMLError as error:
        # Braces without quotes are the cause, and the parser's complaint their consequence.
        if not builder.has_open_braces:
            builder.findings.append(finding_of(error, text))
    return built, builder.findings


def _parser(text: Text) -> Any:
    """libyaml's parser. PyYAML without it is eight times slower and recurses: refused."""
    try:
        from yaml._yaml import CParser
    except ImportError as error:
        raise FileError.of(
            "E211",
            "PyYAML was installed without libyaml",
            "install a wheel of PyYAML from PyPI: `yaml.__with_libyaml__` must be true",
        ) from error
    return CParser(text.content)


def _second_document(event: Any) -> Finding:
    start = event.start_mark.index
    message = "a second YAML document begins here, but a file can contain only one"
    hint = "move it to its own file"
    return Finding((), "E116", message, hint, span=(start, start + 3))


# What the YAML parser's complaints mean in plain words, and what to do about them.


class _Advice(NamedTuple):
    """``from_context``: the mistake is where the parser began, not where it gave up.

    ``is_indentation``: the line begins in a column that nothing around it begins in.
    """

    message: str
    hint: str = ""
    from_context: bool = False
    is_indentation: bool = False


_INDENT = "the fields of a mapping must begin in the same column, and so must the `-` of a list"
_QUOTE = "put the value in quotes"

_NO_CONTENT = "did not find expected node content"
# By the parser's own words (libyaml 0.2.5, scanner.c and parser.c).
_ADVICE = {
    "mapping values are not allowed in this context": _Advice(
        "a `:` where no field can begin",
        "if the `:` is part of the value, put the value in quotes; otherwise check the "
        "indentation and the line above",
    ),
    "could not find expected ':'": _Advice(
        "this is not a field: the `:` is missing",
        "write `name: value`, with a space after the `:`, and check the indentation",
        from_context=True,
    ),
    "did not find expected key": _Advice(
        "this line does not belong to the mapping above", _INDENT, is_indentation=True
    ),
    "did not find expected '-' indicator": _Advice(
        "this line does not belong to the list above", _INDENT, is_indentation=True
    ),
    "block sequence entries are not allowed in this context": _Advice(
        "a list cannot begin here", "begin the list on its own line"
    ),
    "mapping keys are not allowed in this context": _Advice(
        "a `?` where no field can begin", _QUOTE
    ),
    "did not find expected ',' or ']'": _Advice(
        "a list that is not closed, or lacks a comma", "it begins here and ends with `]`", True
    ),
    "did not find expected ',' or '}'": _Advice(
        "a mapping that is not closed, or lacks a comma", "it begins here and ends with `}`", True
    ),
    _NO_CONTENT: _Advice("a value is missing here"),
    "did not find expected alphabetic or numeric character": _Advice(
        "`*` and `&` begin the name of an anchor", _QUOTE, from_context=True
    ),
    "found unexpected end of stream": _Advice("this quote is never closed", from_context=True),
    "found unexpected document indicator": _Advice(
        "this quote is not closed before the document ends", from_context=True
    ),
    "found unknown escape character": _Advice(
        "a `\\` that does not begin a YAML escape sequence",
        "use single quotes, where a `\\` is literal; or write `\\\\` in double quotes",
    ),
    "did not find expected comment or line break": _Advice(
        "nothing may follow on this line", "begin the text on the next line"
    ),
    "found unexpected ':'": _Advice("a `:` inside a value", _QUOTE),
    "could not find expected directive name": _Advice("a line cannot begin with `%`", _QUOTE),
    "found character that cannot start any token": _Advice(
        "a value cannot begin with this character", _QUOTE
    ),
}
_BEHIND = _Advice(
    "unexpected text after the end of a value",
    "put the whole value in quotes; write a single quote inside single quotes twice",
)
_TAB = _Advice("a tab in the indentation", "YAML is indented with spaces: replace each tab")
_INDENTATION = re.compile(r"[ \-]*(\t+)")
_REFERENCE = re.compile(r"\$\{[^}\n]*\}|\{\{[^}\n]*\}\}")


def finding_of(error: Any, text: Text) -> Finding:
    """Returns ``error``, a ``yaml.YAMLError``, as a finding at the place that has to change."""
    problem = getattr(error, "problem", None) or str(error)
    given_up = _offset(getattr(error, "problem_mark", None), text, 0)
    began = _offset(getattr(error, "context_mark", None), text, given_up)
    tab = _tab_before(given_up, text) or _tab_before(began, text)
    if tab:
        return Finding((), "E102", _TAB.message, _TAB.hint, span=tab)
    reference = _reference_around(given_up, text)
    if reference:
        hint = f'put it in quotes: "{text.content[slice(*reference)]}"'
        return Finding((), "E118", "unquoted `${...}` or `{{...}}`", hint, span=reference)
    if problem == _NO_CONTENT and not text.content[given_up:].strip():
        last = max(len(text.content.rstrip()) - 1, 0)
        message = "the file ends inside a list or a mapping"
        return Finding((), "E101", message, span=(last, last + 1))
    advice = _ADVICE.get(problem) or _Advice(f"not valid YAML: {problem}")
    if advice.is_indentation and _follows_something(given_up, text):
        advice = _BEHIND
    start = began if advice.from_context else given_up
    return Finding((), "E101", advice.message, advice.hint, span=(start, start + 1))


def _follows_something(offset: int, text: Text) -> bool:
    """Whether the line has more than indentation and dashes before ``offset``."""
    place = text.position(offset)
    return bool(text.line(place.line)[: place.column - 1].strip(" -"))


def _offset(mark: Any, text: Text, otherwise: int) -> int:
    return min(mark.index, len(text.content)) if mark else otherwise


def _tab_before(offset: int, text: Text) -> Span | None:
    """The tabs in the indentation of the line around ``offset``."""
    start = offset - text.position(offset).column + 1
    match = _INDENTATION.match(text.content, start)
    return match.span(1) if match else None


def _reference_around(offset: int, text: Text) -> Span | None:
    """The reference, ``${…}`` or ``{{…}}``, that the parser took for a mapping."""
    start = offset - text.position(offset).column + 1
    end = text.content.find("\n", offset)
    line = text.content[start : end if end >= 0 else None]
    for match in _REFERENCE.finditer(line[: 2 * (offset - start) + 200]):
        if match.start() <= offset - start <= match.end() + 1 and '"' not in line[: match.start()]:
            return start + match.start(), start + match.end()
    return None
