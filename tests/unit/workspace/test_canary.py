"""No token and no secret in an error, a log, a traceback or a repr, whatever the service
repeats of what it was sent."""

import base64
import json
import logging
import traceback
from urllib.parse import quote

import pytest

from provisioner.errors import ProvisionerError
from provisioner.model.secret import Secret
from provisioner.workspace.faults import ApiCall, Mode
from provisioner.workspace.redaction import Redactor, printable
from provisioner.workspace.retries import CallLimits

PATH = "/api/2.0/secrets/put"
TOKEN = "x7q9/token+1234567890=="
PEM = "-----BEGIN X7Q9-----\nline1-x7q9\nline2-x7q9\n-----END X7Q9-----\n"
SECRETS = {
    "a plain value": "plain-x7q9-1234",
    "quotes and backslashes": 'x7q9"\\1234',
    "letters beyond ASCII": "x7q9-ключ-🔑",
    "many lines": PEM,
    "characters of an address": "x7q9&x=1 %?#",
}


def as_json(status, data):
    body = json.dumps(data).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def echo(make):
    """A server that answers with what ``make`` does with the request's head and body."""

    def behave(sock, server):
        head, body = server.requests[-1]
        sock.sendall(make(head, body.decode()))

    return behave


def message(make, status=400):
    return echo(
        lambda head, body: as_json(status, {"error_code": "X", "message": make(head, body)})
    )


def value_of(body):
    return json.loads(body)["string_value"]


REPEATS = {
    "the whole request": message(lambda head, body: head + body),
    "the value": message(lambda head, body: value_of(body)),
    "the value in JSON in JSON": message(lambda head, body: json.dumps(body)),
    "the value in Python": message(lambda head, body: repr(value_of(body))),
    "the value in base64": message(
        lambda head, body: base64.b64encode(value_of(body).encode()).decode()
    ),
    "the value in an address": message(lambda head, body: quote(value_of(body))),
    "the value behind much text": message(lambda head, body: "x" * 590 + value_of(body)),
    "the value with marks in it": message(
        lambda head, body: "\u200b".join(value_of(body)) + "\x1b".join(TOKEN)
    ),
    "as the code": echo(lambda head, body: as_json(400, {"error_code": value_of(body)})),
    "as a refused login": message(lambda head, body: head + body, 401),
    "as a failure of the service": message(lambda head, body: head + body, 500),
    "as plain text": echo(
        lambda head, body: b"HTTP/1.1 400 X\r\n\r\n" + (head + value_of(body)).encode()
    ),
    "as a page": echo(
        lambda head, body: b"HTTP/1.1 403 X\r\n\r\n<title>" + (TOKEN + value_of(body)).encode()
    ),
    "as the reason": echo(lambda head, body: f"HTTP/1.1 400 {TOKEN} and more\r\n\r\n".encode()),
    "as the place of a redirect": echo(
        lambda head, body: f"HTTP/1.1 302 X\r\nLocation: https://{TOKEN}/\r\n\r\n".encode()
    ),
    "as something that is not HTTP": echo(lambda head, body: (head + body).encode()),
    "as a packing": echo(
        lambda head, body: f"HTTP/1.1 200 X\r\nContent-Encoding: {TOKEN}\r\n\r\n{{}}".encode()
    ),
    "as something that is not JSON": echo(
        lambda head, body: f"HTTP/1.1 200 X\r\n\r\n{TOKEN}{body}".encode()
    ),
    "as a key twice": echo(lambda head, body: b"HTTP/1.1 200 X\r\n\r\n" + body.encode() * 2),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("behave", REPEATS.values(), ids=REPEATS)
def test_nothing_that_was_sent_comes_out(behave, secret, serve, connect, caplog):
    server = serve(behave)
    connection = connect(server.url, {"DATABRICKS_TOKEN": TOKEN}, CallLimits(attempts=1))
    body = {"key": "k", "string_value": Secret(secret)}
    with caplog.at_level(logging.DEBUG), pytest.raises(ProvisionerError) as caught:
        connection.send("POST", PATH, body, repeatable=False)
    assert json.loads(server.requests[0][1]) == {"key": "k", "string_value": secret}
    shown = "\n".join(
        [
            *traceback.format_exception(caught.value),
            repr(caught.value.problems),
            caplog.text,
            repr((connection, vars(connection), body)),
        ]
    )
    assert PATH in shown
    packed = base64.b64encode(secret.encode()).decode()
    forms = ("x7q9", r"x\u0037", "ключ", r"\u043a", "%D0%BA", packed[:12], TOKEN[5:12])
    assert [form for form in forms if form in shown.lower() or form in shown] == []


def test_control_characters_never_reach_a_terminal(serve, connect):
    evil = "".join(map(chr, [*range(32), *range(127, 160), *range(0x202A, 0x202F)]))
    evil += "\u2066\u2069\u200b\u200f\ufeff\u061c\u2028"
    server = serve(as_json(400, {"message": f"a{evil}b", "error_code": f"X{evil}"}))
    with pytest.raises(ProvisionerError) as caught:
        connect(server.url).get(PATH)
    text = str(caught.value)
    assert text.isprintable()
    assert text.endswith("400: a b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("dapi0123456789abcdef is bad", "*** is bad", id="a personal access token"),
        pytest.param(
            "Incorrect API key: sk-proj-abc***xyz.", "Incorrect API key: ***.", id="OpenAI's"
        ),
        pytest.param("Authorization: Bearer abcd3fghijk", "Authorization: ***", id="a header"),
        pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "***", id="a web token"),
        pytest.param(
            "Basic authentication, sk-1 and dapi are words",
            "Basic authentication, sk-1 and dapi are words",
            id="words",
        ),
    ],
)
def test_tokens_of_others_are_masked_too(text, expected):
    assert Redactor([]).clean(text) == expected


def test_what_holds_secrets_does_not_show_them():
    call = ApiCall("POST", PATH, PATH, Mode.ONCE, b"x7q9", ("x7q9-canary",))
    assert repr((call, Redactor(["x7q9-canary"]))) == f"(ApiCall(POST {PATH}), Redactor(2 forms))"


def test_a_secret_inside_another_one_leaves_no_rest():
    assert Redactor(["abcd", "abcdefgh"]).clean("abcdefgh abcd") == "*** ***"


def test_short_values_are_left_alone():
    assert Redactor(["", "a", "1"]).clean("a 1 b") == "a 1 b"


def test_one_line():
    assert printable(" a\r\n\tb\u2028c\x00\x1b[31m ") == "a b c[31m"
