"""The pipelines of ``init``: valid for their systems, and their shell steps run in order."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema import builtin_schemas
from pipelines import steps
from proofs import FULL

from provisioner.cli import main
from provisioner.commands.init.init import SYSTEMS
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

ROOT = Path(__file__).parent.parent.parent
FORGE = Path(__file__).parent / "forge.py"
TOKEN = "dapi-pipelines"
SCHEMAS = {"github": "github-workflows", "gitlab": "gitlab-ci", "azure": "azure-pipelines"}
FILES = {
    "github": ".github/workflows/*.yml",
    "gitlab": ".gitlab-ci.yml",
    "azure": "azure-pipelines.yml .azure/*.yml",
}
SCHEMA_FOLDER = Path(builtin_schemas.__file__).parent / "vendor"


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, str]]:
    """Three workspaces: dev, staging and prod."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(running(Settings(token=TOKEN))).url
            for name in ("dev", "staging", "prod")
        }


def started(folder: Path, system: str, hosts: Mapping[str, str] | None = None) -> Path:
    given = [word for name, at in (hosts or {}).items() for word in ("--host", f"{name}={at}")]
    # The pip of these tests installs nothing, so any line will do.
    tool = ["--package", "./wheels/tool.whl --hash=sha256:00"]
    words = ["init", str(folder), "--ci", system, "--project", f"shop-{system}", "-q", *tool]
    assert main([*words, *given]) == 0
    return folder


