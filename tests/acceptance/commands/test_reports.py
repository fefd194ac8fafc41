"""``--report`` and ``show`` as a pipeline uses them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import report_sample

from provisioner.commands.reports.formats import FORMATS

ROOT = Path(__file__).parents[3]
CANARY = "canary-of-a-report-31"
HOSTILE = "\u001b[31m\u202e `x` <script>alert(1)</script> ##vso[task.complete] @octocat"
ENDPOINT = """
name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key_plaintext: "${env.PLAIN_KEY}"}
tags: [{key: note, value: %s}]
"""
SYSTEMS = ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD")


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may run on a CI system themselves."""
    for name in (*SYSTEMS, "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "AGENT_TEMPDIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PLAIN_KEY", CANARY)


@pytest.fixture
def chat(repository):
    repository.endpoint(ENDPOINT % json.dumps(HOSTILE))
    return repository


def reports(folder: Path) -> list[str]:
    """The options that write every format into ``folder``."""
    return [word for name in FORMATS for word in ("--report", f"{name}={folder / name}")]


def test_one_run_writes_every_format_and_none_holds_a_secret(run, chat, tmp_path: Path):
    for command in (["validate"], ["plan"], ["apply", "-y"], ["destroy", "-y"]):
        folder = tmp_path / command[0]
        run(*command, *reports(folder))
        for name in FORMATS:
            text = (folder / name).read_text(encoding="utf-8")
            assert CANARY not in text
            assert "\x1b" not in text
            assert "\u202e" not in text


def test_the_record_of_an_apply_tells_who_did_it_and_what_became_of_it(run, chat, tmp_path: Path):
    file = tmp_path / "deep" / "record.json"
    assert run("apply", "-y", "--report", f"json={file}").code == 0
    record = json.loads(file.read_text())
    assert record["actor"]
    assert record["exit_code"] == 0
    assert record["started_at"] <= record["finished_at"]
    assert [each["status"] for each in record["resources"]] == ["done"]


def test_a_report_on_stdout_is_there_instead_of_the_answer(run, chat):
    result = run("plan", "--report", "markdown=-")
    assert result.out.startswith("<!-- provisioner:shop/dev -->\n## Plan for `shop/dev`")
    assert "Plan for shop/dev at" not in result.out


def test_two_reports_on_stdout_are_refused(run, chat):
    result = run("plan", "--report", "markdown=-", "--report", "json=-")
    assert (result.code, "E821" in result.err) == (1, True)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("markdwn=a", "did you mean `markdown`?"),
        ("markdown", "write markdown=PATH, or markdown=-"),
        ("html=", "write html=PATH, or html=-"),
        ("html=.", "`.` is a folder"),
        ("auto=-", "give it a folder"),
    ],
)
def test_a_report_that_cannot_be_meant_is_refused_before_anything_is_done(
    run, chat, workspace, option: str, said: str
):
    workspace.forget()
    result = run("apply", "-y", "--report", option)
    assert result.code == 1
    assert said in result.err
    assert workspace.requests() == []


@pytest.mark.parametrize(
    ("command", "code"),
    [(["plan", "--detailed-exitcode"], 1), (["apply", "-y"], 1), (["validate"], 1)],
)
def test_a_report_that_cannot_be_written_spoils_a_success_after_the_work(
    run, chat, tmp_path: Path, command: list[str], code: int
):
    (tmp_path / "file").write_text("")
    good = tmp_path / "good.json"
    result = run(*command, "--report", f"html={tmp_path}/file/x", "--report", f"json={good}")
    assert result.code == code
    assert "E820" in result.err
    assert result.out
    assert good.exists()


def test_a_report_that_cannot_be_written_hides_no_worse_end(run, chat, workspace, tmp_path: Path):
    (tmp_path / "file").write_text("")
    chat.endpoint("nam: chat")
    result = run("plan", "--report", f"html={tmp_path}/file/x")
    assert (result.code, "E820" in result.err, "E104" in result.err) == (1, True, True)


def test_a_command_that_fails_early_is_reported_too(run, chat, tmp_path: Path):
    chat.endpoint("nam: chat")
    file = tmp_path / "plan.json"
    assert run("plan", "--report", f"json={file}").code == 1
    record = json.loads(file.read_text())
    assert (record["environment"], record["exit_code"]) == ("dev", 1)
    assert "E104" in [each["code"] for each in record["problems"]]


def test_github_gets_annotations_a_summary_and_outputs(
    run, chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).write_text("before\n")
    result = run("plan", "--report", f"auto={tmp_path / 'out'}")
    assert result.code == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["plan-dev.html", "plan-dev.json", "plan-dev.md"]
    assert "Wrote" in result.err
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text().startswith("before\n<!-- provisioner:")
    assert "has_changes<<" in (tmp_path / "GITHUB_OUTPUT").read_text()
    chat.endpoint("nam: chat")
    assert "::error file=" in run("validate", "--report", "github").err


