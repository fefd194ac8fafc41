"""Dispatches a request: checks, fault rules, route, handler, request log."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl

from provisioner.emulator import console_pages
from provisioner.emulator.faults import process_kill, request_log
from provisioner.emulator.faults import rules as faults
from provisioner.emulator.faults.rules import InjectedFault
from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    Router,
)
from provisioner.emulator.http.targets import base_url, check_hosts, check_origin, path_of, split
from provisioner.emulator.identity import authentication, directory
from provisioner.emulator.routes import ROUTES
from provisioner.emulator.serving import api as serving
from provisioner.emulator.serving import lag

Address = tuple[str, int]

NO_STATUS = 0
NO_ANSWER = ApiResponse()
# Ways to break a connection after which nobody has seen a status.
LOST = ("drop", "reset", "garbage")
# First segments of what no real workspace has; the console is at `/`, too.
OURS: tuple[list[str], ...] = ([CONTROL_PREFIX], [console_pages.PREFIX], [])


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request before it is read. ``target`` may be absolute, ``body`` may be too large."""

    method: str
    target: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | ApiError = field(repr=False)
    scheme: str
    client: Address | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What to send and when, or how to break the connection.

    ``connection`` breaks it instead of an answer (``drop``, ``reset``, ``garbage``) or within the
    answer (``truncate``; ``stall`` sends no more). With ``rest`` there is no answer yet: call it
    after ``delay_s`` seconds.
    """

    answer: ApiResponse = NO_ANSWER
    connection: str = ""
    delay_s: float = 0.0
    is_delayed: bool = True
    rest: Callable[[], Delivery] | None = None


class RequestDispatcher:
    """Answers the requests of one workspace, from any thread."""

    def __init__(self, workspace: EmulatedWorkspace) -> None:
        self._workspace = workspace
        self._router = Router(ROUTES)

    def respond(self, raw: RawRequest) -> Delivery:
        """Returns what to send, now or later. Never raises: a failure of the emulator is a 500."""
        return _catch_crash(partial(self._respond, raw))

    def _respond(self, raw: RawRequest) -> Delivery:
        segments = split(path_of(raw.target))
        if segments[:1] in OURS:
            return Delivery(self._answer(raw, segments), is_delayed=False)
        fault = faults.take(self._workspace.store, raw.method, segments)
        finish = partial(_catch_crash, partial(self._finish, raw, segments, fault))
        if fault and fault.phase == "before" and fault.delay_s:
            return Delivery(delay_s=fault.delay_s, is_delayed=False, rest=finish)
        return finish()

    def _finish(
        self, raw: RawRequest, segments: list[str], fault: InjectedFault | None
    ) -> Delivery:
        if fault and fault.replaces_handler:
            reply = _apply_fault(fault, fault.answer(), raw)
        elif fault and fault.phase == "after":
            reply = _apply_fault(fault, self._answer(raw, segments), raw)
        else:
            reply = Delivery(self._answer(raw, segments))
        is_lost = reply.connection in LOST
        request_log.add(
            self._workspace.store,
            request_log.LoggedRequest(
                method=raw.method,
                path="/" + "/".join(segments),
                query=raw.query,
                status=NO_STATUS if is_lost else reply.answer.status,
                user_agent=raw.headers.get("user-agent", ""),
                body=raw.body if isinstance(raw.body, bytes) else b"",
            ),
        )
        return reply

    def _answer(self, raw: RawRequest, segments: list[str]) -> ApiResponse:
        """Returns the handler's answer; every failure becomes an answer in the service's shape."""
        try:
            return self._handle(raw, segments)
        except ApiError as error:
            return error.answer()
        except UnicodeEncodeError:
            message = "The request holds text that is not valid Unicode."
            # rule(assumed): Text that is not valid Unicode answers MALFORMED_REQUEST.
            #     [serving-api 3.5]
            return ApiError(400, "MALFORMED_REQUEST", message).answer()
        except Exception as error:
            return _crash(error)

    def _handle(self, raw: RawRequest, segments: list[str]) -> ApiResponse:
        check_hosts(raw.target, raw.headers)
        check_origin(raw.method, raw.scheme, raw.headers)
        route, parameters = self._router.find(raw.method, segments)
        path = "/" + "/".join(segments)
        caller = directory.LOCAL_USER
        if route is None or route.needs_token:
            caller = authentication.caller_of(self._workspace, raw.headers.get("authorization", ""))
        # rule(local): A route that the local workspace does not have answers 501 and is named.
        if route is None:
            message = f"The local workspace does not implement {raw.method} {path}."
            raise ApiError(501, "NOT_IMPLEMENTED", message)
        if isinstance(raw.body, ApiError):
            raise raw.body
        request = ApiRequest(
            method=raw.method,
            path=path,
            parameters=parameters,
            query=dict(parse_qsl(raw.query, keep_blank_values=True)),
            headers=raw.headers,
            body=raw.body,
            caller=caller,
            base_url=base_url(raw.scheme, raw.headers),
        )
        return self._call(route, request)

    def _call(self, route: ApiRoute, request: ApiRequest) -> ApiResponse:
        if not route.atomic:
            return route.handler(self._workspace, request)
        store = self._workspace.store
        if request.method != "GET" and request.path.startswith(serving.BASE):
            with store.transaction(), lag.remember(store, request):
                return route.handler(self._workspace, request)
        with store.transaction():
            return route.handler(self._workspace, request)


def _apply_fault(fault: InjectedFault, answer: ApiResponse, raw: RawRequest) -> Delivery:
    if fault.kills:
        try:
            process_kill.kill_caller(raw.headers, raw.client)
        except ApiError as error:
            return Delivery(error.answer())
        return Delivery(connection="drop")
    if fault.phase == "after" and fault.has_answer:
        answer = fault.answer()
    delay_s = fault.delay_s if fault.phase == "after" else 0.0
    return Delivery(answer, connection=fault.connection, delay_s=delay_s)


def _catch_crash(work: Callable[[], Delivery]) -> Delivery:
    try:
        return work()
    except Exception as error:
        return Delivery(_crash(error))


# rule(local): A failure of the local workspace itself answers 500.
def _crash(error: Exception) -> ApiResponse:
    """Returns the 500 for an unforeseen error, without its message, which may hold a secret."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    message = f"The local workspace failed: {type(error).__name__} at {place}."
    return ApiError(500, "INTERNAL_ERROR", message).answer()
