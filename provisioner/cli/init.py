"""provisioner init: a starter repository."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from provisioner.cli.options import CommonOptions, common_options, packed
from provisioner.cli.terminal import Terminal


class InitOptions(NamedTuple):
    """What the new repository is to be."""

    systems: tuple[str, ...]
    project: str
    hosts: tuple[str, ...]
    package: str
    keep_existing: bool


init_options = packed(
    InitOptions,
    "options",
    click.option(
        "--ci",
        "systems",
        multiple=True,
        type=click.Choice(["github", "gitlab", "azure", "none"]),
        help="Pipelines for this system (default: what the remote `origin` says). Repeatable.",
    ),
    click.option(
        "--project",
        default="",
        metavar="NAME",
        help="Name of the project, which never changes (default: the folder's).",
    ),
    click.option(
        "--host",
        "hosts",
        multiple=True,
        metavar="ENVIRONMENT=ADDRESS",
        help="Workspace of dev, staging or prod. Repeatable.",
    ),
    click.option(
        "--package",
        default="",
        metavar="REQUIREMENT",
        help="How the pipelines install this tool (default: a wheel in wheels/).",
    ),
    click.option(
        "--keep-existing", is_flag=True, help="Leave out the files that are there already."
    ),
)


@click.command("init", short_help="Start a repository: environments, a manifest, pipelines.")
@click.argument(
    "folder", default=".", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path)
)
@init_options
@common_options
def command(common: CommonOptions, folder: Path, options: InitOptions) -> int:
    """Write a repository that works at once: on the local workspace, without an account.

    It has the environments local, dev, staging and prod, a first manifest, schemas for
    editors, hooks for pre-commit, and pipelines: the plan as a comment on each pull request,
    exactly that plan applied after the merge and an approval, drift each night, promotion.
    Pipelines log in by OIDC: no token is stored.

    Nothing is overwritten: where a file is there already, nothing is written.

    \b
    Exit codes: 0 done; 1 error.
    """
    from provisioner.commands.init.init import begin, starter_of

    terminal = Terminal(common)
    root = (common.project_dir or Path()) / folder
    wanted = starter_of(root, options.project, options.systems, options.hosts, options.package)
    begun = begin(root, wanted, keep=options.keep_existing)
    if common.json:
        terminal.answer_json({"written": list(begun.written), "next": list(begun.next)})
        return 0
    for name in begun.written:
        terminal.answer(f"+ {name}")
    for line in begun.next:
        terminal.say(f"next: {line}")
    return 0
