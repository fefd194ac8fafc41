"""``--report FORMAT=PATH``: which reports a command writes, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from provisioner.commands.reports.formats import AUTO, FORMATS


class ReportDestination(NamedTuple):
    """Where one report goes. ``path`` is ``-`` for stdout, ``""`` where the format has a place
    of its own; ``explicit``: the user did not choose the path and has to hear of it.
    """

    format: str
    path: str
    explicit: bool = False


class ReportParameter(click.ParamType[ReportDestination]):
    """``FORMAT=PATH``, or FORMAT alone for those that have a place of their own."""

    name = "report"

    def convert(
        self,
        value: str | ReportDestination,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> ReportDestination:
        if isinstance(value, ReportDestination):
            return value
        from provisioner.errors.did_you_mean import did_you_mean

        known = (*FORMATS, AUTO)
        name, equals, path = value.partition("=")
        if name not in known:
            hint = did_you_mean(name, known, f"there are {', '.join(known)}")
            self.fail(f"`{name}` is not a report format; {hint}", param, ctx)
        if not path and (equals or not _has_place(name)):
            self.fail(f"`{value}` has no file; write {name}=PATH, or {name}=-", param, ctx)
        if name == AUTO and path == "-":
            self.fail("`auto` writes several files; give it a folder", param, ctx)
        if name != AUTO and Path(path).is_dir() and path:
            self.fail(f"`{path}` is a folder; name a file", param, ctx)
        return ReportDestination(name, path)


def _has_place(name: str) -> bool:
    """Whether the format has a place of its own: a folder, or the log of the CI system."""
    return name == AUTO or FORMATS[name].is_log


report_option = click.option(
    "--report",
    "reports",
    type=ReportParameter(),
    multiple=True,
    metavar="FORMAT=PATH",
    help=(
        f"Also write a report: {', '.join(FORMATS)}, or {AUTO} for the formats of this CI "
        "system. With PATH `-` the report replaces the output on stdout. Repeatable."
    ),
)
