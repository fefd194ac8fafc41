"""The command line: parse, call one function of ``workflow``, print, exit.

Command modules are imported when they are called (or listed by ``--help``), and import
what is heavy inside their functions: ``--help`` and ``validate`` must start at once.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from provisioner import __version__
from provisioner.cli.help_texts import HelpContext, complete_help
from provisioner.cli.options import DATA_FORMS, FOLDER
from provisioner.cli.terminal import activity_shown
from provisioner.errors.exit_codes import ExitCode, exit_codes_text

if TYPE_CHECKING:
    from provisioner.errors import ProvisionerError

# Command -> module, in the order in which one uses them.
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
    "rollout": "provisioner.cli.rollout",
    "history": "provisioner.cli.history",
    "render": "provisioner.cli.render",
    "diff": "provisioner.cli.diff",
    "import": "provisioner.cli.importing",
    "migrate": "provisioner.cli.migrate",
    "fmt": "provisioner.cli.fmt",
    "schema": "provisioner.cli.schema",
    "policy": "provisioner.cli.policy",
    "explain": "provisioner.cli.explain",
    "graph": "provisioner.cli.graph",
    "logs": "provisioner.cli.logs",
    "open": "provisioner.cli.open",
    "doctor": "provisioner.cli.doctor",
    "emulator": "provisioner.cli.emulator",
    "version": "provisioner.cli.version",
    "help": "provisioner.cli.help",
    "completion": "provisioner.cli.completers",
}

# Heading -> commands, for the help; a test holds that each command has one heading.
HEADINGS = {
    "Write": "init validate policy fmt render import migrate",
    "Change": "plan apply show destroy",
    "Look": "status logs open drift diff graph",
    "Use": "query verify connect",
    "Release": "pin promote rollback history rollout",
    "Tools": "doctor explain schema emulator completion version help",
}

# Options that may stand before the command, too: name of the parameter -> how it is written.
HOISTED = {
    "environment": "--environment",
    "profile": "--profile",
    "output": "--output",
    "no_color": "--no-color",
    "quiet": "--quiet",
    "verbose": "--verbose",
    "debug": "--debug",
}


class Commands(click.Group):
    """Finds commands by table, and corrects what other tools call otherwise."""

    context_class = HelpContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        complete_help(command, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(ctx, args[0])
        if command is None:
            from provisioner.cli.corrections import unknown_command

            raise CorrectedUsageError(*unknown_command(args, COMMANDS), ctx)
        return args[0], command, _words(ctx, command, args[0], args[1:])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, names in HEADINGS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names.split()]
            with formatter.section(f"{heading} commands"):
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(80))
                        for name, command in commands
                        if command
                    ],
                    col_max=12,
                )


class CorrectedUsageError(click.UsageError):
    """A usage error with a hint: what to type instead."""

    def __init__(self, message: str, hint: str, ctx: click.Context | None = None) -> None:
        super().__init__(message, ctx)
        self.hint = hint


def _words(ctx: click.Context, command: click.Command, name: str, words: list[str]) -> list[str]:
    """``words`` behind the command, with those before it. Raises CorrectedUsageError."""
    from provisioner.cli.corrections import single_dashes

    known = {option for param in command.params for option in param.opts}
    if "--output" in known:
        known.add("--json")
    given = {key: ctx.params.get(key) for key in HOISTED}
    hoisted = [word for key, value in given.items() if value for word in _hoisted(key, value)]
    # A group takes them behind the name of its own command.
    ahead = 1 if isinstance(command, click.Group) and words else 0
    words = [*words[:ahead], *hoisted, *words[ahead:]]
    correction = single_dashes(words, known, name)
    if correction:
        raise CorrectedUsageError(*correction, ctx)
    if "--json" in known and "--json" in words:
        at = words.index("--json")
        words[at : at + 1] = ["--output", "json"]
    _refuse_surplus(ctx, command, name, words)
    return words


def _refuse_surplus(
    ctx: click.Context, command: click.Command, name: str, words: list[str]
) -> None:
    """Refuse arguments too many, and an option with two values, of which one would be ignored."""
    parser = command.make_parser(click.Context(command, parent=ctx, info_name=name))
    try:
        _, extra, order = parser.parse_args(list(words))
    except click.UsageError:
        return  # Reported when the command itself parses the words.
    counts = Counter(param.name for param in order if _takes_one_value(param))
    for param in order:
        if counts[param.name] > 1:
            hint = "remove one of them"
            raise CorrectedUsageError(f"`{param.opts[0]}` is given more than once", hint, ctx)
    if extra and not isinstance(command, click.Group):
        from provisioner.cli.corrections import extra_argument

        raise CorrectedUsageError(*extra_argument(ctx, extra[0], name), ctx)


def _takes_one_value(param: click.Parameter) -> bool:
    return isinstance(param, click.Option) and not (param.multiple or param.is_flag or param.count)


def _hoisted(name: str, value: object) -> list[str]:
    return [HOISTED[name]] if value is True else [HOISTED[name], str(value)]


@click.command(
    cls=Commands,
    epilog="\b\n" + exit_codes_text(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="provisioner")
@click.option(
    "-C", "--project-dir", type=FOLDER, help="Folder of the project. Works with every command."
)
@click.option("-e", "--environment", "-t", "--target", "environment", hidden=True)
@click.option("-p", "--profile", hidden=True)
@click.option("-o", "--output", hidden=True)
@click.option("--no-color", is_flag=True, hidden=True)
@click.option("-q", "--quiet", is_flag=True, hidden=True)
@click.option("-v", "--verbose", is_flag=True, hidden=True)
@click.option("--debug", is_flag=True, hidden=True)
@click.pass_context
def group(context: click.Context, /, project_dir: Path | None, **_: object) -> None:
    """Manage Databricks model serving endpoints as code.

    Declare endpoints and secrets in YAML manifests. `plan` compares them with the workspace, and
    `apply` makes the changes. After an apply, the next plan is empty.
    """
    context.obj = project_dir


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a defect of ours raises."""
    words = sys.argv[1:] if arguments is None else arguments
    requests = _requests_on_stderr() if "--debug" in words else nullcontext()
    with requests, activity_shown(words):
        return _run_command(words)


