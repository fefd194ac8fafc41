"""Logging commands that Azure Pipelines reads from the log. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provisioner.commands.reports import markdown
from provisioner.commands.reports.annotations import Annotation, annotations_of
from provisioner.commands.reports.counts import outputs
from provisioner.commands.reports.report import Attachment, Report
from provisioner.errors import Severity

TYPES = {Severity.ERROR: "error", Severity.WARNING: "warning"}
"""There is no third kind of issue."""


def text(report: Report) -> str:
    """Issues, then the outputs as variables that later jobs can use."""
    lines = [_issue(each) for each in annotations_of(report) if each.severity in TYPES]
    lines += [_variable(name, value) for name, value in outputs(report).items()]
    return "".join(f"{line}\n" for line in lines)


def attachments(report: Report, environ: Mapping[str, str]) -> tuple[Attachment, ...]:
    """Returns the Markdown report, which the agent attaches to the run."""
    folder = environ.get("AGENT_TEMPDIRECTORY")
    if not folder:
        return ()
    names = [part for part in ("provisioner", report.command, report.environment) if part]
    # The agent takes absolute paths only.
    path = Path(folder).absolute() / f"{'-'.join(names)}.md"
    command = f"##vso[task.uploadsummary]{_data(str(path))}\n"
    return (Attachment(path, markdown.text(report), command=command),)


def _issue(each: Annotation) -> str:
    properties = {
        "type": TYPES[each.severity],
        "sourcepath": each.file,
        "linenumber": str(each.line),
        "columnnumber": str(each.column),
        "code": each.rule,
    }
    listed = ";".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"##vso[task.logissue {listed}]{_data(each.told)}"


def _variable(name: str, value: str) -> str:
    return f"##vso[task.setvariable variable=provisioner_{name};isOutput=true]{_data(value)}"


def _data(text: str) -> str:
    """As the agent undoes it; ``%`` has an escape of its own since agent 2.181."""
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
