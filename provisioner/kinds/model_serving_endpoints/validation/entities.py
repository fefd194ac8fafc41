"""What must hold within a served entity, and between all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from provisioner.errors import Finding, Severity
from provisioner.errors.did_you_mean import closest, did_you_mean
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    RAW,
    THROUGHPUT,
    UNITS_FIELD,
    Part,
    Sort,
    has_throughput,
    is_custom,
    parts_of,
    sort_of,
)
from provisioner.model.paths import Document

# The service's pages say 10, and endpoints with 15 are known (databricks-sdk-py issue 1496).
MOST_ENTITIES: Final = 15
CONCURRENCY: Final = ("min_provisioned_concurrency", "max_provisioned_concurrency")
PARTS_OF_UNITY_CATALOG: Final = 3
# serving-endpoints/createprovisionedthroughputendpoint: in every example; not said as a rule.
UNITS_STEP: Final = 50
BY_UNITS: Final = "system.ai.gpt-oss-"
# A name of Unity Catalog may hold anything but these in each of its parts.
_PART: Final = re.compile(r"[^\s./`]{1,255}")

# service/serving.py ServedEntityInput.external_model and PtServedModel. The service also takes
# `burst_scaling_enabled` with an external model. [serving-api 10.9: used by a public client]
FIELDS_OF: Final = {
    Sort.EXTERNAL: ("name", "external_model", "burst_scaling_enabled", RAW),
    Sort.UNITS: (
        *("name", "entity_name", "entity_version"),
        *(UNITS_FIELD, "burst_scaling_enabled", RAW),
    ),
}


def entities(document: Document) -> Iterator[Finding]:
    """Each served entity by itself, and whether they go together."""
    for entity in parts_of(document, ENTITIES):
        for check in CHECKS:
            yield from check(entity)
    yield from _mixed(document)
    yield from _many(document)


# rule(documented): A served entity has an `external_model` or an `entity_name`. [serving-api 2.2]
def _serves(entity: Part) -> Iterator[Finding]:
    if "external_model" not in entity.value and "entity_name" not in entity.value:
        yield Finding(
            entity.at,
            "E331",
            "this served entity has no model",
            "add `external_model`, or the `entity_name` of a registered model",
            key=True,
        )


def _fields(entity: Part) -> Iterator[Finding]:
    sort = sort_of(entity.value)
    allowed = FIELDS_OF.get(sort, ())
    for name in entity.value if allowed else ():
        if name in allowed:
            continue
        # rule(documented): An external model has none of the fields that describe a registered one.
        #     [serving-api 3.8, 10.9]
        # rule(client): An entity with model units has no other size: the `/pt` calls have no field
        #     for one. [serving-api 1.3, 2.3]
        if sort is Sort.EXTERNAL:
            message = f"`{name}` works only for registered models, and this model is external"
            yield Finding(entity.inner(name), "E332", message, "remove it", key=True)
        else:
            message = f"`{name}` cannot be combined with `{UNITS_FIELD}`"
            hint = "keep one of them: model units define the whole capacity"
            yield Finding(entity.inner(name), "E337", message, hint, key=True)


def _sizes(entity: Part) -> Iterator[Finding]:
    both = [name for name in CONCURRENCY if name in entity.value]
    # rule(client): A workload size and a provisioned concurrency exclude each other. [serving-api
    #     3.5]
    if "workload_size" in entity.value and both:
        yield Finding(
            entity.inner(both[0]),
            "E334",
            f"`workload_size` and `{both[0]}` are both set",
            "keep either the size or the concurrency",
            key=True,
        )
    # rule(tool): The smallest number of a range is not above the largest: such a range is empty.
    for low, high in (CONCURRENCY, THROUGHPUT):
        least, most = _number(entity, low), _number(entity, high)
        if least is not None and most is not None and least > most:
            yield Finding(entity.inner(low), "E335", f"`{low}` is more than `{high}`: {most}")


DOCUMENTED_SIZES: Final = ("Small", "Medium", "Large")


# rule(documented): The documented sizes are Small, Medium and Large; a workspace may have others.
#     [serving-api 2.2]
def _size_name(entity: Part) -> Iterator[Finding]:
    """Workspaces have sizes of their own, so a near miss of a documented one is a warning."""
    size = entity.value.get("workload_size")
    if not isinstance(size, str) or size in DOCUMENTED_SIZES:
        return
    meant = closest(size.capitalize(), DOCUMENTED_SIZES, 0.7)
    if meant:
        message = f"`{size}` is not a documented `workload_size`"
        hint = did_you_mean(meant, [meant])
        yield Finding(entity.inner("workload_size"), "W726", message, hint, Severity.WARNING)


# rule(assumed): Model units go in steps of 50 and are at least 50, as in every documented example.
#     [serving-api 1.3]
def _units(entity: Part) -> Iterator[Finding]:
    units = _number(entity, UNITS_FIELD)
    if units is not None and (not units or units % UNITS_STEP):
        yield Finding(
            entity.inner(UNITS_FIELD),
            "W723",
            f"model units are probably a multiple of {UNITS_STEP}",
            f"for example {(units // UNITS_STEP + 1) * UNITS_STEP}",
            Severity.WARNING,
        )


def _number(entity: Part, name: str) -> int | None:
    value = entity.value.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# rule(recorded): A custom model says whether it scales to zero. [serving-api 3.5, 10.13]
def _scale_to_zero(entity: Part) -> Iterator[Finding]:
    """The service: "scaleToZeroEnabled is undefined. Please set it to either true or false."

    That was recorded in 2024, and public configurations leave the field out.
    """
    custom = "entity_name" in entity.value and is_custom(entity.value)
    # rule(assumed): A custom model says whether it scales to zero. [serving-api 3.5, 8.23]
    if custom and "scale_to_zero_enabled" not in entity.value:
        yield Finding(
            entity.at,
            "W736",
            "`scale_to_zero_enabled` is missing; the service probably refuses this",
            "write `scale_to_zero_enabled: true` to pay nothing while there are no requests, or "
            "`false` to keep the model running",
            Severity.WARNING,
            key=True,
        )


def _throughput(entity: Part) -> Iterator[Finding]:
    name = entity.value.get("entity_name")
    by_throughput = [field for field in THROUGHPUT if field in entity.value]
    if not isinstance(name, str) or not by_throughput:
        return
    # rule(recorded): Some models answer "is not eligible for Provisioned Throughput". That all of
    #     their family do is assumed. [serving-api 8.36]
    if name.startswith(BY_UNITS):
        yield Finding(
            entity.inner(by_throughput[0]),
            "W735",
            f"the service has answered that models such as `{name}` are not eligible for "
            "provisioned throughput; this probably applies here",
            f"provision it with `{UNITS_FIELD}` instead",
            Severity.WARNING,
            key=True,
        )


# rule(documented): A registered model has a version; only a feature spec has none. [serving-api
#     2.2, 2.3]
def _version(entity: Part) -> Iterator[Finding]:
    name = entity.value.get("entity_name")
    if not isinstance(name, str) or "entity_version" in entity.value:
        return
    foundation = sort_of(entity.value) is Sort.UNITS or has_throughput(entity.value)
    if foundation or "." not in name:
        yield Finding(
            entity.at,
            "E339",
            "`entity_version` is missing",
            "only a feature spec of Unity Catalog has no version",
            key=True,
        )


# rule(documented): A model is named `catalog.schema.name` in Unity Catalog, and without dots in the
#     registry of the workspace. [serving-api 2.2]
def _name(entity: Part) -> Iterator[Finding]:
    name = entity.value.get("entity_name")
    if isinstance(name, str) and not _is_well_formed(name):
        yield Finding(
            entity.inner("entity_name"),
            "E370",
            f"`{name}` is not the name of a model",
            "`catalog.schema.name` in Unity Catalog, or a name without dots in the workspace's "
            "registry",
        )


def _is_well_formed(name: str) -> bool:
    return is_full_name(name) or bool(re.fullmatch(r"[^./:`\n]+", name))


def is_full_name(name: str) -> bool:
    """Whether ``name`` is ``catalog.schema.name``."""
    parts = name.split(".")
    return len(parts) == PARTS_OF_UNITY_CATALOG and all(map(_PART.fullmatch, parts))


CHECKS: Final[tuple[Callable[[Part], Iterator[Finding]], ...]] = (
    _serves,
    _fields,
    _sizes,
    _size_name,
    _units,
    _scale_to_zero,
    _throughput,
    _version,
    _name,
)


# rule(documented): External models and other models never share an endpoint. [serving-api 3.5, 3.8]
def _mixed(document: Document) -> Iterator[Finding]:
    """service/serving.py ServedEntityInput: external models and others never share one."""
    served = [entity for entity in parts_of(document, ENTITIES) if _serves_something(entity)]
    for entity in served[1:]:
        first, sort = sort_of(served[0].value), sort_of(entity.value)
        if sort is not first:
            yield Finding(
                entity.at,
                "E333",
                f"the first served entity is of {first}, but this one is of {sort}",
                "use a separate endpoint for each type",
                key=True,
            )


def _serves_something(entity: Part) -> bool:
    return "external_model" in entity.value or "entity_name" in entity.value


# rule(recorded): The service accepts 15 served entities; more have not been seen. [serving-api 3.6,
#     10.8]
def _many(document: Document) -> Iterator[Finding]:
    count = len(list(parts_of(document, ENTITIES)))
    if count > MOST_ENTITIES:
        yield Finding(
            ENTITIES,
            "W721",
            f"{count} served entities; it is unknown whether an endpoint can have more than "
            f"{MOST_ENTITIES}",
            severity=Severity.WARNING,
            key=True,
        )
