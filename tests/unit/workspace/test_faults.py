"""Every fault with every sort of request: what comes out, and how often it was sent."""

import http.client
import json
import re
import socket
import time

import pytest

from provisioner.errors import (
    LoginError,
    LostAnswerError,
    ServiceError,
    UnreachableError,
    WorkspaceError,
)
from provisioner.workspace.retries import CallLimits

PATH = "/api/2.0/serving-endpoints/chat"


def read(connection):
    return connection.get(PATH)


def repeat(connection):
    return connection.send("PUT", PATH, {"a": 1}, repeatable=True)


def once(connection):
    return connection.send("POST", PATH, {"a": 1}, repeatable=False)


def status(code, body=None, **headers):
    """The service's answer with its usual error, or with ``body``."""
    body = {"error_code": "SOME_CODE", "message": "some words"} if body is None else body
    text = body if isinstance(body, str) else json.dumps(body)
    lines = [f"HTTP/1.1 {code} {http.client.responses[code]}", f"Content-Length: {len(text)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


# fault -> for a read, a repeatable write and any other write: the error, and how many
# requests the server has seen when three attempts are allowed.
CUT = ((UnreachableError, 3), (LostAnswerError, 3), (LostAnswerError, 1))
FAILED = ((ServiceError, 3), (ServiceError, 3), (LostAnswerError, 1))
BUSY = ((ServiceError, 3), (ServiceError, 3), (ServiceError, 3))
SAID_NO = ((ServiceError, 1), (ServiceError, 1), (ServiceError, 1))
NO_API = ((UnreachableError, 1), (UnreachableError, 1), (UnreachableError, 1))
NO_LOGIN = ((LoginError, 1), (LoginError, 1), (LoginError, 1))

TABLE = {
    "the connection is reset": ("reset", CUT),
    "the connection is closed without a word": ("closed", CUT),
    "the status line is cut": ("cut in the status line", CUT),
    "the headers are cut": ("cut in the headers", CUT),
    "the body is cut": ("cut in the body", CUT),
    "a chunk is cut": ("cut in a chunk", CUT),
    "the last chunk is missing": ("cut after a chunk", CUT),
    "the other side does not speak HTTP": ("not HTTP", CUT),
    "the headers come too slowly": ("slow headers", CUT),
    "the body comes too slowly": ("slow body", CUT),
    "the chunks come too slowly": ("slow chunks", CUT),
    "the answer is not JSON": (status(200, "{"), CUT),
    "the answer is a list": (status(200, []), CUT),
    "408": (status(408), FAILED),
    "500": (status(500), FAILED),
    "502 with a page of the gateway": (status(502, "<html>", Content_Type="text/html"), FAILED),
    "504": (status(504), FAILED),
    "503": (status(503), BUSY),
    "503 with a page of the gateway": (status(503, "<html>"), BUSY),
    "400": (status(400), SAID_NO),
    "403": (status(403), SAID_NO),
    "409": (status(409), SAID_NO),
    "413": (status(413), SAID_NO),
    "501": (status(501), SAID_NO),
    "505": (status(505), SAID_NO),
    "401": (status(401), NO_LOGIN),
    "302 to another host": (status(302, "", Location="https://login.example.test/"), NO_API),
    "308 to the same host": (status(308, "", Location="/elsewhere"), NO_API),
    "a sign-in page": (status(200, "<!doctype html>", Content_Type="text/html"), NO_API),
    "404 with a page": (status(404, "<html>", Content_Type="text/html"), NO_API),
    "404 without a body": (status(404, ""), NO_API),
}

MODES = {"a read": read, "a repeatable write": repeat, "a write": once}

CELLS = [
    pytest.param(fault, request, expected, id=f"{sentence}, {mode}")
    for sentence, (fault, row) in TABLE.items()
    for (mode, request), expected in zip(MODES.items(), row, strict=True)
]


@pytest.mark.parametrize(("fault", "request_", "expected"), CELLS)
def test_a_fault_that_stays(fault, request_, expected, serve, connect):
    error, seen = expected
    server = serve(fault)
    connection = connect(server.url, limits=CallLimits(attempts=3, read_s=10, send_s=10))
    with pytest.raises(error) as caught:
        request_(connection)
    assert type(caught.value) is error
    assert len(server.requests) == seen
    assert PATH in str(caught.value)
    assert [p.message.endswith(".") for p in caught.value.problems] == [False]


RETRIED = [cell for cell in CELLS if cell.values[2][1] == 3]


@pytest.mark.parametrize(("fault", "request_", "expected"), RETRIED)
def test_a_fault_that_passes(fault, request_, expected, serve, connect):
    server = serve(fault, "good")
    connection = connect(server.url, limits=CallLimits(attempts=3, read_s=10, send_s=10))
    assert request_(connection) == {"name": "chat"}
    assert len(server.requests) == 2


def test_silence_after_a_slow_start_gets_only_the_time_that_is_left(serve, connect, clock):
    def behave(sock, server):
        # The client's time runs from when it begins to wait, just after it has sent all.
        server.stopped.wait(0.3)
        server.clock.advance(59.9)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
        server.stopped.wait(20)

    connection = connect(serve(behave).url, limits=CallLimits(attempts=1, read_s=60))
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="did not finish its answer within 60 s"):
        read(connection)
    assert time.monotonic() - began < 15


