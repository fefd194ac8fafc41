"""A model provider service as its author describes it. Field names are those of the REST API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provisioner.kinds.unity_catalog.model import (
    COMMENT,
    EXISTING,
    GRANTS,
    LIFECYCLE,
    LIMITS,
    NAME,
    PARENT_FIELD,
    SDK,
    TABLE,
    CatalogLifecycle,
    CatalogSpec,
    Grants,
    Parent,
    RateLimits,
    ServiceInferenceTable,
)
from provisioner.model.field_rules import (
    Immutable,
    KeyedBy,
    NotUpdatable,
    ServerDefault,
    WriteOnly,
)

ApiType = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Switch = Annotated[bool | None, ServerDefault(SDK, only=(False,))]


class CatalogSecretReference(CatalogSpec):
    """A catalog secret, whose value is looked up when the provider is called."""

    name: str = Field(
        pattern=r"^secrets/[^\s./]+\.[^\s./]+\.[^\s./]+$",
        description="The secret, as `secrets/CATALOG.SCHEMA.NAME`.",
    )


class ProviderSecret(CatalogSpec):
    """A key: a reference to a catalog secret, or the value itself."""

    plaintext: Annotated[str | None, WriteOnly(SDK, secret=True)] = Field(
        default=None, description="The value itself, as `${env.NAME}`. It is never read back."
    )
    secret_reference: CatalogSecretReference | None = Field(
        default=None, description="Where the value is kept. A rotation there needs no update here."
    )


class ServiceCredentialReference(CatalogSpec):
    """A service credential of Unity Catalog."""

    name: str = Field(min_length=1, description="The name of the credential.")


class EntraServicePrincipal(CatalogSpec):
    """A login by Microsoft Entra ID."""

    tenant_id: str = Field(min_length=1, description="The directory (tenant) id.")
    client_id: str = Field(min_length=1, description="The application (client) id.")
    client_secret: ProviderSecret = Field(description="The client secret.")


class AwsAccessKey(CatalogSpec):
    """A login by a key pair of AWS."""

    access_key_id: str = Field(min_length=1, description="The access key id; it reads back.")
    secret_access_key: ProviderSecret = Field(description="The secret access key.")


class ApiKeyHeader(CatalogSpec):
    """A login by a header of its own name."""

    api_key_name: str = Field(min_length=1, description="The name of the header.")
    api_key_value: ProviderSecret = Field(description="The value of the header.")


Key = Annotated[ProviderSecret | None, Field(description="The API key.")]
Credential = Annotated[
    ServiceCredentialReference | None, Field(description="A service credential instead of a key.")
]


class OpenAiDirect(CatalogSpec):
    """OpenAI's own API."""

    api_key: ProviderSecret = Field(description="The API key.")
    base_url: str | None = Field(default=None, description="Another address than the public API.")
    organization: str | None = Field(default=None, description="The organization that is billed.")


class AzureDirect(CatalogSpec):
    """Models on Azure."""

    base_url: str = Field(min_length=1, description="The address of the resource.")
    api_key: Key = None
    entra_service_principal: EntraServicePrincipal | None = Field(
        default=None, description="A service principal of Microsoft Entra ID."
    )
    service_credential: Credential = None


class AnthropicDirect(CatalogSpec):
    """Anthropic's own API."""

    api_key: ProviderSecret = Field(description="The API key.")


class RelayedLogin(CatalogSpec):
    """The caller's own token is passed on; nothing is stored."""


class BedrockDirect(CatalogSpec):
    """Amazon Bedrock."""

    region: str = Field(min_length=1, description="The AWS region, such as `us-east-1`.")
    aws_access_key: AwsAccessKey | None = Field(default=None, description="A key pair.")
    service_credential: Credential = None


class GeminiDirect(CatalogSpec):
    """Gemini on Google Cloud."""

    project_id: str = Field(min_length=1, description="The project.")
    region: str = Field(min_length=1, description="The region.")
    api_key: Key = None
    service_credential: Credential = None


class CustomDirect(CatalogSpec):
    """Any server that speaks one of the APIs."""

    base_url: str = Field(min_length=1, description="The address that requests go to.")
    api_key: Key = None
    header_auth: ApiKeyHeader | None = Field(default=None, description="A header of its own name.")


class OpenAiProvider(CatalogSpec):
    """OpenAI."""

    direct: OpenAiDirect = Field(description="How to reach it.")


class AzureProvider(CatalogSpec):
    """Azure OpenAI, or Microsoft Foundry."""

    direct: AzureDirect = Field(description="How to reach it.")


