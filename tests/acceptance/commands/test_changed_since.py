"""``plan --changed-since``: what a change of the files touches, in every environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli import main
from tests.acceptance.commands.test_apply import SCOPE, SIMPLE
from tests.acceptance.conftest import TOKEN

CHAT = "model_serving_endpoints.chat"
HELP = "model_serving_endpoints.help"
OTHER = "resources:\n  model_serving_endpoints:\n    help:\n" + "\n".join(
    f"      {line}" for line in SIMPLE.replace("name: chat", "name: help").strip().splitlines()
)


class Team:
    """A repository with the environments dev and prod, both applied from its first commit."""

    def __init__(self, shop: Any, workspace: Any, capsys: Any) -> None:
        self.shop, self.workspace, self.capsys = shop, workspace, capsys

    @property
    def root(self) -> Path:
        return Path(self.shop.root)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "-q", "-m", "work")

    def call(self, *words: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = main([words[0], "-C", str(self.root), *words[1:]])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def plan(self, *words: str, since: str = "main") -> Any:
        """The answer as JSON."""
        code, out, err = self.call("plan", "--changed-since", since, "-o", "json", *words)
        assert code == 0, err
        return json.loads(out)

    def steps(self, *words: str) -> dict[str, dict[str, str]]:
        """By environment the action for each address."""
        return {
            plan["environment"]: {step["address"]: step["action"] for step in plan["steps"]}
            for plan in self.plan(*words)["plans"]
        }


@pytest.fixture
def team(repository, workspace, capsys, monkeypatch):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "shop")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "shop@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    made = Team(repository, workspace, capsys)
    repository.write("manifests/scope.yaml", SCOPE)
    repository.write("manifests/help.yaml", OTHER.replace("CALLS", "5"))
    repository.endpoint(SIMPLE.replace("CALLS", "10"))
    dev = (made.root / "environments/dev.yaml").read_text()
    repository.write("environments/prod.yaml", dev + "name_prefix: prod-\n")
    made.git("init", "-q", "-b", "main")
    made.commit()
    for name in ("dev", "prod"):
        assert made.call("apply", "-e", name, "-y")[0] == 0
    made.git("checkout", "-q", "-b", "feature")
    return made


def touch(team: Team, calls: int = 20) -> None:
    team.shop.endpoint(SIMPLE.replace("CALLS", str(calls)))


def test_what_a_manifest_changes_is_planned_in_every_environment_and_nothing_else(team):
    touch(team)
    assert team.steps() == {"dev": {CHAT: "update"}, "prod": {CHAT: "update"}}
    team.commit()
    assert team.steps() == {"dev": {CHAT: "update"}, "prod": {CHAT: "update"}}
    assert team.steps("-e", "prod") == {"prod": {CHAT: "update"}}


def test_environments_come_in_the_order_of_promotion(team):
    # `acceptance` comes first in the alphabet, and last in the order of promotion.
    prod = (team.root / "environments/prod.yaml").read_text().replace("prod-", "acc-")
    team.shop.write("environments/acceptance.yaml", prod + "promotes_from: prod\n")
    file = team.root / "environments/prod.yaml"
    file.write_text(file.read_text() + "promotes_from: dev\n")
    touch(team)
    planned = [plan["environment"] for plan in team.plan()["plans"]]
    assert planned == ["dev", "prod", "acceptance"]


def test_what_an_environment_overrides_is_planned_there_alone(team):
    over = "overrides: {model_serving_endpoints: {help: {tags: [{key: a, value: b}]}}}\n"
    file = team.root / "environments/prod.yaml"
    file.write_text(file.read_text() + over)
    assert team.steps() == {"prod": {HELP: "update"}}


def test_what_only_looks_otherwise_touches_nothing(team):
    text = (team.root / "manifests/endpoint.yaml").read_text()
    team.shop.write("manifests/endpoint.yaml", f"# why\n{text}")
    team.shop.write("manifests/more.yaml", (team.root / "manifests/help.yaml").read_text())
    (team.root / "manifests/help.yaml").unlink()
    assert team.steps() == {}
    code, out, _ = team.call("plan", "--changed-since", "main", "--detailed-exitcode")
    assert code == 0
    assert out.startswith("No declared resource changed since main (")


def test_what_others_merged_since_is_not_taken_for_this_change(team):
    touch(team)
    team.commit()
    team.git("checkout", "-q", "main")
    team.shop.write("manifests/help.yaml", OTHER.replace("CALLS", "99"))
    team.commit()
    team.git("checkout", "-q", "feature")
    assert team.steps("-e", "dev") == {"dev": {CHAT: "update"}}


def test_added_removed_and_renamed_resources_are_planned(team):
    (team.root / "manifests/help.yaml").unlink()
    team.shop.endpoint(SIMPLE.replace("CALLS", "10").replace("name: chat", "name: talk"))
    assert team.steps("-e", "dev") == {
        "dev": {
            CHAT: "create",
            "model_serving_endpoints.help": "orphan",
            "model_serving_endpoints.chat@orphan": "orphan",
        }
    }
    pruned = team.steps("-e", "dev", "--prune")["dev"]
    assert sorted(pruned.values()) == ["create", "delete", "delete"]


def test_another_key_for_the_same_endpoint_touches_nothing(team):
    text = (team.root / "manifests/help.yaml").read_text()
    team.shop.write("manifests/help.yaml", text.replace("    help:", "    helper:"))
    assert team.steps() == {}


def test_a_project_below_the_top_of_the_repository_is_compared_there(team):
    inner = team.root / "serving"
    inner.mkdir()
    for name in ("provisioner.yaml", "environments", "manifests"):
        (team.root / name).rename(inner / name)
    team.commit()
    file = inner / "manifests/endpoint.yaml"
    file.write_text(file.read_text().replace("calls: 10", "calls: 20"))
    team.capsys.readouterr()
    words = ["-C", str(inner), "-e", "dev", "-o", "json", "--changed-since", "HEAD"]
    assert main(["plan", *words]) == 0
    (plan,) = json.loads(team.capsys.readouterr().out)["plans"]
    assert [step["address"] for step in plan["steps"]] == [CHAT]


def test_a_removal_is_planned_and_orphans_of_before_are_not(team):
    assert team.call("apply", "-e", "dev", "-y")[0] == 0
    body = {
        "name": "old",
        "tags": [
            {"key": "provisioner_project", "value": "shop"},
            {"key": "provisioner_environment", "value": "dev"},
        ],
    }
    team.workspace.call("POST", "/api/2.0/serving-endpoints", body)
    (team.root / "manifests/help.yaml").unlink()
    removed = "removed: {model_serving_endpoints: {help: {name: help, delete: true}}}\n"
    team.shop.write("manifests/removed.yaml", removed)
    assert team.steps("-e", "dev") == {"dev": {HELP: "delete"}}


class TestDrift:
    @pytest.fixture
    def drifted(self, team):
        """Somebody put a tag on the endpoint whose rate limit the change raises."""
        path = "/api/2.0/serving-endpoints/chat/tags"
        team.workspace.call("PATCH", path, {"add_tags": [{"key": "by", "value": "hand"}]})
        touch(team)
        return team

    def test_is_marked_where_the_change_did_not_make_the_difference(self, drifted):
        (plan,) = drifted.plan("-e", "dev")["plans"]
        changes = [each for each in plan["steps"][0]["changes"] if each["action"] != "keep"]
        marked = {change["path"]: change.get("drift") for change in changes}
        assert marked == {"ai_gateway.rate_limits[user].calls": None, "tags[by]": True}
        (prod,) = drifted.plan("-e", "prod")["plans"]
        assert not any("drift" in change for change in prod["steps"][0]["changes"])

    def test_is_told_in_text_and_in_reports(self, drifted, tmp_path):
        out = tmp_path / "out"
        words = ["--report", f"markdown={out}.md", "--report", f"html={out}.html"]
        code, text, err = drifted.call("plan", "--changed-since", "main", "-e", "dev", *words)
        assert code == 0, err
        assert "(removed)  (drift)" in text
        assert text.endswith("\nDrift: 1 difference not caused by the change\n")
        assert "(drift)" in Path(f"{out}.md").read_text()
        assert "; Drift: 1 difference not caused by the change" in Path(f"{out}.md").read_text()
        assert '<span class="why">drift</span>' in Path(f"{out}.html").read_text()

    def test_is_not_what_a_resource_differs_in_that_is_new(self, team):
        (team.root / "manifests/help.yaml").unlink()
        team.git("add", ".")
        team.git("commit", "-q", "-m", "without help")
        team.shop.write("manifests/help.yaml", OTHER.replace("CALLS", "7"))
        (plan,) = team.plan("-e", "dev", since="HEAD")["plans"]
        assert plan["steps"][0]["action"] == "update"
        assert not any("drift" in change for change in plan["steps"][0]["changes"])

    def test_is_in_a_saved_plan_which_is_applied(self, drifted, tmp_path):
        path = tmp_path / "plan.json"
        drifted.plan("-e", "dev", "--out", str(path))
        assert "(drift)" in shown(drifted, path)
        code, _, err = drifted.call("apply", "-e", "dev", str(path))
        assert code == 0, err
        names = [tag["key"] for tag in drifted.workspace.endpoint("chat")["tags"]]
        assert "by" not in names


def shown(team: Team, path: Path) -> str:
    team.capsys.readouterr()
    assert main(["show", str(path)]) == 0
    return str(team.capsys.readouterr().out)


class TestWhereTheEarlierSideCannotBeCompared:
    def test_everything_is_planned_with_a_note(self, team):
        text = (team.root / "manifests/endpoint.yaml").read_text()
        team.shop.write("manifests/endpoint.yaml", text.replace("name: chat", "nmae: chat"))
        team.commit()
        team.shop.write("manifests/endpoint.yaml", text)
        code, out, err = team.call("plan", "--changed-since", "HEAD", "-e", "dev")
        assert code == 0
        assert "note[W516]: everything in dev is planned: at `HEAD` (" in err
        assert "unknown field `nmae`" in err
        assert "3 unchanged" in out

    def test_a_new_environment_is_planned_as_a_whole(self, team):
        dev = (team.root / "environments/dev.yaml").read_text()
        team.shop.write("environments/stage.yaml", dev + "name_prefix: stage-\n")
        answer = team.plan()
        assert [plan["environment"] for plan in answer["plans"]] == ["stage"]
        assert answer["notes"][0]["code"] == "W516"
        assert "the environment did not exist yet" in answer["notes"][0]["summary"]

    def test_an_environment_that_is_gone_is_told(self, team):
        (team.root / "environments/prod.yaml").unlink()
        answer = team.plan()
        assert answer["plans"] == []
        assert answer["notes"][0]["code"] == "W517"

    def test_a_project_that_was_not_there_yet_is_planned_as_a_whole(self, team):
        team.git("checkout", "-q", "--orphan", "bare")
        team.git("rm", "-q", "-r", "--cached", ".")
        team.git("commit", "-q", "--allow-empty", "-m", "empty")
        assert set(team.plan(since="HEAD")["plans"][0]["summary"]) >= {"keep"}
        assert len(team.plan(since="HEAD")["plans"]) == 2

    def test_a_commit_that_is_not_here(self, team):
        for ref in ("mian", "0" * 40, "--all"):
            code, _, err = team.call("plan", f"--changed-since={ref}")
            assert code == 1
            assert f"error[E523]: --changed-since: this clone has no commit `{ref}`" in err

    def test_a_shallow_clone_names_what_the_checkout_must_do(self, team, tmp_path_factory):
        touch(team)
        team.commit()
        team.git("checkout", "-q", "main")
        touch(team, 30)
        team.commit()
        clone = tmp_path_factory.mktemp("ci") / "clone"
        words = ["git", "clone", "-q", "--depth=1", "--no-single-branch", f"file://{team.root}"]
        subprocess.run([*words, str(clone)], check=True)
        team.capsys.readouterr()
        code = main(["plan", "-C", str(clone), "--changed-since", "origin/feature"])
        err = team.capsys.readouterr().err
        assert code == 1
        assert "error[E524]: --changed-since: this clone is shallow" in err
        assert "fetch-depth: 0" in err

    def test_a_branch_that_only_the_remote_has_is_found(self, team, tmp_path_factory):
        touch(team)
        team.commit()
        clone = tmp_path_factory.mktemp("ci") / "clone"
        subprocess.run(["git", "clone", "-q", str(team.root), str(clone)], check=True)
        subprocess.run(["git", "-C", str(clone), "checkout", "-q", "--detach"], check=True)
        subprocess.run(["git", "-C", str(clone), "branch", "-q", "-D", "feature"], check=True)
        team.capsys.readouterr()
        assert main(["plan", "-C", str(clone), "-e", "dev", "--changed-since", "main"]) == 0
        assert "Changed since main (" in team.capsys.readouterr().out


def test_files_that_an_archive_would_leave_out_are_compared(team):
    team.shop.write(".gitattributes", "manifests/help.yaml export-ignore\n")
    team.commit()
    touch(team)
    assert team.steps("-e", "dev") == {"dev": {CHAT: "update"}}


def test_variables_of_the_process_count_on_both_sides(team, monkeypatch):
    monkeypatch.setenv("TEAM", "shop")
    for name in ("dev", "prod"):
        file = team.root / f"environments/{name}.yaml"
        file.write_text(file.read_text() + "variables: {team: '${env.TEAM}', limit: 3}\n")
    team.shop.endpoint(SIMPLE.replace("CALLS", "10").replace("value: shop", 'value: "${var.team}"'))
    text = OTHER.replace("CALLS", "'${var.limit}'")
    team.shop.write("manifests/help.yaml", text)
    team.commit()
    team.git("branch", "-q", "-f", "main")
    touch(team)
    text = (team.root / "manifests/endpoint.yaml").read_text()
    team.shop.write("manifests/endpoint.yaml", text.replace("value: shop", 'value: "${var.team}"'))
    (plan,) = team.plan("-e", "dev", "--var", "limit=9")["plans"]
    assert [step["address"] for step in plan["steps"]] == [CHAT]


class TestReports:
    def test_markdown_has_a_section_for_each_environment(self, team, tmp_path):
        touch(team)
        path = tmp_path / "comment.md"
        words = ["--changed-since", "main", "--report", f"markdown={path}"]
        assert team.call("plan", *words)[0] == 0
        text = path.read_text()
        assert text.startswith("<!-- provisioner:shop -->\n## Changes since `main`\n")
        assert "2 environments touched: dev, prod. Plan: 0 to create, 2 to update" in text
        assert text.count("<!-- provisioner:") == 1
        assert text.index("## Plan for `shop/dev`") < text.index("## Plan for `shop/prod`")
        assert "provisioner apply -e prod --select model_serving_endpoints.chat" in text
        assert "--expect-plan-digest" not in text

    def test_markdown_stays_within_its_limit(self, team, tmp_path):
        many = "resources:\n  model_serving_endpoints:\n" + "".join(
            f"    many{n}: {{name: many-{n}, tags: [{{key: a, value: {'b' * 60}}}], config: "
            "{served_entities: [{name: e, external_model: {name: gpt-4o, provider: openai, task: "
            "llm/v1/chat, openai_config: {openai_api_key: '{{secrets/keys/openai}}'}}}]}}\n"
            for n in range(150)
        )
        team.shop.write("manifests/many.yaml", many)
        path = tmp_path / "comment.md"
        words = ["--changed-since", "main", "--report", f"markdown={path}", "-q"]
        assert team.call("plan", *words)[0] == 0
        assert len(path.read_bytes()) <= 60_000
        assert "## Plan for `shop/prod`" in path.read_text()

    def test_json_holds_them_all(self, team, tmp_path):
        touch(team)
        path = tmp_path / "report.json"
        words = ["--changed-since", "main", "--report", f"json={path}"]
        assert team.call("plan", *words)[0] == 0
        report = json.loads(path.read_text())
        assert report["changed_since"] == "main"
        assert [each["environment"] for each in report["reports"]] == ["dev", "prod"]

    def test_that_hold_one_environment_are_refused_before_anything_is_read(self, team):
        team.workspace.forget()
        code, _, err = team.call("plan", "--changed-since", "main", "--report", "junit=x")
        assert code == 1
        assert "error[E527]: `junit` can contain the plan of one environment only" in err
        assert team.workspace.requests() == []

    def test_a_step_of_github_gets_all_of_them(self, team, tmp_path, monkeypatch):
        (team.root / "manifests/help.yaml").unlink()
        summary, outputs = tmp_path / "summary.md", tmp_path / "outputs"
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
        words = ["--changed-since", "main", "--prune", "--report", f"auto={tmp_path}/made"]
        code, _, err = team.call("plan", *words)
        assert code == 0, err
        assert "## Plan for `shop/prod`" in summary.read_text()
        lines = outputs.read_text().splitlines()
        assert lines[lines.index("dev,prod") - 1].startswith("environments<<")
        deleted = next(at for at, line in enumerate(lines) if line.startswith("delete<<"))
        assert lines[deleted + 1] == "2"
        assert err.count("::warning ") == 2
        names = sorted(path.name for path in (tmp_path / "made").iterdir())
        assert names == ["plan.json", "plan.md"]

    def test_what_gitlab_counts_is_the_sum(self, team, tmp_path):
        touch(team)
        path = tmp_path / "terraform.json"
        words = ["--changed-since", "main", "--report", f"gitlab-terraform={path}"]
        assert team.call("plan", *words)[0] == 0
        assert json.loads(path.read_text()) == {"create": 0, "update": 2, "delete": 0}

    def test_nothing_touched_is_a_comment_too(self, team, tmp_path):
        path = tmp_path / "comment.md"
        assert team.call("plan", "--changed-since", "main", "--report", f"markdown={path}")[0] == 0
        assert "**No declared resource changed**" in path.read_text()


class TestAnEnvironmentThatCannotBePlanned:
    @pytest.fixture
    def out_of_reach(self, team, tmp_path_factory, monkeypatch):
        """The change touches dev and prod, and nobody answers at the workspace of prod."""
        logins = tmp_path_factory.mktemp("home") / "databrickscfg"
        hosts = {"dev": team.workspace.server.url, "prod": "http://127.0.0.1:9"}
        logins.write_text(
            "".join(f"[{name}]\nhost = {host}\ntoken = {TOKEN}\n" for name, host in hosts.items())
        )
        monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(logins))
        monkeypatch.delenv("DATABRICKS_TOKEN")
        file = team.root / "environments/prod.yaml"
        file.write_text(file.read_text().replace(hosts["dev"], hosts["prod"]))
        touch(team)
        return team

    def test_does_not_hide_the_plans_of_the_others(self, out_of_reach):
        code, out, err = out_of_reach.call("plan", "--changed-since", "main")
        assert code == 1
        assert "~ update  model_serving_endpoints.chat" in out
        assert ": dev, prod\nPlan: 0 to create, 1 to update" in out
        assert out.endswith("\nNot planned, see the errors: prod\n")
        assert "error[E408]" in err
        assert "(environment prod)" in err

    def test_is_told_in_json_and_in_reports(self, out_of_reach, tmp_path):
        made = [tmp_path / name for name in ("plan.md", "plan.json")]
        words = [f"--report=markdown={made[0]}", f"--report=json={made[1]}", "-o", "json"]
        code, out, _ = out_of_reach.call(
            "plan", "--changed-since", "main", "--detailed-exitcode", *words
        )
        assert code == 1
        answer = json.loads(out)
        assert [plan["environment"] for plan in answer["plans"]] == ["dev"]
        (failed,) = answer["not_planned"]
        assert (failed["environment"], failed["diagnostics"][0]["code"]) == ("prod", "E408")
        text, record = made[0].read_text(), json.loads(made[1].read_text())
        assert "2 environments touched: dev, prod. Plan: 0 to create, 1 to update" in text
        assert "Not planned, see the errors: prod**" in text
        assert "## Plan for `shop/dev`" in text
        assert "E408" in text[text.index("## Plan for `shop/prod`") :]
        ends = {one["environment"]: one["exit_code"] for one in record["reports"]}
        assert ends == {"dev": 2, "prod": 1}

    def test_is_the_error_of_a_plan_for_it_alone(self, out_of_reach):
        code, out, err = out_of_reach.call("plan", "--changed-since", "main", "-e", "prod")
        assert (code, out) == (1, "")
        assert "error[E408]" in err

    def test_gets_no_token_that_is_of_another_workspace(self, out_of_reach, monkeypatch):
        monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
        out_of_reach.workspace.forget()
        code, out, err = out_of_reach.call("plan", "--changed-since", "main")
        assert (code, out) == (1, "")
        assert "error[E403]: DATABRICKS_TOKEN belongs to one workspace" in err
        assert out_of_reach.workspace.requests() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--select", "chat"], "cannot be combined with --select"),
        (["--rotate", CHAT], "cannot be combined with --rotate"),
        (["--out", "plan.json"], "--out saves the plan of one environment"),
    ],
)
def test_options_that_contradict_it_are_refused(team, words, said):
    code, _, err = team.call("plan", "--changed-since", "main", *words)
    assert code == 1
    assert "error[E526]: " in err
    assert said in err


def test_pending_changes_have_their_exit_code(team):
    touch(team)
    assert team.call("plan", "--changed-since", "main", "--detailed-exitcode")[0] == 2
