"""What users get wrong: one clear error at the right place, and never a traceback."""

from __future__ import annotations

import re
import socket

import pytest

GOOD = """\
resources:
  model_serving_endpoints:
    chat:
      name: chat
      config:
        served_entities:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openai
              task: llm/v1/chat
              openai_config:
                openai_api_key: "{{secrets/keys/openai}}"
"""
SECOND = """\
          - name: claude
            external_model:
              name: claude
              provider: anthropic
              task: llm/v1/chat
              anthropic_config:
                anthropic_api_key: "{{secrets/keys/anthropic}}"
"""
ROUTES = """\
        traffic_config:
          routes:
            - {served_entity_name: gpt, traffic_percentage: 90}
            - {served_entity_name: claude, traffic_percentage: 10}
"""
KEY = '                openai_api_key: "{{secrets/keys/openai}}"\n'


def change(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new, 1)


MISTAKES = [
    pytest.param(
        change("provider: openai", "providr: openai"),
        "10:15",
        ["unknown field `providr`", "did you mean `provider`?"],
        id="an unknown field",
    ),
    pytest.param(
        change("served_entities:\n", "served_entities: gpt\n").split("          - name")[0],
        "6:26",
        ["list"],
        id="a wrong type",
    ),
    pytest.param(
        change("              task: llm/v1/chat\n", ""),
        "8:13",
        ["task"],
        id="a required field that is missing",
    ),
    pytest.param(
        change("              openai_config:\n" + KEY, ""),
        "10:25",
        ["openai_config"],
        id="a provider without its block",
    ),
    pytest.param(
        change("provider: openai", "provider: anthropic"),
        "12:15",
        ["openai_config", "anthropic"],
        id="a provider with another's block",
    ),
    pytest.param(
        change(KEY, KEY + "                openai_api_key_plaintext: ${env.KEY}\n"),
        "14:17",
        ["openai_api_key", "openai_api_key_plaintext"],
        id="a secret and its plaintext twin",
    ),
    pytest.param(
        change(KEY, "                openai_organization: shop\n"),
        "12:15",
        ["openai_api_key", "openai_api_key_plaintext"],
        id="neither a secret nor its plaintext twin",
    ),
    pytest.param(
        change("{{secrets/keys/openai}}", "{secrets/keys/openai}"),
        "13:33",
        ["{{secrets/"],
        id="a malformed secret reference",
    ),
    pytest.param(
        change('"{{secrets/keys/openai}}"', "{{secrets/keys/openai}}"),
        "13:33",
        ["quote"],
        id="a secret reference that is not quoted",
    ),
    pytest.param(
        change(
            GOOD[GOOD.index("            external_model") :],
            "            entity_name: shop.models.chat\n            entity_version: 3.10\n"
            "            workload_size: Small\n            scale_to_zero_enabled: true\n",
        ),
        "9:29",
        ["3.10", '"3.10"'],
        id="a version that YAML takes for a number",
    ),
    pytest.param(
        GOOD + SECOND + change("traffic_percentage: 90", "traffic_percentage: 80", ROUTES),
        "22:11",
        ["90", "100"],
        id="traffic that adds up to 90",
    ),
    pytest.param(
        GOOD + SECOND + change("name: claude", "name: cluade", ROUTES),
        "24:36",
        ["cluade", "did you mean `claude`?"],
        id="a route to an entity that does not exist",
    ),
    pytest.param(
        GOOD + change("name: claude", "name: gpt", SECOND),
        "14:19",
        ["gpt", "more than one"],
        id="two entities of one name",
    ),
    pytest.param(
        GOOD + change("llm/v1/chat", "llm/v1/completions", SECOND) + ROUTES,
        "18:21",
        ["llm/v1/completions", "llm/v1/chat"],
        id="two tasks in one endpoint",
    ),
    pytest.param(
        change("      name: chat\n", "      name: chat\n      name: other\n"),
        "5:7",
        ["name", "4"],
        id="a key that stands twice",
    ),
    pytest.param(
        change("      name: chat\n", "\tname: chat\n"), "4:1", ["tab"], id="a tab as indentation"
    ),
    pytest.param(
        change("      name: chat\n", "      name:\n"),
        "4:7",
        ["`name` must be text", "hint: give it a value\n"],
        id="an empty field that may not be left out",
    ),
    pytest.param(
        change("      name: chat\n", "      name: my chat\n"),
        "4:13",
        ["1 to 63 letters, digits"],
        id="a name with a blank",
    ),
    pytest.param(
        GOOD + "      email_notifications: {on_update_failure: [nobody]}\n",
        "14:49",
        ["`nobody`", "such as `team@example.com`"],
        id="an address that is none",
    ),
    pytest.param(
        "resources:\n  secret_scopes:\n    keys:\n      name: keys\n"
        "      secrets: {k: {from_file: ../key}}\n",
        "5:32",
        ["`../key`", "leads out of the project"],
        id="a secret from a file outside of the project",
    ),
    pytest.param("a: " + "[" * 100_000, "1:", ["nest"], id="a hundred thousand brackets"),
    pytest.param(
        "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)),
        "",
        ["do not use aliases inside anchors"],
        id="an alias bomb",
    ),
    pytest.param("# " + "x" * 5_000_000, "", ["MB"], id="a file of five megabytes"),
    pytest.param("", "1:1", ["empty"], id="an empty file"),
]