class AnthropicProvider(CatalogSpec):
    """Anthropic: exactly one of the two."""

    direct: AnthropicDirect | None = Field(default=None, description="With a key of your own.")
    relayed: RelayedLogin | None = Field(default=None, description="With the caller's token.")


class BedrockProvider(CatalogSpec):
    """Amazon Bedrock."""

    direct: BedrockDirect = Field(description="How to reach it.")


class GeminiProvider(CatalogSpec):
    """Gemini Enterprise."""

    direct: GeminiDirect = Field(description="How to reach it.")


class CustomProvider(CatalogSpec):
    """A provider that has no block of its own."""

    direct: CustomDirect = Field(description="How to reach it.")


class ProviderTarget(CatalogSpec):
    """One model of the provider."""

    model: str = Field(min_length=1, description="The provider's own name of the model.")
    native_api_types: tuple[ApiType, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="The APIs that it speaks, such as `openai/v1/chat/completions`.",
    )
    endpoint_route: str | None = Field(
        default=None, description="The rest of the address. For CUSTOM providers only."
    )


class ProviderPricing(CatalogSpec):
    """What cost estimates subtract."""

    default_discount_basis_points: int | None = Field(
        default=None, le=10000, description="The discount in hundredths of a percent."
    )


Table = Annotated[
    ServiceInferenceTable | None,
    NotUpdatable(
        SDK,
        remedy="an inference table cannot move: take the block out and apply, then write the new "
        "one and apply again",
    ),
]


class ProviderConfig(CatalogSpec):
    """The provider, how to log in, and which of its models may be asked."""

    provider_type: Annotated[
        Literal[
            "EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI",
            "EXTERNAL_MODEL_PROVIDER_TYPE_AZURE_OPENAI",
            "EXTERNAL_MODEL_PROVIDER_TYPE_ANTHROPIC",
            "EXTERNAL_MODEL_PROVIDER_TYPE_AMAZON_BEDROCK",
            "EXTERNAL_MODEL_PROVIDER_TYPE_BEDROCK_MANTLE",
            "EXTERNAL_MODEL_PROVIDER_TYPE_GEMINI_ENTERPRISE",
            "EXTERNAL_MODEL_PROVIDER_TYPE_MICROSOFT_FOUNDRY",
            "EXTERNAL_MODEL_PROVIDER_TYPE_CUSTOM",
        ],
        Immutable(SDK),
    ] = Field(description="The provider. A change needs another service.")
    openai: OpenAiProvider | None = Field(default=None, description="OpenAI.")
    azure_openai: AzureProvider | None = Field(default=None, description="Azure OpenAI.")
    anthropic: AnthropicProvider | None = Field(default=None, description="Anthropic.")
    amazon_bedrock: BedrockProvider | None = Field(default=None, description="Amazon Bedrock.")
    bedrock_mantle: BedrockProvider | None = Field(default=None, description="Bedrock Mantle.")
    gemini_enterprise: GeminiProvider | None = Field(default=None, description="Gemini.")
    microsoft_foundry: AzureProvider | None = Field(default=None, description="Foundry.")
    custom: CustomProvider | None = Field(default=None, description="Any other server.")
    targets: Annotated[tuple[ProviderTarget, ...] | None, KeyedBy(SDK, key=("model",))] = Field(
        default=None, description="The models that may be asked."
    )
    allow_all_targets: Switch = Field(
        default=None, description="Whether any model of the provider may be asked."
    )
    forward_headers: Switch = Field(
        default=None, description="Whether headers of callers reach the provider."
    )
    forward_query_parameters: Switch = Field(
        default=None, description="Whether query parameters of callers reach the provider."
    )
    forward_unmanaged_paths: Switch = Field(
        default=None,
        description="Whether paths that the gateway does not know reach the provider. They skip "
        "limits and logs.",
    )
    rate_limits: RateLimits = LIMITS
    inference_table: Table = TABLE
    pricing: ProviderPricing | None = Field(
        default=None, description="For estimates of costs only."
    )


class ModelProviderService(CatalogSpec):
    """An account at a provider of models. Callers ask model services, which route to it."""

    parent: Parent = PARENT_FIELD
    model_provider_service_id: Parent = Field(
        pattern=NAME, description="The service's name, in lower case."
    )
    existing: bool = EXISTING
    comment: str | None = COMMENT
    config: ProviderConfig | None = Field(default=None, description="What the service is.")
    grants: Grants = GRANTS
    lifecycle: CatalogLifecycle | None = LIFECYCLE
