"""JSON in, JSON objects out: one connection to a workspace that repeats only what may be
repeated, ends in time, and believes no answer unseen.

Not the SDK's: that one sends a POST again after a lost answer, takes empty and redirected
answers for data, has no deadline, and logs keys that it sends.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Collection, Mapping
from dataclasses import replace
from math import inf
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote, urlencode

from provisioner.errors import ServiceError, UnreachableError, WorkspaceError
from provisioner.model.activity import report_wait
from provisioner.model.clock import Clock, Now, SystemClock, utc_now
from provisioner.model.connection import Reply
from provisioner.model.secret import Secret
from provisioner.workspace.answers import AnswerContext, HttpAnswer, plain_text, read_answer
from provisioner.workspace.connection_errors import explain
from provisioner.workspace.credentials import Login
from provisioner.workspace.faults import ApiCall, Failure, Fault, Mode, final_error
from provisioner.workspace.redaction import Redactor, printable
from provisioner.workspace.retries import Limiter, Tries, unix_time
from provisioner.workspace.wire import NotConnectedError, Wire


def encoded(body: Mapping[str, Any] | None) -> tuple[bytes | None, tuple[str, ...]]:
    """``body`` as JSON, and the values that were secret in it.

    Raises TypeError and ValueError for what is no JSON: a defect of ours.
    """
    if body is None:
        return None, ()
    revealed: list[str] = []

    def reveal(value: Any) -> Any:
        if isinstance(value, Secret):
            revealed.append(value.reveal())
            return revealed[-1]
        if isinstance(value, Mapping):
            return dict(value)
        raise TypeError(f"{type(value).__name__} cannot be sent as JSON")

    text = json.dumps(body, default=reveal, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii"), tuple(revealed)


OK = 200
LOG = logging.getLogger("provisioner.http")

# What would leave the host or break the request line; names have to be quoted before.
_PATH = re.compile(r"/(?!/)[!-~]*")

Document = dict[str, Any]


# Why a request is tried again, for the person who waits.
REASONS: Final[Mapping[Fault, str]] = {
    Fault.UNSENT: "no connection",
    Fault.CUT: "an incomplete answer",
    Fault.UNREADABLE: "an unreadable answer",
    Fault.FAILED: "a server error",
    Fault.BUSY: "rate limited",
    Fault.FINAL: "refused",
}


class Transport:
    """Implements ``model.connection.Connection``. Thread-safe: one for all workers."""

    def __init__(self, login: Login, wire: Wire, agent: str, clock: Clock | None = None) -> None:
        self._login = login
        self._wire = wire
        self._clock = clock or SystemClock()
        self._limiter = Limiter(self._clock, wire.parallel)
        self._skew = ClockSkew()
        self._reached = False
        self._headers = {
            "User-Agent": printable(agent).encode("ascii", "replace").decode("ascii")[:400],
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }

    @property
    def host(self) -> str:
        """The workspace's address, ``https://name``."""
        return str(self._wire.host)

    @property
    def clock_skew_s(self) -> float:
        """See ``model.connection.Connection``."""
        return self._skew.seconds

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        absent: Collection[str] = frozenset(),
    ) -> Document | None:
        """Reads the JSON object at ``path``. See ``model.connection.Connection``."""
        target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        call = ApiCall("GET", path, target, Mode.READ, absent=frozenset(absent))
        return self._carry_out(call)

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        repeatable: bool,
        once: bool = False,
    ) -> Document:
        """Send ``body``, in which secrets may stand as ``Secret``, and return the answer.

        See ``model.connection.Connection``. A 404 is a refusal here.
        """
        data, secrets = encoded(body)
        mode = Mode.FENCED if once else Mode.REPEATABLE if repeatable else Mode.ONCE
        answer = self._carry_out(ApiCall(method, path, path, mode, data, secrets))
        return {} if answer is None else answer

    def read_text(self, path: str) -> str:
        """Reads the plain text at ``path``, once. See ``model.connection.Connection``."""
        _check_path(path, path)
        call = ApiCall("GET", path, path, Mode.READ)
        limits = self._wire.limits
        tries = Tries(call, limits, self._clock.now() + limits.budget_s)
        login = {**self._login.headers(), "Accept": "text/plain"}
        entered = self._limiter.enter(tries.deadline)
        if entered is None:
            raise tries.put_off()
        try:
            answer = self._exchange(tries, login, self._wire)
        finally:
            self._limiter.leave(entered)
        if isinstance(answer, Failure):
            raise answer.error
        if answer.status != OK:
            result = self._read(call, answer, login)
            if isinstance(result, Failure):
                raise result.error
            raise UnreachableError.of("E412", f"{call}: the answer is not text")
        return plain_text(answer)

    def ask(self, path: str, body: Mapping[str, Any], timeout_s: float) -> Reply:
        """POST a question to a model, once. See ``model.connection.Connection``.

        The limit of one endpoint says nothing about the workspace: being told to slow down
        here slows no other request down.
        """
        _check_path(path, path)
        data, secrets = encoded(body)
        call = ApiCall("POST", path, path, Mode.ONCE, data, secrets)
        limits = replace(self._wire.limits, send_s=timeout_s)
        login = self._login.headers()
        tries = Tries(call, limits, self._clock.now() + timeout_s)
        entered = self._limiter.enter(tries.deadline)
        if entered is None:
            raise tries.put_off()
        try:
            started = self._clock.now()
            answer = self._exchange(tries, login, replace(self._wire, limits=limits))
            duration_ms = round((self._clock.now() - started) * 1000)
        finally:
            self._limiter.leave(entered)
        return _reply(answer, self._read(call, answer, login), duration_ms)

    def close(self) -> None:
        """Close the connections that are not in use; no request may follow."""
        self._wire.close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _carry_out(self, call: ApiCall) -> Document | None:
        _check_path(call.target, call.path)
        limits = self._wire.limits
        tries = Tries(call, limits, self._clock.now() + limits.budget_s)
        while True:
            result = self._attempt(tries)
            if not isinstance(result, Failure):
                return result
            wait_s = tries.wait_after(result, self._clock.now())
            if wait_s is None:
                raise final_error(call, result, tries.in_doubt, tries.count)
            # What was throttled waits at the gate, with everybody else.
            if result.throttled:
                report_wait("rate limited", wait_s)
            else:
                report_wait(f"try {tries.count} failed ({REASONS[result.fault]})", wait_s)
                self._clock.sleep(wait_s)

    def _attempt(self, tries: Tries) -> Document | Failure | None:
        try:
            login = self._login.headers()
        except WorkspaceError as error:
            issuer_is_down = isinstance(error, UnreachableError)
            return Failure(Fault.UNSENT if issuer_is_down else Fault.FINAL, error)
        entered = self._limiter.enter(tries.deadline)
        if entered is None:
            raise tries.put_off()
        failure = None
        try:
            answer = self._exchange(tries, login, self._wire)
            result = self._read(tries.call, answer, login)
            failure = result if isinstance(result, Failure) else None
            return result
        finally:
            if failure is not None and failure.throttled:
                self._limiter.leave(entered, True, failure.wait_s)
            else:
                self._limiter.leave(entered)

    def _exchange(self, tries: Tries, login: Mapping[str, str], wire: Wire) -> HttpAnswer | Failure:
        call, started = tries.call, self._clock.now()
        headers = {**self._headers, **login}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            left_s = tries.deadline - started
            response = wire.exchange(call.method, call.target, call.body, headers, left_s)
        except Exception as error:
            failure = explain(error, call, wire, reached=self._reached)
            self._reached |= not isinstance(error, NotConnectedError)
            self._log(tries, started, failure.fault.value)
            return failure
        self._reached = True
        self._log(tries, started, str(response.status))
        self._skew.measure(response.headers.get("Date", ""), self._clock.now() - started)
        return HttpAnswer(response.status, response.reason or "", response.headers, response.data)

    def _read(
        self, call: ApiCall, answer: HttpAnswer | Failure, login: Mapping[str, str]
    ) -> Document | Failure | None:
        if isinstance(answer, Failure):
            return answer

        def redactor() -> Redactor:
            return Redactor([*call.secrets, *_values(login)])

        return read_answer(answer, AnswerContext(call, self.host, self._login.source, redactor))

    def _log(self, tries: Tries, started: float, outcome: str) -> None:
        if LOG.isEnabledFor(logging.DEBUG):
            ms = (self._clock.now() - started) * 1000
            LOG.debug("%s -> %s in %.0f ms (attempt %d)", tries.call, outcome, ms, tries.count + 1)


