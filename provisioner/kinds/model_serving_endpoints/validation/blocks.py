"""What must hold between what is served and the blocks beside it: telemetry, the legacy table,
environment variables, and fields that are sent raw.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from provisioner.errors import Finding, Location, Severity
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    RAW,
    Part,
    Sort,
    at,
    environments,
    external_models,
    is_custom,
    mapping,
    parts_of,
    scope_and_key,
    sorts_in,
)
from provisioner.kinds.model_serving_endpoints.planning.config_actions import CAPTURE
from provisioner.kinds.model_serving_endpoints.validation.entities import is_full_name
from provisioner.kinds.model_serving_endpoints.vocabulary import OUTPUT_ONLY
from provisioner.model import schemas
from provisioner.model.field_rules import FieldRule
from provisioner.model.paths import Document
from provisioner.model.secret import references as secrets_in

NAME: Final = "model_serving_endpoints"
TABLES: Final = ("telemetry_config", "table_names")
OLD_SPELLINGS: Final = ("served_models", "rate_limits")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SOUNDS_SECRET: Final = re.compile(r"(?i)(api_?key|token|password|passwd|secret)$")


def blocks(document: Document) -> Iterator[Finding]:
    """Everything about these blocks that their schema cannot say."""
    sorts = sorts_in(document)
    if Sort.UNITS in sorts:
        yield from _with_units(document)
    elif not document.get("existing"):
        yield from _custom_only(document, sorts)
    yield from _telemetry(document)
    yield from _legacy_table(document)
    for variables in environments(document):
        yield from _variables(variables)
    for place, names, block in _raw_blocks(document):
        yield from _raw(place, names, block, document)


# rule(client): An endpoint with model units has no description, route optimization, telemetry or
#     capture: the `/pt` calls have no field for them. [serving-api 1.3]
def _with_units(document: Document) -> Iterator[Finding]:
    """service/serving.py create_provisioned_throughput_endpoint has none of these fields."""
    for place in (("description",), ("route_optimized",), TABLES[:1], CAPTURE):
        if at(document, place):
            yield Finding(
                place,
                "E337",
                f"an endpoint with model units has no `{place[-1]}`",
                "remove it, or provision by throughput instead of model units",
                key=True,
            )


# rule(client): Telemetry is for custom models. [serving-api 1.9]
# rule(documented): Route optimization is for custom models. [serving-api 1.2]
def _custom_only(document: Document, sorts: set[Sort]) -> Iterator[Finding]:
    """serving-endpoints/create and patchtelemetryconfig: refused for anything else."""
    fits = {"telemetry_config": Sort.REGISTERED in sorts, "route_optimized": _is_custom(document)}
    for name in fits:
        if document.get(name) and not fits[name]:
            message = f"`{name}` works only for custom models, and this endpoint serves none"
            yield Finding((name,), "E338", message, "remove it", key=True)


def _is_custom(document: Document) -> bool:
    served = [entity.value for entity in parts_of(document, ENTITIES)]
    return bool(served) and all(map(is_custom, served))


def _telemetry(document: Document) -> Iterator[Finding]:
    """service/serving.py patch_telemetry_config: "either a telemetry_profile_id or table_names"."""
    block, tables = mapping(document.get(TABLES[0])), mapping(at(document, TABLES))
    # rule(client): Telemetry names its tables or a profile, and not both; with neither, the service
    #     takes it and changes nothing. [serving-api 1.9, 10.6]
    if tables and "telemetry_profile_id" in block:
        yield Finding(
            TABLES,
            "E374",
            "`table_names` and `telemetry_profile_id` are both set",
            "remove one of them: a profile already has its tables",
            key=True,
        )
    elif TABLES[0] in document and not tables and "telemetry_profile_id" not in block:
        yield Finding(
            TABLES[:1],
            "E374",
            "the destination of the telemetry is missing",
            "add `table_names`, or the `telemetry_profile_id` of an existing profile",
            key=True,
        )
    # rule(documented): A table is named `catalog.schema.table`. [serving-api 2.9]
    for name, table in tables.items():
        if isinstance(table, str) and not is_full_name(table):
            message = f"`{table}` is not the full name of a table"
            yield Finding((*TABLES, name), "E370", message, "write `catalog.schema.table`")


# rule(documented): `auto_capture_config` is deprecated. [serving-api 2.5]
def _legacy_table(document: Document) -> Iterator[Finding]:
    table = at(document, CAPTURE)
    if not isinstance(table, Mapping):
        return
    yield Finding(
        CAPTURE,
        "W720",
        "the service has deprecated `auto_capture_config`",
        "use `ai_gateway.inference_table_config` instead",
        Severity.WARNING,
        key=True,
    )
    # rule(assumed): `auto_capture_config` names its catalog and its schema, like the table of the
    #     gateway. [serving-api 2.5]
    for name in ("catalog_name", "schema_name"):
        if name not in table:
            message = f"`{name}` is missing, but the table probably requires it"
            hint = f"add `{name}`"
            yield Finding(CAPTURE, "W731", message, hint, Severity.WARNING, key=True)


def _variables(variables: Part) -> Iterator[Finding]:
    for name, value in variables.value.items():
        place = variables.inner(name)
        # rule(assumed): The name of an environment variable holds letters, digits and `_`.
        #     [serving-api 2.2]
        if not _VARIABLE.fullmatch(name):
            message = f"`{name}` is probably not a valid name of an environment variable"
            hint = "use letters, digits and `_`, and do not begin with a digit"
            yield Finding(place, "W729", message, hint, Severity.WARNING, key=True)
        # rule(tool): A secret value is never sent in a variable, which the service may show;
        #     a value that sounds like a secret is warned about.
        if any(secrets_in(value)):
            yield Finding(place, "E373", *_shown("an environment variable"))
        elif _SOUNDS_SECRET.search(name) and scope_and_key(value) is None:
            yield Finding(
                place,
                "W722",
                f"`{name}` looks like a secret, and every user with CAN_VIEW on the endpoint can "
                "read it",
                'store it in a secret scope and write "{{secrets/SCOPE/KEY}}"',
                Severity.WARNING,
            )


def _shown(what: str) -> tuple[str, str]:
    return (
        f"the service may return {what}, so it must not contain a secret",
        'store it in a secret scope and write "{{secrets/SCOPE/KEY}}"',
    )


def _raw_blocks(document: Document) -> Iterator[tuple[Location, tuple[str, ...], Part]]:
    """Where a ``raw`` may be, the same place by names alone, and what holds it."""
    for place in ((), ("config",), ("ai_gateway",)):
        yield place, place, Part(place, mapping(at(document, place)))
    for entity in parts_of(document, ENTITIES):
        yield entity.at, ("config", "served_entities"), entity
    for model in external_models(document):
        yield model.at, ("config", "served_entities", "external_model"), model


# rule(tool): `raw` holds only fields that the tool does not know, and no secret; an endpoint
#     with `existing: true` has none.
def _raw(
    place: Location, names: tuple[str, ...], block: Part, document: Document
) -> Iterator[Finding]:
    if RAW not in block.value:
        return
    if document.get("existing"):
        yield Finding(
            (*place, RAW),
            "E372",
            "an endpoint with `existing: true` cannot have `raw`",
            "changes of `raw` are detected with an ownership tag, which such an endpoint does not "
            "have",
            key=True,
        )
    known = _rule_at(names)
    for name, value in mapping(block.value[RAW]).items():
        where = (*place, RAW, name)
        if name in known.fields or name in OLD_SPELLINGS:
            hint = f"move it next to `{RAW}`, where it is checked and compared"
            yield Finding(where, "E372", f"`{name}` is a known field", hint, key=True)
        elif name in OUTPUT_ONLY.get(names, {}):
            message = f"`{name}` cannot be set: {OUTPUT_ONLY[names][name]}"
            yield Finding(where, "E372", message, "remove it", key=True)
        if any(secrets_in(value)):
            yield Finding(where, "E373", *_shown("a field that is not known"))


def _rule_at(names: tuple[str, ...]) -> FieldRule:
    rule = schemas.rules(NAME)
    for name in names:
        rule = rule.fields[name]
    return rule
