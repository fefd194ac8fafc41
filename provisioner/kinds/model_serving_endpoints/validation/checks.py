"""What must hold within the checks of an endpoint, and between them and what it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeGuard

from provisioner.errors import Finding
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.kinds.model_serving_endpoints.document import Part, mapping, parts_of
from provisioner.kinds.model_serving_endpoints.invocation.checks import PARAMETERS, QUESTIONS
from provisioner.kinds.model_serving_endpoints.invocation.requests import (
    CHAT,
    COMPLETIONS,
    CUSTOM,
    EMBEDDINGS,
    FRAMES,
    asked_as,
)
from provisioner.model.paths import Document, Path, parse_path

# rules(tool): The checks of an endpoint are an extension of the tool: each asks one question that
#     fits the task, of an entity that is served, and expects what an answer can hold.

TASKS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "prompt": (CHAT, COMPLETIONS),
    "messages": (CHAT, CUSTOM),
    "input": (EMBEDDINGS, CUSTOM),
    **dict.fromkeys(FRAMES, (CUSTOM,)),
}
"""The tasks whose requests have this field; agents are custom models and take all but a prompt."""

FIELD_OF: Final = {
    CHAT: "prompt` or `messages",
    COMPLETIONS: "prompt",
    EMBEDDINGS: "input",
    CUSTOM: "dataframe_records` or another of its own",
}
OF_VECTORS: Final = ("dimension", "normalized")
OF_TOKENS: Final = ("total_tokens",)


def checks(document: Document, known: list[str]) -> Iterator[Finding]:
    """The checks of one endpoint, whose served entities are named ``known``."""
    task = asked_as(document)
    seen: set[str] = set()
    for check in parts_of(document, ("checks",)):
        name = check.value.get("name")
        if isinstance(name, str) and name in seen:
            message = f"another check of this endpoint has the name `{name}`"
            yield Finding(check.inner("name"), "E740", message, "rename this check")
        seen.add(str(name))
        yield from _entity(check, known)
        yield from _question(check, task)
        yield from _expectations(check, task)


def _entity(check: Part, known: list[str]) -> Iterator[Finding]:
    name = check.value.get("entity")
    if isinstance(name, str) and known and name not in known:
        hint = did_you_mean(name, known, f"this endpoint serves {listed(known)}")
        yield Finding(check.inner("entity"), "E741", f"no served entity is named `{name}`", hint)


def _question(check: Part, task: str) -> Iterator[Finding]:
    questions = [name for name in QUESTIONS if name in check.value]
    if len(questions) != 1:
        names = " and ".join(f"`{name}`" for name in questions)
        message = (
            f"this check has more than one question: {names}"
            if questions
            else ("this check has no question")
        )
        field = FIELD_OF.get(task, "prompt")
        hint = "keep one of them" if questions else f"add `{field}`, or a whole `request`"
        at = check.inner(questions[1]) if questions else check.at
        yield Finding(at, "E742", message, hint, key=True)
        return
    (field,) = questions
    if task and task not in TASKS_OF.get(field, (task,)):
        message = f"`{field}` does not work for the task `{task}` of this endpoint"
        hint = f"use `{FIELD_OF[task]}`" if task in FIELD_OF else "use `request`"
        yield Finding(check.inner(field), "E743", message, hint, key=True)
    if "pass_rate" in check.value and field != "cases":
        message = "`pass_rate` works only with `cases`"
        yield Finding(check.inner("pass_rate"), "E743", message, "remove it", key=True)
    if field not in ("prompt", "messages", "cases"):
        for name in PARAMETERS:
            if name in check.value:
                message = f"`{name}` works only with `prompt` and `messages`, not with `{field}`"
                hint = f"move it into `{field}`" if field == "request" else "remove it"
                yield Finding(check.inner(name), "E743", message, hint, key=True)


def _expectations(check: Part, task: str) -> Iterator[Finding]:
    expect = Part(check.inner("expect"), mapping(check.value.get("expect")))
    for name, wrong in WRONG.items():
        value = expect.value.get(name)
        if value is not None:
            yield from wrong(Part(expect.inner(name), {"": value}))
    embeds = task in ("", EMBEDDINGS) and not {"prompt", "messages", *FRAMES} & set(check.value)
    for name in OF_VECTORS:
        if name in expect.value and not embeds:
            message = f"`{name}` works only for checks of embeddings"
            yield Finding(expect.inner(name), "E745", message, "remove it", key=True)
    for name in OF_TOKENS:
        if name in expect.value and set(FRAMES) & set(check.value):
            message = f"`{name}` works only for checks of language models"
            yield Finding(expect.inner(name), "E745", message, "remove it", key=True)


def _pattern(part: Part) -> Iterator[Finding]:
    # The engine that will run it, since its words are not quite those of `re`.
    import regex

    pattern = part.value[""]
    if not isinstance(pattern, str):
        return
    try:
        regex.compile(pattern)
    except regex.error as error:
        message = f"this is not a regular expression: {error}"
        yield Finding(part.at, "E744", message, "escape a literal sign with `\\`")


def _json(part: Part) -> Iterator[Finding]:
    conditions = part.value[""]
    for index, condition in enumerate(conditions if isinstance(conditions, list) else ()):
        inner = Part((*part.at, index), mapping(condition))
        path = inner.value.get("path")
        if isinstance(path, str) and not _path(path):
            message = f"`{path}` is not a path into an answer"
            hint = "write it like `choices[0].finish_reason`"
            yield Finding(inner.inner("path"), "E746", message, hint)
        least, most = inner.value.get("min"), inner.value.get("max")
        if _is_number(least) and _is_number(most) and least > most:
            message = f"no number is at least {least} and at most {most}"
            yield Finding(inner.inner("min"), "E745", message, "swap them")


def _path(text: str) -> Path:
    try:
        return parse_path(text)
    except ValueError:
        return ()


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float)


WRONG: Final[Mapping[str, Callable[[Part], Iterator[Finding]]]] = {
    "pattern": _pattern,
    "json": _json,
}
