"""Violations of a schema as findings for the person who wrote the file.

Each violation is named for the JSON Schema keyword that was not satisfied; a table holds
the function that words it. No text that may be a secret is repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from provisioner.errors import Finding, Location
from provisioner.errors.did_you_mean import closest, did_you_mean
from provisioner.errors.wording import counted, listed
from provisioner.manifests.schema.conversion import Written
from provisioner.manifests.schema.fields import FieldIndex, Schema, meant, refused_part

_WORDS: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "null": "nothing",
}
_SCALARS: Final = {"string", "integer", "number", "boolean"}
_YES: Final = {"yes", "y", "on", "true", "1"}
_NO: Final = {"no", "n", "off", "false", "0"}
_WORDS_OF_YAML_1_1: Final = {"yes", "y", "on", "no", "n", "off"}
_DIGITS: Final = re.compile(r"[+]?0*([0-9][0-9_,]*)(?:\.0+)?\s*%?")


@dataclass(frozen=True, slots=True)
class ExpectedTypes:
    """The JSON types of which one is needed, and the words for them."""

    types: frozenset[str]
    words: str

    @property
    def is_scalar(self) -> bool:
        return bool(self.types & _SCALARS)


def needed(types: Iterable[Any]) -> ExpectedTypes:
    """What the values of ``type`` keywords ask for: strings, or lists of them."""
    flat = [name for entry in types for name in ([entry] if isinstance(entry, str) else entry)]
    known = [name for name in dict.fromkeys(flat) if name in _WORDS]
    words = " or ".join(_WORDS[name] for name in known) or "something else"
    return ExpectedTypes(frozenset(known), words)


def kind_of(value: Any) -> str:
    """The JSON type of ``value``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "something else")


def worded(value: Any, written: str, hide: bool) -> str:
    """The second half of "needs …": "not the number 3.10", or "not a number" to hide it."""
    match kind_of(value):
        case "integer" | "number" if hide:
            return "not a number"
        case "null":
            return "but is empty"
        case "boolean" | "integer" | "number" as kind:
            text = written or json.dumps(value)
            return f"not `{text}`" if kind == "boolean" else f"not the number {text}"
        case "string":
            return "not text" if hide or len(value) > 40 else f"not the text `{value}`"
        case kind:
            return f"not {_WORDS.get(kind, kind)}"


def hint_for_type(wanted: ExpectedTypes, value: Any, written: str) -> str:
    """How to write what was probably meant; ``""`` when that is anybody's guess."""
    kind = kind_of(value)
    if kind == "null":
        return "give it a value, or remove it"
    if "string" in wanted.types and kind in ("boolean", "integer", "number"):
        return f'quote it: "{written or json.dumps(value)}"'
    if "boolean" in wanted.types:
        return _as_boolean(value)
    if wanted.types & {"integer", "number"}:
        return _as_number(value)
    if "array" in wanted.types:
        return "begin each entry with `- `, even if there is only one"
    if "object" in wanted.types and kind == "array":
        return "this must not be a list: remove the `- `"
    return ""


def _as_boolean(value: Any) -> str:
    text = str(value).lower()
    if text not in _YES | _NO:
        return ""
    word = "true" if text in _YES else "false"
    why = f"`{value}` is text in YAML 1.2; " if text in _WORDS_OF_YAML_1_1 else ""
    return f"{why}write {word}"


def _as_number(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, float) else value
    match = _DIGITS.fullmatch(text) if isinstance(text, str) else None
    if not match:
        return ""
    digits = match[1].replace("_", "").replace(",", "")
    return f"write {digits}" if len(digits) < 20 else ""


