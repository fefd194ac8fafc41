"""Faults on command: rules in the store that say which call goes wrong, and how.

A rule for calls: ``method``, ``path`` (segments; ``*`` or ``{x}`` is any one, a last ``**`` any
rest), ``nth`` matching call it begins with, how many ``times`` (0: for ever), ``phase`` ``before``
the handler or ``after`` it committed, and the ``action``. A rule for deployments has a
``deployment`` instead: with ``endpoint`` and ``entity`` as globs, and what is to become of them as
``state`` and ``message``, ``log`` (what the logs end with), ``config_update``, ``transition``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from provisioner.emulator.routing import Answer, invalid
from provisioner.emulator.settings import Transition
from provisioner.emulator.store import Store

# The first segment of the path of a call to a provider, which no client can send:
# ``/__provider__/{endpoint}/{served entity}``.
PROVIDERS = "__provider__"

PHASES = ("before", "after")
CONNECTIONS = ("drop", "reset", "truncate", "stall")
ACTION_KEYS = {"status", "headers", "body", "delay_ms", "connection"}
CALL_KEYS = {"method", "path", "nth", "times", "phase", "action"}
DEPLOYMENT_KEYS = {"endpoint", "entity", "state", "message", "log", "config_update", "transition"}
DEPLOYMENT_STATES = ("DEPLOYMENT_FAILED", "DEPLOYMENT_ABORTED")
UPDATE_ENDS = ("UPDATE_FAILED", "UPDATE_CANCELED")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call: an answer instead of the real one, a delay, a broken connection."""

    phase: str
    status: int | None
    headers: dict[str, str]
    body: Any
    delay_s: float
    connection: str

    def answer(self) -> Answer:
        """A body that is text is sent as it is, so that an answer may also be no JSON."""
        sent = {"text": self.body} if isinstance(self.body, str) else {"json": self.body}
        return Answer(status=self.status or 200, headers=self.headers, **sent)

    @property
    def replaces_handler(self) -> bool:
        return self.phase == "before" and (self.status is not None or self.connection != "")


def add(store: Store, rules: Any) -> None:
    """Check and keep rules. Raises ApiError for one that could never do anything."""
    if not isinstance(rules, list):
        raise invalid("rules must be a list.")
    for rule in rules:
        _check(rule)
        store.change("INSERT INTO faults (rule) VALUES (?)", json.dumps(rule))


def listed(store: Store) -> list[dict[str, Any]]:
    rows = store.rows("SELECT rule, seen, fired FROM faults ORDER BY id")
    return [json.loads(rule) | {"seen": seen, "fired": fired} for rule, seen, fired in rows]


def take(store: Store, method: str, segments: Sequence[str]) -> Fault | None:
    """The fault for this call, which is counted by every rule that matches it."""
    if not _rules(store):
        return None
    with store.transaction():
        return _take(store, method, segments)


def _take(store: Store, method: str, segments: Sequence[str]) -> Fault | None:
    fault = None
    for number, text, seen, fired in _rules(store):
        rule = json.loads(text)
        if "deployment" in rule or not _matches(rule, method, segments):
            continue
        times = rule.get("times", 1)
        fires = fault is None and seen + 1 >= rule.get("nth", 1) and (not times or fired < times)
        _count(store, number, fires=fires)
        if fires:
            fault = _fault(rule)
    return fault


def take_deployment(store: Store, endpoint: str) -> dict[str, Any]:
    """What was ordered for the next deployment of ``endpoint``; ``{}`` for nothing."""
    for number, text, _, fired in _rules(store):
        rule = json.loads(text)
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


def _fault(rule: dict[str, Any]) -> Fault:
    action = rule["action"]
    return Fault(
        phase=rule.get("phase", "before"),
        status=action.get("status"),
        headers=action.get("headers", {}),
        body=action.get("body", {}),
        delay_s=action.get("delay_ms", 0) / 1000,
        connection=action.get("connection", ""),
    )


def _check(rule: Any) -> None:
    if not isinstance(rule, dict):
        raise invalid("A fault rule must be an object.")
    if "deployment" in rule:
        _check_deployment(rule)
        return
    action = rule.get("action")
    checks = {
        "unknown key": set(rule) <= CALL_KEYS,
        "action": isinstance(action, dict) and bool(action) and set(action) <= ACTION_KEYS,
        "phase": rule.get("phase", "before") in PHASES,
        "nth": isinstance(rule.get("nth", 1), int) and rule.get("nth", 1) >= 1,
        "times": isinstance(rule.get("times", 1), int) and rule.get("times", 1) >= 0,
        "path": isinstance(rule.get("path", ""), str),
    }
    if isinstance(action, dict):
        status = action.get("status", 200)
        checks["connection"] = action.get("connection", "drop") in CONNECTIONS
        checks["status"] = isinstance(status, int) and 200 <= status <= 599
        headers = action.get("headers", {})
        checks["headers"] = isinstance(headers, dict) and all(map(_is_text, headers.values()))
        checks["delay_ms"] = isinstance(action.get("delay_ms", 0), int | float)
    _refuse(checks)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isascii()


def _check_deployment(rule: dict[str, Any]) -> None:
    ordered = rule["deployment"]
    if not isinstance(ordered, dict) or "endpoint" not in ordered:
        raise invalid("A deployment rule must name an endpoint.")
    try:
        Transition.parse(ordered.get("transition", "immediate"))
    except ValueError as error:
        raise invalid(str(error)) from error
    checks = {
        "unknown key": set(rule) <= {"deployment", "times"} and set(ordered) <= DEPLOYMENT_KEYS,
        "state": ordered.get("state", DEPLOYMENT_STATES[0]) in DEPLOYMENT_STATES,
        "config_update": ordered.get("config_update", UPDATE_ENDS[0]) in UPDATE_ENDS,
        "message": isinstance(ordered.get("message", ""), str),
        "log": isinstance(ordered.get("log", ""), str),
    }
    _refuse(checks)


def _refuse(checks: dict[str, bool]) -> None:
    wrong = [name for name, is_right in checks.items() if not is_right]
    if wrong:
        raise invalid(f"The fault rule is wrong: {', '.join(wrong)}.")