TIMED_OUT = [
    pytest.param(read, UnreachableError, id="a read"),
    pytest.param(repeat, LostAnswerError, id="a repeatable write"),
    pytest.param(once, LostAnswerError, id="a write"),
]


@pytest.mark.parametrize(("request_", "error"), TIMED_OUT)
def test_no_answer_at_all(request_, error, serve, connect):
    server = serve("silence")
    connection = connect(server.url, limits=CallLimits(attempts=1, read_s=0.2, send_s=0.2))
    with pytest.raises(error, match=r"did not finish its answer within 0\.2 s"):
        request_(connection)
    assert len(server.requests) == 1


@pytest.mark.parametrize("request_", MODES.values(), ids=MODES)
def test_a_refused_connection_was_never_sent(request_, refused, connect, clock):
    with pytest.raises(UnreachableError, match=r"connection refused.*tried 3 times") as caught:
        request_(connect(refused))
    assert len(clock.slept) == 2
    assert caught.value.problems[0].code == "E408"


@pytest.mark.parametrize("request_", MODES.values(), ids=MODES)
def test_a_host_that_does_not_exist_is_asked_for_once(request_, connect, clock, monkeypatch):
    def unknown(*anything, **more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnreachableError, match=r"there is no host nowhere\.invalid"):
        request_(connect("https://nowhere.invalid"))
    assert clock.slept == []


def test_a_name_that_worked_before_is_looked_up_again(serve, connect, clock, monkeypatch):
    connection = connect(serve("good", "closed").url)
    assert connection.get(PATH)

    def unknown(*anything, **more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnreachableError, match=r"tried 3 times"):
        connection.get(PATH)


def test_404_is_none_to_a_read_and_a_refusal_to_a_write(serve, connect):
    server = serve(status(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}))
    connection = connect(server.url)
    assert connection.get(PATH, absent={"RESOURCE_DOES_NOT_EXIST"}) is None
    with pytest.raises(ServiceError) as caught:
        repeat(connection)
    assert (caught.value.status, caught.value.error_code) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert len(server.requests) == 2


def test_404_is_a_refusal_where_the_route_has_no_absence(serve, connect):
    server = serve(status(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}))
    with pytest.raises(ServiceError, match="gone"):
        read(connect(server.url))
    assert len(server.requests) == 1


def test_404_for_an_unknown_route_is_no_proof_of_absence(serve, connect):
    server = serve(status(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "No API found"}))
    with pytest.raises(ServiceError, match="No API found"):
        read(connect(server.url))


def test_a_write_may_be_answered_with_nothing(serve, connect):
    server = serve(status(200, ""))
    assert once(connect(server.url)) == {}
    assert len(server.requests) == 1


def test_a_refusal_after_a_lost_answer_is_the_refusal(serve, connect):
    server = serve("reset", status(404))
    with pytest.raises(ServiceError, match="404"):
        repeat(connect(server.url))


def test_a_write_lost_once_and_then_put_off_is_in_doubt(serve, connect):
    server = serve("reset", status(503))
    with pytest.raises(LostAnswerError, match="unknown whether the request took effect"):
        repeat(connect(server.url))