def _values(headers: Mapping[str, str]) -> list[str]:
    """The values of login headers, also without the word before a token."""
    return [part for value in headers.values() for part in (value, value.rpartition(" ")[2])]


def _check_path(target: str, path: str) -> None:
    if not _PATH.fullmatch(target):
        raise ValueError(f"not a path of the API: {path!r}")


def _reply(
    answer: HttpAnswer | Failure, result: Document | Failure | None, duration_ms: int
) -> Reply:
    """The reply in ``answer``, of which ``result`` was read. Raises what is no reply."""
    if isinstance(answer, Failure):
        raise answer.error
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if not isinstance(result, Failure):
        return Reply(answer.status, result or {}, duration_ms, headers)
    error = result.error
    if not isinstance(error, ServiceError):
        raise error
    body = {"error_code": error.error_code, "message": error.reason}
    return Reply(error.status, body, duration_ms, headers, result.wait_s)


# How far the workspace's clock is ahead of this machine's, from the ``Date`` of its answers.

PRECISION_S: Final = 2.0
"""``Date`` has whole seconds, and may be written at any moment of the request."""


class ClockSkew:
    """The best measurement so far. Thread-safe."""

    def __init__(self, now: Now = utc_now) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._duration_s = inf

    @property
    def seconds(self) -> float:
        """Seconds ahead; 0.0 where the difference is below the precision."""
        with self._lock:
            return self._seconds if abs(self._seconds) > PRECISION_S else 0.0

    def measure(self, date: str, duration_s: float) -> None:
        """Takes in the ``Date`` of an answer to a request that took ``duration_s``."""
        at = unix_time(date)
        if at is None:
            return
        with self._lock:
            # The shorter the request, the less is unknown about the moment of the date.
            if duration_s <= self._duration_s:
                self._duration_s = duration_s
                # Half a second, because `Date` is cut to whole seconds.
                self._seconds = at + 0.5 - (self._now().timestamp() - duration_s / 2)
