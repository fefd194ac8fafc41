"""Reads served entities: their shape, what excludes what, and the service's defaults."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioner.emulator.http.routing import invalid, refuse_if_strict
from provisioner.emulator.http.shape import (
    LARGEST_INTEGER,
    Reader,
    choice,
    flag,
    integer,
    record,
    text,
    text_by_name,
)
from provisioner.emulator.secrets.secret_values import is_reference
from provisioner.emulator.unity_catalog.catalog import is_full_name

# External models: the block and the fields of each provider. Source: [serving-api 2.6].

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


Entity = dict[str, Any]

NAME = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_NAME = 63
WORKLOAD_TYPES = (
    *("CPU", "CPU_MEDIUM", "CPU_LARGE"),
    *("GPU_SMALL", "GPU_MEDIUM", "GPU_LARGE", "GPU_XLARGE", "GPU_XLARGE_8", "MULTIGPU_MEDIUM"),
)
CONCURRENCY = ("min_provisioned_concurrency", "max_provisioned_concurrency")
THROUGHPUT = ("min_provisioned_throughput", "max_provisioned_throughput")

# rule(client): burst_scaling_enabled is taken together with an external model, and has no effect
#     that a client could see. [serving-api 10.9]
OF_EXTERNAL = {"name", "external_model", "burst_scaling_enabled"}

COMMON = {
    "name": text,
    "workload_size": text,
    "workload_type": choice(*WORKLOAD_TYPES),
    "scale_to_zero_enabled": flag,
    **dict.fromkeys((*CONCURRENCY, *THROUGHPUT, "provisioned_model_units"), integer),
    "burst_scaling_enabled": flag,
    "environment_vars": text_by_name,
    "instance_profile_arn": text,
}
SERVED_ENTITY = record(
    COMMON | {"entity_name": text, "entity_version": text, "external_model": EXTERNAL_MODEL}
)
SERVED_MODEL = record(
    COMMON | {"model_name": text, "model_version": text}, needed=("model_name", "model_version")
)


def from_served_model(model: Entity) -> Entity:
    """Translates a served model into a served entity, its newer form. [serving-api 2.1]"""
    renamed = {"model_name": "entity_name", "model_version": "entity_version"}
    return {renamed.get(key, key): value for key, value in model.items()}


def read(entity: Entity, where: str) -> Entity:
    """Returns the checked entity with its defaults. Raises ApiError."""
    whole = (
        _read_external(entity, where) if "external_model" in entity else _read_custom(entity, where)
    )
    check_name(whole["name"], where)
    return whole


def check_name(name: str, where: str) -> None:
    """Refuses a name of a served entity that is not valid. Raises ApiError."""
    # rule(documented): A served entity's name has letters, digits, "-" and "_". [serving-api 3.6]
    if not NAME.fullmatch(name):
        raise invalid(f"{where}.name takes letters, digits, hyphens and underscores: '{name}'.")
    # rule(assumed, strict): A served entity's name has at most 63 characters, as an endpoint's
    #     name. [serving-api 8.22]
    if len(name) > LONGEST_NAME:
        refuse_if_strict(f"{where}.name takes at most {LONGEST_NAME} characters.")


def _read_external(entity: Entity, where: str) -> Entity:
    foreign = sorted(set(entity) - OF_EXTERNAL)
    # rule(documented): An entity with external_model has none of the fields that describe a model
    #     or its compute. [serving-api 3.8]
    if foreign:
        raise invalid(f"{where}: {', '.join(foreign)} cannot be set with external_model.")
    model = entity["external_model"]
    check_external_model(model, f"{where}.external_model")
    default = model["name"].replace(".", "-").replace(":", "-")
    return {"name": default} | entity


def _read_custom(entity: Entity, where: str) -> Entity:
    _check_object(entity, where)
    # rule(assumed, strict): Model units are sent with the /pt call only, as in every documented
    #     example. [serving-api 1.3]
    if "provisioned_model_units" in entity:
        refuse_if_strict(f"{where}.provisioned_model_units takes the /pt form of this call.")
    # rule(recorded): A custom model without scale_to_zero_enabled is refused with this text; code
    #     and status are assumed. Provisioned throughput is documented without the field.
    #     [serving-api 3.5, 8.23]
    if not has_throughput(entity) and "scale_to_zero_enabled" not in entity:
        # Observed word for word. Provisioned throughput is documented without it.
        # [serving-api 3.5]
        raise invalid("scaleToZeroEnabled is undefined. Please set it to either true or false.")
    is_elastic = any(key in entity for key in CONCURRENCY)
    # rule(client): workload_size and provisioned concurrency exclude each other. [serving-api 3.5]
    if is_elastic and "workload_size" in entity:
        raise invalid(f"{where} takes workload_size or provisioned concurrency, not both.")
    _check_range(entity, *CONCURRENCY, where=where)
    _check_range(entity, *THROUGHPUT, where=where)
    for name, value in entity.get("environment_vars", {}).items():
        # rule(assumed, strict): A secret reference fills the whole value of an environment
        #     variable; any other text is kept as it is. [serving-api 4.4]
        if "{{" in value and not is_reference(value):
            refuse_if_strict(f"{where}.environment_vars.{name} holds a malformed secret reference.")
    return _defaults(entity, is_elastic=is_elastic) | entity


def _check_object(entity: Entity, where: str) -> None:
    """Refuses an entity that names neither a model nor a feature spec. Raises ApiError."""
    name, version = entity.get("entity_name", ""), entity.get("entity_version", "")
    # rule(documented): An entity has an external_model or an entity_name. [serving-api 2.2]
    if not name:
        raise invalid(f"{where} takes entity_name with entity_version, or external_model.")
    # rule(documented): A model needs a version; a full name without one counts as a feature spec,
    #     because there is no catalog to look it up in. [serving-api 2.2]
    if not version and not is_full_name(name):
        raise invalid(f"{where}.entity_version must be given for the model {name}.")


def has_throughput(entity: Entity) -> bool:
    """Returns whether it is a foundation model that is paid by its throughput, in either unit."""
    return any(key in entity for key in (*THROUGHPUT, "provisioned_model_units"))


def is_custom_model(entity: Entity) -> bool:
    """Returns whether it is a user's model, agent or feature spec, paid by its compute."""
    return "entity_name" in entity and not has_throughput(entity)


