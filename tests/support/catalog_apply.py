"""One apply with every sort of step of Unity Catalog's kinds, and the workspace afterwards."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

UC = "/api/2.1/unity-catalog"
NOT_FOUND = 404
KEYS = {"MIXED_ONE": "value-one", "MIXED_TWO": "value-two"}

# `{0}` and the others are what an update changes.
MANIFEST = """
resources:
  schemas:
    gw:
      {{catalog_name: main, name: gw, comment: {0},
       grants: [{{principal: users, privileges: [{1}]}}]}}
{2}  secrets:
    key:
      {{catalog_name: main, schema_name: gw, name: key, from_env: MIXED_ONE, comment: {0}}}
{3}  registered_models:
    m:
      {{catalog_name: main, schema_name: gw, name: m, comment: {0}, aliases: {{champion: {4}}}}}
  model_provider_services:
    openai:
      parent: schemas/main.gw
      model_provider_service_id: openai
      comment: {0}
      config:
        provider_type: EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI
        openai: {{direct: {{api_key: {{secret_reference: {{name: secrets/main.gw.key}}}}}}}}
        targets: [{{model: {5}, native_api_types: [openai/v1/chat/completions]}}]
    swap:
      parent: schemas/main.gw
      model_provider_service_id: swap
      config:
        provider_type: {7}
        {8}: {{direct: {{api_key: {{secret_reference: {{name: secrets/main.gw.key}}}}}}}}
        allow_all_targets: true
  mcp_services:
{9}  model_services:
{6}"""
OPENAI = ("EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI", "openai")
ANTHROPIC = ("EXTERNAL_MODEL_PROVIDER_TYPE_ANTHROPIC", "anthropic")
SERVICE = """    {name}:
      parent: schemas/main.gw
      model_service_id: {name}
      comment: It chats.
      config:
        routing:
          destinations:
            - name: gpt
              destination_type: DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL
              external_model_config:
                model_provider_service: model-provider-services/main.gw.{provider}
                target: {{model: {model}}}
        rate_limits:
          - {{key: RATE_LIMIT_KEY_USER_DEFAULT, requests: {requests},
             renewal_period: RATE_LIMIT_RENEWAL_PERIOD_MINUTE}}
      grants: [{{principal: users, privileges: [{privilege}]}}]
"""
TOOLS = """    {name}:
      parent: schemas/main.gw
      mcp_service_id: {name}
      config:
        source_connection: {{name: connections/main.gw.tracker}}
        include_tool_selectors: [{selector}]
      grants: [{{principal: users, privileges: [{privilege}]}}]
