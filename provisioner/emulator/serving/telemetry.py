"""Telemetry of custom models: what may be sent, what is kept and what is shown of it.

Sources: [serving-api 1.2, 1.9, 2.9, 3.9].
"""

from __future__ import annotations

import uuid
from typing import Any

from provisioner.emulator.http.ordering import rearranged
from provisioner.emulator.http.routing import invalid
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


def read(value: Any) -> Telemetry:
    """What is kept: the tables are used up for a new profile, and only its id is shown.

    Raises ApiError. That one of the two is needed is how we read the SDK, which says that either
    can be given; a client that sends exactly one is right in any case. A profile that was not
    made here may be named: there is no other call that makes one. [serving-api 1.9]
    """
    sent: Telemetry = READER(value, "telemetry_config")
    tables, profile = sent.pop("table_names", None), sent.get("telemetry_profile_id")
    if bool(tables) == bool(profile):
        raise invalid("telemetry_config takes one of telemetry_profile_id and table_names.")
    if tables:
        sent["telemetry_profile_id"] = str(uuid.uuid4())
        table = f"{tables['logs_table']}_payload" if tables.get("logs_table") else ""
        named = {"name": table} if table else {}
        if "inference_table_config" in sent or (named and _has_payloads(sent)):
            sent["inference_table_config"] = sent.get("inference_table_config", {}) | named
    return sent


def _has_payloads(sent: Telemetry) -> bool:
    """No feature named means all of them. [serving-api 2.9]"""
    features = sent.get("enabled_telemetry_features")
    return not features or FEATURES[-1] in features


def at_creation(value: Any, record: Record) -> Telemetry:
    """Kept for custom models, dropped without a word for others. [serving-api 1.2]"""
    return read(value) if value is not None and endpoint_type(record) == CUSTOM else {}


def endpoint_type(record: Record) -> str:
    """As the service's refusals name it; two of the words are known. [serving-api 1.9]"""
    config = record["config"] or record["pending"]
    if not config:
        return "NO_CONFIG"
    return f"{endpoints.kind_of(config).removesuffix('_API')}S"


def shown(telemetry: Telemetry) -> Telemetry:
    if "enabled_telemetry_features" not in telemetry:
        return telemetry
    features = rearranged(telemetry["enabled_telemetry_features"])
    return telemetry | {"enabled_telemetry_features": features}
