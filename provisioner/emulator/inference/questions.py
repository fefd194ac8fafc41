"""Reads chat and completions queries into one shape. Unknown fields are ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.emulator.http.routing import ApiError, invalid

# rules(client): Chat and completions queries are checked as OpenAI's API describes them.
#     [serving-api 6.1, 9.4]

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_CHOICES = 5
ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {"answer": {"type": "string"}}}


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """Plain text, or with a ``schema`` JSON; with a ``tool`` the arguments of a call."""

    tool: str = ""
    schema: Mapping[str, Any] | None = None


TEXT = AnswerFormat()


@dataclass(frozen=True, slots=True)
class Truncation:
    """How many answers to a prompt, and where each ends. ``max_tokens`` 0 is no limit."""

    n: int = 1
    max_tokens: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A valid query.

    ``texts`` is every text that was sent: what is counted, and what guardrails check. ``asked`` are
    the places in it that get answers: each prompt, or the last message of the user.
    """

    texts: tuple[str, ...]
    asked: tuple[int, ...]
    cut: Truncation
    form: AnswerFormat = TEXT
    stream: bool = False
    include_usage: bool = False


def read_chat(body: Mapping[str, Any]) -> TextQuery:
    """Reads a chat query. Raises ApiError 400."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise wrong_task("messages", "chat")
    texts = [_text_of(message, index) for index, message in enumerate(messages)]
    users = [index for index, message in enumerate(messages) if message["role"] == "user"]
    return TextQuery(
        texts=tuple(texts),
        asked=(users[-1] if users else len(texts) - 1,),
        cut=_cut(body),
        form=form_of(body),
        stream=_flag(body, "stream"),
        include_usage=_wants_usage(body),
    )


def read_completions(body: Mapping[str, Any]) -> TextQuery:
    """Reads a completions query. Raises ApiError 400."""
    prompt = body.get("prompt")
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(prompts, list) or not prompts:
        raise wrong_task("prompt", "completions")
    if not all(isinstance(each, str) for each in prompts):
        raise invalid("prompt must be a string or a list of strings")
    return TextQuery(
        texts=tuple(prompts),
        asked=tuple(range(len(prompts))),
        cut=_cut(body),
        stream=_flag(body, "stream"),
        include_usage=_wants_usage(body),
    )


def with_texts(
    body: Mapping[str, Any], before: Sequence[str], after: Sequence[str]
) -> Mapping[str, Any]:
    """Returns the query ``body`` with the texts ``after`` in the place of ``before``."""
    if tuple(before) == tuple(after):
        return body
    if "messages" not in body:
        return {**body, "prompt": list(after) if isinstance(body["prompt"], list) else after[0]}
    rows = zip(body["messages"], before, after, strict=True)
    return {
        **body,
        "messages": [
            message if was == now else {**message, "content": now} for message, was, now in rows
        ],
    }


def wrong_task(field: str, task: str) -> ApiError:
    """Returns the error for a query that lacks the field of the endpoint's task."""
    return ApiError(
        400,
        "BAD_REQUEST",
        f"Invalid input: '{field}' is missing or empty. The task of this endpoint is "
        f"llm/v1/{task}, and its queries need '{field}'.",
    )


def _text_of(message: Any, index: int) -> str:
    if not isinstance(message, Mapping) or message.get("role") not in ROLES:
        raise invalid(f"messages[{index}] must be an object with a role of {', '.join(ROLES)}")
    content = message.get("content")
    if content is None and message["role"] == "assistant":
        # A turn of the model that called tools has no content.
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, Mapping) for part in content):
        return " ".join(part["text"] for part in content if isinstance(part.get("text"), str))
    raise invalid(f"messages[{index}].content must be a string or a list of content parts")


def _cut(body: Mapping[str, Any]) -> Truncation:
    temperature = body.get("temperature")
    if temperature is not None and not _is_number_within(temperature, 0, 2):
        raise invalid("temperature must be a number from 0 to 2")
    top_p = body.get("top_p")
    if top_p is not None and not _is_number_within(top_p, 0, 1):
        raise invalid("top_p must be a number from 0 to 1")
    n = _count(body, "n") or 1
    if n > MOST_CHOICES:
        raise invalid(f"n must be at most {MOST_CHOICES}")
    most = _count(body, "max_tokens") or _count(body, "max_completion_tokens")
    return Truncation(n=n, max_tokens=most, stop=_stop(body.get("stop")))


def _count(body: Mapping[str, Any], field: str) -> int:
    value = body.get(field)
    if value is None:
        return 0
    if type(value) is not int or value < 1:
        raise invalid(f"{field} must be a positive whole number")
    return value


def _is_number_within(value: Any, least: float, most: float) -> bool:
    return type(value) in (int, float) and least <= value <= most


def _stop(given: Any) -> tuple[str, ...]:
    stops: Sequence[Any] = [given] if isinstance(given, str) else given or ()
    if not isinstance(stops, Sequence) or not all(isinstance(each, str) for each in stops):
        raise invalid("stop must be a string or a list of strings")
    return tuple(filter(None, stops))


def _flag(body: Mapping[str, Any], field: str) -> bool:
    value = body.get(field)
    if value is not None and type(value) is not bool:
        raise invalid(f"{field} must be true or false")
    return bool(value)


def _wants_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, Mapping) and options.get("include_usage") is True


def form_of(body: Mapping[str, Any]) -> AnswerFormat:
    """Returns the form of the answers to a chat query; a tool call wins over a response format.

    A model is free to call no tool where ``tool_choice`` is ``auto``, and this one never does.
    Raises ApiError 400 where tools, tool_choice or response_format are not as OpenAI has them.
    """
    called = _tool_called(body.get("tool_choice"), _tools(body.get("tools") or []))
    if called:
        name, schema = called
        return AnswerFormat(tool=name, schema=schema)
    return AnswerFormat(schema=_format(body.get("response_format")))


def _tools(given: Any) -> dict[str, Mapping[str, Any]]:
    """Returns the parameters of each function by its name."""
    if not isinstance(given, list):
        raise invalid("tools must be a list")
    tools: dict[str, Mapping[str, Any]] = {}
    for index, tool in enumerate(given):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise invalid(f"tools[{index}] must be a function with a name")
        parameters = function.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise invalid(f"tools[{index}].function.parameters must be a JSON schema")
        tools[function["name"]] = {"type": "object", **parameters}
    return tools


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
