"""A plan as JSON, for files and for other programs, and back.

The digest covers project, environment, host and steps: two plans with the same digest do
the same things to the same workspace, whenever and from whichever commit they were made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from provisioner.errors import FileError
from provisioner.errors.wording import listed
from provisioner.model.paths import parse_path, path_text
from provisioner.model.plan import (
    FORMAT_VERSION,
    Action,
    Address,
    Operation,
    Plan,
    PlanInputs,
    Source,
    Step,
)
from provisioner.model.secret import references
from provisioner.planning.step_json import (
    JsonObject,
    WrongShapeError,
    capacity_json,
    capacity_sum,
    change_json,
    read_capacity,
    read_change,
    read_prices,
    read_rollout,
    read_traffic,
    rollout_json,
)

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
        **capacity_sum(plan),
        "steps": _steps(plan),
    }


def _given_inputs(plan: Plan) -> dict[str, Any]:
    """The options that were given; without any there is no field for them."""
    inputs = plan.inputs
    values = {
        "select": list(inputs.select),
        "variables": list(inputs.variables),
        "rotate": list(inputs.rotate),
        "redeploy": list(inputs.redeploy),
        "take_over_from": inputs.take_over_from,
        "prune": inputs.prune,
    }
    # A plan without options keeps the digest that it had before the options existed.
    given = {name: value for name, value in values.items() if value}
    return {"inputs": given} if given else {}


def required_env(plan: Plan) -> list[str]:
    """The environment variables that the plan's operations take secrets from, sorted."""
    payloads = (each.payload for step in plan.steps for each in step.operations)
    # Payloads hold references and never values: a plan file may be stored as an artifact.
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
    # Sorted keys and no spaces: the digest must not depend on who wrote the file.
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
        "after_ready": [str(address) for address in step.after_ready],
        "unknown": list(step.unknown),
        "ignore_changes": list(map(path_text, step.ignore_changes)),
        "consented": step.consented,
        "existing": step.existing,
        "updating": step.updating,
        "attention": step.attention,
        "rollout": rollout_json(step.rollout) if step.rollout else None,
        "capacity": capacity_json(step.capacity) if step.capacity else None,
        "traffic": {name: list(shares) for name, shares in step.traffic.items()},
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
    # `True == 1` in Python, so that the type is compared, too.
    if version != FORMAT_VERSION or type(version) is not int:
        raise FileError.of(
            "E511",
            f"the plan has format {version!r:.40}, but this version reads {FORMAT_VERSION}",
            MAKE_AGAIN,
        )
    try:
        whole = JsonObject(data, "the plan")
        plan, tool_version = _plan(whole), whole.take("tool_version", str)
    except WrongShapeError as wrong:
        raise FileError.of("E510", f"this is not a plan: {wrong}", MAKE_AGAIN) from None
    # The digest is no signature: it finds a changed file, and `apply` recomputes the steps.
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
        prices=read_prices(data.inner("prices")) if "prices" in data.data else None,
        policy_digest=data.inner("policies").take("digest", str) if "policies" in data.data else "",
    )


def _read_inputs(data: JsonObject | None) -> PlanInputs:
    if data is None:
        return PlanInputs()
    return PlanInputs(
        select=data.texts("select"),
        variables=data.texts("variables"),
        rotate=data.texts("rotate"),
        redeploy=data.texts("redeploy"),
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
        changes=tuple(map(read_change, changes)),
        operations=tuple(map(_read_operation, operations)),
        live_fingerprint=data.take("live_fingerprint", str),
        reason=data.take("reason", str, ""),
        hint=data.take("hint", str, ""),
        notes=data.texts("notes"),
        desired=data.take("desired", dict) if "desired" in data.data else None,
        needs=data.words("needs", _address),
        after_ready=data.words("after_ready", _address),
        unknown=data.texts("unknown"),
        ignore_changes=data.words("ignore_changes", parse_path),
        consented=data.take("consented", bool, False),
        existing=data.take("existing", bool, False),
        updating=data.take("updating", bool, False),
        attention=data.take("attention", bool, False),
        rollout=read_rollout(data.inner("rollout")) if "rollout" in data.data else None,
        capacity=read_capacity(data.inner("capacity")) if "capacity" in data.data else None,
        traffic=read_traffic(data.inner("traffic")) if "traffic" in data.data else {},
    )


def _address(text: str) -> Address:
    kind, dot, key = text.partition(".")
    # An address without a dot is from no plan of this format.
    if not dot:
        raise ValueError(text)
    return Address(kind, key)


def _read_operation(data: JsonObject) -> Operation:
    return Operation(
        call=data.take("call", str),
        method=data.take("method", str),
        path=data.take("path", str),
        payload=data.take("payload", dict) if "payload" in data.data else None,
        wait=data.take("wait", bool),
        after_idle=data.take("after_idle", bool, False),
    )
