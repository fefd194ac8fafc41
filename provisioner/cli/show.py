"""provisioner show: a saved plan again, in any form."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli.options import DATA_FORMS, TALK, CommonOptions, folder_option, packed
from provisioner.cli.report_option import report_option
from provisioner.cli.terminal import Terminal
from provisioner.commands.reports.formats import FORMATS

# Reports, and the plan for programs.
FORMS = (*DATA_FORMS, *(name for name in FORMATS if name not in DATA_FORMS))


@click.command("show", short_help="Print a saved plan.")
@click.argument("planfile", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@packed(
    CommonOptions,
    "common",
    report_option,
    folder_option,
    click.option(
        "-o",
        "--output",
        type=click.Choice(["text", *FORMS]),
        metavar="FORM",
        default="text",
        show_default=True,
        help=f"Output format: text, {', '.join(FORMS)}.",
    ),
    *TALK,
)
def command(common: CommonOptions, planfile: Path) -> int:
    """Print a plan that `plan --out` saved, as text or as a report.

    `show` reads only the file: it needs no project, login or workspace. `-o json` prints the same
    as `plan -o json`.

    \b
    Exit codes: 0 done; 1 the file is not a plan, or was changed.
    """
    from provisioner.cli import plan_output, report_output
    from provisioner.commands.reports.recorder import of_saved
    from provisioner.planning.plan_file import load

    plan = load(planfile).plan
    report = of_saved(plan, str(planfile))
    terminal = Terminal(common, silent=report_output.takes_stdout(common))
    if common.is_data or common.output == "text":
        plan_output.show(terminal, plan, verbose=common.verbose)
    else:
        terminal.answer(FORMATS[common.output].text(report))
    report_output.write(terminal, report)
    return 0
