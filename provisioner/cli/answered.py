"""What ``query`` reads before it asks, and how it shows what was answered."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.cli.terminal import Terminal
from provisioner.errors import FileError, UsageError
from provisioner.question import Asked, Question

if TYPE_CHECKING:
    from provisioner.cli.query import Asking

STDIN = "-"


def question(asking: Asking) -> Question:
    """What to ask. Raises UsageError for nothing or two things, FileError for the file."""
    if bool(asking.prompt) == bool(asking.file):
        what = "both are given" if asking.prompt else "neither is given"
        message = f"a question is either `--prompt` or `--file`, and {what}"
        hint = 'provisioner query NAME --prompt "What is the capital of France?"'
        raise UsageError.of("E748", message, hint)
    return Question(
        prompt=asking.prompt,
        body=_body(asking.file) if asking.file else None,
        entity=asking.entity,
        max_tokens=asking.max_tokens,
        timeout_s=asking.timeout_s,
    )


def _body(file: str) -> dict[str, Any]:
    where = "stdin" if file == STDIN else f"`{file}`"
    try:
        text = sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
        body = json.loads(text)
    except OSError as error:
        raise FileError.of("E749", f"cannot read {where}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise FileError.of("E749", f"{where} does not hold JSON") from error
    if not isinstance(body, dict):
        hint = 'it is the body of a request, such as {"messages": [...]}'
        raise FileError.of("E749", f"{where} does not hold a JSON object", hint)
    return body


def show(terminal: Terminal, asked: Sequence[Asked]) -> None:
    """Print the answers, and to stderr what went wrong."""
    from provisioner.rendering import answers

    if terminal.common.json:
        terminal.answer_json(answers.to_json(asked))
    elif len(asked) > 1:
        style = terminal.style()
        side_by_side = sys.stdout.isatty() and answers.fit(asked, style)
        terminal.answer((answers.columns if side_by_side else answers.stacked)(asked, style))
    elif asked[0].answer:
        terminal.answer(answers.alone(asked[0].answer, terminal.style()))
        if sys.stderr.isatty():
            terminal.say(answers.facts(asked[0].answer, terminal.style()))
    terminal.problems(problem for one in asked for problem in one.problems)
