"""Dispatches a request: checks, fault rules, route, handler, request log."""

from __future__ import annotations

import os
import re
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from provisioner.emulator import control
from provisioner.emulator.faults import request_log
from provisioner.emulator.faults import rules as faults
from provisioner.emulator.faults.rules import InjectedFault
from provisioner.emulator.http.ordering import IS_SHUFFLED
from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    IS_STRICT,
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    Router,
    invalid,
)
from provisioner.emulator.identity import authentication, directory
from provisioner.emulator.routes import ROUTES
from provisioner.emulator.serving import api as serving
from provisioner.emulator.serving import lag

Address = tuple[str, int]

NO_STATUS = 0
NO_ANSWER = ApiResponse()
# Ways to break a connection after which no client has seen a status.
LOST = ("drop", "reset", "garbage")
# First segments of what no real workspace has; the console is at `/`, too.
OURS: tuple[list[str], ...] = ([CONTROL_PREFIX], [control.PREFIX], [])


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
            message = "The request contains text that is not valid Unicode."
            # rule(assumed, always): Text that is not valid Unicode answers MALFORMED_REQUEST,
            #     because it cannot be read; only the answer is assumed. [serving-api 3.5]
            return ApiError(400, "MALFORMED_REQUEST", message).answer()
        except Exception as error:
            return _crash(error)

    def _handle(self, raw: RawRequest, segments: list[str]) -> ApiResponse:
        IS_STRICT.set(self._workspace.settings.strict)
        IS_SHUFFLED.set(self._workspace.settings.shuffle)
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
            kill_caller(raw.headers, raw.client)
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


# rules(local): The local workspace answers this computer only, and no web page of another origin.

# A web page whose name was made to resolve to 127.0.0.1 (DNS rebinding) sends its own name.
# Any port: databricks-cli drops the one it was given. [serving-api 9.12]
LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
ABSOLUTE = re.compile(r"https?://([^/]*)(.*)", re.IGNORECASE)


def path_of(target: str) -> str:
    """Returns the path of a target in origin form, or in the absolute form that proxies get."""
    absolute = ABSOLUTE.fullmatch(target)
    return absolute[2] if absolute else target


def split(path: str) -> list[str]:
    """Returns the decoded segments. Slashes at the end, or doubled, make no difference.

    Decoded after splitting: `%2F` belongs to a name.
    """
    return [unquote(segment) for segment in path.split("/") if segment]


def check_hosts(target: str, headers: Mapping[str, str]) -> None:
    """Refuses requests that name another host than this computer. Raises ApiError."""
    absolute = ABSOLUTE.fullmatch(target)
    named = [absolute[1]] if absolute else []
    # HTTP/1.0 has no Host header, and no browser speaks it.
    named += [headers["host"]] if "host" in headers else []
    if not all(LOOPBACK.fullmatch(host) for host in named):
        raise ApiError(
            403, "PERMISSION_DENIED", "The local workspace only accepts requests to 127.0.0.1."
        )


def check_origin(method: str, scheme: str, headers: Mapping[str, str]) -> None:
    """Refuses requests that a page of another origin makes a browser send. Raises ApiError.

    Browsers send Origin, and Sec-Fetch-Site also where there is no Origin; other clients send
    neither. Another port of this computer is another origin as well. A followed link does no harm:
    such a request carries no token, and no page can read its answer.
    """
    origin = headers.get("origin")
    is_link = method in ("GET", "HEAD") and headers.get("sec-fetch-dest") == "document"
    is_foreign = origin is not None and origin.lower() != base_url(scheme, headers).lower()
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not is_link:
        is_foreign = True
    if is_foreign:
        message = "The local workspace does not accept requests from pages of another origin."
        raise ApiError(403, "PERMISSION_DENIED", message)


def base_url(scheme: str, headers: Mapping[str, str]) -> str:
    """Returns the scheme and host that the client used."""
    return f"{scheme}://{headers.get('host', '127.0.0.1')}"


# Kills the process that asks for it, for tests of what a crash leaves behind.
# The process must give its number in a header, belong to the same user and hold the other end of
# this very connection: so no request can end another process.

# rules(local): Killing the caller belongs to the local workspace, and is limited to the process
#     that asks for it.

HEADER = "x-test-kill-me"
PROC = Path("/proc")
CONNECTIONS = PROC / "net" / "tcp"


def kill_caller(headers: Mapping[str, str], client: tuple[str, int] | None) -> None:
    """Kills the process that sent the request.

    Raises ApiError for a process that did not send it, or that cannot be inspected.
    """
    number = headers.get(HEADER, "")
    if not (number.isdecimal() and number.isascii() and 1 < int(number) < 2**31):
        raise invalid(f"The header {HEADER} must be the number of the process to kill.")
    if not CONNECTIONS.exists():
        raise ApiError(501, "NOT_IMPLEMENTED", "Callers can only be killed on Linux.")
    pid = int(number)
    if client is None or pid == os.getpid() or not _holds(pid, client[1]):
        raise ApiError(403, "PERMISSION_DENIED", f"Process {pid} did not send this request.")
    os.kill(pid, signal.SIGKILL)


def _holds(pid: int, port: int) -> bool:
    """Returns whether the user's process ``pid`` holds the socket with the local port ``port``."""
    with suppress(OSError):
        folder = PROC / str(pid)
        wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
        is_ours = folder.stat().st_uid == os.getuid()
        return is_ours and any(target in wanted for target in _open_files(folder / "fd"))
    return False


def _open_files(folder: Path) -> Iterator[str]:
    for each in folder.iterdir():
        # A file may be closed while we look.
        with suppress(OSError):
            yield str(each.readlink())


def _inodes(port: int) -> Iterator[str]:
    """Yields the inodes of sockets with this local port.

    https://docs.kernel.org/networking/proc_net_tcp.html
    """
    for line in CONNECTIONS.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            yield fields[9]
