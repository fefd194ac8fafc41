"""Legacy inference tables: fixed names, and off for ever once they are off."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/api/2.0/serving-endpoints"
TABLE = {"catalog_name": "c", "schema_name": "s", "table_name_prefix": "p"}
MODEL = {"entity_name": "ml.risk.fraud", "entity_version": "3", "scale_to_zero_enabled": True}


def serving(**table: Any) -> Any:
    config = {"served_entities": [MODEL]}
    return config | ({"auto_capture_config": table} if table else {})


def shown(client: Any) -> Any:
    return client.endpoint()["config"].get("auto_capture_config")


def update(client: Any, **table: Any) -> Any:
    return client.call("PUT", f"{BASE}/chat/config", serving(**table))


def test_the_table_is_told_of(client: Any) -> None:
    client.create(config=serving(**TABLE))
    assert shown(client) == TABLE | {
        "enabled": True,
        "state": {
            "payload_table": {"name": "c.s.p_payload", "status": "READY", "status_message": ""}
        },
    }


def test_the_prefix_is_the_endpoints_name_unless_it_is_given(client: Any) -> None:
    client.create(config=serving(catalog_name="c", schema_name="s"))
    assert shown(client)["table_name_prefix"] == "chat"
    assert update(client, catalog_name="c", schema_name="s").status == 200
    assert update(client, **TABLE).status == 400


def test_disabled_it_has_no_table_and_may_keep_its_names(client: Any) -> None:
    client.create(config=serving(**TABLE))
    client.endpoint()
    assert update(client, enabled=False).status == 200
    assert shown(client) == TABLE | {"enabled": False}


CHANGES = [
    pytest.param([TABLE | {"catalog_name": "d"}], "cannot be changed", id="another catalog"),
    pytest.param([TABLE | {"schema_name": "d"}], "cannot be changed", id="another schema"),
    pytest.param([TABLE | {"table_name_prefix": "d"}], "cannot be changed", id="another prefix"),
    pytest.param([{"enabled": False}, TABLE], "cannot be enabled again", id="after disabling"),
    pytest.param([{}, TABLE], "cannot be enabled again", id="after leaving it out"),
    pytest.param(
        [{}, {"catalog_name": "d", "schema_name": "d"}],
        "cannot be changed",
        id="another one after leaving it out",
    ),
]


@pytest.mark.parametrize(("steps", "message"), CHANGES)
def test_the_last_change_is_refused(client: Any, steps: list[Any], message: str) -> None:
    client.create(config=serving(**TABLE))
    client.endpoint()
    for step in steps[:-1]:
        assert update(client, **step).status == 200
        client.endpoint()
    before = client.endpoint()
    reply = update(client, **steps[-1])
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in reply.json["message"]
    assert client.endpoint() == before


def test_left_out_it_is_gone(client: Any) -> None:
    client.create(config=serving(**TABLE))
    client.endpoint()
    assert update(client).status == 200
    assert shown(client) is None


def test_enabling_takes_a_catalog_and_a_schema(client: Any) -> None:
    body = {"name": "chat", "config": serving(catalog_name="c")}
    reply = client.call("POST", BASE, body)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert "config.auto_capture_config takes" in reply.json["message"]


def test_a_failed_update_leaves_the_table_on(client: Any) -> None:
    client.create(config=serving(**TABLE))
    client.endpoint()
    client.faults({"deployment": {"endpoint": "chat", "state": "DEPLOYMENT_FAILED"}})
    update(client)
    assert shown(client)["enabled"] is True
    assert update(client, **TABLE).status == 200
