"""urllib3 with the bounds it lacks: whether a request went out, when and how big an answer
may be at most. The only module that makes connections."""

from __future__ import annotations

import functools
import http.client
import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util import Retry, Timeout, make_headers

from provisioner.model.clock import Clock, SystemClock
from provisioner.workspace.credentials import Login
from provisioner.workspace.hosts import Host
from provisioner.workspace.proxies import Proxy, proxy_for
from provisioner.workspace.retries import CallLimits

MOST_CONNECTIONS = 64
# A timeout of 0 would mean "none" to the library.
LEAST_S = 0.05
# By so much a read may end after its deadline.
_CLOSE_S = 0.05

# Load balancers drop unused connections; one that was dropped without a word
# would swallow the next request. The shortest that we know of wait for a minute.
_IDLE_S = 45.0

_NO_RETRY = Retry(total=False, redirect=False)


class NotConnectedError(Exception):
    """No connection, so nothing was sent. ``at_proxy``: not even the proxy was passed."""

    def __init__(self, cause: Exception, at_proxy: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.at_proxy = at_proxy


class TooLargeError(Exception):
    """The answer is longer than anybody would believe."""


class _Bounds(NamedTuple):
    clock: Clock
    deadline: float
    most_bytes: int


class _BoundedReader(io.RawIOBase):
    """The bytes of one answer, up to a moment and to a number.

    A timeout on a socket begins again with each byte; this one does not.
    """

    def __init__(self, raw: Any, sock: Any, bounds: _Bounds) -> None:
        self._raw = raw
        self._sock = sock
        self._bounds = bounds
        self._received = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining_s = self._bounds.deadline - self._bounds.clock.now()
        if remaining_s <= 0:
            raise TimeoutError("the answer took too long")
        # Setting it lets all other threads go first, and the pool has just set the same.
        if abs((self._sock.gettimeout() or 0.0) - remaining_s) > _CLOSE_S:
            self._sock.settimeout(remaining_s)
        count: int | None = self._raw.readinto(buffer)
        self._received += count or 0
        if self._received > self._bounds.most_bytes:
            raise TooLargeError
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedBuffer(io.BufferedReader):
    """http.client makes room for as much as a header or a chunk promises. Not here."""

    def __init__(self, raw: _BoundedReader, most_bytes: int) -> None:
        super().__init__(raw)
        self._most_bytes = most_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._most_bytes:
            raise TooLargeError
        return super().read(size)


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, bounds: _Bounds, sock: Any, *rest: Any, **more: Any) -> None:
        super().__init__(sock, *rest, **more)
        raw = _BoundedReader(self.fp.detach(), sock, bounds)
        self.fp = _BoundedBuffer(raw, bounds.most_bytes)


class _Bounded(HTTPConnection):
    """Keeps apart what was never sent, bounds the answer and forgets itself when idle.

    ``timeout`` is set by the pool: for connecting, then for the whole answer.
    """

    def __init__(self, *args: Any, clock: Clock, answer_bytes: int, **more: Any) -> None:
        super().__init__(*args, **more)
        self._clock = clock
        self._answer_bytes = answer_bytes
        self._used_at = clock.now()

    def connect(self) -> None:
        self._bound()
        try:
            super().connect()
        except Exception as error:
            at_proxy = self.proxy is not None and not self.has_connected_to_proxy
            raise NotConnectedError(error, at_proxy) from None

    def getresponse(self) -> Any:
        self._bound()
        self._used_at = self._clock.now()
        return super().getresponse()

    @property
    def is_connected(self) -> bool:
        return self._clock.now() - self._used_at < _IDLE_S and super().is_connected

    def _bound(self) -> None:
        deadline = self._clock.now() + (self.timeout or 0.0)
        bounds = _Bounds(self._clock, deadline, self._answer_bytes)
        # http.client makes its answers, and a proxy's, by calling this.
        setattr(self, "response_class", functools.partial(_BoundedResponse, bounds))  # noqa: B010


class _BoundedTls(_Bounded, HTTPSConnection):
    pass


@dataclass(frozen=True, slots=True)
class Wire:
    """A pool of connections to one host; ``exchange`` is one request on one of them."""

    host: Host
    proxy: Proxy | None
    parallel: int
    pool: HTTPConnectionPool
    limits: CallLimits

    def exchange(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        within_s: float = inf,
    ) -> urllib3.BaseHTTPResponse:
        """Returns the answer, read whole but neither unpacked nor looked at.

        ``within_s`` is what is left of the time for the call: an attempt ends with it.

        Raises NotConnectedError, TooLargeError, or what urllib3 raises after sending.
        """
        limits = self.limits
        total_s = limits.read_s if method == "GET" else limits.send_s
        total_s = max(LEAST_S, min(total_s, within_s))
        return self.pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=_NO_RETRY,
            redirect=False,
            assert_same_host=False,
            timeout=Timeout(total=total_s, connect=min(limits.connect_s, total_s)),
            pool_timeout=total_s,  # type: ignore[arg-type]  # a float is fine: queue.get takes it
            decode_content=False,
        )

    def close(self) -> None:
        self.pool.close()


def open_wire(
    login: Login,
    environ: Mapping[str, str],
    parallel: int,
    clock: Clock | None = None,
    limits: CallLimits | None = None,
) -> Wire:
    """A pool for the login's host; nothing is sent yet.

    Raises UnreachableError for proxy and certificate settings that cannot be used.
    """
    # Its debug lines hold query strings, its warnings are told as errors of ours.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    host, limits = login.host, limits or CallLimits()
    proxy = proxy_for(host, environ)
    parallel = max(1, min(parallel, MOST_CONNECTIONS))
    manager = _manager(host, proxy, environ, maxsize=parallel, block=True)
    pool = manager.connection_from_host(host.name, host.port, host.scheme)
    pool.ConnectionCls = _BoundedTls if host.scheme == "https" else _Bounded
    pool.conn_kw |= {"clock": clock or SystemClock(), "answer_bytes": limits.answer_bytes}
    return Wire(host, proxy, parallel, pool, limits)


def _manager(
    host: Host, proxy: Proxy | None, environ: Mapping[str, str], **pool: Any
) -> urllib3.PoolManager:
    if host.scheme == "https":
        from provisioner.workspace.tls import tls_context

        pool["ssl_context"] = tls_context(environ)
    if proxy is None:
        return urllib3.PoolManager(num_pools=1, **pool)
    headers = make_headers(proxy_basic_auth=proxy.login.reveal()) if proxy.login else None
    return urllib3.ProxyManager(
        proxy.url, num_pools=1, proxy_headers=headers, proxy_ssl_context=pool["ssl_context"], **pool
    )
