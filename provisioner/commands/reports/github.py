"""What GitHub Actions understands: annotations in the log, a step summary, step outputs. Pure.

Of each kind of annotation a step may have ten, and the runner drops the rest silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from provisioner.commands.reports import markdown
from provisioner.commands.reports.annotations import Annotation, annotations_of
from provisioner.commands.reports.counts import outputs as values
from provisioner.commands.reports.report import Attachment, Report
from provisioner.errors import Severity

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
MOST_ANNOTATIONS = 10
SUMMARY_BYTES = 1_000_000
"""GitHub takes 1 MiB a step."""


def text(report: Report) -> str:
    """The annotations as workflow commands, a line each."""
    annotations = annotations_of(report)
    return "".join(
        f"{line}\n"
        for severity, command in COMMANDS.items()
        for line in _lines([each for each in annotations if each.severity is severity], command)
    )


def _lines(annotations: list[Annotation], command: str) -> Iterator[str]:
    shown = (
        annotations if len(annotations) <= MOST_ANNOTATIONS else annotations[: MOST_ANNOTATIONS - 1]
    )
    for each in shown:
        yield _command(command, each)
    more = len(annotations) - len(shown)
    if more:
        yield f"::{command} title=provisioner::and {more} more, all of them in the step summary"


def _command(command: str, each: Annotation) -> str:
    properties = {
        "file": each.file,
        "line": str(each.line),
        "col": str(each.column),
        "title": f"provisioner {each.rule}",
    }
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{command} {listed}::{_data(each.told)}"


def _data(text: str) -> str:
    """As the runner undoes it: https://github.com/actions/toolkit, ``command.ts``."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def attachments(report: Report, environ: Mapping[str, str]) -> tuple[Attachment, ...]:
    """Returns the step summary and the step outputs, for the files that the runner names."""
    summary, step_outputs = environ.get("GITHUB_STEP_SUMMARY"), environ.get("GITHUB_OUTPUT")
    files = []
    if summary:
        files.append(Attachment(Path(summary), markdown.text(report, SUMMARY_BYTES), append=True))
    if step_outputs:
        files.append(Attachment(Path(step_outputs), outputs(report), append=True))
    return tuple(files)


def outputs(report: Report) -> str:
    """Returns what to append to the file ``$GITHUB_OUTPUT``."""
    return "".join(_output(name, value) for name, value in values(report).items())


def _output(name: str, value: str) -> str:
    # No value can hold its own hash, so no value can end itself and set another output.
    end = f"end_{hashlib.sha256(value.encode()).hexdigest()}"
    return f"{name}<<{end}\n{value}\n{end}\n"
