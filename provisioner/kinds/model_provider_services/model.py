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

# rule(documented): A target has at most 64 types of APIs, of 1 to 256 characters each.
#     [databricks-sdk, native_api_types]
ApiType = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Switch = Annotated[bool | None, ServerDefault(SDK, only=(False,))]


class CatalogSecretReference(CatalogSpec):
    """A catalog secret. Databricks reads its value for each call of the provider."""

    # rule(documented): A secret is named `secrets/CATALOG.SCHEMA.NAME`. [databricks-sdk,
    #     ModelProviderServiceConfigSecretReference]
    name: str = Field(
        pattern=r"^secrets/[^\s./]+\.[^\s./]+\.[^\s./]+$",
        description="The secret, as `secrets/CATALOG.SCHEMA.NAME`.",
    )


class ProviderSecret(CatalogSpec):
    """A key: a reference to a catalog secret, or a plaintext value."""

    plaintext: Annotated[str | None, WriteOnly(SDK, secret=True)] = Field(
        default=None,
        description="The plaintext value, as `${env.NAME}`. Databricks never returns it.",
    )
    secret_reference: CatalogSecretReference | None = Field(
        default=None,
        description=(
            "The catalog secret with the value. If you rotate the secret, this "
            "service needs no update."
        ),
    )


# rule(documented): A reference to a credential names it. [databricks-sdk,
#     ModelProviderServiceConfigServiceCredential]
class ServiceCredentialReference(CatalogSpec):
    """A service credential of Unity Catalog."""

    name: str = Field(min_length=1, description="The name of the credential.")


# rule(documented): A login with Entra ID has three parts. [databricks-sdk,
#     ModelProviderServiceConfigEntraServicePrincipal]
class EntraServicePrincipal(CatalogSpec):
    """Login with Microsoft Entra ID."""

    tenant_id: str = Field(min_length=1, description="The directory (tenant) id.")
    client_id: str = Field(min_length=1, description="The application (client) id.")
    client_secret: ProviderSecret = Field(description="The client secret.")


# rule(documented): An access key has an id and a secret part. [databricks-sdk,
#     ModelProviderServiceConfigAwsAccessKey]
class AwsAccessKey(CatalogSpec):
    """Login with an AWS access key."""

    access_key_id: str = Field(
        min_length=1, description="The access key id. Databricks returns this value."
    )
    secret_access_key: ProviderSecret = Field(description="The secret access key.")


# rule(documented): A header has a name and a value. [databricks-sdk,
#     ModelProviderServiceConfigCustomProviderApiKeyHeaderAuth]
class ApiKeyHeader(CatalogSpec):
    """Login with a custom header."""

    api_key_name: str = Field(min_length=1, description="The name of the header.")
    api_key_value: ProviderSecret = Field(description="The value of the header.")


Key = Annotated[ProviderSecret | None, Field(description="The API key.")]
Credential = Annotated[
    ServiceCredentialReference | None, Field(description="A service credential instead of a key.")
]


# rule(documented): OpenAI needs a key. [databricks-sdk, ModelProviderServiceConfig]
class OpenAiDirect(CatalogSpec):
    """The API of OpenAI."""

    api_key: ProviderSecret = Field(description="The API key.")
    base_url: str | None = Field(
        default=None, description="The base URL, if it is not the one of the public API."
    )
    organization: str | None = Field(default=None, description="The organization to bill.")


# rule(documented): Azure needs the address of its resource. [databricks-sdk,
#     ModelProviderServiceConfig]
class AzureDirect(CatalogSpec):
    """Azure OpenAI or Microsoft Foundry."""

    base_url: str = Field(min_length=1, description="The base URL of the resource.")
    api_key: Key = None
    entra_service_principal: EntraServicePrincipal | None = Field(
        default=None, description="A service principal of Microsoft Entra ID."
    )
    service_credential: Credential = None


# rule(documented): Anthropic needs a key. [databricks-sdk, ModelProviderServiceConfig]
class AnthropicDirect(CatalogSpec):
    """The API of Anthropic."""

    api_key: ProviderSecret = Field(description="The API key.")


class RelayedLogin(CatalogSpec):
    """Access with the token of the caller, which is not stored."""


# rule(documented): Bedrock needs a region. [databricks-sdk, ModelProviderServiceConfig]
class BedrockDirect(CatalogSpec):
    """Amazon Bedrock."""

    region: str = Field(min_length=1, description="The AWS region, such as `us-east-1`.")
    aws_access_key: AwsAccessKey | None = Field(default=None, description="An AWS access key.")
    service_credential: Credential = None


# rule(documented): Gemini needs a project and a region. [databricks-sdk,
#     ModelProviderServiceConfig]
class GeminiDirect(CatalogSpec):
    """Gemini on Google Cloud."""

    project_id: str = Field(min_length=1, description="The Google Cloud project.")
    region: str = Field(min_length=1, description="The region of the provider.")
    api_key: Key = None
    service_credential: Credential = None


# rule(documented): A custom provider needs its address. [databricks-sdk,
#     ModelProviderServiceConfig]
class CustomDirect(CatalogSpec):
    """Another provider that supports one of the APIs."""

    base_url: str = Field(min_length=1, description="The base URL.")
    api_key: Key = None
    header_auth: ApiKeyHeader | None = Field(
        default=None, description="Login with a custom header."
    )


