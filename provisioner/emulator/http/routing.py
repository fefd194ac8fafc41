"""The vocabulary of a handler: requests, answers, errors, and route tables.

A handler is a function of the workspace and the request. It runs in a worker thread and may block;
it raises ``ApiError`` for every answer that is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.http.store import Store

# First segment of the emulator's own routes, which no real workspace has. Requests to them are
# neither logged, delayed nor faulty.
CONTROL_PREFIX = "__emulator__"
NOTHING: Mapping[str, str] = MappingProxyType({})


# How grants name the two kinds of callers.
USER, SERVICE_PRINCIPAL = "user_name", "service_principal_name"


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal that sends a request.

    ``name`` is the user name, or the application id of a service principal; ``groups`` are the
    names of its groups. ``has_login`` tells an OAuth token from a personal one.
    """

    name: str
    display_name: str
    groups: tuple[str, ...] = ()
    kind: str = USER
    id: str = "1000000000000001"
    has_login: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether the principal is a workspace admin."""
        return "admins" in self.groups


class StatementRunner(Protocol):
    """Runs the SQL statements of one process. ``sql.running`` implements it."""

    def start(self, creator: str, work: Any) -> Any: ...

    def waiter(self) -> AbstractContextManager[bool]: ...

    def find(self, statement_id: str) -> Any: ...

    def clear(self) -> None: ...


class ModelServer(Protocol):
    """Sends queries to a real model server. ``inference.upstream`` implements it."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Any: ...

    def hang_up(self) -> None: ...


@dataclass(frozen=True, slots=True)
class EmulatedWorkspace:
    """The state, settings and connections that every handler works on."""

    store: Store
    settings: Settings
    statements: StatementRunner
    lines: ModelServer

    def let_go(self) -> None:
        """Stops the statements that run, and the queries that wait for a model."""
        self.lines.hang_up()
        self.statements.clear()


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request. Header names are in lower case; ``path`` has no trailing slash.

    ``parameters`` are the decoded ``{placeholders}`` of the route, ``base_url`` is the scheme and
    host that the client used.
    """

    method: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    caller: Caller = Caller("", "")
    base_url: str = ""

    def json(self) -> dict[str, Any]:
        """Returns the body as a JSON object, whatever its Content-Type; ``{}`` for an empty body.

        Raises ApiError MALFORMED_REQUEST.
        """
        if not self.body.strip():
            return {}
        # rule(assumed, always): A body that is not JSON answers MALFORMED_REQUEST, because it
        #     cannot be read; only the answer is assumed. [serving-api 3.5]
        try:
            value = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "MALFORMED_REQUEST", "Request body is not valid JSON.") from error
        # rule(assumed, always): A body is a JSON object, because its fields cannot be read
        #     otherwise. [serving-api 3.5]
        if not isinstance(value, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "Request body must be a JSON object.")
        return value


def _refuse_constant(constant: str) -> None:
    """Refuses NaN and the infinities, which Python reads although they are not JSON."""
    raise ValueError(constant)


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer: ``json`` unless there is a ``text`` or a ``stream`` with its ``content_type``.

    A stream is iterated in a worker thread, and each piece is sent as soon as it exists; it may
    wait. Closing it early (``GeneratorExit``) means that the client has gone.
    """

    json: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    stream: Iterable[bytes] | None = None
    content_type: str = "application/json"


class ApiError(Exception):
    """An error answer: ``{"error_code", "message"}`` and, where given, ``extra`` keys.

    Statuses are those that clients take well: 400, 401, 403, 404, 409, 429, 500, 501, 503 and
    504. 405, 413 and 422 make MLflow retry for minutes. [serving-api 9.10]
    """

    def __init__(
        self,
        status: int,
        error_code: str,
        message: str,
        *,
        headers: Mapping[str, str] = NOTHING,
        extra: Mapping[str, Any] = NOTHING,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.headers = headers
        self.extra = extra

    def answer(self) -> ApiResponse:
        """Returns the answer that the error is."""
        body = {"error_code": self.error_code, "message": self.message, **self.extra}
        return ApiResponse(json=body, status=self.status, headers=self.headers)


# rule(assumed, always): A value that breaks a rule answers 400 with INVALID_PARAMETER_VALUE where
#     no other code is known, because that is the code of all recorded ones. [serving-api 3.5]
def invalid(message: str) -> ApiError:
    """Returns the error for a value that breaks a rule."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


IS_STRICT: ContextVar[bool] = ContextVar("is_strict", default=False)
"""Whether the workspace that answers is strict; set for each request."""


# rule(assumed, always): What breaks a rule that is only assumed is refused in a strict workspace
#     alone, because no one has seen the service refuse it. [serving-api 0.1]
def refuse_if_strict(message: str) -> None:
    """Refuses a value by a rule that is only assumed. Raises ApiError in a strict workspace."""
    # Checks of bodies are pure functions far below the handlers, so the setting is not passed on.
    if IS_STRICT.get():
        raise invalid(message)


Handler = Callable[[EmulatedWorkspace, ApiRequest], ApiResponse]


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """``pattern`` segments in braces are parameters.

    An ``atomic`` handler runs inside one transaction of the store, which an error rolls back.
    One that may wait for something must not be atomic: it would hold up every other request.
    """

    method: str
    pattern: str
    handler: Handler
    atomic: bool = True
    needs_token: bool = True


Routes = tuple[ApiRoute, ...]


class Router:
    """Finds the route of a path. A literal segment wins over a parameter.

    A last parameter such as ``{path+}`` takes all segments that are left, with their slashes.
    """

    def __init__(self, routes: Iterable[ApiRoute]) -> None:
        self._candidates: dict[tuple[str, int], list[tuple[tuple[str, ...], ApiRoute]]] = {}
        every = tuple(routes)
        self._open_ended = tuple(route for route in every if route.pattern.endswith("+}"))
        closed = [route for route in every if route not in self._open_ended]
        for route in sorted(closed, key=lambda route: route.pattern.count("{")):
            segments = tuple(filter(None, route.pattern.split("/")))
            key = (route.method, len(segments))
            self._candidates.setdefault(key, []).append((segments, route))

    def find(
        self, method: str, segments: Sequence[str]
    ) -> tuple[ApiRoute, dict[str, str]] | tuple[None, dict[str, str]]:
        """Returns the route for decoded path segments, with its parameters."""
        for candidate, route in self._candidates.get((method, len(segments)), ()):
            parameters = _bind(candidate, segments)
            if parameters is not None:
                return route, parameters
        for route in self._open_ended:
            *pattern, last = route.pattern.strip("/").split("/")
            parameters = _bind(pattern, segments[: len(pattern)])
            if method == route.method and parameters is not None and len(segments) > len(pattern):
                return route, {**parameters, last[1:-2]: "/".join(segments[len(pattern) :])}
        return None, {}


def _bind(pattern: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    parameters = {}
    for expected, actual in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            parameters[expected[1:-1]] = actual
        elif expected != actual:
            return None
    return parameters


def event_stream(events: Iterable[Any]) -> Iterator[bytes]:
    """Yields server-sent events that all clients read: ``data: `` lines, blank lines, ``[DONE]``.

    Comments and ``event:`` lines make MLflow fail. [serving-api 9.9]
    """
    for event in events:
        yield b"data: " + json.dumps(event).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"
