"""The Responses API of OpenAI's clients, as another face of chat. Pure.

What a query says is asked as a chat, and the answer is told in this API's words. Nothing is kept:
``previous_response_id`` leads nowhere and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from provisioner.emulator.http.routing import invalid
from provisioner.emulator.inference import tokens

# rules(client): Queries of the Responses API are checked as OpenAI's API describes them; responses
#     are not kept. [serving-api 6.4, 9.4]

Json = dict[str, Any]
Body = Mapping[str, Any]

# Field of a query -> field of a chat query.
RENAMED = {"max_output_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p"}
OWN = ("client_request_id", "usage_context", "extra_params")
# What an answer repeats of its query, and what it says where the query is silent.
ECHOED: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}


def chat_of(body: Body) -> Json:
    """Translates a query of the Responses API into a chat query. Raises ApiError 400."""
    if body.get("previous_response_id"):
        raise invalid(
            "previous_response_id: the local workspace stores no responses; send the whole input"
        )
    chat: Json = {"messages": list(_messages(body))}
    chat |= {name: body[name] for name in OWN if name in body}
    chat |= {RENAMED[name]: body[name] for name in RENAMED if body.get(name) is not None}
    if body.get("tools"):
        chat["tools"] = _tools(body["tools"])
        chat["tool_choice"] = _choice(body.get("tool_choice", "auto"))
    form = _format(body.get("text"))
    return chat | ({"response_format": form} if form else {})


def _messages(body: Body) -> Iterator[Json]:
    given = body.get("input")
    if body.get("instructions"):
        yield {"role": "system", "content": str(body["instructions"])}
    if isinstance(given, str) and given:
        yield {"role": "user", "content": given}
    elif isinstance(given, list) and given:
        for index, item in enumerate(given):
            yield _message(item, index)
    else:
        raise invalid("input must be a text or a list of items, and not empty")


def _message(item: Any, index: int) -> Json:
    kind = item.get("type", "message") if isinstance(item, Mapping) else ""
    if kind == "message":
        return {"role": item.get("role"), "content": item.get("content")}
    if kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind == "function_call_output":
        content = item.get("output")
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": content}
    raise invalid(f"input[{index}] must be a message, a function call or the output of one")


def _tools(given: Any) -> Any:
    """Moves functions below ``function``, where chats have them."""
    if not isinstance(given, list):
        return given
    return [
        {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}
        if isinstance(tool, Mapping) and tool.get("type") == "function"
        else tool
        for tool in given
    ]


def _choice(given: Any) -> Any:
    if isinstance(given, Mapping) and "name" in given:
        return {"type": "function", "function": {"name": given["name"]}}
    return given


def _format(text: Any) -> Json | None:
    form = text.get("format") if isinstance(text, Mapping) else None
    if not isinstance(form, Mapping) or form.get("type") == "text":
        return None
    if form.get("type") != "json_schema":
        return dict(form)
    inner = {name: value for name, value in form.items() if name != "type"}
    return {"type": "json_schema", "json_schema": inner}


def response_of(chat: Body, body: Body) -> Json:
    """Translates a chat's answer into the response to the query ``body``."""
    choice = (chat.get("choices") or [{}])[0]
    is_cut = choice.get("finish_reason") == "length"
    ending = str(chat.get("id", "")).removeprefix("chatcmpl-")
    usage = chat.get("usage") or {}
    echoed = {name: body.get(name) or usual for name, usual in ECHOED.items()}
    return {
        "id": f"resp_{ending}",
        "object": "response",
        "created_at": chat.get("created", 0),
        "status": "incomplete" if is_cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "model": chat.get("model", body.get("model", "")),
        "output": list(_output(choice.get("message") or {}, ending, is_cut=is_cut)),
        **echoed,
        "usage": {
            "input_tokens": usage.get("prompt_tokens", 0),
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage.get("completion_tokens", 0),
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.get("total_tokens", 0),
        },
    }


def _output(message: Body, ending: str, *, is_cut: bool) -> Iterator[Json]:
    status = "incomplete" if is_cut else "completed"
    if message.get("content") is not None:
        text = str(message["content"])
        part = {"type": "output_text", "text": text, "annotations": []}
        rest = {"role": "assistant", "status": status, "content": [part]}
        yield {"type": "message", "id": f"msg_{ending}", **rest}
    for number, call in enumerate(message.get("tool_calls") or ()):
        yield {
            "type": "function_call",
            "id": f"fc_{ending}{number}",
            "call_id": call["id"],
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
            "status": status,
        }


def events(response: Json) -> Iterator[Json]:
    """Yields the events of a streamed response, each with its number."""
    numbers = count()
    for event in _events(response):
        yield {**event, "sequence_number": next(numbers)}


def _events(response: Json) -> Iterator[Json]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        at = {"output_index": index}
        empty: Json = {"content": []} if item["type"] == "message" else {"arguments": ""}
        yield {
            "type": "response.output_item.added",
            **at,
            "item": {**item, **empty, "status": "in_progress"},
        }
        inside = _text_events if item["type"] == "message" else _call_events
        yield from inside(item, at | {"item_id": item["id"]})
        yield {"type": "response.output_item.done", **at, "item": item}
    yield {"type": f"response.{response['status']}", "response": response}


def _text_events(item: Json, at: Json) -> Iterator[Json]:
    for index, part in enumerate(item["content"]):
        here = at | {"content_index": index}
        yield {"type": "response.content_part.added", **here, "part": {**part, "text": ""}}
        for piece in tokens.pieces(part["text"]):
            yield {"type": "response.output_text.delta", **here, "delta": piece, "logprobs": []}
        whole = {"text": part["text"], "logprobs": []}
        yield {"type": "response.output_text.done", **here, **whole}
        yield {"type": "response.content_part.done", **here, "part": part}


def _call_events(item: Json, at: Json) -> Iterator[Json]:
    arguments = item["arguments"]
    for piece in tokens.pieces(arguments):
        yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
    done = {"name": item["name"], "arguments": arguments}
    yield {"type": "response.function_call_arguments.done", **at, **done}
