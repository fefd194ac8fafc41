"""Bodies that the routes take, for the OpenAPI document: made from the readers that check them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.emulator import workspace_files, workspace_permissions, workspace_tree
from provisioner.emulator.faults import rules as faults
from provisioner.emulator.http.routing import CONTROL_PREFIX
from provisioner.emulator.http.shape import (
    Reader,
    Schema,
    anything,
    choice,
    described,
    flag,
    fraction,
    integer,
    list_of,
    record,
    schema_of,
    text,
)
from provisioner.emulator.identity import acls, principals, scim
from provisioner.emulator.serving import api as serving
from provisioner.emulator.serving import configs, gateway, lag, permissions, telemetry, transitions
from provisioner.emulator.unity_catalog import (
    catalog_secrets,
    external_functions,
    grants,
    models,
    namespace_api,
    registration,
    services,
)


@described({"type": "object"})
def _object(value: Any, where: str) -> Any:
    return value


SERVING = serving.BASE
SECRETS = "/api/2.0/secrets"
MODELS = "/api/2.1/unity-catalog/models"
TAGS = list_of(serving.TAG)
NOTIFICATIONS = serving.NOTIFICATIONS
CREATE = record(
    {
        "name": text,
        "config": configs.CONFIG,
        "ai_gateway": gateway.GATEWAY,
        "description": text,
        "email_notifications": NOTIFICATIONS,
        "rate_limits": gateway.LEGACY_RATE_LIMITS,
        "route_optimized": flag,
        "tags": TAGS,
        "telemetry_config": telemetry.READER,
        "budget_policy_id": text,
    },
    needed=("name",),
)
PRINCIPAL_NAMES = dict.fromkeys(acls.PRINCIPALS, text)


def _access(levels: Iterable[str]) -> Reader:
    entry = record(PRINCIPAL_NAMES | {"permission_level": choice(*levels)})
    return record({"access_control_list": list_of(entry)})


ACCESS = _access(permissions.LEVELS)
FILE_ACCESS = _access(workspace_permissions.LEVELS)
SCOPE = record({"scope": text}, needed=("scope",))
SECRET = record({"scope": text, "key": text}, needed=("scope", "key"))
SCOPE_ACL = {"scope": text, "principal": text}
MESSAGE = record({"role": choice("system", "user", "assistant", "tool"), "content": text})
COMMON_QUERY = {
    "max_tokens": integer,
    "n": integer,
    "stop": anything,
    "stream": flag,
    "temperature": fraction,
}
CHAT = {
    "messages": list_of(MESSAGE),
    "tools": list_of(_object),
    "tool_choice": anything,
    "response_format": _object,
}
COMPLETIONS = {"prompt": anything}
EMBEDDINGS = {"input": anything, "encoding_format": choice("float", "base64")}
ROWS = {
    "dataframe_split": record({"columns": list_of(anything), "data": list_of(list_of(anything))}),
    "dataframe_records": list_of(_object),
    "instances": anything,
    "inputs": anything,
}
ANY_QUERY = record(CHAT | COMPLETIONS | EMBEDDINGS | ROWS | COMMON_QUERY)


def _openai(fields: Mapping[str, Any]) -> Any:
    return record({"model": text, **fields, **COMMON_QUERY}, needed=("model",))


BODIES = {
    f"POST {SERVING}": CREATE,
    f"POST {SERVING}/pt": CREATE,
    f"PUT {SERVING}/pt/{{name}}/config": record({"config": configs.CONFIG}, needed=("config",)),
    f"PUT {SERVING}/{{name}}/config": configs.CONFIG,
    f"PUT {SERVING}/{{name}}/ai-gateway": gateway.GATEWAY,
    f"PUT {SERVING}/{{name}}/rate-limits": record({"rate_limits": gateway.LEGACY_RATE_LIMITS}),
    f"PATCH {SERVING}/{{name}}/tags": record({"add_tags": TAGS, "delete_tags": list_of(text)}),
    f"PATCH {SERVING}/{{name}}/notifications": record({"email_notifications": NOTIFICATIONS}),
    f"PATCH {SERVING}/{{name}}/telemetry-config": record({"telemetry_config": telemetry.READER}),
    f"PUT {permissions.BASE}": ACCESS,
    f"PATCH {permissions.BASE}": ACCESS,
    **{
        f"{method} {workspace_permissions.BASE}/{kind}/{{id}}": FILE_ACCESS
        for method in ("PUT", "PATCH")
        for kind in workspace_tree.PERMISSION_TYPES.values()
    },
    f"POST {SECRETS}/scopes/create": record(
        {
            "scope": text,
            "initial_manage_principal": text,
            "scope_backend_type": choice("DATABRICKS", "AZURE_KEYVAULT"),
            "backend_azure_keyvault": record({"resource_id": text, "dns_name": text}),
        },
        needed=("scope",),
    ),
    f"POST {SECRETS}/scopes/delete": SCOPE,
    f"POST {SECRETS}/put": record(
        {"scope": text, "key": text, "string_value": text, "bytes_value": text},
        needed=("scope", "key"),
    ),
    f"POST {SECRETS}/delete": SECRET,
    f"POST {SECRETS}/acls/put": record(
        SCOPE_ACL | {"permission": choice("READ", "WRITE", "MANAGE")}, needed=(*SCOPE_ACL,)
    ),
    f"POST {SECRETS}/acls/delete": record(SCOPE_ACL, needed=(*SCOPE_ACL,)),
    "POST /serving-endpoints/{name}/invocations": ANY_QUERY,
    "POST /serving-endpoints/{name}/served-models/{served}/invocations": ANY_QUERY,
    "POST /serving-endpoints/chat/completions": _openai(CHAT),
    "POST /serving-endpoints/completions": _openai(COMPLETIONS),
    "POST /serving-endpoints/embeddings": _openai(EMBEDDINGS),
    f"POST {MODELS}": models.CREATED,
    f"PATCH {MODELS}/{{name}}": models.UPDATED,
    f"PUT {MODELS}/{{name}}/aliases/{{alias}}": record(
        {"version_num": integer}, needed=("version_num",)
    ),
    f"POST {namespace_api.CATALOGS}": namespace_api.CATALOG,
    f"POST {namespace_api.SCHEMAS}": namespace_api.SCHEMA,
    f"PATCH {namespace_api.CATALOGS}/{{name}}": namespace_api.UPDATED,
    f"PATCH {namespace_api.SCHEMAS}/{{name}}": namespace_api.UPDATED,
    f"POST {catalog_secrets.BASE}": catalog_secrets.CREATED,
    f"PATCH {catalog_secrets.BASE}/{{name}}": catalog_secrets.UPDATED,
    **{
        f"{method} {services.BASE}/{kind.plural}{rest}": kind.reader
        for kind in (services.MODEL_SERVICES, services.PROVIDER_SERVICES)
        for method, rest in (("POST", ""), ("PATCH", "/{name}"))
    },
    f"POST {external_functions.BASE}": external_functions.CALL,
    f"PATCH {grants.PERMISSIONS}": record({"changes": grants.CHANGES}),
    f"POST /{CONTROL_PREFIX}/reset": record({"what": choice("log", "everything")}),
    f"POST /{CONTROL_PREFIX}/clock": record({"advance_s": integer}),
    f"POST /{CONTROL_PREFIX}/metrics": record({"entities": flag}),
    f"POST /{CONTROL_PREFIX}/principals": principals.PRINCIPAL,
    f"POST /{CONTROL_PREFIX}/models": registration.SENT,
    **{f"{method} {path}": reader for (method, path), reader in scim.BODIES.items()},
    f"POST {workspace_files.BASE}/mkdirs": workspace_files.PATH,
    f"POST {workspace_files.BASE}/delete": workspace_files.DELETE,
    f"POST {workspace_files.BASE}/import": workspace_files.IMPORT,
    f"POST /{CONTROL_PREFIX}/lag": lag.SENT,
    f"POST /{CONTROL_PREFIX}/transitions": transitions.SENT,
    f"POST /{CONTROL_PREFIX}/faults": record({"rules": list_of(faults.RULE)}, needed=("rules",)),
}


def schema_of_body(method: str, pattern: str) -> Schema:
    """Returns the JSON Schema of a route's body; any object where no reader is known."""
    reader = BODIES.get(f"{method} {pattern}")
    return schema_of(reader) if reader else {"type": "object"}
