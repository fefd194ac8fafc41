"""Each method of the SDK's classes about Unity Gateway, called once against the local workspace.

A method without a row fails: a newer version of the SDK is looked at, and not taken by chance.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.errors import NotFound, NotImplemented
from databricks.sdk.service import catalog

SCHEMA = "ml.gateway"
PARENT = f"schemas/{SCHEMA}"
KEY, MODEL = f"{SCHEMA}.key", f"{SCHEMA}.fraud"
CHAT, OPENAI, TOOLS = (
    f"{plural}/{SCHEMA}.{name}"
    for plural, name in (
        ("model-services", "chat"),
        ("model-provider-services", "openai"),
        ("mcp-services", "tools"),
    )
)
SKILL = f"skills/{SCHEMA}.sums"
READER = "reader@example.com"
CLASSES = {
    "ai_gateway": catalog.AiGatewayAPI,
    "secrets_uc": catalog.SecretsUcAPI,
    "grants": catalog.GrantsAPI,
    "registered_models": catalog.RegisteredModelsAPI,
}
SERVICE = catalog.ModelService.from_dict(
    {
        "config": {
            "routing": {
                "destinations": [
                    {
                        "name": "gpt",
                        "destination_type": "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL",
                        "external_model_config": {
                            "model_provider_service": OPENAI,
                            "target": {"model": "gpt-5"},
                        },
                    }
                ]
            }
        }
    }
)
PROVIDER = catalog.ModelProviderService.from_dict(
    {
        "config": {
            "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI",
            "openai": {"direct": {"api_key": {"secret_reference": {"name": f"secrets/{KEY}"}}}},
            "targets": [{"model": "gpt-5"}],
        }
    }
)
MCP = catalog.McpService.from_dict(
    {
        "config": {
            "source_connection": {"name": f"connections/{SCHEMA}.tracker"},
            "include_tool_selectors": ["search", "read_*"],
        }
    }
)
LOGIN = catalog.McpServiceUserMappedCredentialLogin()
COMMENT = FieldMask(["comment"])
GRANT = [catalog.PermissionsChange(principal=READER, add=[catalog.Privilege.EXECUTE])]
ON_CHAT = ("model_service", f"{SCHEMA}.chat")


def secret(name: str, **fields: Any) -> catalog.Secret:
    named = {"catalog_name": "ml", "schema_name": "gateway", "name": name}
    return catalog.Secret.from_dict({**named, **fields})


def names(answer: Any) -> list[str]:
    return [each.name for each in answer]


def full_names(answer: Any) -> list[str]:
    return [each.full_name for each in answer]


def principals(answer: Any) -> list[str]:
    return [each.principal for each in getattr(answer, "privilege_assignments", answer)]


def attribute(name: str) -> Callable[[Any], Any]:
    return lambda answer: getattr(answer, name)


NAME, FULL_NAME, TEXT = map(attribute, ("name", "full_name", "comment"))


class Row(NamedTuple):
    """A method, its arguments, what is looked at of its answer, and what that is."""

    method: str
    arguments: tuple[Any, ...]
    of: Callable[[Any], Any]
    expected: Any
    options: dict[str, Any] = {}


IN_SCHEMA = {"parent": PARENT}
OF_SCHEMA = {"catalog_name": "ml", "schema_name": "gateway"}
ROWS = [
    Row("ai_gateway.create_model_service", (SERVICE, PARENT, "new"), NAME, f"{CHAT[:-4]}new"),
    Row("ai_gateway.get_model_service", (CHAT,), NAME, CHAT),
    Row("ai_gateway.list_model_services", (), names, [CHAT], IN_SCHEMA),
    Row(
        "ai_gateway.update_model_service",
        (CHAT, catalog.ModelService(comment="b"), COMMENT),
        TEXT,
        "b",
    ),
    Row(
        "ai_gateway.create_model_provider_service",
        (PROVIDER, PARENT, "new"),
        NAME,
        f"{OPENAI[:-6]}new",
    ),
    Row("ai_gateway.get_model_provider_service", (OPENAI,), NAME, OPENAI),
    Row("ai_gateway.list_model_provider_services", (), names, [OPENAI], IN_SCHEMA),
    Row(
        "ai_gateway.update_model_provider_service",
        (OPENAI, catalog.ModelProviderService(comment="b"), COMMENT),
        TEXT,
        "b",
    ),
    Row("ai_gateway.create_mcp_service", (MCP, PARENT, "new"), NAME, f"{TOOLS[:-5]}new"),
    Row("ai_gateway.get_mcp_service", (TOOLS,), NAME, TOOLS),
    Row("ai_gateway.list_mcp_services", (), names, [TOOLS], IN_SCHEMA),
    Row(
        "ai_gateway.update_mcp_service",
        (TOOLS, catalog.McpService(comment="b"), COMMENT),
        TEXT,
        "b",
    ),
    Row("secrets_uc.create_secret", (secret("new", value="x"),), FULL_NAME, f"{SCHEMA}.new"),
    Row("secrets_uc.get_secret", (KEY,), FULL_NAME, KEY),
    Row("secrets_uc.list_secrets", (), full_names, [KEY], OF_SCHEMA),
    Row("secrets_uc.update_secret", (KEY, secret("key", comment="b"), COMMENT), TEXT, "b"),
    Row("grants.get", ON_CHAT, principals, [READER]),
    Row("grants.get_effective", ON_CHAT, principals, [READER]),
    Row("grants.list", ON_CHAT, principals, [READER]),
    Row("grants.list_effective", ON_CHAT, principals, [READER]),
    Row(
        "grants.update",
        ("mcp_service", f"{SCHEMA}.tools"),
        principals,
        [READER],
        {"changes": GRANT},
    ),
    Row("registered_models.create", (), FULL_NAME, f"{SCHEMA}.new", {"name": "new", **OF_SCHEMA}),
    Row("registered_models.get", (MODEL,), FULL_NAME, MODEL),
    Row("registered_models.list", (), full_names, [MODEL], OF_SCHEMA),
    Row("registered_models.update", (MODEL,), TEXT, "b", {"comment": "b"}),
    Row("registered_models.set_alias", (MODEL, "new", 1), attribute("alias_name"), "new"),
]
# What is deleted, and the method that no longer finds it.
DELETIONS = {
    "ai_gateway.delete_model_service": ("ai_gateway.get_model_service", CHAT),
    "ai_gateway.delete_model_provider_service": ("ai_gateway.get_model_provider_service", OPENAI),
    "ai_gateway.delete_mcp_service": ("ai_gateway.get_mcp_service", TOOLS),
    "secrets_uc.delete_secret": ("secrets_uc.get_secret", KEY),
    "registered_models.delete": ("registered_models.get", MODEL),
}
# Skills are files, and the logins of users are no configuration: neither is a part of serving.
LEFT_OUT = {
    "ai_gateway.create_mcp_service_user_mapped_credential": (TOOLS, LOGIN),
    "ai_gateway.get_mcp_service_user_mapped_credential": (TOOLS,),
    "ai_gateway.delete_mcp_service_user_mapped_credential": (TOOLS,),
    "ai_gateway.create_skill": (catalog.Skill(), PARENT, "sums"),
    "ai_gateway.get_skill": (SKILL,),
    "ai_gateway.list_skills": (PARENT,),
    "ai_gateway.update_skill": (SKILL, catalog.Skill(), COMMENT),
    "ai_gateway.delete_skill": (SKILL,),
    "ai_gateway.finalize_skill": (SKILL,),
}


@pytest.fixture
def sdk(server, post) -> WorkspaceClient:
    """A workspace with one object of each kind."""
    post("/__emulator__/reset", {"what": "everything"})
    client = WorkspaceClient()
    client.secrets_uc.create_secret(secret("key", value="sk-1"))
    client.ai_gateway.create_model_provider_service(PROVIDER, PARENT, "openai")
    client.ai_gateway.create_model_service(SERVICE, PARENT, "chat")
    client.ai_gateway.create_mcp_service(MCP, PARENT, "tools")
    client.grants.update(*ON_CHAT, changes=GRANT)
    post("/__emulator__/models", {"full_name": MODEL, "version": 1, "alias": "champion"})
    return client


def call(sdk: WorkspaceClient, method: str, *arguments: Any, **options: Any) -> Any:
    service, _, name = method.partition(".")
    answer = getattr(getattr(sdk, service), name)(*arguments, **options)
    return list(answer) if inspect.isgenerator(answer) else answer


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.method)
def test_a_method_of_the_sdk(sdk: WorkspaceClient, row: Row) -> None:
    assert row.of(call(sdk, row.method, *row.arguments, **row.options)) == row.expected


@pytest.mark.parametrize("method", DELETIONS)
def test_what_the_sdk_deletes_is_gone(sdk: WorkspaceClient, method: str) -> None:
    reader, name = DELETIONS[method]
    call(sdk, method, name)
    with pytest.raises(NotFound):
        call(sdk, reader, name)


def test_the_sdk_deletes_an_alias(sdk: WorkspaceClient) -> None:
    call(sdk, "registered_models.delete_alias", MODEL, "champion")
    assert not call(sdk, "registered_models.get", MODEL, include_aliases=True).aliases


@pytest.mark.parametrize("method", LEFT_OUT)
def test_what_the_local_workspace_does_not_have_says_so(sdk: WorkspaceClient, method: str) -> None:
    with pytest.raises(NotImplemented, match="The local workspace does not implement"):
        call(sdk, method, *LEFT_OUT[method])


def test_every_method_of_the_sdk_is_called() -> None:
    methods = {
        f"{service}.{name}"
        for service, client in CLASSES.items()
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }
    called = {row.method for row in ROWS} | {
        *DELETIONS,
        *LEFT_OUT,
        "registered_models.delete_alias",
    }
    assert called == methods
