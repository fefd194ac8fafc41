"""A workspace that costs nothing: canned answers over TLS, each a fixed time late.

python server.py FOLDER COUNT writes FOLDER/ca.pem and then prints its port.
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path

import trustme
import world

BASE = "/api/2.0/serving-endpoints"


def answers(count):
    """Path to the whole answer as bytes."""
    names = world.names(count)
    found = {f"{BASE}/{name}": world.live(name) for name in names}
    found[BASE] = {"endpoints": [world.listed(name) for name in names]}
    found["/.well-known/databricks-config"] = {}
    return {path: http("200 OK", body) for path, body in found.items()}


def http(status, body):
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
    return f"{head}\r\n\r\n".encode() + text


MISSING = http("404 Not Found", {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such"})


class Workspace(asyncio.Protocol):
    def __init__(self, canned):
        self._canned = canned
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        path = data.split(b" ", 2)[1].decode().partition("?")[0]
        answer = self._canned.get(path, MISSING)
        self._loop.call_later(world.LATENCY_S, self._transport.write, answer)


async def serve(folder, count):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    canned = answers(count)
    server = await asyncio.get_running_loop().create_server(
        lambda: Workspace(canned), "127.0.0.1", 0, ssl=context, backlog=256
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
