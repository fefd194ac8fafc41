"""provisioner emulator: the local workspace as a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from provisioner.cli.options import (
    Common,
    common_options,
    environment_option,
    folder_option,
    packed,
)
from provisioner.cli.served import Served, serve
from provisioner.cli.terminal import Terminal

served_options = packed(
    Served,
    "served",
    click.option(
        "--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 takes a free one."
    ),
    click.option(
        "--state",
        default=".provisioner/local.sqlite",
        show_default=True,
        help="File that holds the workspace, or :memory:.",
    ),
    click.option("--token", default="", help="The token to ask for (default: made up at start)."),
    click.option(
        "--transition",
        default="polls=2",
        show_default=True,
        help="When an update is done: immediate, polls=N, seconds=S, or command.",
    ),
    click.option("--latency-ms", type=click.IntRange(0), default=0, help="Added to each answer."),
    click.option(
        "--upstream",
        metavar="URL",
        default="",
        envvar="PROVISIONER_UPSTREAM",
        help="Ask this OpenAI-compatible server, with the keys of the endpoints.",
    ),
    click.option(
        "--upstream-model",
        metavar="NAME",
        default="",
        envvar="PROVISIONER_UPSTREAM_MODEL",
        help="Ask for this model there, whatever an endpoint names.",
    ),
)


@click.group("emulator", short_help="Start the local workspace, and register models in it.")
def command() -> None:
    """The local workspace: a server that behaves like a Databricks workspace."""


@command.command("start")
@served_options
@folder_option
def start(project_dir: Path | None, served: Served) -> int:
    """Start the local workspace and serve until Ctrl-C.

    Prints DATABRICKS_HOST=... and DATABRICKS_TOKEN=... for other programs, then serves on
    127.0.0.1 only. The default state is what this repository's `local` environment uses,
    so what was applied there can be queried here.

    Answers are made up, unless --upstream names a server that has models: then chats,
    completions and embeddings are asked there, each with the endpoint's own key and model.

    \b
    Exit codes: 0 stopped, 1 error, for instance when the port is taken.
    """
    return serve(served, project_dir)


@command.command("register")
@click.argument("model", metavar="CATALOG.SCHEMA.MODEL")
@click.option("--version", type=click.IntRange(1), help="Its number (default: the next one).")
@click.option("--alias", default="", help="Let this alias, such as champion, point to it.")
@click.option("--feature-spec", is_flag=True, help="Not a model: a feature spec of that name.")
@environment_option
@click.option("--state", default="", metavar="FILE", help="The workspace's file, instead of -e.")
@common_options
def register(
    common: Common, model: str, environment: str, state: str, feature_spec: bool, **given: Any
) -> int:
    """Register a version of a model in a local workspace, as a training job would.

    A version that is there already stays as it is; with --alias the alias moves to it. As
    soon as a catalog has a model, endpoints serve only what is registered in it: before
    that, a local workspace takes every name.

    \b
    Exit codes: 0 registered, or was so already; 1 error.
    """
    from provisioner import registering

    wanted = registering.Registration(model, function=feature_spec, **given)
    made = registering.register(common.project_dir, environment, state, wanted)
    terminal = Terminal(common)
    if common.json:
        terminal.answer_json(made.to_json())
    else:
        terminal.answer(made.summary())
    return 0
