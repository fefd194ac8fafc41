"""The config of a model provider service: its login, its targets, what it never shows.

Source: databricks-sdk, ``ModelProviderServiceConfig`` and its parts.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from provisioner.emulator.http.routing import ApiRequest, EmulatedWorkspace, invalid
from provisioner.emulator.http.store import Store
from provisioner.emulator.unity_catalog import masks, securables
from provisioner.emulator.unity_catalog.securables import CatalogObject, Json
from provisioner.emulator.unity_catalog.service_shapes import PROVIDER_TYPE, PROVIDERS

PROVIDER_MASK = "config.provider"
SECRETS = "secrets/"
# Of each provider what must be given, and the ways to log in, of which one is taken.
NEEDED = {
    "azure_openai": ("base_url",),
    "microsoft_foundry": ("base_url",),
    "amazon_bedrock": ("region",),
    "bedrock_mantle": ("region",),
    "gemini_enterprise": ("project_id", "region"),
    "custom": ("base_url",),
}
LOGINS = (
    "api_key",
    "entra_service_principal",
    "service_credential",
    "aws_access_key",
    "header_auth",
)


def block_of(config: Json) -> str:
    """Returns the name of the provider's block that the config holds; ``""`` without one."""
    return next((name for name in PROVIDERS if name in config), "")


def merged(stored: Json, sent: Json, paths: list[str]) -> Json:
    """Returns the stored body with what the mask names. Credentials left out stay as they are."""
    others = [path for path in paths if path != PROVIDER_MASK]
    result = masks.merged(stored, sent, others)
    if PROVIDER_MASK in paths:
        config, coming = result["config"], sent.get("config") or {}
        name, before = block_of(coming), config.pop(block_of(config), {})
        config |= {name: _with_credentials(coming[name], before)} if name else {}
    return result


def _with_credentials(coming: Json, before: Json) -> Json:
    """Returns a provider's block with the stored login where it brings none."""
    result = copy.deepcopy(coming)
    direct, stored = result.get("direct"), before.get("direct") or {}
    if not isinstance(direct, dict):
        return result
    if not any(name in direct for name in LOGINS):
        direct |= {name: stored[name] for name in LOGINS if name in stored}
    for name in LOGINS:
        if isinstance(direct.get(name), dict) and isinstance(stored.get(name), dict):
            direct[name] = _filled(direct[name], stored[name])
    return result


def _filled(login: Json, stored: Json) -> Json:
    """Returns a login with the stored secrets where it is left empty."""
    if not login:
        return copy.deepcopy(stored)
    return {
        name: _filled(value, stored[name])
        if isinstance(value, dict) and isinstance(stored.get(name), dict) and not value
        else value
        for name, value in login.items()
    }


def checked(
    workspace: EmulatedWorkspace, request: ApiRequest, full_name: str, body: Json, before: Json
) -> Json:
    """Returns the body as it is kept. Raises ApiError for what the service would refuse."""
    config = body["config"]
    name = block_of(config)
    # rule(documented): The block of the provider is that of its type, and there is one alone.
    #     [databricks-sdk, ModelProviderServiceConfig]
    if config.get("provider_type") != f"{PROVIDER_TYPE}{PROVIDERS.get(name, '')}":
        raise invalid("config: provider_type and the block of the provider must match.")
    _check_login(workspace.store, name, config[name])
    is_custom = name == "custom"
    # rule(documented): A custom provider lists its targets. [databricks-sdk, allow_all_targets]
    if is_custom and config.get("allow_all_targets"):
        raise invalid("config.allow_all_targets must be false for custom providers.")
    # rule(documented): Without allow_all_targets the targets are listed. [databricks-sdk, targets]
    if not config.get("targets") and not config.get("allow_all_targets"):
        raise invalid("config.targets must be given.")
    masks.check(config.get("rate_limits"))
    check_table(config, before.get("config") or {})
    return body


def _check_login(store: Store, name: str, block: Json) -> None:
    direct = block.get("direct")
    if name == "anthropic" and direct is None:
        return
    direct = direct or {}
    for field in NEEDED.get(name, ()):
        # rule(documented): A provider has an address or a region. [databricks-sdk]
        if not direct.get(field):
            raise invalid(f"config.{name}.direct.{field} must be given.")
    # rule(documented): A provider has exactly one way to log in. [databricks-sdk]
    if sum(each in direct for each in LOGINS) != 1:
        raise invalid(f"config.{name}.direct must hold exactly one of its credentials.")
    for reference in references_in(direct):
        # rule(assumed, always): A reference to a secret that does not exist is refused when it is
        #     written, because clients must be prepared to create secrets first.
        #     [docs.databricks.com, Create model provider services]
        if not securables.find(store, securables.SECRET, reference.removeprefix(SECRETS)):
            raise invalid(f"Secret '{reference.removeprefix(SECRETS)}' does not exist.")


def references_in(value: Any) -> Iterator[str]:
    """Yields the names of the catalog secrets that a provider's block refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("secret_reference"), dict):
            yield str(value["secret_reference"].get("name", ""))
        for inner in value.values():
            yield from references_in(inner)


def check_table(config: Json, before: Json) -> None:
    old, new = before.get("inference_table"), config.get("inference_table")
    # rule(documented): Parent and prefix of an inference table cannot change. [databricks-sdk,
    #     InferenceTableConfig]
    if old and new and old != new:
        raise invalid("config.inference_table cannot be changed.")


def table_view(config: Json, full_name: str) -> Json:
    """Returns the inference table as it is shown: with its full name."""
    table = config.get("inference_table")
    if not table:
        return {}
    prefix = table.get("table_name_prefix") or full_name.rpartition(".")[2]
    schema = table["parent"].removeprefix("schemas/")
    name = f"tables/{schema}.{prefix}_payload"
    return {"inference_table": {**table, "table_name_prefix": prefix, "table": name}}


def view(workspace: EmulatedWorkspace, securable: CatalogObject) -> Json:
    """Returns the config without plaintext: an empty object says that one is set."""
    config = _hidden(securable.body["config"])
    return {"config": config | table_view(config, securable.full_name)}


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(inner) for name, inner in value.items() if name != "plaintext"}
    return [_hidden(inner) for inner in value] if isinstance(value, list) else value
