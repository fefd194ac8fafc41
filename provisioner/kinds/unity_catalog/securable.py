"""What is special about a kind of object in Unity Catalog, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from provisioner.errors import Finding
from provisioner.model.connection import MISSING
from provisioner.model.paths import Document

ROOT: Final = "/api/2.1/unity-catalog"
GRANTS: Final = "grants"
COMMENT: Final = "comment"
PARENT: Final = "parent"
SCHEMAS: Final = "schemas/"
ABSENT: Final = MISSING | {"SCHEMA_DOES_NOT_EXIST", "CATALOG_DOES_NOT_EXIST"}
"""What the service calls an object that is not there, or the place where it would be."""
ABSENT_VERSIONS: Final = "absent_versions"
"""Beside a live model: the versions of the manifest's aliases that do not exist."""
PARTS: Final = ("catalog_name", "schema_name", "name")


def mask_of_field(names: tuple[str, ...]) -> str:
    """The mask of an object whose top-level fields are masks themselves."""
    return names[0]


@dataclass(frozen=True, slots=True)
class SecurableKind:
    """How the calls of one kind look.

    ``identity`` are the fields that make its full name. ``creation`` is the privilege to create
    one in its schema or catalog. ``grants_type`` is its word in paths of grants, ``privileges``
    those that it takes. ``mask_of`` returns the update mask for a field, given the names on its
    path. ``is_service``: its fields are created below ``parent``, and writes carry an etag.
    ``has_mask``: an update names its fields in the query. ``list_query``
    returns the query for the objects of a schema. ``spelled`` returns a live document in the
    words of the desired one, where both mean the same. ``body`` returns what is sent of a
    document.
    """

    name: str
    title: str
    plural: str
    grants_type: str
    privileges: frozenset[str]
    creation: str = "CREATE_SERVICE"
    identity: tuple[str, ...] = PARTS
    is_service: bool = False
    has_mask: bool = True
    created_fields: tuple[str, ...] = (COMMENT,)
    updated_later: tuple[str, ...] = ()
    mask_of: Callable[[tuple[str, ...]], str] = mask_of_field
    read_query: Mapping[str, str] = field(default_factory=dict)
    page: tuple[str, str] = ("page_size", "50")
    output_only: frozenset[str] = frozenset()
    spelled: Callable[[Document, Document], Document] | None = None
    relations: (
        Callable[[Document, Mapping[str, Mapping[str, Document]]], Iterator[Finding]] | None
    ) = None

    @property
    def root(self) -> str:
        """The path of all objects of the kind."""
        return f"{ROOT}/{self.plural}"

    @property
    def list_field(self) -> str:
        """The field of a list's answer that holds the objects."""
        return "registered_models" if self.plural == "models" else self.plural.replace("-", "_")

    def path(self, full_name: str) -> str:
        """The path of one object."""
        return f"{self.root}/{quote(full_name, safe='')}"

    def grants_path(self, full_name: str) -> str:
        """The path of the grants on one object."""
        return f"{ROOT}/permissions/{self.grants_type}/{quote(full_name, safe='')}"

    def full_name(self, document: Document) -> str:
        """``catalog.schema.name`` in lower case, as the catalog keeps names; ``""`` without one."""
        texts = [document.get(name) for name in self.identity]
        if not all(isinstance(text, str) and text for text in texts):
            return ""
        return ".".join(str(text).removeprefix(SCHEMAS) for text in texts).lower()

    def api_name(self, document: Document) -> str:
        """The name by which other services refer to a service: ``model-services/c.s.n``."""
        return f"{self.plural}/{self.full_name(document)}"

    def named(self, full_name: str) -> Document:
        """The fields that make ``full_name``."""
        parts = full_name.split(".")
        if self.is_service:
            return {PARENT: f"{SCHEMAS}{'.'.join(parts[:2])}", self.identity[1]: parts[2]}
        return dict(zip(self.identity, parts, strict=False))

    def schema_of(self, full_name: str) -> str:
        """What a list of this kind is about: the schema, or for schemas the catalog."""
        return full_name.rpartition(".")[0]

    def list_query(self, schema: str) -> dict[str, str]:
        """The query for the objects in ``schema``; for schemas, in that catalog."""
        size = {self.page[0]: self.page[1]}
        if self.is_service:
            return {PARENT: f"{SCHEMAS}{schema}", **size}
        catalog, _, name = schema.partition(".")
        return {"catalog_name": catalog, **({"schema_name": name} if name else {}), **size}

    def name_in(self, raw: Mapping[str, Any]) -> str:
        """The full name of the object in an answer; ``""`` where it has none."""
        name = raw.get("name") if self.is_service else raw.get("full_name")
        text = name if isinstance(name, str) else ""
        return text.removeprefix(f"{self.plural}/").lower()
