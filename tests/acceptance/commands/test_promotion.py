"""What one environment has proven goes to the next, and every reason why it does not."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.cli import main
from provisioner.commands.promotion import promote
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running
from provisioner.workflow.project import open_project

TOKEN = "dapi-promotion"
ENVIRONMENT = """
workspace: {emulator: .provisioner/NAME.sqlite}
variables: {catalog: NAME}
released: [fraud_version, chat_version]
"""
TEAMS = {"fraud": "risk.fraud", "chat": "support.bot"}
ENDPOINT = """
resources:
  secret_scopes:
    NAME: {name: NAME_keys, secrets: {token: {from_env: NAME_TOKEN}}}
  model_serving_endpoints:
    NAME:
      name: NAME
      config:
        served_entities:
          - name: champion
            entity_name: ${var.catalog}.MODEL
            entity_version: ${var.NAME_version}
            workload_size: Small
            scale_to_zero_enabled: true
            environment_vars: {TOKEN: "{{secrets/NAME_keys/token}}"}
      checks:
        - {name: it answers, dataframe_records: [{amount: 1}]}
"""


@dataclass(frozen=True)
class Shop:
    """A repository with two teams and three stages; `dev` has version 1 of both, applied."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words):
        self.capsys.readouterr()
        code = main([*words, "-C", str(self.root)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def good(self, *words):
        code, out, err = self.run(*words)
        assert code == 0, f"{words}\n{out}{err}"
        return out

    def register(self, environment, team, version):
        words = ("emulator", "register", f"{environment}.{TEAMS[team]}", "--version", str(version))
        self.good(*words, "-e", environment)

    def release(self, environment, **versions):
        path = self.file(environment)
        path.parent.mkdir(exist_ok=True)
        lines = (f'{name}_version: {{value: "{one}"}}\n' for name, one in versions.items())
        path.write_text("\n".join(lines))

    def file(self, environment):
        return self.root / "environments" / "releases" / f"{environment}.yaml"

    def edit(self, name, old, new):
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @contextmanager
    def workspace(self, environment):
        """A way to do what somebody does by hand in the workspace of an environment."""
        state = self.root / ".provisioner" / f"{environment}.sqlite"
        with running(Settings(state=state, token=TOKEN)) as server:

            def call(method, path, body=None):
                request = urllib.request.Request(
                    server.url + path,
                    method=method,
                    data=None if body is None else json.dumps(body).encode(),
                    headers={"Authorization": f"Bearer {TOKEN}"},
                )
                with urllib.request.urlopen(request) as answer:
                    return json.loads(answer.read() or b"{}")

            yield call


def build_shop(made):
    root = made.root
    (root / "provisioner.yaml").write_text("project: shop\n")
    for folder in ("environments", "manifests"):
        (root / folder).mkdir()
    for name, before in (("dev", ""), ("staging", "dev"), ("prod", "staging")):
        more = f"promotes_from: {before}\n" if before else ""
        text = ENVIRONMENT.replace("NAME", name) + more
        (root / f"environments/{name}.yaml").write_text(text)
    for team, model in TEAMS.items():
        text = ENDPOINT.replace("NAME_TOKEN", f"{team.upper()}_TOKEN").replace("MODEL", model)
        (root / f"manifests/{team}.yaml").write_text(text.replace("NAME", team))
        for environment in ("dev", "staging"):
            made.register(environment, team, 1)
    made.release("dev", fraud=1, chat=1)
    made.good("apply", "-e", "dev", "-y")


@pytest.fixture
def shop(tmp_path, capsys, monkeypatch, scenes):
    monkeypatch.setenv("COLUMNS", "100")
    for team in TEAMS:
        monkeypatch.setenv(f"{team.upper()}_TOKEN", "value")
    scenes.copy("shop", lambda folder: build_shop(Shop(folder, capsys)), tmp_path)
    return Shop(tmp_path, capsys)


def test_the_story(shop):
    out = shop.good("promote", "--to", "staging")
    assert "fraud_version  none → 1  to promote  1 check" in out
    assert "+++ b/environments/releases/staging.yaml" in out
    assert not shop.file("staging").exists()
    shop.good("promote", "--to", "staging", "--write")
    shop.good("apply", "-e", "staging", "-y")
    assert shop.good("verify", "-e", "staging").endswith("2 of 2 checks passed\n")
    for team in TEAMS:
        shop.register("prod", team, 1)
    shop.good("promote", "--to", "prod", "--write")
    shop.good("apply", "-e", "prod", "-y")
    out = shop.good("promote", "--to", "prod")
    assert out.splitlines()[-1] == "staging → prod: 0 to promote, 0 kept, 2 unchanged"


def test_git_shows_the_line_of_the_version_alone(shop):
    def git(*words):
        who = ["-c", "user.email=a@example.com", "-c", "user.name=a"]
        done = subprocess.run(
            ["git", *who, *words], cwd=shop.root, check=True, capture_output=True, text=True
        )
        return done.stdout

    shop.good("promote", "--to", "staging", "--write")
    (shop.root / ".gitignore").write_text(".provisioner/\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "all")
    shop.register("dev", "fraud", 2)
    shop.register("staging", "fraud", 2)
    shop.edit("environments/releases/dev.yaml", 'fraud_version: {value: "1"}', FRAUD_2)
    git("commit", "-qam", "two")
    head = git("rev-parse", "HEAD")
    shop.good("apply", "-e", "dev", "-y")
    shop.good("promote", "--to", "staging", "--write")
    assert git("diff", "--name-only").split() == ["environments/releases/staging.yaml"]
    changed = re.findall(r"^[-+](?![-+])(.*)", git("diff", "-U0"), re.MULTILINE)
    assert len(changed) == 2
    assert changed[1].startswith('fraud_version: {value: "2", previous: "1", from: "dev", commit: ')
    # A commit that reads as a number is in quotes.
    assert re.search(f'commit: "?{head[:12]}"?, at: ', changed[1])
    assert changed[1].endswith('verified: "1 check"}')


FRAUD_2 = 'fraud_version: {value: "2"}'


def test_workspaces_are_only_read_and_asked(shop):
    for environment in ("dev", "staging"):
        with shop.workspace(environment) as call:
            call("POST", "/__emulator__/reset", {"what": "log"})
    shop.good("promote", "--to", "staging", "--write")
    asked = {}
    for environment in ("dev", "staging"):
        with shop.workspace(environment) as call:
            log = call("GET", "/__emulator__/requests")["requests"]
        assert log
        asked[environment] = {one["path"] for one in log if one["method"] != "GET"}
    questions = {f"/serving-endpoints/{team}/invocations" for team in TEAMS}
    assert asked == {"dev": questions, "staging": set()}


def by_hand(shop):
    with shop.workspace("dev") as call:
        tags = {"add_tags": [{"key": "who", "value": "me"}]}
        call("PATCH", "/api/2.0/serving-endpoints/fraud/tags", tags)


def failing_check(shop):
    check = "dataframe_records: [{amount: 1}]"
    shop.edit("manifests/fraud.yaml", check, check + ", expect: {contains: [mango]}")


def failing_cases(shop):
    check = "dataframe_records: [{amount: 1}]"
    good = '{"dataframe_records": [{"amount": 1}]}'
    (shop.root / "cases.jsonl").write_text(
        f'{good}\n{good[:-1]}, "expect": {{"contains": "mango"}}}}\n'
    )
    shop.edit("manifests/fraud.yaml", check, "cases: cases.jsonl, pass_rate: 90%")


def still_updating(shop):
    rule = {"deployment": {"endpoint": "fraud", "transition": "seconds=900"}}
    with shop.workspace("dev") as call:
        call("POST", "/__emulator__/faults", {"rules": [rule]})
    shop.edit("manifests/fraud.yaml", "workload_size: Small", "workload_size: Medium")
    shop.good("apply", "-e", "dev", "-y", "--no-wait")


def failed_update(shop):
    rule = {"deployment": {"endpoint": "fraud", "state": "DEPLOYMENT_FAILED"}}
    with shop.workspace("dev") as call:
        call("POST", "/__emulator__/faults", {"rules": [rule]})
    shop.edit("manifests/fraud.yaml", "workload_size: Small", "workload_size: Medium")
    assert shop.run("apply", "-e", "dev", "-y")[0] != 0


def not_applied(shop):
    shop.register("dev", "fraud", 2)
    shop.release("dev", fraud=2, chat=1)


def version_missing(shop):
    shop.register("dev", "fraud", 2)
    shop.release("dev", fraud=2, chat=1)
    shop.good("apply", "-e", "dev", "-y")


def rejected(shop):
    shop.release("staging", fraud=7)
    shop.edit("environments/releases/staging.yaml", '"7"', '"7", rejected: ["1"]')


def soaking(shop):
    shop.edit("environments/staging.yaml", "promotes_from: dev", "promotes_from: dev\nsoak: 2h")


def rule_broken(shop):
    override = (
        "overrides: {model_serving_endpoints: {fraud: {config: {served_entities: [{name: "
        'champion, scale_to_zero_enabled: "${var.fraud_version}"}]}}}}\n'
    )
    shop.edit(
        "environments/staging.yaml", "promotes_from: dev\n", f"promotes_from: dev\n{override}"
    )


REFUSED = [
    pytest.param(by_hand, "E717", "differs from its manifest: tags", "plan -e dev", id="by hand"),
    pytest.param(
        not_applied,
        "E717",
        "config.served_entities[champion].entity_version",
        "apply -e dev --select model_serving_endpoints.fraud",
        id="not applied",
    ),
    pytest.param(
        failing_cases, "E709", "1 of 2 cases passed", "verify -e dev", id="cases below their rate"
    ),
    pytest.param(failing_check, "E709", "`it answers`", "verify -e dev", id="a failing check"),
    pytest.param(
        still_updating, "E718", "is still updating", "status -e dev --wait", id="still updating"
    ),
    pytest.param(failed_update, "E719", "failed in its last update", "status -e dev", id="failed"),
    pytest.param(
        version_missing,
        "E762",
        "`staging.risk.fraud` has no version 2",
        "emulator register staging.risk.fraud --version 2",
        id="a model version that the target lacks",
    ),
    pytest.param(rejected, "E713", "was rolled back in staging", "--retry-rejected", id="rejected"),
    pytest.param(
        rule_broken, "E109", "scale_to_zero_enabled", "", id="a target that cannot be rendered"
    ),
]


@pytest.mark.parametrize(("break_it", "code", "says", "hint"), REFUSED)
def test_a_refusal_says_why_and_writes_nothing_and_stops_no_other(shop, break_it, code, says, hint):
    break_it(shop)
    before = shop.file("staging").read_text() if shop.file("staging").exists() else None
    failed, out, err = shop.run("promote", "--to", "staging", "fraud_version", "--write")
    assert failed == 1, out
    assert f"error[{code}]" in err
    assert says in err
    assert hint in err
    assert re.findall(r"^(error)\[", err, re.MULTILINE) == ["error"], err
    assert "0 promoted, 1 kept" in out
    after = shop.file("staging").read_text() if shop.file("staging").exists() else None
    assert after == before
    code_of_all, out, err = shop.run("promote", "--to", "staging", "--write")
    assert code_of_all == 0, err
    assert f"warning[{code}]" in err
    assert "1 promoted, 1 kept" in out
    assert 'chat_version: {value: "1", from: "dev"' in shop.file("staging").read_text()


def test_a_missing_secret_refuses(shop, monkeypatch):
    monkeypatch.delenv("FRAUD_TOKEN")
    code, _, err = shop.run("promote", "--to", "staging", "fraud", "--write")
    assert code == 1
    assert "error[E773]" in err
    assert "set it: export FRAUD_TOKEN=..." in err
    assert not shop.file("staging").exists()
    assert "1 promoted, 1 kept" in shop.good("promote", "--to", "staging", "--write")


def test_variables_of_one_endpoint_go_together(shop):
    """Only both of them together can be rendered in the target, and one version is missing."""
    shop.edit("manifests/fraud.yaml", "      checks:", f"{SECOND}      checks:")
    for name in ("dev", "staging"):
        path = f"environments/{name}.yaml"
        shop.edit(path, "[fraud_version, ", "[fraud_version, challenger_version, ")
    shop.register("dev", "fraud", 2)
    shop.release("dev", fraud=1, challenger=2, chat=1)
    shop.good("apply", "-e", "dev", "-y")
    assert "1 to promote, 2 kept" in shop.good("promote", "--to", "staging")
    shop.register("staging", "fraud", 2)
    assert "2 promoted" in shop.good("promote", "--to", "staging", "fraud", "--write")
    shop.good("apply", "-e", "staging", "-y")


SECOND = """          - name: challenger
            entity_name: ${var.catalog}.risk.fraud
            entity_version: ${var.challenger_version}
            workload_size: Small
            scale_to_zero_enabled: true
        traffic_config:
          routes:
            - {served_entity_name: champion, traffic_percentage: 90}
            - {served_entity_name: challenger, traffic_percentage: 10}
"""


def test_what_has_a_value_nowhere_is_told_to_whoever_asks(shop):
    shop.release("dev", chat=1)
    code, _, err = shop.run("promote", "--to", "staging", "fraud")
    assert code == 1
    assert "error[E715]: `fraud_version` has no value in dev yet" in err
    assert "1 to promote, 0 kept, 1 unchanged" in shop.good("promote", "--to", "staging")


def test_what_cannot_be_read_stops_no_other(shop):
    rule = {
        "method": "GET",
        "path": "/api/2.0/serving-endpoints/fraud",
        "action": {"status": 403, "body": {"error_code": "PERMISSION_DENIED", "message": "no"}},
        "times": 0,
    }
    with shop.workspace("dev") as call:
        call("POST", "/__emulator__/faults", {"rules": [rule]})
    code, out, err = shop.run("promote", "--to", "staging")
    assert code == 0
    assert "PERMISSION_DENIED" in err
    assert "1 to promote, 1 kept" in out


def test_all_that_is_named_and_refused_is_an_error_and_the_rest_is_written(shop):
    by_hand(shop)
    code, _, err = shop.run("promote", "--to", "staging", "fraud", "chat", "--write")
    assert code == 1
    assert "error[E717]" in err
    assert "chat_version" in shop.file("staging").read_text()


def test_a_rejected_value_can_be_tried_again(shop):
    rejected(shop)
    shop.good("promote", "--to", "staging", "fraud", "--retry-rejected", "--write")
    text = shop.file("staging").read_text()
    assert 'fraud_version: {value: "1", previous: "7"' in text
    assert "rejected" not in text


@pytest.mark.parametrize(
    ("hours", "codes"),
    [pytest.param(1, ["E710"], id="too early"), pytest.param(3, [], id="long enough")],
)
def test_a_value_has_to_be_unchanged_for_a_while(shop, hours, codes):
    soaking(shop)
    later = datetime.now(UTC) + timedelta(hours=hours)
    asked = promote.PromotionRequest("staging", words=("fraud_version",))
    found = promote.promote(open_project(shop.root), asked, lambda: later)
    (one,) = found.proposals
    assert [problem.code for problem in one.problems] == codes


def test_the_answer_as_json(shop):
    by_hand(shop)
    out = shop.good("promote", "--to", "staging", "-o", "json")
    answer = json.loads(out)
    assert (answer["from"], answer["to"], answer["written"]) == ("dev", "staging", False)
    chat, fraud = answer["variables"]
    assert (chat["variable"], chat["verdict"], chat["after"]) == ("chat_version", "promoted", "1")
    assert chat["verified"] == "1 check"
    assert [reason["code"] for reason in fraud["reasons"]] == ["E717"]
    assert fraud["resources"] == ["model_serving_endpoints.fraud"]
    assert answer["diff"].startswith("--- /dev/null")


WRONG = [
    pytest.param(["promote"], "E714", id="to nowhere"),
    pytest.param(["promote", "--to", "dev"], "E714", id="from nowhere"),
    pytest.param(["promote", "--to", "prod", "--from", "dev"], "E714", id="past a stage"),
    pytest.param(["promote", "--to", "staging", "frau_version"], "E711", id="a typo"),
    pytest.param(["promote", "--to", "stagin"], "E202", id="no such environment"),
]


@pytest.mark.parametrize(("words", "code"), WRONG)
def test_what_makes_no_sense_is_refused(shop, words, code):
    assert shop.run(*words)[0] == 1
    assert f"error[{code}]" in shop.run(*words)[2]


def test_a_token_of_one_workspace_does_not_reach_the_other(shop, monkeypatch):
    for name in ("dev", "staging"):
        emulator, host = f"emulator: .provisioner/{name}.sqlite", f"host: https://{name}.invalid"
        shop.edit(f"environments/{name}.yaml", emulator, host)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-dev")
    code, _, err = shop.run("promote", "--to", "staging")
    assert code == 1
    assert "error[E403]: DATABRICKS_TOKEN belongs to one workspace" in err


def test_another_region_hears_of_every_key_that_it_lacks(shop, monkeypatch):
    shop.good("promote", "--to", "staging", "--write")
    shop.good("apply", "-e", "staging", "-y")
    text = ENVIRONMENT.replace("NAME", "west") + "promotes_from: staging\nprotected: true\n"
    (shop.root / "environments/west.yaml").write_text(text)
    shop.edit(
        "environments/staging.yaml", "promotes_from: dev", "promotes_from: dev\nprotected: true"
    )
    for team in TEAMS:
        shop.register("west", team, 1)
        monkeypatch.delenv(f"{team.upper()}_TOKEN")
    code, _, err = shop.run("promote", "--to", "west", "fraud", "--write")
    assert code == 1
    assert "error[E773]: the key `token` of `fraud_keys` is not stored yet" in err
    assert "warning[E773]: the key `token` of `chat_keys` is not stored yet" in err
