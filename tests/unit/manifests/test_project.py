"""The project file and the environments."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from provisioner.errors import FileError
from provisioner.manifests.project import (
    Environment,
    GuardLimits,
    WorkspaceSettings,
    chosen_environment,
    environment_names,
    find_root,
    read_environment,
    read_project,
)


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def problem_of(call, *arguments):
    with pytest.raises(FileError) as caught:
        call(*arguments)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("start", [".", "manifests", "manifests/deep/er"])
def test_the_root_is_the_nearest_folder_upward_with_a_project_file(tmp_path, start):
    write(tmp_path, "provisioner.yaml", "project: outer\n")
    write(tmp_path, "inner/provisioner.yaml", "project: inner\n")
    folder = tmp_path / "inner" / start
    folder.mkdir(parents=True, exist_ok=True)
    assert find_root(folder) == (tmp_path / "inner").resolve()


def test_without_a_project_file_there_is_no_root(tmp_path):
    problem = problem_of(find_root, tmp_path)
    assert problem.code == "E201"
    assert "provisioner.yaml" in problem.message
    assert "project: NAME" in problem.hint


def test_the_project_has_a_name(tmp_path):
    write(tmp_path, "provisioner.yaml", "# comment\nproject: chat-platform_2\n")
    assert read_project(tmp_path).name == "chat-platform_2"


PROJECTS = [
    pytest.param("", "E112", "1:1", id="empty"),
    pytest.param("projekt: x\n", "E104", "1:1", id="a typo"),
    pytest.param("{}\n", "E106", "1:1", id="no name"),
    pytest.param("project: 3\n", "E105", "1:10", id="a number"),
    pytest.param("project: Chat\n", "E109", "1:10", id="a capital letter"),
    pytest.param("project: a/b\n", "E109", "1:10", id="a slash"),
    pytest.param(f"project: {'a' * 64}\n", "E109", "1:10", id="64 characters"),
    pytest.param("project: [\n", "E101", "1:10", id="no YAML"),
]


@pytest.mark.parametrize(("text", "code", "place"), PROJECTS)
def test_a_bad_project_file(tmp_path, text, code, place):
    write(tmp_path, "provisioner.yaml", text)
    problem = problem_of(read_project, tmp_path)
    assert (problem.code, str(problem.where)) == (code, f"provisioner.yaml:{place}")


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    problem = problem_of(read_project, tmp_path)
    assert problem.code == "E208"
    assert problem.message == "cannot read `provisioner.yaml`: no such file or directory"


def test_a_link_to_nowhere_is_no_environment(tmp_path):
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/dev.yaml").symlink_to(tmp_path / "nowhere")
    assert environment_names(tmp_path) == ("local",)
    assert problem_of(read_environment, tmp_path, "dev").code == "E202"


FULL = """\
workspace: {profile: prod}
manifests: [manifests/*.yaml, shared/chat.yaml]
protected: true
guard: {destructive_percent: 10, destructive_count: 0}
"""

ENVIRONMENTS = [
    pytest.param(
        FULL,
        Environment(
            "dev",
            WorkspaceSettings(profile="prod"),
            ("manifests/*.yaml", "shared/chat.yaml"),
            True,
            GuardLimits(10, 0),
        ),
        id="everything",
    ),
    pytest.param(
        "workspace:\n  host: https://adb-1.azuredatabricks.net/\n",
        Environment("dev", WorkspaceSettings(host="https://adb-1.azuredatabricks.net")),
        id="a host, without the slash at its end",
    ),
    pytest.param(
        "workspace: {emulator: .provisioner/dev.sqlite}\nguard: {destructive_count: 9}\n",
        Environment(
            "dev",
            WorkspaceSettings(emulator=".provisioner/dev.sqlite"),
            guard=GuardLimits(destructive_count=9),
        ),
        id="an emulator, and half of the guard",
    ),
]


@pytest.mark.parametrize(("text", "expected"), ENVIRONMENTS)
def test_an_environment(tmp_path, text, expected):
    write(tmp_path, "environments/dev.yaml", text)
    assert read_environment(tmp_path, "dev") == expected


W = "workspace: {host: https://x}\n"

BAD_ENVIRONMENTS = [
    pytest.param("manifests: [x]\n", "E106", "1:1", "missing field `workspace`", id="no workspace"),
    pytest.param(
        "workspace: {}\n", "E108", "1:12", "exactly one of `host`, `profile`, `emulator`",
        id="no way to the workspace",
    ),
    pytest.param(
        "workspace: {host: https://x, profile: y}\n", "E108", "1:12", "exactly one of",
        id="two ways to the workspace",
    ),
    pytest.param(
        "workspace: {host: adb-1.example.com/ml/endpoints}\n", "E109", "1:19",
        "`adb-1.example.com/ml/endpoints` cannot", id="the address of a page",
    ),
    pytest.param("workspace: {host: [x]}\n", "E105", "1:19", "must be text", id="a list as host"),
    pytest.param(W + "protect: true\n", "E104", "2:1", "unknown field", id="a typo"),
    pytest.param(W + "variable: {a: b}\n", "E104", "2:1", "unknown field", id="one variable"),
    pytest.param(W + "variables: {a: null}\n", "E105", "2:16", "must be", id="a null variable"),
    pytest.param(W + "protected: yes\n", "E105", "2:12", "must be `true`", id="yes for true"),
    pytest.param(W + "manifests: x\n", "E105", "2:12", "must be a list", id="one pattern as text"),
    pytest.param(W + "manifests: []\n", "E108", "2:12", "`manifests` is empty", id="no patterns"),
    pytest.param(
        W + "guard: {destructive_percent: 101}\n", "E108", "2:30", "maximum is 100", id="over 100 %"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "place", "message"), BAD_ENVIRONMENTS)
def test_a_bad_environment(tmp_path, text, code, place, message):
    write(tmp_path, "environments/dev.yaml", text)
    problem = problem_of(read_environment, tmp_path, "dev")
    assert (problem.code, str(problem.where)) == (code, f"environments/dev.yaml:{place}")
    assert message in problem.message


def test_environments_are_named_after_their_files(tmp_path):
    for name in ("prod", "dev", "releases/dev"):
        write(tmp_path, f"environments/{name}.yaml", W)
    write(tmp_path, "environments/README.md", "x")
    assert environment_names(tmp_path) == ("dev", "prod")


def test_without_environments_there_is_a_local_one(tmp_path):
    assert environment_names(tmp_path) == ("local",)
    local = read_environment(tmp_path, "local")
    assert local.workspace == WorkspaceSettings(emulator=".provisioner/local.sqlite")
    assert local.manifests == ("manifests/**/*.yaml", "manifests/**/*.yml")
    assert asdict(local.guard) == {"destructive_percent": 30, "destructive_count": 5}
    assert not local.protected


def test_the_local_environment_is_there_only_where_there_is_no_other(tmp_path):
    write(tmp_path, "environments/dev.yaml", W)
    with pytest.raises(FileError, match="there is no environment `local`"):
        read_environment(tmp_path, "local")
    write(tmp_path, "environments/local.yaml", W)
    assert read_environment(tmp_path, "local").workspace.host == "https://x"


def test_the_environment_of_a_command_that_names_none(tmp_path, monkeypatch):
    write(tmp_path, "provisioner.yaml", "project: shop\n")
    assert chosen_environment(tmp_path, "") == "local"
    for name in ("dev", "prod"):
        write(tmp_path, f"environments/{name}.yaml", W)
    with pytest.raises(FileError) as refused:
        chosen_environment(tmp_path, "")
    assert "-e (`dev`, `prod`)" in refused.value.problems[0].hint
    write(tmp_path, "provisioner.yaml", "project: shop\ndefault_environment: dev\n")
    assert chosen_environment(tmp_path, "") == "dev"
    monkeypatch.setenv("PROVISIONER_ENVIRONMENT", "prod")
    assert chosen_environment(tmp_path, "") == "prod"
    assert chosen_environment(tmp_path, "dev") == "dev"


UNKNOWN = [
    pytest.param("stagng", "did you mean `staging`?", id="a typo"),
    pytest.param("live", "the environments are `prod`, `staging`", id="another name"),
    pytest.param("test", "rename `environments/test.yml` to `test.yaml`", id="the other ending"),
    pytest.param("../environments/prod", "the environments are `prod`, `staging`", id="a path"),
]


@pytest.mark.parametrize(("name", "hint"), UNKNOWN)
def test_an_unknown_environment(tmp_path, name, hint):
    for file in ("prod.yaml", "staging.yaml", "test.yml"):
        write(tmp_path, f"environments/{file}", W)
    problem = problem_of(read_environment, tmp_path, name)
    assert (problem.code, problem.message) == ("E202", f"there is no environment `{name}`")
    assert hint in problem.hint


@pytest.mark.parametrize("name", ["Prod EU", "-x", "a" * 64, "ümlaut"])
def test_a_file_name_that_cannot_be_a_name(tmp_path, name):
    write(tmp_path, f"environments/{name}.yaml", W)
    assert problem_of(read_environment, tmp_path, name).code == "E210"


PASTED_HOSTS = {
    "as it is": "https://adb-1.7.azuredatabricks.net",
    "without a scheme, as the CLI takes it": "adb-1.7.azuredatabricks.net",
    "with a slash": "https://adb-1.7.azuredatabricks.net/",
    "from the bar of a browser": "https://adb-1.7.azuredatabricks.net/?o=123#foo",
    "with the workspace only": "https://adb-1.7.azuredatabricks.net?o=123",
}


@pytest.mark.parametrize("host", PASTED_HOSTS.values(), ids=PASTED_HOSTS)
def test_a_pasted_host_is_read_as_the_address_of_the_workspace(tmp_path, host):
    write(tmp_path, "environments/dev.yaml", f"workspace: {{host: '{host}'}}\n")
    environment = read_environment(tmp_path, "dev")
    assert environment.workspace.host == "https://adb-1.7.azuredatabricks.net"


def test_the_address_of_a_page_is_answered_with_the_address_of_the_workspace(tmp_path):
    page = "https://adb-1.7.azuredatabricks.net/ml/endpoints?o=1"
    write(tmp_path, "environments/dev.yaml", f"workspace: {{host: '{page}'}}\n")
    hint = problem_of(read_environment, tmp_path, "dev").hint
    assert hint == "write only the URL of the workspace: https://adb-1.7.azuredatabricks.net"
