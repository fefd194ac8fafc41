"""Noise on the socket: whatever comes in, the next request is answered as if nothing had been."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable
from contextlib import suppress

import pytest
from proofs import depth

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.routes import ROUTES
from provisioner.emulator.server import Running, running

REQUESTS = depth(quick=1_000, full=20_000)
SEEDS = range(8)
TIMEOUT_S = 10
ME = "/api/2.0/preview/scim/v2/Me"

Noise = Callable[[random.Random, str], bytes]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW")
WORDS = ("chat", "a", "%2F", "%00", "%ff", "..", "*", "config", "\u00e9", "'", "config:stop", "%")
SCALARS = (None, True, False, 0, -1, 2**70, 1e400, 1.5, "", "a", "\x00", "\ud800", "{{secrets/s}}")


def target(rng: random.Random) -> str:
    """The path of a route with other words in it, or one that nobody knows."""
    path = rng.choice(ROUTES).pattern
    while "{" in path:
        head, _, rest = path.partition("{")
        path = head + rng.choice(WORDS) + rest.partition("}")[2]
    # A fault rule that works as it should is no failure, and time would fly.
    path = path.replace("__emulator__", "__emulator")
    query = rng.choice(("", "?", "?scope=s&key=k", "?filter=x", "?a=%ff&a", "?" + "&" * 50))
    return rng.choice(("", "/", "http://127.0.0.1", "http://evil.example")) + path + query


def value(rng: random.Random, depth: int = 0) -> object:
    kind = rng.random()
    if depth > 4 or kind < 0.5:
        return rng.choice(SCALARS)
    if kind < 0.7:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    names = ("name", "config", "served_entities", "external_model", "tags", "messages", "input")
    return {rng.choice(names): value(rng, depth + 1) for _ in range(rng.randrange(5))}


def body(rng: random.Random) -> bytes:
    text = json.dumps(value(rng)).encode()
    return rng.choice(
        (
            text,
            json.dumps({"name": "chat", "config": value(rng)}).encode(),
            text[: len(text) // 2],
            b"[" * rng.randrange(1, 5_000),
            b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
            rng.randbytes(200),
            b'{"name": "\xff\xfe"}',
            b"",
        )
    )


def head(rng: random.Random, token: str, *more: str) -> bytes:
    lines = [
        f"{rng.choice(METHODS)} {target(rng)} HTTP/1.{rng.choice('0119')}",
        f"Host: {rng.choice(('127.0.0.1', 'localhost:1', 'evil.example', ''))}",
        f"Authorization: {rng.choice(('Bearer', 'Basic', 'Digest', ''))} {token}",
        "Connection: close",
        *more,
    ]
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n"


def ordinary(rng: random.Random, token: str) -> bytes:
    content = body(rng)
    return head(rng, token, f"Content-Length: {len(content)}") + content


def wrong_length(rng: random.Random, token: str) -> bytes:
    length = rng.choice(("-1", "x", "1, 2", "99999999999999999999", "0x10", "3", ""))
    return head(rng, token, f"Content-Length: {length}") + body(rng)


def wrong_chunks(rng: random.Random, token: str) -> bytes:
    chunk = rng.choice(
        (b"zz\r\nabc\r\n", b"5\r\nab", b"ffffffffffffffff\r\n", b"0\r\n\r\n", b"-1\r\n")
    )
    return head(rng, token, "Transfer-Encoding: chunked") + chunk


def smuggled(rng: random.Random, token: str) -> bytes:
    return head(rng, token, "Transfer-Encoding: chunked", "Content-Length: 4") + b"0\r\n\r\nGET"


def huge_header(rng: random.Random, token: str) -> bytes:
    return head(rng, token, f"X-Long: {'x' * rng.choice((1_000, 70_000, 200_000))}")


def many_headers(rng: random.Random, token: str) -> bytes:
    return head(rng, token, *(f"X-{number}: y" for number in range(rng.randrange(2_000))))


def odd_header(rng: random.Random, token: str) -> bytes:
    line = rng.choice(
        ("no colon", ": no name", "a b: c", " folded: x", "a:\x00", "é: ü", "Host: x")
    )
    return head(rng, token, line)


def bad_line(rng: random.Random, _: str) -> bytes:
    return rng.choice(
        (
            b"\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET  / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/2.0\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"G" * rng.randrange(1, 100_000),
            b"GET /" + b"a" * 80_000 + b" HTTP/1.1\r\n\r\n",
            rng.randbytes(rng.randrange(300)),
        )
    )


def cut(rng: random.Random, token: str) -> bytes:
    whole = ordinary(rng, token)
    return whole[: rng.randrange(len(whole))]


NOISE: tuple[Noise, ...] = (
    *(ordinary,) * 5,
    wrong_length,
    wrong_chunks,
    smuggled,
    huge_header,
    many_headers,
    odd_header,
    bad_line,
    cut,
)


# The server waits for the rest of these, and so does the client, but not for long.
UNFINISHED = (wrong_length, wrong_chunks, smuggled, odd_header, bad_line, cut)


def answer_to(server: Running, sent: bytes, patience_s: float = TIMEOUT_S) -> bytes:
    """What comes back until the server closes the connection or the client is out of patience."""
    received = b""
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, TIMEOUT_S) as connection, suppress(ConnectionError):
        # The server may answer and close before it has read everything.
        with suppress(ConnectionError):
            connection.sendall(sent)
        connection.settimeout(patience_s)
        with suppress(TimeoutError if patience_s < TIMEOUT_S else KeyError):
            while piece := connection.recv(65_536):
                received += piece
    return received


@pytest.mark.proof("emulator")
@pytest.mark.parametrize("seed", SEEDS)
def test_random_requests_leave_it_answering(seed: int) -> None:
    rng = random.Random(seed)
    with running(Settings()) as server:
        for number in range(REQUESTS // len(SEEDS)):
            noise = rng.choice(NOISE)
            sent = noise(rng, server.token)
            received = answer_to(server, sent, 0.01 if noise in UNFINISHED else TIMEOUT_S)
            status = received[9:12].decode("ascii", "replace")
            seen = f"request {number}: {sent[:300]!r} -> {received[:500]!r}"
            assert not received or received.startswith(b"HTTP/1.1 "), seen
            assert status != "500", seen
        token = f"Authorization: Bearer {server.token}\r\n\r\n"
        alive = f"GET {ME} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}"
        assert answer_to(server, alive.encode()).startswith(b"HTTP/1.1 200 ")
