"""What ``connect`` prints is run as it is printed, against the local workspace."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from provisioner.cli import main
from provisioner.cli.connect import command as connect_command

MANIFEST = """
resources:
  model_serving_endpoints:
    chat:
      name: talk
      config:
        served_entities:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openai
              task: llm/v1/chat
              openai_config: &key
                openai_api_key: "{{secrets/providers/key}}"
      checks:
        - name: quotes
          messages:
            - {role: system, content: "Be brief. Don't say \\"no\\"."}
            - {role: user, content: "Who's there? \\\\o/ Übermut 混合"}
          temperature: 0.5
    completions:
      name: complete
      config:
        served_entities:
          - name: instruct
            external_model:
              name: gpt-3.5-turbo-instruct
              provider: openai
              task: llm/v1/completions
              openai_config: *key
    embeddings:
      name: embed
      config:
        served_entities:
          - name: ada
            external_model:
              name: text-embedding-ada-002
              provider: openai
              task: llm/v1/embeddings
              openai_config: *key
    records: &model
      name: records
      config:
        served_entities:
          - name: champion
            entity_name: main.risk.fraud
            entity_version: "1"
            workload_size: Small
            scale_to_zero_enabled: true
      checks:
        - {name: rows, dataframe_records: [{amount: 1.5, land: "it's"}, {amount: null, land: x}]}
    split:
      <<: *model
      name: split
      checks:
        - {name: rows, dataframe_split: {columns: [a, b], data: [[1, x], [2, y]]}}
  model_provider_services:
    openai:
      parent: schemas/main.gw
      model_provider_service_id: openai
      config:
        provider_type: EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI
        openai: {direct: {api_key: {plaintext: "${env.GATEWAY_KEY}"}}}
        targets:
          - {model: gpt-5, native_api_types: [openai/v1/chat/completions]}
          - {model: ada, native_api_types: [openai/v1/embeddings]}
  model_services:
    chat_service:
      parent: schemas/main.gw
      model_service_id: chat
      config:
        routing:
          destinations:
            - name: gpt
              destination_type: DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL
              external_model_config:
                model_provider_service: model-provider-services/main.gw.openai
                target: {model: gpt-5}
      checks:
        - {name: quotes, messages: [{role: user, content: "Übermut 混合"}], temperature: 0.5}
    embed_service:
      parent: schemas/main.gw
      model_service_id: embed
      config:
        routing:
          destinations:
            - name: ada
              destination_type: DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL
              external_model_config:
                model_provider_service: model-provider-services/main.gw.openai
                target: {model: ada, native_api_types: [openai/v1/embeddings]}
