"""Where the words go: the answer to stdout, talk to stderr, colour only where it is wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from provisioner.cli.options import CommonOptions

if TYPE_CHECKING:
    from provisioner.commands.reports.recorder import Recorder
    from provisioner.errors import Problem
    from provisioner.rendering.activity import ActivityLine
    from provisioner.rendering.style import Style
    from provisioner.workflow.session import Session


def colour_wanted(stream: TextIO, *, no_color: bool) -> bool:
    """Whether ``stream`` gets colour.

    ``--no-color`` and NO_COLOR (https://no-color.org) win; FORCE_COLOR and CLICOLOR_FORCE give
    colour to a pipe, such as the log of a CI system that shows it.
    """
    if no_color or os.environ.get("NO_COLOR"):
        return False
    forced = [os.environ.get(name, "") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")]
    if any(value not in ("", "0", "false") for value in forced):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def data_text(data: Any, form: str) -> str:
    """``data`` in one of ``options.DATA_FORMS``, keys in the order given.

    In ASCII: what the service says must not reach a terminal as control characters.
    """
    if form == "yaml":
        from provisioner.files.yaml_text import document

        return document(data)
    from provisioner.rendering.text import json_text

    return json_text(data)


def data_record(data: Any, form: str) -> str:
    """``data`` as one of several that follow each other: a line of JSON, a YAML document."""
    if form == "yaml":
        return f"---\n{data_text(data, form)}"
    from provisioner.rendering.text import json_line

    return json_line(data)


class Terminal(NamedTuple):
    """How to print. ``width`` in columns.

    ``silent``: a report is the answer. ``recorder`` collects what reports tell, if any are
    to be written.
    """

    common: CommonOptions
    silent: bool = False
    recorder: Recorder | None = None

    @property
    def width(self) -> int:
        import shutil

        return shutil.get_terminal_size((100, 24)).columns

    def colour(self, stream: TextIO) -> bool:
        """Whether to write colour to ``stream``."""
        return colour_wanted(stream, no_color=self.common.no_color)

    def unicode(self, stream: TextIO) -> bool:
        """Whether ``stream`` can show arrows and bars."""
        try:
            "→█░".encode(stream.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def style(self) -> Style:
        """How an answer on stdout is to look."""
        from provisioner.rendering.style import Style

        return Style(self.colour(sys.stdout), self.unicode(sys.stdout), self.width)

    def answer(self, text: str) -> None:
        """Print the command's answer."""
        if not self.silent:
            # click takes colour out of a pipe, also where it is asked for.
            click.echo(text, nl=not text.endswith("\n"), color=self.colour(sys.stdout))

    def answer_data(self, data: Any) -> None:
        """Print the command's answer for a program, in the form that ``-o`` names."""
        self.answer(data_text(data, self.common.output))

    def say(self, text: str) -> None:
        """Print what is not the answer, unless it is nothing, or --quiet."""
        if text and not self.common.quiet:
            click.echo(text, err=True)

    def problems(self, problems: Iterable[Problem]) -> None:
        """Print problems to stderr."""
        shown = tuple(problems)
        if shown:
            from provisioner.rendering.problems import text

            colour = self.colour(sys.stderr)
            width = self.width if sys.stderr.isatty() else 0
            click.echo(text(shown, colour=colour, width=width), err=True, color=colour)

    def with_recorder(self, recorder: Recorder) -> Terminal:
        """Returns a terminal that prints to the same streams and notes for another report."""
        return self._replace(recorder=recorder)

    def note(self, **facts: Any) -> None:
        """Fields of ``Report``, for the reports."""
        if self.recorder:
            self.recorder.note(**facts)

    def opened(self, session: Session, *, writes: bool = False) -> None:
        """Print the warnings of the manifests; ``writes``: reports say who does it."""
        self.problems(session.loaded.warnings)
        if self.recorder:
            self.recorder.opened(session)
            self.recorder.note(problems=session.loaded.warnings)
            if writes:
                self.recorder.asked_who(session)

    def ended(self, code: int) -> int:
        """The exit code, noted for the reports."""
        if self.recorder:
            self.recorder.exit_code = code
        return code

    def interactive(self) -> bool:
        """Whether there is a user to ask."""
        return sys.stdin.isatty() and sys.stderr.isatty()


# Shows on stderr what a command is busy with while it reads a workspace.

QUIET = frozenset({"-q", "--quiet"})


@contextmanager
def activity_shown(words: list[str]) -> Iterator[None]:
    """Shows the activity of the command line ``words``; nothing with ``--quiet``."""
    if not QUIET.isdisjoint(words):
        yield
        return
    from provisioner.model.activity import observed_by

    with observed_by(LazyActivityLine(no_color="--no-color" in words)):
        yield


class LazyActivityLine:
    """Implements ``model.activity.ActivityObserver``: makes the line at the first task.

    ``--help`` and ``validate`` have no task, and load nothing for it.
    """

    def __init__(self, *, no_color: bool) -> None:
        self._no_color = no_color
        self._line: ActivityLine | None = None

    def started(self, label: str, total: int) -> None:
        """See ``model.activity.ActivityObserver``."""
        self._line = self._line or _activity_line(no_color=self._no_color)
        self._line.started(label, total)

    def advanced(self) -> None:
        """See ``model.activity.ActivityObserver``."""
        if self._line:
            self._line.advanced()

    def waiting(self, reason: str, seconds: float) -> None:
        """See ``model.activity.ActivityObserver``."""
        if self._line:
            self._line.waiting(reason, seconds)

    def ended(self) -> None:
        """See ``model.activity.ActivityObserver``."""
        if self._line:
            self._line.ended()


def _activity_line(*, no_color: bool) -> ActivityLine:
    import shutil

    from provisioner.rendering.activity import ActivityLine

    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not no_color
    return ActivityLine(sys.stderr, live=live, width=shutil.get_terminal_size((80, 24)).columns)
