"""One local workspace per test module, emptied before each test, and a plain HTTP client."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from http_reply import Reply

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running

BASE = "/api/2.0/serving-endpoints"
Json = dict[str, Any]


class Client:
    """Every call on a connection of its own."""

    def __init__(self, server: Running) -> None:
        self.server = server

    def call(
        self, method: str, path: str, body: Any = None, timeout_s: float = 10, **headers: str
    ) -> Reply:
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.server.token}", **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout_s)
        try:
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        return self._accepted("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self._accepted("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self._accepted("PUT", path, body)

    def patch(self, path: str, body: Any) -> Any:
        return self._accepted("PATCH", path, body)

    def endpoint(self, name: str = "chat") -> Any:
        return self.get(f"{BASE}/{name}")

    def create(self, name: str = "chat", **parts: Any) -> Any:
        return self.post(BASE, {"name": name, **parts})

    def principal(self, name: str = "", **more: Any) -> tuple[Any, Client]:
        """A new principal as it is answered, and a client that asks with its token."""
        made = self.post("/__emulator__/principals", {"name": name, **more})
        return made, self.asking_with(made["token"])

    def asking_with(self, token: str) -> Client:
        return Client(replace(self.server, token=token))

    def faults(self, *rules: Json) -> None:
        self.post("/__emulator__/faults", {"rules": rules})

    def pass_time(self, seconds: float) -> None:
        self.post("/__emulator__/clock", {"advance_s": seconds})

    def _accepted(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.call(method, path, body)
        assert reply.status == 200, reply.content
        return reply.json


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(Settings()) as server:
        yield server


@pytest.fixture
def client(server: Running) -> Client:
    client = Client(server)
    client.post("/__emulator__/reset")
    return client


@pytest.fixture(scope="session")
def client_of() -> type[Client]:
    """For tests that start a server of their own."""
    return Client


@pytest.fixture(scope="session")
def entity() -> Any:
    """Makes a served entity; ``changed`` are fields of its external model."""

    def made(entity_name: str | None = "a", task: str = "llm/v1/chat", **changed: Any) -> Json:
        model = {
            "name": "gpt-4o",
            "provider": "openai",
            "task": task,
            "openai_config": {"openai_api_key_plaintext": "sk-very-secret"},
        }
        named = {} if entity_name is None else {"name": entity_name}
        return {**named, "external_model": model | changed}

    return made


@pytest.fixture(scope="session")
def config(entity: Any) -> Any:
    """Makes a configuration with one entity per name, the traffic all on the first."""

    def made(*names: str, **changed: Any) -> Json:
        names = names or ("a",)
        routes = [
            {"served_entity_name": name, "traffic_percentage": 0 if index else 100}
            for index, name in enumerate(names)
        ]
        return {
            "served_entities": [entity(name, **changed) for name in names],
            "traffic_config": {"routes": routes},
        }

    return made
