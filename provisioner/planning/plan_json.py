"""A plan as JSON, for files and for other programs, and back.

The digest covers project, environment, host and steps: two plans with the same digest do
the same things to the same workspace, whenever and from whichever commit they were made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from provisioner.errors import FileError
from provisioner.errors.wording import listed
from provisioner.model.paths import parse_path, path_text
from provisioner.model.plan import (
    ABSENT,
    FORMAT_VERSION,
    Action,
    Address,
    Cause,
    FieldChange,
    Operation,
    Plan,
    PlanInputs,
    Source,
    Step,
)
from provisioner.model.rollout import Move, MoveKind, RolloutNote, Why
from provisioner.model.rollout_block import Stage
from provisioner.model.secret import references

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
            raise WrongShapeError(f"`{name}` of {self.where} holds something else than text")
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
            raise WrongShapeError(f"`{name}` of {self.where} holds something else than objects")
        return [JsonObject(value, where) for value in values]

    def inner(self, name: str) -> JsonObject:
        """The object ``name``."""
        return JsonObject(self.take(name, dict), f"`{name}`")


SUMMARY = (
    Action.CREATE,
    Action.ADOPT,
    Action.UPDATE,
    Action.REPLACE,
    Action.DELETE,
    Action.KEEP,
    Action.BLOCKED,
    Action.ORPHAN,
)
MAKE_AGAIN = "make the plan again: provisioner plan --out FILE"


def to_json(plan: Plan, tool_version: str) -> dict[str, Any]:
    """``plan`` as JSON data; what is absent or empty and optional is left out."""
    counts = plan.counts
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version,
        "project": plan.project,
        "environment": plan.environment,
        "workspace": {"host": plan.host},
        "protected": plan.protected,
        "owned": plan.owned,
        "source": {"git_commit": plan.source.git_commit, "digest": plan.source.digest},
        "summary": {action.value: counts[action] for action in SUMMARY},
        "required_env": required_env(plan),
        "digest": digest(plan),
        **_given_inputs(plan),
        **({"policies": {"digest": plan.policy_digest}} if plan.policy_digest else {}),
        "steps": _steps(plan),
    }


def _given_inputs(plan: Plan) -> dict[str, Any]:
    """The options that were given; without any there is no field for them."""
    inputs = plan.inputs
    values = {
        "select": list(inputs.select),
        "variables": list(inputs.variables),
        "rotate": list(inputs.rotate),
        "take_over_from": inputs.take_over_from,
        "prune": inputs.prune,
    }
    given = {name: value for name, value in values.items() if value}
    return {"inputs": given} if given else {}


def required_env(plan: Plan) -> list[str]:
    """The environment variables that the plan's operations take secrets from, sorted."""
    payloads = (each.payload for step in plan.steps for each in step.operations)
    secrets = (reference for payload in payloads for reference in references(payload))
    return sorted({secret["from_env"] for secret in secrets if "from_env" in secret})


def digest(plan: Plan) -> str:
    """``sha256:`` and the hash of what the plan does, and to which workspace."""
    covered = {
        "project": plan.project,
        "environment": plan.environment,
        "host": plan.host,
        **_given_inputs(plan),
        "steps": _steps(plan),
    }
    canonical = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _steps(plan: Plan) -> list[dict[str, Any]]:
    return [_step(step) for step in plan.steps]


def _step(step: Step) -> dict[str, Any]:
    optional = {
        "reason": step.reason,
        "hint": step.hint,
        "notes": list(step.notes),
        "needs": [str(address) for address in step.needs],
        "unknown": list(step.unknown),
        "ignore_changes": list(map(path_text, step.ignore_changes)),
        "consented": step.consented,
        "existing": step.existing,
        "updating": step.updating,
        "attention": step.attention,
        "rollout": rollout_json(step.rollout) if step.rollout else None,
    }
    return {
        "address": str(step.address),
        "name": step.name,
        "action": step.action.value,
        "live_fingerprint": step.live_fingerprint,
        "changes": [change_json(change) for change in step.changes],
        "operations": [_operation(operation) for operation in step.operations],
        **{name: value for name, value in optional.items() if value},
        **({} if step.desired is None else {"desired": step.desired}),
    }


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


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "call": operation.call,
        "method": operation.method,
        "path": operation.path,
        **({} if operation.payload is None else {"payload": operation.payload}),
        "wait": operation.wait,
        **({"after_idle": True} if operation.after_idle else {}),
    }