@pytest.mark.parametrize("system", SYSTEMS)
def test_pipelines_fit_the_schema_of_their_system(system: str, tmp_path: Path):
    schema = json.loads((SCHEMA_FOLDER / f"{SCHEMAS[system]}.json").read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    started(tmp_path, system)
    found = [path for pattern in FILES[system].split() for path in tmp_path.glob(pattern)]
    assert found
    for path in found:
        # To Azure every scalar is a text.
        loader = yaml.BaseLoader if system == "azure" else yaml.SafeLoader
        data = yaml.load(path.read_text(encoding="utf-8"), loader)
        # YAML 1.1: the key `on` is read as true.
        validator.validate({"on" if key is True else key: value for key, value in data.items()})


@dataclass(frozen=True)
class Done:
    code: int
    out: str


@dataclass(frozen=True)
class Pipeline:
    """A repository with a remote, its workspaces, and a forge that keeps comments."""

    system: str
    root: Path
    hosts: Mapping[str, str]
    bin: Path

    def job(
        self,
        job: str,
        values: Mapping[str, str],
        environment: str = "dev",
        more: Mapping[str, str] | None = None,
    ) -> Done:
        """Run the steps of a job until one fails, as its system would."""
        out = ""
        for step in steps(self.root, self.system, job, values):
            variables = {
                name: value
                for name, value in step.variables.items()
                # There is nobody to issue tokens here: a login of another sort stands in.
                if not name.startswith("DATABRICKS_") and not value.startswith("$(")
            }
            done = subprocess.run(
                [*step.shell, "-c", step.script],
                cwd=self.root,
                env={
                    **self._machine(),
                    **FACTS,
                    "ENVIRONMENT": environment,
                    **variables,
                    **(more or {}),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                check=False,
            )
            out += f"## {step.name}\n{done.stdout}"
            if done.returncode:
                return Done(done.returncode, out)
        return Done(0, out)

    def _machine(self) -> dict[str, str]:
        return {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.bin),
            "LANG": "C.UTF-8",
            "FORGE_STATE": str(self.bin / "forge.json"),
            "GIT_CONFIG_GLOBAL": str(self.bin / "gitconfig"),
            "OPENAI_API_KEY": "a-key",
            "GITHUB_OUTPUT": str(self.bin / "output"),
            "PIPELINE_WORKSPACE": str(self.bin),
        }

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env=self._machine(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    @property
    def forge(self) -> Any:
        return json.loads((self.bin / "forge.json").read_text())

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")


# What the systems set by themselves.
FACTS = {
    "GITHUB_REPOSITORY": "owner/repository",
    "GITHUB_RUN_ID": "31",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_SERVER_URL": "https://github.test",
    "CI_API_V4_URL": "https://gitlab.test/api/v4",
    "CI_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_DEFAULT_BRANCH": "main",
    "CI_PIPELINE_ID": "31",
    "CI_JOB_TOKEN": "job-token",
    "CI_SERVER_HOST": "gitlab.test",
    "CI_SERVER_PORT": "443",
    "CI_PROJECT_PATH": "group/project",
    "GITLAB_USER_NAME": "octocat",
    "GITLAB_USER_EMAIL": "octocat@gitlab.test",
    "GITLAB_TOKEN": "forge-token",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.test/owner",
    "SYSTEM_TEAMPROJECT": "project",
    "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
    "BUILD_REPOSITORY_ID": "repository",
    "BUILD_BUILDID": "31",
    "BUILD_REQUESTEDFOR": "octocat",
    "BUILD_REQUESTEDFOREMAIL": "octocat@azure.test",
}
GITHUB = {
    "matrix.environment": "dev",
    "inputs.environment": "dev",
    "inputs.allow_replace": "",
    "github.event.pull_request.number || inputs.pull_request": "7",
    "github.token": "forge-token",
    "needs.plan.outputs.digest": "",
    "vars.DATABRICKS_CLIENT_ID": "an-id",
    "secrets.OPENAI_API_KEY": "a-key",
    "inputs.from": "dev",
    "inputs.to": "staging",
    "inputs.names": "",
}
AZURE = {
    "parameters.environment": "dev",
    "parameters.allow_replace": " ",
    "parameters.from": "dev",
    "parameters.to": "staging",
    "parameters.names": " ",
}
PROMOTING = {"FROM": "dev", "TO": "staging"}
# Of each system: the job, and what its expressions stand for.
JOBS: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    "github": {
        "validate": ("plan.yml:validate", GITHUB),
        "propose": ("plan.yml:plan", GITHUB),
        "plan": ("deploy.yml:plan", GITHUB),
        "apply": ("deploy.yml:apply", GITHUB),
        "wait": ("deploy.yml:wait", GITHUB),
        "drift": ("drift.yml:drift", GITHUB),
        "rollout": ("rollout.yml:rollout", GITHUB),
        "promote": ("promote.yml:promote", GITHUB),
    },
    "gitlab": {
        "validate": ("validate", {}),
        "propose": ("plan-dev", {}),
        "plan": ("plan-dev", {"CI_MERGE_REQUEST_IID": ""}),
        "apply": ("apply-dev", {}),
        "wait": ("wait-dev", {}),
        "drift": ("drift", {}),
        "rollout": ("rollout", {}),
        "promote": ("promote", PROMOTING),
    },
    "azure": {
        "propose": (".azure/plan.yml:", AZURE),
        "plan": (".azure/deploy.yml:plan", AZURE),
        "apply": (".azure/deploy.yml:apply", AZURE),
        "wait": (".azure/deploy.yml:wait", AZURE),
        "drift": (".azure/drift.yml:drift", AZURE),
        "rollout": (".azure/rollout.yml:rollout", AZURE),
        "promote": (".azure/promote.yml:promote", AZURE),
    },
}


@pytest.fixture(params=SYSTEMS)
def pipeline(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    hosts: dict[str, str],
    preforked_command: Path,
) -> Pipeline:
    folder, tools = tmp_path / "repository", tmp_path / "bin"
    tools.mkdir()
    for name in ("gh", "az", "curl", "pip"):
        (tools / name).write_text(FORGE.read_text(encoding="utf-8"), encoding="utf-8")
    (tools / "provisioner").symlink_to(preforked_command)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    # A profile for each workspace: a token in the environment would be for one of them.
    profiles = [f"[{name}]\nhost = {host}\ntoken = {TOKEN}\n" for name, host in hosts.items()]
    (tools / ".databrickscfg").write_text("\n".join(profiles))
    gitlab = "https://gitlab-ci-token:job-token@gitlab.test:443/group/project.git"
    (tools / "gitconfig").write_text(
        "[user]\nname = octocat\nemail = octocat@users.test\n"
        f'[url "{tmp_path / "origin.git"}"]\ninsteadOf = {gitlab}\n'
        "[receive]\nadvertisePushOptions = true\n"
    )
    for host in hosts.values():
        reset = urllib.request.Request(f"{host}/__emulator__/reset", method="POST", data=b"{}")
        reset.add_header("Authorization", f"Bearer {TOKEN}")
        urllib.request.urlopen(reset).close()
    made = Pipeline(request.param, started(folder, request.param, hosts), hosts, tools)
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "origin.git")], check=True)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    # What pipelines leave in the folder of a runner is not part of the repository.
    (folder / ".git" / "info" / "exclude").write_text(
        "*.html\n*.json\n*.md\npromotion.txt\ndeploy/\napproved/\ndigest.env\n"
    )
    made.commit("A starter repository")
    made.git("push", "--quiet", "--set-upstream", "origin", "main")
    return made


