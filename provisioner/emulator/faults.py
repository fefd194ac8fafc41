"""Faults on command: which call goes wrong, and how. ``fault_rules`` says what a rule may be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from provisioner.emulator import fault_rules
from provisioner.emulator.routing import Answer, invalid
from provisioner.emulator.store import Store

# The first segment of the path of a call to a provider, which no client can send:
# ``/__provider__/{endpoint}/{served entity}``.
PROVIDERS = "__provider__"

# A large body is sent in pieces of this size.
PIECE = b"x" * 65_536


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call: an answer instead of the real one, a delay, a broken connection."""

    phase: str
    status: int | None
    headers: dict[str, str]
    body: Any
    delay_s: float
    connection: str
    body_bytes: int | None
    kills: bool

    def answer(self) -> Answer:
        """A body that is text is sent as it is, so that an answer may also be no JSON."""
        status = self.status or 200
        if self.body_bytes is not None:
            return Answer(status=status, headers=self.headers, stream=_pieces(self.body_bytes))
        sent = {"text": self.body} if isinstance(self.body, str) else {"json": self.body}
        return Answer(status=status, headers=self.headers, **sent)

    @property
    def has_answer(self) -> bool:
        return self.status is not None or self.body_bytes is not None

    @property
    def replaces_handler(self) -> bool:
        ends_early = self.has_answer or self.connection != "" or self.kills
        return self.phase == "before" and ends_early


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // len(PIECE)):
        yield PIECE
    if rest := size % len(PIECE):
        yield PIECE[:rest]


def add(store: Store, rules: Any) -> None:
    """Check and keep rules. Raises ApiError for one that could never do anything."""
    if not isinstance(rules, list):
        raise invalid("rules must be a list.")
    for rule in rules:
        kept = json.dumps(fault_rules.read(rule))
        store.change("INSERT INTO faults (rule) VALUES (?)", kept)


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
    for number, written, seen, fired in _rules(store):
        rule = json.loads(written)
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


def _fault(rule: dict[str, Any]) -> Fault:
    action = rule["action"]
    return Fault(
        phase=rule.get("phase", "before"),
        status=action.get("status"),
        headers=action.get("headers", {}),
        body=action.get("body", {}),
        delay_s=action.get("delay_ms", 0) / 1000,
        connection=action.get("connection", ""),
        body_bytes=action.get("body_bytes"),
        kills=action.get("kill", False),
    )
