"""JSON in, JSON objects out: one connection to a workspace that repeats only what may be
repeated, ends in time, and believes no answer unseen.

Not the SDK's: that one sends a POST again after a lost answer, takes empty and redirected
answers for data, has no deadline, and logs keys that it sends.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

from provisioner.errors import UnreachableError, WorkspaceError
from provisioner.workspace.answers import Answer, Asked, read_answer
from provisioner.workspace.bodies import encoded
from provisioner.workspace.breakages import explain
from provisioner.workspace.clock import Clock, SystemClock
from provisioner.workspace.credentials import Login
from provisioner.workspace.faults import Call, Failure, Fault, Mode, final_error
from provisioner.workspace.limiter import Limiter
from provisioner.workspace.redaction import Redactor, printable
from provisioner.workspace.retrying import Tries
from provisioner.workspace.wire import Wire

LOG = logging.getLogger("provisioner.http")

# What would leave the host or break the request line; names have to be quoted before.
_PATH = re.compile(r"/(?!/)[!-~]*")

Document = dict[str, Any]


class Transport:
    """Satisfies ``resource.Connection``. Thread-safe: one for all workers."""

    def __init__(self, login: Login, wire: Wire, agent: str, clock: Clock | None = None) -> None:
        self._login = login
        self._wire = wire
        self._clock = clock or SystemClock()
        self._limiter = Limiter(self._clock, wire.parallel)
        self._headers = {
            "User-Agent": printable(agent).encode("ascii", "replace").decode("ascii")[:400],
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }

    @property
    def host(self) -> str:
        """The workspace's address, ``https://name``."""
        return str(self._wire.host)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Document | None:
        """The JSON object at ``path``; None for 404. See ``resource.Connection``."""
        target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        return self._carry_out(Call("GET", path, target, Mode.READ))

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None, *, repeatable: bool
    ) -> Document:
        """Send ``body``, in which secrets may stand as ``Secret``, and return the answer.

        See ``resource.Connection``. A 404 is a refusal here.
        """
        data, secrets = encoded(body)
        mode = Mode.REPEATABLE if repeatable else Mode.ONCE
        answer = self._carry_out(Call(method, path, path, mode, data, secrets))
        return {} if answer is None else answer

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

    def _carry_out(self, call: Call) -> Document | None:
        if not _PATH.fullmatch(call.target):
            raise ValueError(f"not a path of the API: {call.path!r}")
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
            if not result.throttled:
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
            result = self._exchange(tries, login)
            failure = result if isinstance(result, Failure) else None
            return result
        finally:
            if failure is not None and failure.throttled:
                self._limiter.leave(entered, True, failure.wait_s)
            else:
                self._limiter.leave(entered)

    def _exchange(self, tries: Tries, login: Mapping[str, str]) -> Document | Failure | None:
        call, started = tries.call, self._clock.now()
        headers = {**self._headers, **login}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._wire.exchange(call.method, call.target, call.body, headers)
        except Exception as error:
            failure = explain(error, call, self._wire)
            self._log(tries, started, failure.fault.value)
            return failure
        self._log(tries, started, str(response.status))
        answer = Answer(response.status, response.reason or "", response.headers, response.data)

        def redactor() -> Redactor:
            return Redactor([*call.secrets, *_values(login)])

        return read_answer(answer, Asked(call, self.host, self._login.source, redactor))

    def _log(self, tries: Tries, started: float, outcome: str) -> None:
        if LOG.isEnabledFor(logging.DEBUG):
            ms = (self._clock.now() - started) * 1000
            LOG.debug("%s -> %s in %.0f ms (attempt %d)", tries.call, outcome, ms, tries.count + 1)


def _values(headers: Mapping[str, str]) -> list[str]:
    """The values of login headers, also without the word before a token."""
    return [part for value in headers.values() for part in (value, value.rpartition(" ")[2])]
