"""What a fault rule may say, and its check; ``faults`` says what comes of it.

A rule for calls: ``method``, ``path`` (segments; ``*`` or ``{x}`` is any one, a last ``**`` any
rest), ``nth`` matching call it begins with, how many ``times`` (0: for ever), ``phase`` ``before``
the handler or ``after`` it committed, and the ``action``. A rule for deployments has a
``deployment`` instead: with ``endpoint`` and ``entity`` as globs, and what is to become of them as
``state`` and ``message``, ``log`` (what the logs end with), ``config_update``, ``transition``.
"""

from __future__ import annotations

import re
from typing import Any

from provisioner.emulator.routing import invalid
from provisioner.emulator.settings import Transition
from provisioner.emulator.shape import (
    Reader,
    choice,
    described,
    flag,
    integer,
    record,
    text,
    text_by_name,
)

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
    found: dict[str, str] = text_by_name(value, where)
    for name, content in found.items():
        is_right = HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(content)
        if not is_right or name.lower() in OUR_HEADERS:
            raise invalid(f"{where}.{name[:100]} is not a header that can be sent.")
    return found


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


def read(rule: Any) -> dict[str, Any]:
    """The rule as it is kept. Raises ApiError for one that could never do anything."""
    if not isinstance(rule, dict):
        raise invalid("A fault rule must be an object.")
    if "deployment" in rule:
        _refuse_unknown(rule, {"deployment", "times"})
        _refuse_unknown(rule["deployment"], set(DEPLOYMENT_FIELDS))
        ordered: dict[str, Any] = DEPLOYMENT_RULE(rule, "")
        return ordered
    _refuse_unknown(rule, set(CALL_FIELDS))
    _refuse_unknown(rule.get("action"), set(ACTION_FIELDS))
    found: dict[str, Any] = CALL_RULE(rule, "")
    if not found["action"]:
        raise invalid("action must say what happens.")
    return found


def _refuse_unknown(value: Any, known: set[str]) -> None:
    """A slip of the pen would make a rule that never fires."""
    unknown = sorted(set(value) - known) if isinstance(value, dict) else []
    if unknown:
        raise invalid(f"The fault rule has no {unknown[0][:100]!r}.")
