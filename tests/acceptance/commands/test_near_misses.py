"""What is nearly right is said before it costs a deployment."""

from __future__ import annotations

from provisioner.cli import main

SCOPE = """resources:
  secret_scopes:
    openai: {name: openai_scope, secrets: {key: {from_env: SHOP_KEY}}}
"""
CHAT = """name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key: "{{secrets/SCOPE/key}}"}
"""


def test_a_scope_that_is_nearly_a_declared_one_is_a_warning_with_the_name(run, repository):
    repository.write("manifests/scope.yaml", SCOPE)
    repository.endpoint(CHAT.replace("SCOPE", "openai_scop"))
    result = run("validate")
    assert result.code == 0
    assert "warning[W728]: no manifest declares the secret scope `openai_scop`" in result.err
    assert "did you mean `openai_scope`?" in result.err
    missing = run("plan", "--preflight").err
    assert "did you mean `openai_scope`, which the manifests declare?" in missing


def test_a_scope_that_is_like_no_declared_one_is_only_noted_in_a_plan(run, repository):
    repository.endpoint(CHAT.replace("SCOPE", "shared"))
    assert "W728" not in run("validate").err
    note = "note: no manifest declares the secret scope `shared`; model_serving_endpoints.chat"
    assert note in run("plan").err


def test_a_size_that_is_nearly_a_documented_one_is_a_warning(run, repository):
    entity = "{name: m, entity_name: a.b.c, entity_version: '1', scale_to_zero_enabled: true, "
    repository.endpoint(f"name: chat\nconfig: {{served_entities: [{entity}workload_size: Smal}}]}}")
    result = run("validate")
    assert result.code == 0
    assert "warning[W726]" in result.err
    assert "did you mean `Small`?" in result.err
    repository.endpoint(f"name: chat\nconfig: {{served_entities: [{entity}workload_size: XL}}]}}")
    assert "W726" not in run("validate").err


def test_an_endpoint_with_nothing_but_a_name_is_a_warning(run, repository):
    repository.endpoint("name: chat")
    result = run("validate")
    assert result.code == 0
    assert "warning[W727]: this endpoint has no `config`" in result.err


def test_the_character_that_breaks_a_name_is_named(run, repository):
    repository.endpoint("name: gpt-4.1-mini")
    assert "`name`: `.` is not allowed" in run("validate").err
    repository.endpoint(f"name: {'a' * 65}")
    assert "it has 65 characters, but the maximum is 63" in run("validate").err


def test_yes_is_explained_as_text(run, repository):
    path = repository.root / "environments/dev.yaml"
    path.write_text(path.read_text() + "protected: yes\n")
    assert "`yes` is text in YAML 1.2; write true" in run("validate").err


def test_files_that_end_with_yml_are_manifests(run, repository):
    host = (repository.root / "environments/dev.yaml").read_text().splitlines()[0]
    repository.write("environments/dev.yaml", host + "\n")
    path = repository.endpoint("name: chat\ndescription: x")
    path.rename(path.with_suffix(".yml"))
    result = run("validate")
    assert (result.code, result.err) == (0, "")
    assert "1 resource" in result.out


def test_all_secrets_without_a_value_are_one_error_with_their_lines(run, repository):
    keys = "{one: {from_env: SHOP_ONE}, two: {from_env: SHOP_TWO}}"
    repository.write(
        "manifests/scope.yaml",
        f"resources:\n  secret_scopes:\n    keys:\n      name: keys\n      secrets: {keys}\n",
    )
    result = run("apply", "-y")
    assert result.code == 1
    assert result.err.count("error[E507]") == 1
    assert "2 environment variables are not set: SHOP_ONE, SHOP_TWO" in result.err
    assert "manifests/scope.yaml:5" in result.err
    assert "export SHOP_ONE=... SHOP_TWO=..." in result.err
    planned = run("plan").err
    assert "2 environment variables are not set: SHOP_ONE, SHOP_TWO; required for apply" in planned


def test_the_schemas_of_a_starter_are_current_until_the_tool_changes(run, tmp_path):
    starter = tmp_path / "starter"
    assert main(["init", str(starter)]) == 0
    schemas = starter / "schemas"
    assert run("schema", "--check", str(schemas)).code == 0
    next(schemas.glob("*.json")).write_text("{}")
    assert run("schema", "--check", str(schemas)).code == 3
