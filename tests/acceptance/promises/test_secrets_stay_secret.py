"""A canary in every place where a secret can be: it must appear in nothing that we write."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from provisioner.commands.reports.formats import FORMATS

CANARIES = {
    "SCOPE_KEY": "canary/scope+key=1 ",
    "PLAIN_KEY": "canary-plain-key-2",
    "ENTRA_SECRET": "canary-entra-secret-3",
    "AWS_ID": "canary-aws-id-4",
    "AWS_KEY": "canary-aws-key-5",
    "BEARER": "canary-bearer-6",
    "HEADER": "canary-header-7",
    "PRIVATE_KEY": "canary-private-key-8",
    "CATALOG_KEY": "canary/catalog+key=10",
    "GATEWAY_KEY": "canary-gateway-key-11",
}
MANIFEST = """
resources:
  secret_scopes:
    keys:
      name: keys
      secrets:
        one: {from_env: SCOPE_KEY}
        two: {from_file: key.txt}
  model_serving_endpoints:
    openai:
      name: openai
      checks: [{name: answers, prompt: Hello}]
      config:
        served_entities:
          - name: plain
            external_model:
              {name: gpt-4o, provider: openai, task: llm/v1/chat,
               openai_config: {openai_api_key_plaintext: "${env.PLAIN_KEY}"}}
    entra:
      name: entra
      config:
        served_entities:
          - name: azure
            external_model:
              name: gpt-4o
              provider: openai
              task: llm/v1/chat
              openai_config:
                openai_api_type: azuread
                microsoft_entra_tenant_id: t
                microsoft_entra_client_id: c
                microsoft_entra_client_secret_plaintext: ${env.ENTRA_SECRET}
                openai_api_base: https://example.com
                openai_deployment_name: d
                openai_api_version: "2024-06-01"
    bedrock:
      name: bedrock
      config:
        served_entities:
          - name: claude
            external_model:
              name: claude
              provider: amazon-bedrock
              task: llm/v1/chat
              amazon_bedrock_config:
                aws_region: us-east-1
                bedrock_provider: anthropic
                aws_access_key_id_plaintext: ${env.AWS_ID}
                aws_secret_access_key_plaintext: ${env.AWS_KEY}
    bearer:
      name: bearer
      config:
        served_entities:
          - name: bearer
            external_model:
              name: m
              provider: custom
              task: llm/v1/chat
              custom_provider_config:
                custom_provider_url: https://example.com
                bearer_token_auth: {token_plaintext: "${env.BEARER}"}
    header:
      name: header
      config:
        served_entities:
          - name: header
            external_model:
              name: m
              provider: custom
              task: llm/v1/chat
              custom_provider_config:
                custom_provider_url: https://example.com
                api_key_auth: {key: X-Key, value_plaintext: "${env.HEADER}"}
    vertex:
      name: vertex
      config:
        served_entities:
          - name: gemini
            external_model:
              name: gemini
              provider: google-cloud-vertex-ai
              task: llm/v1/chat
              google_cloud_vertex_ai_config:
                {project_id: p, region: r, private_key_plaintext: "${env.PRIVATE_KEY}"}
  secrets:
    key: {catalog_name: main, schema_name: gw, name: key, from_env: CATALOG_KEY}
    file: {catalog_name: main, schema_name: gw, name: file, from_file: key.txt}
  model_provider_services:
    gateway:
      parent: schemas/main.gw
      model_provider_service_id: gateway
      config:
        provider_type: EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI
        openai: {direct: {api_key: {plaintext: "${env.GATEWAY_KEY}"}}}
        targets: [{model: m}]
