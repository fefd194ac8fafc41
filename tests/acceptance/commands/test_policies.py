"""Policies on the command line: validate, plan, apply and saved plans, in a copy of the example."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from provisioner.cli import main

EXAMPLE = Path(__file__).parents[3] / "examples" / "policies"
SIZE = """\
policies:
  - name: only small
    message: ask the platform team
    applies_to: {kind: model_serving_endpoints}
    forbid:
      - {path: "config.served_entities[*].workload_size", not_in: [Small]}
"""
QUIET = """\
policies:
  - name: nothing is created
    applies_to: {kind: model_serving_endpoints}
    when: {weekdays: [mon, tue, wed, thu, fri, sat, sun]}
    plan: {forbid: [{action: create}]}
"""


@pytest.fixture
def project(tmp_path):
    ignored = shutil.ignore_patterns(".provisioner")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "project", ignore=ignored))


@pytest.fixture
def run(project, capsys):
    def run(*words):
        capsys.readouterr()
        code = main([*words, "-C", str(project)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def elsewhere(tmp_path):
    """A folder of policies that is not of the project, as a pipeline has it."""
    folder = tmp_path / "pinned"
    folder.mkdir()
    (folder / "size.yaml").write_text(SIZE)
    return folder


def test_each_of_the_twelve_policies_has_a_case_that_passes_and_one_that_fails(run):
    code, out, _ = run("policy", "test", "-o", "json")
    answer = json.loads(out)
    assert code == 0
    assert answer["untested"] == []
    cases = [(case["policy"], case["expect"]) for case in answer["cases"]]
    policies = {policy for policy, _ in cases}
    assert len(policies) == 12
    assert sorted(cases) == sorted((policy, end) for policy in policies for end in ("pass", "fail"))
    failing = [case for case in answer["cases"] if case["expect"] == "fail"]
    assert all(case["violations"][0]["range"]["start"]["line"] > 1 for case in failing)


def test_a_case_that_ends_otherwise_fails_the_command(project, run):
    case = project / "policies/cases/cost-center/fail.yaml"
    case.write_text(case.read_text().replace("value: unknown", "value: CC-1234"))
    code, out, _ = run("policy", "test")
    assert code == 1
    assert "expected fail, but the result is pass" in out


def test_a_policy_without_a_case_is_a_warning_and_an_error_where_cases_are_required(project, run):
    assert run("policy", "test", "--require-cases")[0] == 0
    (project / "policies/size.yaml").write_text(SIZE)
    code, out, err = run("policy", "test")
    assert code == 0
    assert "24 cases: 0 not as expected" in out
    assert "warning[W533]: no case tests the policy `only small`" in err
    assert "policies/size.yaml:2" in err
    code, out, err = run("policy", "test", "--require-cases", "-o", "json")
    answer = json.loads(out)
    assert (code, answer["good"], answer["untested"]) == (1, False, ["only small"])
    assert [each["code"] for each in answer["diagnostics"]] == ["E236"]


VACUOUS = {
    "no resource": "policy: everything has a cost center\nexpect: pass\n",
    "a resource of another kind": """\
policy: everything has a cost center
expect: pass
resources: {secret_scopes: {keys: {name: keys}}}
""",
    "no plan for a rule about plans": """\
policy: a plan creates at most five endpoints
expect: pass
resources: {model_serving_endpoints: {a: {name: a}}}
""",
}


@pytest.mark.parametrize("text", VACUOUS.values(), ids=list(VACUOUS))
def test_a_case_that_asks_the_policy_nothing_fails(project, run, text):
    (project / "policies/cases/nothing.yaml").write_text(text)
    code, out, _ = run("policy", "test")
    assert code == 1
    assert "the policy does not evaluate this case" in out


BUDGET = """\
policies:
  - name: small budget
    applies_to: {kind: model_serving_endpoints}
    plan: {limits: [{capacity: concurrency, at_most: 3}]}
