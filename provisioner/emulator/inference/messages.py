"""Queries and answers in the shapes of Anthropic's Messages API: texts, without streaming.

Source: docs.anthropic.com, Messages.
"""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import ApiError, invalid

Json = dict[str, Any]
STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def chat_of(body: Json) -> Json:
    """Returns the query as a chat of OpenAI's shape. Raises ApiError."""
    # rule(local): Messages are answered whole.
    if body.get("stream") is True:
        message = "The local workspace does not stream answers of Anthropic's API."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    # rule(documented): A query names a model, its messages and max_tokens. [docs.anthropic.com,
    #     Messages]
    if not body.get("model") or not body.get("messages") or not body.get("max_tokens"):
        raise invalid("model, messages and max_tokens must be given.")
    system = [{"role": "system", "content": _text(body["system"])}] if body.get("system") else []
    said = [
        {"role": each.get("role"), "content": _text(each.get("content"))}
        for each in body["messages"]
        if isinstance(each, dict)
    ]
    kept: Json = {
        name: body[name] for name in ("model", "max_tokens", "temperature") if name in body
    }
    return {**kept, "messages": [*system, *said]}


def _text(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def message_of(chat: Json) -> Json:
    """Returns the answer to a chat as a message."""
    choice, usage = chat["choices"][0], chat["usage"]
    return {
        "id": chat["id"].replace("chatcmpl-", "msg_"),
        "type": "message",
        "role": "assistant",
        "model": chat["model"],
        "content": [{"type": "text", "text": choice["message"]["content"]}],
        "stop_reason": STOPS.get(choice["finish_reason"], "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
        },
    }
