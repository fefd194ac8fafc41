"""provisioner import: manifests for what exists already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import (
    CommonOptions,
    TargetOptions,
    common_options,
    packed,
    target_options,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.commands.importing.result import ImportResult


def _finish(
    terminal: Terminal, imported: ImportResult, root: Path, *, dry_run: bool, to_stdout: bool
) -> int:
    """Write the files unless they are only to be shown; return the exit code."""
    from provisioner.commands.importing import result as rendering
    from provisioner.commands.importing.draft import write

    if not (dry_run or to_stdout):
        write(root, imported.files.values())
    if terminal.common.is_data:
        terminal.answer_data(rendering.to_json(imported))
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


class ImportOptions(NamedTuple):
    """What is imported, and what for."""

    everything: bool
    update: bool
    bundle: Path | None
    state: Path | None


class ManifestOptions(NamedTuple):
    """Which manifests are written, and whether they are."""

    to: str
    with_scopes: bool
    dry_run: bool
    to_stdout: bool


manifest_options = packed(
    ManifestOptions,
    "manifest_options",
    click.option(
        "--to",
        default="manifests/{key}.yaml",
        show_default=True,
        metavar="PATTERN",
        help="File of each manifest; {key} is its key, {name} its name in the workspace.",
    ),
    click.option(
        "--with-scopes",
        is_flag=True,
        help="Also import the secret scopes that the endpoints refer to.",
    ),
    click.option("--dry-run", is_flag=True, help="Show the diff; write nothing."),
    click.option("--stdout", "to_stdout", is_flag=True, help="Print the manifests; write nothing."),
)


command_options = packed(
    ImportOptions,
    "options",
    click.option(
        "--all",
        "everything",
        is_flag=True,
        help="Import all endpoints, except those that Databricks provides.",
    ),
    click.option(
        "--update", is_flag=True, help="Update existing manifests to the live values, line by line."
    ),
    click.option(
        "--from-bundle",
        "bundle",
        type=FILE,
        metavar="FILE",
        help="Write manifests and environments from a databricks.yml, offline.",
    ),
    click.option(
        "--from-terraform-state",
        "state",
        type=FILE,
        metavar="FILE",
        help=(
            "Write manifests from a terraform.tfstate, and the blocks that remove the "
            "resources from Terraform."
        ),
    ),
)


@click.command("import", short_help="Write manifests for existing resources.")
@click.argument("names", nargs=-1, metavar="[NAME|GLOB]...")
@command_options
@manifest_options
@target_options
@common_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    manifest_options: ManifestOptions,
    names: tuple[str, ...],
    options: ImportOptions,
) -> int:
    """Write a readable manifest for each live endpoint without a manifest.

    `import` only writes files, and never overwrites one. `apply --adopt` then starts to manage
    the endpoints; its plan only adds the ownership tags. `import` omits values that the
    service chooses. The service never shows keys, so they become ${env.NAME} with a comment.

    With --update, `import` changes existing manifests to match the live endpoints. It edits only
    the lines that differ, in the file where each value is declared. It lists values that come
    from a variable, for you to change by hand.

    --from-bundle and --from-terraform-state need no workspace. They show how to remove the
    imported resources from the other tool. `import` never writes a secret value from a state.

    \b
    Exit codes: 0 done; 1 error, or some resources could not be imported (the others were).
    """
    _refuse_mixed(names, options)
    request = (target, names, options)
    root, imported = _import(common, manifest_options, request)
    shown = {"dry_run": manifest_options.dry_run, "to_stdout": manifest_options.to_stdout}
    return _finish(Terminal(common), imported, root, **shown)


def _import(
    common: CommonOptions,
    manifest_options: ManifestOptions,
    request: tuple[TargetOptions, tuple[str, ...], ImportOptions],
) -> tuple[Path, ImportResult]:
    """Imports from the bundle, the state or the workspace that the options name."""
    target, names, options = request
    if options.bundle:
        from provisioner.commands.importing.from_bundle import import_bundle

        return import_bundle(common.project_dir, options.bundle, manifest_options.to)
    if options.state:
        from provisioner.commands.importing.from_terraform import import_state

        return import_state(common.project_dir, options.state, manifest_options.to)
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    project = open_project(common.project_dir)
    with open_session(project, *target, lenient=not options.update) as session:
        if options.update:
            from provisioner.commands.importing.update import update_manifests
            from provisioner.model.selection import Selection

            return project.root, update_manifests(session, Selection.of_words(names))
        from provisioner.commands.importing.from_workspace import (
            ImportRequest,
            import_from_workspace,
        )

        selection = ImportRequest(
            names, options.everything, manifest_options.to, manifest_options.with_scopes
        )
        return project.root, import_from_workspace(session, selection)


def _refuse_mixed(names: tuple[str, ...], options: ImportOptions) -> None:
    sources = {
        "--update": options.update,
        "--from-bundle": options.bundle,
        "--from-terraform-state": options.state,
    }
    given = [option for option, value in sources.items() if value]
    if len(given) > 1:
        raise click.UsageError(
            f"{' and '.join(given)} cannot be combined: run one after the other."
        )
    if (options.bundle or options.state) and (names or options.everything):
        raise click.UsageError(f"{given[0]} imports all resources of the file: omit the names.")
    if options.update and options.everything:
        raise click.UsageError("--update without names updates all declared resources: omit --all.")
