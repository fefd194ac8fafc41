"""Telemetry: which endpoints have it, what is used up and what is shown."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

BASE = "/api/2.0/serving-endpoints"
PATH = f"{BASE}/chat/telemetry-config"
MODEL = {"entity_name": "ml.risk.fraud", "entity_version": "3", "scale_to_zero_enabled": True}
CUSTOM = {"served_entities": [MODEL]}
TABLES = {"table_names": {"logs_table": "c.s.logs", "traces_table": "c.s.traces"}}
ALL = [f"TELEMETRY_FEATURE_{each}" for each in ("LOGS", "TRACES", "METRICS", "INFERENCE_TABLE")]


def patch(client: Any, telemetry: Any) -> Any:
    return client.call("PATCH", PATH, {"telemetry_config": telemetry})


def test_tables_become_a_profile(client: Any) -> None:
    created = client.create(config=CUSTOM, telemetry_config=TABLES)
    telemetry = client.endpoint()["telemetry_config"]
    assert created["telemetry_config"] == telemetry
    assert set(telemetry) == {"telemetry_profile_id"}
    (listed,) = [each for each in client.get(BASE)["endpoints"] if each["name"] == "chat"]
    assert listed["telemetry_config"] == telemetry


def test_a_profile_may_be_used_again(client: Any) -> None:
    client.create(config=CUSTOM, telemetry_config=TABLES)
    profile = client.endpoint()["telemetry_config"]["telemetry_profile_id"]
    sent = {
        "telemetry_profile_id": profile,
        "enabled_telemetry_features": ALL,
        "inference_table_config": {"sampling_fraction": 0.25, "name": "ignored"},
    }
    telemetry = patch(client, sent).json["telemetry_config"]
    assert telemetry["telemetry_profile_id"] == profile
    assert telemetry["inference_table_config"] == {"sampling_fraction": 0.25}
    features = telemetry["enabled_telemetry_features"]
    assert features != ALL
    assert sorted(features) == sorted(ALL)
    assert client.endpoint()["telemetry_config"] == telemetry


def test_the_payload_table_gets_a_name_when_a_config_of_it_was_sent(client: Any) -> None:
    table = {"inference_table_config": {"sampling_fraction": 0.5}}
    client.create(config=CUSTOM, telemetry_config=TABLES | table)
    shown = client.endpoint()["telemetry_config"]["inference_table_config"]
    assert shown == {"sampling_fraction": 0.5, "name": "c.s.logs_payload"}


NEITHER = {"inference_table_config": {"sampling_fraction": 0.5}}


def test_a_patch_without_tables_and_profile_changes_nothing(client: Any) -> None:
    client.create(config=CUSTOM, telemetry_config=TABLES)
    before = client.endpoint()["telemetry_config"]
    for sent in (NEITHER, {}):
        reply = patch(client, sent)
        assert (reply.status, reply.json["telemetry_config"]) == (200, before)
    assert client.endpoint()["telemetry_config"] == before


def test_a_create_without_tables_and_profile_has_no_telemetry(client: Any) -> None:
    client.create(config=CUSTOM, telemetry_config=NEITHER)
    assert "telemetry_config" not in client.endpoint()


def test_of_a_profile_and_tables_the_profile_is_kept(client: Any) -> None:
    client.create(config=CUSTOM, telemetry_config=TABLES | {"telemetry_profile_id": "p"})
    assert client.endpoint()["telemetry_config"] == {"telemetry_profile_id": "p"}


@pytest.mark.parametrize("body", [{}, {"telemetry_config": None}], ids=["left out", "null"])
def test_without_a_config_it_is_removed(client: Any, body: Any) -> None:
    client.create(config=CUSTOM, telemetry_config=TABLES)
    client.endpoint()
    assert "telemetry_config" not in client.patch(PATH, body)
    assert "telemetry_config" not in client.endpoint()


def test_create_drops_it_for_others_and_the_call_refuses(client: Any, config: Any) -> None:
    client.create(config=config(), telemetry_config=TABLES)
    assert "telemetry_config" not in client.endpoint()
    reply = patch(client, TABLES)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert reply.json["message"] == (
        "Telemetry configuration is not supported for endpoint type 'EXTERNAL_MODELS'. "
        "This API only supports endpoints with custom served models."
    )


def test_an_endpoint_without_a_config_has_none(client: Any) -> None:
    client.create(telemetry_config=TABLES)
    assert "telemetry_config" not in client.endpoint()
    assert "NO_CONFIG" in patch(client, TABLES).json["message"]


def test_it_has_to_wait_for_an_update(client_of: Any) -> None:
    with running(Settings(transition="polls=1")) as server:
        client = client_of(server)
        client.create(config=CUSTOM)
        reply = patch(client, TABLES)
    assert (reply.status, reply.code) == (409, "RESOURCE_CONFLICT")
    assert reply.json["message"].startswith("Endpoint chat is currently updating.")


REFUSED = [
    pytest.param(
        TABLES | {"enabled_telemetry_features": ["LOGS"]}, "must be one of", id="unknown feature"
    ),
    pytest.param(
        TABLES | {"inference_table_config": {"sampling_fraction": 1.5}}, "0 to 1", id="too often"
    ),
    pytest.param(
        TABLES | {"inference_table_config": {"sampling_fraction": True}}, "0 to 1", id="a flag"
    ),
    pytest.param([], "must be an object", id="a list"),
]


@pytest.mark.parametrize(("telemetry", "message"), REFUSED)
def test_it_is_refused(client: Any, telemetry: Any, message: str) -> None:
    body = {"name": "chat", "config": CUSTOM, "telemetry_config": telemetry}
    reply = client.call("POST", BASE, body)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in reply.json["message"]
    client.create(config=CUSTOM)
    client.endpoint()
    assert patch(client, telemetry).status == 400
    assert "telemetry_config" not in client.endpoint()


def test_a_missing_endpoint_is_404(client: Any) -> None:
    assert patch(client, TABLES).code == "RESOURCE_DOES_NOT_EXIST"


def test_databricks_own_endpoints_keep_theirs(client: Any) -> None:
    path = f"{BASE}/databricks-dbrx-instruct/telemetry-config"
    assert client.call("PATCH", path, {}).code == "PERMISSION_DENIED"
