"""The server is killed in the middle of writing; what it has acknowledged is there afterwards."""

from __future__ import annotations

import http.client
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from proofs import FULL

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

WRITERS = 4
# After which acknowledged write the server dies.
KILLED_AFTER = (1, 10, *range(100, 1_001, 100)) if FULL else (1, 75)
TOKEN = "dapi-kill"
SCOPE = {"scope": "s"}
BASE = "/api/2.0/serving-endpoints"

SERVE = """
import sys
from provisioner.emulator.server import serve
from provisioner.emulator.http.settings import Settings
settings = Settings(state=sys.argv[1], token=sys.argv[2], transition="polls=3")
serve(settings, lambda server: print(server.port, flush=True))
"""


@contextmanager
def served(state: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-c", SERVE, str(state), TOKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


class Writer:
    """Writes secrets and endpoints in turns, and keeps what was acknowledged."""

    def __init__(self, name: int, port: int) -> None:
        self._name = name
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.keys: set[str] = set()
        self.endpoints: set[str] = set()
        self.lost: str | None = None

    def work(self, after_each: Any) -> None:
        """Until the server is gone."""
        for number in itertools.count():
            key = self.lost = f"w{self._name}-{number}"
            try:
                if number % 3:
                    self._send("/api/2.0/secrets/put", SCOPE | {"key": key, "string_value": key})
                    self.keys.add(key)
                else:
                    self._send(BASE, {"name": key})
                    self.endpoints.add(key)
            except (OSError, http.client.HTTPException):
                self._connection.close()
                return
            after_each()

    def create_scope(self) -> None:
        self._send("/api/2.0/secrets/scopes/create", SCOPE)
        self._connection.close()

    def _send(self, path: str, body: Any) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self._connection.request("POST", path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200


def writers_until_killed(state: Path, killed_after: int) -> list[Writer]:
    """What each writer knows after the server was killed."""
    acknowledged = threading.Semaphore(0)
    with served(state) as (process, port):
        Writer(-1, port).create_scope()
        writers = [Writer(name, port) for name in range(WRITERS)]
        arguments = (acknowledged.release,)
        threads = [threading.Thread(target=each.work, args=arguments) for each in writers]
        for thread in threads:
            thread.start()
        for _ in range(killed_after):
            acknowledged.acquire()
        process.kill()
        for thread in threads:
            thread.join()
    return writers


@pytest.mark.proof("kill")
@pytest.mark.parametrize("killed_after", KILLED_AFTER)
def test_no_acknowledged_write_is_lost(tmp_path: Path, client_of: Any, killed_after: int) -> None:
    state = tmp_path / "state.sqlite"
    writers = writers_until_killed(state, killed_after)
    written = sum(len(each.keys) + len(each.endpoints) for each in writers)
    assert written >= killed_after
    with running(Settings(state=state, token=TOKEN)) as server:
        client = client_of(server)
        keys = {each["key"] for each in client.get("/api/2.0/secrets/list?scope=s")["secrets"]}
        names = {each["name"] for each in client.get(BASE)["endpoints"]}
        client.create("after")
    acknowledged = set[str]().union(*(each.keys | each.endpoints for each in writers))
    on_the_way = {each.lost for each in writers}
    found = {name for name in keys | names if not name.startswith("databricks-")}
    # Nothing is lost, and nothing is there that nobody asked for.
    assert acknowledged <= found <= acknowledged | on_the_way