def test_gitlab_gets_what_its_widgets_read(
    run, chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GITLAB_CI", "true")
    run("plan", "--report", f"auto={tmp_path}")
    assert json.loads((tmp_path / "plan-dev.terraform.json").read_text())["create"] == 1
    assert json.loads((tmp_path / "plan-dev.codequality.json").read_text()) == []
    assert (tmp_path / "plan-dev.junit.xml").exists()


def test_azure_gets_variables_and_a_summary(
    run, chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(tmp_path))
    result = run("plan", "--report", f"auto={tmp_path / 'out'}")
    assert "##vso[task.setvariable variable=provisioner_create;isOutput=true]1" in result.err
    assert f"##vso[task.uploadsummary]{tmp_path}/provisioner-plan-dev.md" in result.err
    assert (tmp_path / "provisioner-plan-dev.md").exists()


def test_a_saved_plan_is_shown_without_project_login_or_workspace(
    run, chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "plan.json"
    planned = run("plan", "--out", str(file))
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.chdir("/")
    assert run("show", str(file)).out == planned.out
    assert run("show", str(file), "-o", "json").json == json.loads(file.read_text())
    for name in FORMATS:
        assert run("show", str(file), "-o", name).code == 0
    folder = tmp_path / "shown"
    assert run("show", str(file), *reports(folder)).code == 0
    assert "model_serving_endpoints.chat" in (folder / "html").read_text()


def test_show_refuses_what_is_no_plan(run, chat, tmp_path: Path):
    file = tmp_path / "plan.json"
    file.write_text("{}")
    assert run("show", str(file)).code == 1


def test_reports_are_the_same_bytes_in_every_locale_and_for_every_hash_seed(
    run, chat, tmp_path: Path
):
    file = tmp_path / "plan.json"
    run("plan", "--out", str(file))
    written = []
    for seed, locale in (("0", "C"), ("4711", "C.UTF-8")):
        folder = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONUTF8": "0"}
        subprocess.run(
            [sys.executable, "-m", "provisioner", "show", str(file), *reports(folder)],
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        written.append([(folder / name).read_bytes() for name in FORMATS])
    assert written[0] == written[1]


READ_FROM_THE_END = """
import os, sys
listdir, scandir = os.listdir, os.scandir

class Reversed(list):
    def __enter__(self): return self
    def __exit__(self, *_): return None
    def close(self): pass
    def __next__(self): return self.pop(0)

os.listdir = lambda *words: sorted(listdir(*words), reverse=True)
os.scandir = lambda *words: Reversed(sorted(scandir(*words), key=lambda e: e.name, reverse=True))
"""
RUN = "import sys; from provisioner.cli import main; sys.exit(main(sys.argv[1:]))"
TIMES = re.compile(rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z")
PLACES = (
    {"PYTHONHASHSEED": "0", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "UTC"},
    {"PYTHONHASHSEED": "4711", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"},
)


@pytest.fixture
def many(run, repository, workspace):
    """A file for each of twelve endpoints, of which a plan creates, changes and leaves some."""
    files = {f"{letter}.yaml": f"shop-{11 - n}" for n, letter in enumerate("abcdefghijkl")}
    for number, (file, name) in enumerate(files.items()):
        text = (
            (ENDPOINT % json.dumps(HOSTILE))
            .replace("name: chat", f"name: {name}")
            .strip()
            .splitlines()
        )
        lines = "".join(f"      {line}\n" for line in text)
        kind = f"resources:\n  model_serving_endpoints:\n    {name}:\n{lines}"
        repository.write(f"manifests/{file}", kind)
        if number == 7:
            assert run("apply", "-y").code == 0
    for name in ("shop-11", "shop-9"):
        path = f"/api/2.0/serving-endpoints/{name}/tags"
        tags = [{"key": key, "value": "b"} for key in ("z", "ä", "B", "a")]
        workspace.call("PATCH", path, {"add_tags": tags})
    (repository.root / "manifests/d.yaml").unlink()
    return repository


@pytest.mark.parametrize("command", [("plan", "--prune"), ("plan", "-o", "json"), ("drift",)])
def test_a_run_is_the_same_bytes_whatever_the_order_of_files_locale_and_hash_seed(
    many, command: tuple[str, ...], tmp_path: Path
):
    written = []
    for at, place in enumerate(PLACES):
        script = RUN if at == 0 else READ_FROM_THE_END + RUN
        folder = tmp_path / str(at)
        # The streams of a pipe take their encoding from the locale; the words are the same.
        environment = {**os.environ, **place, "PYTHONIOENCODING": "utf-8"}
        words = [*command, "-C", str(many.root), "-e", "dev", *reports(folder)]
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        texts = [done.stdout, *((folder / name).read_bytes() for name in FORMATS)]
        written.append([TIMES.sub(b"TIME", text) for text in texts])
    assert len(written[0][0]) > 1000
    assert written[0] == written[1]


@pytest.mark.parametrize(("name", "file"), [("html", "plan.html"), ("markdown", "plan.md")])
def test_the_example_in_the_repository_is_what_the_tool_writes(
    name: str, file: str, tmp_path: Path
):
    def without_digest(text: str) -> str:
        return re.sub("sha256:[0-9a-f]{64}|sha256&#58;[0-9a-f]{64}", "DIGEST", text)

    expected = (ROOT / "examples" / "report" / file).read_text(encoding="utf-8")
    made = FORMATS[name].text(report_sample.made_in(tmp_path))
    assert without_digest(made) == without_digest(expected), "run: make pictures"


def test_the_way_to_apply_names_all_that_this_plan_takes(run, chat):
    said = run("plan", "--select", "chat", "--prune", "--report", "markdown=-").out
    assert "provisioner apply -e dev --select chat --prune\n" in said
    digest = run("plan", "--select", "chat", "--prune", "-o", "json").json["digest"]
    assert f"--expect-plan-digest {digest}" in said
    words = ["--select", "chat", "--prune", "--expect-plan-digest", digest]
    assert run("apply", *words).code == 0
