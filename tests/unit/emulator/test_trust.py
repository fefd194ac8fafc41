"""Every refusal and limit of the local workspace names its rule, with its source and its trust."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from sourced_rules import covered_calls, uncovered

from provisioner.emulator import trust

# What a handler refuses with. A statement that fails is refused as well.
STRICT_REFUSAL = "refuse_if_strict"
REFUSALS = {"ApiError", "StatementError", "invalid", STRICT_REFUSAL}
RULES = list(trust.read_rules())


def test_each_refusal_names_its_rule() -> None:
    missing = []
    for file in sorted(trust.FOLDER.rglob("*.py")):
        module = file.relative_to(trust.FOLDER).as_posix()
        rules = [rule for rule in RULES if rule.module == module]
        lines = uncovered(file.read_text(encoding="utf-8"), rules, REFUSALS)
        missing += [f"{module}:{line}" for line in lines]
    assert not missing, "\n".join(["refusals without a rule:", *missing])


def test_each_assumed_refusal_says_when_and_why() -> None:
    """What is only assumed refuses in a strict workspace, or always for a reason."""
    wrong = []
    for file in sorted(trust.FOLDER.rglob("*.py")):
        module = file.relative_to(trust.FOLDER).as_posix()
        rules = [rule for rule in RULES if rule.module == module]
        source = file.read_text(encoding="utf-8")
        for call, line, above in covered_calls(source, rules, REFUSALS):
            wanted = "strict" if ast.unparse(call.func) == STRICT_REFUSAL else "always"
            if {rule.trust for rule in above} == {"assumed"}:
                wrong += [f"{module}:{line}" for rule in above if rule.refusal != wanted]
            elif wanted == "strict":
                wrong.append(f"{module}:{line}")
    reasonless = [
        f"{rule.module}:{rule.line}"
        for rule in RULES
        if rule.refusal == "always" and "because" not in rule.text
    ]
    assert not wrong + reasonless, "\n".join([*wrong, "no reason:", *reasonless])


def test_each_rule_has_a_known_trust_and_a_source() -> None:
    wrong = [
        f"{rule.module}:{rule.line}"
        for rule in RULES
        if rule.trust not in trust.TRUSTS
        or rule.refusal not in {"", *trust.REFUSALS}
        or (not rule.source and rule.trust != "local")
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
    assert list(uncovered(source, rules, REFUSALS)) == lines


def test_a_rule_goes_on_over_indented_lines(tmp_path: Path) -> None:
    source = (
        "# rule(recorded): A name has\n#     63 letters. [serving-api 3.6,\n#     8.1]\n# Why.\n"
    )
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    (rule,) = trust.read_rules(tmp_path)
    assert (rule.text, rule.source) == ("A name has 63 letters.", "serving-api 3.6, 8.1")
    assert (rule.trust, rule.line, rule.covers_module) == ("recorded", 1, False)
