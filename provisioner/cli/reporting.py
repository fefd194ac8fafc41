"""``--report``: what a command found goes into files, and to the CI system that runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.options import CommonOptions
from provisioner.cli.report_option import ReportDestination
from provisioner.cli.terminal import Terminal
from provisioner.errors import FileError, Problem, ProvisionerError, UsageError
from provisioner.errors.wording import listed

if TYPE_CHECKING:
    from provisioner.commands.reports.report import Report

STDOUT = "-"
UNTROUBLED = (0, 2)
"""Exit codes that a report which cannot be written turns into 1."""

COMMANDS_OF_CI = ("github", "azure")
"""Formats that belong into the log; without a path they go to stderr, which agents read too."""

FOLDER = "provisioner-report"
EVERYWHERE = {"markdown": "md", "html": "html", "json": "json"}
FOR_ONE = frozenset({"html", "junit"})
"""Formats that hold the report of one environment."""

SYSTEMS: Mapping[str, Mapping[str, str]] = {
    "GITHUB_ACTIONS": {"github": ""},
    "GITLAB_CI": {
        "gitlab-terraform": "terraform.json",
        "codequality": "codequality.json",
        "junit": "junit.xml",
    },
    "TF_BUILD": {"azure": "", "junit": "junit.xml"},
}
"""What ``auto`` writes besides, by the variable that each system sets: format to ending."""


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
        raise UsageError.of("E821", "only one report can go to stdout", "give the others a file")
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
        return 130
    return error.exit_code if isinstance(error, ProvisionerError) else 1


def refuse_for_several(common: CommonOptions) -> None:
    """Raise UsageError for formats that cannot hold the reports of several environments."""
    other = sorted({one.format for one in common.reports} & FOR_ONE)
    if other:
        said = f"{listed(other)} can hold the plan of one environment"
        hint = "add -e NAME, or use markdown, which has a section for each"
        raise UsageError.of("E527", said, hint)


def _expanded(
    targets: Sequence[ReportDestination], report: Report
) -> tuple[ReportDestination, ...]:
    """``targets`` with what ``auto`` stands for on this system."""
    environment, several = report.environment, report.parts is not None
    made: list[ReportDestination] = []
    for target in targets:
        if target.format != "auto":
            made.append(target)
            continue
        system = next((name for name in SYSTEMS if os.environ.get(name)), "")
        folder = Path(target.path or FOLDER)
        stem = f"{report.command}-{environment}" if environment else report.command
        endings = {**EVERYWHERE, **SYSTEMS.get(system, {})}
        made += [
            ReportDestination(name, str(folder / f"{stem}.{ending}") if ending else "", told=True)
            for name, ending in endings.items()
            if not (several and name in FOR_ONE)
        ]
    return tuple(made)


def _write(terminal: Terminal, report: Report) -> list[Problem]:
    """Write all of them; what cannot be written is returned, and the rest is written."""
    from provisioner.commands.reports import FORMATS

    problems = []
    targets = _expanded(terminal.common.reports, report)
    # stdout last: whoever reads it may have had enough, and the files are to be there.
    for target in sorted(targets, key=lambda target: target.path == STDOUT):
        try:
            _put(target, FORMATS[target.format](report))
            if target.format in COMMANDS_OF_CI:
                _tell_system(target.format, report)
        except OSError as error:
            if target.path == STDOUT:
                raise
            where = target.path or error.filename
            said = f"cannot write the report {where}: {error.strerror}"
            problems.append(Problem("E820", said))
            continue
        if target.told and target.path:
            terminal.say(f"Wrote {target.path}")
    return problems


def _put(target: ReportDestination, text: str) -> None:
    if target.path == STDOUT:
        click.echo(text, nl=False)
    elif target.path:
        from provisioner.files.write import replace_file

        replace_file(Path(target.path), text)
    else:
        click.echo(text, nl=False, err=True)


def _tell_system(name: str, report: Report) -> None:
    """What goes to the CI system besides the commands in the log."""
    if name == "github":
        from provisioner.commands.reports import github

        _append(os.environ.get("GITHUB_STEP_SUMMARY"), github.summary(report))
        _append(os.environ.get("GITHUB_OUTPUT"), github.outputs(report))
        return
    from provisioner.commands.reports import azure, markdown

    folder = os.environ.get("AGENT_TEMPDIRECTORY")
    if folder:
        from provisioner.files.write import replace_file

        names = [part for part in ("provisioner", report.command, report.environment) if part]
        path = Path(folder).absolute() / f"{'-'.join(names)}.md"
        replace_file(path, markdown.text(report))
        click.echo(azure.upload_summary(str(path)), nl=False, err=True)


def _append(path: str | None, text: str) -> None:
    if path:
        with open(path, "a", encoding="utf-8", newline="\n") as file:
            file.write(text)
