"""``init``: a repository that works at once, and that never overwrites one."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest

from provisioner import __version__
from provisioner.cli import main
from provisioner.cli.init import TEMPLATES
from provisioner.commands.init.init import KINDS_OF_STARTER, SYSTEMS
from provisioner.commands.init.wheel import installed_wheel


@pytest.fixture
def init(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["init", str(tmp_path / "shop"), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_new_repository_works_at_once_without_a_key(init, tmp_path: Path, capsys):
    code, out, err = init("--ci", "none")
    assert code == 0
    assert "+ manifests/chat.yaml" in out.splitlines()
    assert "next: provisioner apply -y" in err
    folder = ["-C", str(tmp_path / "shop")]
    assert main(["validate", *folder]) == 0
    assert main(["fmt", "--check", *folder]) == 0
    assert main(["apply", "-y", *folder]) == 0
    assert main(["plan", "--detailed-exitcode", *folder]) == 0
    assert main(["verify", *folder]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("template", KINDS_OF_STARTER)
def test_each_template_is_a_project_that_can_be_applied_at_once(
    template: str, init, tmp_path: Path, capsys
):
    words = [word for system in SYSTEMS for word in ("--ci", system)]
    assert init("--template", template, *words)[0] == 0
    folder = ["-C", str(tmp_path / "shop")]
    for command in ("validate", "fmt --check", "apply -y", "plan --detailed-exitcode"):
        assert main([*command.split(), *folder]) == 0, capsys.readouterr().err
    readme = (tmp_path / "shop" / "README.md").read_text(encoding="utf-8")
    try_it = KINDS_OF_STARTER[template].try_it
    assert f"$ {try_it}\n" in readme
    assert main([*shlex.split(try_it)[1:], *folder]) == 0, capsys.readouterr().err
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (tmp_path / "shop").rglob("*.y*ml")
        if ".provisioner" not in path.parts
    )
    assert "#@key" not in text
    assert ("OPENAI_API_KEY" in text) is KINDS_OF_STARTER[template].has_key
    capsys.readouterr()


def test_the_help_names_every_template():
    assert set(TEMPLATES.choices) == set(KINDS_OF_STARTER)


def test_a_terminal_is_asked_for_what_no_option_chooses(tmp_path: Path):
    shop = tmp_path / "shop"
    leader, follower = pty.openpty()
    os.write(leader, b"pay-per-token\n\nnone\n")
    command = [sys.executable, "-m", "provisioner", "init", str(shop)]
    done = subprocess.run(
        command, stdin=follower, stdout=subprocess.PIPE, stderr=follower, text=True, check=False
    )
    os.close(follower)
    os.close(leader)
    assert done.returncode == 0
    assert (shop / "manifests" / "llama.yaml").is_file()
    assert "project: shop\n" in (shop / "provisioner.yaml").read_text()
    assert not (shop / ".github").exists()


def wheel_in(folder: Path, version: str = __version__) -> Path:
    folder.mkdir(exist_ok=True)
    wheel = folder / f"serving_provisioner-{version}-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    return wheel


HASH = hashlib.sha256(b"a wheel").hexdigest()


def test_the_wheel_comes_with_the_repository_and_is_pinned_by_its_hash(init, tmp_path: Path):
    wheel = wheel_in(tmp_path / "made")
    code, out, err = init("--wheel", str(wheel))
    assert code == 0
    shop = tmp_path / "shop"
    assert (shop / "wheels" / wheel.name).read_bytes() == b"a wheel"
    line = (shop / "requirements-tool.txt").read_text().splitlines()[-1]
    assert line == f"./wheels/{wheel.name} --hash=sha256:{HASH}"
    assert f"+ wheels/{wheel.name}" in out.splitlines()
    assert "requirements-tool.txt" not in err


class Installed(NamedTuple):
    """An installation that recorded where it came from, as ``importlib.metadata`` shows it."""

    record: str

    def read_text(self, name: str) -> str | None:
        return self.record if name == "direct_url.json" else None


RECORDS = {
    "the file is still there": ({"url": "{wheel}", "archive_info": {}}, True),
    "with the hash of the file": (
        {"url": "{wheel}", "archive_info": {"hash": f"sha256={HASH}"}},
        True,
    ),
    "built again since": ({"url": "{wheel}", "archive_info": {"hash": "sha256=0a"}}, False),
    "the file is gone": ({"url": "{wheel}.gone.whl"}, False),
    "a checkout": ({"url": "file:///home", "dir_info": {"editable": True}}, False),
    "an index": ({}, False),
}


@pytest.mark.parametrize("case", RECORDS)
def test_without_a_wheel_the_one_that_was_installed_is_taken(
    case: str, tmp_path: Path, monkeypatch
):
    record, found = RECORDS[case]
    url = wheel_in(tmp_path / "made").as_uri()
    text = json.dumps(record).replace("{wheel}", url)
    monkeypatch.setattr(metadata, "distribution", lambda name: Installed(text))
    assert (installed_wheel() is not None) is found


def test_without_any_wheel_the_missing_line_is_named(init, tmp_path: Path):
    code, _, err = init()
    assert code == 0
    assert "next: add the line that installs provisioner: see requirements-tool.txt" in err
    text = (tmp_path / "shop" / "requirements-tool.txt").read_text()
    assert "The line that installs provisioner is missing" in text
    assert all(line.startswith("#") for line in text.splitlines())
    assert "--hash=sha256:" in (tmp_path / "shop" / "requirements.txt").read_text()


@pytest.mark.parametrize("name", ["other-1.0-py3-none-any.whl", "serving_provisioner-9.9.9"])
def test_a_file_that_is_no_wheel_of_this_version_is_refused(name: str, init, tmp_path: Path):
    wheel = wheel_in(tmp_path / "made", "9.9.9")
    path = wheel if "serving" in name else wheel.with_name(name)
    code, _, err = init("--wheel", str(path))
    assert code == 1
    assert "error[E864]" in err
    assert not (tmp_path / "shop").exists()


def test_editors_find_the_schema_of_every_file(init, tmp_path: Path):
    init("--ci", "none")
    for path in (tmp_path / "shop").rglob("*.yaml"):
        if path.name.startswith("."):
            continue
        line = path.read_text(encoding="utf-8").splitlines()[0]
        assert line.startswith("# yaml-language-server: $schema=")
        assert (path.parent / line.partition("=")[2]).is_file(), path


def test_each_system_brings_its_own_pipelines(init, tmp_path: Path):
    init("--ci", "gitlab", "--ci", "azure")
    names = tree(tmp_path / "shop")
    assert {".gitlab-ci.yml", "azure-pipelines.yml", ".azure/deploy.yml"} <= names.keys()
    assert not [name for name in names if name.startswith(".github")]


REMOTES = {
    "git@github.com:owner/shop.git": ".github/workflows/plan.yml",
    "https://gitlab.example.org/group/shop.git": ".gitlab-ci.yml",
    "https://owner@dev.azure.com/owner/project/_git/shop": "azure-pipelines.yml",
    "ssh://git.example.org/shop.git": ".github/workflows/plan.yml",
}


@pytest.mark.parametrize("address", REMOTES)
def test_the_remote_says_which_pipelines(address: str, init, tmp_path: Path):
    shop = tmp_path / "shop"
    subprocess.run(["git", "init", "-q", str(shop)], check=True)
    subprocess.run(["git", "-C", str(shop), "remote", "add", "origin", address], check=True)
    assert init()[0] == 0
    assert (shop / REMOTES[address]).is_file()


def test_a_file_that_is_there_is_refused_by_name_and_nothing_is_written(init, tmp_path: Path):
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "README.md").write_text("mine\n")
    (shop / ".gitignore").symlink_to(tmp_path / "nowhere")
    code, _, err = init()
    assert code == 1
    assert "E860" in err
    assert "2 files exist already: `.gitignore`, `README.md`" in err
    assert err.count("hint:") == 1
    assert tree(shop) == {"README.md": b"mine\n"}


def test_what_is_there_can_be_kept(init, tmp_path: Path):
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "README.md").write_text("mine\n")
    code, out, _ = init("--keep-existing", "-o", "json")
    assert code == 0
    written = json.loads(out)["written"]
    assert "README.md" not in written
    assert sorted(tree(shop)) == sorted([*written, "README.md"])
    assert (shop / "README.md").read_text() == "mine\n"


def test_pipelines_below_the_top_of_a_repository_are_told(init, tmp_path: Path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert "move the files from shop/" in init()[2]


def test_what_is_given_stands_in_the_files(init, tmp_path: Path):
    code, *_ = init(
        "--project", "risk", "--host", "prod=https://prod.example.org/", "--package", "p==1"
    )
    assert code == 0
    shop = tmp_path / "shop"
    assert "project: risk\n" in (shop / "provisioner.yaml").read_text()
    assert "host: https://prod.example.org\n" in (shop / "environments/prod.yaml").read_text()
    assert (shop / "requirements-tool.txt").read_text().endswith("\np==1\n")


WRONG = {
    "a name that no project can have": (["--project", "My Shop"], "E862"),
    "a host without an environment": (["--host", "https://prod.example.org"], "E863"),
    "a host for an environment that is not written": (["--host", "qa=https://x.org"], "E863"),
    "a host with a path": (["--host", "prod=https://x.org/?o=1"], "E863"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options_write_nothing(case: str, init, tmp_path: Path):
    words, code = WRONG[case]
    exit_code, _, err = init(*words)
    assert exit_code == 1
    assert code in err
    assert not (tmp_path / "shop").exists()


def test_a_folder_that_cannot_be_written_is_an_error(init, tmp_path: Path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "environments").write_text("a file\n")
    code, _, err = init("--ci", "none")
    assert code == 1
    assert "E861" in err


def test_the_page_shows_what_doctor_says(init, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    page = Path(__file__).parents[3] / "docs" / "start" / "your-workspace.md"
    readme = page.read_text(encoding="utf-8")
    init("--ci", "github")
    assert main(["doctor", "-e", "staging", "-C", str(tmp_path / "shop")]) == 1
    said = capsys.readouterr().out
    told = readme.split("$ provisioner doctor -e staging\n...\n")[1].split("```")[0]
    assert told in said
