"""Served entities as sent: their shape, what may stand together, what the service fills in."""

from __future__ import annotations

import re
from typing import Any

from provisioner.emulator.providers import EXTERNAL_MODEL, check_external_model
from provisioner.emulator.routing import invalid
from provisioner.emulator.secret_values import is_reference
from provisioner.emulator.shape import choice, flag, integer, record, text, text_by_name

Entity = dict[str, Any]

# The endpoint's alphabet; the length is by analogy with it. [serving-api 3.6, 8.22]
NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
WORKLOAD_TYPES = (
    *("CPU", "CPU_MEDIUM", "CPU_LARGE"),
    *("GPU_SMALL", "GPU_MEDIUM", "GPU_LARGE", "GPU_XLARGE", "GPU_XLARGE_8", "MULTIGPU_MEDIUM"),
)
CONCURRENCY = ("min_provisioned_concurrency", "max_provisioned_concurrency")
THROUGHPUT = ("min_provisioned_throughput", "max_provisioned_throughput", "provisioned_model_units")

COMMON = {
    "name": text,
    "workload_size": text,
    "workload_type": choice(*WORKLOAD_TYPES),
    "scale_to_zero_enabled": flag,
    **dict.fromkeys((*CONCURRENCY, *THROUGHPUT), integer),
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
    """The same in newer words: both are views of one list. [serving-api 2.1]"""
    renamed = {"model_name": "entity_name", "model_version": "entity_version"}
    return {renamed.get(key, key): value for key, value in model.items()}


def checked(entity: Entity, where: str) -> Entity:
    """The entity with its defaults. Raises ApiError."""
    whole = _external(entity, where) if "external_model" in entity else _custom(entity, where)
    if not NAME.fullmatch(whole["name"]):
        raise invalid(
            f"{where}.name takes at most 63 letters, digits, hyphens and underscores;"
            f" it is '{whole['name']}'."
        )
    return whole


def _external(entity: Entity, where: str) -> Entity:
    foreign = sorted(set(entity) - {"name", "external_model"})
    if foreign:
        raise invalid(f"{where}: {', '.join(foreign)} cannot be set with external_model.")
    model = entity["external_model"]
    check_external_model(model, f"{where}.external_model")
    default = model["name"].replace(".", "-").replace(":", "-")
    return {"name": default} | entity


def _custom(entity: Entity, where: str) -> Entity:
    if not entity.get("entity_name") or not entity.get("entity_version"):
        raise invalid(f"{where} takes entity_name with entity_version, or external_model.")
    if "provisioned_model_units" not in entity and "scale_to_zero_enabled" not in entity:
        # Observed word for word. [serving-api 3.5]
        raise invalid("scaleToZeroEnabled is undefined. Please set it to either true or false.")
    is_elastic = any(key in entity for key in CONCURRENCY)
    if is_elastic and "workload_size" in entity:
        raise invalid(f"{where} takes workload_size or provisioned concurrency, not both.")
    for name, value in entity.get("environment_vars", {}).items():
        # References with text around them are a guess of the reference: refused. [serving-api 4]
        if "{{" in value and not is_reference(value):
            raise invalid(f"{where}.environment_vars.{name} holds a malformed secret reference.")
    return _defaults(entity, is_elastic=is_elastic) | entity


def _defaults(entity: Entity, *, is_elastic: bool) -> Entity:
    """[serving-api 3.4; the type of provisioned throughput as in the captured answer of 3.2]"""
    last_part = entity["entity_name"].rpartition(".")[2]
    found = {"name": f"{last_part}-{entity['entity_version']}"}
    if "provisioned_model_units" in entity:
        return found | {"burst_scaling_enabled": True}
    has_throughput = any(key in entity for key in THROUGHPUT)
    found["workload_type"] = "GPU_LARGE" if has_throughput else "CPU"
    return found if is_elastic else found | {"workload_size": "Small"}
