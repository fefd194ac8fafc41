"""Reads served entities: their shape, what excludes what, and the service's defaults."""

from __future__ import annotations

import re
from typing import Any

from provisioner.emulator.http.routing import invalid, refuse_if_strict
from provisioner.emulator.http.shape import (
    LARGEST_INTEGER,
    choice,
    flag,
    integer,
    record,
    text,
    text_by_name,
)
from provisioner.emulator.secrets.secret_values import is_reference
from provisioner.emulator.serving.providers import EXTERNAL_MODEL, check_external_model
from provisioner.emulator.unity_catalog.catalog import is_full_name

Entity = dict[str, Any]

NAME = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_NAME = 63
WORKLOAD_TYPES = (
    *("CPU", "CPU_MEDIUM", "CPU_LARGE"),
    *("GPU_SMALL", "GPU_MEDIUM", "GPU_LARGE", "GPU_XLARGE", "GPU_XLARGE_8", "MULTIGPU_MEDIUM"),
)
CONCURRENCY = ("min_provisioned_concurrency", "max_provisioned_concurrency")
THROUGHPUT = ("min_provisioned_throughput", "max_provisioned_throughput")

# rule(client): burst_scaling_enabled is taken together with an external model, and has no effect
#     that a client could see. [serving-api 10.9]
OF_EXTERNAL = {"name", "external_model", "burst_scaling_enabled"}

COMMON = {
    "name": text,
    "workload_size": text,
    "workload_type": choice(*WORKLOAD_TYPES),
    "scale_to_zero_enabled": flag,
    **dict.fromkeys((*CONCURRENCY, *THROUGHPUT, "provisioned_model_units"), integer),
    "burst_scaling_enabled": flag,
    "environment_vars": text_by_name,
    "instance_profile_arn": text,
}
SERVED_ENTITY = record(
    COMMON | {"entity_name": text, "entity_version": text, "external_model": EXTERNAL_MODEL}
)
SERVED_MODEL = record(
    COMMON | {"model_name": text, "model_version": text}, needed=("model_name", "model_version")
)


def from_served_model(model: Entity) -> Entity:
    """Translates a served model into a served entity, its newer form. [serving-api 2.1]"""
    renamed = {"model_name": "entity_name", "model_version": "entity_version"}
    return {renamed.get(key, key): value for key, value in model.items()}


def read(entity: Entity, where: str) -> Entity:
    """Returns the checked entity with its defaults. Raises ApiError."""
    whole = (
        _read_external(entity, where) if "external_model" in entity else _read_custom(entity, where)
    )
    check_name(whole["name"], where)
    return whole


def check_name(name: str, where: str) -> None:
    """Refuses a name of a served entity that is not valid. Raises ApiError."""
    # rule(documented): A served entity's name has letters, digits, "-" and "_". [serving-api 3.6]
    if not NAME.fullmatch(name):
        raise invalid(f"{where}.name takes letters, digits, hyphens and underscores: '{name}'.")
    # rule(assumed, strict): A served entity's name has at most 63 characters, as an endpoint's
    #     name. [serving-api 8.22]
    if len(name) > LONGEST_NAME:
        refuse_if_strict(f"{where}.name takes at most {LONGEST_NAME} characters.")


def _read_external(entity: Entity, where: str) -> Entity:
    foreign = sorted(set(entity) - OF_EXTERNAL)
    # rule(documented): An entity with external_model has none of the fields that describe a model
    #     or its compute. [serving-api 3.8]
    if foreign:
        raise invalid(f"{where}: {', '.join(foreign)} cannot be set with external_model.")
    model = entity["external_model"]
    check_external_model(model, f"{where}.external_model")
    default = model["name"].replace(".", "-").replace(":", "-")
    return {"name": default} | entity


