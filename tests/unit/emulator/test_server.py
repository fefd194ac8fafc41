"""Starting and stopping: sockets, files, processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings, Transition
from provisioner.emulator.server import running

ENDPOINTS = "/api/2.0/serving-endpoints"


def test_a_free_port_and_a_random_token_are_chosen() -> None:
    with running(Settings()) as first, running(Settings()) as second:
        assert first.url == f"http://127.0.0.1:{first.port}"
        assert first.port != second.port
        assert first.token != second.token
        assert re.fullmatch(r"dapi[0-9a-f]{32}", first.token)
        assert first.token not in repr(first)


def test_a_taken_port_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    state = tmp_path / "state.sqlite"
    with running(Settings()) as server:
        settings = Settings(port=server.port, state=state)
        with pytest.raises(OSError, match="in use"), running(settings):
            pass
        assert not state.exists()
    assert set(threading.enumerate()) <= before


def test_only_the_loopback_address_listens() -> None:
    with running(Settings()) as server, socket.socket() as other:
        # Every address of 127/8 is this computer, but only one was bound.
        assert other.connect_ex(("127.0.0.2", server.port)) != 0


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(Settings(transition="soon"), id="an unknown transition"),
        pytest.param(Settings(transition="polls=x"), id="a number of polls that is none"),
        pytest.param(Settings(latency_ms=-1), id="a negative latency"),
        pytest.param(Settings(port=70_000), id="a port that there is not"),
    ],
)
def test_settings_without_sense_are_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match=r"transition|latency|port"), running(settings):
        pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("immediate", Transition(), id="immediate"),
        pytest.param("polls=3", Transition(polls=3), id="a number of polls"),
        pytest.param("seconds=1.5", Transition(seconds=1.5), id="a time"),
    ],
)
def test_transitions_are_read(text: str, expected: Transition) -> None:
    assert Transition.parse(text) == expected


def test_it_stops_quickly_although_connections_are_open(client_of: Any) -> None:
    with running(Settings()) as server:
        idle = socket.create_connection(("127.0.0.1", server.port))
        client_of(server).faults({"path": "/slow", "action": {"delay_ms": 60_000}})
        slow = socket.create_connection(("127.0.0.1", server.port))
        slow.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while client_of(server).get("/__emulator__/faults")["rules"][0]["seen"] == 0:
            pass
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
    idle.close()
    slow.close()


def test_nothing_is_printed(capfd: Any, client_of: Any) -> None:
    with running(Settings()) as server:
        client_of(server).call("GET", "/nothing")
        with socket.create_connection(("127.0.0.1", server.port)) as noise:
            noise.sendall(b"this is not HTTP\r\n\r\n")
            noise.recv(1000)
    assert capfd.readouterr() == ("", "")


def test_every_answer_waits_for_the_latency(client_of: Any) -> None:
    with running(Settings(latency_ms=80)) as server:
        began = time.monotonic()
        client_of(server).get(ENDPOINTS)
        assert time.monotonic() - began >= 0.08


def test_the_state_survives_a_restart_in_a_private_file(
    tmp_path: Path, client_of: Any, config: Any
) -> None:
    state = tmp_path / "new" / "folder" / "state.sqlite"
    with running(Settings(state=state)) as server:
        client_of(server).create("chat", config=config())
        id_before = client_of(server).endpoint()["id"]
        modes = {path.name: path.stat().st_mode & 0o777 for path in state.parent.iterdir()}
        assert set(modes.values()) == {0o600}, modes
    with running(Settings(state=str(state))) as server:
        assert client_of(server).endpoint()["id"] == id_before


def test_an_existing_state_becomes_private(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    with running(Settings(state=state)):
        pass
    state.chmod(0o644)
    with running(Settings(state=state)):
        assert state.stat().st_mode & 0o777 == 0o600


def test_another_kind_of_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database")
    file.chmod(0o644)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    for path in (file, foreign):
        with pytest.raises(sqlite3.DatabaseError, match="not the state"), running(Settings(path)):
            pass
    assert file.read_text() == "not a database"
    assert file.stat().st_mode & 0o777 == 0o644


def test_two_servers_share_a_file(tmp_path: Path, client_of: Any, config: Any) -> None:
    settings = Settings(state=tmp_path / "state.sqlite", transition="polls=2")
    with running(settings) as one, running(settings) as two:
        client_of(one).create("chat", config=config())
        states = [client_of(server).endpoint()["state"] for server in (one, two, one)]
    seen = [state["config_update"] for state in states]
    assert seen == ["IN_PROGRESS", "IN_PROGRESS", "NOT_UPDATING"]


def test_servers_that_start_at_once_share_a_new_file(tmp_path: Path, client_of: Any) -> None:
    state = tmp_path / "state.sqlite"
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with running(Settings(state=state)) as server:
                client_of(server).create(f"e{number}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with running(Settings(state=state)) as server:
        names = {found["name"] for found in client_of(server).get(ENDPOINTS)["endpoints"]}
    assert names >= {f"e{number}" for number in range(6)}


def test_it_speaks_tls(tmp_path: Path) -> None:
    import ssl

    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with running(Settings(certificate=(certificate, key))) as server:
        url = f"{server.url}/.well-known/databricks-config"
        with urllib.request.urlopen(url, context=context) as answer:
            assert f"{server.url}/oidc".encode() in answer.read()
    assert server.url.startswith("https://")


def test_a_missing_certificate_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    before = set(threading.enumerate())
    settings = Settings(certificate=(missing, missing))
    with pytest.raises(FileNotFoundError), running(settings):
        pass
    assert set(threading.enumerate()) <= before


SERVE = """
from provisioner.emulator.server import serve
from provisioner.emulator.http.settings import Settings
serve(Settings(), lambda server: print(server.url, flush=True))
print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_blocking_server_ends_at_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/.well-known/databricks-config") as answer:
            assert answer.status == 200
        process.send_signal(number)
        assert process.stdout.read() == "stopped\n"
    assert process.returncode == 0


def test_a_server_can_keep_the_order_of_lists(client_of, config) -> None:
    """The direct engine of bundles compares entities and tags by position. [serving-api 10.1]"""
    names = [f"e{number}" for number in range(8)]
    tags = [{"key": name, "value": "v"} for name in names]
    orders = {}
    for shuffle in (True, False):
        with running(Settings(shuffle=shuffle)) as server:
            client = client_of(server)
            client.create(config=config(*names), tags=tags)
            endpoint = client.endpoint()
        served = [entity["name"] for entity in endpoint["config"]["served_entities"]]
        orders[shuffle] = (served, [tag["key"] for tag in endpoint["tags"]])
    assert orders[False] == (names, names)
    assert orders[True] != orders[False]
    assert [sorted(order) for order in orders[True]] == [names, names]
