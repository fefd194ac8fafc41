"""Carries out one check of an endpoint: makes its request, asks, compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.invocation.expectations import unmet
from provisioner.kinds.model_serving_endpoints.invocation.replies import served_by, tokens_of
from provisioner.kinds.model_serving_endpoints.invocation.requests import (
    BODIES,
    CHAT,
    FRAMES,
    invocations,
    task_of,
)
from provisioner.kinds.model_serving_endpoints.planning.calls import endpoint_path
from provisioner.model.connection import MISSING, Connection
from provisioner.model.paths import Document
from provisioner.model.query import CheckResult
from provisioner.model.resource import Resource

AS_THEY_ARE: Final = ("messages", "input", *FRAMES)
PARAMETERS: Final[tuple[str, ...]] = ("max_tokens", "temperature")
QUESTIONS: Final = ("prompt", *AS_THEY_ARE, "request", "cases")
"""The fields of which a check has exactly one."""


def verify(
    connection: Connection, resource: Resource, check: Document, timeout_s: float
) -> CheckResult:
    """Ask what ``check`` asks, once. Raises WorkspaceError where no answer came."""
    task = task_of(resource.document)
    if "prompt" in check and not task:
        # Foundation models and what others create tell their task only when they are there.
        task = task_of(connection.get(endpoint_path(resource.name), absent=MISSING) or {})
    entity = check.get("entity", "")
    reply = connection.ask(invocations(resource.name, entity), body_of(check, task), timeout_s)
    messages = unmet(check.get("expect", {}), reply)
    return CheckResult(
        address=resource.address,
        name=resource.name,
        check=check["name"],
        entity=entity or served_by(reply),
        passed=not messages,
        message="; ".join(messages),
        duration_ms=reply.duration_ms,
        tokens=tokens_of(reply.document),
    )


def body_of(check: Mapping[str, Any], task: str) -> Document:
    """The request of ``check``; a prompt in the shape of ``task``, without one as a chat."""
    if "request" in check:
        return dict(check["request"])
    parameters = {name: check[name] for name in PARAMETERS if name in check}
    if "prompt" in check:
        return {**BODIES.get(task, BODIES[CHAT])(check["prompt"]), **parameters}
    return {name: check[name] for name in AS_THEY_ARE if name in check} | parameters