def _read_custom(entity: Entity, where: str) -> Entity:
    _check_object(entity, where)
    # rule(assumed, strict): Model units are sent with the /pt call only, as in every documented
    #     example. [serving-api 1.3]
    if "provisioned_model_units" in entity:
        refuse_if_strict(f"{where}.provisioned_model_units takes the /pt form of this call.")
    # rule(recorded): A custom model without scale_to_zero_enabled is refused with this text; code
    #     and status are assumed. Provisioned throughput is documented without the field.
    #     [serving-api 3.5, 8.23]
    if not has_throughput(entity) and "scale_to_zero_enabled" not in entity:
        # Observed word for word. Provisioned throughput is documented without it.
        # [serving-api 3.5]
        raise invalid("scaleToZeroEnabled is undefined. Please set it to either true or false.")
    is_elastic = any(key in entity for key in CONCURRENCY)
    # rule(client): workload_size and provisioned concurrency exclude each other. [serving-api 3.5]
    if is_elastic and "workload_size" in entity:
        raise invalid(f"{where} takes workload_size or provisioned concurrency, not both.")
    _check_range(entity, *CONCURRENCY, where=where)
    _check_range(entity, *THROUGHPUT, where=where)
    for name, value in entity.get("environment_vars", {}).items():
        # rule(assumed, strict): A secret reference fills the whole value of an environment
        #     variable; any other text is kept as it is. [serving-api 4.4]
        if "{{" in value and not is_reference(value):
            refuse_if_strict(f"{where}.environment_vars.{name} holds a malformed secret reference.")
    return _defaults(entity, is_elastic=is_elastic) | entity


def _check_object(entity: Entity, where: str) -> None:
    """Refuses an entity that names neither a model nor a feature spec. Raises ApiError."""
    name, version = entity.get("entity_name", ""), entity.get("entity_version", "")
    # rule(documented): An entity has an external_model or an entity_name. [serving-api 2.2]
    if not name:
        raise invalid(f"{where} takes entity_name with entity_version, or external_model.")
    # rule(documented): A model needs a version; a full name without one counts as a feature spec,
    #     because there is no catalog to look it up in. [serving-api 2.2]
    if not version and not is_full_name(name):
        raise invalid(f"{where}.entity_version must be given for the model {name}.")


def has_throughput(entity: Entity) -> bool:
    """Returns whether it is a foundation model that is paid by its throughput, in either unit."""
    return any(key in entity for key in (*THROUGHPUT, "provisioned_model_units"))


def is_custom_model(entity: Entity) -> bool:
    """Returns whether it is a user's model, agent or feature spec, paid by its compute."""
    return "entity_name" in entity and not has_throughput(entity)


def _check_range(entity: Entity, least: str, most: str, *, where: str) -> None:
    """Refuses a range whose ends are in the wrong order. Raises ApiError."""
    # rule(assumed, always): The smallest amount of a range is not above the largest one, because
    #     such a range is empty. Either may stand alone. [serving-api 2.2]
    if entity.get(least, 0) > entity.get(most, LARGEST_INTEGER):
        raise invalid(f"{where}.{least} is larger than {most}.")


# rule(recorded): The default name is the last part of the model's name, a hyphen and the version;
#     without a version it is assumed. [serving-api 3.4]
def name_of(entity: Entity) -> str:
    """Returns the default name, made from the model's name and version. [serving-api 3.4]"""
    last_part = str(entity["entity_name"]).rpartition(".")[2]
    version = entity.get("entity_version")
    return f"{last_part}-{version}" if version else last_part


# rule(recorded): The service fills in workload type and size. That provisioned throughput does not
#     scale to zero by default is assumed. [serving-api 3.2, 3.4]
def _defaults(entity: Entity, *, is_elastic: bool) -> Entity:
    """Returns the fields that the service fills in. [serving-api 3.2, 3.4]"""
    defaults: Entity = {"name": name_of(entity)}
    if has_throughput(entity):
        defaults |= {"workload_type": "GPU_LARGE", "scale_to_zero_enabled": False}
    else:
        defaults["workload_type"] = "CPU"
    return defaults if is_elastic else defaults | {"workload_size": "Small"}