@dataclass(frozen=True, slots=True)
class Violation:
    """``value`` at ``at`` does not satisfy ``keyword: asked`` of ``schema``.

    No finding yet: it has no words, and one violation may become several findings or none.
    ``branches`` are, for ``anyOf`` and ``oneOf``, the violations of each alternative.
    ``spelled`` is the name of the field in the file, where it is an old spelling.
    """

    keyword: str
    expected: Any
    at: Location
    value: Any
    schema: Schema
    branches: tuple[tuple[Violation, ...], ...] = ()
    spelled: str = ""

    @property
    def name(self) -> str:
        """The value in words: `field`, or entry 2 of `field`."""
        names = [step for step in self.at if isinstance(step, str)]
        if not self.at or not names:
            return "this" if not self.at else f"entry {int(self.at[-1]) + 1}"
        if isinstance(self.at[-1], int):
            return f"entry {self.at[-1] + 1} of `{names[-1]}`"
        return f"`{self.spelled or names[-1]}`"

    @property
    def is_secret(self) -> bool:
        facts = self.schema.get("x-semantics", {})
        return bool(facts.get("secret") or facts.get("secret_reference"))

    @property
    def shown(self) -> str:
        """The value as it may be repeated in a message."""
        if self.is_secret:
            return "this"
        text = self.value if isinstance(self.value, str) else json.dumps(self.value)
        return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}…`"


class Context(NamedTuple):
    """What wordings know besides the violation: the schema's fields, and values as typed."""

    fields: FieldIndex
    written: Written


def all_findings(
    violations: Sequence[Violation], index: FieldIndex, written: Written
) -> Iterator[Finding]:
    """Yields the findings of all ``violations``, each mistake once."""
    context = Context(index, written)
    pasted = _pasted_answer(violations)
    findings = [finding for violation in violations for finding in _findings(violation, context)]
    return _without_echoes([*pasted, *findings])


def _findings(violation: Violation, context: Context) -> Iterable[Finding]:
    return _WORDINGS.get(violation.keyword, _other)(violation, context)


def _pasted_answer(violations: Iterable[Violation]) -> Iterator[Finding]:
    """One finding for all fields that only the service writes: an answer of GET was pasted."""
    places = [(*violation.at, name) for violation in violations for name in _output_only(violation)]
    if places:
        names = dict.fromkeys(str(place[-1]) for place in places)
        verb = "is" if len(names) == 1 else "are"
        message = f"{listed(names)} {verb} output only: the service sets the value"
        hint = "remove the output fields, or generate the manifest with `provisioner import NAME`"
        yield Finding(min(places, key=len), "E123", message, hint, key=True)


def _output_only(violation: Violation) -> list[str]:
    """The unknown fields of the value that the model names as the service's own."""
    if violation.keyword != "additionalProperties":
        return []
    names = set(violation.schema.get("x-output-only", ()))
    known = violation.schema.get("properties", {})
    return [name for name in violation.value if name in names and name not in known]


def _without_echoes(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yields ``findings`` once each, without a missing field where it is only misspelt."""
    known = list(dict.fromkeys(findings))
    misspelt = {(finding.at[:-1], finding.field) for finding in known if finding.key}
    return (
        finding
        for finding in known
        if finding.key or (finding.at, finding.field or None) not in misspelt
    )


def _unknown(violation: Violation, context: Context) -> Iterator[Finding]:
    known, index = list(violation.schema.get("properties", {})), context.fields
    here = index.path_of(violation.at)
    answered = _output_only(violation)
    for name in violation.value:
        if name not in known and name not in answered:
            hint, meant = _hint_for_unknown(name, known, here, index.homes.get(name, ()))
            message = f"unknown field `{name}`"
            yield Finding((*violation.at, name), "E104", message, hint, key=True, field=meant)


def _hint_for_unknown(
    name: str, known: list[str], here: tuple[str, ...], homes: tuple[tuple[str, ...], ...]
) -> tuple[str, str]:
    """The hint, and the field that was probably meant; both may be ``""``."""
    for home in sorted(homes, key=len, reverse=True):
        if home == here[: len(home)]:
            levels = len(here) - len(home)
            far = counted(levels, "level") if levels > 1 else "one level"
            return f"it belongs {far} up, next to `{here[len(home)]}`", ""
    for home in homes:
        if home[: len(here)] == here:
            far = "one level down" if len(home) == len(here) + 1 else "further down"
            return f"it belongs {far}, in `{'.'.join(home)}`", ""
    meant = closest(name.lower().replace("-", "_"), known, cutoff=0.65)
    if meant:
        return did_you_mean(meant, [meant]), meant
    if homes:
        return f"it belongs in `{'.'.join(homes[0]) or 'the resource itself'}`", ""
    return f"the fields here are {listed(known)}" if 0 < len(known) <= 12 else "", ""


def _missing(violation: Violation, _: Context) -> Iterator[Finding]:
    for name in violation.expected:
        if name not in violation.value:
            field = violation.schema.get("properties", {}).get(name, {})
            hint = _first_sentence(field.get("description", ""))
            yield Finding(violation.at, "E106", f"missing field `{name}`", hint, field=name)


def _none_of(violation: Violation, context: Context) -> Iterator[Finding]:
    """Of several alternatives, the findings of the one that comes nearest."""
    near = [
        branch
        for branch in violation.branches
        if not any(inner.keyword == "type" and inner.at == violation.at for inner in branch)
    ]
    if near:
        for inner in min(near, key=len):
            yield from _findings(inner, context)
        return
    types = [inner.expected for branch in violation.branches for inner in branch]
    yield _wrong_type(violation, types, context)


def _not_of_type(violation: Violation, context: Context) -> Iterator[Finding]:
    yield _wrong_type(violation, [violation.expected], context)


def _wrong_type(violation: Violation, types: list[Any], context: Context) -> Finding:
    text = context.written(violation.at)
    wanted = needed(types)
    is_text_for_a_part = kind_of(violation.value) == "string" and not wanted.is_scalar
    hide = violation.is_secret or is_text_for_a_part
    message = f"{violation.name} must be {wanted.words}, {worded(violation.value, text, hide)}"
    hint = "" if violation.is_secret else hint_for_type(wanted, violation.value, text)
    pattern = violation.schema.get("pattern", "")
    # A number in quotes helps only where the field takes such a text.
    if text and pattern and not re.search(pattern, text):
        form = _FORMS.get(pattern, "")
        hint = f'{form}; as text, quote it: "{text}"' if form else ""
    if violation.value is None and context.fields.requires(violation.at):
        hint = "give it a value"
    return Finding(violation.at, "E105", message, hint)


def _not_allowed(violation: Violation, _: Context) -> Iterator[Finding]:
    allowed = violation.expected if violation.keyword == "enum" else [violation.expected]
    texts = [value if isinstance(value, str) else json.dumps(value) for value in allowed]
    lower = {text.lower(): text for text in texts}
    close = "" if violation.is_secret else closest(str(violation.value).lower(), lower)
    meant = f"{did_you_mean(lower[close], texts)} " if close else ""
    hint = f"{meant}the allowed {'value is' if len(texts) == 1 else 'values are'} {listed(texts)}"
    message = f"{violation.shown} is not a valid value of {violation.name}"
    yield Finding(violation.at, "E107", message, hint)


_BOUNDS = {
    "minimum": "the minimum is {}",
    "maximum": "the maximum is {}",
    "exclusiveMinimum": "it must be greater than {}",
    "exclusiveMaximum": "it must be less than {}",
    "multipleOf": "it must be a multiple of {}",
}


def _out_of_bounds(violation: Violation, _: Context) -> Iterator[Finding]:
    bound = _BOUNDS[violation.keyword].format(violation.expected)
    message = f"{violation.name} is {json.dumps(violation.value)}, but {bound}"
    yield Finding(violation.at, "E108", message)


def _wrong_size(violation: Violation, _: Context) -> Iterator[Finding]:
    """Too short or too long, a text or a list."""
    limit, size = violation.expected, len(violation.value)
    noun = "characters" if "Length" in violation.keyword else "entries"
    if size == 0:
        yield Finding(violation.at, "E108", f"{violation.name} is empty")
        return
    bound = (
        f"the minimum is {limit:,}"
        if violation.keyword.startswith("min")
        else f"the maximum is {limit:,}"
    )
    message = f"{violation.name} has {size:,} {noun}, but {bound}"
    yield Finding(violation.at, "E108", message)


def _wrong_number_of_fields(violation: Violation, _: Context) -> Iterator[Finding]:
    choice = listed(violation.schema.get("properties", {}))
    few = "exactly one" if violation.schema.get("maxProperties") == 1 else "at least one"
    there = f"it has {listed(violation.value)}" if violation.value else ""
    yield Finding(violation.at, "E108", f"{violation.name} must have {few} of {choice}", there)


def _no_match(violation: Violation, _: Context) -> Iterator[Finding]:
    description = violation.schema.get("description", "")
    hint = _meant(violation) or _said_of_form(description) or _FORMS.get(violation.expected, "")
    if not hint:
        sentence = _first_sentence(description)
        hint = f"it must match `{violation.expected}`" + (f" ({sentence})" if sentence else "")
    reason = "" if violation.is_secret else refused_part(str(violation.value), violation.expected)
    message = f"{violation.shown} cannot be the value of {violation.name}{reason}"
    yield Finding(violation.at, "E109", message, hint)


def _meant(violation: Violation) -> str:
    return "" if violation.is_secret else meant(str(violation.value), violation.expected)


def _said_of_form(description: str) -> str:
    """The sentences of ``description`` in which the form is told: signs, or an example."""
    sentences = description.rstrip(".").split(". ")
    return "; ".join(sentence for sentence in sentences if _TELLS_A_FORM.search(sentence))


_TELLS_A_FORM = re.compile(r"letters|digits|`[^`]*[-/…:][^`]*`")
# Forms that descriptions do not tell, by their patterns.
_FORMS = {
    r"^[^@\s]+@[^@\s]+$": "write an email address, such as `team@example.com`",
    r"^[A-Za-z0-9_-]+$": "letters, digits, `-` and `_`",
    r"^[1-9][0-9]*$": 'write a whole number of at least 1, such as "3"',
    r"^[A-Za-z_][A-Za-z0-9_]*$": "write the name of a variable, such as `OPENAI_API_KEY`",
}


def _other(violation: Violation, _: Context) -> Iterator[Finding]:
    message = f"{violation.name} does not satisfy `{violation.keyword}` of the schema"
    yield Finding(violation.at, "E107", message)


_WORDINGS: Final[Mapping[str, Callable[[Violation, Context], Iterable[Finding]]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    **dict.fromkeys(("anyOf", "oneOf"), _none_of),
    "type": _not_of_type,
    **dict.fromkeys(("enum", "const"), _not_allowed),
    **dict.fromkeys(_BOUNDS, _out_of_bounds),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _wrong_size),
    **dict.fromkeys(("minProperties", "maxProperties"), _wrong_number_of_fields),
    "pattern": _no_match,
}


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].rstrip(".")
