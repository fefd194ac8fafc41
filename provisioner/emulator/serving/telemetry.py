"""Telemetry of custom models: what clients may send, what is kept and what they see of it.

Sources: [serving-api 1.2, 1.9, 2.9, 3.9, 10.6, 10.7].
"""

from __future__ import annotations

import uuid
from typing import Any

from provisioner.emulator.http.ordering import rearrange
from provisioner.emulator.http.shape import choice, fraction, list_of, record, text
from provisioner.emulator.serving import endpoints
from provisioner.emulator.serving.endpoints import Record

Telemetry = dict[str, Any]

CUSTOM = "CUSTOM_MODELS"
TABLES = ("annotations_table", "logs_table", "metrics_table", "traces_table")
FEATURES = tuple(
    f"TELEMETRY_FEATURE_{signal}" for signal in ("LOGS", "TRACES", "METRICS", "INFERENCE_TABLE")
)
READER = record(
    {
        "enabled_telemetry_features": list_of(choice(*FEATURES)),
        # A name is output only, so one that is sent is ignored.
        "inference_table_config": record({"sampling_fraction": fraction}),
        "table_names": record(dict.fromkeys(TABLES, text)),
        "telemetry_profile_id": text,
    }
)


def read(value: Any, before: Telemetry) -> Telemetry:
    """Returns what is kept of a telemetry config. Raises ApiError.

    Tables are used up for a new profile, and only its id is shown. A profile that was not made here
    may be named: no other call makes one.
    """
    sent: Telemetry = READER(value, "telemetry_config")
    tables = sent.pop("table_names", None)
    # rule(client): A config with neither tables nor a profile is taken, and changes nothing.
    #     [serving-api 10.6]
    if not tables and not sent.get("telemetry_profile_id"):
        return before
    # rule(assumed): A profile wins over tables. [serving-api 1.9]
    kept = {"telemetry_profile_id": str(uuid.uuid4())} | sent
    # The table's name is shown only where a config of the table was sent. [serving-api 10.7]
    if "inference_table_config" in sent and tables and tables.get("logs_table"):
        named = {"name": f"{tables['logs_table']}_payload"}
        kept["inference_table_config"] = sent["inference_table_config"] | named
    return kept


def read_at_creation(value: Any, record: Record) -> Telemetry:
    """Returns telemetry for custom models; for others it is dropped silently. [serving-api 1.2]"""
    return read(value, {}) if value is not None and endpoint_type(record) == CUSTOM else {}


def patched(value: Any, record: Record) -> Telemetry:
    """Replaces all of it; null removes it. Raises ApiError. [serving-api 1.9]"""
    return {} if value is None else read(value, record.get("telemetry") or {})


def endpoint_type(record: Record) -> str:
    """Returns the endpoint's type in the words of the service's refusals. [serving-api 1.9]"""
    config = record["config"] or record["pending"]
    if not config:
        return "NO_CONFIG"
    return f"{endpoints.kind_of(config).removesuffix('_API')}S"


def view(telemetry: Telemetry) -> Telemetry:
    """Returns telemetry as clients see it."""
    if "enabled_telemetry_features" not in telemetry:
        return telemetry
    features = rearrange(telemetry["enabled_telemetry_features"])
    return telemetry | {"enabled_telemetry_features": features}
