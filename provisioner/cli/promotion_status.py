"""``promote --status``: the options of it, and how its answer is printed."""

from __future__ import annotations

from typing import NamedTuple

import click

from provisioner.cli.options import Common, packed
from provisioner.cli.terminal import Terminal


class Standing(NamedTuple):
    """Whether the environments are shown side by side, and whether from files alone."""

    status: bool
    offline: bool


standing_options = packed(
    Standing,
    "standing",
    click.option(
        "--status", is_flag=True, help="Show all environments side by side: see STATUS below."
    ),
    click.option("--offline", is_flag=True, help="With --status: from files alone."),
)


def is_wanted(common: Common, standing: Standing, going: bool) -> bool:
    """Whether ``--status`` was given. Raises UsageError for what does not go with it.

    ``going``: an option says what to promote.
    """
    from provisioner.errors import UsageError

    if standing.status and going:
        hint = "--status goes with names and --offline"
        raise UsageError.of("E727", "`--status` promotes nothing", hint)
    if not standing.status and standing.offline:
        raise UsageError.of("E727", "only `--status` can be offline", "promote --status --offline")
    if not standing.status and common.output == "markdown":
        hint = "promote --status -o markdown"
        raise UsageError.of("E727", "only `--status` speaks Markdown", hint)
    return standing.status


def show(common: Common, names: tuple[str, ...], *, offline: bool) -> int:
    """Print where released values stand; 1 where no workspace could be reached."""
    from datetime import UTC, datetime

    from provisioner import standings
    from provisioner.rendering import standing_json, standing_markdown, standing_text
    from provisioner.session import open_project

    terminal = Terminal(common)
    project = open_project(common.project_dir)
    found = standings.standing(project, names, offline=offline)
    now = datetime.now(UTC)
    if common.json:
        terminal.answer_json(standing_json.to_json(found))
    elif common.output == "markdown":
        terminal.answer(standing_markdown.text(found, now))
    else:
        terminal.answer(standing_text.text(found, terminal.style(), now))
    return 1 if found.nothing_reached else 0
