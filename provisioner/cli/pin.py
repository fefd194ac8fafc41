"""provisioner pin: aliases of registered models become versions in the release file."""

from __future__ import annotations

import click

from provisioner.cli.options import CommonOptions, TargetOptions, common_options, target_options
from provisioner.cli.terminal import Terminal
from provisioner.errors.exit_codes import ExitCode


@click.command("pin", short_help="Release the versions that aliases point to.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@target_options
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 if a version would change.")
@click.option("--retry-rejected", is_flag=True, help="Also release versions that were rolled back.")
@common_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    names: tuple[str, ...],
    check: bool,
    retry_rejected: bool,
) -> int:
    """Resolve aliases such as main.models.chat@champion, and write the release file.

    NAME is a released variable, or a resource that uses one (default: all aliases of the
    environment). `pin` only writes environments/releases/ENVIRONMENT.yaml: review the change,
    then apply. If an alias cannot be resolved, `pin` still resolves the others.

    \b
    Exit codes: 0 done; 1 error, or an alias cannot be resolved; 3 a version would change
    (only with --check).
    """
    from provisioner.commands.promotion import pin
    from provisioner.workflow import releases
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    terminal = Terminal(common)
    project = open_project(common.project_dir)
    with open_session(project, *target) as session:
        result = pin.pin(session, names, retry_rejected=retry_rejected)
        if not check:
            releases.write_release(project.root, result.environment, result.released)
    if common.is_data:
        document = {"environment": result.environment, "file": result.draft.file}
        written = bool(result.released) and not check
        terminal.answer_data({**document, "written": written, "pins": pin.to_json(result.pins)})
    else:
        terminal.answer(pin.text(result.pins, terminal.style()))
    terminal.problems(result.problems)
    if result.problems:
        return 1
    return ExitCode.STALE_FILE if check and result.released else 0
