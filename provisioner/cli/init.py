"""provisioner init: a starter repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import CommonOptions, common_options, packed
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.commands.init.init import StarterOptions


class InitOptions(NamedTuple):
    """What the new repository is to be."""

    template: str | None
    systems: tuple[str, ...]
    project: str
    hosts: tuple[str, ...]
    package: str
    wheel: Path | None
    yes: bool
    keep_existing: bool


SYSTEMS = click.Choice(["github", "gitlab", "azure", "none"])
# A test holds these equal to the templates, which `--help` does not load.
TEMPLATES = click.Choice(["chat", "custom-model", "provisioned-throughput", "pay-per-token"])

init_options = packed(
    InitOptions,
    "options",
    click.option(
        "--template",
        type=TEMPLATES,
        metavar="NAME",
        help="The endpoint to start with: chat (default), custom-model, provisioned-throughput "
        "or pay-per-token.",
    ),
    click.option(
        "--ci",
        "systems",
        multiple=True,
        type=SYSTEMS,
        help="Pipelines for this system (default: the one of the remote `origin`, else github). "
        "Repeatable.",
    ),
    click.option(
        "--project",
        default="",
        metavar="NAME",
        help="Name of the project; you cannot change it later (default: the folder name).",
    ),
    click.option(
        "--host",
        "hosts",
        multiple=True,
        metavar="ENVIRONMENT=ADDRESS",
        help="Workspace of dev, staging or prod. Repeatable.",
    ),
    click.option(
        "--wheel",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help=(
            "Wheel that the pipelines install. `init` copies it to wheels/ and pins its hash "
            "(default: the wheel that this command was installed from)."
        ),
    ),
    click.option(
        "--package",
        default="",
        metavar="REQUIREMENT",
        help="Package to install in pipelines instead of a wheel: a line of a requirements file.",
    ),
    click.option("-y", "--yes", is_flag=True, help="Ask nothing; use the defaults."),
    click.option("--keep-existing", is_flag=True, help="Write only the files that do not exist."),
)


@click.command("init", short_help="Create a repository: environments, a manifest, pipelines.")
@click.argument(
    "folder", default=".", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path)
)
@init_options
@common_options
def command(common: CommonOptions, folder: Path, options: InitOptions) -> int:
    """Create a repository that works at once on the local workspace, without a Databricks account.

    It contains the environments local, dev, staging and prod, a first manifest, schemas for
    editors, pre-commit hooks, and pipelines. The pipelines comment the plan on each pull
    request, apply exactly that plan after merge and approval, check for drift every night,
    and promote versions. They log in with OIDC and store no token.

    On a terminal, `init` asks for the template, the project and the pipelines if you do not pass
    them. It overwrites nothing: if a file already exists, `init` writes nothing.

    \b
    Exit codes: 0 done; 1 error.
    """
    from provisioner.commands.init.init import begin, starter_of

    terminal = Terminal(common)
    root = (common.project_dir or Path()) / folder
    chosen = _starter_options(options)
    if terminal.interactive() and not (options.yes or common.quiet or common.is_data):
        chosen = _completed(chosen, root)
    result = begin(root, starter_of(root, chosen), keep=options.keep_existing)
    if common.is_data:
        terminal.answer_data({"written": list(result.written), "next": list(result.next)})
        return 0
    for name in result.written:
        terminal.answer(f"+ {name}")
    for line in result.next:
        terminal.say(f"next: {line}")
    return 0


def _starter_options(options: InitOptions) -> StarterOptions:
    """What the options choose. Raises UsageError for a file that is no wheel of this tool."""
    from provisioner.commands.init.init import StarterOptions
    from provisioner.commands.init.wheel import given_wheel, installed_wheel

    return StarterOptions(
        options.project,
        options.systems,
        options.hosts,
        options.package,
        options.template or "",
        given_wheel(options.wheel) if options.wheel else installed_wheel(),
    )


def _completed(options: StarterOptions, folder: Path) -> StarterOptions:
    """``options`` with the answers of the user where they choose nothing."""
    from provisioner.commands.init.init import (
        DEFAULT_TEMPLATE,
        KINDS_OF_STARTER,
        forge_of,
        name_of,
    )

    if not options.template:
        for name, template in KINDS_OF_STARTER.items():
            click.echo(f"{name:<24}{template.title}", err=True)
        answer = click.prompt("Template", DEFAULT_TEMPLATE, type=TEMPLATES, err=True)
        options = options._replace(template=answer)
    if not options.project:
        answer = click.prompt("Project name (cannot be changed later)", name_of(folder), err=True)
        options = options._replace(project=answer)
    if not options.systems:
        answer = click.prompt("Pipelines for", forge_of(folder), type=SYSTEMS, err=True)
        options = options._replace(systems=(answer,))
    return options
