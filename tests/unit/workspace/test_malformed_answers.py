"""An answer that cannot be believed never reads as data, and never as "nothing is set"."""

import gzip
import json
import tracemalloc

import pytest

from provisioner.errors import LostAnswerError, UnreachableError
from provisioner.workspace.retries import CallLimits

PATH = "/api/2.0/serving-endpoints/chat"


def answer(body, *headers):
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def packed(body):
    return answer(gzip.compress(body), "Content-Encoding: gzip")


NOT_DATA = {
    "empty": (answer(b""), "it is empty"),
    "blank": (answer(b" \r\n"), "it is empty"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", "it is empty"),
    "null": (answer(b"null"), "it is null"),
    "a list": (answer(b"[{}]"), "it is a list"),
    "a text": (answer(b'"chat"'), "it is a text"),
    "a number": (answer(b"1"), "it is a single value"),
    "two objects": (answer(b"{}{}"), "not JSON"),
    "half an object": (answer(b'{"a": '), "not JSON"),
    "Python's spelling": (answer(b"{'a': 1}"), "not JSON"),
    "a line break inside a text": (answer(b'{"a": "\n"}'), "not JSON"),
    "the same key twice": (answer(b'{"a": 1, "a": 2}'), "the same key twice"),
    "the same key twice, further down": (answer(b'{"a": [{"b": 1, "b": 1}]}'), "same key"),
    "NaN": (answer(b'{"a": NaN}'), "contains NaN"),
    "Infinity": (answer(b'{"a": -Infinity}'), "contains -Infinity"),
    "a number beyond all bounds": (answer(b'{"a": 1e999}'), "too large"),
    "an integer of 5,000 digits": (answer(b'{"a": ' + b"9" * 5000 + b"}"), "not JSON"),
    "Latin-1": (answer('{"a": "é"}'.encode("latin-1")), "not UTF-8"),
    "UTF-16": (answer('{"a": 1}'.encode("utf-16")), "not UTF-8"),
    "a byte order mark": (answer(b"\xef\xbb\xbf{}"), "not JSON"),
    "overlong UTF-8": (answer(b'{"a": "\xc0\xaf"}'), "not UTF-8"),
    "101 levels": (answer(b'{"a":' * 101 + b"1" + b"}" * 101), "nested too deeply"),
    "100,000 levels": (answer(b'{"a":' * 100_000), "nested too deeply"),
    "100,000 lists": (answer(b'{"a":' + b"[" * 100_000), "nested too deeply"),
    "damaged gzip": (answer(b"{}", "Content-Encoding: gzip"), "damaged"),
    "cut gzip": (
        answer(gzip.compress(b"{}" * 99)[:-9], "Content-Encoding: gzip"),
        "incomplete gzip data",
    ),
    "a packing nobody asked for": (
        answer(b"{}", "Content-Encoding: br"),
        "compressed in a way that was not requested",
    ),
    "gzip in gzip": (answer(gzip.compress(packed(b"{}"))), "not UTF-8"),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{} ",
        "closed the connection|not HTTP",
    ),
    "200 headers": (answer(b"{}", *(f"X-{n}: 1" for n in range(200))), "not HTTP"),
    "an endless header": (answer(b"{}", "X: " + "a" * 70_000), "not HTTP"),
}


@pytest.mark.parametrize(("sent", "reason"), NOT_DATA.values(), ids=NOT_DATA)
def test_not_data(sent, reason, serve, connect):
    server = serve(sent)
    with pytest.raises(UnreachableError, match=reason) as caught:
        connect(server.url).get(PATH)
    assert caught.value.exit_code != 0


PAGES = {
    "a page": answer(b"<!DOCTYPE html><html>Sign in", "Content-Type: text/html; charset=utf-8"),
    "a page that says it is JSON": answer(b"\n <html>", "Content-Type: application/json"),
    "an empty page": answer(b"", "Content-Type: text/html"),
}


