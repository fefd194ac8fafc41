"""Reports of one run, a format each: pure functions from a ``Report`` to a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from provisioner.commands.reports import audit, azure, github, gitlab, html, junit, markdown, sarif
from provisioner.commands.reports.report import Report

FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {
    "markdown": markdown.text,
    "html": html.text,
    "json": audit.text,
    "github": github.text,
    "gitlab-terraform": gitlab.terraform,
    "codequality": gitlab.code_quality,
    "azure": azure.text,
    "sarif": sarif.text,
    "junit": junit.text,
}
"""All that ``--report`` can write; ``auto`` chooses among them."""
