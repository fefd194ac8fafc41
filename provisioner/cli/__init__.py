"""The command line: parse, call one function of ``workflow``, print, exit.

Command modules are imported when they are called (or listed by ``--help``), and import
what is heavy inside their functions: ``--help`` and ``validate`` must start at once.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from provisioner import __version__
from provisioner.cli.options import FOLDER

if TYPE_CHECKING:
    from provisioner.errors import ProvisionerError

COMMANDS = {
    "init": "provisioner.cli.init",
    "validate": "provisioner.cli.validate",
    "plan": "provisioner.cli.plan",
    "apply": "provisioner.cli.apply",
    "show": "provisioner.cli.show",
    "destroy": "provisioner.cli.destroy",
    "drift": "provisioner.cli.drift",
    "status": "provisioner.cli.status",
    "verify": "provisioner.cli.verify",
    "query": "provisioner.cli.query",
    "connect": "provisioner.cli.connect",
    "pin": "provisioner.cli.pin",
    "promote": "provisioner.cli.promote",
    "rollback": "provisioner.cli.rollback",
    "history": "provisioner.cli.history",
    "render": "provisioner.cli.render",
    "diff": "provisioner.cli.diff",
    "import": "provisioner.cli.importing",
    "fmt": "provisioner.cli.fmt",
    "schema": "provisioner.cli.schema",
    "explain": "provisioner.cli.explain",
    "graph": "provisioner.cli.graph",
    "doctor": "provisioner.cli.doctor",
    "emulator": "provisioner.cli.emulator",
}

EXIT_CODES = """\b
Exit codes:
  0    done, or nothing to do
  1    error, refused, wrong usage, or a plan with blocked steps
  2    changes pending, or an accidental difference (with --detailed-exitcode)
  3    a file is not as it would be written (schema, fmt and pin --check)
  4    applied in part; safe to run again
  5    still updating when the time was up; status --wait resumes
  130  interrupted"""


class Commands(click.Group):
    """Finds commands by table, in the order in which one uses them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from provisioner.errors.wording import closest

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            name = closest(args[0], COMMANDS)
            hint = f" Did you mean `{name}`?" if name else ""
            raise click.UsageError(f"no such command `{args[0]}`.{hint}", ctx=ctx) from error


@click.command(
    cls=Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="provisioner")
@click.option("-C", "--project-dir", type=FOLDER, help="Folder of the project, for any command.")
@click.pass_context
def group(context: click.Context, project_dir: Path | None) -> None:
    """Databricks model serving endpoints as code.

    Manifests in YAML say which endpoints and secrets there should be; plan shows what
    differs in the workspace, apply makes it so, and a second plan is empty.
    """
    context.obj = project_dir


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a defect of ours raises."""
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    with _requests_on_stderr() if debug else nullcontext():
        return _answered(arguments, debug=debug)


def _answered(arguments: list[str] | None, *, debug: bool) -> int:
    try:
        code = group.main(arguments, prog_name="provisioner", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return 130
    except SystemExit:
        # click ends like this when whoever read us (head, a pager) has had enough, after
        # it has made sure that nothing complains; that is no error of ours.
        return 0
    except click.ClickException as error:
        # click would exit with 2, which a pipeline reads as "changes pending".
        error.show()
        return 1
    except Exception as error:
        # Imported late, here and below: --help has no use for it, and it takes its time.
        from provisioner.errors import ProvisionerError

        if not isinstance(error, ProvisionerError):
            raise
        _show(error)
        if debug:
            raise
        return error.exit_code
    return code if isinstance(code, int) else 0


@contextmanager
def _requests_on_stderr() -> Iterator[None]:
    """One line a request; bodies and headers are never logged."""
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    logger = logging.getLogger("provisioner")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _show(error: ProvisionerError) -> None:
    from provisioner.cli.terminal import colour_wanted
    from provisioner.rendering.problems import text

    colour = colour_wanted(sys.stderr, no_color="--no-color" in sys.argv)
    click.echo(text(error.problems, colour=colour), err=True)


def _defect(error: Exception) -> int:
    """Say that this is our fault. The message of the error may hold anything: not shown."""
    from provisioner.errors import ProvisionerError

    what = f"this is a defect of provisioner: an unexpected {type(error).__name__}"
    _show(ProvisionerError.of("E811", what, hint="run it again with --debug, and report it"))
    return 1


def _disk_full() -> int:
    from provisioner.errors import ProvisionerError

    _close_stdout()
    _show(ProvisionerError.of("E814", "the answer cannot be written: no space is left"))
    return 1


def _close_stdout() -> None:
    """What is still in its buffer goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run() -> NoReturn:
    """The entry point: ``main`` with the ends of a process around it."""
    # Plans are large and hold no cycles: the usual threshold costs a tenth of their time.
    gc.set_threshold(50_000, *gc.get_threshold()[1:])
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The same for what was still in the buffer; the interpreter must not complain
        # when it closes stdout.
        _close_stdout()
        code = 0
    except KeyboardInterrupt:
        click.echo("\ninterrupted", err=True)
        code = 130
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        code = _disk_full() if full else _defect(error)
    sys.stderr.flush()
    if code == 130:
        # Requests in flight must not hold up the end of an interrupted command.
        os._exit(code)
    # Nothing for the collector to look through on the way out.
    gc.freeze()
    sys.exit(code)
