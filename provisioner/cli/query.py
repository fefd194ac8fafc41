"""provisioner query: ask an endpoint a question."""

from __future__ import annotations

import click

from provisioner.cli.options import Common, Where, common_options, where_options
from provisioner.cli.terminal import Terminal


@click.command("query", short_help="Ask endpoints a question.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--prompt", required=True, help="The question, or the text to embed.")
@where_options
@common_options
def command(common: Common, where: Where, names: tuple[str, ...], prompt: str) -> int:
    """Ask each endpoint NAME the same question and show the answers.

    NAME is the name in the workspace, or the key or address of a manifest. The request is
    made in the shape of the endpoint's task: chat, completions or embeddings.

    \b
    Exit codes: 0 answered, 1 error.
    """
    from provisioner import workflow
    from provisioner.question import Question
    from provisioner.rendering.text import harmless

    terminal = Terminal(common)
    project = workflow.open_project(common.project_dir)
    with workflow.session(project, *where) as session:
        answers = [workflow.ask(session, name, Question(prompt)) for name in names]
    if common.json:
        terminal.answer_json({answer.name: answer.raw for answer in answers})
        return 0
    for answer in answers:
        if len(answers) > 1:
            terminal.answer(f"{answer.name}:")
        terminal.answer(harmless(answer.text))
    return 0