def from_json(data: Any) -> Plan:
    """The plan that ``to_json`` wrote as ``data``.

    Raises FileError when it is not a plan, is of another format, or was changed since.
    """
    if not isinstance(data, Mapping) or "format_version" not in data:
        raise FileError.of("E510", "this is not a plan", MAKE_AGAIN)
    version = data["format_version"]
    if version != FORMAT_VERSION or type(version) is not int:
        raise FileError.of(
            "E511",
            f"the plan has the format {version!r:.40}, and this version reads {FORMAT_VERSION}",
            MAKE_AGAIN,
        )
    try:
        whole = JsonObject(data, "the plan")
        plan, tool_version = _plan(whole), whole.take("tool_version", str)
    except WrongShapeError as wrong:
        raise FileError.of("E510", f"this is not a plan: {wrong}", MAKE_AGAIN) from None
    if data.get("digest") != digest(plan):
        raise FileError.of("E512", "the plan was changed after it was made", MAKE_AGAIN)
    _refuse_additions(data, to_json(plan, tool_version))
    return plan


def _refuse_additions(data: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    """What the digest does not cover has to follow from what it does."""
    other = sorted(name for name in {*data, *written} if data.get(name) != written.get(name))
    if other:
        names = listed(f"{name:.40}" for name in other)
        message = f"the plan was changed after it was made: {names} cannot come from its steps"
        raise FileError.of("E512", message, MAKE_AGAIN)


def _plan(data: JsonObject) -> Plan:
    source = data.inner("source")
    return Plan(
        project=data.take("project", str),
        environment=data.take("environment", str),
        host=data.inner("workspace").take("host", str),
        steps=tuple(_read_step(each) for each in data.objects("steps", "a step")),
        source=Source(source.take("digest", str), source.take("git_commit", str)),
        protected=data.take("protected", bool),
        owned=data.take("owned", int),
        inputs=_read_inputs(data.inner("inputs") if "inputs" in data.data else None),
        policy_digest=data.inner("policies").take("digest", str) if "policies" in data.data else "",
    )


def _read_inputs(data: JsonObject | None) -> PlanInputs:
    if data is None:
        return PlanInputs()
    return PlanInputs(
        select=data.texts("select"),
        variables=data.texts("variables"),
        rotate=data.texts("rotate"),
        take_over_from=data.take("take_over_from", str, ""),
        prune=data.take("prune", bool, False),
    )


def _read_step(data: JsonObject) -> Step:
    address = data.word("address", _address)
    changes = data.objects("changes", f"a change of {address}")
    operations = data.objects("operations", f"an operation of {address}")
    return Step(
        address=address,
        name=data.take("name", str),
        action=data.word("action", Action),
        changes=tuple(map(_read_change, changes)),
        operations=tuple(map(_read_operation, operations)),
        live_fingerprint=data.take("live_fingerprint", str),
        reason=data.take("reason", str, ""),
        hint=data.take("hint", str, ""),
        notes=data.texts("notes"),
        desired=data.take("desired", dict) if "desired" in data.data else None,
        needs=data.words("needs", _address),
        unknown=data.texts("unknown"),
        ignore_changes=data.words("ignore_changes", parse_path),
        consented=data.take("consented", bool, False),
        existing=data.take("existing", bool, False),
        updating=data.take("updating", bool, False),
        attention=data.take("attention", bool, False),
        rollout=read_rollout(data.inner("rollout")) if "rollout" in data.data else None,
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
        # A time that nobody knows is left out.
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


def _address(text: str) -> Address:
    kind, dot, key = text.partition(".")
    if not dot:
        raise ValueError(text)
    return Address(kind, key)


def _read_change(data: JsonObject) -> FieldChange:
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


def _read_operation(data: JsonObject) -> Operation:
    return Operation(
        call=data.take("call", str),
        method=data.take("method", str),
        path=data.take("path", str),
        payload=data.take("payload", dict) if "payload" in data.data else None,
        wait=data.take("wait", bool),
        after_idle=data.take("after_idle", bool, False),
    )
