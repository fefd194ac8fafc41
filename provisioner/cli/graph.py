"""provisioner graph: a picture of what leads to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.options import (
    DATA_FORMS,
    TALK,
    CommonOptions,
    folder_option,
    one_environment,
    packed,
    select_option,
    variables_option,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.model.selection import Selection


@click.command("graph", short_help="Draw environments, endpoints, models and secrets.")
@one_environment("Only this environment (default: all of environments/).")
@select_option
@variables_option
@packed(
    CommonOptions,
    "common",
    folder_option,
    click.option(
        "-o",
        "--output",
        type=click.Choice(["mermaid", "svg", *DATA_FORMS]),
        default="mermaid",
        show_default=True,
        help="Format of the picture.",
    ),
    *TALK,
)
def command(
    common: CommonOptions, environment: str, select: Selection, variables: tuple[str, ...]
) -> int:
    """Draw environments, endpoints, served entities with their traffic, models and scopes.

    `graph` uses only the manifests, offline. GitHub and GitLab display Mermaid in Markdown. The
    SVG needs no other file, and supports light and dark mode. Dashed lines lead to served
    entities without traffic and to objects that are declared elsewhere.

    \b
    Exit codes: 0 done; 1 error.
    """
    from provisioner.commands.graph import text as rendering
    from provisioner.commands.graph.graph import graph

    terminal = Terminal(common)
    network = graph(common.project_dir, environment, select, variables)
    if common.is_data:
        terminal.answer_data(rendering.to_json(network))
    elif common.output == "svg":
        from provisioner.commands.graph.svg import svg

        terminal.answer(svg(network))
    else:
        terminal.answer(rendering.mermaid(network))
        if len(network.edges) > rendering.MOST_EDGES:
            most = f"GitHub draws at most {rendering.MOST_EDGES} edges, and these are"
            terminal.say(f"{most} {len(network.edges)}: choose with -e or --select")
    return 0
