"""What the YAML parser's complaints mean in plain words, and what to do about them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from provisioner.errors import Finding, Span
from provisioner.manifests.yaml.text import Text


class _Advice(NamedTuple):
    """``from_context``: the mistake is where the parser began, not where it gave up.

    ``is_indentation``: the line begins in a column that nothing around it begins in.
    """

    message: str
    hint: str = ""
    from_context: bool = False
    is_indentation: bool = False


_INDENT = "the fields of one mapping, and the `-` of one list, begin in the same column"
_QUOTE = "put the value in quotes"

_NO_CONTENT = "did not find expected node content"
# By the parser's own words (libyaml 0.2.5, scanner.c and parser.c).
_ADVICE = {
    "mapping values are not allowed in this context": _Advice(
        "a `:` where no field can begin",
        "put the value in quotes if the `:` belongs to it; else look at the indentation, "
        "and at the line above",
    ),
    "could not find expected ':'": _Advice(
        "this is no field: there is no `:` behind it",
        "write `name: value`, with a blank after the `:`; look at the indentation too",
        from_context=True,
    ),
    "did not find expected key": _Advice(
        "this does not continue the mapping above", _INDENT, is_indentation=True
    ),
    "did not find expected '-' indicator": _Advice(
        "this does not continue the list above", _INDENT, is_indentation=True
    ),
    "block sequence entries are not allowed in this context": _Advice(
        "a list cannot begin here", "begin the list on a line of its own"
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
        "a `\\` that begins no escape YAML knows",
        "in single quotes a `\\` is just itself; in double quotes write `\\\\`",
    ),
    "did not find expected comment or line break": _Advice(
        "nothing may follow on this line", "begin the text on the next line"
    ),
    "found unexpected ':'": _Advice("a `:` inside of a value", _QUOTE),
    "could not find expected directive name": _Advice("a line cannot begin with `%`", _QUOTE),
    "found character that cannot start any token": _Advice(
        "a value cannot begin with this character", _QUOTE
    ),
}
_BEHIND = _Advice(
    "a value ends before this, and nothing may follow it",
    "put all of the value in quotes; a single quote in single quotes is written twice",
)
_TAB = _Advice("a tab in the indentation", "YAML is indented with blanks: replace each tab")
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
        return Finding((), "E118", "braces that are not in quotes", hint, span=reference)
    if problem == _NO_CONTENT and not text.content[given_up:].strip():
        last = max(len(text.content.rstrip()) - 1, 0)
        message = "the file ends in the middle of a list or a mapping"
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