"""
NEW_SCHEMA = "    fresh: {catalog_name: main, name: fresh}\n"
NEW_SECRET = (
    "    added: {catalog_name: main, schema_name: gw, name: added, from_env: MIXED_TWO,"
    " grants: [{principal: users, privileges: [READ_SECRET]}]}\n"
)


def service(name: str, model: str, requests: int, privilege: str, provider: str = "openai") -> str:
    fields = {"model": model, "requests": requests, "privilege": privilege, "provider": provider}
    return SERVICE.format(name=name, **fields)


def tools(name: str, selector: str, privilege: str) -> str:
    return TOOLS.format(name=name, selector=selector, privilege=privilege)


# Its provider service is replaced, so its destinations are sent again.
SWAPPED = service("swapped", "m", 5, "EXECUTE", "swap")
BEFORE = MANIFEST.format(
    *("old", "USE_SCHEMA", "", "", 1, "m-1"),
    service("chat", "m-1", 5, "EXECUTE") + service("old", "m-1", 5, "EXECUTE") + SWAPPED,
    *OPENAI,
    tools("tools", "read", "EXECUTE") + tools("idle", "read", "EXECUTE"),
)
AFTER = (
    MANIFEST.format(
        *("new", "CREATE_TABLE", NEW_SCHEMA, NEW_SECRET, 2, "m-2"),
        service("chat", "m-2", 9, "MANAGE") + service("added", "m-2", 3, "EXECUTE") + SWAPPED,
        *ANTHROPIC,
        tools("tools", "write", "MANAGE") + tools("search", "read", "EXECUTE"),
    )
    + "removed:\n"
    "  model_services: {old: {name: main.gw.old, delete: true}}\n"
    "  mcp_services: {idle: {name: main.gw.idle, delete: true}}\n"
)
SERVICES = ("model-provider-services", "model-services", "mcp-services")
KINDS = ("schemas", "secrets", "models", *SERVICES)
READS = (
    # For endpoints that no manifest declares.
    ("GET", "/api/2.0/serving-endpoints"),
    ("GET", f"{UC}/current-metastore-assignment"),
    ("GET", f"{UC}/permissions/*/*"),
    *(("GET", f"{UC}/{kind}") for kind in KINDS),
    *(("GET", f"{UC}/{kind}/*") for kind in KINDS),
    # For the versions that aliases name.
    ("GET", f"{UC}/models/*/versions/*"),
)
WRITES = (
    *(("POST", f"{UC}/{kind}") for kind in KINDS if kind != "models"),
    *(("PATCH", f"{UC}/{kind}/*") for kind in KINDS),
    ("PATCH", f"{UC}/permissions/*/*"),
    ("PUT", f"{UC}/models/*/aliases/*"),
    *(("DELETE", f"{UC}/{kind}/*") for kind in SERVICES),
)
# What is created, by whatever call, at most once.
CREATED = ("added", "swap", "search")
CONSENT = ("--allow-delete", "all", "--allow-replace", "model_provider_services.swap")
CHOSEN_BY_SERVICE = re.compile(r"(etag|.*_(time|at)|id|uid|.*_id)")
NAMES = {
    "schemas": ("main.gw", "main.fresh"),
    "secrets": ("main.gw.key", "main.gw.added"),
    "models": ("main.gw.m",),
    "model-provider-services": ("main.gw.openai", "main.gw.swap"),
    "model-services": (
        *("main.gw.chat", "main.gw.added", "main.gw.swapped"),
        *("main.gw.old", "main.gw.foreign"),
    ),
    "mcp-services": ("main.gw.tools", "main.gw.search", "main.gw.idle"),
}
GRANTED = {
    "schemas": "schema",
    "secrets": "secret",
    "models": "function",
    "model-provider-services": "model_provider_service",
    "model-services": "model_service",
    "mcp-services": "mcp_service",
}


def prepare(root: Path, run: Any, call: Any) -> None:
    """The workspace before the apply, and the manifests of the apply; an empty request log."""
    call("POST", "/__emulator__/reset", {})
    for version in (1, 2):
        call("POST", "/__emulator__/models", {"full_name": "main.gw.m", "version": version})
    connection = {"name": "tracker", "connection_type": "HTTP", "parent": "schemas/main.gw"}
    call("POST", f"{UC}/connections", connection | {"options": {}})
    manifest = root / "manifests" / "all.yaml"
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_text(BEFORE, "utf-8")
    result = run("apply", "-y", "--adopt")
    assert result.code == 0, result.err
    foreign = {"config": call("GET", f"{UC}/model-services/main.gw.chat")["config"]}
    place = "parent=schemas%2Fmain.gw&model_service_id=foreign"
    call("POST", f"{UC}/model-services?{place}", foreign)
    manifest.write_text(AFTER, "utf-8")
    call("POST", "/__emulator__/reset", {"what": "log"})


def world(call: Any) -> Any:
    """Everything that a user can see of the catalog, without what the service chooses."""
    return {
        f"{kind} {name}": _plain(shown)
        for kind, names in NAMES.items()
        for name in names
        if (shown := _shown(call, kind, name)) is not None
    }


def _shown(call: Any, kind: str, name: str) -> Any:
    query = "?include_aliases=true" if kind == "models" else ""
    try:
        live = call("GET", f"{UC}/{kind}/{name}{query}")
    except HTTPError as error:
        if error.code != NOT_FOUND:
            raise
        return None
    grants = call("GET", f"{UC}/permissions/{GRANTED[kind]}/{name}")
    rows = grants.get("privilege_assignments") or []
    held = {row["principal"]: sorted(row["privileges"]) for row in rows}
    return {"live": live, "grants": held}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {n: v for n, v in value.items() if not CHOSEN_BY_SERVICE.fullmatch(n)}
        return {name: _plain(inner) for name, inner in kept.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def creates(call: Any) -> Counter[str]:
    """How often each service was created, and how often what must not happen was asked for."""
    done: Counter[str] = Counter()
    for entry in call("GET", "/__emulator__/requests")["requests"]:
        method, path, query = entry["method"], entry["path"], entry.get("query", "")
        is_create = method == "POST" and path in {f"{UC}/{kind}" for kind in SERVICES}
        if is_create and 200 <= entry["status"] < 300:
            done[query.rpartition("=")[2]] += 1
        if (method, path) == ("DELETE", f"{UC}/model-services/main.gw.added"):
            done["deleted new"] += 1
        if method != "GET" and path.endswith("main.gw.foreign"):
            done["written to foreign"] += 1
    return done
