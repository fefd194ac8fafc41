"""What is around the resources of a manifest: kinds and keys, and what is left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from provisioner.errors import Finding, Location, Severity
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.manifests.schema.messages import kind_of, worded
from provisioner.model.paths import Document

RESOURCES: Final = "resources"
REMOVED: Final = "removed"
PARTS: Final = (RESOURCES, REMOVED)
FREE: Final = "x-"
PART_OF_KEY: Final = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}"
RESOURCE_KEY: Final = rf"^{PART_OF_KEY}(/{PART_OF_KEY})?$"
"""``KEY``, or ``KEY/ELEMENT`` of a block with ``for_each``."""


KEY_HINT: Final = "1 to 128 letters, digits, `-` and `_`, the first one not a `-`"

BUNDLE_KINDS: Final = (
    "alerts",
    "apps",
    "catalogs",
    "clusters",
    "dashboards",
    "database_catalogs",
    "database_instances",
    "experiments",
    "external_locations",
    "genie_spaces",
    "jobs",
    "models",
    "pipelines",
    "postgres_branches",
    "postgres_endpoints",
    "postgres_projects",
    "quality_monitors",
    "sql_warehouses",
    "synced_database_tables",
    "volumes",
)
"""Kinds of a Databricks bundle that we do not manage.

Source: databricks/cli bundle/config/resources.go.
"""


@dataclass(frozen=True, slots=True)
class Element:
    """An element of the collection of a ``for_each``.

    ``value`` is as it is written, references in it too. ``variable`` holds the collection, and
    is ``""`` where that stands in the manifest; ``at`` is the element's place in it.
    """

    key: str
    value: Any
    variable: str = ""
    at: Location = ()

    def location(self, rest: Location = ()) -> Location:
        """Where in the environment's file the part ``rest`` of the value stands."""
        return ("variables", self.variable, *self.at, *rest)


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One resource as it stands in a manifest, below ``resources``, kind and key.

    ``element`` is set for one of several resources that a block with ``for_each`` stands for.
    """

    kind: str
    key: str
    document: Document
    element: Element | None = None

    @property
    def at(self) -> Location:
        """The place of the block."""
        key = self.key.partition("/")[0] if self.element else self.key
        return (RESOURCES, self.kind, key)


def entries_of(manifest: Any, kinds: Collection[str]) -> Iterator[ManifestEntry | Finding]:
    """The resources of a manifest, and what is wrong with what is around them."""
    if not isinstance(manifest, dict):
        message = f"a manifest must be a mapping, {worded(manifest, '', hide=True)}"
        yield Finding((), "E105", message, f"start it with `{RESOURCES}:`")
        return
    yield from _around(manifest)
    if RESOURCES in manifest:
        resources = manifest[RESOURCES]
        yield from (
            _kinds(resources, kinds)
            if isinstance(resources, dict)
            else no_mapping((), RESOURCES, resources)
        )


def _around(manifest: Document) -> Iterator[Finding]:
    for name in manifest:
        if name not in PARTS and not name.startswith(FREE):
            parts = (
                f"a manifest can have `{RESOURCES}`, `{REMOVED}`, and fields `{FREE}…` for YAML "
                "anchors"
            )
            # A higher cutoff than usual: `x-` names are free, and most of them mean no field.
            hint = did_you_mean(name, PARTS, parts, cutoff=0.7)
            yield Finding((name,), "E104", f"unknown field `{name}`", hint, key=True)
    # `removed` alone is a manifest: the last resource of a file may be gone.
    if not manifest.keys() & set(PARTS):
        hint = (
            f"add `{RESOURCES}:` with a kind, a key of your choice, and the fields of the resource"
        )
        yield Finding((), "E106", f"missing field `{RESOURCES}`", hint)


def _kinds(resources: Document, kinds: Collection[str]) -> Iterator[ManifestEntry | Finding]:
    for kind, entries in resources.items():
        at = (RESOURCES, kind)
        if kind in kinds:
            yield from (
                _keys(kind, entries)
                if isinstance(entries, dict)
                else no_mapping(at[:1], kind, entries)
            )
        # A file may serve as a bundle as well, so that its other kinds are no error.
        elif kind in BUNDLE_KINDS:
            message = f"skipped `{kind}`: provisioner does not manage this kind"
            yield Finding(at, "W701", message, severity=Severity.NOTE, key=True)
        else:
            yield unknown_kind(at, kind, [*kinds, *BUNDLE_KINDS])


def unknown_kind(at: Location, kind: str, known: Collection[str]) -> Finding:
    """The finding for a kind that is none; the first ones of ``known`` are ours."""
    managed = listed(name for name in known if name not in BUNDLE_KINDS)
    hint = did_you_mean(kind, known, f"the kinds are {managed}")
    return Finding(at, "E205", f"there is no kind `{kind}`", hint, key=True)


def _keys(kind: str, resources: Document) -> Iterator[ManifestEntry | Finding]:
    for key, document in resources.items():
        if not re.fullmatch(RESOURCE_KEY, key):
            message = f"`{key}` cannot be the key of a resource"
            yield Finding((RESOURCES, kind, key), "E109", message, KEY_HINT, key=True)
        elif isinstance(document, dict):
            yield ManifestEntry(kind, key, document)
        else:
            yield from no_mapping((RESOURCES, kind), key, document)


def no_mapping(parent: Location, name: str, value: Any) -> Iterator[Finding]:
    """The finding for something else where a mapping belongs."""
    message = f"`{name}` must be a mapping, {worded(value, '', hide=True)}"
    hint = "add its fields, or remove it" if kind_of(value) == "null" else ""
    yield Finding((*parent, name), "E105", message, hint)