@pytest.mark.parametrize("sent", PAGES.values(), ids=PAGES)
def test_a_page_is_told_as_one(sent, serve, connect):
    server = serve(sent)
    with pytest.raises(UnreachableError, match="answered with a web page") as caught:
        connect(server.url).get(PATH)
    assert "sign-in page" in caught.value.problems[0].hint
    assert len(server.requests) == 1


UNBELIEVED_AFTER_A_WRITE = ["null", "a list", "half an object", "Latin-1", "damaged gzip"]


@pytest.mark.parametrize("name", UNBELIEVED_AFTER_A_WRITE)
def test_a_write_with_such_an_answer_is_in_doubt_and_not_repeated(name, serve, connect):
    server = serve(NOT_DATA[name][0])
    with pytest.raises(LostAnswerError, match="unknown whether the request took effect"):
        connect(server.url).send("POST", PATH, {}, repeatable=False)
    assert len(server.requests) == 1


GOOD = {
    "plain": answer(b' {"a": {"b": [1, 2.5, null, "\xc3\xa9"]}} '),
    "packed": packed('{"a": {"b": [1, 2.5, null, "é"]}}'.encode()),
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'10;x=y\r\n{"a": {"b": [1, \r\n16\r\n2.5, null, "\\u00e9"]}}\r\n0\r\nTrailer: x\r\n\r\n',
}


@pytest.mark.parametrize("sent", GOOD.values(), ids=GOOD)
def test_data(sent, serve, connect):
    assert connect(serve(sent).url).get(PATH) == {"a": {"b": [1, 2.5, None, "é"]}}


def test_a_hundred_levels_and_many_brackets_are_data(serve, connect):
    body = b'{"a":' * 100 + b"1" + b"}" * 100
    wide = json.dumps({str(n): [{}] for n in range(5000)}).encode()
    connection = connect(serve(answer(body), answer(wide)).url)
    assert connection.get(PATH) == json.loads(body)
    assert len(connection.get(PATH)) == 5000


def test_an_answer_until_the_connection_closes_is_data_when_it_is_whole(serve, connect):
    def until_closed(sock, server):
        sock.sendall(b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}')

    assert connect(serve(until_closed).url).get(PATH) == {"a": 1}


class TestSize:
    """No answer may fill the memory."""

    def test_a_body_without_end(self, serve, connect):
        def endless(sock, server):
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not server.stopped.is_set():
                sock.sendall(b" " * 65536)

        server = serve(endless)
        limits = CallLimits(attempts=1, answer_bytes=2**20)
        tracemalloc.start()
        try:
            with pytest.raises(UnreachableError, match="sent more than 1 MiB"):
                connect(server.url, limits=limits).get(PATH)
            assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        "start",
        [
            pytest.param(b"Content-Length: 99999999999\r\n\r\n", id="in its length"),
            pytest.param(b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", id="in a chunk"),
        ],
    )
    def test_a_promise_of_too_much(self, start, serve, connect):
        def promise(sock, server):
            sock.sendall(b"HTTP/1.1 200 OK\r\n" + start)
            while not server.stopped.is_set():
                sock.sendall(b" " * 65536)

        limits = CallLimits(attempts=1, answer_bytes=2**20)
        with pytest.raises(UnreachableError, match="sent more than 1 MiB"):
            connect(serve(promise).url, limits=limits).get(PATH)

    def test_gzip_that_grows_a_thousandfold(self, serve, connect):
        server = serve(packed(b'{"a": "' + b" " * (64 * 2**20) + b'"}'))
        connection = connect(server.url, limits=CallLimits(attempts=1))
        tracemalloc.start()
        try:
            with pytest.raises(UnreachableError, match="more than 16 MiB when unpacked"):
                connection.get(PATH)
            assert tracemalloc.get_traced_memory()[1] < 48 * 2**20
        finally:
            tracemalloc.stop()

    def test_a_refusal_of_any_size_is_told_in_a_line(self, serve, connect):
        body = json.dumps({"message": "x\n" * 100_000}).encode()
        server = serve(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        with pytest.raises(Exception, match="x x x") as caught:
            connect(server.url).get(PATH)
        assert len(str(caught.value)) < 800
