"""What becomes of each key of a bundle's schema: taken, or reported with what is lost.

Source: databricks/cli bundle/config/root.go and target.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.commands.importing.bundle.fold import mapping
from provisioner.kinds.bundle_vocabulary import PERMISSIONS
from provisioner.model.paths import Document

TAKEN: Final = ""
_FILES: Final = "provisioner uploads no files; endpoints do not depend on it"
_JOBS: Final = "it concerns jobs, pipelines and apps; endpoints and scopes do not depend on it"
_COMPUTE: Final = "it concerns clusters; endpoints and scopes do not depend on it"
_TOOL: Final = "a setting of the Databricks CLI; endpoints and scopes do not depend on it"

OF_BUNDLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "bundle",
            "environments",
            "include",
            PERMISSIONS,
            "presets",
            "resources",
            "targets",
            "variables",
            "workspace",
        ),
        TAKEN,
    ),
    "artifacts": _FILES,
    "sync": _FILES,
    "run_as": _JOBS,
    "experimental": _TOOL,
    "scripts": "scripts are not run by provisioner; run them in your pipeline",
    "python": "resources that Python code makes are not imported, and plans leave them alone; "
    "`provisioner import NAME` writes their manifests from the workspace",
    "definitions": "the Databricks CLI does not read it either",
    "__locations": "the Databricks CLI does not read it either",
}
"""Top-level key to what is lost; ``TAKEN`` for nothing."""

OF_TARGETS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("mode", PERMISSIONS, "presets", "resources", "variables", "workspace"), TAKEN),
    # Environments have no default: one is chosen with -e.
    "default": TAKEN,
    "bundle": "the name of the bundle and its git settings are the same in every environment",
    "git": _TOOL,
    "artifacts": _FILES,
    "sync": _FILES,
    "run_as": _JOBS,
    "compute_id": _COMPUTE,
    "cluster_id": _COMPUTE,
}
OF_PRESETS: Final[Mapping[str, str]] = {
    "name_prefix": TAKEN,
    # The CLI gives them to no endpoint and no scope.
    **dict.fromkeys(
        (
            "artifacts_dynamic_version",
            "jobs_max_concurrent_runs",
            "pipelines_development",
            "source_linked_deployment",
            "tags",
            "trigger_pause_status",
        ),
        TAKEN,
    ),
}
OF_WORKSPACES: Final = frozenset(("host", "profile"))
"""The settings of a workspace that are taken; the others are paths and logins of the CLI."""
_UNKNOWN: Final = "the Databricks CLI does not know this key either"


def lost(data: Document, kinds: Mapping[str, Any]) -> Iterator[str]:
    """What of the whole bundle ``data`` is not taken, in words."""
    yield from _of(data, OF_BUNDLES, "")
    yield from _of(mapping(data.get("presets")), OF_PRESETS, "presets.")
    yield from _kinds(data, kinds, "")


def lost_of_target(name: str, target: Document, kinds: Mapping[str, Any]) -> Iterator[str]:
    """What of the target ``name`` is not taken, in words."""
    yield from _of(target, OF_TARGETS, f"targets.{name}.")
    yield from _of(mapping(target.get("presets")), OF_PRESETS, f"targets.{name}.presets.")
    yield from _kinds(target, kinds, f"targets.{name}.")


def _of(data: Document, decisions: Mapping[str, str], place: str) -> Iterator[str]:
    for name in data:
        words = decisions.get(name, _UNKNOWN)
        if words and not name.startswith("x-"):
            yield f"`{place}{name}`: {words}"


def _kinds(data: Document, kinds: Mapping[str, Any], place: str) -> Iterator[str]:
    for kind in mapping(data.get("resources")):
        if kind not in kinds:
            # Without the place for the bundle's own: that is what most bundles have.
            yield f"`{f'{place}resources.' if place else ''}{kind}`: provisioner does not manage it"
