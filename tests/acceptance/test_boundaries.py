"""Boundaries between teams that share a repository."""

from __future__ import annotations

from typing import NamedTuple

import pytest

PROJECT = """project: shop
boundaries:
  manifests/**: {}
  manifests/risk/**:
    names: [risk-*]
    secret_scopes: [risk_*]
    catalogs: [risk, "risk_*"]
    groups: [risk-*, users]
"""
ENDPOINT = """resources:
  model_serving_endpoints:
    scores:
      name: risk-scores
      config:
        served_entities:
          - name: champion
            entity_name: risk.models.scores
            entity_version: "3"
            workload_size: Small
            scale_to_zero_enabled: true
            environment_vars: {KEY: "{{secrets/risk_keys/a}}"}
      permissions:
        - {level: CAN_QUERY, group_name: users}
"""
SCOPE = """resources:
  secret_scopes:
    keys:
      name: risk_keys
      secrets: {a: {from_env: A}}
      acls: [{principal: risk-a, permission: READ}]
"""


@pytest.fixture
def shared(repository, workspace):
    """A repository with boundaries; the team's endpoint is what is given."""

    def write(endpoint: str = ENDPOINT, environment: str = "", scope: str = SCOPE) -> None:
        repository.write("provisioner.yaml", PROJECT)
        head = f"workspace: {{host: {workspace.server.url}}}\n"
        repository.write("environments/dev.yaml", head + environment)
        repository.write("manifests/risk/scores.yaml", endpoint)
        repository.write("manifests/risk/keys.yaml", scope)

    return write


def found(done):
    return [
        (
            one["code"],
            f"{one['range']['filename']}:{one['range']['start']['line']}",
            one["summary"].split(" is ")[0],
            one["detail"],
        )
        for one in done.json["diagnostics"]
    ]


def test_what_is_within_its_bounds_is_good(run, shared):
    shared()
    assert run("validate").code == 0


def test_boundaries_are_explained_and_part_of_the_digest(run, shared, repository):
    shared()
    done = run("policy", "explain", "-o", "json")
    assert done.code == 0, done.out
    answer = done.json
    _, risk = answer["policies"]
    assert (risk["name"], risk["where"]) == ("manifests/risk/**", "provisioner.yaml:4")
    assert risk["boundaries"]["names"] == ["risk-*"]
    assert "model_serving_endpoints.scores" in risk["matches"]["dev"]
    assert "0 policies, 2 boundaries, digest sha256:" in run("policy", "explain").out
    pinned = ("validate", "--policy-digest", answer["digest"])
    assert run(*pinned).code == 0
    # Neither a weaker boundary nor a missing one passes with the digest of the old one.
    for text in (PROJECT.replace("names: [risk-*]", "names: ['*']"), "project: shop\n"):
        repository.write("provisioner.yaml", text)
        refused = run(*pinned)
        assert refused.code == 1
        assert "E233" in refused.err


def test_the_digest_of_a_pipelines_folder_is_of_this_folder_alone(run, shared, repository):
    shared()
    repository.write(
        "pinned/all.yaml", "policies: [{name: a, plan: {forbid: [{action: delete}]}}]\n"
    )
    explained = ("policy", "explain", "--policy-dir", str(repository.root / "pinned"), "-o", "json")
    before = run(*explained).json["digest"]
    repository.write("provisioner.yaml", "project: shop\n")
    assert run(*explained).json["digest"] == before


FILE = "manifests/risk/scores.yaml"


class Case(NamedTuple):
    """A manifest in which ``old`` became ``new``: what is wrong, and in which lines."""

    old: str
    new: str
    line: int
    what: str
    boundary: int


OUT = [
    pytest.param(Case("name: risk-scores", "name: chat", 4, "the name `chat`", 5), id="a name"),
    pytest.param(Case("risk.models", "main.x", 8, "the catalog `main`", 7), id="of a model"),
    pytest.param(Case("name: users", "name: all", 14, "the group `all`", 8), id="a group"),
    pytest.param(
        Case("secrets/risk_keys/a", "secrets/fraud/a", 12, "the secret scope `fraud`", 6),
        id="a scope that is referred to",
    ),
    pytest.param(
        Case(
            "scale_to_zero_enabled: true",
            'scale_to_zero_enabled: true\n            raw: {new: "{{secrets/fraud/a}}"}',
            12,
            "the secret scope `fraud`",
            6,
        ),
        id="a scope in what is sent raw",
    ),
    pytest.param(
        Case(
            "      permissions:",
            "      ai_gateway: {inference_table_config: {enabled: true, catalog_name: main, "
            "schema_name: x}}\n      permissions:",
            13,
            "the catalog `main`",
            7,
        ),
        id="the catalog of an inference table",
    ),
    pytest.param(
        Case(
            "      permissions:",
            "      telemetry_config: {table_names: {logs_table: main.x.y}}\n      permissions:",
            13,
            "the catalog `main`",
            7,
        ),
        id="the catalog of a telemetry table",
    ),
]