"""


def test_a_limit_of_capacity_stops_plan_and_apply(project, run):
    (project / "policies/budget.yaml").write_text(BUDGET)
    for command in (["plan"], ["apply", "-y"]):
        code, _, err = run(*command, "-e", "dev")
        assert code == 1
        assert "policy `small budget`: after the plan there would be 4 concurrency" in err
        assert "but the maximum is 3" in err


def test_a_limit_is_of_one_sort(project, run):
    limit = "{capacity: concurrency, action: create, at_most: 3}"
    text = BUDGET.replace("{capacity: concurrency, at_most: 3}", limit)
    (project / "policies/budget.yaml").write_text(text)
    code, _, err = run("validate")
    assert code == 1
    assert "policies/budget.yaml:4" in err


def test_a_violation_is_an_error_with_the_place_of_the_value(project, run):
    manifest = project / "manifests/fraud.yaml"
    manifest.write_text(manifest.read_text().replace("value: CC-4711", "value: unknown"))
    code, _, err = run("validate")
    assert code == 1
    line = next(
        n for n, text in enumerate(manifest.read_text().splitlines(), 1) if "unknown" in text
    )
    assert "error[E530]: policy `everything has a cost center`" in err
    assert f"manifests/fraud.yaml:{line}:" in err


def test_a_value_of_an_override_is_blamed_in_its_file(project, run):
    file = project / "environments/dev.yaml"
    file.write_text(file.read_text().replace("workload_size: Small", "workload_size: Large"))
    code, _, err = run("validate")
    assert code == 1
    assert "environments/dev.yaml:7:" in err


def test_policies_from_elsewhere_hold_beside_those_of_the_project(elsewhere, project, run):
    shutil.rmtree(project / "policies")
    code, _, err = run("validate", "-e", "prod", "--policy-dir", str(elsewhere))
    assert code == 1
    assert "only small" in err
    assert "ask the platform team" in err


def test_an_empty_folder_of_policies_is_an_error(tmp_path, run):
    (tmp_path / "empty").mkdir()
    code, _, err = run("validate", "--policy-dir", str(tmp_path / "empty"))
    assert code == 1
    assert "E232" in err


def test_the_digest_pins_the_policies_and_not_their_comments(elsewhere, run):
    _, out, _ = run("policy", "explain", "--policy-dir", str(elsewhere), "-o", "json")
    words = ["--policy-dir", str(elsewhere), "--policy-digest", json.loads(out)["digest"]]
    (elsewhere / "size.yaml").write_text("# a comment\n" + SIZE)
    assert "E233" not in run("validate", *words)[2]
    (elsewhere / "size.yaml").write_text(SIZE.replace("[Small]", "[Small, Medium]"))
    code, _, err = run("validate", *words)
    assert code == 1
    assert "E233" in err


def test_a_plan_shows_violations_and_its_digest_of_policies(elsewhere, run):
    code, out, err = run("plan", "--policy-dir", str(elsewhere), "-o", "json")
    answer = json.loads(out)
    assert code == 1
    assert answer["policies"]["digest"].startswith("sha256:")
    assert answer["policies"]["problems"]["error_count"] == 1
    assert "only small" in err


def test_apply_refuses_before_it_writes(elsewhere, run):
    code, _, err = run("apply", "-y", "--policy-dir", str(elsewhere))
    assert code == 1
    assert "only small" in err
    assert json.loads(run("plan", "-o", "json")[1])["summary"]["create"] == 1


def test_a_saved_plan_is_judged_by_policies_that_came_later(elsewhere, project, run, tmp_path):
    plan = tmp_path / "plan.json"
    assert run("plan", "--out", str(plan))[0] == 0
    (project / "policies/later.yaml").write_text(SIZE)
    code, _, err = run("apply", str(plan))
    assert code == 1
    assert "only small" in err
    assert "1 to create" in run("plan")[1]


def test_a_policy_about_the_time_is_judged_by_plan_and_not_by_validate(project, run):
    (project / "policies/quiet.yaml").write_text(QUIET)
    code, _, err = run("validate")
    assert code == 0
    assert "note[W531]: policy `nothing is created`" in err
    code, _, err = run("plan")
    assert code == 1
    assert "policy `nothing is created`: the plan has `create`" in err
    assert "manifests/fraud.yaml:" in err


def test_a_policy_that_nothing_falls_under_is_a_note(project, run):
    (project / "policies/idle.yaml").write_text(
        SIZE.replace("endpoints}", "endpoints, resources: [x]}")
    )
    code, _, err = run("validate")
    assert code == 0
    assert "note[W532]: policy `only small` matches no resource" in err


def test_reports_have_violations_as_problems(elsewhere, run, tmp_path):
    words = ["validate", "-e", "prod", "--policy-dir", str(elsewhere)]
    names = {"junit": "a.xml", "sarif": "a.sarif", "markdown": "a.md", "html": "a.html"}
    for form, name in names.items():
        words += ["--report", f"{form}={tmp_path / name}"]
    assert run(*words)[0] == 1
    for name in names.values():
        assert "only small" in (tmp_path / name).read_text()
    assert ElementTree.parse(tmp_path / "a.xml").getroot().tag == "testsuites"


def test_a_file_of_policies_is_checked_like_any_other(project, run):
    (project / "policies/bad.yaml").write_text(SIZE.replace("forbid", "forbids"))
    code, _, err = run("validate")
    assert code == 1
    assert "policies/bad.yaml:5:5" in err
    assert "did you mean `forbid`" in err


def test_validate_with_policies_loads_no_library_for_the_workspace(project):
    import subprocess

    script = (
        "import sys; from provisioner.cli import main; main(sys.argv[1:]);"
        "print([n for n in ('pydantic','urllib3','rich','deepdiff','ssl') if n in sys.modules])"
    )
    words = [sys.executable, "-c", script, "validate", "-C", str(project)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_drift_judges_what_is_live_and_not_declared(elsewhere, project, run):
    assert run("apply", "-y")[0] == 0
    (project / "manifests/fraud.yaml").rename(project / "fraud.txt")
    other = (project / "fraud.txt").read_text().replace("fraud", "other").replace("Medium", "Small")
    (project / "manifests/other.yaml").write_text(other)
    assert run("drift")[0] == 0
    code, _, err = run("drift", "--policies", "--policy-dir", str(elsewhere), "-e", "prod")
    assert code == 1
    assert "only small" in err
    assert "model_serving_endpoints.fraud" in err
    # Protection from deletion is of manifests, and a live endpoint does not show it.
    assert "prevent_destroy" not in err
    assert run("drift", "--policies", "--select", "other", "-e", "prod")[0] == 0


def test_drift_as_data_and_for_gitlab_names_the_live_endpoint_of_each_violation(
    elsewhere, project, run, tmp_path
):
    assert run("apply", "-y")[0] == 0
    manifest = project / "manifests/fraud.yaml"
    other = manifest.read_text().replace("fraud", "other").replace("Medium", "Small")
    manifest.write_text(other)
    report = tmp_path / "quality.json"
    options = ("--policies", "--policy-dir", str(elsewhere), "-e", "prod")
    code, out, _ = run("drift", *options, "-o", "json", "--report", f"codequality={report}")
    assert code == 1
    (violation,) = json.loads(out)["policies"]["problems"]["diagnostics"]
    assert violation["code"] == "E530"
    assert violation["subject"] == "model_serving_endpoints.fraud"
    (issue,) = (each for each in json.loads(report.read_text()) if each["check_name"] == "E530")
    assert "model_serving_endpoints.fraud" in issue["description"]
    assert "policies" not in json.loads(run("drift", "-o", "json", "-e", "prod")[1])


CARRYING = ("markdown", "html", "json", "github", "codequality", "azure", "sarif", "junit")


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_each_format_of_reports_carries_a_violation(project, elsewhere, run, tmp_path, command):
    files = {form: tmp_path / f"report-{form}" for form in CARRYING}
    reports = (word for form, file in files.items() for word in ("--report", f"{form}={file}"))
    assert run(command, "-e", "prod", "--policy-dir", str(elsewhere), *reports)[0] == 1
    silent = [form for form, file in files.items() if "only small" not in file.read_text()]
    assert silent == []


ENDED = """\
policies:
  - name: only small
    applies_to: {kind: model_serving_endpoints}
    forbid:
      - {path: "config.served_entities[*].workload_size", in: [Large]}
    exceptions:
      - {address: model_serving_endpoints.fraud, until: 2020-01-31, because: CHG-1}
