"""Queries answered by a real model: forwarded to the upstream with the endpoint's own key.

Every provider is asked in OpenAI's shapes, which is what the gateway makes of them, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.emulator.http.routing import ApiError, EmulatedWorkspace
from provisioner.emulator.http.store import Store
from provisioner.emulator.inference import tasks, tokens, upstream
from provisioner.emulator.inference.guardrails import apply
from provisioner.emulator.inference.traffic import provider_error
from provisioner.emulator.secrets.secret_values import is_reference, value_of

Json = dict[str, Any]
PATHS = {
    tasks.CHAT: "/chat/completions",
    # Few model servers know that API; every one knows chats.
    tasks.RESPONSES: "/chat/completions",
    tasks.COMPLETIONS: "/completions",
    tasks.EMBEDDINGS: "/embeddings",
}
# For the gateway, not for providers. [serving-api 6.1]
OWN_FIELDS = ("client_request_id", "usage_context", "extra_params")
# These make clients retry for minutes; the gateway's word for them is another. [serving-api 9.10]
PASSED_ON = (400, 401, 403, 404, 408, 409, 429)
# Of each provider the one secret that is a bearer token. Bedrock signs and Vertex logs in: there
# is nothing that an OpenAI-compatible server would take.
TOKENS = (
    "openai_api_key",
    "anthropic_api_key",
    "cohere_api_key",
    "ai21labs_api_key",
    "palm_api_key",
    "databricks_api_token",
)


def ask(
    workspace: EmulatedWorkspace, entity: Json, task: str, prepared: tasks.PreparedQuery
) -> tasks.ModelAnswer:
    """Returns the answer of the upstream's model. Raises ApiError as a provider's failure."""
    settings = workspace.settings
    # Guardrails look at whole answers.
    is_streamed = prepared.stream and not prepared.output
    body = _body(prepared, settings.upstream_model or tasks.model_of(entity), is_streamed)
    headers = headers_of(workspace.store, entity)
    question = upstream.UpstreamRequest(settings.upstream.rstrip("/") + PATHS[task], body, headers)
    try:
        if is_streamed:
            tally = tasks.Tally()
            chunks = _count_chunks(
                upstream.stream(workspace.lines, question), tally, prepared.question
            )
            return tasks.ModelAnswer({}, chunks=chunks, tally=tally, made_up=False)
        answer = upstream.ask(workspace.lines, question)
    except upstream.UpstreamError as error:
        raise _failure(entity, error) from error
    answer = _apply_guardrails(answer, prepared.output)
    spent = _tokens_spent(answer) or tokens.count([prepared.question, *_texts(answer)])
    whole = iter(_in_one_chunk(answer)) if prepared.stream else None
    return tasks.ModelAnswer(answer, spent, whole, made_up=False)


def _body(prepared: tasks.PreparedQuery, model: str, is_streamed: bool) -> Json:
    sent = dict(prepared.body or {})
    extra = sent.get("extra_params")
    for name in OWN_FIELDS:
        sent.pop(name, None)
    if isinstance(extra, Mapping):
        sent |= extra
    if not is_streamed:
        sent.pop("stream", None)
        sent.pop("stream_options", None)
    return sent | {"model": model}


def _failure(entity: Json, error: upstream.UpstreamError) -> ApiError:
    status = error.status
    if status < 400 or (status < 500 and status not in PASSED_ON):
        status = 400 if status >= 400 else 503
    return provider_error(entity, status, error.body, error.headers)


def _apply_guardrails(answer: Json, rules: Mapping[str, Any]) -> Json:
    """Masks the answer's texts. Raises ApiError 400 where a guardrail stops them."""
    if not rules:
        return answer
    texts = apply(rules, "output", _texts(answer), answer.get("usage") or {})
    pairs = zip(_choices(answer), texts, strict=True)
    return {**answer, "choices": [_with_text(choice, text) for choice, text in pairs]}


def _texts(answer: Json) -> list[str]:
    return [str(_text(choice) or "") for choice in _choices(answer)]


def _choices(answer: Json) -> list[Json]:
    """Returns the choices that are objects: an upstream may send anything."""
    given = answer.get("choices")
    return (
        [choice for choice in given if isinstance(choice, dict)] if isinstance(given, list) else []
    )


def _text(choice: Json) -> Any:
    part = choice.get("message") or choice.get("delta")
    return part.get("content") if isinstance(part, Mapping) else choice.get("text")


def _with_text(choice: Json, text: str) -> Json:
    if text == (_text(choice) or ""):
        return choice
    if isinstance(choice.get("message"), Mapping):
        return {**choice, "message": {**choice["message"], "content": text}}
    return {**choice, "text": text}


def _tokens_spent(answer: Json) -> int:
    usage = answer.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, Mapping) else None
    return total if isinstance(total, int) else 0


def _count_chunks(chunks: Iterator[Json], tally: tasks.Tally, question: str) -> Iterator[Json]:
    """Yields the chunks, and puts their tokens into ``tally`` after the last one.

    The number is the upstream's, else it is counted as for a made-up answer.
    """
    reported = 0
    try:
        for chunk in chunks:
            tally.chunks.append(chunk)
            reported = _tokens_spent(chunk) or reported
            yield chunk
    except upstream.UpstreamError as error:
        # The status has been sent; this is what OpenAI's client raises an error for.
        yield {"error": {"message": f"The provider stopped: {error}", "code": error.status}}
    finally:
        texts = [text for chunk in tally.chunks for text in _texts(chunk)]
        tally.tokens = reported or tokens.count([question, "".join(texts)])


def _in_one_chunk(answer: Json) -> list[Json]:
    """Returns a whole answer as a stream of one piece."""
    is_chat = answer.get("object") == "chat.completion"
    choices = [_as_chunk(choice) if is_chat else choice for choice in _choices(answer)]
    return [
        {**answer, "object": "chat.completion.chunk", "choices": choices} if is_chat else answer
    ]


def _as_chunk(choice: Json) -> Json:
    rest = {name: value for name, value in choice.items() if name != "message"}
    return {**rest, "delta": choice.get("message") or {}}


def headers_of(store: Store, entity: dict[str, Any]) -> dict[str, str]:
    """Returns the headers with the provider's key; none for models that need no key."""
    model = entity.get("external_model") or {}
    for name, block in model.items():
        if not isinstance(block, dict):
            continue
        if name == "custom_provider_config":
            return _custom_headers(store, block)
        for token in TOKENS:
            if key := _secret(store, block, token):
                return {"Authorization": f"Bearer {key}"}
    return {}


def _custom_headers(store: Store, block: dict[str, Any]) -> dict[str, str]:
    bearer = _secret(store, block.get("bearer_token_auth") or {}, "token")
    if bearer:
        return {"Authorization": f"Bearer {bearer}"}
    pair = block.get("api_key_auth") or {}
    return {str(pair["key"]): _secret(store, pair, "value")} if "key" in pair else {}


def _secret(store: Store, block: dict[str, Any], name: str) -> str:
    """Returns the value behind a reference, or the plaintext value; "" where there is neither."""
    given = block.get(name)
    if is_reference(given):
        return value_of(store, str(given))
    return str(block.get(f"{name}_plaintext") or "")
