"""Bytes from the service -> a JSON object that can be believed, or what is wrong with them.

What is empty, cut, not JSON or not an object never reads as "nothing is set".
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from provisioner.errors import LoginError, Problem, ServiceError, UnreachableError
from provisioner.workspace.faults import ApiCall, Failure, Fault, Mode, unreachable
from provisioner.workspace.redaction import Redactor
from provisioner.workspace.retries import retry_after_s

MOST_BYTES = 16 * 1024 * 1024
_DEEPEST = 100
NOT_FOUND = 404


class HttpAnswer(NamedTuple):
    """As it came. ``headers`` finds a name in any case; ``body`` may still be packed."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class AnswerContext(NamedTuple):
    """What an answer is an answer to; ``redactor`` is made only when something is wrong."""

    call: ApiCall
    host: str
    login_source: str
    redactor: Callable[[], Redactor]


class InvalidBodyError(ValueError):
    """Why a body is not a JSON object. The text repeats nothing of the body."""


def read_answer(answer: HttpAnswer, context: AnswerContext) -> dict[str, Any] | Failure | None:
    """The object in ``answer``, None for "there is none" (404 to a GET), or a failure."""
    if 200 <= answer.status < 300:
        return _success(answer, context)
    if 300 <= answer.status < 400:
        return _redirect(answer, context)
    return _refusal(answer, context)


def _success(answer: HttpAnswer, context: AnswerContext) -> dict[str, Any] | Failure:
    try:
        body = unpacked(answer)
        if not body and context.call.mode is not Mode.READ and _is_complete(answer):
            return {}
        return json_object(body)
    except InvalidBodyError as reason:
        if _is_page(answer):
            return _page(context, f"status {answer.status}")
        return unreachable(
            Fault.UNREADABLE,
            "E412",
            f"{context.call}: {context.host} sent an answer that cannot be used: {reason}",
            hint="a proxy or gateway on the way may have changed the answer",
        )


def _is_complete(answer: HttpAnswer) -> bool:
    """Whether an empty body is meant: cut in its headers, an answer looks like one, too."""
    framing = answer.headers.get("Content-Length") or answer.headers.get("Transfer-Encoding")
    return answer.status == 204 or framing is not None


def _redirect(answer: HttpAnswer, context: AnswerContext) -> Failure:
    location = context.redactor().clean(answer.headers.get("Location", ""))
    match = re.match(r"[a-z]+://([A-Za-z0-9.:-]{1,200})", location)
    to = f" to {match[1]}" if match and match[1] not in context.host else ""
    return _page(context, f"a redirect{to}, status {answer.status}")


def _page(context: AnswerContext, what: str) -> Failure:
    # The service never answers an API call like this: it is a sign-in page or a proxy, or
    # a host that is no workspace. What was sent has not reached an API.
    return unreachable(
        Fault.FINAL,
        "E413",
        f"{context.call}: {context.host} answered with a web page, not with data ({what})",
        hint="check that the host is the URL of a workspace, not of an account or a sign-in page: "
        "a browser must show the workspace there. A proxy or VPN may also require a login",
    )


def _refusal(answer: HttpAnswer, context: AnswerContext) -> dict[str, Any] | Failure | None:
    message = _said(answer, context)
    code = message.error_code
    if answer.status == NOT_FOUND and context.call.mode is Mode.READ:
        # Only the service's own code for this resource is proof of absence. Gateways answer
        # 404 with JSON too, and a plan made from that would create what exists.
        if message.from_service and code in context.call.absent:
            return None
        if message.is_json and not message.from_service:
            return _foreign_404(context, message)
    if answer.status == NOT_FOUND and not message.is_json:
        return _page(context, "status 404")
    if answer.status == 401:
        return Failure(Fault.FINAL, _login_refused(context, message))
    if answer.status == NOT_FOUND and not message.from_service:
        # A gateway's code must not read as the service's "it does not exist" after a delete.
        code = ""
    error = ServiceError(answer.status, code, message.message, str(context.call))
    fault = FAULTS.get(answer.status, Fault.FINAL)
    wait_s = retry_after_s(answer.headers) if fault is Fault.BUSY else None
    throttled = answer.status == 429 or wait_s is not None
    return Failure(fault, error, wait_s, throttled)


def _foreign_404(context: AnswerContext, message: _ServiceMessage) -> Failure:
    return unreachable(
        Fault.FINAL,
        "E419",
        f"{context.call}: {context.host} answered 404 without an error code of the service: "
        f"{message.message}",
        hint="a gateway may have answered instead of the workspace: check its routes",
    )