def test_a_write_lost_once_and_then_put_off_for_too_long_is_in_doubt(serve, connect):
    server = serve("reset", status(429, Retry_After="290"))
    with pytest.raises(LostAnswerError):
        repeat(connect(server.url, limits=CallLimits(budget_s=300)))
    assert len(server.requests) == 3


def test_what_the_service_said_reaches_the_user(serve, connect):
    server = serve(status(409, {"error_code": "RESOURCE_CONFLICT", "message": "is updating"}))
    with pytest.raises(ServiceError) as caught:
        once(connect(server.url))
    assert str(caught.value) == f"POST {PATH}: 409 RESOURCE_CONFLICT: is updating"


SHAPES = [
    pytest.param('{"message": "a"}', ("", "a"), id="without a code"),
    pytest.param('{"error": {"code": "X", "message": "b"}}', ("X", "b"), id="OpenAI's"),
    pytest.param('{"error": "c"}', ("", "c"), id="an error as text"),
    pytest.param('{"detail": "d", "status": "400"}', ("", "d"), id="SCIM's"),
    pytest.param("INVALID: e", ("", "INVALID: e"), id="plain text"),
    pytest.param("<title> f </title>", ("", "f"), id="a page"),
    pytest.param("", ("", "Bad Request"), id="nothing"),
    pytest.param('{"error_code": 7, "message": []}', ("", "Bad Request"), id="wrong types"),
    pytest.param('{"error_code": "A\\nB", "message": "g"}', ("", "g"), id="a code that is none"),
]


@pytest.mark.parametrize(("body", "expected"), SHAPES)
def test_shapes_of_errors(body, expected, serve, connect):
    with pytest.raises(ServiceError) as caught:
        read(connect(serve(status(400, body)).url))
    assert (caught.value.error_code, caught.value.reason) == expected


def test_connections_are_kept(serve, connect):
    server = serve("good")
    connection = connect(server.url)
    for _ in range(5):
        read(connection)
    assert (len(server.requests), server.connections) == (5, 1)


def test_a_connection_idle_for_long_is_not_trusted(serve, connect, clock):
    server = serve("good")
    connection = connect(server.url)
    read(connection)
    clock.advance(600)
    read(connection)
    assert server.connections == 2


def test_a_connection_that_the_server_closed_meanwhile_costs_no_attempt(serve, connect):
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    connection = connect(server.url)
    assert [once(connection), once(connection)] == [{}, {}]
    assert len(server.requests) == 2


def test_the_request_as_it_is_sent(serve, connect):
    server = serve("good")
    connection = connect(server.url)
    connection.get(PATH, {"scope": "a b&c", "n": "1"})
    connection.send("POST", PATH, {"a": {"b": ["é", None, 0]}}, repeatable=False)
    connection.send("DELETE", PATH, None, repeatable=True)
    (got, _), (posted, body), (deleted, nothing) = server.requests
    assert got.startswith(f"GET {PATH}?scope=a%20b%26c&n=1 HTTP/1.1\r\n")
    assert "User-Agent: provisioner/test (project; dev; 0123)" in got
    assert "Authorization: Bearer dapi" in got
    assert "Content-Type: application/json" in posted
    assert json.loads(body) == {"a": {"b": ["é", None, 0]}}
    assert deleted.startswith(f"DELETE {PATH} HTTP/1.1\r\n")
    assert nothing == b""


BAD_PATHS = ["", "api", "//evil.example.test/api", "/a b", "/a\r\nX: y", "/ä", "http://other/"]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_is_none_is_a_defect_of_ours(path, serve, connect):
    server = serve("good")
    with pytest.raises(ValueError, match="not a path"):
        connect(server.url).get(path)
    assert server.requests == []


