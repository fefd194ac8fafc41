"""``--report``: what a command found goes into files, and to the CI system that runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.options import CommonOptions
from provisioner.cli.report_option import ReportDestination
from provisioner.cli.terminal import Terminal
from provisioner.commands.reports.formats import AUTO, FORMATS, automatic
from provisioner.errors import FileError, Problem, ProvisionerError, UsageError
from provisioner.errors.exit_codes import ExitCode
from provisioner.errors.wording import listed

if TYPE_CHECKING:
    from provisioner.commands.reports.report import Attachment, Report

STDOUT = "-"
UNTROUBLED = (0, 2)
"""Exit codes that a report which cannot be written turns into 1."""

FOLDER = "provisioner-report"


@contextmanager
def recording(common: CommonOptions, command: str, environment: str = "") -> Iterator[Terminal]:
    """Run a command; however it ends, its reports are written afterwards.

    A report that cannot be written is an error, but never hides how the command ended: only
    what would have been a success exits with 1.
    """
    silent = takes_stdout(common)
    if not common.reports:
        yield Terminal(common)
        return
    from provisioner.commands.reports.recorder import Recorder

    recorder = Recorder(command, environment)
    terminal = Terminal(common, silent=silent, recorder=recorder)
    try:
        yield terminal
    except BaseException as error:
        recorder.exit_code = _code(error)
        recorder.note(problems=getattr(error, "problems", ()))
        terminal.problems(_write(terminal, recorder.finished()))
        raise
    write(terminal, recorder.finished())


def takes_stdout(common: CommonOptions) -> bool:
    """Whether a report is the answer. Raises UsageError where several want to be."""
    wanted = sum(target.path == STDOUT for target in common.reports)
    if wanted > 1:
        raise UsageError.of("E821", "only one report can go to stdout", "write the others to files")
    return wanted == 1


def write(terminal: Terminal, report: Report) -> None:
    """Write the reports of a command that has ended by itself.

    Raises FileError for what cannot be written if the command would have been a success.
    """
    problems = _write(terminal, report)
    if problems and report.audit.exit_code in UNTROUBLED:
        raise FileError(problems)
    terminal.problems(problems)


def _code(error: BaseException) -> int:
    """The exit code of a command that ends with ``error``."""
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    return error.exit_code if isinstance(error, ProvisionerError) else 1


def refuse_for_several(common: CommonOptions) -> None:
    """Raise UsageError for formats that cannot hold the reports of several environments."""
    formats = {report.format for report in common.reports} - {AUTO}
    other = sorted(name for name in formats if FORMATS[name].is_single)
    if other:
        message = f"{listed(other)} can contain the plan of one environment only"
        hint = "add -e NAME, or use markdown, which has a section for each"
        raise UsageError.of("E527", message, hint)


def _destinations(
    destinations: Sequence[ReportDestination], report: Report
) -> Iterator[ReportDestination]:
    """Yields the destinations, with those that ``auto`` stands for on this system."""
    for destination in destinations:
        if destination.format != AUTO:
            yield destination
            continue
        folder = Path(destination.path or FOLDER)
        stem = "-".join(filter(None, (report.command, report.environment)))
        for each in automatic(os.environ, several=report.parts is not None):
            path = str(folder / f"{stem}.{each.ending}") if each.ending else ""
            yield ReportDestination(each.name, path, explicit=True)


def _write(terminal: Terminal, report: Report) -> list[Problem]:
    """Writes all reports. Returns a problem for each that cannot be written."""
    problems = []
    destinations = _destinations(terminal.common.reports, report)
    # stdout last: whoever reads it may have had enough, and the files are to be there.
    for destination in sorted(destinations, key=lambda each: each.path == STDOUT):
        try:
            _write_one(destination, report)
        except OSError as error:
            if destination.path == STDOUT:
                raise
            path = destination.path or error.filename
            message = f"cannot write the report {path}: {error.strerror}"
            problems.append(Problem("E820", message))
            continue
        if destination.explicit and destination.path:
            terminal.say(f"Wrote {destination.path}")
    return problems


def _write_one(destination: ReportDestination, report: Report) -> None:
    format = FORMATS[destination.format]
    _put(destination, format.text(report))
    for attachment in format.attachments_of(report, os.environ):
        _attach(attachment)


def _put(target: ReportDestination, text: str) -> None:
    if target.path == STDOUT:
        click.echo(text, nl=False)
    elif target.path:
        from provisioner.files.write import replace_own_file

        replace_own_file(Path(target.path), text)
    else:
        click.echo(text, nl=False, err=True)


def _attach(attachment: Attachment) -> None:
    if attachment.append:
        # Earlier steps of the job have written to this file.
        from provisioner.files.write import append_text

        append_text(attachment.path, attachment.text)
    else:
        from provisioner.files.write import replace_own_file

        replace_own_file(attachment.path, attachment.text)
    if attachment.command:
        click.echo(attachment.command, nl=False, err=True)
