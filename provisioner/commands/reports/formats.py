"""The table of report formats: the option, ``auto`` and the help are made from it.

A new format is one module with a function from a ``Report`` to a text, and one row here. No
writer is imported before it is used: ``--help`` reads this table.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from provisioner.commands.reports.report import Attachment, Report


class System(StrEnum):
    """A CI system, by the environment variable that it sets for each job."""

    GITHUB = "GITHUB_ACTIONS"
    GITLAB = "GITLAB_CI"
    AZURE = "TF_BUILD"
    NONE = ""


EVERYWHERE: Final = frozenset(System)


class Format(NamedTuple):
    """A report format.

    ``writer`` is the function, as ``module.function`` in this folder. ``systems`` are those on
    which ``auto`` writes the format, to a file with this ``ending``. ``is_log``: the text is a
    list of commands to the CI system, which reads them from stderr. ``attachments`` is a
    function that returns what the system takes beside the text. ``is_single``: the format holds
    the report of one environment only.
    """

    name: str
    writer: str
    ending: str = ""
    systems: frozenset[System] = frozenset()
    is_log: bool = False
    attachments: str = ""
    is_single: bool = False

    def text(self, report: Report) -> str:
        """Returns ``report`` in this format."""
        text: str = _function(self.writer)(report)
        return text

    def attachments_of(self, report: Report, environ: Mapping[str, str]) -> tuple[Attachment, ...]:
        """Returns what to write for the CI system, whose settings are in ``environ``."""
        if not self.attachments:
            return ()
        attachments: tuple[Attachment, ...] = _function(self.attachments)(report, environ)
        return attachments


def _function(name: str) -> Any:
    module, _, function = name.partition(".")
    return getattr(importlib.import_module(f"{__package__}.{module}"), function)


_ROWS: Final = (
    Format("markdown", "markdown.text", "md", EVERYWHERE),
    Format("html", "html.text", "html", EVERYWHERE, is_single=True),
    Format("json", "audit.text", "json", EVERYWHERE),
    Format(
        "github",
        "github.text",
        systems=frozenset({System.GITHUB}),
        is_log=True,
        attachments="github.attachments",
    ),
    Format("gitlab-terraform", "gitlab.terraform", "terraform.json", frozenset({System.GITLAB})),
    Format("codequality", "gitlab.code_quality", "codequality.json", frozenset({System.GITLAB})),
    Format(
        "azure",
        "azure.text",
        systems=frozenset({System.AZURE}),
        is_log=True,
        attachments="azure.attachments",
    ),
    Format("sarif", "sarif.text"),
    Format(
        "junit",
        "junit.text",
        "junit.xml",
        frozenset({System.GITLAB, System.AZURE}),
        is_single=True,
    ),
)
FORMATS: Final[Mapping[str, Format]] = {row.name: row for row in _ROWS}
AUTO: Final = "auto"
"""Stands for the formats that suit the CI system on which the command runs."""


def automatic(environ: Mapping[str, str], *, several: bool) -> tuple[Format, ...]:
    """Returns the formats that ``auto`` writes; ``several``: the report is of environments."""
    system = next((each for each in System if each and environ.get(each)), System.NONE)
    return tuple(row for row in _ROWS if system in row.systems and not (several and row.is_single))
