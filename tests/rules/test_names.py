"""Names: a module is a noun of the field, and a class name is defined once."""

from __future__ import annotations

import ast
import collections
import re

from sources import MODULES, nodes_of, place

# Nouns of the field that end like gerunds and participles.
NOUNS = {
    "forwarding",
    "importing",
    "masking",
    "ordering",
    "paging",
    "routing",
    "serving",
    "spelling",
    "wording",
}
# To become empty: nothing may be added.
TO_BE_RENAMED = {"reading"}


def test_no_module_is_a_gerund_or_a_participle() -> None:
    offenders = {
        place(file)
        for file in MODULES
        if re.search(r"(ing|ed)$", file.stem) and file.stem not in NOUNS | TO_BE_RENAMED
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
