"""A proxy before the local workspace that calls back around one chosen write.

It sees whole requests and whole answers, so "before", "after" and "answered" are exact: the write
was not committed, was committed and not answered, or was answered.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

MOMENTS = ("before", "after", "answered")
HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
# A process that is killed may not be gone at once: what follows must not reach it.
GONE_S = 0.05


@dataclass
class Watch:
    """Calls ``act`` at ``moment`` of the write number ``nth``, from 0 on."""

    nth: int = -1
    moment: str = ""
    act: Callable[[], None] = lambda: None
    writes: list[tuple[str, str]] = field(default_factory=list)
    acted: bool = False
    rewrite: Callable[[str, bytes], bytes] = lambda _, data: data
    lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self, method: str, path: str) -> int:
        """The number of this write; -1 for a read."""
        if method == "GET":
            return -1
        with self.lock:
            self.writes.append((method, path))
            return len(self.writes) - 1

    def at(self, number: int, moment: str) -> None:
        if (number, moment) == (self.nth, self.moment):
            self.acted = True
            self.act()
            time.sleep(GONE_S)


@contextmanager
def watched(url: str, watch: Watch) -> Iterator[str]:
    """Yields the address of a proxy to ``url`` that ``watch`` looks at."""
    target = urlsplit(url).netloc
    connections: set[socket.socket] = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            number = watch.number(self.command, self.path)
            watch.at(number, "before")
            if (number, "before") == (watch.nth, watch.moment):
                self.close_connection = True
                return
            answer, data = self.asked(body)
            watch.at(number, "after")
            if (number, "after") == (watch.nth, watch.moment):
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP | {"date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            watch.at(number, "answered")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

        def asked(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
            connection = http.client.HTTPConnection(target, timeout=60)
            headers = {n: v for n, v in self.headers.items() if n.lower() not in HOP}
            try:
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                return answer, watch.rewrite(self.path, answer.read())
            finally:
                connection.close()

        def handle(self) -> None:
            connections.add(self.connection)
            try:
                with suppress(OSError):
                    super().handle()
            finally:
                connections.discard(self.connection)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # Closing waits for what is under way: it must not reach the next cell.
    server.daemon_threads = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        # A client may keep a connection open that carries nothing: its handler would wait for
        # the next request for ever. One that is under way still sends its answer.
        for connection in tuple(connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        server.server_close()
