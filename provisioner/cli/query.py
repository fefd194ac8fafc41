"""provisioner query: ask one endpoint, or several the same thing."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from provisioner.cli.options import (
    CommonOptions,
    Duration,
    TargetOptions,
    common_options,
    packed,
    target_options,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.model.query import Asked, Question
    from provisioner.workflow.session import Session

STDIN = "-"


def read_question(options: QueryOptions) -> Question:
    """What to ask. Raises UsageError for nothing or two things, FileError for the file."""
    from provisioner.errors import UsageError
    from provisioner.model.query import Question

    if bool(options.prompt) == bool(options.file):
        resources = "both are given" if options.prompt else "neither is given"
        message = f"pass either `--prompt` or `--file`: {resources}"
        raise UsageError.of("E748", message, f"write {_written_with_prompt(options.names)}")
    return Question(
        prompt=options.prompt,
        body=_body(options.file) if options.file else None,
        entity=options.entity,
        max_tokens=options.max_tokens,
        timeout_s=options.timeout_s,
    )


def _written_with_prompt(names: Sequence[str]) -> str:
    """The command with ``--prompt``, also where the question was typed as names."""
    first, *others = names
    # `query chat "What is it?"` and `query chat What is it?`
    typed = " ".join(others) if any(" " in word or word.endswith("?") for word in others) else ""
    question = typed or "What is the capital of France?"
    return f"`provisioner query {first} --prompt {shlex.quote(question)}`"


def _body(file: str) -> dict[str, Any]:
    from provisioner.errors import FileError
    from provisioner.files.text_file import read_text_file

    target = "stdin" if file == STDIN else f"`{file}`"
    try:
        text = sys.stdin.read() if file == STDIN else read_text_file(Path(file))
        body = json.loads(text)
    except OSError as error:
        raise FileError.of("E749", f"cannot read {target}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise FileError.of("E749", f"{target} is not JSON") from error
    if not isinstance(body, dict):
        hint = 'write the body of a request, such as {"messages": [...]}'
        raise FileError.of("E749", f"{target} is not a JSON object", hint)
    return body


def show(terminal: Terminal, answers: Sequence[Asked]) -> None:
    """Print the answers, and to stderr what went wrong."""
    from provisioner.commands.query import text as query_text

    if terminal.common.is_data:
        terminal.answer_data(query_text.to_json(answers))
    elif len(answers) > 1:
        style = terminal.style()
        side_by_side = sys.stdout.isatty() and query_text.fit(answers, style)
        terminal.answer(
            (query_text.columns if side_by_side else query_text.stacked)(answers, style)
        )
    elif answers[0].answer:
        terminal.answer(query_text.alone(answers[0].answer, terminal.style()))
        if sys.stderr.isatty():
            terminal.say(query_text.facts(answers[0].answer, terminal.style()))
    terminal.problems(problem for answer in answers for problem in answer.problems)


class Rate(click.ParamType[float]):
    """``5/s``, ``120/m`` or a number a second; given on as requests a second."""

    name = "N/s"
    seconds = {"/s": 1, "/m": 60}
    most = 200.0

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value).strip()
        unit = self.seconds.get(text[-2:], 0)
        try:
            rate = float(text[:-2] if unit else text) / (unit or 1)
        except ValueError:
            rate = 0.0
        if not 0 < rate <= self.most:
            self.fail(f"`{value}` is not a rate; write 5/s or 120/m", param, ctx)
        return rate


class QueryOptions(NamedTuple):
    """What is asked, and whom."""

    names: tuple[str, ...]
    prompt: str
    file: str
    entity: str
    max_tokens: int | None
    timeout_s: float
    load: float | None = None
    duration_s: float = 60.0


command_options = packed(
    QueryOptions,
    "options",
    click.argument("names", nargs=-1, required=True, metavar="NAME..."),
    click.option(
        "--prompt", default="", metavar="TEXT", help="The question, or the text to embed."
    ),
    click.option(
        "--file",
        default="",
        metavar="FILE",
        help="JSON file with the complete body of the request; `-` reads stdin.",
    ),
    click.option(
        "--entity",
        default="",
        metavar="NAME",
        help="Query this served entity, independent of the traffic split.",
    ),
    click.option(
        "--max-tokens", type=click.IntRange(min=1), help="Maximum number of tokens in the answer."
    ),
    click.option(
        "--timeout",
        "timeout_s",
        type=Duration(),
        default="2m",
        show_default=True,
        help="How long to wait for an answer.",
    ),
    click.option(
        "--load",
        type=Rate(),
        help="Send requests at this rate, such as 5/s, and show counts instead of answers.",
    ),
    click.option(
        "--for",
        "duration_s",
        type=Duration(),
        default="60s",
        show_default=True,
        help="Duration of --load.",
    ),
)


@click.command("query", short_help="Ask endpoints a question.")
@command_options
@target_options
@common_options
def command(common: CommonOptions, target: TargetOptions, options: QueryOptions) -> int:
    """Ask each endpoint NAME the same question, and show the answers.

    NAME is the name in the workspace, or the key or address in a manifest. `query` sends the
    prompt in the format of the endpoint's task: chat, completions or embeddings. It queries
    several endpoints at once; a terminal shows the answers side by side, with time and
    tokens.

    With --load, `query` repeats the question and shows the number of answers of each served
    entity. Each request goes to a model and can cost money.

    \b
    Exit codes: 0 all endpoints answered; 1 error, or an endpoint did not answer.
    """
    from provisioner.commands.query import ask as questions
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    terminal = Terminal(common)
    question = read_question(options)
    project = open_project(common.project_dir)
    with open_session(project, *target) as session:
        if options.load:
            return _load(terminal, session, question, options)
        answers = questions.ask_all(session, options.names, question)
    show(terminal, answers)
    return 0 if all(answer.answer for answer in answers) else 1


def _load(terminal: Terminal, session: Session, question: Question, options: QueryOptions) -> int:
    from provisioner.commands.query.load import LoadProfile, put_load

    load = LoadProfile(options.load or 0.0, options.duration_s)
    results = put_load(session, options.names, question, load)
    if terminal.common.is_data:
        terminal.answer_data({"endpoints": [result.to_json() for result in results]})
    else:
        terminal.answer("\n".join(result.summary() for result in results))
    return 1 if any(result.failures for result in results) else 0
