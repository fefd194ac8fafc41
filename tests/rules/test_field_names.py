"""No code outside ``kinds/`` and ``emulator/`` knows a field of a kind by its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from provisioner.kinds import KINDS
from provisioner.model.field_rules import FieldRule

PACKAGE = Path(__file__).parents[2] / "provisioner"
MODULES = sorted(
    module
    for module in PACKAGE.rglob("*.py")
    if module.relative_to(PACKAGE).parts[0] not in ("kinds", "emulator")
)

EXTENSIONS = {"prevent_destroy", "ignore_changes"}
"""Fields that the tool itself adds to every kind."""

BLOCKS = {"checks", "rollout"}
"""Blocks that the tool itself adds: what stands in them is no field of a kind."""

SHARED_WORDS = {"from_env", "from_file", "secret_reference", "client_id", "client_secret"}
"""Words of ``model.secret`` and of the field rules, and those of OAuth, which logins use too."""

WORDS = {"acls", "permissions", "secrets", "served_entities"}
"""Single words that are fields all the same. Other single words may mean anything."""

PERMITTED = {
    # A hint of the guard, and the spelling of a frequent mistake.
    "cli/corrections.py: permissions",
    "cli/corrections.py: secrets",
    # The kind should say which of its fields hold secrets, a share, or a principal.
    "commands/graph/graph.py: secrets",
    "commands/graph/text.py: traffic_percentage",
    "commands/preflight/grants.py: group_name",
    "commands/preflight/grants.py: service_principal_name",
    "commands/preflight/grants.py: user_name",
    "commands/preflight/lookups.py: group_name",
    "commands/preflight/lookups.py: secrets",
    "commands/preflight/lookups.py: service_principal_name",
    "commands/preflight/lookups.py: user_name",
    "commands/status/text.py: traffic_percentage",
    "manifests/yaml/masking.py: external_model",
    "manifests/yaml/masking.py: secrets",
    "rendering/plan_rows.py: traffic_percentage",
}
"""Exceptions, each of which is to go. Add none."""


def _names(rule: FieldRule) -> Iterator[str]:
    for name, inner in rule.fields.items():
        yield name
        if name not in BLOCKS:
            yield from _names(inner)


def field_names() -> set[str]:
    names = {name for kind in KINDS.values() for name in _names(kind.schema.rules())}
    return {name for name in names if "_" in name or name in WORDS} - EXTENSIONS - SHARED_WORDS


def _said_in(text: str) -> Iterator[str]:
    """The whole text, and each word that stands in backticks."""
    yield text
    yield from re.findall(r"`(\w+)`", text)


def known_fields(module: Path, names: set[str]) -> Iterator[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    documented = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documented:
            for name in names.intersection(_said_in(node.value)):
                yield f"{module.relative_to(PACKAGE).as_posix()}: {name}"


def test_no_field_name_of_a_kind_stands_outside_of_its_folder() -> None:
    names = field_names()
    assert {found for module in MODULES for found in known_fields(module, names)} == PERMITTED


def test_the_fields_of_the_models_are_found() -> None:
    assert {"traffic_percentage", "external_model", "permissions"} <= field_names()
