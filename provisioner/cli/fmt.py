"""provisioner fmt: one order and indentation for manifests and environments."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli.options import CommonOptions, common_options
from provisioner.cli.terminal import Terminal
from provisioner.errors.exit_codes import ExitCode


@click.command("fmt", short_help="Format the project's files.")
@click.argument("files", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 if a file would change.")
@click.option("--diff", is_flag=True, help="Show the changes.")
@common_options
def command(common: CommonOptions, files: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Format manifests and environment files.

    `fmt` puts fields in the order of the documentation and fixes the indentation. Without FILES
    it formats all files of the project. It keeps comments, quotes and values, and never
    changes the meaning of a file. It skips files with errors.

    \b
    Exit codes: 0 done; 1 a file has errors; 3 a file would change (--check).
    """
    from provisioner.commands.fmt.fmt import formatted, write
    from provisioner.rendering.markup import diff_of

    terminal = Terminal(common)
    result = formatted(common.project_dir, files)
    if not check:
        write(result)
    if common.is_data:
        terminal.answer_data({"changed": list(result.changed), "looked_at": result.looked_at})
    else:
        for name, (before, after) in result.changed.items():
            terminal.answer(diff_of(name, before, after) if diff else name)
    terminal.problems(result.problems)
    if not common.is_data:
        words = "would change" if check else "changed"
        terminal.say(f"{len(result.changed)} of {result.looked_at} files {words}")
    if result.problems:
        return 1
    return ExitCode.STALE_FILE if check and result.changed else 0
