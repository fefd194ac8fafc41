"""Every refusal and limit of the local workspace names its rule, with its source and its trust."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.emulator import trust

# What a handler refuses with. A statement that fails is refused as well.
REFUSALS = {"ApiError", "StatementError", "invalid"}
RULES = list(trust.read_rules())


def refusals(tree: ast.AST, parents: tuple[ast.stmt, ...] = ()) -> Iterator[tuple[ast.stmt, ...]]:
    """The statements around each refusal, from the outermost to the innermost."""
    for node in ast.iter_child_nodes(tree):
        chain = (*parents, node) if isinstance(node, ast.stmt) else parents
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if is_call and node.func.id in REFUSALS:
            yield chain
        yield from refusals(node, chain)


def comment_above(lines: list[str], statement: ast.stmt) -> Iterator[int]:
    """The line numbers of the comment directly above a statement or its decorators."""
    decorators = getattr(statement, "decorator_list", [])
    number = min([statement.lineno, *(each.lineno for each in decorators)]) - 1
    while number and lines[number - 1].strip().startswith("#"):
        yield number
        number -= 1


def uncovered(source: str, rules: list[trust.SourcedRule]) -> Iterator[int]:
    """The lines of refusals for which neither a statement around them nor the module has a rule."""
    if any(rule.covers_module for rule in rules):
        return
    stated, lines = {rule.line for rule in rules}, source.split("\n")
    for chain in refusals(ast.parse(source)):
        above = {number for statement in chain for number in comment_above(lines, statement)}
        if not above & stated:
            yield chain[-1].lineno


def test_each_refusal_names_its_rule() -> None:
    missing = []
    for file in sorted(trust.FOLDER.rglob("*.py")):
        module = file.relative_to(trust.FOLDER).as_posix()
        rules = [rule for rule in RULES if rule.module == module]
        lines = uncovered(file.read_text(encoding="utf-8"), rules)
        missing += [f"{module}:{line}" for line in lines]
    assert not missing, "\n".join(["refusals without a rule:", *missing])


def test_each_rule_has_a_known_trust_and_a_source() -> None:
    wrong = [
        f"{rule.module}:{rule.line}"
        for rule in RULES
        if rule.trust not in trust.TRUSTS or (not rule.source and rule.trust != "local")
    ]
    assert not wrong, "\n".join(["rules without a known trust or a source:", *wrong])


def test_each_rule_is_a_sentence() -> None:
    assert [rule for rule in RULES if not rule.text.endswith(".")] == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        pytest.param('raise invalid("x")', [1], id="no comment"),
        pytest.param('# Why.\nraise invalid("x")', [2], id="a comment that is no rule"),
        pytest.param('# rule(local): A.\nraise invalid("x")', [], id="above the statement"),
        pytest.param('# rule(local): A.\nif x:\n    raise invalid("x")', [], id="above the if"),
        pytest.param(
            '# rule(local): A.\n@d\ndef f():\n    invalid("x")', [], id="above a decorator"
        ),
        pytest.param('# rule(local): A.\nx = 1\ninvalid("x")', [3], id="above another statement"),
        pytest.param('# rules(local): A.\n\nx = 1\ninvalid("x")', [], id="for the module"),
    ],
)
def test_a_rule_covers_the_code_below_it(tmp_path: Path, source: str, lines: list[int]) -> None:
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    rules = list(trust.read_rules(tmp_path))
    assert list(uncovered(source, rules)) == lines


def test_a_rule_goes_on_over_indented_lines(tmp_path: Path) -> None:
    source = (
        "# rule(recorded): A name has\n#     63 letters. [serving-api 3.6,\n#     8.1]\n# Why.\n"
    )
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    (rule,) = trust.read_rules(tmp_path)
    assert (rule.text, rule.source) == ("A name has 63 letters.", "serving-api 3.6, 8.1")
    assert (rule.trust, rule.line, rule.covers_module) == ("recorded", 1, False)
