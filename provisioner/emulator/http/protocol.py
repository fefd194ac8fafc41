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
# rule(local): The headers of a request come within 30 s, or the connection is closed. The server
#     library has a limit for idle connections only, not for those that sent a part of a request.
HEADERS_TIMEOUT_S = 30.0
# Seconds to linger after a close; switched on with zero it makes the kernel send RST.
NO_LINGER = struct.pack("ii", 1, 0)


class EmulatorProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with access to the connection and bounds of time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # The override is uvicorn's own; it becomes `scope["state"]`.
        self.app_state = {TRANSPORT: transport}
        super().connection_made(transport)
        self._headers_due: asyncio.TimerHandle | None = None
        self._watch_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
        super().connection_lost(exc)

    def _watch_headers(self) -> None:
        """Closes a connection whose client does not finish the headers of a request in time."""
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering and self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None
        elif not is_answering and self._headers_due is None:
            loop = asyncio.get_running_loop()
            self._headers_due = loop.call_later(HEADERS_TIMEOUT_S, self.transport.close)

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
