"""Questions to models: asked once, and a refusal is an answer, too."""

from __future__ import annotations

import pytest

from provisioner.errors import LoginError, UnreachableError

from .conftest import TOKEN, http, silence

PATH = "/serving-endpoints/chat/invocations"
BODY = {"prompt": "x"}
SAID = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "too many"}


def ask(connection, timeout_s=5.0):
    return connection.ask(PATH, BODY, timeout_s)


def test_an_answer_comes_with_its_headers_and_its_time(serve, connect):
    server = serve(http(200, {"a": 1}, {"Served-Model-Name": "gpt"}))
    reply = ask(connect(server.url))
    assert (reply.status, reply.document) == (200, {"a": 1})
    assert reply.headers["served-model-name"] == "gpt"
    assert reply.duration_ms >= 0
    ((head, body),) = server.requests
    assert head.startswith(f"POST {PATH} ")
    assert body == b'{"prompt":"x"}'


REFUSALS = [
    pytest.param(400, id="a wrong question"),
    pytest.param(403, id="a forbidden one"),
    pytest.param(404, id="nobody there"),
    pytest.param(429, id="a limit"),
    pytest.param(500, id="a defect"),
    pytest.param(503, id="not ready"),
]


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_a_reply_and_is_not_asked_again(serve, connect, status):
    server = serve(http(status, SAID))
    reply = ask(connect(server.url))
    assert (reply.status, reply.document) == (status, SAID)
    assert len(server.requests) == 1


def test_the_limit_of_one_endpoint_holds_up_nobody_else(serve, connect, clock):
    server = serve(http(429, SAID, {"Retry-After": "60"}), "good")
    connection = connect(server.url)
    assert ask(connection).wait_s == 60
    assert connection.get("/api/2.0/serving-endpoints/other") == {"name": "chat"}
    assert clock.slept == []


BROKEN = [
    pytest.param("reset", UnreachableError, id="a connection that is reset"),
    pytest.param("cut in the body", UnreachableError, id="an answer that is cut"),
    pytest.param(http(200, "<html>"), UnreachableError, id="a web page"),
    pytest.param(
        http(302, b"", {"Location": "https://x.example.com"}), UnreachableError, id="sent away"
    ),
    pytest.param(http(401, SAID), LoginError, id="a login that is refused"),
]


@pytest.mark.parametrize(("script", "error"), BROKEN)
def test_what_is_no_reply_is_an_error_and_is_not_asked_again(serve, connect, script, error):
    server = serve(script)
    with pytest.raises(error) as caught:
        ask(connect(server.url))
    assert len(server.requests) == 1
    assert TOKEN not in str(caught.value)


def test_nobody_waits_longer_than_the_question_may_take(serve, connect):
    server = serve(silence)
    with pytest.raises(UnreachableError, match=r"did not finish its answer within 0\.1 s"):
        ask(connect(server.url), timeout_s=0.1)


def test_a_token_that_is_repeated_is_not_shown(serve, connect):
    server = serve(http(400, {"error_code": "BAD", "message": f"no: Bearer {TOKEN}"}))
    assert TOKEN not in str(ask(connect(server.url)).document)


def test_a_path_that_leaves_the_host_is_a_defect(serve, connect):
    server = serve("good")
    with pytest.raises(ValueError, match="not a path"):
        connect(server.url).ask("//elsewhere/x", BODY, 1)
    assert server.requests == []
