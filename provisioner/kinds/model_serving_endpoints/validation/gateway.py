"""What must hold within an endpoint's AI Gateway.

Source: https://docs.databricks.com/aws/en/ai-gateway/configure-ai-gateway-endpoints
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from provisioner.errors import Finding, Severity
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    LIMITS,
    Part,
    at,
    mapping,
    parts_of,
)
from provisioner.kinds.model_serving_endpoints.planning.field_actions import PREFIX, TABLE
from provisioner.model.kind import Declared
from provisioner.model.paths import Document

NAME: Final = "model_serving_endpoints"
TABLE_NAMES: Final = ("catalog_name", "schema_name", PREFIX)
UNITS: Final = ("calls", "tokens")
MOST_LIMITS: Final = 20
MOST_GROUP_LIMITS: Final = 5
# Limit keys that name a principal, and what to call it. `user` alone means every user.
NEED_PRINCIPAL: Final = {
    "user_group": "the group's name",
    "service_principal": "the service principal's application id",
}
DEPRECATED_GUARDRAILS: Final = ("invalid_keywords", "valid_topics")


def gateway(document: Document) -> Iterator[Finding]:
    """Everything about the gateway that its schema cannot say."""
    if not document.get("ai_gateway"):
        return
    for limit in parts_of(document, LIMITS):
        yield from _limit(limit)
    yield from _twice(document)
    yield from _too_many(document)
    yield from _inference_table(document)
    yield from _switches(document)
    yield from _fallback(document)
    yield from _deprecated(document)


def _limit(limit: Part) -> Iterator[Finding]:
    # rule(documented): A rate limit has `calls`, `tokens` or both. [serving-api 2.8]
    if "calls" not in limit.value and "tokens" not in limit.value:
        yield Finding(
            limit.at, "E321", "this rate limit has no limit", "add `calls`, `tokens` or both"
        )
    key = str(limit.value.get("key", "endpoint"))
    # rule(assumed): A limit for a group or a service principal names it. [serving-api 2.8]
    if key in NEED_PRINCIPAL and "principal" not in limit.value:
        yield Finding(
            limit.inner("key"),
            "W734",
            f"a limit for a `{key}` probably requires a `principal`",
            f"set `principal` to {NEED_PRINCIPAL[key]}",
            Severity.WARNING,
        )
    # rule(assumed): A limit for the whole endpoint names no principal. [serving-api 2.8]
    if key == "endpoint" and "principal" in limit.value:
        yield Finding(
            limit.inner("principal"),
            "W733",
            "a limit for the whole endpoint probably cannot have a `principal`",
            "remove it, or write `key: user`, `user_group` or `service_principal`",
            Severity.WARNING,
            key=True,
        )
    # rule(recorded): The service refuses one entry with calls and tokens and takes two entries.
    #     One public module has the joint entry, so it is not refused here. [serving-api 8.35]
    if all(name in limit.value for name in UNITS):
        yield Finding(
            limit.at,
            "W737",
            "this rate limit has both calls and tokens, which the service has refused before",
            "write two entries with the same `key` and `principal`, one with `calls` and one with "
            "`tokens`",
            Severity.WARNING,
        )


# rule(tool): A principal has one limit of calls and one of tokens: by these it is compared with
#     the live one.
def _twice(document: Document) -> Iterator[Finding]:
    seen: set[tuple[str, str, str]] = set()
    for limit in parts_of(document, LIMITS):
        whose = (str(limit.value.get("key", "endpoint")), str(limit.value.get("principal", "")))
        for unit in UNITS:
            if unit not in limit.value:
                continue
            if (*whose, unit) in seen:
                subject = " ".join(f"`{part}`" for part in whose if part)
                yield Finding(
                    limit.at,
                    "E325",
                    f"another rate limit of `{unit}` also applies to {subject}",
                    "keep one of them. You can combine a limit of `calls` with one of `tokens`",
                )
            seen.add((*whose, unit))


# rule(documented): An endpoint takes 20 rate limits, of which 5 are for groups. [serving-api 3.6]
def _too_many(document: Document) -> Iterator[Finding]:
    limits = list(parts_of(document, LIMITS))
    groups = [limit for limit in limits if limit.value.get("key") == "user_group"]
    for group, most, what in (
        (limits, MOST_LIMITS, "rate limits"),
        (groups, MOST_GROUP_LIMITS, "rate limits for groups"),
    ):
        if len(group) > most:
            message = f"{len(group)} {what}, but the service allows {most}"
            yield Finding(LIMITS, "E324", message, key=True)


# rule(documented): An inference table that is on names its catalog and its schema. [serving-api
#     2.8]
def _inference_table(document: Document) -> Iterator[Finding]:
    place = ("ai_gateway", "inference_table_config")
    table = mapping(at(document, place))
    if table.get("enabled") is not True:
        return
    for name in ("catalog_name", "schema_name"):
        if name not in table:
            yield Finding(
                place, "E326", f"`{name}` is missing, but an inference table requires it", key=True
            )


def shared_tables(document: Document, declared: Declared) -> Iterator[Finding]:
    """The inference table of ``document``, where an endpoint declared before it has the same."""
    mine = _table_of(document)
    first = _writers(declared.get(NAME, {})).get(mine) if mine else None
    # rule(assumed): Two endpoints do not write to one inference table. [serving-api 8.37]
    if first is not None and first != document.get("name"):
        yield Finding(
            (*TABLE, PREFIX),
            "W738",
            f"the inference table of `{first}` has the same catalog, schema and prefix; two "
            "endpoints probably cannot share a table",
            f"give each endpoint a `{PREFIX}` of its own",
            Severity.WARNING,
        )


def _writers(documents: Mapping[str, Document]) -> Mapping[tuple[str, ...], str]:
    """The first endpoint that writes each table.

    Kept for the next endpoint of the same environment: to look through all of them for each
    would be quadratic.
    """
    kept = _KEPT[0]
    if kept is None or kept[0] is not documents:
        by_table: dict[tuple[str, ...], str] = {}
        for name, document in documents.items():
            table = _table_of(document)
            if table is not None:
                by_table.setdefault(table, name)
        # One assignment, because environments may be checked at the same time.
        kept = _KEPT[0] = (documents, by_table)
    return kept[1]


_KEPT: list[tuple[Mapping[str, Document], Mapping[tuple[str, ...], str]] | None] = [None]


def _table_of(document: Document) -> tuple[str, ...] | None:
    """What names the table that is written, None where there is none or the service names it."""
    table = mapping(at(document, TABLE))
    names = tuple(str(table.get(name) or "") for name in TABLE_NAMES)
    return names if table.get("enabled") is True and all(names) else None


# rule(assumed): Without `enabled` the service chooses whether a block is on. [serving-api 2.8]
def _switches(document: Document) -> Iterator[Finding]:
    for name in ("inference_table_config", "usage_tracking_config"):
        block = at(document, ("ai_gateway", name))
        if isinstance(block, dict) and "enabled" not in block:
            yield Finding(
                ("ai_gateway", name),
                "W719",
                "`enabled` is missing, so the service decides, and it may decide again with each "
                "change of the gateway",
                "write `enabled: true` or `enabled: false`",
                Severity.WARNING,
                key=True,
            )


# rule(documented): A fallback needs a second served entity. [serving-api 3.8]
def _fallback(document: Document) -> Iterator[Finding]:
    place = ("ai_gateway", "fallback_config")
    entities = list(parts_of(document, ENTITIES))
    if mapping(at(document, place)).get("enabled") is True and len(entities) == 1:
        yield Finding(
            place,
            "W715",
            "there is no other served entity to fall back to",
            "add one with `traffic_percentage: 0`, or disable the fallback",
            Severity.WARNING,
            key=True,
        )


# rule(documented): `invalid_keywords` and `valid_topics` are deprecated. [serving-api 2.8]
def _deprecated(document: Document) -> Iterator[Finding]:
    for direction in ("input", "output"):
        place = ("ai_gateway", "guardrails", direction)
        for name in DEPRECATED_GUARDRAILS:
            if name in mapping(at(document, place)):
                yield Finding(
                    (*place, name),
                    "W716",
                    f"the service has deprecated `{name}`",
                    "use `safety` and `pii` instead",
                    Severity.WARNING,
                    key=True,
                )
