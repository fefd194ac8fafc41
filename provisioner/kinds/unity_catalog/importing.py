"""Live objects, and those of a Terraform state, as a manifest describes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.errors import Location
from provisioner.kinds.unity_catalog.securable import GRANTS, SecurableKind
from provisioner.model.documents import in_order, without_defaults
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import GeneratedManifest, variable_name
from provisioner.model.live import Live
from provisioner.model.paths import Document

NOT_READ = (
    "The value is never read back. Its variable is needed only when it is written again:",
    "when it is missing, with another `rotated_at`, or with --rotate.",
)


def generate(kind: SecurableKind, rules: FieldRule, live: Live, words: str) -> GeneratedManifest:
    """``live`` as a manifest describes it; ``words`` begin the names of its variables."""
    document: Document = without_defaults(in_order(live.document, rules), rules)
    comments: dict[Location, tuple[str, ...]] = {}
    if "from_env" in rules.fields:
        document["from_env"] = variable_name(words)
        comments[("from_env",)] = NOT_READ
    document = _with_plaintext(document, words)
    if not document.get(GRANTS):
        document.pop(GRANTS, None)
    return GeneratedManifest(in_order(document, rules), comments)


def _with_plaintext(value: Any, words: str) -> Any:
    """A login that the service shows empty was given as text: its place takes a variable."""
    if not isinstance(value, Mapping):
        return (
            [_with_plaintext(each, words) for each in value] if isinstance(value, list) else value
        )
    result = {}
    for name, inner in value.items():
        is_set = name in SECRET_FIELDS and inner == {}
        variable = variable_name(f"{words}_{name}")
        secret = {"plaintext": {"$secret": {"from_env": variable}}}
        result[name] = secret if is_set else _with_plaintext(inner, words)
    return result


SECRET_FIELDS = frozenset({"api_key", "client_secret", "secret_access_key", "api_key_value"})