# rule(documented): The block of a provider has an address and a login. [databricks-sdk,
#     ModelProviderServiceConfig]
class OpenAiProvider(CatalogSpec):
    """OpenAI."""

    direct: OpenAiDirect = Field(description="The address and the login.")


# rule(documented): The block of a provider has an address and a login. [databricks-sdk,
#     ModelProviderServiceConfig]
class AzureProvider(CatalogSpec):
    """Azure OpenAI, or Microsoft Foundry."""

    direct: AzureDirect = Field(description="The address and the login.")


class AnthropicProvider(CatalogSpec):
    """Anthropic. Set exactly one of the two fields."""

    direct: AnthropicDirect | None = Field(
        default=None, description="Access with your own API key."
    )
    relayed: RelayedLogin | None = Field(
        default=None, description="Access with the token of the caller."
    )


# rule(documented): The block of a provider has an address and a login. [databricks-sdk,
#     ModelProviderServiceConfig]
class BedrockProvider(CatalogSpec):
    """Amazon Bedrock."""

    direct: BedrockDirect = Field(description="The address and the login.")


# rule(documented): The block of a provider has an address and a login. [databricks-sdk,
#     ModelProviderServiceConfig]
class GeminiProvider(CatalogSpec):
    """Gemini Enterprise."""

    direct: GeminiDirect = Field(description="The address and the login.")


# rule(documented): The block of a provider has an address and a login. [databricks-sdk,
#     ModelProviderServiceConfig]
class CustomProvider(CatalogSpec):
    """A provider without its own settings block."""

    direct: CustomDirect = Field(description="The address and the login.")


# rule(documented): A target names a model. [databricks-sdk,
#     ModelProviderServiceConfigModelTargetConfig]
class ProviderTarget(CatalogSpec):
    """One model of the provider."""

    model: str = Field(min_length=1, description="The name of the model at the provider.")
    # rule(documented): A target has at most 64 types of APIs, of 1 to 256 characters each.
    #     [databricks-sdk, native_api_types]
    native_api_types: tuple[ApiType, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="The APIs that the model supports, such as `openai/v1/chat/completions`.",
    )
    endpoint_route: str | None = Field(
        default=None, description="The rest of the URL. For CUSTOM providers only."
    )


class ProviderPricing(CatalogSpec):
    """The discount for cost estimates."""

    # rule(documented): A discount is at most 10,000 hundredths of a percent. [databricks-sdk,
    #     ModelProviderServiceConfigProviderPricingConfig]
    default_discount_basis_points: int | None = Field(
        default=None,
        ge=-(2**31),
        le=10000,
        description="The discount in hundredths of a percent. A negative value is a markup.",
    )


Table = Annotated[
    ServiceInferenceTable | None,
    NotUpdatable(
        SDK,
        remedy="an inference table cannot move: remove the block and apply, then add the new "
        "block and apply again",
    ),
]


# rule(documented): A provider has one of the listed types. [databricks-sdk,
#     ModelProviderServiceConfigExternalModelProviderType]
class ProviderConfig(CatalogSpec):
    """The provider, the login, and the models that callers may use."""

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
    ] = Field(description="The provider. It cannot be changed: create another service instead.")
    openai: OpenAiProvider | None = Field(default=None, description="OpenAI.")
    azure_openai: AzureProvider | None = Field(default=None, description="Azure OpenAI.")
    anthropic: AnthropicProvider | None = Field(default=None, description="Anthropic.")
    amazon_bedrock: BedrockProvider | None = Field(default=None, description="Amazon Bedrock.")
    bedrock_mantle: BedrockProvider | None = Field(default=None, description="Bedrock Mantle.")
    gemini_enterprise: GeminiProvider | None = Field(default=None, description="Gemini Enterprise.")
    microsoft_foundry: AzureProvider | None = Field(default=None, description="Microsoft Foundry.")
    custom: CustomProvider | None = Field(default=None, description="Another provider.")
    targets: Annotated[tuple[ProviderTarget, ...] | None, KeyedBy(SDK, key=("model",))] = Field(
        default=None, description="The models that callers may use."
    )
    allow_all_targets: Switch = Field(
        default=None, description="Whether callers may use all models of the provider."
    )
    forward_headers: Switch = Field(
        default=None, description="Whether the headers of callers are forwarded to the provider."
    )
    forward_query_parameters: Switch = Field(
        default=None,
        description="Whether the query parameters of callers are forwarded to the provider.",
    )
    forward_unmanaged_paths: Switch = Field(
        default=None,
        description=(
            "Whether requests to unknown paths are forwarded to the provider. Limits "
            "and logs do not apply to them."
        ),
    )
    rate_limits: RateLimits = LIMITS
    inference_table: Table = TABLE
    pricing: ProviderPricing | None = Field(
        default=None, description="The discount for cost estimates."
    )


class ModelProviderService(CatalogSpec):
    """An account at a model provider. Model services route requests to it."""

    parent: Parent = PARENT_FIELD
    # rule(tool): A name holds lower-case letters, digits, `-` and `_`: the catalog stores names in
    #     lower case, and a name with other characters has to be quoted everywhere.
    model_provider_service_id: Parent = Field(
        pattern=NAME, description="The service's name, in lower case."
    )
    existing: bool = EXISTING
    comment: str | None = COMMENT
    config: ProviderConfig | None = Field(
        default=None, description="The configuration of the service."
    )
    grants: Grants = GRANTS
    lifecycle: CatalogLifecycle | None = LIFECYCLE
