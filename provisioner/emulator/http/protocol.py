"""uvicorn's HTTP protocol with the two things that an ASGI application cannot do itself.

It hands the application the connection, so that a fault can break it, and it answers requests
that are no HTTP in the service's shape.
"""

from __future__ import annotations

import asyncio
import socket
import struct

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

TRANSPORT = "transport"
# Seconds to linger after a close; switched on with zero it makes the kernel send RST.
NO_LINGER = struct.pack("ii", 1, 0)


class EmulatorProtocol(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # The override is uvicorn's own; it becomes `scope["state"]`.
        self.app_state = {TRANSPORT: transport}
        super().connection_made(transport)

    def send_400_response(self, msg: str) -> None:
        body = b'{"error_code": "MALFORMED_REQUEST", "message": "The request is not valid HTTP."}'
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def break_connection(transport: asyncio.Transport, *, reset: bool) -> None:
    """Ends the connection without another byte: orderly (FIN), or as a failure (RST)."""
    if reset:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        transport.abort()
    else:
        transport.close()
