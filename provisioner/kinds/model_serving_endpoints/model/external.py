"""External models: nine providers, each with a block of settings of its own.

Every secret has two fields: ``X`` holds a reference into a secret scope and is read back,
``X_plaintext`` holds the value itself and is not.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from provisioner.kinds.model_serving_endpoints.vocabulary import OUTPUT_ONLY
from provisioner.model.field_rules import Immutable, SecretReference, ServerDefault, WriteOnly

SDK = "databricks-sdk service/serving.py"
TERRAFORM = "terraform-provider-databricks docs/resources/model_serving.md"

Reference = Annotated[str | None, SecretReference(SDK)]
Plaintext = Annotated[str | None, WriteOnly(SDK, secret=True)]
# Where an answer would show a field that we do not know, we do not know either.
Raw = Annotated[dict[str, Any] | None, WriteOnly("extension of provisioner")]


# rule(tool): A text that is given is not empty, and an amount is not below 0: leave the field out
#     instead.
class Spec(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


def output_only(*place: str) -> ConfigDict:
    """The settings of the model at ``place``, with the fields that only the service sets.

    In the schema they let a message say so, where a user pastes an answer as a manifest.
    """
    names: list[JsonValue] = [*sorted(OUTPUT_ONLY[place])]
    return ConfigDict(json_schema_extra={"x-output-only": names})


class OpenAiConfig(Spec):
    """OpenAI, or OpenAI models on Azure with a key (`azure`) or with Entra ID (`azuread`)."""

    # rule(documented): OpenAI has three API types. [serving-api 2.6]
    openai_api_type: Annotated[
        Literal["openai", "azure", "azuread"] | None, ServerDefault(SDK, only=("openai",))
    ] = Field(
        default=None,
        description=(
            "The API type: `openai` (the default), `azure` for Azure OpenAI with a "
            "key, or `azuread` for Azure OpenAI with Microsoft Entra ID."
        ),
    )
    openai_api_key: Reference = Field(
        default=None,
        description="The API key as a reference: `{{secrets/scope/key}}`.",
    )
    openai_api_key_plaintext: Plaintext = Field(
        default=None,
        description="The API key itself, as `${env.NAME}`. Instead of `openai_api_key`.",
    )
    openai_api_base: Annotated[
        str | None, ServerDefault(TERRAFORM, only=("https://api.openai.com/v1",))
    ] = Field(
        default=None,
        description="The base URL. Required for Azure, optional for OpenAI.",
    )
    openai_api_version: str | None = Field(
        default=None,
        description="The API version, a date such as `2024-06-01`. Azure only, and required there.",
    )
    openai_deployment_name: str | None = Field(
        default=None,
        description="The name of the Azure OpenAI deployment. Azure only, and required there.",
    )
    openai_organization: str | None = Field(
        default=None, description="The OpenAI organization to bill."
    )
    microsoft_entra_client_id: str | None = Field(
        default=None, description="The application (client) id. `azuread` only."
    )
    microsoft_entra_client_secret: Reference = Field(
        default=None,
        description="The client secret as a reference: `{{secrets/scope/key}}`. `azuread` only.",
    )
    microsoft_entra_client_secret_plaintext: Plaintext = Field(
        default=None,
        description="The client secret itself, as `${env.NAME}`. "
        "Instead of `microsoft_entra_client_secret`.",
    )
    microsoft_entra_tenant_id: str | None = Field(
        default=None, description="The directory (tenant) id. `azuread` only."
    )


class AnthropicConfig(Spec):
    """The API of Anthropic."""

    anthropic_api_key: Reference = Field(
        default=None, description="The API key as a reference: `{{secrets/scope/key}}`."
    )
    anthropic_api_key_plaintext: Plaintext = Field(
        default=None,
        description="The API key itself, as `${env.NAME}`. Instead of `anthropic_api_key`.",
    )


class CohereConfig(Spec):
    """The API of Cohere."""

    cohere_api_key: Reference = Field(
        default=None, description="The API key as a reference: `{{secrets/scope/key}}`."
    )
    cohere_api_key_plaintext: Plaintext = Field(
        default=None,
        description="The API key itself, as `${env.NAME}`. Instead of `cohere_api_key`.",
    )
    cohere_api_base: str | None = Field(
        default=None, description="The base URL, if it is not the one of Cohere's public API."
    )


# rule(documented): Bedrock needs a region and one of four providers. [serving-api 2.6]
class AmazonBedrockConfig(Spec):
    """Amazon Bedrock, with an access key, an instance profile or a service credential."""

    aws_region: str = Field(min_length=1, description="The AWS region, such as `us-east-1`.")
    bedrock_provider: Literal["anthropic", "cohere", "ai21labs", "amazon"] = Field(
        description="The provider of the model within Bedrock."
    )
    aws_access_key_id: Reference = Field(
        default=None,
        description="The access key id as a reference: `{{secrets/scope/key}}`.",
    )
    aws_access_key_id_plaintext: Plaintext = Field(
        default=None,
        description="The access key id itself, as `${env.NAME}`. Instead of `aws_access_key_id`.",
    )
    aws_secret_access_key: Reference = Field(
        default=None,
        description="The secret access key as a reference: `{{secrets/scope/key}}`.",
    )
    aws_secret_access_key_plaintext: Plaintext = Field(
        default=None,
        description="The secret access key itself, as `${env.NAME}`. "
        "Instead of `aws_secret_access_key`.",
    )
    instance_profile_arn: str | None = Field(
        default=None,
        description="The instance profile to use. Instead of an access key.",
    )
    uc_service_credential_name: str | None = Field(
        default=None,
        description="The Unity Catalog service credential to use. Instead of an access key.",
    )


# rule(documented): Vertex AI needs a project and a region. [serving-api 2.6]
class GoogleCloudVertexAiConfig(Spec):
    """Google Cloud Vertex AI, with a service account key."""

    project_id: str = Field(min_length=1, description="The Google Cloud project.")
    region: str = Field(min_length=1, description="The region, such as `us-central1`.")
    private_key: Reference = Field(
        default=None,
        description="The service account key as a reference: `{{secrets/scope/key}}`.",
    )
    private_key_plaintext: Plaintext = Field(
        default=None,
        description="The service account key itself, as `${env.NAME}`. Instead of `private_key`.",
    )


# rule(documented): Another workspace needs its URL. [serving-api 2.6]
class DatabricksModelServingConfig(Spec):
    """A serving endpoint of another Databricks workspace."""

    databricks_workspace_url: str = Field(
        min_length=1, description="The URL of the workspace that serves the model."
    )
    databricks_api_token: Reference = Field(
        default=None,
        description="A token for that workspace as a reference: `{{secrets/scope/key}}`.",
    )
    databricks_api_token_plaintext: Plaintext = Field(
        default=None,
        description="The token itself, as `${env.NAME}`. Instead of `databricks_api_token`.",
    )


class Ai21LabsConfig(Spec):
    """The API of AI21 Labs."""

    ai21labs_api_key: Reference = Field(
        default=None, description="The API key as a reference: `{{secrets/scope/key}}`."
    )
    ai21labs_api_key_plaintext: Plaintext = Field(
        default=None,
        description="The API key itself, as `${env.NAME}`. Instead of `ai21labs_api_key`.",
    )


class PalmConfig(Spec):
    """Google PaLM."""

    palm_api_key: Reference = Field(
        default=None, description="The API key as a reference: `{{secrets/scope/key}}`."
    )
    palm_api_key_plaintext: Plaintext = Field(
        default=None,
        description="The API key itself, as `${env.NAME}`. Instead of `palm_api_key`.",
    )


# rule(documented): A login with an API key names its header or parameter. [serving-api 2.6]
class ApiKeyAuth(Spec):
    """Login with an API key in a custom header or parameter."""

    key: str = Field(min_length=1, description="The name of the header or parameter. Not a secret.")
    value: Reference = Field(
        default=None, description="The API key as a reference: `{{secrets/scope/key}}`."
    )
    value_plaintext: Plaintext = Field(
        default=None, description="The API key itself, as `${env.NAME}`. Instead of `value`."
    )


class BearerTokenAuth(Spec):
    """A token in the `Authorization` header."""

    token: Reference = Field(
        default=None, description="The token as a reference: `{{secrets/scope/key}}`."
    )
    token_plaintext: Plaintext = Field(
        default=None, description="The token itself, as `${env.NAME}`. Instead of `token`."
    )


# rule(documented): A custom provider needs its URL. [serving-api 2.6]
class CustomProviderConfig(Spec):
    """Another provider with an OpenAI-compatible API."""

    custom_provider_url: str = Field(min_length=1, description="The URL of the provider's API.")
    api_key_auth: ApiKeyAuth | None = Field(
        default=None, description="Login with an API key. Set either this or `bearer_token_auth`."
    )
    bearer_token_auth: BearerTokenAuth | None = Field(
        default=None, description="Login with a bearer token. Set either this or `api_key_auth`."
    )


# rule(documented): An external model needs a name, a task and one of the listed providers.
#     [serving-api 2.6]
class ExternalModel(Spec):
    """An external model: its provider, address and login."""

    name: str = Field(min_length=1, description="The provider's name for the model.")
    provider: Literal[
        "openai",
        "anthropic",
        "cohere",
        "amazon-bedrock",
        "google-cloud-vertex-ai",
        "databricks-model-serving",
        "ai21labs",
        "palm",
        "custom",
    ] = Field(
        description=(
            "The provider of the model. The settings block of this provider is required, too."
        )
    )
    task: Annotated[str, Immutable(SDK)] = Field(
        description=(
            "The task of the model. All external models of an endpoint have the same task."
        ),
        examples=["llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"],
    )
    openai_config: OpenAiConfig | None = Field(
        default=None, description="Settings for the provider `openai`."
    )
    anthropic_config: AnthropicConfig | None = Field(
        default=None, description="Settings for the provider `anthropic`."
    )
    cohere_config: CohereConfig | None = Field(
        default=None, description="Settings for the provider `cohere`."
    )
    amazon_bedrock_config: AmazonBedrockConfig | None = Field(
        default=None, description="Settings for the provider `amazon-bedrock`."
    )
    google_cloud_vertex_ai_config: GoogleCloudVertexAiConfig | None = Field(
        default=None, description="Settings for the provider `google-cloud-vertex-ai`."
    )
    databricks_model_serving_config: DatabricksModelServingConfig | None = Field(
        default=None, description="Settings for the provider `databricks-model-serving`."
    )
    ai21labs_config: Ai21LabsConfig | None = Field(
        default=None, description="Settings for the provider `ai21labs`."
    )
    palm_config: PalmConfig | None = Field(
        default=None, description="Settings for the provider `palm`."
    )
    custom_provider_config: CustomProviderConfig | None = Field(
        default=None, description="Settings for the provider `custom`."
    )
    raw: Raw = Field(
        default=None,
        description=(
            "Fields of an external model that `provisioner` does not know. They are sent unchanged."
        ),
    )
