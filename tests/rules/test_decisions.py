"""A decision reads data, such as a cause or a code, and never a sentence that people read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "provisioner"
# What the emulator says is a copy of the service's own texts, and never ours.
MODULES = sorted(
    module for module in PACKAGE.rglob("*.py") if not module.is_relative_to(PACKAGE / "emulator")
)

SENTENCES = {"reason", "message", "hint", "sentence"}
"""Attributes that hold text for people."""

PERMITTED = {
    # A plan file repeats the sentence of a cause; only other words are a detail of the change.
    "planning/step_json.py: reason == cause.sentence",
}

TEXT_CHECKS = {
    *("startswith", "endswith", "partition", "rpartition", "removeprefix", "removesuffix"),
    *("find", "index", "count", "match", "fullmatch", "search"),
}


def _is_sentence(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in SENTENCES


def _is_empty(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in ("", None)


def _holds_sentence(node: ast.AST) -> bool:
    elements = node.elts if isinstance(node, ast.Tuple | ast.Set | ast.List) else [node]
    return any(map(_is_sentence, elements))


def _decides(node: ast.AST) -> bool:
    """Whether ``node`` compares a sentence with something, or looks for something in it."""
    match node:
        case ast.Compare():
            operands = [node.left, *node.comparators]
            return any(map(_holds_sentence, operands)) and not any(map(_is_empty, operands))
        case ast.Call(func=ast.Attribute(value=value, attr=check), args=arguments):
            return check in TEXT_CHECKS and any(map(_is_sentence, [value, *arguments]))
        case ast.Match(subject=subject):
            return _is_sentence(subject)
        case _:
            return False


def decisions_by_text(module: Path) -> Iterator[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if _decides(node):
            line = ast.unparse(node).splitlines()[0]
            yield f"{module.relative_to(PACKAGE).as_posix()}: {line}"


def test_no_decision_reads_a_sentence() -> None:
    assert {found for module in MODULES for found in decisions_by_text(module)} == PERMITTED


def test_the_rule_finds_each_way_to_decide_by_a_sentence() -> None:
    caught = (
        'if change.reason == "ignored": pass',
        "if (finding.at, finding.message) not in misspelt: pass",
        "if change.reason in TOLD: pass",
        "problem.hint.startswith('did you mean ')",
        "re.match('x', problem.message)",
        "match change.reason:\n  case 'x': pass",
    )
    passed = (
        'if change.reason != "": pass',
        "if change.cause is CAUSE: pass",
        "say(found.message)",
    )
    for source in caught:
        assert any(map(_decides, ast.walk(ast.parse(source)))), source
    for source in passed:
        assert not any(map(_decides, ast.walk(ast.parse(source)))), source
