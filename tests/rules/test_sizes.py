"""How large modules, functions and folders are, and that each module says what it is for."""

from __future__ import annotations

import ast
import collections
import io
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

from sources import MODULES, PACKAGE, nodes_of, place, text_of, tree_of

LONGEST_MODULE, LARGEST_FOLDER = 400, 22
LONGEST_FUNCTION, LONG_FUNCTION, USUAL_FUNCTION = 40, 20, 8
# One file a command: the number of commands decides.
ONE_FILE_A_COMMAND = "cli"
# Modules that only one module of their own folder imports are often one topic cut in two.
MOST_CUT_MODULES = 39
# Each says why.
LEAST_COMMENTS_PER_100_LINES = 3

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function, int]]:
    """Every function with its module and its number of lines."""
    for file in MODULES:
        for node in nodes_of(file):
            if isinstance(node, Function):
                yield file, node, (node.end_lineno or 0) - node.lineno + 1


def test_no_module_is_longer_than_its_limit() -> None:
    lengths = {place(file): text_of(file).count("\n") for file in MODULES}
    assert {name: n for name, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_its_limit() -> None:
    offenders = [
        f"{place(file)}:{node.lineno} {node.name}: {length}"
        for file, node, length in functions()
        if length > LONGEST_FUNCTION
    ]
    assert not offenders, "\n".join(offenders)


def test_functions_are_mostly_short() -> None:
    lengths = sorted(length for _, _, length in functions())
    assert statistics.median(lengths) <= USUAL_FUNCTION
    assert lengths[len(lengths) * 9 // 10] <= LONG_FUNCTION


def test_no_folder_is_larger_than_a_person_can_scan() -> None:
    counts = collections.Counter(
        str(file.parent.relative_to(PACKAGE)) for file in MODULES if file.name != "__init__.py"
    )
    large = {name: n for name, n in counts.items() if n > LARGEST_FOLDER}
    large.pop(ONE_FILE_A_COMMAND, None)
    assert large == {}


def test_every_module_says_what_it_is_for() -> None:
    assert [place(file) for file in MODULES if not ast.get_docstring(tree_of(file))] == []


def test_few_modules_have_one_importer_that_lies_beside_them() -> None:
    files = {".".join(("provisioner", *_parts(file))): file for file in MODULES}
    importers = collections.defaultdict(set)
    for file in MODULES:
        for name in _imported(file) & files.keys():
            importers[name].add(file)
    cut = sorted(
        name
        for name, by in importers.items()
        if {file.parent for file in by - {files[name]}} == {files[name].parent} and len(by) == 1
    )
    assert len(cut) <= MOST_CUT_MODULES, "\n".join(cut)


def _parts(file: Path) -> tuple[str, ...]:
    return file.relative_to(PACKAGE).with_suffix("").parts


def _imported(file: Path) -> set[str]:
    """The modules, and names in modules, that a file imports."""
    names = set()
    for node in nodes_of(file):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_comments_say_why_often_enough() -> None:
    comments = sum(
        token.type == tokenize.COMMENT
        for file in MODULES
        for token in tokenize.generate_tokens(io.StringIO(text_of(file)).readline)
    )
    lines = sum(bool(line.strip()) for file in MODULES for line in text_of(file).splitlines())
    assert 100 * comments / lines >= LEAST_COMMENTS_PER_100_LINES, f"{comments} in {lines} lines"