def one_system(system: str) -> pytest.MarkDecorator:
    """Runs the test for ``system``, and in the proofs for all of them."""
    return pytest.mark.parametrize("pipeline", SYSTEMS if FULL else [system], indirect=True)


def deploy(pipeline: Pipeline) -> Done:
    """Plan and apply as after a merge; the artifact goes from one job to the other."""
    jobs = JOBS[pipeline.system]
    planned = pipeline.job(*jobs["plan"])
    assert planned.code == 0, planned.out
    return apply_artifact(pipeline, digest_of(pipeline, planned))


def digest_of(pipeline: Pipeline, planned: Done) -> str:
    """The digest that the plan job hands to the apply job, the way its system does."""
    if pipeline.system == "github":
        text = (pipeline.bin / "output").read_text(encoding="utf-8")
        pattern = r"^digest<<\S+\n(\S+)$"
    elif pipeline.system == "gitlab":
        text = (pipeline.root / "digest.env").read_text(encoding="utf-8")
        pattern = r"^PLAN_DIGEST=(\S+)$"
    else:
        text, pattern = (
            planned.out,
            r"##vso\[task.setvariable variable=digest;isOutput=true\](\S+)$",
        )
    return re.findall(pattern, text, re.MULTILINE)[-1]


def artifact(pipeline: Pipeline) -> Path:
    """Where the plan job left the plan."""
    return pipeline.root / ("deploy/plan.json" if pipeline.system == "azure" else "plan.json")


def apply_artifact(pipeline: Pipeline, digest: str) -> Done:
    """Bring the artifact to where the apply job finds it, and run that job."""
    places = {
        "github": pipeline.root / "approved",
        "gitlab": pipeline.root,
        "azure": pipeline.bin / "approved" / "deploy-dev-1",
    }
    place = places[pipeline.system]
    place.mkdir(parents=True, exist_ok=True)
    artifact(pipeline).replace(place / "plan.json")
    job, values = JOBS[pipeline.system]["apply"]
    return pipeline.job(
        job, {**values, "needs.plan.outputs.digest": digest}, more={"PLAN_DIGEST": digest}
    )


def test_an_exchanged_artifact_is_refused_by_the_digest_that_was_approved(pipeline: Pipeline):
    planned = pipeline.job(*JOBS[pipeline.system]["plan"])
    assert planned.code == 0, planned.out
    digest = digest_of(pipeline, planned)
    shown = artifact(pipeline).read_text(encoding="utf-8")
    # Another honest plan, as somebody would make it who may write artifacts.
    pipeline.edit("manifests/chat.yaml", "calls: 60", "calls: 6000")
    assert pipeline.job(*JOBS[pipeline.system]["plan"]).code == 0
    assert artifact(pipeline).read_text(encoding="utf-8") != shown
    pipeline.edit("manifests/chat.yaml", "calls: 6000", "calls: 60")
    applied = apply_artifact(pipeline, digest)
    assert applied.code != 0
    assert "E514" in applied.out or "E528" in applied.out or pipeline.system == "azure"
    assert "created" not in applied.out