def errors_in(text: str) -> list[str]:
    return re.findall(r"^error\[E\d+\].*$", text, re.MULTILINE)


@pytest.mark.parametrize(("text", "place", "words"), MISTAKES)
def test_a_mistake_gives_one_error_at_its_place(repository, run, text, place, words):
    repository.write("manifests/endpoint.yaml", text)
    result = run("validate")
    assert result.code == 1
    assert "Traceback" not in result.err
    assert len(errors_in(result.err)) == 1, result.err
    if place:
        assert f"--> manifests/endpoint.yaml:{place}" in result.err, result.err
    for word in words:
        assert word in result.err, result.err


def test_a_file_that_is_no_utf_8_is_told_with_its_line(repository, run):
    path = repository.root / "manifests/endpoint.yaml"
    path.parent.mkdir()
    path.write_bytes(b"resources:\n  x: \xff\xfe\n")
    result = run("validate")
    assert result.code == 1
    assert len(errors_in(result.err)) == 1
    assert "UTF-8" in result.err
    assert "manifests/endpoint.yaml:2" in result.err


def test_all_problems_of_all_files_are_told_at_once_in_order(repository, run):
    repository.write("manifests/a.yaml", change("provider: openai", "providr: openai"))
    other = change("task: llm/v1/chat", "task: 7", change("chat:", "other:", GOOD))
    repository.write("manifests/b.yaml", change("name: chat", "name: other", other))
    result = run("validate")
    places = re.findall(r"--> (\S+)", result.err)
    assert [place.split(":")[0] for place in places] == [
        "manifests/a.yaml",
        "manifests/b.yaml",
    ] or [place.split(":")[0] for place in places] == [
        "manifests/a.yaml",
        "manifests/a.yaml",
        "manifests/b.yaml",
    ], result.err


def test_a_resource_of_several_environments_counts_once(planned, capsys):
    from provisioner.cli import main

    planned.write("environments/other.yaml", "workspace: {emulator: .provisioner/other.sqlite}\n")
    assert main(["validate", "-C", str(planned.root)]) == 0
    said = capsys.readouterr()
    assert "1 resource in 1 file, 2 environments: valid (" in said.out + said.err


def test_a_folder_of_manifests_that_is_missing(repository, run):
    result = run("validate")
    assert result.code == 1
    assert len(errors_in(result.err)) == 1
    assert "manifests/*.yaml" in result.err


def test_a_folder_without_a_project_file(tmp_path, capsys):
    from provisioner.cli import main

    assert main(["validate", "-C", str(tmp_path)]) == 1
    assert "provisioner.yaml" in capsys.readouterr().err


def test_a_literal_key_is_refused_and_not_repeated(repository, run):
    repository.write(
        "manifests/endpoint.yaml",
        change(KEY, "                openai_api_key_plaintext: sk-literal-key\n"),
    )
    result = run("validate")
    assert result.code == 1
    assert len(errors_in(result.err)) == 1
    assert "{{secrets/" in result.err
    assert "sk-literal-key" not in result.err


@pytest.fixture
def planned(repository):
    repository.write("manifests/endpoint.yaml", GOOD)
    return repository


def test_a_wrong_token(planned, run, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-wrong")
    result = run("plan")
    assert result.code == 1
    assert len(errors_in(result.err)) == 1
    assert "dapi-wrong" not in result.err
    assert "token" in result.err


def test_no_token_at_all(planned, run, monkeypatch):
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("PATH", "")  # nobody's az or databricks command is to be asked
    result = run("plan")
    assert result.code == 1
    assert len(errors_in(result.err)) == 1
    assert "DATABRICKS_TOKEN" in result.err


def test_a_host_that_nobody_answers_at(planned, run):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    planned.write(
        "environments/dev.yaml",
        f"workspace: {{host: 'http://127.0.0.1:{port}'}}\nmanifests: [manifests/*.yaml]\n",
    )
    result = run("plan")
    assert result.code == 1
    assert len(errors_in(result.err)) == 1
    assert f"127.0.0.1:{port}" in result.err


def test_a_host_in_the_environment_that_is_another_workspace(planned, run, monkeypatch, workspace):
    monkeypatch.setenv("DATABRICKS_HOST", "https://dev.example.com")
    result = run("plan")
    assert result.code == 1
    assert len(errors_in(result.err)) == 1
    assert "dev.example.com" in result.err
    assert "127.0.0.1" in result.err
    assert workspace.requests() == []


def test_a_port_that_is_taken(tmp_path, capsys):
    from provisioner.cli import main

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["emulator", "start", "-C", str(tmp_path), "--port", port]) == 1
    said = capsys.readouterr().err
    assert "error[E809]" in said
    assert port in said
