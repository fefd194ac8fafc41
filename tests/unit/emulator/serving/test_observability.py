"""What can be read about a served entity: logs, metrics, the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

BASE = "/api/2.0/serving-endpoints"
MODEL = {"entity_name": "ml.risk.fraud", "entity_version": "3", "scale_to_zero_enabled": True}
CUSTOM = {"served_entities": [MODEL]}
FAILED = {"endpoint": "chat", "state": "DEPLOYMENT_FAILED", "message": "no quota"}


def log(client: Any, kind: str = "build-logs", entity: str = "fraud-3") -> list[str]:
    text = client.get(f"{BASE}/chat/served-models/{entity}/{kind}")["logs"]
    assert all(line.startswith("[local workspace] ") for line in text.splitlines())
    return [line.removeprefix("[local workspace] ") for line in text.splitlines()]


def test_the_build_of_a_model_is_told_step_by_step(client: Any) -> None:
    client.create(config=CUSTOM)
    lines = log(client)
    assert "Downloading ml.risk.fraud 3." in lines
    assert lines[-1] == "DEPLOYMENT_READY"


def test_a_build_that_goes_on_says_so(client_of: Any) -> None:
    with running(Settings(transition="polls=1")) as server:
        client = client_of(server)
        client.create(config=CUSTOM)
        last = log(client)[-1]
    assert last == "DEPLOYMENT_CREATING Creating resources for served entity."


def test_a_failure_is_the_end_of_the_log(client: Any) -> None:
    client.faults({"deployment": FAILED | {"log": "Traceback:\nModuleNotFoundError: xgboost"}})
    client.create(config=CUSTOM)
    shown = client.endpoint()
    assert log(client)[-3:] == [
        "Traceback:",
        "ModuleNotFoundError: xgboost",
        "DEPLOYMENT_FAILED no quota",
    ]
    assert "ModuleNotFoundError: xgboost" in log(client, "logs")
    assert "xgboost" not in str(shown)


def test_external_models_have_nothing_to_build(client: Any, config: Any) -> None:
    client.faults({"deployment": FAILED})
    client.create(config=config())
    client.endpoint()
    assert log(client, entity="a") == [
        "Deploying served entity a.",
        "DEPLOYMENT_FAILED no quota",
    ]


def test_the_newest_deployment_is_the_one_that_is_told_of(client: Any) -> None:
    client.create(config=CUSTOM)
    client.endpoint()
    client.faults({"deployment": FAILED})
    client.put(f"{BASE}/chat/config", CUSTOM)
    client.endpoint()
    assert log(client)[-1] == "DEPLOYMENT_FAILED no quota"


@pytest.mark.parametrize("kind", ["logs", "build-logs"])
def test_an_entity_that_is_not_there_has_no_log(client: Any, kind: str) -> None:
    client.create(config=CUSTOM)
    reply = client.call("GET", f"{BASE}/chat/served-models/other/{kind}")
    assert (reply.status, reply.code) == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize("key", ["log", "message"])
def test_a_rule_with_a_log_that_is_no_text_is_refused(client: Any, key: str) -> None:
    rules = [{"deployment": FAILED | {key: ["line"]}}]
    reply = client.call("POST", "/__emulator__/faults", {"rules": rules})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert key in reply.json["message"]


def test_the_openapi_document_has_a_path_per_entity(client: Any, config: Any) -> None:
    client.create(config=config("a", "b"))
    client.endpoint()
    client.put(f"{BASE}/chat/config", config("a", "b"))
    client.endpoint()
    reply = client.call("GET", f"{BASE}/chat/openapi")
    assert reply.headers["content-type"].startswith("text/plain")
    document = json.loads(reply.content)
    assert (document["openapi"], document["info"]) == ("3.1.0", {"title": "chat", "version": "2"})
    assert document["servers"] == [{"url": f"{client.server.url}/serving-endpoints/chat"}]
    assert set(document["paths"]) == {f"/served-models/{each}/invocations" for each in "ab"}


@pytest.mark.parametrize("what", ["metrics", "openapi"])
def test_an_endpoint_that_is_not_ready_has_neither(client: Any, what: str) -> None:
    client.create("empty")
    client.create(config=CUSTOM)
    client.endpoint()
    client.post(f"{BASE}/chat/config:stop")
    for name, status in (("empty", 400), ("chat", 400), ("none", 404)):
        assert client.call("GET", f"{BASE}/{name}/{what}").status == status