@pytest.mark.proof("pipelines")
@one_system("gitlab")
def test_what_is_in_an_artifact_beside_the_plan_is_not_installed(pipeline: Pipeline):
    if pipeline.system != "gitlab":
        pytest.skip("the artifact has a folder of its own")
    planned = pipeline.job(*JOBS["gitlab"]["plan"])
    digest = digest_of(pipeline, planned)
    (pipeline.root / "requirements.txt").write_text("evil\n", encoding="utf-8")
    (pipeline.root / "json.py").write_text("raise SystemExit('evil')\n", encoding="utf-8")
    applied = apply_artifact(pipeline, digest)
    assert applied.code == 0, applied.out
    assert "evil" not in (pipeline.root / "requirements.txt").read_text(encoding="utf-8")
    assert not (pipeline.root / "json.py").exists()


def test_generated_workflows_have_no_weakness_of_medium_severity_or_above(tmp_path: Path):
    started(tmp_path, "github")
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "zizmor"),
            "--offline",
            "--no-config",
            "--min-severity=medium",
            "--format=plain",
            str(tmp_path / ".github"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pipelines_install_from_hashes_before_they_fetch_the_plan(tmp_path: Path):
    for system in SYSTEMS:
        root = started(tmp_path / system, system)
        locked = (root / "requirements.txt").read_text(encoding="utf-8")
        pinned = (ROOT / "requirements/runtime.txt").read_text(encoding="utf-8")
        assert locked.endswith(pinned)
        texts = [path.read_text() for each in FILES[system].split() for path in root.glob(each)]
        for text in texts:
            assert "pip install -r" not in text
    deploy_yml = (tmp_path / "github/.github/workflows/deploy.yml").read_text()
    apply_job = deploy_yml[deploy_yml.index("  apply:\n") :]
    assert apply_job.index("--require-hashes") < apply_job.index("download-artifact")
    for path in (tmp_path / "github/.github/workflows").glob("*.yml"):
        for action in re.findall(r"uses: (actions/\S+)", path.read_text()):
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action), action


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_pipeline_without_the_line_of_the_tool_fails_with_the_sentence(
    system: str, tmp_path: Path
):
    root = tmp_path / system
    assert main(["init", str(root), "--ci", system, "-q"]) == 0
    values = GITHUB if system == "github" else AZURE if system == "azure" else {}
    pipeline = Pipeline(system, root, {}, tmp_path)
    done = pipeline.job(*(JOBS[system]["drift"][0], values))
    assert done.code == 1
    assert "The line that installs provisioner is missing" in done.out
    assert "pip" not in done.out.partition("## ")[0]


def test_the_plan_of_azure_is_a_stage_before_the_one_that_needs_approval(tmp_path: Path):
    root = started(tmp_path, "azure")
    stages = yaml.safe_load((root / ".azure/deploy.yml").read_text())["stages"]
    name = "${{ parameters.environment }}"
    assert [stage["stage"] for stage in stages] == [f"{name}_plan", name, f"{name}_wait"]
    plan, apply, _ = stages
    assert "environment" not in plan["jobs"][0]
    assert apply["dependsOn"] == f"{name}_plan"
    assert apply["jobs"][0]["environment"] == name


def test_a_change_goes_its_way(pipeline: Pipeline):
    jobs = JOBS[pipeline.system]
    pipeline.git("switch", "--quiet", "--create", "change")
    pipeline.edit("manifests/chat.yaml", "calls: 60", "calls: 30")
    pipeline.commit("Fewer calls")
    if "validate" in jobs:
        validated = pipeline.job(*jobs["validate"])
        assert validated.code == 0, validated.out

    for _ in range(2):
        proposed = pipeline.job(*jobs["propose"])
        assert proposed.code == 0, proposed.out
    (comment,) = pipeline.forge["comments"]
    assert comment.startswith(f"<!-- provisioner:shop-{pipeline.system}/dev -->\n")
    assert "2 to create" in comment

    pipeline.git("switch", "--quiet", "main")
    pipeline.git("merge", "--quiet", "change")
    pipeline.git("push", "--quiet")
    applied = deploy(pipeline)
    assert applied.code == 0, applied.out
    assert "2 created" in applied.out
    audit = json.loads((pipeline.root / "audit.json").read_text(encoding="utf-8"))
    assert audit["git_commit"] == pipeline.git("rev-parse", "HEAD")
    waited = pipeline.job(*jobs["wait"])
    assert waited.code == 0, waited.out
    assert "2 of 2 ready" in waited.out
    assert len(pipeline.forge["comments"]) == 1


