"""history: who released what, from release files and a real git repository."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

HEAD = "workspace: {host: https://dev.example.test}\nreleased: [fraud_version, router_version]\n"
MANIFEST = """
resources:
  model_serving_endpoints:
    fraud:
      name: fraud-scores
      config:
        served_entities:
          - name: champion
            entity_name: main.models.fraud
            entity_version: ${var.fraud_version}
            workload_size: Small
            scale_to_zero_enabled: true
"""
FILE = "environments/releases/dev.yaml"
FRAUD = 'fraud_version: {value: "1", alias: main.models.fraud@champion, at: 2026-11-18T10:00:00Z}\n'
FRAUD_2 = (
    'fraud_version: {value: "2", previous: "1", from: staging, commit: 3fa81c2, '
    'at: 2026-11-19T10:00:00Z, verified: "3 checks"}\n'
)
FRAUD_BACK = (
    'fraud_version: {value: "1", rolled_back: "2", at: 2026-11-20T10:00:00Z, rejected: ["2"]}\n'
)
ROUTER = '\nrouter_version: {value: "7", at: 2026-11-18T12:00:00Z}\n'


@pytest.fixture
def git(repository, monkeypatch):
    """Run git in the user's repository, which has a project with released variables."""
    who = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "Ada\x1b[31m Example",
        "GIT_AUTHOR_EMAIL": "ada@example.test",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.test",
    }
    for name, value in who.items():
        monkeypatch.setenv(name, value)
    repository.write("environments/dev.yaml", HEAD)
    repository.write("manifests/fraud.yaml", MANIFEST)

    def call(*words):
        subprocess.run(["git", *words], cwd=repository.root, check=True, capture_output=True)

    call("init", "-q", "-b", "main")
    return call


def commit(git, repository, content, subject):
    repository.write(FILE, content)
    git("add", "-A")
    git("commit", "-qm", subject)


@pytest.fixture
def committed(git, repository):
    commit(git, repository, FRAUD, "Pin the first version")
    commit(git, repository, FRAUD + ROUTER, "Release the router")
    commit(git, repository, FRAUD_2 + ROUTER, "Release version 2")
    return git


def test_newest_first_with_author_commit_and_subject(run, committed, repository):
    repository.write(FILE, FRAUD_BACK + ROUTER)
    done = run("history", "fraud")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "fraud_version"
    assert lines[1] == "2026-11-20 10:00  dev  2 → 1  rolled back"
    assert lines[2] == "    rejects 2"
    assert lines[3] == "    not committed"
    assert lines[4] == "2026-11-19 10:00  dev  1 → 2  from staging"
    assert lines[5] == "    project at 3fa81c2, verified: 3 checks"
    assert lines[6].endswith("Example: Release version 2")
    assert lines[7] == "2026-11-18 10:00  dev  1  pinned, main.models.fraud@champion"
    assert lines[8].endswith("Example: Pin the first version")
    assert len(lines) == 9
    assert "\x1b" not in done.out


def test_without_a_name_all_released_variables_are_shown(run, committed):
    lines = run("history").out.splitlines()
    assert [line for line in lines if line.endswith("_version")] == [
        "fraud_version",
        "router_version",
    ]
    answer = run("history", "-e", "dev", "-o", "json").json
    names = [variable["name"] for variable in answer["variables"]]
    assert names == ["fraud_version", "router_version"]


def test_as_json_with_facts_of_the_file_and_of_git(run, committed):
    found = run("history", "fraud_version", "-o", "json").json
    assert (found["git"], found["shallow"]) == (True, False)
    (variable,) = found["variables"]
    newest, oldest = variable["events"]
    assert newest["value"] == "2"
    assert (newest["before"], newest["from"], newest["verified"]) == ("1", "staging", "3 checks")
    assert newest["subject"] == "Release version 2"
    assert len(newest["commit"]) == 40
    assert oldest["alias"] == "main.models.fraud@champion"


def test_without_git_the_file_tells_what_it_can(run, committed, repository):
    shutil.rmtree(repository.root / ".git")
    done = run("history", "fraud")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "fraud_version",
        "2026-11-19 10:00  dev  1 → 2  from staging",
        "    project at 3fa81c2, verified: 3 checks",
        "earlier           dev  1",
    ]
    assert "note: git has no release file here" in done.err


def test_a_merge_of_two_teams_is_nobodys_release(run, git, repository):
    commit(git, repository, FRAUD + ROUTER, "Both")
    git("checkout", "-qb", "team")
    commit(git, repository, FRAUD + ROUTER.replace("7", "8"), "Router 8")
    git("checkout", "-q", "main")
    commit(git, repository, FRAUD_2 + ROUTER, "Fraud 2")
    git("merge", "-q", "team", "-m", "Merge the team's branch")
    for name, subjects in (
        ("fraud_version", {"Fraud 2", "Both"}),
        ("router_version", {"Router 8", "Both"}),
    ):
        (variable,) = run("history", name, "-o", "json").json["variables"]
        said = [one["subject"] for one in variable["events"]]
        assert (len(said), set(said)) == (2, subjects)


def test_a_project_in_a_folder_of_a_larger_repository(run, repository, git):
    inner = repository.root / "serving"
    inner.mkdir()
    for name in ("provisioner.yaml", "environments", "manifests"):
        (repository.root / name).rename(inner / name)
    (inner / FILE).parent.mkdir()
    (inner / FILE).write_text(FRAUD)
    git("add", "-A")
    git("commit", "-qm", "Pin")
    done = run("history", "fraud_version", "-C", str(inner), "-o", "json")
    (variable,) = done.json["variables"]
    assert [one["subject"] for one in variable["events"]] == ["Pin"]


def test_a_shallow_clone_says_so(run, committed, repository, tmp_path):
    clone = tmp_path / "clone"
    source = f"file://{repository.root}"
    committed("clone", "-q", "--depth", "1", source, str(clone))
    done = run("history", "fraud_version", "-C", str(clone))
    assert done.code == 0, done.err
    assert "this clone is shallow" in done.err
    assert "1 → 2" in done.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["nothing"], "E711", id="a typo"),
        pytest.param(["fraud", "-e", "other"], "E720", id="an environment that releases nothing"),
    ],
)
def test_what_is_no_history(run, committed, words, code):
    done = run("history", *words)
    assert done.code == 1
    assert f"error[{code}]" in done.err


def test_a_line_of_the_past_that_cannot_be_read_hides_no_other(run, git, repository):
    commit(git, repository, FRAUD, "Good")
    commit(git, repository, "fraud_version: {value: [}\n", "Broken")
    commit(git, repository, FRAUD_2, "Mended")
    (variable,) = run("history", "fraud_version", "-o", "json").json["variables"]
    assert {one["subject"] for one in variable["events"]} >= {"Good", "Mended"}