"""
# `all` covers no catalog secret: nothing brings back its value.
DESTROYING = (
    *("--allow-delete", "all", "--allow-delete", "secrets.key", "--allow-delete", "secrets.file"),
    *("--allow-destructive", "9"),
)
FILE_CANARY = "canary-from-file-9"
TOKEN_CANARY = "dapi-acceptance"


@pytest.fixture
def canaries(repository, workspace, monkeypatch, caplog):
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    repository.write("key.txt", f"{FILE_CANARY}\n")
    catalog = "/api/2.1/unity-catalog"
    workspace.call("POST", f"{catalog}/catalogs", {"name": "main"})
    workspace.call("POST", f"{catalog}/schemas", {"name": "gw", "catalog_name": "main"})
    workspace.forget()
    repository.write("manifests/all.yaml", MANIFEST)
    caplog.set_level("DEBUG")
    return repository


def forms(value: str) -> list[str]:
    """The ways in which a value may stand in a text."""
    raw = value.strip()
    return [raw, base64.b64encode(raw.encode()).decode(), quote(raw), json.dumps(raw)[1:-1]]


def leaks(text: str) -> list[str]:
    values = [*CANARIES.values(), FILE_CANARY, TOKEN_CANARY]
    return [form for value in values for form in forms(value) if form in text]


def files_of(root: Path) -> str:
    kept = [path for path in root.rglob("*") if path.is_file() and path.name != "key.txt"]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in kept)


def test_no_command_shows_or_stores_a_secret(canaries, run, caplog):
    said = []
    for words in (
        ["validate"],
        ["plan", "--debug"],
        ["plan", "-o", "json"],
        ["plan", "--out", str(canaries.root / "plan.json")],
        ["apply", "-y", "--debug"],
        ["plan", "--rotate", "model_serving_endpoints.openai", "--debug"],
        ["apply", "-y", "--rotate", "model_serving_endpoints.openai", "-o", "json"],
        ["status", "-o", "json"],
        ["destroy", "-y", *DESTROYING, "--debug"],
    ):
        result = run(*words)
        assert result.code == 0, f"{words}: {result.err}"
        said.append(result.out + result.err)
    assert leaks("\n".join(said)) == []
    assert leaks(caplog.text) == []
    assert leaks(files_of(canaries.root)) == []


def test_no_report_and_no_reading_command_shows_or_stores_a_secret(
    canaries, run, workspace, caplog, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("written")
    saved = str(folder / "plan.json")
    shown = ["json", *FORMATS]
    steps = (
        (["validate"], 0),
        (["plan", "--preflight", "--out", saved, "--debug"], 0),
        *((["show", saved, "-o", name], 0) for name in shown),
        (["apply", "-y", "--debug"], 0),
        (["drift", "--detailed-exitcode", "--debug"], 0),
        (_edited_by_hand, 0),
        (["drift", "--detailed-exitcode", "--debug"], 2),
        (["drift", "-o", "json"], 0),
        (["import", "--update", "--dry-run"], 0),
        (["import", "*", "--to", "imported.yaml", "--debug"], 0),
        (["graph"], 0),
        (["graph", "-o", "svg"], 0),
        (["doctor", "-o", "json"], 0),
        (["render"], 0),
        (["verify", "-o", "json"], 0),
        (["destroy", "-y", *DESTROYING], 0),
    )
    said = []
    for number, (words, code) in enumerate(steps):
        if callable(words):
            words(workspace)
            continue
        reports = _reports(folder / str(number)) if words[0] in REPORTING else []
        result = run(*words, *reports)
        assert result.code == code, f"{words}: {result.err}"
        said.append(result.out + result.err)
    assert leaks("\n".join(said)) == []
    assert leaks(caplog.text) == []
    assert len(list(folder.rglob("*"))) > len(FORMATS) * len(REPORTING)
    assert leaks(files_of(folder)) == []
    assert leaks(files_of(canaries.root)) == []


REPORTING = frozenset({"validate", "plan", "apply", "drift", "verify", "destroy"})


def _reports(folder: Path) -> list[str]:
    """The options that write every format into ``folder``."""
    return [word for name in FORMATS for word in ("--report", f"{name}={folder / name}")]


def _edited_by_hand(workspace) -> None:
    """Somebody puts another key into one endpoint, and a limit on another."""
    openai = {"openai_api_key_plaintext": CANARIES["PLAIN_KEY"], "openai_api_type": "openai"}
    model = {"name": "gpt-4.1", "provider": "openai", "task": "llm/v1/chat"}
    entity = {"name": "plain", "external_model": {**model, "openai_config": openai}}
    workspace.call("PUT", "/api/2.0/serving-endpoints/openai/config", {"served_entities": [entity]})
    limits = [{"key": "user", "renewal_period": "minute", "calls": 7}]
    workspace.call("PUT", "/api/2.0/serving-endpoints/bedrock/ai-gateway", {"rate_limits": limits})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("echo", id="an error that repeats the request"),
        pytest.param("token", id="an error that repeats the token"),
    ],
)
def test_a_service_that_repeats_the_secret_in_an_error_does_not_make_us_show_it(
    canaries, run, workspace, body, caplog
):
    said = CANARIES["PLAIN_KEY"] if body == "echo" else TOKEN_CANARY
    answer = {"error_code": "INVALID_PARAMETER_VALUE", "message": f"bad value {said}"}
    workspace.call(
        "POST",
        "/__emulator__/faults",
        {
            "rules": [
                {
                    "method": "POST",
                    "path": "/api/2.0/serving-endpoints",
                    "times": 0,
                    "action": {"status": 400, "body": answer},
                }
            ]
        },
    )
    result = run("apply", "-y", "--select", "model_serving_endpoints.openai", "-o", "json")
    assert result.code == 1
    assert "INVALID_PARAMETER_VALUE" in result.err
    assert leaks(result.out + result.err + caplog.text) == []


ANSWERS = {
    "a refusal": (400, False),
    "no permission": (403, False),
    "a defect": (500, False),
    "a page": (502, True),
}
FORMS = ("raw", "base64", "URL", "JSON")
HOLDERS = {
    "openai": "PLAIN_KEY",
    "entra": "ENTRA_SECRET",
    "bedrock": "AWS_KEY",
    "bearer": "BEARER",
    "header": "HEADER",
    "vertex": "PRIVATE_KEY",
}
READING = (
    ("plan", "--debug"),
    ("plan", "-o", "json"),
    ("drift", "--debug"),
    ("status", "-o", "json"),
    ("import", "*", "--to", "imported.yaml", "--debug"),
    ("doctor", "-o", "json"),
    ("verify", "-o", "json"),
    ("destroy", "-y", "--debug"),
)


@pytest.mark.proof("canary")
def test_no_answer_that_repeats_a_secret_brings_it_into_an_output(
    canaries, run, workspace, caplog, cells
):
    """Every place of a secret, in every form, in every sort of answer."""
    select = "model_serving_endpoints."
    writing = [("apply", "-y", "--debug", "--select", select + name) for name in HOLDERS]
    cases = [
        (words, form, answer)
        for words in (*writing, *READING)
        for form in FORMS
        for answer in ANSWERS
    ]

    def check(case, _):
        words, form, answer = case
        workspace.call("POST", "/__emulator__/reset", {})
        holder = HOLDERS.get(words[-1].removeprefix(select))
        value = forms(CANARIES[holder] if holder else TOKEN_CANARY)[FORMS.index(form)]
        status, is_page = ANSWERS[answer]
        body = {"error_code": f"CODE_{value}", "message": f"bad value {value}"}
        page = f"<html><title>{value}</title>{value}</html>"
        action = {"status": status, "body": page if is_page else body}
        path = "/api/2.0/serving-endpoints" if holder else "/api/**"
        rule = {"method": "POST" if holder else "GET", "path": path, "times": 0, "action": action}
        workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})
        caplog.clear()
        result = run(*words)
        assert "Traceback" not in result.err
        assert leaks(result.out + result.err + caplog.text) == []
        assert leaks(files_of(canaries.root)) == []

    cells.run(cases, check, quick=6)


def test_the_plan_file_says_which_variables_apply_will_need(canaries, run):
    plan = run("plan", "-o", "json").json
    assert plan["required_env"] == sorted(CANARIES)


def test_a_secret_file_that_is_no_text_is_refused_before_the_first_write(canaries, run, workspace):
    (canaries.root / "key.txt").write_bytes(b"canary-\xff")
    result = run("apply", "-y")
    assert result.code == 1
    assert "error[E508]" in result.err
    assert "key.txt is not UTF-8 text" in result.err
    assert "canary-" not in result.err
    assert {method for method, *_ in workspace.requests()} <= {"GET"}
