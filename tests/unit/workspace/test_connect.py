"""The door of the package, with the machine's own clock, and what bodies may hold."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType

import pytest

from provisioner.model.secret import Secret
from provisioner.workspace import WorkspaceTarget, connect
from provisioner.workspace.credentials import find_login
from provisioner.workspace.transport import Transport
from provisioner.workspace.wire import open_wire

PATH = "/api/2.0/serving-endpoints/chat"


def test_connect(serve):
    server = serve("good")
    agent = "provisioner/1 (späße\r\nX-Injected: 1; dev)" + "x" * 900
    with connect(
        WorkspaceTarget(host=server.url), {"DATABRICKS_TOKEN": "x1234"}, agent
    ) as connection:
        assert connection.host == server.url
        assert connection.get(PATH) == {"name": "chat"}
    (head, _) = server.requests[0]
    sent = head.partition("User-Agent: ")[2].partition("\r\n")[0]
    assert sent.startswith("provisioner/1 (sp??e X-Injected: 1; dev)xxx")
    assert len(sent) == 400


@pytest.mark.parametrize(("parallel", "connections"), [(0, 1), (1, 1), (8, 8), (999, 64)])
def test_the_number_of_connections_is_bounded(parallel, connections, serve):
    login = find_login(WorkspaceTarget(host="https://a.test"), {"DATABRICKS_TOKEN": "x1234"})
    assert open_wire(login, {}, parallel).parallel == connections


def test_many_workers_share_few_connections(serve):
    server = serve("good")
    connection = connect(WorkspaceTarget(host=server.url), {"DATABRICKS_TOKEN": "x1234"}, "a", 4)
    with connection, ThreadPoolExecutor(16) as workers:
        found = list(workers.map(connection.get, [PATH] * 200))
    assert found == [{"name": "chat"}] * 200
    assert len(server.requests) == 200
    assert server.connections <= 4


def test_bodies_of_any_mapping(serve, connect):
    server = serve("good")
    body = MappingProxyType({"a": MappingProxyType({"b": [Secret("s3cret")]})})
    connect(server.url).send("PUT", PATH, body, repeatable=True)
    assert json.loads(server.requests[0][1]) == {"a": {"b": ["s3cret"]}}


NO_JSON = [
    pytest.param({"a": {1, 2}}, TypeError, id="a set"),
    pytest.param({"a": float("nan")}, ValueError, id="not a number"),
]


@pytest.mark.parametrize(("body", "error"), NO_JSON)
def test_a_body_that_is_no_json_is_a_defect_of_ours(body, error, serve, connect):
    server = serve("good")
    with pytest.raises(error):
        connect(server.url).send("POST", PATH, body, repeatable=False)
    assert server.requests == []


def test_a_defect_of_ours_is_not_told_as_trouble_on_the_way(serve):
    server = serve("good")
    login = find_login(WorkspaceTarget(host=server.url), {"DATABRICKS_TOKEN": "x1234"})
    broken = replace(login, headers=lambda: {"Authorization": object()})
    with Transport(broken, open_wire(login, {}, 1), "agent") as connection:
        for _ in range(2):
            with pytest.raises(TypeError):
                connection.get(PATH)


def test_the_real_sdk_and_we_send_the_same_request(serve, connect, monkeypatch):
    """The oracle: for what both can send, path and body are equal."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import EndpointTag

    monkeypatch.setenv("HOME", "/nonexistent")
    server = serve("good")
    sdk = WorkspaceClient(host=server.url, token="x1234")
    sdk.serving_endpoints.patch("chat", add_tags=[EndpointTag("key", "välue")])
    body = {"add_tags": [{"key": "key", "value": "välue"}]}
    connect(server.url).send("PATCH", f"{PATH}/tags", body, repeatable=True)
    theirs, ours = server.requests[-2:]
    assert ours[0].split("\r\n")[0] == theirs[0].split("\r\n")[0]
    assert json.loads(ours[1]) == json.loads(theirs[1])
