"""The emulator's own OpenAPI 3.1 document, made from its route table and its readers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    Routes,
)
from provisioner.emulator.request_bodies import schema_of_body

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
            "description": "What the local workspace of provisioner answers. Any other request "
            "is answered with 501 and named.",
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
