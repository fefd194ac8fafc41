"""Who may import whom: six tiers, and one door for each library."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sources import MODULES, PACKAGE, nodes_of, text_of

# Folder -> tier. A folder imports folders of lower tiers, and none of its own tier but itself.
TIERS = {
    "errors": 1,
    "model": 2,
    **dict.fromkeys(
        (
            "manifests",
            "planning",
            "applying",
            "workspace",
            "files",
            "rendering",
            "kinds",
            "policies",
        ),
        3,
    ),
    "workflow": 4,
    "commands": 5,
    "cli": 6,
}
MODEL_TIER, CLI_TIER = 2, 6
# Tier 3 and above may import tiers 1 and 2; stages (tier 3) never import each other.
# The emulator is aside: it imports nothing of ours, and only these import it.
EMULATOR_IMPORTERS = ("workflow", "commands.emulator", "cli")
# Command topics that use another topic.
LISTED_TOPICS = {
    "doctor": {"preflight"},
    "promotion": {"preflight", "query"},
    "reports": {"drift", "query", "rollout"},
    "rollout": {"promotion", "query"},
    "status": {"rollout"},
    "migration": {"importing", "query"},
}
# Library -> the only places that may import it.
DOORS = {
    "deepdiff": "planning.diff",
    "jsonschema": "manifests.schema.check",
    "yaml": "manifests files",
    "click": "cli",
    # Two purposes: the workspace, and the model server that a local workspace forwards to.
    "urllib3": "workspace emulator",
    "databricks": "workspace",
    "certifi": "workspace",
    "rich": "rendering",
    "starlette": "emulator",
    "uvicorn": "emulator",
    "sqlite3": "emulator",
    "sqlglot": "emulator",
    "duckdb": "emulator",
    "regex": "kinds.model_serving_endpoints",
    "pydantic": "kinds manifests.file_models planning.file_models policies.file_models "
    "commands.schema",
}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


def imported(file: Path) -> Iterator[str]:
    for node in nodes_of(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _may_import(module: list[str], target: list[str]) -> bool:
    here, there = module[0], target[0]
    if here in ("__init__", "__main__") or there.startswith("__"):
        return True
    if "emulator" in (here, there):
        return here == there or ".".join(module).startswith(EMULATOR_IMPORTERS)
    if here == there == "commands":
        return len(target) < 2 or target[1] in {module[1], *LISTED_TOPICS.get(module[1], ())}
    return here == there or TIERS[there] < TIERS[here]


def test_no_folder_imports_against_the_tiers() -> None:
    offenders = [
        f"{name_of(file)} imports {name}"
        for file in MODULES
        for name in imported(file)
        if name.startswith("provisioner.")
        and not _may_import(name_of(file).split("."), name.split(".")[1:])
    ]
    assert not offenders, "\n".join(offenders)


def test_each_library_has_one_door() -> None:
    offenders = [
        f"{name_of(file)} imports {name}"
        for file in MODULES
        for name in imported(file)
        if (doors := DOORS.get(name.split(".")[0]))
        and not any(f"{name_of(file)}.".startswith(f"{door}.") for door in doors.split())
    ]
    assert not offenders, "\n".join(offenders)


def test_manifests_are_loaded_at_one_place_that_adds_the_boundaries() -> None:
    importers = {
        name_of(file) for file in MODULES if "provisioner.manifests.load.load" in imported(file)
    }
    assert importers == {"workflow.environments"}


def test_every_folder_of_the_package_has_a_tier() -> None:
    folders = {file.name for file in PACKAGE.iterdir() if (file / "__init__.py").exists()}
    assert folders <= {*TIERS, "emulator"}


def test_the_root_holds_two_modules() -> None:
    assert {file.name for file in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_nothing_outside_the_kinds_knows_one_by_name() -> None:
    kind = re.compile(r"model_serving_endpoints|secret_scopes")
    offenders = [
        name_of(file)
        for file in MODULES
        if not name_of(file).startswith(("kinds", "emulator"))
        and kind.search(text_of(file))
        and kind.search(code_of(file))
    ]
    assert not offenders


def code_of(file: Path) -> str:
    """The source without docstrings and comments, where examples may name a kind."""
    tree = ast.parse(text_of(file))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
