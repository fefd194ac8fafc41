"""A local workspace over real HTTP, and a client that is as simple as can be."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from http_reply import Reply

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running

ENDPOINTS = "/api/2.0/serving-endpoints"
NUMBERS = itertools.count(1)
Json = dict[str, Any]


class Client:
    def __init__(self, server: Running) -> None:
        self.url = server.url
        self.token = server.token

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        sent = {"authorization": f"Bearer {self.token}", **headers}
        request = urllib.request.Request(self.url + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read())

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        return self.call("POST", path, body, **headers)

    def query(self, name: str, body: Any) -> Reply:
        return self.post(f"/serving-endpoints/{name}/invocations", body)

    def ask(self, name: str, text: str = "hello") -> Reply:
        return self.query(name, {"messages": [{"role": "user", "content": text}]})

    def serve(self, name: str, *entities: Json, gateway: Json | None = None, **shares: int) -> None:
        """Create an endpoint. ``shares`` are the traffic of each entity, equal parts by default."""
        percentages = shares or {each["name"]: 100 // len(entities) for each in entities}
        routes = [
            {"served_entity_name": entity, "traffic_percentage": percentage}
            for entity, percentage in percentages.items()
        ]
        config = {"served_entities": entities, "traffic_config": {"routes": routes}}
        body = {"name": name, "config": config, "ai_gateway": gateway or {}}
        answer = self.post(ENDPOINTS, body)
        assert answer.status == 200, answer.content

    def fail(self, name: str, entity: str, status: int = 503, **rule: Any) -> None:
        """Let the provider behind a served entity fail, for ever unless ``times`` is given."""
        path = f"/__provider__/{name}/{entity}"
        action = {"status": status, "body": {"said": "overloaded"}}
        rules = [{"path": path, "times": 0, "action": action, **rule}]
        assert self.post("/__emulator__/faults", {"rules": rules}).status == 200

    def pass_time(self, seconds: float) -> None:
        assert self.post("/__emulator__/clock", {"advance_s": seconds}).status == 200


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with running(Settings()) as server:
        yield Client(server)


@pytest.fixture
def name() -> str:
    """A name that no other endpoint has."""
    return f"endpoint-{next(NUMBERS)}"


@pytest.fixture(scope="session")
def external() -> Any:
    """Makes a served entity with an external model."""

    def made(name: str = "a", task: str = "chat", model: str = "gpt-4o") -> Json:
        return {
            "name": name,
            "external_model": {
                "name": model,
                "provider": "openai",
                "task": f"llm/v1/{task}",
                "openai_config": {"openai_api_key_plaintext": "sk-made-up"},
            },
        }

    return made


@pytest.fixture(scope="session")
def custom() -> Any:
    """Makes a served entity with a model of the user's own."""

    def made(name: str = "a", model: str = "ml.risk.fraud") -> Json:
        return {
            "name": name,
            "entity_name": model,
            "entity_version": "1",
            "workload_size": "Small",
            "scale_to_zero_enabled": True,
        }

    return made
