"""Checks over a file of cases: how many have to pass, and which did not."""

from __future__ import annotations

import json

import pytest

MANIFEST = """\
name: scores
config:
  served_entities:
    - name: champion
      entity_name: main.fraud.scores
      entity_version: "3"
      workload_size: Small
      scale_to_zero_enabled: true
checks:
  - name: known payments
    cases: cases/payments.jsonl
    pass_rate: 75%
    expect:
      json: [{path: "predictions[0]", min: 0, max: 1}]
"""
GOOD = json.dumps({"dataframe_records": [{"amount": 12}]})
BAD = json.dumps({"dataframe_records": [{"amount": 12}], "expect": {"contains": "nothing"}})


@pytest.fixture
def cases(repository, run):
    repository.endpoint(MANIFEST)

    def write(*lines):
        repository.write("cases/payments.jsonl", "".join(f"{line}\n" for line in lines))

    write(GOOD)
    return write


@pytest.fixture
def applied(cases, run):
    assert run("apply", "-y").code == 0
    return cases


def test_a_check_passes_while_enough_of_its_cases_do(applied, run):
    applied(GOOD, "", BAD, GOOD, GOOD)
    done = run("verify", "-o", "json")
    assert done.code == 0
    (check,) = done.json["checks"]
    (failed,) = check["cases"].pop("failed")
    assert check["cases"] == {
        "file": "cases/payments.jsonl",
        "total": 4,
        "passed": 3,
        "needed_percent": 75.0,
    }
    assert failed["line"] == 3
    assert "expected text with `nothing`" in failed["message"]
    assert "3 of 4 cases passed (75 %), at least 75 % required" in run("verify").out


def test_a_check_fails_below_its_rate_and_names_each_case(applied, run, repository):
    applied(GOOD, BAD, BAD)
    report = repository.root / "report.xml"
    failed = run("verify", "--report", f"junit={report}")
    assert failed.code == 1
    assert "1 of 3 cases passed (33.33 %), at least 75 % required" in failed.out
    for line in (2, 3):
        shown = " ".join(failed.out.split())
        assert f"cases/payments.jsonl:{line}: expected text with" in shown
        assert f"cases/payments.jsonl:{line}: expected text with" in report.read_text()


WRONG = {
    "no JSON": (GOOD, "{", "2:1", "this line is not JSON"),
    "no object": ("[1]", "", "1:1", "a case must be a JSON object with a question"),
    "a field that no check has": ('{"promt": "x"}', "", "1:1", "unknown field `promt`"),
    "a question of another task": (
        '{"input": "x", "prompt": "y"}',
        "",
        "1:1",
        "more than one question",
    ),
    "an empty file": ("", "", "1:1", "the file contains no cases"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_of_cases_is_validated_by_line(cases, run, case):
    first, second, place, words = WRONG[case]
    cases(first, second)
    wrong = run("validate")
    assert wrong.code == 1
    assert f"cases/payments.jsonl:{place}" in wrong.err
    assert words in wrong.err


def test_a_file_that_is_missing_or_elsewhere_is_an_error(cases, run, repository):
    repository.endpoint(MANIFEST.replace("cases/payments", "cases/other"))
    assert "cases/other.jsonl" in run("validate").err
    repository.endpoint(MANIFEST.replace("cases/payments", "../payments"))
    assert run("validate").code == 1


def test_a_rate_is_for_cases_alone(repository, run):
    text = MANIFEST.replace("cases: cases/payments.jsonl", "dataframe_records: [{amount: 1}]")
    repository.endpoint(text)
    assert "`pass_rate` works only with `cases`" in run("validate").err


ROLLOUT = """\
rollout:
  steps: [50%]
  analysis: {checks: {repeat: 20}}
"""


def test_a_rollout_is_judged_by_the_cases_each_asked_once(applied, run, repository, workspace):
    applied(GOOD, BAD)
    repository.endpoint((MANIFEST + ROLLOUT).replace('"3"', '"4"'))
    workspace.forget()
    done = run("apply", "-y")
    told = done.out + done.err
    assert "known payments: 1 of 2 cases passed (50 %), at least 75 % required" in told
    asked = [path for _, path in workspace.requests() if path.endswith("/invocations")]
    assert len(asked) == 2
