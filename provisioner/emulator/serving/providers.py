"""External models: the block and the fields of each provider. Source: [serving-api 2.6]."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioner.emulator.http.routing import invalid
from provisioner.emulator.http.shape import Reader, choice, record, text
from provisioner.emulator.secrets.secret_values import is_reference

Block = dict[str, Any]

TASKS = ("llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings")
BEDROCK_PROVIDERS = ("anthropic", "cohere", "ai21labs", "amazon")

AZURE = ("openai_api_base", "openai_api_version", "openai_deployment_name")
# With `azuread` the table deserves a warning only; strict here, because a
# client that sends what the table says is right under both readings. [serving-api 8.26]
NEEDED_BY_OPENAI_TYPE = {
    "openai": ("openai_api_key",),
    "azure": ("openai_api_key", *AZURE),
    "azuread": (
        "microsoft_entra_client_id",
        "microsoft_entra_tenant_id",
        "microsoft_entra_client_secret",
        *AZURE,
    ),
}


def _openai(block: Block, where: str) -> None:
    kind = block.get("openai_api_type", "openai")
    choice(*NEEDED_BY_OPENAI_TYPE)(kind, f"{where}.openai_api_type")
    _check_given(block, where, NEEDED_BY_OPENAI_TYPE[kind])


def _bedrock(block: Block, where: str) -> None:
    choice(*BEDROCK_PROVIDERS)(block["bedrock_provider"].lower(), f"{where}.bedrock_provider")
    pair = ("aws_access_key_id", "aws_secret_access_key")
    has_pair = any(_is_given(block, key) for key in pair)
    if has_pair:
        _check_given(block, where, pair)
    others = [key for key in ("instance_profile_arn", "uc_service_credential_name") if key in block]
    # rule(documented): Bedrock takes one way to sign in: a pair of keys, an instance profile or a
    #     service credential. [serving-api 2.6]
    if has_pair + len(others) != 1:
        raise invalid(
            f"{where} takes one of an access key pair, instance_profile_arn and"
            " uc_service_credential_name."
        )


def _custom(block: Block, where: str) -> None:
    given = [key for key in ("api_key_auth", "bearer_token_auth") if key in block]
    # rule(documented): A custom provider takes exactly one way to authenticate. [serving-api 2.6]
    if len(given) != 1:
        raise invalid(f"{where} takes exactly one of api_key_auth and bearer_token_auth.")
    if "api_key_auth" in block:
        _check_secrets(block["api_key_auth"], f"{where}.api_key_auth", ("value",))
        _check_given(block["api_key_auth"], f"{where}.api_key_auth", ("value",))
    else:
        _check_secrets(block["bearer_token_auth"], f"{where}.bearer_token_auth", ("token",))
        _check_given(block["bearer_token_auth"], f"{where}.bearer_token_auth", ("token",))


@dataclass(frozen=True, slots=True)
class Provider:
    """The block of a provider.

    ``secrets`` take a reference, their ``_plaintext`` twins a value. ``needed`` is required, a
    secret in one of its two forms; ``check`` covers what depends on other fields.
    """

    block: str
    fields: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    check: Callable[[Block, str], None] | None = None

    def reader(self) -> Reader:
        """Returns the reader of the provider's block."""
        twins = tuple(f"{secret}_plaintext" for secret in self.secrets)
        return record(dict.fromkeys((*self.fields, *self.secrets, *twins), text) | self._nested())

    def _nested(self) -> dict[str, Reader]:
        if self.block != "custom_provider_config":
            return {}
        key = record({"key": text, "value": text, "value_plaintext": text}, needed=("key",))
        token = record({"token": text, "token_plaintext": text})
        return {"api_key_auth": key, "bearer_token_auth": token}


def _with_key(block: str, key: str, *fields: str) -> Provider:
    return Provider(block, fields, (key,), (key,))


