"""What becomes of a released variable that is rolled back. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.errors import Problem
from provisioner.promotion.entries import Stamp
from provisioner.release import Released, Value


@dataclass(frozen=True, slots=True)
class Rollback:
    """One that is asked for: ``to`` is a value to go to, None for the previous one.

    ``stamp`` is of this very rollback.
    """

    environment: str
    to: Value | None
    stamp: Stamp


def rolled_back(name: str, now: Released, asked: Rollback) -> Released | Problem:
    """The entry of the variable ``name`` after the rollback, or why there can be none.

    What was released is rejected from now on. The previous value is used up: a second
    rollback would bring back what the first one took away.
    """
    if now.value is None:
        return _nothing_released(name, asked)
    value = now.previous if asked.to is None else asked.to
    if value is None or (asked.to is None and value in now.rejected):
        return _nothing_before(name, now, asked)
    if value == now.value:
        message = f"`{name}` is {_said(value)} in {asked.environment} already"
        return Problem("E722", message, hint=_history(name, asked))
    rejected = [one for one in now.rejected if one not in (value, now.value)]
    return Released(
        value=value,
        rolled_back=now.value,
        commit=asked.stamp.short,
        at=asked.stamp.at,
        rejected=(*rejected, now.value),
    )


def is_known(value: Value, now: Released) -> bool:
    """Whether the release file tells that ``value`` was released before."""
    return value == now.previous or value in now.rejected


def _nothing_released(name: str, asked: Rollback) -> Problem:
    message = f"nothing is released of `{name}` in {asked.environment}"
    hint = f"provisioner promote --to {asked.environment} {name}"
    return Problem("E721", message, hint=hint)


def _nothing_before(name: str, now: Released, asked: Rollback) -> Problem:
    if now.rolled_back is not None:
        why = f": it was rolled back from {_said(now.rolled_back)} to {_said(now.value)} already"
    elif now.previous is not None:
        why = f": the previous one, {_said(now.previous)}, is rejected"
    else:
        why = f": {_said(now.value)} is the first one"
    message = f"there is no previous value of `{name}` in {asked.environment}{why}"
    again = f"provisioner rollback -e {asked.environment} {name} --to VALUE"
    return Problem("E723", message, hint=f"{_history(name, asked)} shows what there was; {again}")


def _history(name: str, asked: Rollback) -> str:
    return f"provisioner history {name} -e {asked.environment}"


def _said(value: Value | None) -> str:
    return f"`{value}`"
