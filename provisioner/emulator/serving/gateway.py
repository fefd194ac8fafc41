"""Reads AI gateways and rate limits: shapes, rules, defaults. Sources: [serving-api 2.7, 2.8]."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import invalid, refuse_if_strict
from provisioner.emulator.http.shape import choice, flag, integer, list_of, record, text

Gateway = dict[str, Any]

MAX_RATE_LIMITS = 20
MAX_GROUP_LIMITS = 5

GUARDRAIL = record(
    {
        "safety": flag,
        "pii": record({"behavior": choice("BLOCK", "MASK", "NONE")}),
        "invalid_keywords": list_of(text),
        "valid_topics": list_of(text),
    }
)
RATE_LIMIT = record(
    {
        "renewal_period": choice("minute"),
        "calls": integer,
        "tokens": integer,
        "key": choice("endpoint", "user", "user_group", "service_principal"),
        "principal": text,
    },
    needed=("renewal_period",),
)
TABLE_NAMES = ("catalog_name", "schema_name", "table_name_prefix")
GATEWAY = record(
    {
        "fallback_config": record({"enabled": flag}, needed=("enabled",)),
        "guardrails": record({"input": GUARDRAIL, "output": GUARDRAIL}),
        "inference_table_config": record(dict.fromkeys(TABLE_NAMES, text) | {"enabled": flag}),
        "rate_limits": list_of(RATE_LIMIT),
        "usage_tracking_config": record({"enabled": flag}),
    }
)
LEGACY_RATE_LIMITS = list_of(
    record(
        {"calls": integer, "renewal_period": choice("minute"), "key": choice("user", "endpoint")},
        needed=("calls", "renewal_period"),
    )
)


def read(body: Any, where: str, endpoint: dict[str, Any]) -> Gateway:
    """Returns the whole gateway that replaces the one of ``endpoint``. Raises ApiError."""
    sent: Gateway = GATEWAY(body, where)
    prefix = f"{where}." if where else ""
    _check_fallback(sent, endpoint)
    if "inference_table_config" in sent:
        before = endpoint["ai_gateway"].get("inference_table_config", {})
        table = _table(sent["inference_table_config"], endpoint["name"], prefix)
        _check_names_kept(before, table)
        sent["inference_table_config"] = table
    if "usage_tracking_config" in sent:
        sent["usage_tracking_config"].setdefault("enabled", False)
    limits = _rate_limits(sent.pop("rate_limits", []), f"{prefix}rate_limits")
    return sent | ({"rate_limits": limits} if limits else {})


def read_legacy_rate_limits(body: Any) -> list[dict[str, Any]]:
    """Reads the rate limits of the older form. Raises ApiError."""
    return [{"key": "endpoint"} | limit for limit in LEGACY_RATE_LIMITS(body, "rate_limits")]


def _check_fallback(sent: Gateway, endpoint: dict[str, Any]) -> None:
    """Refuses fallbacks for other than external models. Raises ApiError."""
    config = endpoint["config"] or endpoint["pending"] or {"entities": []}
    is_external = all("external_model" in entity for entity in config["entities"])
    # rule(documented): Fallbacks are for external models. [serving-api 3.8]
    if sent.get("fallback_config", {}).get("enabled") and not is_external:
        raise invalid("fallback_config is for external models only.")


def _table(sent: dict[str, Any], endpoint: str, prefix: str) -> dict[str, Any]:
    """Returns the inference table; one that is on is named after the endpoint by default.

    The document shows it for a table that is on; the Databricks CLI shows a change for each prefix
    that it did not send. [serving-api 3.4, 10.15]
    """
    table = {"enabled": False} | sent
    # rule(documented): An enabled inference table names its catalog and schema. [serving-api 2.8]
    if table["enabled"] and not (table.get("catalog_name") and table.get("schema_name")):
        raise invalid(
            f"{prefix}inference_table_config takes catalog_name and schema_name when enabled."
        )
    is_named = not table["enabled"] or table.get("table_name_prefix")
    return table if is_named else table | {"table_name_prefix": endpoint}


def _check_names_kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Refuses new names for an inference table that is enabled. Raises ApiError."""
    if not before.get("enabled"):
        return
    changed = [name for name in TABLE_NAMES if name in after and after[name] != before.get(name)]
    # rule(documented): The names of an inference table change only after it is disabled; whether
    #     one call may do both is not known. [serving-api 3.7]
    if changed:
        raise invalid(
            f"inference_table_config must be disabled before {', '.join(changed)} can change."
        )


def _rate_limits(limits: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    # rule(documented): A gateway has at most 20 rate limits. [serving-api 3.6]
    if len(limits) > MAX_RATE_LIMITS:
        raise invalid(f"{where} takes at most {MAX_RATE_LIMITS} rate limits.")
    checked_limits = [_rate_limit(limit, f"{where}[{index}]") for index, limit in enumerate(limits)]
    # rule(documented): At most 5 of the rate limits are for groups. [serving-api 3.6]
    if sum(limit["key"] == "user_group" for limit in checked_limits) > MAX_GROUP_LIMITS:
        raise invalid(f"{where} takes at most {MAX_GROUP_LIMITS} rate limits for groups.")
    # rule(assumed): A key and a principal may have several limits, and all of them act: one of
    #     calls and one of tokens were seen in two entries. [serving-api 8.35]
    return checked_limits


def _rate_limit(limit: dict[str, Any], where: str) -> dict[str, Any]:
    """Returns one rate limit with its key. Raises ApiError."""
    whole = {"key": "endpoint"} | limit
    key, principal = whole["key"], whole.get("principal")
    # rule(documented): A rate limit limits calls or tokens. [serving-api 2.8]
    if "calls" not in whole and "tokens" not in whole:
        raise invalid(f"{where} takes calls or tokens.")
    # rule(assumed, strict): A limit for a group or a service principal names it. [serving-api 2.8]
    if key in ("user_group", "service_principal") and not principal:
        refuse_if_strict(f"{where}.principal must be given with key {key}.")
    return whole
