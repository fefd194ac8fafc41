"""Which sort of models an endpoint serves. It is settled when the endpoint is created."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from provisioner.errors import Location
from provisioner.kinds.model_serving_endpoints.vocabulary import REFERENCES
from provisioner.model.paths import Document

ENTITIES: Final[Location] = ("config", "served_entities")
ROUTES: Final[Location] = ("config", "traffic_config", "routes")
LIMITS: Final[Location] = ("ai_gateway", "rate_limits")
RAW: Final = "raw"

_REFERENCES: Final = frozenset(REFERENCES)
_REFERENCE = re.compile(r"\{\{secrets/([\w.@-]{1,128})/([\w.@-]{1,128})\}\}", re.ASCII)


class Part(NamedTuple):
    """An object inside a document, and where it is."""

    at: Location
    value: Mapping[str, Any]

    def inner(self, *names: str | int) -> Location:
        """The location of something inside this part."""
        return (*self.at, *names)


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is an object, else an empty one."""
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def at(document: Any, place: Location) -> Any:
    """What is at ``place``, or None."""
    # Runs dozens of times for every endpoint: what is a plain dict, or not there, takes no call.
    for name in place:
        if type(document) is dict:
            document = document.get(name)
        elif document is None:
            return None
        elif isinstance(name, int):
            inside = isinstance(document, list) and name < len(document)
            document = document[name] if inside else None
        else:
            document = mapping(document).get(name)
    return document


def parts_of(document: Document, place: Location) -> Iterator[Part]:
    """The objects in the list at ``place``."""
    entries = at(document, place)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if type(entry) is dict or isinstance(entry, Mapping):
            yield Part((*place, index), entry)


def external_models(document: Document) -> Iterator[Part]:
    """The external model of each served entity."""
    for entity in parts_of(document, ENTITIES):
        model = entity.value.get("external_model")
        if type(model) is dict or isinstance(model, Mapping):
            yield Part(entity.inner("external_model"), model)


def environments(document: Document) -> Iterator[Part]:
    """The environment variables of each served entity."""
    for entity in parts_of(document, ENTITIES):
        variables = entity.value.get("environment_vars")
        if isinstance(variables, Mapping):
            yield Part(entity.inner("environment_vars"), variables)


def secret_holders(part: Part) -> Iterator[Part]:
    """``part`` and every object inside it, but not what is sent raw: each may hold secrets."""
    yield part
    for name, value in part.value.items():
        # Most values are texts, and asking for a Mapping is slow for them.
        if type(value) is not str and isinstance(value, Mapping) and name != RAW:
            yield from secret_holders(Part(part.inner(name), value))


def secret_references_in(document: Document) -> Iterator[tuple[Location, Any]]:
    """Where a secret reference belongs and what is there, well formed or not.

    An environment variable may be plain text as well: what has no braces is not one.
    """
    for model in external_models(document):
        for holder in secret_holders(model):
            if _REFERENCES.isdisjoint(holder.value):
                continue
            for name in REFERENCES:
                if name in holder.value:
                    yield holder.inner(name), holder.value[name]
    for variables in environments(document):
        for name, value in variables.value.items():
            if isinstance(value, str) and "{{" in value:
                yield variables.inner(name), value


def scope_and_key(reference: Any) -> tuple[str, str] | None:
    """The two names in ``{{secrets/scope/key}}``; None for anything else."""
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    return (match[1], match[2]) if match else None


UNITS_FIELD: Final = "provisioned_model_units"
THROUGHPUT: Final = ("min_provisioned_throughput", "max_provisioned_throughput")


class Sort(StrEnum):
    """``REGISTERED`` is everything that has a name in a registry: models with a size or a
    throughput, agents, feature specs; also what a live endpoint of Databricks itself serves.
    """

    EXTERNAL = "external models"
    UNITS = "models with model units"
    REGISTERED = "registered models"


def sort_of(entity: Mapping[str, Any]) -> Sort:
    """The sort of one served entity."""
    if "external_model" in entity:
        return Sort.EXTERNAL
    return Sort.UNITS if UNITS_FIELD in entity else Sort.REGISTERED


def sorts_in(document: Document) -> set[Sort]:
    """The sorts of all served entities: one where nothing is wrong, none without a config."""
    return {sort_of(entity.value) for entity in parts_of(document, ENTITIES)}


def has_throughput(entity: Mapping[str, Any]) -> bool:
    """Whether it is a foundation model that is provisioned by tokens per second."""
    return any(name in entity for name in THROUGHPUT)


def is_custom(entity: Mapping[str, Any]) -> bool:
    """Whether it runs in a container of its own size: not external, no foundation model."""
    return sort_of(entity) is Sort.REGISTERED and not has_throughput(entity)
