"""Answers in a form that the client asked for: a tool call, or JSON of a given schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.emulator.routing import invalid

ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {"answer": {"type": "string"}}}


@dataclass(frozen=True, slots=True)
class Form:
    """Plain text, or with a ``schema`` JSON; with a ``tool`` as the arguments of a call."""

    tool: str = ""
    schema: Mapping[str, Any] | None = None


def form_of(body: Mapping[str, Any]) -> Form:
    """The form of the answers to a chat query; a tool call wins over a response format.

    A model is free to call no tool where ``tool_choice`` is ``auto``, and this one never does.

    Raises ApiError 400 where tools, tool_choice or response_format are not as OpenAI has them.
    """
    called = _tool_called(body.get("tool_choice"), _tools(body.get("tools") or []))
    if called:
        name, schema = called
        return Form(tool=name, schema=schema)
    return Form(schema=_format(body.get("response_format")))


def _tools(given: Any) -> dict[str, Mapping[str, Any]]:
    """The parameters of each function by its name."""
    if not isinstance(given, list):
        raise invalid("tools must be a list")
    found: dict[str, Mapping[str, Any]] = {}
    for index, tool in enumerate(given):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise invalid(f"tools[{index}] must be a function with a name")
        parameters = function.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise invalid(f"tools[{index}].function.parameters must be a JSON schema")
        found[function["name"]] = {"type": "object", **parameters}
    return found


def _tool_called(
    choice: Any, known: Mapping[str, Mapping[str, Any]]
) -> tuple[str, Mapping[str, Any]] | None:
    if choice in (None, "auto", "none"):
        return None
    if not known:
        raise invalid("tool_choice needs tools")
    if choice == "required":
        return next(iter(known.items()))
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str) or name not in known:
        raise invalid(f"tool_choice names {name!r}; the tools are {', '.join(known)}")
    return name, known[name]


def _format(given: Any) -> Mapping[str, Any] | None:
    if given is None:
        return None
    kind = given.get("type") if isinstance(given, Mapping) else given
    if kind == "text":
        return None
    if kind == "json_object":
        return ANY_OBJECT
    if kind == "json_schema":
        wrapped = given.get("json_schema")
        schema = wrapped.get("schema") if isinstance(wrapped, Mapping) else None
        if not isinstance(schema, Mapping):
            raise invalid("response_format.json_schema.schema must be a JSON schema")
        return schema
    raise invalid("response_format.type must be text, json_object or json_schema")