FAULTS = {429: Fault.BUSY, 503: Fault.BUSY} | dict.fromkeys((408, 500, 502, 504), Fault.FAILED)


class _ServiceMessage(NamedTuple):
    """``from_service``: the body has the shape of the service's own errors."""

    error_code: str
    message: str
    is_json: bool
    from_service: bool = False


def _said(answer: HttpAnswer, context: AnswerContext) -> _ServiceMessage:
    """The service's error, in any of the shapes that it has. Nothing here can fail."""
    clean = context.redactor().clean
    try:
        body = json_object(unpacked(answer))
    except InvalidBodyError:
        return _ServiceMessage("", _plain(answer, clean), False)
    inner = body.get("error")
    # OpenAI's shape nests the message; SCIM calls it `detail`.
    nested = inner if isinstance(inner, dict) else {}
    texts = (body.get("message"), nested.get("message"), inner, body.get("detail"), answer.reason)
    message = next((text for text in texts if isinstance(text, str) and text), "no reason given")
    code = body.get("error_code") or nested.get("code")
    code = code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_]{1,80}", code) else ""
    # The service's errors have both fields at the top [serving-api 5.1].
    own = isinstance(body.get("error_code"), str) and isinstance(body.get("message"), str)
    return _ServiceMessage(clean(code), clean(message), True, own and bool(code))


def _plain(answer: HttpAnswer, clean: Callable[[str], str]) -> str:
    text = answer.body[:4096].decode("utf-8", "replace").strip()
    if text and not _is_page(answer) and "Content-Encoding" not in answer.headers:
        return clean(text)
    title = re.search(r"<title>([^<]{1,200})</title>", text, re.IGNORECASE)
    return clean(title[1] if title else answer.reason or "no reason given")


def _login_refused(context: AnswerContext, refusal: _ServiceMessage) -> LoginError:
    reason = " ".join(part for part in (refusal.error_code, refusal.message) if part)
    message = (
        f"{context.call}: {context.host} refused the login from {context.login_source}: {reason}"
    )
    hint = (
        "the token may have expired, or it belongs to another workspace: create a new one in "
        "this workspace"
    )
    return LoginError((Problem("E405", message, hint=hint),))


def _is_page(answer: HttpAnswer) -> bool:
    kind = answer.headers.get("Content-Type", "").lower()
    return "html" in kind or answer.body.lstrip()[:1] == b"<"


def unpacked(answer: HttpAnswer) -> bytes:
    """The body without its gzip wrapping. Raises InvalidBodyError, also for a body that would
    grow beyond all measure."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return answer.body
    if encoding != "gzip":
        raise InvalidBodyError("compressed in a way that was not requested")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        body = unpacker.decompress(answer.body, MOST_BYTES + 1)
    except zlib.error:
        raise InvalidBodyError("damaged gzip data") from None
    if len(body) > MOST_BYTES:
        raise InvalidBodyError(f"more than {MOST_BYTES // 2**20} MiB when unpacked")
    if answer.body and not unpacker.eof:
        raise InvalidBodyError("incomplete gzip data")
    return body


def plain_text(answer: HttpAnswer) -> str:
    """The body as text; signs that are no UTF-8 are replaced. Raises UnreachableError."""
    try:
        return unpacked(answer).decode("utf-8", "replace")
    except InvalidBodyError as reason:
        message = f"the workspace sent an answer that cannot be used: {reason}"
        raise UnreachableError.of("E412", message) from None


def json_object(body: bytes) -> dict[str, Any]:
    """``body`` as a JSON object. Raises InvalidBodyError for everything else, also for what
    Python's reader would let pass: duplicate keys, NaN, other encodings, any depth."""
    if not body.strip():
        raise InvalidBodyError("it is empty")
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidBodyError("it is not UTF-8 text") from None
    except RecursionError:
        raise InvalidBodyError("it is nested too deeply") from None
    except InvalidBodyError:
        raise
    except ValueError:
        raise InvalidBodyError("it is not JSON, or it is incomplete") from None
    if not isinstance(value, dict):
        raise InvalidBodyError(f"it is {_WORDS.get(type(value), 'a single value')}, not an object")
    # Only a body with that many brackets can be that deep, and few have.
    if body.count(b"{") + body.count(b"[") > _DEEPEST and _is_deeper(value, _DEEPEST):
        raise InvalidBodyError("it is nested too deeply")
    return value


_WORDS = {list: "a list", str: "a text", type(None): "null"}


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidBodyError("it has the same key twice")
    return fields


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise InvalidBodyError("it contains a number that is too large")
    return number


def _no_number(text: str) -> float:
    raise InvalidBodyError(f"it contains {text}, which is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_number, parse_constant=_no_number
)
