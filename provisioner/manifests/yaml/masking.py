"""What in a manifest may be the value of a secret, and is therefore never repeated.

By the place, not by the look: whatever stands below the `secrets` of a resource, and in the
block of a provider what its schema does not know. What is well known to be harmless there,
such as the name of a variable, stays visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from provisioner.errors import Finding, Location, Span
from provisioner.manifests.references import looks_like_reference
from provisioner.manifests.schema.fields import FieldPath
from provisioner.manifests.yaml.builder import Mark
from provisioner.manifests.yaml.text import SECRET_VALUE, SpanIndex
from provisioner.model import schemas
from provisioner.model.secret import MASK

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_FILE = re.compile(r"(?=.*[/.])[\w./ -]+")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ][\d:.]+([Zz]|[+-]\d{2}:\d{2})?)?")
_NAME = re.compile(r"[a-z_]+")
_SECRETS = "secrets"
_MODEL = "external_model"
# What is longer is told from the words of a message wherever it stands in it.
_SHORT = 8
# Messages cut long values; so much of the beginning stands in them.
_LONGEST_SHOWN = 57


@dataclass(frozen=True, slots=True)
class Covered:
    """One text that is not to be shown: where in the document and in the file, and what.

    ``is_name``: it is the name of a field, for a secret that was written in its place.
    """

    at: Location
    span: Span
    value: str
    is_name: bool = False


def covered(data: Any, mark: Mark) -> Iterator[Covered]:
    """Everything in the manifest ``data`` that may be a secret."""
    resources = data.get("resources") if isinstance(data, dict) else None
    for kind, entries in (resources if isinstance(resources, dict) else {}).items():
        for key, entry in (entries if isinstance(entries, dict) else {}).items():
            at = ("resources", kind, key)
            place = mark.inner["resources"].inner[kind].inner[key]
            if isinstance(entry, dict):
                yield from _in_resource(entry, place, at)


class CoveredIndex:
    """The covered texts of one file, found without going through all of them.

    A file may hold a thousand of them and as many problems, so each problem looks only at
    those that can be in its words or on its line. ``values`` are in the order of the file.
    """

    def __init__(self, values: Sequence[Covered]) -> None:
        self._values = values
        self._starting: dict[str, list[int]] = {}
        self._below: dict[Location, list[int]] = {}
        for number, given in enumerate(values):
            if len(given.value) > _SHORT:
                self._starting.setdefault(given.value[: _SHORT + 1], []).append(number)
            for end in range(len(given.at) + 1):
                self._below.setdefault(given.at[:end], []).append(number)
        self.spans = SpanIndex(given.span for given in values)

    def without(self, text: str, finding: Finding) -> str:
        """Returns ``text``, the message or the hint of ``finding``, without the values.

        A finding about the name of a field shows names and no values: there only names are
        masked, so that a provider's word such as `azure` leaves `azure_openai_config` readable.
        """
        ends = range(_SHORT + 1, len(text) + 1)
        numbers = set(self._below.get(finding.at, ()))
        for beginning in {text[end - _SHORT - 1 : end] for end in ends}:
            numbers.update(self._starting.get(beginning, ()))
        # Each text once: a thousand resources may name the same variable.
        chosen = (self._values[number] for number in sorted(numbers))
        for value in dict.fromkeys(
            given.value for given in chosen if given.is_name or not finding.key
        ):
            text = _masked(text, value)
        return text


def _masked(text: str, value: str) -> str:
    text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", MASK, text)
    # Messages cut long values, in the middle of a word.
    if len(value) > _LONGEST_SHOWN:
        text = re.sub(rf"(?<!\w){re.escape(value[:_LONGEST_SHOWN])}", MASK, text)
    return text


def _in_resource(entry: dict[str, Any], mark: Mark, at: Location) -> Iterator[Covered]:
    for leaf, place, value in _leaves(entry, mark, at):
        names = tuple(step for step in leaf[3:] if isinstance(step, str))
        if names[:1] == (_SECRETS,):
            yield from _in_secrets(leaf, place, value)
        elif _MODEL in names and _may_be_a_secret(str(leaf[1]), names[names.index(_MODEL) :]):
            yield from _hidden(leaf, place, value)


def _in_secrets(leaf: Location, place: Mark, value: Any) -> Iterator[Covered]:
    yield from _hidden(leaf, place, value)
    name = leaf[-1]
    if len(leaf) > 5 and place.key and isinstance(name, str) and not _NAME.fullmatch(name):
        yield Covered(leaf, place.key, name, is_name=True)


def _hidden(leaf: Location, place: Mark, value: Any) -> Iterator[Covered]:
    start, end = place.value
    if start < end and value is not None and not _is_harmless(str(leaf[-1]), value):
        yield Covered(leaf, place.value, place.written or str(value))


def _is_harmless(field: str, value: Any) -> bool:
    text = str(value)
    if isinstance(value, bool):
        return True
    if SECRET_VALUE.search(text):
        return False
    if looks_like_reference(text):
        return True
    if field == "from_file" and _FILE.fullmatch(text):
        return True
    return bool(_VARIABLE.fullmatch(text) or _MOMENT.fullmatch(text))


def _leaves(value: Any, mark: Mark, at: Location) -> Iterator[tuple[Location, Mark, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, mark.inner[name], (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, mark.inner[index], (*at, index))
    else:
        yield at, mark, value


def _may_be_a_secret(kind: str, path: FieldPath) -> bool:
    """Whether ``path``, from the external model on, is in the block of a provider and new."""
    if len(path) == 2:
        return path[1].endswith("_config")
    return len(path) > 2 and path not in _known(kind)


@cache
def _known(kind: str) -> frozenset[FieldPath]:
    """The fields of external models in resources of ``kind``, from there on."""
    from provisioner.manifests.schema.check import paths

    try:
        schema = schemas.schema(f"kinds/{kind}")
    except FileNotFoundError:
        return frozenset()
    every = (path for path in paths(schema) if _MODEL in path)
    return frozenset(path[path.index(_MODEL) :] for path in every)