"""
TEXTS = dict.fromkeys(("chat", "chat_service"), "Übermut 混合")
TEXTS["completions"] = "mixture of experts"
SERVICES = ("chat_service", "embed_service")
CASES = [
    *((name, client) for name in SERVICES for client in ("openai", "curl", "langchain")),
    *(
        (name, client)
        for name in ("chat", "completions")
        for client in ("openai", "curl", "mlflow", "sdk")
    ),
    *(("embeddings", client) for client in ("openai", "curl", "mlflow", "sdk")),
    *((name, client) for name in ("records", "split") for client in ("curl", "mlflow", "sdk")),
    *((name, "langchain") for name in ("chat", "completions", "embeddings")),
]
NEEDED = {"chat": "databricks_langchain", "embeddings": "databricks_langchain"}


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def project(server, post, tmp_path_factory, monkeypatch_module):
    """A project whose endpoints are live in the local workspace."""
    root: Path = tmp_path_factory.mktemp("project")
    (root / "manifests").mkdir()
    (root / "environments").mkdir()
    (root / "provisioner.yaml").write_text("project: shop\ndefault_environment: local\n")
    (root / "manifests" / "all.yaml").write_text(MANIFEST, encoding="utf-8")
    environment = f"workspace: {{host: {server.url}}}\n"
    (root / "environments" / "local.yaml").write_text(environment)
    (root / "environments" / "laptop.yaml").write_text("workspace: {emulator: laptop.sqlite}\n")
    post("/api/2.0/secrets/scopes/create", {"scope": "providers"})
    post("/api/2.0/secrets/put", {"scope": "providers", "key": "key", "string_value": "sk-x"})
    monkeypatch_module.setenv("GATEWAY_KEY", "sk-x")
    assert main(["apply", "-C", str(root), "-y", "-q"]) == 0
    return root


@pytest.fixture
def snippet(project, capsys) -> Callable[..., str]:
    """What ``connect`` prints for a name and a client."""

    def printed(name: str, client: str, environment: str = "local") -> str:
        capsys.readouterr()
        words = ["-q", "-e", environment, "--client", client]
        assert main(["connect", "-C", str(project), name, *words]) == 0
        return capsys.readouterr().out

    return printed


@pytest.fixture
def answer(server, capsys, monkeypatch) -> Callable[[str, str], str]:
    """What a program of a client prints."""

    def printed(client: str, program: str) -> str:
        assert server.token not in program
        monkeypatch.setenv("DATABRICKS_HOST", server.url)
        if client == "curl":
            return of_a_shell(program)
        exec(compile(program, "snippet.py", "exec"), {})
        return capsys.readouterr().out

    return printed


@pytest.mark.parametrize(("name", "client"), CASES)
# Clients warn about themselves; what they do is what counts here.
@pytest.mark.filterwarnings("ignore")
def test_a_snippet_asks_its_endpoint(snippet, answer, server, name, client):
    program = snippet(name, client)
    assert server.url in program
    needed = NEEDED.get(name, "langchain_openai")
    if client == "langchain" and not importlib.util.find_spec(needed):
        pytest.skip(f"{needed} is in the extra `langchain`, with which come 700 MB")
    assert (TEXTS.get(name) or "0.") in answer(client, program)


@pytest.mark.parametrize("client", ["openai", "curl", "mlflow", "sdk"])
@pytest.mark.filterwarnings("ignore")
def test_a_local_workspace_is_found_through_the_environment(snippet, answer, server, client):
    program = snippet("chat", client, environment="laptop")
    assert server.url not in program
    assert TEXTS["chat"] in answer(client, program)


def of_a_shell(program: str) -> str:
    """What the answer of curl says, whatever the task."""
    done = subprocess.run(["/bin/sh", "-c", program], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    return json.dumps(said.get("choices", said), ensure_ascii=False)


@pytest.mark.parametrize("name", ["chat", "completions", "embeddings", "records", "split"])
def test_the_sql_is_run_as_a_statement(snippet, post, name):
    pytest.importorskip("duckdb")
    statement = {"statement": snippet(name, "sql"), "warehouse_id": "a1b2c3d4e5f60718"}
    said = post("/api/2.0/sql/statements", statement)
    assert said["status"] == {"state": "SUCCEEDED"}
    assert said["manifest"]["schema"]["columns"][0]["name"] == "answer"
    ((answer,),) = said["result"]["data_array"]
    assert (TEXTS.get(name) or "0.") in answer


def test_the_sql_escapes_what_would_end_its_texts(snippet):
    assert snippet("chat", "sql") == dedent("""\
        SELECT ai_query(
          'talk',
          request => 'Who\\'s there? \\\\o/ Übermut 混合',
          modelParameters => named_struct('temperature', 0.5)
        ) AS answer;
        """)
    assert "named_struct('amount', 1.5, 'land', 'it\\'s')" in snippet("records", "sql")


def test_what_is_in_no_manifest_is_looked_up_live(snippet, post):
    entity = {
        "name": "claude",
        "external_model": {
            "name": "claude-2",
            "provider": "anthropic",
            "task": "llm/v1/completions",
            "anthropic_config": {"anthropic_api_key_plaintext": "x"},
        },
    }
    body = {"name": "by-hand", "config": {"served_entities": [entity]}}
    post("/api/2.0/serving-endpoints", body)
    assert 'client.completions.create(\n    model="by-hand"' in snippet("by-hand", "openai")
    assert "chat.completions" in snippet("databricks-dbrx-instruct", "openai")


def test_the_address_of_a_profile_is_filled_in_without_a_login(snippet, project, monkeypatch):
    config = project / "databrickscfg"
    config.write_text("[far]\nhost = https://far.cloud.databricks.com/\ntoken = dapi-secret\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(config))
    (project / "environments" / "far.yaml").write_text("workspace: {profile: far}\n")
    program = snippet("chat", "sdk", environment="far")
    assert 'WorkspaceClient(host="https://far.cloud.databricks.com")' in program
    assert "dapi" not in program


def test_the_clients_are_listed_with_those_that_cannot_ask(project, capsys):
    folder = ["-C", str(project)]
    assert main(["connect", *folder, "records"]) == 0
    out = capsys.readouterr().out
    assert "sdk        the Databricks SDK" in out
    assert "OpenAI client for Python (not here: it does not send rows)" in out
    assert main(["connect", *folder, "records", "-o", "json", "--client"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["client"] for one in listed["clients"] if one["why_not"]] == ["openai", "langchain"]
    assert (listed["name"], listed["task"]) == ("records", "custom")


def test_the_help_names_every_client():
    from provisioner.kinds.model_serving_endpoints.invocation.client_examples import NAMES

    (option,) = [one for one in connect_command.params if one.name == "client"]
    assert all(name in option.help for name in NAMES)


MISTAKES = [
    pytest.param(["chat", "--client", "opnai"], "did you mean `openai`?", id="a typo"),
    pytest.param(["records", "--client", "openai"], "use `--client sdk`", id="no rows"),
    pytest.param(["chatt", "--client", "sdk"], "did you mean `chat`?", id="no such endpoint"),
]


@pytest.mark.parametrize(("words", "hint"), MISTAKES)
def test_what_cannot_be_is_refused_with_a_hint(project, capsys, words, hint):
    assert main(["connect", "-C", str(project), *words]) == 1
    assert hint in capsys.readouterr().err


def test_what_cannot_ask_a_service_says_why(project, capsys):
    assert main(["connect", "-C", str(project), "chat_service", "-o", "json", "--client"]) == 0
    listed = json.loads(capsys.readouterr().out)
    unable = {one["client"] for one in listed["clients"] if one["why_not"]}
    assert unable == {"mlflow", "sdk", "sql"}


def test_a_service_that_no_manifest_declares_is_asked_by_its_full_name(project, capsys, post):
    found = {"name": "g", "destination_type": "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL"}
    found["pay_per_token_config"] = {"model": "models/system.ai.gpt-oss-20b"}
    path = "/api/2.1/unity-catalog/model-services?parent=schemas/main.gw&model_service_id=oss"
    post(path, {"config": {"routing": {"destinations": [found]}}})
    prompt = ["--prompt", "What is a quoll?"]
    assert main(["query", "-C", str(project), "main.gw.oss", "-q", *prompt]) == 0
    assert "quoll" in capsys.readouterr().out
    assert main(["query", "-C", str(project), "main.gw.none", "-q", *prompt]) == 1
    assert "there is no model service `main.gw.none`" in capsys.readouterr().err


def test_the_checks_of_a_service_are_carried_out(project, capsys):
    assert main(["verify", "-C", str(project), "--select", "chat_service", "-o", "json"]) == 0
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert (check["name"], check["check"], check["passed"]) == ("main.gw.chat", "quotes", True)
