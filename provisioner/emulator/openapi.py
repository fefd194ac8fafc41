"""The emulator's own OpenAPI 3.1 document, made from its route table and its readers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from provisioner.emulator import workspace_files, workspace_permissions, workspace_tree
from provisioner.emulator.faults import rules as faults
from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    Routes,
)
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
    connections,
    external_functions,
    grants,
    models,
    namespace_api,
    registration,
    services,
)

Json = dict[str, Any]

GUIDE = Path(__file__).parent / "guide.md"
MARKDOWN = "text/markdown; charset=utf-8"
WITH_BODY = ("POST", "PUT", "PATCH")
ERROR = {
    "type": "object",
    "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
    "required": ["error_code", "message"],
}
OBJECT = {"type": "object"}
FILE_FORM = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "content": {"type": "string", "format": "binary"},
        "overwrite": {"type": "string", "enum": ["true", "false"]},
    },
    "required": ["path"],
}
FORM = {"type": "object", "properties": {"grant_type": {"type": "string"}}}
# Query parameters that mean something; any other is ignored on every route.
QUERIES = {
    "GET /api/2.0/secrets/list": ("scope",),
    "GET /api/2.0/secrets/get": ("scope", "key"),
    "GET /api/2.0/secrets/acls/list": ("scope",),
    "GET /api/2.0/secrets/acls/get": ("scope", "principal"),
    "GET /api/2.0/preview/scim/v2/Users": ("filter", "startIndex", "count"),
    "GET /api/2.0/preview/scim/v2/Groups": ("filter", "startIndex", "count"),
    "GET /api/2.0/preview/scim/v2/ServicePrincipals": ("filter", "startIndex", "count"),
    "GET /api/2.1/unity-catalog/models": (
        "catalog_name",
        "schema_name",
        "max_results",
        "page_token",
    ),
    "GET /api/2.1/unity-catalog/models/{name}/versions": ("max_results", "page_token"),
    "GET /api/2.1/unity-catalog/catalogs": ("max_results", "page_token"),
    "GET /api/2.1/unity-catalog/schemas": ("catalog_name", "max_results", "page_token"),
    "DELETE /api/2.1/unity-catalog/catalogs/{name}": ("force",),
    "DELETE /api/2.1/unity-catalog/schemas/{name}": ("force",),
    "GET /api/2.1/unity-catalog/permissions/{type}/{name}": ("principal",),
    "GET /api/2.1/unity-catalog/secrets": (
        "catalog_name",
        "schema_name",
        "page_size",
        "page_token",
    ),
    "GET /api/2.1/unity-catalog/secrets/{name}": ("include_value",),
    "PATCH /api/2.1/unity-catalog/secrets/{name}": ("update_mask",),
    **{
        f"{method} /api/2.1/unity-catalog/{plural}{rest}": names
        for plural in ("model-services", "model-provider-services")
        for method, rest, names in (
            ("GET", "", ("parent", "view", "page_size", "page_token")),
            ("POST", "", ("parent", f"{plural.replace('-', '_')[:-1]}_id")),
            ("PATCH", "/{name}", ("update_mask", "etag")),
            ("DELETE", "/{name}", ("etag",)),
        )
    },
    f"GET /{CONTROL_PREFIX}/requests": ("after", "newest", "endpoint"),
    "GET /api/2.0/workspace/get-status": ("path",),
    "GET /api/2.0/workspace/list": ("path",),
    "GET /api/2.0/workspace/export": ("path", "direct_download"),
    "POST /api/2.0/workspace-files/import-file/{path+}": ("overwrite",),
}
# What is answered with 200, where it is something else than a JSON object.
ANSWERS: dict[str, Json] = {
    f"GET /{CONTROL_PREFIX}": {"text/markdown": {}},
    "GET /api/2.0/serving-endpoints/{name}/metrics": {"text/plain": {}},
    "GET /api/2.0/serving-endpoints/{name}/openapi": {"text/plain": {}},
    "GET /": {"text/html": {}},
    "HEAD /": {"text/html": {}},
    "GET /console/{file}": {"text/css": {}, "text/javascript": {}, "image/svg+xml": {}},
    "HEAD /console/{file}": {"text/css": {}, "text/javascript": {}, "image/svg+xml": {}},
    "GET /api/2.0/workspace/export": {
        "application/json": {"schema": OBJECT},
        "application/octet-stream": {},
    },
}
STREAMS = {"application/json": {"schema": OBJECT}, "text/event-stream": {}}


def document(routes: Iterable[ApiRoute]) -> Json:
    """Returns the OpenAPI document of these routes."""
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Local workspace",
            "version": "1",
            "description": "The API of the local workspace of provisioner. The response to "
            "any other request is 501, with the method and path.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"token": []}, {"password": []}],
    }


def _path(route: ApiRoute) -> str:
    return route.pattern.replace("+}", "}")


def _operation(route: ApiRoute) -> Json:
    name = f"{route.method} {route.pattern}"
    operation: Json = {
        "operationId": re.sub(r"[^a-zA-Z0-9]+", "_", f"{route.method.lower()}{route.pattern}"),
        "summary": _summary(route),
        "parameters": [
            *(_parameter("path", each) for each in re.findall(r"{(\w+)", route.pattern)),
            *(_parameter("query", each) for each in QUERIES.get(name, ())),
        ],
        "responses": {
            "200": {"description": "Done.", "content": _answers(route)},
            "default": {
                "description": "Refused.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if route.method in WITH_BODY:
        operation["requestBody"] = {"content": _contents(route)}
    if not route.needs_token:
        operation["security"] = []
    return operation


def _answers(route: ApiRoute) -> Json:
    if route.pattern.endswith(("/invocations", "/completions")):
        return STREAMS
    return ANSWERS.get(f"{route.method} {route.pattern}", {"application/json": {"schema": OBJECT}})


def _contents(route: ApiRoute) -> Json:
    if route.pattern == "/oidc/v1/token":
        return {"application/x-www-form-urlencoded": {"schema": FORM}}
    if route.pattern == "/api/2.0/workspace/import":
        # As JSON, or with the file in a form.
        schema = schema_of_body(route.method, route.pattern)
        return {
            "application/json": {"schema": schema},
            "multipart/form-data": {"schema": FILE_FORM},
        }
    if route.pattern.endswith("+}"):
        return {"application/octet-stream": {}}
    return {"application/json": {"schema": schema_of_body(route.method, route.pattern)}}


def _parameter(place: str, name: str) -> Json:
    shape: Json = {"type": "string", "minLength": 1} if place == "path" else {"type": "string"}
    return {"name": name, "in": place, "required": place == "path", "schema": shape}


def _summary(route: ApiRoute) -> str:
    """Returns the first line of the handler's docstring, else the handler's name."""
    handler = route.handler.func if isinstance(route.handler, partial) else route.handler
    about = (handler.__doc__ or "").strip().partition("\n")[0].partition(" [")[0]
    return about or str(getattr(handler, "__name__", "")).replace("_", " ").capitalize()


@lru_cache(maxsize=1)
def _whole() -> Json:
    # Here: the route table holds the route of this document.
    from provisioner.emulator.routes import ROUTES as every

    return document(every)


def serve_document(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns this document, with the address that the client used."""
    return ApiResponse(_whole() | {"servers": [{"url": request.base_url}]})


def serve_guide(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the guide to the local workspace's own routes, as Markdown."""
    return ApiResponse(text=GUIDE.read_text(encoding="utf-8"), content_type=MARKDOWN)


ROUTES: Routes = (
    ApiRoute("GET", f"/{CONTROL_PREFIX}/openapi.json", serve_document, needs_token=False),
    ApiRoute("GET", f"/{CONTROL_PREFIX}", serve_guide, needs_token=False),
)


# Bodies that the routes take, for the OpenAPI document: made from the readers that check them.


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
        for kind in services.KINDS
        for method, rest in (("POST", ""), ("PATCH", "/{name}"))
    },
    f"POST {connections.BASE}": connections.CREATED,
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