@pytest.mark.parametrize("case", OUT)
def test_what_is_out_of_bounds_is_told_where_it_stands(run, shared, case):
    shared(ENDPOINT.replace(case.old, case.new))
    done = run("validate", "-o", "json")
    (only,) = found(done)
    assert only[:3] == ("E222", f"{FILE}:{case.line}", case.what)
    assert only[3].startswith(f"provisioner.yaml:{case.boundary} allows `risk")


def test_a_scope_of_another_team_cannot_be_declared(run, shared):
    shared(scope=SCOPE.replace("risk_keys", "fraud").replace("risk-a", "admins"))
    names = [one[2] for one in found(run("validate", "-o", "json"))]
    assert names == ["the secret scope `fraud`", "the group `admins`"]


def test_a_login_in_an_acl_is_no_group(run, shared):
    shared(scope=SCOPE.replace("risk-a", "somebody@example.test"))
    assert run("validate").code == 0


OVER = "overrides: {model_serving_endpoints: {scores: {name: chat}}}\n"


def test_an_override_out_of_bounds_is_blamed_where_it_is_written(run, shared):
    shared(environment=OVER)
    done = run("plan")
    assert done.code == 1
    assert "environments/dev.yaml:2:54" in done.err
    assert "= hint: provisioner.yaml:5 allows `risk-*`" in done.err


def test_a_variable_is_no_way_around(run, shared):
    shared(ENDPOINT.replace("risk.models", "${var.catalog}.models"), "variables: {catalog: main}\n")
    (only,) = found(run("validate", "-o", "json"))
    assert only[1:3] == (f"{FILE}:8", "the catalog `main`")


@pytest.mark.parametrize("prefix", ["dev-", "risk-"])
def test_the_prefix_of_an_environment_may_stand_before_a_name(run, shared, prefix):
    shared(environment=f"name_prefix: {prefix}\n")
    assert run("validate").code == 0


def test_nobody_removes_what_is_another_teams(run, shared):
    entry = "removed:\n  model_serving_endpoints:\n    old: {name: fraud-old, delete: true}\n"
    shared(entry + ENDPOINT)
    (only,) = found(run("validate", "-o", "json"))
    assert only[:3] == ("E222", f"{FILE}:3", "the name `fraud-old`")
    shared(entry.replace("fraud", "risk") + ENDPOINT)
    assert run("validate").code == 0


def test_a_manifest_below_no_boundary_is_refused(run, repository, shared):
    shared()
    repository.write("provisioner.yaml", PROJECT.replace("  manifests/**: {}\n", ""))
    repository.write("manifests/other.yaml", ENDPOINT.replace("scores", "other"))
    done = run("validate")
    assert "error[E223]: `manifests/other.yaml` matches no pattern in `boundaries`" in done.err
    assert '`"manifests/**": {}` allows everything there' in done.err


def test_all_boundaries_around_a_manifest_hold(run, repository, shared):
    shared()
    stricter = PROJECT.replace("manifests/**: {}", "manifests/**: {groups: [admins]}")
    repository.write("provisioner.yaml", stricter)
    assert [one[2] for one in found(run("validate", "-o", "json"))] == [
        "the group `risk-a`",
        "the group `users`",
    ]


def test_an_empty_list_allows_nothing(run, repository, shared):
    shared()
    nothing = PROJECT.replace("groups: [risk-*, users]", "groups: []")
    repository.write("provisioner.yaml", nothing)
    assert "provisioner.yaml:8 allows nothing" in run("validate").err


def test_a_typo_in_a_boundary_is_no_open_door(run, repository, shared):
    shared()
    repository.write("provisioner.yaml", PROJECT.replace("catalogs", "catalog"))
    done = run("validate")
    assert done.code == 1
    assert "did you mean `catalogs`?" in done.err


def test_a_saved_plan_is_judged_by_boundaries_that_came_later(
    run, repository, shared, workspace, monkeypatch
):
    monkeypatch.setenv("A", "secret")
    shared()
    saved = repository.root / "saved.json"
    assert run("plan", "--out", str(saved)).code == 0
    workspace.forget()
    repository.write("provisioner.yaml", PROJECT.replace("names: [risk-*]", "names: [fraud-*]"))
    for words in (["apply", str(saved)], ["apply", "-y"]):
        done = run(*words)
        assert done.code == 1
        assert "error[E222]: the name `risk-scores` is outside the boundaries" in done.err
    assert workspace.writes() == []


def test_other_problems_of_a_file_are_reported_beside_a_boundary(run, shared):
    wrong = ENDPOINT.replace("group_name: users", "group_name: all")
    shared(wrong, scope=SCOPE.replace("permission: READ", "permission: RAED"))
    codes = sorted(one["code"] for one in run("validate", "-o", "json").json["diagnostics"])
    assert codes == ["E107", "E222"]
