"""Names: a module is a noun of the field, and a class name is defined once."""

from __future__ import annotations

import ast
import collections
import re
from collections.abc import Iterator

from sources import MODULES, nodes_of, place

# Nouns of the field that end like gerunds and participles.
NOUNS = {
    "forwarding",
    "importing",
    "masking",
    "ordering",
    "routing",
    "serving",
    "wording",
}


def test_no_module_is_a_gerund_or_a_participle() -> None:
    offenders = {
        place(file)
        for file in MODULES
        if re.search(r"(ing|ed)$", file.stem) and file.stem not in NOUNS
    }
    assert offenders == set()


# Each says nothing that a noun of the field would not say better.
EMPTY_WORDS = {"one", "found", "said", "told", "thing"}


def _names_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id


def test_variables_say_what_they_hold() -> None:
    offenders = {
        f"{place(file)}:{node.lineno} {name}"
        for file in MODULES
        for node in nodes_of(file)
        for name in _names_of(node)
        if name in EMPTY_WORDS
    }
    assert offenders == set()


def test_each_class_name_is_defined_once() -> None:
    places = collections.defaultdict(list)
    for file in MODULES:
        for node in nodes_of(file):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(place(file))
    twice = {name: files for name, files in places.items() if len(files) > 1}
    assert twice == {}
