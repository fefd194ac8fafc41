"""The rules of the repository about itself: who imports whom, and how large things are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "provisioner"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Part of the package -> the other parts that it may import. The stages (manifests,
# planning, applying, kinds, workspace, rendering) do not know each other.
WORDS = "errors plan resource secret semantics"
MAY_IMPORT = {
    "__init__": "",
    "__main__": "cli",
    "errors": "",
    "semantics": "",
    "codes": "",
    "outcome": "errors plan resource",
    "plan": "semantics",
    "secret": "errors",
    "schemas": "semantics",
    "repository": "errors",
    "earlier": "errors repository",
    "touched": "kinds manifests plan planning resource selection semantics",
    "changed_since": "earlier errors kinds manifests session touched",
    "tip": "errors manifests plan repository",
    "starting": "__init__ errors repository schemas",
    "connection": "semantics",
    "registry": "connection errors semantics",
    "topology": "",
    "drifted": "errors plan semantics",
    "explaining": "drifted earlier errors kinds manifests plan planning repository resource "
    "semantics session",
    "drift": "drifted errors explaining kinds plan planning resource session workflow",
    "report": "drifted errors outcome plan question topology",
    "live": "plan semantics",
    "mentions": "errors semantics",
    "resource": f"{WORDS} connection drifted live mentions portrait question requirement served "
    "snippet topology",
    "snippet": "connection semantics",
    "served": "",
    "diagnosis": "",
    "network": "",
    "graph": "kinds manifests network resource selection session topology",
    "doctor": "__init__ at_once diagnosis errors existence kinds live manifests preflight "
    "repository resource session workspace",
    "status_row": "plan resource served",
    "question": "errors plan semantics",
    "at_once": "",
    "portrait": "errors plan resource semantics",
    "writing": "semantics",
    "yaml_text": "errors semantics writing",
    "importing": f"{WORDS} portrait yaml_text",
    "new_manifests": "errors importing kinds manifests plan portrait resource",
    "editing": f"{WORDS} writing yaml_text",
    "formatting": "editing errors kinds manifests schemas semantics",
    "placing": "editing errors importing plan planning semantics writing",
    "accepting": "editing errors manifests new_manifests placing plan planning portrait resource "
    "secret semantics session workflow writing",
    "bundles": "errors importing kinds manifests new_manifests plan portrait semantics writing "
    "yaml_text",
    "terraform": "errors importing kinds manifests new_manifests plan portrait",
    "imports": "errors importing kinds manifests new_manifests plan portrait resource session",
    "requirement": "errors semantics",
    "existence": "connection errors registry requirement",
    "preflight": "at_once errors existence kinds manifests requirement resource secret selection "
    "session steps",
    "selection": "errors plan resource",
    "release": "errors",
    "release_store": "errors manifests promotion release",
    "released_names": "errors manifests selection",
    "pinning": "at_once errors manifests promotion registry release release_store released_names "
    "session",
    "manifests": f"{WORDS} mentions release schemas",
    "planning": WORDS,
    "promotion": "errors live plan question release release_event",
    "proposal": "errors plan release",
    "promoting": "errors manifests pinning promotion proposal proving receiving release "
    "released_names session",
    "proving": "at_once errors plan promotion question reading resource semantics session "
    "verification workflow",
    "receiving": "at_once errors kinds manifests plan preflight release session",
    "applying": "errors outcome plan resource semantics",
    "kinds": f"{WORDS} connection drifted mentions portrait question requirement "
    "schemas served snippet topology writing",
    "workspace": "connection errors secret",
    "rendering": f"""{WORDS}
        codes
        diagnosis
        difference
        drifted
        network
        outcome
        portrait
        proposal
        question
        release
        release_event
        report
        served
        snippet
        standing
        status_row
        topology
    """,
    "emulator": "",
    "field_table": "resource semantics",
    "schema_files": "field_table kinds manifests semantics",
    "circling": "errors manifests promotion",
    "checking": "circling errors kinds manifests",
    "reading": "errors plan resource",
    "session": "__init__ emulator errors kinds manifests repository resource secret workspace",
    "registering": "emulator errors manifests session",
    "rendered": "errors manifests plan release selection session",
    "difference": "plan semantics",
    "declared_difference": "difference errors kinds manifests plan planning semantics",
    "live_difference": "declared_difference difference manifests plan planning resource semantics",
    "comparing": "declared_difference difference errors kinds live_difference manifests plan "
    "planning reading resource selection session",
    "overview": "kinds reading resource selection session status_row",
    "steps": f"{WORDS} kinds planning reading",
    "connecting": "asking errors manifests resource session snippet workspace",
    "asking": "at_once errors kinds question resource session",
    "verification": "at_once errors kinds question resource selection semantics session",
    "plan_file": "errors plan rendering",
    "saved_plan": "__init__ errors kinds plan plan_file reading rendering session steps",
    # One name a line: everybody adds to it.
    "workflow": f"{WORDS} applying kinds manifests overview planning reading selection session "
    "steps",
    "rolling_back": "errors kinds manifests pinning plan promotion release release_store "
    "released_names repository session taking_part",
    "standing": "errors release",
    "release_event": "release",
    "histories": "errors manifests promotion release release_event repository session taking_part",
    "looking": "at_once errors manifests plan registry release session standing workflow",
    "standings": "at_once errors looking manifests promotion release session standing taking_part",
    "taking_part": "circling errors kinds manifests promotion released_names session",
    "reporting": "__init__ errors kinds plan report repository session topology",
    "cli": f"""{WORDS}
        __init__
        accepting
        applying
        asking
        bundles
        changed_since
        checking
        codes
        comparing
        connecting
        doctor
        graph
        drift
        emulator
        errors
        formatting
        histories
        imports
        kinds
        new_manifests
        outcome
        pinning
        plan_file
        planning
        portrait
        preflight
        promoting
        question
        registering
        release_store
        rendered
        rendering
        report
        reporting
        resource
        rolling_back
        saved_plan
        schema_files
        schemas
        selection
        semantics
        session
        standings
        starting
        verification
        terraform
        tip
        touched
        workflow
    """,
}
# Library -> the only parts that may import it.
DOORS = {
    "deepdiff": "planning.diff",
    "jsonschema": "manifests.check",
    "yaml": "manifests editing.layout",
    "click": "cli",
    # Two ways, two purposes: the workspace, and the model server that a local one asks.
    "urllib3": "workspace emulator.inference_upstream",
    "databricks": "workspace",
    "certifi": "workspace",
    "rich": "rendering",
    "starlette": "emulator",
    "uvicorn": "emulator",
    "sqlite3": "emulator",
    "sqlglot": "emulator",
    "duckdb": "emulator.sql_engine",
    "regex": "kinds.model_serving_endpoints.expectations "
    "kinds.model_serving_endpoints.relations_checks",
    "pydantic": "kinds manifests.models schema_files",
}
LONGEST_MODULE, LONGEST_MODEL, LONGEST_FUNCTION = 250, 400, 40


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_each_part_imports_only_what_it_may(file: Path) -> None:
    module = name_of(file)
    part = module.split(".")[0]
    allowed = {part, *MAY_IMPORT[part].split()}
    for name in imported(file):
        top, *rest = name.split(".")
        if top == "provisioner" and rest:
            target = "__init__" if rest[0].startswith("__") else rest[0]
            assert target in allowed, f"{module} imports {name}"


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_each_library_has_one_door(file: Path) -> None:
    module = name_of(file)
    for name in imported(file):
        doors = DOORS.get(name.split(".")[0])
        if doors:
            inside = any(f"{module}.".startswith(f"{door}.") for door in doors.split())
            assert inside, f"{module} imports {name}"


def test_the_table_names_no_part_that_is_gone() -> None:
    parts = {name_of(file).split(".")[0] for file in MODULES}
    assert set(MAY_IMPORT) == parts


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_nothing_outside_the_kinds_knows_one_by_name(file: Path) -> None:
    if name_of(file).startswith(("kinds", "emulator")):
        return
    words = re.findall(r"model_serving_endpoints|secret_scopes", _code(file))
    assert not words, f"{name_of(file)} names {words[0]}"


def _code(file: Path) -> str:
    """The source without docstrings and comments, where examples may name a kind."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_modules_and_functions_stay_small(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    limit = LONGEST_MODEL if file.stem.startswith("model") else LONGEST_MODULE
    assert text.count("\n") <= limit, f"{name_of(file)} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{name_of(file)}.{node.name} has {length} lines"


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


def used_codes() -> set[str]:
    pattern = re.compile(r"[\"']([EW]\d{3})[\"']")
    sources = [file for file in MODULES if file.stem != "codes"]
    return {code for file in sources for code in pattern.findall(file.read_text(encoding="utf-8"))}


def test_every_code_that_is_used_is_explained() -> None:
    from provisioner.codes import explanations

    assert used_codes() - set(explanations()) == set()


def test_every_code_that_is_explained_is_used() -> None:
    from provisioner.codes import explanations

    assert set(explanations()) - used_codes() == set()
