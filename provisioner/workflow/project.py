"""One environment with its manifests loaded and its workspace connected."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from provisioner.errors import FileError, LoginError, Severity
from provisioner.manifests.given_values import Outside, check_given
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import (
    Environment,
    find_root,
    read_environment,
    read_prices,
    read_project,
)
from provisioner.manifests.variables import declared_in
from provisioner.model.serving import Prices
from provisioner.workflow.environments import load_manifests


@dataclass(frozen=True, slots=True)
class Project:
    """``root`` is where ``provisioner.yaml`` lies; ``name`` is what it says.

    ``prices`` are those of ``prices.yaml``, None without it.
    """

    root: Path
    name: str
    prices: Prices | None = None


def open_project(folder: Path | None) -> Project:
    """The project around ``folder`` (None: the current one). Raises FileError."""
    root = find_root(folder or Path.cwd())
    return Project(root, read_project(root).name, read_prices(root))


def open_environment(
    project: Project, name: str, given: Sequence[str] = (), *, lenient: bool = False
) -> tuple[Environment, Loaded]:
    """The environment ``name`` and its manifests. Raises FileError and UsageError.

    ``lenient``: manifests with errors count as none, and the errors become warnings.
    """
    outside = Outside.of(given, os.environ)
    environment = read_environment(project.root, name, outside)
    check_given(outside, [declared_in(environment.source)])
    return environment, _load(project, environment, lenient=lenient)


def refuse_one_token(environments: Iterable[Environment], environ: Mapping[str, str]) -> None:
    """Raise LoginError where a token of one workspace would be sent to several hosts."""
    hosts = sorted({environment.workspace.host for environment in environments} - {""})
    if len(hosts) > 1 and environ.get("DATABRICKS_TOKEN"):
        both = "both " if len(hosts) == 2 else ""
        listed = f"{', '.join(hosts[:-1])} and {hosts[-1]}"
        message = f"DATABRICKS_TOKEN belongs to one workspace, but would be sent to {both}{listed}"
        hint = (
            "unset it, and log in to each: with one profile per host in "
            "~/.databrickscfg, or with a service principal of both workspaces "
            "(DATABRICKS_CLIENT_ID)"
        )
        raise LoginError.of("E403", message, hint)


def _load(project: Project, environment: Environment, *, lenient: bool) -> Loaded:
    try:
        return load_manifests(project.root, environment)
    except FileError as error:
        if not lenient:
            raise
        warnings = (replace(problem, severity=Severity.WARNING) for problem in error.problems)
        return Loaded((), tuple(warnings), digest="", files=())
