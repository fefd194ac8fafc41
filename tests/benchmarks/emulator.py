"""How many GETs a second the local workspace answers over one kept connection.

Beside the same server's bare framework (uvicorn with its protocol, an application that answers
at once), with an empty request log and with 100,000 requests before. Takes half a minute; each
server is a process of its own, so client and server have a core each.
"""

import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import world

ROUNDS, REQUESTS = 5, 2_000
LOG_LINES = 100_000
TOKEN = "dapi-bench"
ENDPOINT = "/api/2.0/serving-endpoints/databricks-gte-large-en"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)

BARE = """
import asyncio, socket, sys
import uvicorn
from provisioner.emulator.http.protocol import EmulatorProtocol
BODY = b"{" + b" " * 1_000 + b"}"
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
config = uvicorn.Config(
    app, http=EmulatorProtocol, loop="asyncio", lifespan="off", log_level=100, access_log=False
)
listener.listen()
print(listener.getsockname()[1], flush=True)
uvicorn.Server(config).run([listener])
"""
OURS = """
import sys
from provisioner.emulator.server import serve
from provisioner.emulator.http.settings import Settings
serve(Settings(state=sys.argv[1], token=sys.argv[2]), lambda one: print(one.port, flush=True))
"""


class Connection:
    """A client that costs next to nothing: what is measured is the server."""

    def __init__(self, port, path):
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        self._request = head.encode()

    def get(self):
        self._socket.sendall(self._request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._socket.recv(65_536)
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        missing = int(LENGTH.search(head)[1]) - len(body)
        while missing > 0:
            missing -= len(self._socket.recv(65_536))

    def rate(self):
        """Answers a second, the median of some rounds."""
        return statistics.median(self._round() for _ in range(ROUNDS))

    def _round(self):
        began = time.perf_counter()
        for _ in range(REQUESTS):
            self.get()
        return REQUESTS / (time.perf_counter() - began)


def measured(program, *arguments, path=ENDPOINT, requests_before=0):
    command = [sys.executable, "-c", program, *arguments]
    environ = {"PYTHONPATH": str(world.SERVER.parents[2]), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as server:
        try:
            connection = Connection(int(server.stdout.readline()), path)
            for _ in range(requests_before):
                connection.get()
            return connection.rate()
        finally:
            server.terminate()


def main():
    print("GETs a second over one connection")
    bare = measured(BARE)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "state.sqlite"))
        found = {
            "state in memory": measured(OURS, ":memory:", TOKEN),
            "state in a file": measured(OURS, file, TOKEN),
            f"after {LOG_LINES} requests": measured(
                OURS, ":memory:", TOKEN, requests_before=LOG_LINES
            ),
        }
    print(f"  {'bare framework':28} {bare:7.0f}")
    for name, rate in found.items():
        print(f"  {name:28} {rate:7.0f}   {rate / bare:.2f} of it")


if __name__ == "__main__":
    main()
