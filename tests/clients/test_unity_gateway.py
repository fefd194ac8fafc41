"""Unmodified clients of Unity Gateway: the Databricks SDK manages services, OpenAI's asks them."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

SCHEMA = "ml.gateway"
PARENT = f"schemas/{SCHEMA}"
QUESTION = [{"role": "user", "content": "What is a model service?"}]
READER = "reader@example.com"


@pytest.fixture(scope="module")
def sdk(server):
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient()


@pytest.fixture(scope="module")
def key(sdk):
    from databricks.sdk.service.catalog import Secret

    secret = Secret(catalog_name="ml", schema_name="gateway", name="openai_key", value="sk-1")
    return sdk.secrets_uc.create_secret(secret)


@pytest.fixture(scope="module")
def provider(sdk, key):
    from databricks.sdk.service.catalog import ModelProviderService

    service = ModelProviderService.from_dict(
        {
            "comment": "Platform account",
            "config": {
                "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI",
                "openai": {
                    "direct": {
                        "api_key": {"secret_reference": {"name": f"secrets/{key.full_name}"}}
                    }
                },
                "targets": [
                    {"model": "gpt-5", "native_api_types": ["openai/v1/chat/completions"]},
                    {"model": "gpt-5-mini"},
                ],
            },
        }
    )
    return sdk.ai_gateway.create_model_provider_service(service, PARENT, "openai_prod")


def destination(name, model):
    return {
        "name": name,
        "destination_type": "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL",
        "external_model_config": {
            "model_provider_service": f"model-provider-services/{SCHEMA}.openai_prod",
            "target": {"model": model},
        },
    }


@pytest.fixture(scope="module")
def chat(sdk, provider):
    from databricks.sdk.service.catalog import ModelService

    config = {
        "routing": {
            "destinations": [destination("gpt", "gpt-5")],
            "fallback": {"destinations": [destination("mini", "gpt-5-mini")]},
        },
        "inference_table": {"parent": PARENT},
    }
    service = ModelService.from_dict({"config": config})
    return sdk.ai_gateway.create_model_service(service, PARENT, "chat")


@pytest.fixture(scope="module")
def openai(server):
    from openai import OpenAI

    with OpenAI(
        api_key=server.token, base_url=f"{server.url}/ai-gateway/mlflow/v1", max_retries=0
    ) as client:
        yield client


def test_the_sdk_reads_what_it_created(sdk, provider, chat):
    assert provider.name == f"model-provider-services/{SCHEMA}.openai_prod"
    read = sdk.ai_gateway.get_model_service(f"model-services/{SCHEMA}.chat")
    assert read == chat
    assert read.config.inference_table.table == f"tables/{SCHEMA}.chat_payload"
    listed = sdk.ai_gateway.list_model_services(parent=PARENT)
    assert [each.name for each in listed] == [chat.name]


def test_the_sdk_reads_a_secret_without_its_value(sdk, key):
    assert (key.full_name, key.effective_value) == (f"{SCHEMA}.openai_key", None)
    read = sdk.secrets_uc.get_secret(key.full_name, include_value=True)
    assert read.effective_value == "sk-1"
    listed = sdk.secrets_uc.list_secrets(catalog_name="ml", schema_name="gateway")
    assert [each.full_name for each in listed] == [key.full_name]


def test_the_sdk_changes_only_what_its_mask_names(sdk, chat):
    from databricks.sdk.common.types.fieldmask import FieldMask
    from databricks.sdk.service.catalog import ModelService

    limit = {
        "key": "RATE_LIMIT_KEY_USER_DEFAULT",
        "renewal_period": "RATE_LIMIT_RENEWAL_PERIOD_MINUTE",
        "requests": 100,
    }
    changed = sdk.ai_gateway.update_model_service(
        chat.name,
        ModelService.from_dict({"comment": "ignored", "config": {"rate_limits": [limit]}}),
        FieldMask(["config.rate_limits"]),
    )
    assert (changed.comment, changed.config.rate_limits[0].requests) == (None, 100)
    assert changed.config.routing == chat.config.routing
    assert changed.etag != chat.etag


def test_a_write_with_an_old_etag_is_refused(sdk, chat):
    from databricks.sdk.common.types.fieldmask import FieldMask
    from databricks.sdk.errors import ResourceConflict
    from databricks.sdk.service.catalog import ModelService

    service = ModelService.from_dict({"comment": "new"})
    sdk.ai_gateway.update_model_service(chat.name, service, FieldMask(["comment"]))
    with pytest.raises(ResourceConflict, match="etag"):
        sdk.ai_gateway.update_model_service(
            chat.name, service, FieldMask(["comment"]), etag=chat.etag
        )


def test_the_openai_client_asks_a_model_service(openai, chat):
    answer = openai.chat.completions.create(model=f"{SCHEMA}.chat", messages=QUESTION)
    assert "model service" in answer.choices[0].message.content
    with openai.chat.completions.create(
        model=f"{SCHEMA}.chat", messages=QUESTION, stream=True
    ) as stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert text == answer.choices[0].message.content


def test_the_openai_client_asks_for_embeddings_and_responses(openai, chat):
    name = f"{SCHEMA}.chat"
    assert openai.embeddings.create(model=name, input="Embed this!").data[0].embedding
    assert "model service" in openai.responses.create(model=name, input=QUESTION).output_text


def test_a_fallback_answers_where_the_first_destination_fails(openai, post, chat):
    path = f"/__provider__/{SCHEMA}.chat/gpt"
    post("/__emulator__/faults", {"rules": [{"path": path, "action": {"status": 500}}]})
    answer = openai.chat.completions.create(model=f"{SCHEMA}.chat", messages=QUESTION)
    assert answer.choices[0].message.content


def test_the_native_path_takes_destinations_of_its_type_only(server, chat):
    from openai import BadRequestError, OpenAI

    with OpenAI(
        api_key=server.token, base_url=f"{server.url}/ai-gateway/openai/v1", max_retries=0
    ) as client:
        assert client.chat.completions.create(model=f"{SCHEMA}.chat", messages=QUESTION).choices
        with pytest.raises(BadRequestError, match="does not support openai/v1/embeddings"):
            client.embeddings.create(model=f"{SCHEMA}.chat", input="Embed this!")
        header = {"Databricks-Model-Provider-Service": f"{SCHEMA}.openai_prod"}
        direct = client.with_options(default_headers=header)
        assert direct.chat.completions.create(model="gpt-5", messages=QUESTION).choices
        with pytest.raises(BadRequestError, match="not a target"):
            direct.chat.completions.create(model="o9", messages=QUESTION)


def test_a_caller_needs_execute_on_the_service_only(sdk, server, post, chat):
    from databricks.sdk.service.catalog import PermissionsChange, Privilege
    from openai import OpenAI, PermissionDeniedError

    token = post("/__emulator__/principals", {"name": READER})["token"]

    def grant(kind, name, *privileges):
        change = PermissionsChange(principal=READER, add=[Privilege(each) for each in privileges])
        return sdk.grants.update(kind, name, changes=[change])

    grant("catalog", "ml", "USE_CATALOG")
    grant("schema", SCHEMA, "USE_SCHEMA")
    base_url = f"{server.url}/ai-gateway/mlflow/v1"
    with OpenAI(api_key=token, base_url=base_url, max_retries=0) as client:
        with pytest.raises(PermissionDeniedError, match="EXECUTE on Model Service"):
            client.chat.completions.create(model=f"{SCHEMA}.chat", messages=QUESTION)
        granted = grant("model_service", f"{SCHEMA}.chat", "EXECUTE")
        assert granted.privilege_assignments[0].principal == READER
        assert client.chat.completions.create(model=f"{SCHEMA}.chat", messages=QUESTION).choices


def test_each_query_is_a_row_of_the_inference_table(server, openai, chat):
    path = f"{server.url}/__emulator__/payloads?table={SCHEMA}.chat_payload"
    request = urllib.request.Request(path, headers={"authorization": f"Bearer {server.token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        before = answer.read().count(b"request_time")
    openai.chat.completions.create(model=f"{SCHEMA}.chat", messages=QUESTION)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.read().count(b"request_time") == before + 1


def test_a_deleted_provider_shows_in_the_destination(sdk, openai):
    from databricks.sdk.service.catalog import ModelProviderService, ModelService
    from openai import BadRequestError

    config = {
        "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_CUSTOM",
        "custom": {"direct": {"base_url": "https://llm.example", "api_key": {"plaintext": "k"}}},
        "targets": [{"model": "m"}],
    }
    service = ModelProviderService.from_dict({"config": config})
    made = sdk.ai_gateway.create_model_provider_service(service, PARENT, "gone")
    assert made.config.custom.direct.api_key.plaintext is None
    there = destination("only", "m")
    there["external_model_config"]["model_provider_service"] = made.name
    routed = ModelService.from_dict({"config": {"routing": {"destinations": [there]}}})
    name = sdk.ai_gateway.create_model_service(routed, PARENT, "broken").name
    sdk.ai_gateway.delete_model_provider_service(made.name, etag=made.etag)
    read = sdk.ai_gateway.get_model_service(name)
    assert read.config.routing.destinations[0].is_deleted is True
    with pytest.raises(BadRequestError, match="was deleted"):
        openai.chat.completions.create(model=f"{SCHEMA}.broken", messages=QUESTION)


def test_a_message_in_the_shape_of_anthropic(server, sdk, key, post):
    from databricks.sdk.service.catalog import ModelProviderService, ModelService

    config = {
        "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_ANTHROPIC",
        "anthropic": {"relayed": {}},
        "targets": [{"model": "claude", "native_api_types": ["anthropic/v1/messages"]}],
    }
    made = sdk.ai_gateway.create_model_provider_service(
        ModelProviderService.from_dict({"config": config}), PARENT, "anthropic"
    )
    there = destination("claude", "claude")
    there["external_model_config"]["model_provider_service"] = made.name
    routed = ModelService.from_dict({"config": {"routing": {"destinations": [there]}}})
    sdk.ai_gateway.create_model_service(routed, PARENT, "claude")
    body = {"model": f"{SCHEMA}.claude", "max_tokens": 64, "messages": QUESTION}
    answer = post("/ai-gateway/anthropic/v1/messages", body)
    assert (answer["type"], answer["stop_reason"]) == ("message", "end_turn")
    assert "model service" in answer["content"][0]["text"]


def test_a_used_up_limit_answers_429(sdk, openai, provider):
    from databricks.sdk.service.catalog import ModelService
    from openai import RateLimitError

    limit = {
        "key": "RATE_LIMIT_KEY_SERVICE",
        "renewal_period": "RATE_LIMIT_RENEWAL_PERIOD_HOUR",
        "requests": 1,
    }
    config = {
        "routing": {"destinations": [destination("gpt", "gpt-5")]},
        "rate_limits": [limit],
    }
    service = ModelService.from_dict({"config": config})
    sdk.ai_gateway.create_model_service(service, PARENT, "limited")
    openai.chat.completions.create(model=f"{SCHEMA}.limited", messages=QUESTION)
    with pytest.raises(RateLimitError, match="per hour"):
        openai.chat.completions.create(model=f"{SCHEMA}.limited", messages=QUESTION)


def test_a_model_of_databricks_answers_by_its_full_name(openai):
    answer = openai.chat.completions.create(model="system.ai.gpt-oss-20b", messages=QUESTION)
    assert answer.choices[0].message.content


def test_the_sdk_manages_a_registered_model_and_its_aliases(sdk, post):
    from databricks.sdk.service.catalog import PermissionsChange, Privilege

    made = sdk.registered_models.create(catalog_name="ml", schema_name="gateway", name="fraud")
    assert made.full_name == f"{SCHEMA}.fraud"
    for version in (1, 2):
        post("/__emulator__/models", {"full_name": made.full_name, "version": version})
    alias = sdk.registered_models.set_alias(made.full_name, "champion", 2)
    assert (alias.alias_name, alias.version_num) == ("champion", 2)
    sdk.registered_models.update(made.full_name, comment="Card payments")
    read = sdk.registered_models.get(made.full_name, include_aliases=True)
    assert read.comment == "Card payments"
    assert [(each.alias_name, each.version_num) for each in read.aliases] == [("champion", 2)]
    sdk.registered_models.delete_alias(made.full_name, "champion")
    read = sdk.registered_models.get(made.full_name, include_aliases=True)
    assert not read.aliases
    change = PermissionsChange(principal=READER, add=[Privilege.EXECUTE])
    granted = sdk.grants.update("function", made.full_name, changes=[change])
    assert granted.privilege_assignments[0].privileges == [Privilege.EXECUTE]
    assert made.full_name in {
        each.full_name
        for each in sdk.registered_models.list(catalog_name="ml", schema_name="gateway")
    }
