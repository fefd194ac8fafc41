"""A server of raw sockets that misbehaves to order, a clock that nobody waits for, and
connections to both."""

import json
import socket
import ssl
import struct
import threading
from contextlib import suppress

import pytest

from provisioner.workspace import WorkspaceTarget
from provisioner.workspace.credentials import find_login
from provisioner.workspace.retries import CallLimits
from provisioner.workspace.transport import Transport
from provisioner.workspace.wire import open_wire

TOKEN = "dapi0123456789abcdef-canary"


class FakeClock:
    """Time passes only when somebody sleeps, or says so."""

    def __init__(self):
        self.time = 1000.0
        self.slept = []
        self._lock = threading.Lock()

    def now(self):
        return self.time

    def sleep(self, seconds):
        with self._lock:
            self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds):
        with self._lock:
            self.time += seconds


def http(status, body=b"", headers=(), reason="Some Reason"):
    """A whole HTTP/1.1 answer as bytes; ``body`` may be bytes, text or JSON data."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in dict(headers).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def reset(sock, server):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silence(sock, server):
    server.stopped.wait(10)


def drip(start):
    """``start`` at once, then a byte a second, as the clock of the test tells it, until the
    other side has had enough."""

    def behave(sock, server):
        sock.sendall(start)
        for _ in range(900):
            server.clock.advance(1)
            sock.sendall(b" ")
            server.stopped.wait(0.002)

    return behave


GOOD = http(200, {"name": "chat"})
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

FAULTS = {
    "good": GOOD,
    "reset": reset,
    "closed": b"",
    "silence": silence,
    "cut in the status line": b"HTTP/1.1 20",
    "cut in the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "cut in the body": LONG + b'{"name": "chat"}',
    "cut in a chunk": CHUNKED + b'20\r\n{"name"',
    "cut after a chunk": CHUNKED + b"2\r\n{}\r\n",
    "not HTTP": b"220 mail.example.test ready\r\n\r\n",
    "slow headers": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "slow body": drip(LONG + b"{"),
    "slow chunks": drip(CHUNKED + b"100\r\n{"),
}


class FaultServer:
    """Answers the n-th request with the n-th of ``script``, and on with the last one.

    An entry is the name of a fault, a whole answer as bytes, or a function of the socket
    and the server. After a fault the connection is closed.
    ``requests`` holds the head of every request as text and its body as bytes.
    """

    def __init__(self, script, clock=None, tls=None):
        self.script = list(script)
        self.clock = clock
        self.requests = []
        self.connections = 0
        self.stopped = threading.Event()
        self._tls = tls
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._sockets = [self._socket]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self):
        self.stopped.set()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock):
        with sock, suppress(OSError, ValueError):
            sock.settimeout(10)
            with self._wrapped(sock) as stream:
                while self._serve_one(stream):
                    pass

    def _wrapped(self, sock):
        return self._tls.wrap_socket(sock, server_side=True) if self._tls else sock

    def _serve_one(self, sock):
        request = read_request(sock)
        if request is None:
            return False
        with self._lock:
            self.requests.append(request)
            entry = self.script[min(len(self.requests), len(self.script)) - 1]
        behave = FAULTS[entry] if isinstance(entry, str) else entry
        if callable(behave):
            behave(sock, self)
            return False
        sock.sendall(behave)
        return entry == "good" or isinstance(entry, bytes)


def read_request(sock):
    """(head as text, body), or None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    lengths = [
        int(line.partition(":")[2])
        for line in text.split("\r\n")
        if line.lower().startswith("content-length:")
    ]
    while len(body) < sum(lengths):
        body += sock.recv(65536)
    return text, body


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def serve(clock):
    """Starts fault servers and stops them."""
    servers = []

    def start(*script, tls=None):
        servers.append(FaultServer(script, clock, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def connect(clock):
    """Connections as ``provisioner.workspace.connect`` makes them, with the fake clock."""
    opened = []

    def make(url, environ=None, limits=None, target=None):
        environ = {"DATABRICKS_TOKEN": TOKEN} if environ is None else environ
        login = find_login(target or WorkspaceTarget(host=url), {"HOME": "/nonexistent"} | environ)
        wire = open_wire(login, environ, 64, clock, limits or CallLimits(attempts=3))
        opened.append(Transport(login, wire, "provisioner/test (project; dev; 0123)", clock))
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def refused():
    """The address of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def authority():
    """A certificate authority nobody knows, and contexts for servers that it vouches for."""
    import trustme

    return trustme.CA()


@pytest.fixture(scope="session")
def tls_for(authority):
    def context(*names):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(made)
        return made

    return context


@pytest.fixture(scope="session")
def bundle(authority, tmp_path_factory):
    """The file with the authority's certificate."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path