def _check_range(entity: Entity, least: str, most: str, *, where: str) -> None:
    """Refuses a range whose ends are in the wrong order. Raises ApiError."""
    # rule(assumed, always): The smallest amount of a range is not above the largest one, because
    #     such a range is empty. Either may stand alone. [serving-api 2.2]
    if entity.get(least, 0) > entity.get(most, LARGEST_INTEGER):
        raise invalid(f"{where}.{least} is larger than {most}.")


# rule(recorded): The default name is the last part of the model's name, a hyphen and the version;
#     without a version it is assumed. [serving-api 3.4]
def name_of(entity: Entity) -> str:
    """Returns the default name, made from the model's name and version. [serving-api 3.4]"""
    last_part = str(entity["entity_name"]).rpartition(".")[2]
    version = entity.get("entity_version")
    return f"{last_part}-{version}" if version else last_part


# rule(recorded): The service fills in workload type and size. That provisioned throughput does not
#     scale to zero by default is assumed. [serving-api 3.2, 3.4]
def _defaults(entity: Entity, *, is_elastic: bool) -> Entity:
    """Returns the fields that the service fills in. [serving-api 3.2, 3.4]"""
    defaults: Entity = {"name": name_of(entity)}
    if has_throughput(entity):
        defaults |= {"workload_type": "GPU_LARGE", "scale_to_zero_enabled": False}
    else:
        defaults["workload_type"] = "CPU"
    return defaults if is_elastic else defaults | {"workload_size": "Small"}
