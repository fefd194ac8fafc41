"""The package's own source files, each read and parsed once a process."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "provisioner"
MODULES = sorted(PACKAGE.rglob("*.py"))


@functools.cache
def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@functools.cache
def tree_of(file: Path) -> ast.Module:
    """The syntax tree, shared by all rules: not to be changed."""
    return ast.parse(text_of(file))


@functools.cache
def nodes_of(file: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(file)))


def place(file: Path) -> str:
    """The path inside the package, ``planning/guard.py``."""
    return str(file.relative_to(PACKAGE))
