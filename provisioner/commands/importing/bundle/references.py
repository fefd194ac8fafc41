"""`${…}` of a bundle in our terms: what both know stays, the rest is replaced or derived.

A word whose value differs by target, such as `${workspace.host}`, becomes a variable of the
environments. Source: databricks/cli bundle/config/mutator/resolve_variable_references.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from provisioner.commands.importing.bundle.fold import mapping
from provisioner.kinds import KINDS
from provisioner.kinds.bundle_vocabulary import FULL_NAMES
from provisioner.model.paths import Document

REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")
TARGET: Final = "${bundle.target}"
NAME_PREFIX: Final = "name_prefix"
SHORT_NAME: Final = "short_user_name"
USER: Final = "user_address"
_VARIABLE: Final = re.compile(r"var\.([A-Za-z_][A-Za-z0-9_-]*)", re.ASCII)
_STEP: Final = re.compile(r"[^.\[\]]+")
# An index of a list, as in `${var.models[0].name}`.
_OLD_VARIABLE: Final = re.compile(r"variables\.([A-Za-z_][A-Za-z0-9_-]*)(?:\.(?:value|default))?")
_ENVIRONMENT: Final = re.compile(r"env\.\w+", re.ASCII)
_USERS: Final = {
    "workspace.current_user.short_name": SHORT_NAME,
    "workspace.current_user.userName": USER,
    "workspace.current_user.user_name": USER,
}
"""Who runs the CLI: not known offline, so that a variable takes its place."""
_PREFIXED: Final = frozenset(("registered_models", "schemas"))
"""Kinds besides endpoints whose names get the prefix of a target in lower case."""
# A circle of references would be followed without end; the CLI stops after 11 rounds.
_MOST_ROUNDS: Final = 11


@dataclass(slots=True)
class Resolver:
    """Replaces the words of a bundle; ``data`` is the bundle with one target laid over it.

    ``derived`` collects the variables that were made up, each with the steps to its value in
    the bundle; ``unresolved`` the words that stay. ``has_prefix``: some target has a prefix.
    """

    data: Document
    has_prefix: bool
    derived: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unresolved: dict[str, None] = field(default_factory=dict)

    def resolved(self, value: Any, rounds: int = _MOST_ROUNDS) -> Any:
        """Returns ``value`` with the words of the bundle in our terms."""
        if isinstance(value, dict):
            return {name: self.resolved(inner, rounds) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.resolved(inner, rounds) for inner in value]
        if not isinstance(value, str):
            return value
        return REFERENCE.sub(lambda match: self._word(match[1], rounds), value)

    def _word(self, word: str, rounds: int) -> str:
        if rounds:
            for resolve in (self._variable, self._of_bundle, self._of_workspace, self._of_resource):
                made = resolve(word, rounds)
                if made is not None:
                    return made
        self.unresolved[word] = None
        return f"${{{word}}}"

    def _variable(self, word: str, _: int) -> str | None:
        old = _OLD_VARIABLE.fullmatch(word)
        if old:
            word = f"var.{old[1]}"
        if _ENVIRONMENT.fullmatch(word):
            return f"${{{word}}}"
        match = _VARIABLE.match(word)
        if not match:
            return None
        rest = _STEP.findall(word[match.end() :])
        if rest:
            return self._derive("_".join((match[1], *rest)), ("variables", match[1], *rest))
        return f"${{var.{variable_of(match[1])}}}"

    def _of_bundle(self, word: str, _: int) -> str | None:
        if word in ("bundle.target", "bundle.environment"):
            return TARGET
        name = mapping(self.data.get("bundle")).get("name")
        return str(name) if word == "bundle.name" and name and "${" not in str(name) else None

    def _of_workspace(self, word: str, _: int) -> str | None:
        if word in _USERS:
            return self._derive(_USERS[word], ())
        steps = tuple(word.split("."))
        if steps[0] != "workspace" or len(steps) != 2:
            return None
        if steps[1] != "host" and not mapping(self.data.get("workspace")).get(steps[1]):
            return None
        return self._derive("_".join(steps), steps)

    def _of_resource(self, word: str, rounds: int) -> str | None:
        steps = word.split(".")
        if steps[0] != "resources" or len(steps) != 4:
            return None
        kind, key, name = steps[1:]
        document = mapping(mapping(mapping(self.data.get("resources")).get(kind)).get(key))
        value = self._field(kind, document, name)
        if value is None or isinstance(value, dict | list):
            return None
        return str(
            self.resolved(value if isinstance(value, str) else json.dumps(value), rounds - 1)
        )

    def with_prefix(self, kind: str, document: Document) -> Document:
        """Returns ``document`` with the target's prefix in its name, where the CLI puts it.

        Not for kinds that take the prefix of their environment.
        """
        name = document.get("name")
        if kind not in _PREFIXED or not self.has_prefix or not isinstance(name, str):
            return document
        self.derived[NAME_PREFIX] = ()
        return {**document, "name": f"${{var.{NAME_PREFIX}}}{name}"}

    def _field(self, kind: str, document: Document, name: str) -> Any:
        prefixed = kind in _PREFIXED or (kind in KINDS and KINDS[kind].schema.takes_name_prefix)
        prefix = f"${{var.{NAME_PREFIX}}}" if prefixed and self.has_prefix else ""
        own = document.get("name")
        if prefix and own is not None and name in ("id", "name", "full_name"):
            self.derived[NAME_PREFIX] = ()
            document = {**document, "name": f"{prefix}{own}"}
        if name in ("id", "full_name") and kind in FULL_NAMES:
            parts = [document.get(part) for part in FULL_NAMES[kind]]
            return None if None in parts else ".".join(map(str, parts))
        if name == "id":
            return document.get("name") if kind in KINDS else None
        return document.get(name)

    def _derive(self, name: str, steps: tuple[str, ...]) -> str:
        self.derived[variable_of(name)] = steps
        return f"${{var.{variable_of(name)}}}"


def variable_of(name: str) -> str:
    """``name`` as the name of a variable here, which has no ``-``."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def used_variables(value: Any) -> Iterator[str]:
    """The names of the variables that ``value`` refers to, each once."""
    text = json.dumps(value, default=str)
    yield from dict.fromkeys(re.findall(r"\$\{var\.(\w+)\}", text, flags=re.ASCII))


def literal(text: str, values: Mapping[str, Any], target: str) -> str:
    """``text`` with the values of variables that are plain; other references stay."""

    def value(match: re.Match[str]) -> str:
        if match[0] == TARGET:
            return target
        known = values.get(match[1].removeprefix("var."))
        return known if isinstance(known, str) and "${" not in known else match[0]

    return REFERENCE.sub(value, text)


def normalised_prefix(prefix: str) -> str:
    """The prefix of a target as the CLI puts it before names of endpoints; references stay.

    Source: databricks/cli apply_presets.go normalizePrefix and libs/textutil/textutil.go.
    """
    references: list[str] = []

    def kept(match: re.Match[str]) -> str:
        # A letter without upper case stands for a reference, and comes through unchanged.
        references.append(match[0])
        return chr(0x3400 + len(references) - 1)

    text = REFERENCE.sub(kept, prefix).replace("[", "").strip(" ")
    ending = "_" if text.endswith("]") else ""
    letters = "".join(sign if sign.isalpha() or sign.isdigit() else "_" for sign in text.lower())
    made = re.sub(r"_+", "_", letters).strip("_") + ending
    for index, reference in enumerate(references):
        made = made.replace(chr(0x3400 + index), reference)
    return made
