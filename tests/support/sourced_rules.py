"""Which calls and fields have a comment that names their rule, as `trust.read_rules` reads it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence

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
    of_module = tuple(rule for rule in rules if rule.covers_module)
    for call, chain in calls_of(names, ast.parse(source)):
        above = next(rules_above(source, rules, reversed(chain)), of_module)
        yield call, chain[-1].lineno, above


def rules_above(
    source: str, rules: Sequence[SourcedRule], statements: Iterable[ast.stmt]
) -> Iterator[tuple[SourcedRule, ...]]:
    """The rules in the comment above each of the statements that has any."""
    lines, stated = source.split("\n"), {rule.line: rule for rule in rules}
    for statement in statements:
        above = tuple(stated[line] for line in comment_above(lines, statement) if line in stated)
        if above:
            yield above


def uncovered(source: str, rules: Sequence[SourcedRule], names: Collection[str]) -> Iterator[int]:
    """The lines of calls that neither a statement around them nor the module has a rule for."""
    return (line for _, line, above in covered_calls(source, rules, names) if not above)


# Keywords of pydantic that limit a value, with the codes of `validate` for a value outside.
LIMITS = {
    **dict.fromkeys(("ge", "gt", "le", "lt", "min_length", "max_length"), "E108"),
    **dict.fromkeys(("minProperties", "maxProperties"), "E108"),
    "pattern": "E109",
}
MISSING, NOT_LISTED = "E106", "E107"
# That a text is not empty and an amount not negative is stated once, on the model's base.
STATED_ON_BASE = {("min_length", "1"), ("ge", "0")}


def constraints_of(statement: ast.stmt) -> Iterator[str]:
    """The codes of what a statement of a model refuses: limits, lists of values, needed fields."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Field", "StringConstraints"}:
            limits = {(word.arg, ast.unparse(word.value)) for word in node.keywords}
            yield from (LIMITS[name] for name, _ in limits - STATED_ON_BASE if name in LIMITS)
        if isinstance(node, ast.Constant) and node.value in LIMITS:
            yield LIMITS[node.value]
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            yield NOT_LISTED
    if isinstance(statement, ast.AnnAssign) and is_needed(statement):
        yield MISSING


def is_needed(statement: ast.AnnAssign) -> bool:
    """Whether the field of a model has no default."""
    field = statement.value
    if not isinstance(field, ast.Call) or ast.unparse(field.func) != "Field":
        return False
    return not {"default", "default_factory"} & {word.arg for word in field.keywords}


def constrained(
    source: str, rules: Sequence[SourcedRule]
) -> Iterator[tuple[int, tuple[str, ...], tuple[SourcedRule, ...]]]:
    """Each statement of a model that refuses values: its line, its codes and its rules.

    A limit has a rule of its own, or is the tool's own in the whole class or module. A rule above
    the class also covers needed fields and lists of values.
    """
    tool = tuple(rule for rule in rules if rule.covers_module and rule.trust == "tool")
    of_module = tuple(rule for rule in rules if rule.covers_module)
    for chain in statements_of(ast.parse(source)):
        codes = tuple(sorted(set(constraints_of(chain[-1]))))
        own = next(rules_above(source, rules, chain[-1:]), ())
        of_class = next(rules_above(source, rules, chain[:-1]), ())
        limited = {*codes} - {MISSING, NOT_LISTED}
        tools = tuple(rule for rule in of_class if rule.trust == "tool") or tool
        if codes:
            yield chain[-1].lineno, codes, own or (tools if limited else of_class or of_module)


def statements_of(module: ast.Module) -> Iterator[Chain]:
    """The assignments of a module and of its classes, with their class."""
    for statement in module.body:
        if isinstance(statement, ast.ClassDef):
            yield from ((statement, inner) for inner in statement.body if is_assignment(inner))
        elif is_assignment(statement):
            yield (statement,)


def is_assignment(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign | ast.AnnAssign)
