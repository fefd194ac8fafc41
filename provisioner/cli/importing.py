"""provisioner import: manifests for what exists already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import Common, Where, common_options, packed, where_options
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.commands.importing.result import Imported


def finish(
    terminal: Terminal, imported: Imported, root: Path, *, dry_run: bool, to_stdout: bool
) -> int:
    """Write the files unless they are only to be shown; return the exit code."""
    from provisioner.commands.importing import text as rendering
    from provisioner.commands.importing.draft import write

    if not (dry_run or to_stdout):
        write(root, imported.files.values())
    if terminal.common.json:
        terminal.answer_json(rendering.to_json(imported))
    elif to_stdout:
        terminal.answer(rendering.files(imported))
    else:
        shown = rendering.diff(imported) if dry_run else ""
        terminal.answer(f"{shown}\n" * bool(shown) + rendering.text(imported))
    terminal.problems(imported.problems)
    for note in imported.notes:
        terminal.say(f"note: {note}")
    if imported.files and not dry_run and not to_stdout:
        for line in imported.next:
            terminal.say(f"next: {line}")
    return 1 if imported.problems else 0


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Asking(NamedTuple):
    """What is imported, and what for."""

    everything: bool
    update: bool
    bundle: Path | None
    state: Path | None


class Written(NamedTuple):
    """Which manifests are written, and whether they are."""

    to: str
    with_scopes: bool
    dry_run: bool
    to_stdout: bool


written_options = packed(
    Written,
    "written",
    click.option(
        "--to",
        default="manifests/{key}.yaml",
        show_default=True,
        metavar="PATTERN",
        help="File of each manifest; {key}, or {name} in the workspace.",
    ),
    click.option("--with-scopes", is_flag=True, help="Also the secret scopes they refer to."),
    click.option("--dry-run", is_flag=True, help="Show the diff, and write nothing."),
    click.option("--stdout", "to_stdout", is_flag=True, help="Print the manifests, write nothing."),
)


asking_options = packed(
    Asking,
    "asking",
    click.option("--all", "everything", is_flag=True, help="All but what Databricks provides."),
    click.option("--update", is_flag=True, help="Bring manifests up to what is live, by line."),
    click.option(
        "--from-bundle",
        "bundle",
        type=FILE,
        metavar="FILE",
        help="From a databricks.yml: manifests and environments, offline.",
    ),
    click.option(
        "--from-terraform-state",
        "state",
        type=FILE,
        metavar="FILE",
        help="From a terraform.tfstate: manifests, and the blocks that let go of them.",
    ),
)


@click.command("import", short_help="Write manifests for what exists already.")
@click.argument("names", nargs=-1, metavar="[NAME|GLOB]...")
@asking_options
@written_options
@where_options
@common_options
def command(
    common: Common,
    where: Where,
    written: Written,
    names: tuple[str, ...],
    asking: Asking,
) -> int:
    """Write a readable manifest for each endpoint that is live and has none.

    Only files are written, and none is overwritten; `apply --adopt` takes the endpoints over
    afterwards, and its plan shows nothing but the owner tag. What the service chooses for
    itself is left out. Keys that it never shows become ${env.NAME} with a comment.

    With --update the manifests that are there take over what is live: only the lines that
    differ are edited, in the file that each value comes from; what comes from a variable is
    named, to be changed by hand.

    --from-bundle and --from-terraform-state need no workspace, and say how the other tool
    lets go of what is imported. A secret value in a state is never written anywhere.

    \b
    Exit codes: 0 done; 1 error, or something could not be imported (the rest was).
    """
    root, imported = _imported(common, where, written, (names, asking))
    shown = {"dry_run": written.dry_run, "to_stdout": written.to_stdout}
    return finish(Terminal(common), imported, root, **shown)


def _imported(
    common: Common, where: Where, written: Written, what: tuple[tuple[str, ...], Asking]
) -> tuple[Path, Imported]:
    names, asking = what
    _refuse_mixed(names, asking)
    if asking.bundle:
        from provisioner.commands.importing.from_bundle import bring_in_bundle

        return bring_in_bundle(common.project_dir, asking.bundle, written.to)
    if asking.state:
        from provisioner.commands.importing.from_terraform import bring_in_state

        return bring_in_state(common.project_dir, asking.state, written.to)
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    project = open_project(common.project_dir)
    with open_session(project, *where, lenient=not asking.update) as session:
        if asking.update:
            from provisioner.commands.importing.update import accept

            return project.root, accept(session, names)
        from provisioner.commands.importing.from_workspace import Asked, bring_in

        asked = Asked(names, asking.everything, written.to, written.with_scopes)
        return project.root, bring_in(session, asked)


def _refuse_mixed(names: tuple[str, ...], asking: Asking) -> None:
    ways = {
        "--update": asking.update,
        "--from-bundle": asking.bundle,
        "--from-terraform-state": asking.state,
    }
    given = [way for way, value in ways.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} are two imports: run one after the other.")
    if (asking.bundle or asking.state) and (names or asking.everything):
        raise click.UsageError(f"{given[0]} imports all that the file holds: leave the names out.")
    if asking.update and asking.everything:
        raise click.UsageError("--update without names is about all that is declared.")
