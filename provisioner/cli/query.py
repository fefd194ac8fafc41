"""provisioner query: ask one endpoint, or several the same thing."""

from __future__ import annotations

from typing import NamedTuple

import click

from provisioner.cli.options import Common, Duration, Where, common_options, packed, where_options
from provisioner.cli.terminal import Terminal


class Asking(NamedTuple):
    """What is asked, and whom."""

    names: tuple[str, ...]
    prompt: str
    file: str
    entity: str
    max_tokens: int | None
    timeout_s: float


asking_options = packed(
    Asking,
    "asking",
    click.argument("names", nargs=-1, required=True, metavar="NAME..."),
    click.option("--prompt", default="", help="The question, or the text to embed."),
    click.option(
        "--file",
        default="",
        metavar="FILE",
        help="A JSON file with the whole body of the request; `-` reads it from stdin.",
    ),
    click.option("--entity", default="", help="Ask this served entity, whatever the traffic."),
    click.option(
        "--max-tokens", type=click.IntRange(min=1), help="The most tokens to answer with."
    ),
    click.option(
        "--timeout",
        "timeout_s",
        type=Duration(),
        default="2m",
        show_default=True,
        help="How long to wait for an answer.",
    ),
)


@click.command("query", short_help="Ask endpoints a question, side by side.")
@asking_options
@where_options
@common_options
def command(common: Common, where: Where, asking: Asking) -> int:
    """Ask each endpoint NAME the same question and show the answers.

    NAME is the name in the workspace, or the key or address of a manifest. A prompt is sent
    in the shape of the endpoint's task: chat, completions or embeddings. Several endpoints are
    asked at once; in a terminal their answers stand side by side, with time and tokens.

    \b
    Exit codes: 0 all answered, 1 error, or one of them did not.
    """
    from provisioner import asking as questions
    from provisioner import workflow
    from provisioner.cli import answered

    terminal = Terminal(common)
    question = answered.question(asking)
    project = workflow.open_project(common.project_dir)
    with workflow.session(project, *where) as session:
        asked = questions.ask_all(session, asking.names, question)
    answered.show(terminal, asked)
    return 0 if all(one.answer for one in asked) else 1