"""


def test_an_exception_that_has_ended_stops_apply_and_not_destroy(project, run):
    manifest = project / "manifests/fraud.yaml"
    text = manifest.read_text().replace("prevent_destroy: true", "prevent_destroy: false")
    manifest.write_text(text)
    assert run("apply", "-y", "-e", "dev")[0] == 0
    (project / "policies/ended.yaml").write_text(ENDED)
    code, _, err = run("apply", "-y", "-e", "dev")
    assert code == 1
    assert "error[E231]" in err
    code, out, err = run("destroy", "-y", "-e", "dev", "--allow-delete", "all")
    assert code == 0, err
    assert "warning[" in err
    assert "ended on 2020-01-31" in err
    assert "1 deleted" in out


def test_a_saved_plan_keeps_the_digest_of_its_policies_and_is_judged_by_those_of_now(project, run):
    saved = project / "saved.json"
    assert run("plan", "-e", "dev", "--out", str(saved))[0] == 0
    digest = json.loads(run("policy", "explain", "-o", "json")[1])["digest"]
    assert json.loads(saved.read_text())["policies"]["digest"] == digest
    (project / "policies/ended.yaml").write_text(ENDED.replace("2020", "2099"))
    code, _, err = run("apply", "-e", "dev", str(saved), "--policy-digest", digest)
    assert code == 1
    assert "E233" in err
    (project / "policies/ended.yaml").write_text(QUIET)
    code, _, err = run("apply", "-e", "dev", str(saved))
    assert code == 1
    assert "nothing is created" in err
    (project / "policies/ended.yaml").unlink()
    assert run("apply", "-e", "dev", str(saved), "--policy-digest", digest)[0] == 0


REGO = EXAMPLE / "conftest"


def rego_inputs(run):
    """What each example reads, as the command prints it."""
    return {
        "plan.rego": json.loads(run("plan", "-e", "prod", "-o", "json")[1]),
        "render.rego": json.loads(run("render", "-e", "prod", "-o", "json")[1]),
    }


def followed(names, words):
    value, *parts = words.split(".")
    value = names[value]
    for part in parts:
        value = value[part]
    return value


@pytest.mark.parametrize("file", ["plan.rego", "render.rego"])
def test_an_example_for_opa_reads_fields_that_its_input_has(run, file):
    text = (REGO / file).read_text()
    names = {"input": rego_inputs(run)[file]}
    for name, collection in re.findall(r"some (?:\w+, )?(\w+) in ([\w.]+)", text):
        entries = followed(names, collection)
        names[name] = next(iter(entries.values() if isinstance(entries, dict) else entries))
    assert len(names) > 1
    for words in re.findall(rf"\b(?:{'|'.join(names)})(?:\.[a-z_]+)+", text):
        followed(names, words)


def conftest(tmp_path, data):
    (tmp_path / "input.json").write_text(json.dumps(data))
    words = ["conftest", "test", "--policy", str(REGO), str(tmp_path / "input.json")]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which("conftest") is None, reason="needs conftest")
def test_the_examples_for_opa_deny_what_they_say(run, tmp_path):
    inputs = rego_inputs(run)
    for data in inputs.values():
        done = conftest(tmp_path, data)
        assert done.returncode == 0, done.stdout
    plan, rendered = inputs["plan.rego"], inputs["render.rego"]
    plan["protected"], plan["steps"][0]["action"] = True, "delete"
    assert "delete in a protected environment" in conftest(tmp_path, plan).stdout
    endpoint = rendered["resources"]["model_serving_endpoints"]["fraud"]
    endpoint["config"]["served_entities"][0]["workload_size"] = "Large"
    endpoint["tags"] = []
    denied = conftest(tmp_path, rendered)
    assert denied.returncode == 1
    assert "fraud: the served entity champion has the size Large" in denied.stdout
    assert "fraud: the tag cost_center is missing" in denied.stdout


def test_a_redeployment_is_judged_like_every_other_update(project, run):
    assert run("apply", "-y", "-e", "dev")[0] == 0
    (project / "policies/quiet.yaml").write_text(QUIET.replace("create", "update"))
    words = ["apply", "-y", "-e", "dev"]
    assert run(*words)[0] == 0
    code, _, err = run(*words, "--redeploy", "model_serving_endpoints.fraud")
    assert code == 1
    assert "policy `nothing is updated`: the plan has `update`" in err


def test_destroy_is_judged_by_rules_about_plans(project, run):
    manifest = project / "manifests/fraud.yaml"
    text = manifest.read_text().replace("prevent_destroy: true", "prevent_destroy: false")
    manifest.write_text(text)
    assert run("apply", "-y", "-e", "dev")[0] == 0
    (project / "policies/quiet.yaml").write_text(QUIET.replace("create", "delete"))
    code, _, err = run("destroy", "-y", "-e", "dev", "--allow-delete", "all")
    assert code == 1
    assert "the plan has `delete`, which is forbidden" in err