class TestWaiting:
    """All waiting is on the fake clock."""

    def test_grows_and_has_jitter(self, serve, connect, clock):
        with pytest.raises(ServiceError):
            read(connect(serve(status(500)).url, limits=CallLimits(attempts=8)))
        assert len(clock.slept) == 7
        assert all(0.2 <= wait <= 10 for wait in clock.slept)
        assert len(set(clock.slept)) > 3

    def test_never_beyond_the_budget(self, serve, connect, clock):
        server = serve(status(500))
        with pytest.raises(ServiceError):
            read(connect(server.url, limits=CallLimits(attempts=9, budget_s=0.1)))
        assert (len(server.requests), clock.slept) == (1, [])

    def test_honours_seconds(self, serve, connect, clock):
        server = serve(status(429, Retry_After="7"), "good")
        began = clock.now()
        assert read(connect(server.url)) == {"name": "chat"}
        assert clock.now() - began == pytest.approx(7, abs=0.01)

    def test_honours_a_date_read_against_the_date_of_the_answer(self, serve, connect, clock):
        answer = status(
            503,
            Date="Wed, 21 Oct 2015 07:28:00 GMT",
            Retry_After="Wed, 21 Oct 2015 07:28:09 GMT",
        )
        began = clock.now()
        assert once(connect(serve(answer, "good").url)) == {"name": "chat"}
        assert clock.now() - began == pytest.approx(9, abs=0.01)

    @pytest.mark.parametrize("text", ["-5", "soon", "1e9", "", "٣", "Wed, 99 Foo 2015"])
    def test_ignores_nonsense(self, text, serve, connect, clock):
        server = serve(status(503, Retry_After=text.encode().decode("latin-1")), "good")
        began = clock.now()
        assert read(connect(server.url)) == {"name": "chat"}
        assert clock.now() - began < 1

    def test_longer_than_the_budget_gives_up_at_once(self, serve, connect, clock):
        server = serve(status(429, Retry_After="3600"))
        with pytest.raises(ServiceError, match="429"):
            read(connect(server.url))
        assert (len(server.requests), clock.slept) == (1, [])

    def test_ends_with_the_budget(self, serve, connect, clock):
        server, began = serve(status(429)), clock.now()
        with pytest.raises(ServiceError, match="429"):
            read(connect(server.url, limits=CallLimits(budget_s=300)))
        assert 200 < clock.now() - began <= 300
        assert len(server.requests) == 10

    def test_one_worker_throttled_holds_all(self, serve, connect, clock):
        connection = connect(serve(status(429, Retry_After="30"), "good").url)
        read(connection)
        began = clock.now()
        read(connection)
        assert clock.now() - began < 3

    def test_who_comes_to_a_gate_that_stays_closed_too_long_is_told(self, serve, connect):
        server = serve(status(429, Retry_After="100"))
        connection = connect(server.url, limits=CallLimits(budget_s=50))
        with pytest.raises(ServiceError):
            read(connection)
        with pytest.raises(UnreachableError, match="pause of more than 50 s"):
            read(connection)
        assert len(server.requests) == 1


class TestDeadline:
    """The time for a call bounds the end of the last attempt, and not its beginning alone."""

    @pytest.mark.parametrize("send", [read, repeat, once], ids=["read", "write", "create"])
    @pytest.mark.parametrize("fault", ["slow headers", "slow body", "slow chunks"])
    def test_an_answer_without_an_end(self, serve, connect, clock, fault, send):
        began = clock.now()
        with pytest.raises(WorkspaceError):
            send(connect(serve(fault).url, limits=CallLimits(attempts=9, budget_s=100)))
        # The server's thread moves the clock, a little further until the client has seen it.
        # Without the bound a read would take 160 s, and a write 120 s.
        assert clock.now() - began <= 115

    @pytest.mark.parametrize("send", [read, repeat, once], ids=["read", "write", "create"])
    def test_no_answer_at_all(self, serve, connect, send):
        began = time.monotonic()
        with pytest.raises(WorkspaceError):
            send(connect(serve("silence").url, limits=CallLimits(attempts=1, budget_s=0.3)))
        assert time.monotonic() - began < 5


def test_debug_lines_say_what_was_sent_and_what_came(serve, connect, caplog):
    server = serve("reset", "good")
    with caplog.at_level("DEBUG"):
        connect(server.url).get(PATH, {"scope": "x"})
    lines = [re.sub(r"[0-9]+ ms", "N ms", record.getMessage()) for record in caplog.records]
    assert lines == [
        f"GET {PATH} -> sent, but no complete answer came in N ms (attempt 1)",
        f"GET {PATH} -> 200 in N ms (attempt 2)",
    ]
    assert {record.name for record in caplog.records} == {"provisioner.http"}
