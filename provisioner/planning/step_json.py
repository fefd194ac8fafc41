"""The parts of a plan's steps as JSON, and back: changes, rollouts, capacities, prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from provisioner.model.paths import parse_path, path_text
from provisioner.model.plan import ABSENT, Action, Cause, FieldChange, Plan
from provisioner.model.rollout import Move, MoveKind, RolloutNote, Why
from provisioner.model.rollout_block import Stage
from provisioner.model.serving import Capacity, CapacityChange, CapacityUnit, Prices, Provision

T = TypeVar("T")


class WrongShapeError(Exception):
    """What is wrong, for the sentence of an error that users see."""


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object; ``where`` names it in errors. All methods raise WrongShapeError."""

    data: Mapping[str, Any]
    where: str

    def take(self, name: str, kind: type[T], default: T | None = None) -> T:
        """The field ``name``; the default where there is none, if one is given."""
        value = self.data.get(name, default)
        if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
            return value
        raise WrongShapeError(f"`{name}` of {self.where} is missing or of the wrong type")

    def word(self, name: str, read: Callable[[str], T]) -> T:
        """The text ``name``, read by a function that raises ValueError for a wrong one."""
        try:
            return read(self.take(name, str))
        except ValueError:
            raise WrongShapeError(f"`{name}` of {self.where} cannot be read") from None

    def texts(self, name: str) -> tuple[str, ...]:
        """The list of texts ``name``; none where there is no such field."""
        values = self.take(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise WrongShapeError(f"`{name}` of {self.where} contains a value that is not text")
        return tuple(values)

    def words(self, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
        """The list of texts ``name``, each read as by ``word``."""
        try:
            return tuple(map(read, self.texts(name)))
        except ValueError:
            raise WrongShapeError(f"`{name}` of {self.where} cannot be read") from None

    def objects(self, name: str, where: str) -> list[JsonObject]:
        """The list of objects ``name``."""
        values = self.take(name, list)
        if not all(isinstance(value, Mapping) for value in values):
            raise WrongShapeError(
                f"`{name}` of {self.where} contains a value that is not an object"
            )
        return [JsonObject(value, where) for value in values]

    def inner(self, name: str) -> JsonObject:
        """The object ``name``."""
        return JsonObject(self.take(name, dict), f"`{name}`")


def change_json(change: FieldChange) -> dict[str, Any]:
    """``change`` as a plan file has it; a side that is absent is left out."""
    sides = {"before": change.before, "after": change.after}
    return {
        "path": path_text(change.path),
        **{name: value for name, value in sides.items() if value is not ABSENT},
        "action": change.action.value,
        **({} if change.cause is Cause.UNSTATED else {"cause": change.cause.value}),
        "reason": change.reason,
        **({"drift": True} if change.drift else {}),
    }


def read_change(data: JsonObject) -> FieldChange:
    # Plans that were saved before there were causes have sentences alone.
    cause = data.word("cause", Cause) if "cause" in data.data else Cause.UNSTATED
    reason = data.take("reason", str)
    return FieldChange(
        path=data.word("path", parse_path),
        before=data.data.get("before", ABSENT),
        after=data.data.get("after", ABSENT),
        action=data.word("action", Action),
        cause=cause,
        detail="" if reason == cause.sentence else reason,
        drift=data.take("drift", bool, False),
    )


def rollout_json(note: RolloutNote) -> dict[str, Any]:
    """A rollout for other programs. Shares in percent, times in seconds."""
    return {
        "from": note.old,
        "to": note.new,
        "percent": note.percent,
        "move": note.move.kind.value,
        "reason": note.move.why.value,
        "to_percent": note.move.to,
        "steps": [
            {"percent": stage.percent, "for_seconds": stage.for_s, "pause": stage.pause}
            for stage in note.stages
        ],
        "earliest_seconds": note.earliest_s,
        "pauses": note.pauses,
        "doubled": note.doubled,
        "needs_consent": note.needs_consent,
        "falls_back": note.falls_back,
        "name": note.name,
        "returns_from": note.tried,
        # An unknown time is left out.
        **({"due": note.move.due_s} if note.move.due_s else {}),
        **({"earliest_end": note.end_s} if note.end_s else {}),
    }


def read_rollout(data: JsonObject) -> RolloutNote:
    """What ``rollout_json`` wrote. Raises WrongShapeError."""
    stages = tuple(
        Stage(entry.take("percent", int), entry.take("for_seconds", int), entry.take("pause", bool))
        for entry in data.objects("steps", "a step of a rollout")
    )
    kind, why = data.word("move", MoveKind), data.word("reason", Why)
    return RolloutNote(
        old=data.take("from", str),
        new=data.take("to", str),
        percent=data.take("percent", int),
        move=Move(kind, why, data.take("to_percent", int), data.take("due", int, 0)),
        name=data.take("name", str, ""),
        tried=data.take("returns_from", str, ""),
        stages=stages,
        earliest_s=data.take("earliest_seconds", int),
        pauses=data.take("pauses", int),
        doubled=data.take("doubled", str),
        needs_consent=data.take("needs_consent", bool),
        end_s=data.take("earliest_end", int, 0),
        falls_back=data.take("falls_back", bool, False),
    )


def capacity_json(change: CapacityChange) -> dict[str, Any]:
    """A capacity before and after for other programs; ``during`` only where something is in it."""
    sides = {"before": change.before, "after": change.after, "difference": change.difference}
    if change.during:
        sides["during"] = change.during
    return {name: list(map(asdict, side)) for name, side in sides.items()}


def read_capacity(data: JsonObject) -> CapacityChange:
    """What ``capacity_json`` wrote. Raises WrongShapeError."""
    during = _read_side(data, "during") if "during" in data.data else ()
    return CapacityChange(_read_side(data, "before"), _read_side(data, "after"), during)


def read_traffic(data: JsonObject) -> dict[str, tuple[int, int]]:
    """The percentages before and after, by name. Raises WrongShapeError."""
    made = {}
    for name in data.data:
        shares = data.take(name, list)
        if [type(share) for share in shares] != [int, int]:
            raise WrongShapeError(f"`{name}` of {data.where} cannot be read")
        made[name] = (shares[0], shares[1])
    return made


def _read_side(data: JsonObject, name: str) -> Capacity:
    return tuple(map(_read_provision, data.objects(name, "a capacity")))


def _read_provision(data: JsonObject) -> Provision:
    # Each field but the unit has a default, whose type is that of the field.
    rest: dict[str, Any] = {
        field.name: data.take(field.name, type(field.default))
        for field in fields(Provision)
        if field.name != "unit"
    }
    return Provision(data.word("unit", CapacityUnit), **rest)


def capacity_sum(plan: Plan) -> dict[str, Any]:
    """The capacity in sum, and what it costs where the project has prices."""
    change, prices = plan.capacity, plan.prices
    if not change:
        return {}
    orphans = plan.counts[Action.ORPHAN]
    amounts = {**capacity_json(change), **({"orphans_not_counted": orphans} if orphans else {})}
    if prices is None:
        return {"capacity": amounts}
    given = {name: value for name, value in asdict(prices).items() if value not in (None, {})}
    return {"prices": given, "capacity": {**amounts, "cost": _cost(change, prices)}}


def _cost(change: CapacityChange, prices: Prices) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    if change.during:
        sides["during"] = change.during
    costs = {name: prices.cost(side) for name, side in sides.items()}
    unpriced = sorted({word for cost in costs.values() for word in cost.unpriced})
    amounts = {name: [round(cost.least, 4), round(cost.most, 4)] for name, cost in costs.items()}
    return {**amounts, **({"unpriced": unpriced} if unpriced else {})}


def read_prices(data: JsonObject) -> Prices:
    """What ``capacity_sum`` wrote of the prices. Raises WrongShapeError."""
    numbers = data.data.get
    return Prices(
        date=data.take("date", str),
        dbu=_amount(data, "dbu"),
        currency=data.take("currency", str),
        concurrency=dict(numbers("concurrency", {})),
        tokens_per_second=numbers("tokens_per_second"),
        model_units=numbers("model_units"),
    )


def _amount(data: JsonObject, name: str) -> float:
    value = data.data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongShapeError(f"`{name}` of {data.where} is missing or of the wrong type")
    return value
