"""Every check and limit of `validate` names its rule, and refuses only what is not assumed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import pytest
from sourced_rules import constrained, covered_calls
from sources import PACKAGE

from provisioner.emulator.trust import TRUSTS, SourcedRule, read_rules

KINDS = PACKAGE / "kinds"
# Findings of an import are about files of another tool, and no rules of a manifest.
NOT_OF_VALIDATE = {"importing.py", "terraform.py", "bundle.py"}
RULES = list(read_rules(KINDS))
MODEL_RULES = list(read_rules(PACKAGE))
TOOL = "tool"


def offences(source: str, rules: Sequence[SourcedRule]) -> Iterator[str]:
    """Each finding without a rule, and each refusal whose rules are assumed."""
    for call, line, above in covered_calls(source, rules, {"Finding"}):
        if not above:
            yield f"{line}: no rule"
        elif {rule.trust for rule in above} == {"assumed"} and not warns(call):
            yield f"{line}: an assumed rule refuses"


def warns(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return "Severity.WARNING" in map(ast.unparse, given)


def test_each_check_of_a_manifest_names_its_rule_and_assumed_rules_only_warn() -> None:
    problems = []
    for file in sorted(KINDS.rglob("*.py")):
        module = file.relative_to(KINDS).as_posix()
        if file.name not in NOT_OF_VALIDATE:
            rules = [rule for rule in RULES if rule.module == module]
            lines = offences(file.read_text(encoding="utf-8"), rules)
            problems += [f"{module}:{problem}" for problem in lines]
    assert not problems, "\n".join(problems)


def test_each_rule_of_a_manifest_has_a_known_trust_and_a_source() -> None:
    wrong = [
        f"{rule.module}:{rule.line}"
        for rule in MODEL_RULES
        if not rule.module.startswith("emulator/")
        and (
            rule.trust not in {*TRUSTS, TOOL} - {"local"}
            or (not rule.source and rule.trust != TOOL)
            or not rule.text.endswith(".")
        )
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("Finding(a)", ["1: no rule"], id="no rule"),
        pytest.param("# rule(tool): A.\nFinding(a)", [], id="a rule of the tool"),
        pytest.param(
            "# rule(assumed): A. [x]\nFinding(a)", ["2: an assumed rule refuses"], id="refuses"
        ),
        pytest.param("# rule(assumed): A. [x]\nFinding(a, Severity.WARNING)", [], id="warns"),
        pytest.param(
            "# rule(tool): A.\ndef f():\n    # rule(assumed): B. [x]\n    Finding(a)",
            ["4: an assumed rule refuses"],
            id="the nearest rule counts",
        ),
    ],
)
def test_checks_are_compared_with_their_rules(tmp_path, source, expected) -> None:
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    assert list(offences(source, list(read_rules(tmp_path)))) == expected


def unsourced(source: str, rules: Sequence[SourcedRule]) -> Iterator[str]:
    """Each limit, list of values and needed field of a model that no known rule covers."""
    for line, codes, above in constrained(source, rules):
        if not above:
            yield f"{line}: no rule for {', '.join(codes)}"
        elif {rule.trust for rule in above} == {"assumed"}:
            yield f"{line}: an assumed rule refuses"


def test_each_constraint_of_a_schema_names_its_rule_and_none_is_assumed() -> None:
    problems, models = [], 0
    for file in sorted(PACKAGE.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        if "from pydantic import" in source:
            models += 1
            module = file.relative_to(PACKAGE).as_posix()
            rules = [rule for rule in MODEL_RULES if rule.module == module]
            problems += [f"{module}:{problem}" for problem in unsourced(source, rules)]
    assert models
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("A = Field(pattern='a')", ["1: no rule for E109"], id="a pattern"),
        pytest.param("A = Field(default=0, le=9)", ["1: no rule for E108"], id="a limit"),
        pytest.param("a: int = Field(description='b')", ["1: no rule for E106"], id="needed"),
        pytest.param("a: Literal['b'] = 'b'", ["1: no rule for E107"], id="a list of values"),
        pytest.param("a: str = Field(default='', min_length=1)", [], id="stated on the base"),
        pytest.param("# rule(tool): A.\nA = Field(pattern='a')", [], id="a rule of its own"),
        pytest.param(
            "# rule(assumed): A. [x]\nA = Field(pattern='a')",
            ["2: an assumed rule refuses"],
            id="assumed",
        ),
        pytest.param(
            "# rule(documented): A. [x]\nclass A:\n    a: int = Field(le=9)",
            ["3: no rule for E106, E108"],
            id="a documented class says nothing of its limits",
        ),
        pytest.param(
            "# rule(documented): A. [x]\nclass A:\n    a: int = Field()", [], id="a needed field"
        ),
        pytest.param(
            "# rules(tool): A.\n\nclass A:\n    a: int = Field(le=9)", [], id="a tool's module"
        ),
    ],
)
def test_constraints_are_compared_with_their_rules(tmp_path, source, expected) -> None:
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    assert list(unsourced(source, list(read_rules(tmp_path)))) == expected
