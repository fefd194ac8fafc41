"""Which calls in a module have a comment that names their rule, as `trust.read_rules` reads it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from provisioner.emulator.trust import SourcedRule

Chain = tuple[ast.stmt, ...]


def calls_of(
    names: Collection[str], tree: ast.AST, parents: Chain = ()
) -> Iterator[tuple[ast.Call, Chain]]:
    """Each call of one of `names` with the statements around it, the innermost last."""
    for node in ast.iter_child_nodes(tree):
        chain = (*parents, node) if isinstance(node, ast.stmt) else parents
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node, chain
        yield from calls_of(names, node, chain)


def comment_above(lines: Sequence[str], statement: ast.stmt) -> Iterator[int]:
    """The line numbers of the comment directly above a statement or its decorators."""
    decorators = getattr(statement, "decorator_list", [])
    number = min([statement.lineno, *(each.lineno for each in decorators)]) - 1
    while number and lines[number - 1].strip().startswith("#"):
        yield number
        number -= 1


def covered_calls(
    source: str, rules: Sequence[SourcedRule], names: Collection[str]
) -> Iterator[tuple[ast.Call, int, tuple[SourcedRule, ...]]]:
    """Each call with its statement's line and the rules of the nearest comment that has any.

    The rules of the whole module count where no statement around the call has one.
    """
    lines, stated = source.split("\n"), {rule.line: rule for rule in rules}
    of_module = tuple(rule for rule in rules if rule.covers_module)
    for call, chain in calls_of(names, ast.parse(source)):
        nearest = (
            tuple(stated[line] for line in comment_above(lines, each) if line in stated)
            for each in reversed(chain)
        )
        yield call, chain[-1].lineno, next(filter(None, nearest), of_module)


def uncovered(source: str, rules: Sequence[SourcedRule], names: Collection[str]) -> Iterator[int]:
    """The lines of calls that neither a statement around them nor the module has a rule for."""
    return (line for _, line, above in covered_calls(source, rules, names) if not above)
