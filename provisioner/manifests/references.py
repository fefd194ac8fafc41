"""``${…}`` in the project's files: where it is allowed, and what it becomes.

References to variables are replaced by values. ``${env.NAME}`` as the whole value of a
``*_plaintext`` field becomes a reference to a secret, whose value is not read here.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

from provisioner.errors import Finding, Location
from provisioner.model.secret import MARK

PLAINTEXT = "plaintext"
ESCAPED = "$${"

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{[^}]*\}?")
# A part of it may come from a variable: `{{secrets/${var.scope}/key}}`.
_ALMOST_A_REFERENCE = re.compile(r"\{*\s*secrets/(?:[^{}]|\$\{[^{}]*\})*\}*")
_FROM_ENV = re.compile(r"\$\{env\.([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)


def looks_like_reference(value: object) -> bool:
    """Whether ``value`` is a reference into a secret scope, or an attempt at one: no secret."""
    return bool(_ALMOST_A_REFERENCE.fullmatch(str(value)))


MOST_EXPANDED = 2_000_000
"""Characters that the references of one document may bring, as many as a file may have."""


class NoValueError(Exception):
    """A reference that has no value, as the parts of a finding."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code, self.message, self.hint = code, message, hint
        super().__init__(message)


class Meaning(Protocol):
    """What the words between the braces stand for."""

    def value(self, word: str) -> Any:
        """The value of ``${word}``. Raises NoValueError."""
        ...

    def text(self, word: str) -> str:
        """The value of ``${word}`` inside of a text. Raises NoValueError."""
        ...


class Noted:
    """A meaning that remembers in ``words`` what it was asked for."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self.words: set[str] = set()

    def value(self, word: str) -> Any:
        self.words.add(word)
        return self._meaning.value(word)

    def text(self, word: str) -> str:
        self.words.add(word)
        return self._meaning.text(word)


class References:
    """Replaces the references in plain data; ``findings`` collects what is wrong.

    A reference without a value stays as it is written.
    """

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self.findings: list[Finding] = []
        self._expanded_characters = 0

    def replaced(self, value: Any, at: Location = ()) -> Any:
        """``value``, which stands at ``at``, with the values in place of its references."""
        if isinstance(value, dict):
            return {name: self.replaced(inner, (*at, name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.replaced(inner, (*at, index)) for index, inner in enumerate(value)]
        if not isinstance(value, str):
            return value
        name = at[-1] if at else ""
        if isinstance(name, str) and is_plaintext(name):
            if not _FROM_ENV.fullmatch(value):
                self.findings.append(_plaintext(name, at, value))
            return value
        return self._text(value, at) if "${" in value else value

    def _text(self, text: str, at: Location) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole and whole[1] is not None:
            try:
                # A copy: nothing is shared between two places of a document.
                return copy.deepcopy(self._meaning.value(whole[1]))
            except NoValueError as error:
                self.findings.append(Finding(at, error.code, error.message, error.hint))
                return text
        return _REFERENCE.sub(lambda match: self._part(match, at), text)

    def _part(self, match: re.Match[str], at: Location) -> str:
        if match[0] == ESCAPED:
            return "${"
        try:
            if match[1] is None:
                message = f"`{match[0]}` is not a complete reference"
                hint = f"add the closing brace, or write `{ESCAPED}` for a literal `${{`"
                raise NoValueError("E121", message, hint)
            return self._bounded(self._meaning.text(match[1]))
        except NoValueError as error:
            self.findings.append(Finding(at, error.code, error.message, error.hint))
            return match[0]

    def _bounded(self, text: str) -> str:
        """Returns ``text``. Raises NoValueError once the values together become too large."""
        before = self._expanded_characters
        self._expanded_characters += len(text)
        if self._expanded_characters <= MOST_EXPANDED:
            return text
        if before > MOST_EXPANDED:
            return ""  # It is reported already, for the reference that went beyond it.
        message = (
            "the values of the variables in this file expand to more than "
            f"{MOST_EXPANDED // 1_000_000} MB"
        )
        raise NoValueError("E114", message, "shorten the values, or refer to them less often")


def is_plaintext(name: str) -> bool:
    """Whether a field of this name holds a secret itself: `plaintext`, or `..._plaintext`."""
    return name == PLAINTEXT or name.endswith(f"_{PLAINTEXT}")


def has_references(text: str) -> bool:
    """Whether a file with this content has anything for ``References`` to do."""
    return "${" in text or PLAINTEXT in text


def words_in(value: Any, at: Location = ()) -> Iterator[tuple[Location, str]]:
    """Each reference in plain data: where it stands and what is between its braces."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from words_in(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from words_in(inner, (*at, index))
    elif isinstance(value, str):
        for match in _REFERENCE.finditer(value):
            if match[1] is not None:
                yield at, match[1]


def secrets_marked(value: Any, name: str = "") -> Any:
    """``value`` with what its plaintext fields refer to as references to secrets."""
    if isinstance(value, dict):
        return {inner: secrets_marked(part, inner) for inner, part in value.items()}
    if isinstance(value, list):
        return [secrets_marked(part) for part in value]
    if isinstance(value, str) and is_plaintext(name):
        match = _FROM_ENV.fullmatch(value)
        return {MARK: {"from_env": match[1]}} if match else value
    return value


def inside_a_text(value: Any, written: str, word: str) -> str:
    """A variable's value as a part of a text. Raises NoValueError for lists and mappings.

    ``written`` is a number as its author typed it: 3.10 stays 3.10.
    """
    if isinstance(value, dict | list):
        what = "list" if isinstance(value, list) else "mapping"
        message = f"`${{{word}}}` is a {what}, so it cannot be part of a longer string"
        raise NoValueError("E217", message, "use the reference as the whole value")
    return value if isinstance(value, str) else written or json.dumps(value)


def _plaintext(name: str, at: Location, value: str) -> Finding:
    twin = name.removesuffix(f"_{PLAINTEXT}")
    reference = f'refer to a secret scope, `{twin}: "{{{{secrets/SCOPE/KEY}}}}"`'
    if twin == name:
        reference = "write `secret_reference: {name: secrets/CATALOG.SCHEMA.NAME}` instead"
    hint = f"{reference}, or to an environment variable, `{name}: ${{env.NAME}}`"
    message = f"`{name}` must not be a literal value in a file"
    return Finding(at, "E308", message, hint, secret=not looks_like_reference(value))