@pytest.mark.proof("pipelines")
@one_system("azure")
def test_only_the_tip_of_the_branch_is_applied(pipeline: Pipeline):
    pipeline.edit("manifests/chat.yaml", "calls: 60", "calls: 31")
    pipeline.commit("A newer change")
    pipeline.git("push", "--quiet")
    pipeline.git("switch", "--quiet", "--detach", "HEAD~1")
    older = deploy(pipeline)
    assert older.code == 1
    assert "error[E520]" in older.out


@pytest.mark.proof("pipelines")
@one_system("gitlab")
def test_a_change_by_hand_is_told_at_night(pipeline: Pipeline):
    job, values = JOBS[pipeline.system]["drift"]
    assert deploy(pipeline).code == 0
    clean = pipeline.job(job, values)
    assert clean.code == 0, clean.out
    by_hand(pipeline.hosts["dev"], f"shop-{pipeline.system}-chat")
    drifted = pipeline.job(job, values)
    assert drifted.code == 2, drifted.out
    assert "rate_limits" in drifted.out
    assert (pipeline.root / "drift.md").read_text(encoding="utf-8").startswith("<!-- provisioner:")


ROLLOUT = """    rollout:
      entity: openai
      steps: [5% for 10m, 50% for 1h]
      analysis: {checks: {repeat: 1}}
"""


@pytest.mark.proof("pipelines")
@one_system("azure")
def test_a_gradual_rollout_moves_on_by_a_scheduled_job(pipeline: Pipeline):
    job, values = JOBS[pipeline.system]["rollout"]
    text = (pipeline.root / "manifests/chat.yaml").read_text(encoding="utf-8")
    end = text.index("    chat:\n") + len("    chat:\n")
    indented = "".join(f"  {line}\n" for line in ROLLOUT.splitlines())
    (pipeline.root / "manifests/chat.yaml").write_text(text[:end] + indented + text[end:])
    pipeline.commit("A rollout")
    pipeline.git("push", "--quiet")
    assert deploy(pipeline).code == 0
    advanced = pipeline.job(job, values)
    assert advanced.code == 0, advanced.out
    assert "no rollout is active" in advanced.out
    assert (pipeline.root / "rollout.md").read_text(encoding="utf-8").startswith("| endpoint")


def by_hand(host: str, name: str) -> None:
    """Somebody changes a limit of the endpoint in the workspace."""
    request = urllib.request.Request(
        f"{host}/api/2.0/serving-endpoints/{name}/ai-gateway",
        method="PUT",
        data=json.dumps(
            {"rate_limits": [{"key": "user", "renewal_period": "minute", "calls": 5}]}
        ).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


@pytest.mark.proof("pipelines")
@one_system("github")
def test_what_dev_has_proven_is_proposed_to_staging(pipeline: Pipeline):
    assert deploy(pipeline).code == 0
    promoted = pipeline.job(*JOBS[pipeline.system]["promote"])
    assert promoted.code == 0, promoted.out
    assert pipeline.git("ls-remote", "--heads", "origin", "promote/staging-31") != ""
    changed = pipeline.git("show", "--format=%s", "--name-only", "origin/promote/staging-31")
    assert changed.split("\n\n") == [
        "Promote from dev to staging",
        "environments/releases/staging.yaml",
    ]
    released = (pipeline.root / "environments/releases/staging.yaml").read_text(encoding="utf-8")
    assert "chat_model" in released
    assert "gpt-4o-mini" in (pipeline.root / "promotion.txt").read_text(encoding="utf-8")
