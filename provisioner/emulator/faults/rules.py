"""Faults on command: which call or deployment goes wrong, and how.

A rule for calls: ``method``, ``path`` (segments; ``*`` or ``{x}`` is any one, a last ``**`` any
rest), ``nth`` matching call it begins with, how many ``times`` (0: for ever), which ``percent`` of
the calls, ``phase`` ``before`` the handler or ``after`` it committed, and the ``action``. A rule
for deployments has a ``deployment`` instead: with ``endpoint`` and ``entity`` as globs, and what is
to become of them as ``state`` and ``message``, ``log`` (what the logs end with),
``config_update``, ``transition``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from provisioner.emulator.http.routing import ApiResponse, invalid
from provisioner.emulator.http.settings import Transition
from provisioner.emulator.http.shape import (
    Reader,
    choice,
    described,
    flag,
    integer,
    record,
    text,
    text_by_name,
)
from provisioner.emulator.http.store import Store

# rules(local): Fault rules belong to the local workspace: one that could never fire is refused.

# The first segment of the path of a call to a provider, which no client can send:
# ``/__provider__/{endpoint}/{served entity}``.
PROVIDERS = "__provider__"
# Has no divisor in common with 100: its multiples visit each of 100 places once.
SPREAD = 37
# A large body is sent in pieces of this size.
PIECE = b"x" * 65_536
PHASES = ("before", "after")
CONNECTIONS = ("drop", "reset", "truncate", "stall", "garbage")
DEPLOYMENT_STATES = ("DEPLOYMENT_FAILED", "DEPLOYMENT_ABORTED")
UPDATE_ENDS = ("UPDATE_FAILED", "UPDATE_CANCELED")
LONGEST_DELAY_MS = 3_600_000
LARGEST_BODY_BYTES = 2**32
# What a header may be: RFC 9110, 5.1 and 5.5. A wrong length is what `truncate` is for.
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?|")
OUR_HEADERS = ("content-length", "transfer-encoding", "connection")


@described({})
def _anything(value: Any, where: str) -> Any:
    return value


@described({"type": "number", "minimum": 0, "maximum": LONGEST_DELAY_MS})
def _delay(value: Any, where: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= LONGEST_DELAY_MS:
        raise invalid(f"{where} must be a number from 0 to {LONGEST_DELAY_MS}.")
    return float(value)


def _within(least: int, most: int) -> Reader:
    @described({"type": "integer", "minimum": least, "maximum": most})
    def read(value: Any, where: str) -> int:
        number = integer(value, where)
        if not least <= number <= most:
            raise invalid(f"{where} must be from {least} to {most}.")
        return number

    return read


@described({"type": "string", "pattern": r"^(immediate|command|polls=\d{1,6}|seconds=\d{1,6})$"})
def _transition(value: Any, where: str) -> str:
    try:
        Transition.parse(text(value, where))
    except ValueError as error:
        raise invalid(f"{where}: {error}.") from error
    return str(value)


@described({"type": "object", "additionalProperties": {"type": "string"}})
def _headers(value: Any, where: str) -> dict[str, str]:
    headers: dict[str, str] = text_by_name(value, where)
    for name, content in headers.items():
        is_right = HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(content)
        if not is_right or name.lower() in OUR_HEADERS:
            raise invalid(f"{where}.{name[:100]} is not a header that can be sent.")
    return headers


ACTION_FIELDS: dict[str, Reader] = {
    "status": _within(200, 599),
    "headers": _headers,
    "body": _anything,
    "body_bytes": _within(0, LARGEST_BODY_BYTES),
    "delay_ms": _delay,
    "connection": choice(*CONNECTIONS),
    "kill": flag,
}
DEPLOYMENT_FIELDS: dict[str, Reader] = {
    "endpoint": text,
    "entity": text,
    "state": choice(*DEPLOYMENT_STATES),
    "message": text,
    "log": text,
    "config_update": choice(*UPDATE_ENDS),
    "transition": _transition,
}
CALL_FIELDS: dict[str, Reader] = {
    "method": text,
    "path": text,
    "nth": _within(1, 2**31),
    "times": _within(0, 2**31),
    "percent": _within(1, 100),
    "phase": choice(*PHASES),
    "action": record(ACTION_FIELDS),
}
CALL_RULE = record(CALL_FIELDS, needed=("action",))
DEPLOYMENT_RULE = record(
    {"deployment": record(DEPLOYMENT_FIELDS, needed=("endpoint",)), "times": CALL_FIELDS["times"]},
    needed=("deployment",),
)
# For the OpenAPI document.
RULE = record(CALL_FIELDS | {"deployment": record(DEPLOYMENT_FIELDS, needed=("endpoint",))})


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """What happens to one call: an answer instead of the real one, a delay, a broken connection."""

    phase: str
    status: int | None
    headers: dict[str, str]
    body: Any
    delay_s: float
    connection: str
    body_bytes: int | None
    kills: bool

    def answer(self) -> ApiResponse:
        """Returns the ordered answer. Text is sent as it is, so an answer may also be no JSON."""
        status = self.status or 200
        if self.body_bytes is not None:
            return ApiResponse(status=status, headers=self.headers, stream=_pieces(self.body_bytes))
        sent = {"text": self.body} if isinstance(self.body, str) else {"json": self.body}
        return ApiResponse(status=status, headers=self.headers, **sent)

    @property
    def has_answer(self) -> bool:
        """Whether the fault sends an answer of its own."""
        return self.status is not None or self.body_bytes is not None

    @property
    def replaces_handler(self) -> bool:
        """Whether the handler is not called at all."""
        ends_early = self.has_answer or self.connection != "" or self.kills
        return self.phase == "before" and ends_early


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // len(PIECE)):
        yield PIECE
    if rest := size % len(PIECE):
        yield PIECE[:rest]


def add_rules(store: Store, rules: Any) -> None:
    """Checks and stores rules. Raises ApiError for a rule that could never fire."""
    if not isinstance(rules, list):
        raise invalid("rules must be a list.")
    for rule in rules:
        kept = json.dumps(read(rule))
        store.change("INSERT INTO faults (rule) VALUES (?)", kept)


def list_rules(store: Store) -> list[dict[str, Any]]:
    """Returns the rules, with how often each was met (``seen``) and used (``fired``)."""
    rows = store.rows("SELECT rule, seen, fired FROM faults ORDER BY id")
    return [json.loads(rule) | {"seen": seen, "fired": fired} for rule, seen, fired in rows]


def take(store: Store, method: str, segments: Sequence[str]) -> InjectedFault | None:
    """Returns the fault for a call, and counts the call for every rule that matches it."""
    if not _rules(store):
        return None
    with store.transaction():
        return _take(store, method, segments)


def _take(store: Store, method: str, segments: Sequence[str]) -> InjectedFault | None:
    fault = None
    for number, written, seen, fired in _rules(store):
        rule = json.loads(written)
        if "deployment" in rule or not _matches(rule, method, segments):
            continue
        times = rule.get("times", 1)
        due = seen + 1 >= rule.get("nth", 1) and (not times or fired < times)
        fires = fault is None and due and _is_among(rule.get("percent", 100), seen)
        _count(store, number, fires=fires)
        if fires:
            fault = _fault(rule)
    return fault


def _is_among(percent: int, seen: int) -> bool:
    """Returns whether a call is among ``percent`` of 100 calls in a row, well spread."""
    return seen * SPREAD % 100 < percent


def take_deployment(store: Store, endpoint: str) -> dict[str, Any]:
    """Returns what is ordered for the next deployment of ``endpoint``; ``{}`` for nothing."""
    for number, written, _, fired in _rules(store):
        rule = json.loads(written)
        ordered: dict[str, Any] = rule.get("deployment", {})
        times = rule.get("times", 1)
        if ordered and fnmatchcase(endpoint, ordered["endpoint"]) and (not times or fired < times):
            _count(store, number, fires=True)
            return ordered
    return {}


def _rules(store: Store) -> list[tuple[Any, ...]]:
    return store.rows("SELECT id, rule, seen, fired FROM faults ORDER BY id")


def _count(store: Store, number: int, *, fires: bool) -> None:
    store.change("UPDATE faults SET seen = seen + 1, fired = fired + ? WHERE id = ?", fires, number)


def _matches(rule: dict[str, Any], method: str, segments: Sequence[str]) -> bool:
    pattern = rule.get("path", "/**").strip("/").split("/")
    if rule.get("method", method) != method:
        return False
    # Such a call is part of a query: a rule for all calls means what clients send.
    if (pattern[0] == PROVIDERS) != (list(segments[:1]) == [PROVIDERS]):
        return False
    if pattern[-1] == "**":
        pattern.pop()
        segments = segments[: len(pattern)]
    return len(pattern) == len(segments) and all(
        part == "*" or part.startswith("{") or part == segment
        for part, segment in zip(pattern, segments, strict=True)
    )


def _fault(rule: dict[str, Any]) -> InjectedFault:
    action = rule["action"]
    return InjectedFault(
        phase=rule.get("phase", "before"),
        status=action.get("status"),
        headers=action.get("headers", {}),
        body=action.get("body", {}),
        delay_s=action.get("delay_ms", 0) / 1000,
        connection=action.get("connection", ""),
        body_bytes=action.get("body_bytes"),
        kills=action.get("kill", False),
    )


def read(rule: Any) -> dict[str, Any]:
    """Returns the checked rule. Raises ApiError for a rule that could never fire."""
    if not isinstance(rule, dict):
        raise invalid("A fault rule must be an object.")
    if "deployment" in rule:
        _refuse_unknown(rule, {"deployment", "times"})
        _refuse_unknown(rule["deployment"], set(DEPLOYMENT_FIELDS))
        ordered: dict[str, Any] = DEPLOYMENT_RULE(rule, "")
        return ordered
    _refuse_unknown(rule, set(CALL_FIELDS))
    _refuse_unknown(rule.get("action"), set(ACTION_FIELDS))
    call_rule: dict[str, Any] = CALL_RULE(rule, "")
    if not call_rule["action"]:
        raise invalid("action must be given.")
    return call_rule


def _refuse_unknown(value: Any, known: set[str]) -> None:
    """Refuses unknown fields: a misspelled one would make a rule that never fires."""
    unknown = sorted(set(value) - known) if isinstance(value, dict) else []
    if unknown:
        raise invalid(f"A fault rule has no field {unknown[0][:100]!r}.")
