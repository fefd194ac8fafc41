"""Endpoints that are created elsewhere: what may be said of them, and what is looked at. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from provisioner.errors import Finding
from provisioner.errors.wording import listed
from provisioner.kinds.model_serving_endpoints.document import mapping, parts_of
from provisioner.kinds.model_serving_endpoints.live.read import canonical
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.resource import Resource

EXISTING: Final = "existing"
DATABRICKS: Final = "databricks-"
"""Names that begin so belong to Databricks, such as those of pay-per-token endpoints."""

MANAGED: Final = ("ai_gateway", "tags", "permissions", "email_notifications")
NOT_OF_DATABRICKS: Final = ("email_notifications",)
ABOUT_IT: Final = ("name", EXISTING, "lifecycle", "checks", "rollout")


# rule(tool): A manifest manages only the gateway, tags, permissions and notifications of an
#     endpoint that another user creates, and cannot protect it.
def existing(document: Document) -> Iterator[Finding]:
    """What a manifest cannot ask of an endpoint that is created elsewhere."""
    name = document.get("name")
    is_theirs = isinstance(name, str) and name.startswith(DATABRICKS)
    if document.get(EXISTING) is not True:
        if is_theirs:
            yield _reserved(str(name))
        return
    managed = [block for block in MANAGED if not (is_theirs and block in NOT_OF_DATABRICKS)]
    hint = f"the fields that can be managed are {listed(managed)}"
    for field in document:
        if field not in (*ABOUT_IT, *managed):
            message = f"`{field}` cannot be managed for an endpoint with `existing: true`"
            yield Finding((field,), "E362", message, hint, key=True)
    if mapping(document.get("lifecycle")).get("prevent_destroy"):
        message = "an endpoint with `existing: true` is never deleted or replaced"
        place = ("lifecycle", "prevent_destroy")
        yield Finding(place, "E363", message, "remove `prevent_destroy`", key=True)


# rule(documented): The prefix `databricks-` is reserved for endpoints of Databricks. [serving-api
#     3.6, 8.30]
def _reserved(name: str) -> Finding:
    other = name.removeprefix(DATABRICKS)
    return Finding(
        ("name",),
        "E301",
        f"names that begin with `{DATABRICKS}` are reserved for endpoints of Databricks",
        f"rename it, for example to `{other}`; or write `existing: true` to manage limits, tags "
        "and permissions of "
        "an endpoint that Databricks provides",
    )


def limited(live: Live, resource: Resource) -> Live:
    """``live`` without what the manifest does not write: that is not managed here.

    Of the tags too only those that are written: the others belong to whoever made them.
    """
    wanted = resource.document
    document = {name: part for name, part in live.document.items() if name in wanted}
    keys = {tag.value.get("key") for tag in parts_of(wanted, ("tags",))}
    if "tags" in document:
        document["tags"] = [tag for tag in document["tags"] if tag.get("key") in keys]
    seen = canonical({"id": live.identity, "owner": live.ownership.owner, "document": document})
    fingerprint = f"sha256:{hashlib.sha256(seen.encode()).hexdigest()}"
    return replace(live, document=document, fingerprint=fingerprint, unknown=())