def _run_command(arguments: list[str]) -> int:
    try:
        code = group.main(arguments, prog_name="provisioner", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        # A question, as `--help` is: click would exit with 2, which means "changes pending".
        click.echo(error.format_message())
        return 0
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except SystemExit:
        # click ends like this when whoever read us (head, a pager) has had enough, after
        # it has made sure that nothing complains; that is no error of ours.
        return 0
    except click.ClickException as error:
        # click would exit with 2, which a pipeline reads as "changes pending".
        _report_error(_usage_error(error, arguments), arguments)
        return 1
    except Exception as error:
        # Imported late, here and below: --help has no use for it, and it takes its time.
        from provisioner.errors import ProvisionerError

        if not isinstance(error, ProvisionerError):
            raise
        _report_error(error, arguments)
        return error.exit_code
    return code if isinstance(code, int) else 0


def _usage_error(error: click.ClickException, arguments: list[str]) -> ProvisionerError:
    """``error`` of click as a problem like all others, with a hint."""
    from provisioner.cli.corrections import unknown_inner_command, unknown_option
    from provisioner.errors import UsageError

    context = getattr(error, "ctx", None)
    name = next((word for word in arguments if word in COMMANDS), "")
    hint = f"`{' '.join(filter(None, ('provisioner help', name)))}` lists its arguments and options"
    message = error.format_message().removesuffix(".")
    if isinstance(error, CorrectedUsageError):
        hint = error.hint
    elif isinstance(error, click.NoSuchOption) and context:
        known = {option for param in context.command.params for option in param.opts}
        message, hint = unknown_option(error.option_name, known, name)
    elif isinstance(error, click.exceptions.NoSuchCommand) and context:
        known = context.command.commands.keys()
        message, hint = unknown_inner_command(
            context.command.name or name, error.command_name, known
        )
    return UsageError.of("E818", message[:1].lower() + message[1:], hint)


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


def _report_error(error: ProvisionerError, arguments: list[str]) -> None:
    """Show ``error``; where JSON or YAML is asked for, stdout gets it in this form, too."""
    form = _data_form(arguments)
    if form:
        from provisioner.cli.terminal import data_text
        from provisioner.rendering.problems import to_json

        click.echo(data_text(to_json(error.problems), form), nl=False)
    _print_error(error)


def _data_form(arguments: list[str]) -> str:
    """The form for programs that ``arguments`` ask for; ``""`` where they ask for none."""
    if "--json" in arguments:
        return "json"
    spelled = {*arguments, *map(" ".join, pairwise(arguments))}
    return next(
        (
            form
            for form in DATA_FORMS
            if spelled & {f"-o{form}", f"-o {form}", f"--output={form}", f"--output {form}"}
        ),
        "",
    )


def _print_error(error: ProvisionerError) -> None:
    import shutil

    from provisioner.cli.terminal import colour_wanted
    from provisioner.rendering.problems import text

    colour = colour_wanted(sys.stderr, no_color="--no-color" in sys.argv)
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else 0
    click.echo(text(error.problems, colour=colour, width=width), err=True, color=colour)


def _report_defect(error: Exception) -> int:
    """Say that this is our fault. The message of the error may hold anything: not shown."""
    from provisioner.errors import ProvisionerError

    what = f"this is a bug in provisioner: unexpected {type(error).__name__}"
    _print_error(
        ProvisionerError.of(
            "E811", what, hint="run the command again with --debug, and report the output"
        )
    )
    return 1


def _report_full_disk() -> int:
    from provisioner.errors import ProvisionerError

    _close_stdout()
    _print_error(
        ProvisionerError.of("E814", "cannot write the output: no space left on the device")
    )
    return 1


def _close_stdout() -> None:
    """What is still in its buffer goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: object) -> NoReturn:
    """SIGTERM ends a command like Ctrl-C: with a word, and 130. ``apply`` has its own handler."""
    raise KeyboardInterrupt


def run() -> NoReturn:
    """The entry point: ``main`` with the ends of a process around it."""
    # Plans are large and hold no cycles: the usual threshold costs a tenth of their time.
    gc.set_threshold(300_000, *gc.get_threshold()[1:])
    signal.signal(signal.SIGTERM, _interrupt)
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
        code = ExitCode.INTERRUPTED
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        code = _report_full_disk() if full else _report_defect(error)
    sys.stderr.flush()
    if code == ExitCode.INTERRUPTED:
        # Requests in flight must not hold up the end of an interrupted command.
        os._exit(code)
    # Nothing for the collector to look through on the way out.
    gc.freeze()
    sys.exit(code)