PROVIDERS = {
    "openai": Provider(
        "openai_config",
        (
            "openai_api_type",
            "openai_organization",
            "microsoft_entra_client_id",
            "microsoft_entra_tenant_id",
            *AZURE,
        ),
        ("openai_api_key", "microsoft_entra_client_secret"),
        check=_openai,
    ),
    "anthropic": _with_key("anthropic_config", "anthropic_api_key"),
    "cohere": _with_key("cohere_config", "cohere_api_key", "cohere_api_base"),
    "amazon-bedrock": Provider(
        "amazon_bedrock_config",
        ("aws_region", "bedrock_provider", "instance_profile_arn", "uc_service_credential_name"),
        ("aws_access_key_id", "aws_secret_access_key"),
        ("aws_region", "bedrock_provider"),
        _bedrock,
    ),
    "google-cloud-vertex-ai": Provider(
        "google_cloud_vertex_ai_config",
        ("project_id", "region"),
        ("private_key",),
        ("project_id", "region", "private_key"),
    ),
    "databricks-model-serving": Provider(
        "databricks_model_serving_config",
        ("databricks_workspace_url",),
        ("databricks_api_token",),
        ("databricks_workspace_url", "databricks_api_token"),
    ),
    "ai21labs": _with_key("ai21labs_config", "ai21labs_api_key"),
    "palm": _with_key("palm_config", "palm_api_key"),
    "custom": Provider(
        "custom_provider_config",
        ("custom_provider_url",),
        needed=("custom_provider_url",),
        check=_custom,
    ),
}

# Every pair of provider and task is taken: the service's table did not survive. [serving-api 8.11]
EXTERNAL_MODEL = record(
    {
        "name": text,
        "provider": choice(*PROVIDERS),
        "task": choice(*TASKS),
        **{provider.block: provider.reader() for provider in PROVIDERS.values()},
    },
    needed=("name", "provider", "task"),
)


_MODEL_NAME = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)


def check_external_model(model: dict[str, Any], where: str) -> None:
    """Requires the provider's own block, with its fields, and no other. Raises ApiError."""
    # rule(client): The name of an external model has letters, digits and `-_.:` only.
    #     [serving-api 3.5]
    if not _MODEL_NAME.fullmatch(model["name"]):
        raise invalid(
            f"{where}.name can only contain alphanumeric characters, '-', '_', '.' and ':'."
        )
    provider = PROVIDERS[model["provider"]]
    for other in PROVIDERS.values():
        # rule(documented): An external model has the block of its provider and no other.
        #     [serving-api 2.6]
        if other.block in model and other is not provider:
            raise invalid(f"{where}.{other.block} does not belong to provider {model['provider']}.")
    # rule(documented): An external model has the block of its provider. [serving-api 2.6]
    if provider.block not in model:
        raise invalid(f"{where}.{provider.block} must be given for {model['provider']}.")
    block, where = model[provider.block], f"{where}.{provider.block}"
    _check_secrets(block, where, provider.secrets)
    _check_given(block, where, provider.needed)
    if provider.check:
        provider.check(block, where)


def _check_secrets(block: Block, where: str, secrets: tuple[str, ...]) -> None:
    """Refuses a secret that is no reference. Never shows a value: it may be the secret itself."""
    for name in secrets:
        twin = f"{name}_plaintext"
        # rule(documented): A secret is given as a reference or as plaintext, not as both.
        #     [serving-api 8.25]
        if name in block and twin in block:
            raise invalid(f"{where} takes only one of {name} and {twin}.")
        # rule(documented): A secret field holds a secret reference. [serving-api 2.6, 4.4]
        if name in block and not is_reference(block[name]):
            raise invalid(f"{where}.{name} must be a secret reference: {{{{secrets/scope/key}}}}.")


def _check_given(block: Block, where: str, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not _is_given(block, name)]
    # rule(documented): A provider's block has the fields that its table requires; for azuread they
    #     deserve a warning only. [serving-api 2.6, 8.26]
    if missing:
        raise invalid(f"{where} lacks {', '.join(missing)}.")


def _is_given(block: Block, name: str) -> bool:
    """Returns whether a field, or its plaintext twin, has a value."""
    return bool(block.get(name) or block.get(f"{name}_plaintext"))
