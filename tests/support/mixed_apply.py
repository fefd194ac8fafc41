"""One apply with every sort of step of every kind, and the workspace as it must be afterwards."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = "/api/2.0/serving-endpoints"
SECRETS = "/api/2.0/secrets"
PERMISSIONS = "/api/2.0/permissions/serving-endpoints"
KEYS = {"MIXED_ONE": "value-one", "MIXED_TWO": "value-two", "MIXED_NEW": "value-new"}

ENDPOINT = """
    {name}:
      name: {name}
      description: {description}
      tags: [{{key: team, value: {team}}}]
{more}
      config:
        served_entities:
          - name: gpt
            external_model:
              name: {model}
              provider: openai
              task: llm/v1/chat
              openai_config: {{openai_api_key: "{{{{secrets/keys/one}}}}"}}
"""
CUSTOM = """
    swap:
      name: swap
      route_optimized: {routed}
      config:
        served_entities:
          - {{name: m, entity_name: main.shop.m, entity_version: "1", workload_size: Small,
             scale_to_zero_enabled: true}}
"""
GATEWAY = "      ai_gateway: {{rate_limits: [{{key: user, renewal_period: minute, calls: {0}}}]}}\n"
ACCESS = "      permissions: [{{level: {0}, group_name: users}}]\n"
MAIL = "      email_notifications: {{on_update_failure: [{0}]}}"
MORE = GATEWAY + ACCESS + MAIL


def endpoint(name: str, model: str, team: str, more: str = "") -> str:
    text = ENDPOINT.format(name=name, model=model, team=team, description="It chats.", more=more)
    return text.replace("\n\n", "\n")


def scope(name: str, keys: dict[str, str], acl: str) -> str:
    values = ", ".join(f"{key}: {{from_env: {variable}}}" for key, variable in keys.items())
    acls = f"[{{principal: users, permission: {acl}}}]"
    return f"    {name}: {{name: {name}, secrets: {{{values}}}, acls: {acls}}}\n"


def more(calls: int, level: str, mail: str) -> str:
    return "\n".join(
        (
            GATEWAY.format(calls).rstrip("\n"),
            ACCESS.format(level).rstrip("\n"),
            MAIL.format(mail),
        )
    )


BEFORE = (
    "resources:\n  secret_scopes:\n"
    + scope("keys", {"one": "MIXED_ONE"}, "READ")
    + "  model_serving_endpoints:"
    + endpoint("chat", "gpt-4o", "a", more(5, "CAN_VIEW", "a@example.com"))
    + endpoint("old", "gpt-4o", "a")
    + CUSTOM.format(routed="false")
)
AFTER = (
    "resources:\n  secret_scopes:\n"
    + scope("keys", {"one": "MIXED_ONE", "two": "MIXED_TWO"}, "WRITE")
    + scope("fresh", {"new": "MIXED_NEW"}, "READ")
    + "  model_serving_endpoints:"
    + endpoint("chat", "gpt-4.1", "b", more(9, "CAN_QUERY", "b@example.com"))
    + endpoint("new", "gpt-4o", "n", more(3, "CAN_QUERY", "n@example.com"))
    + CUSTOM.format(routed="true")
    + "removed: {model_serving_endpoints: {old: {name: old, delete: true}}}\n"
)
READS = (
    ("GET", ROOT),
    ("GET", f"{ROOT}/*"),
    ("GET", f"{PERMISSIONS}/*"),
    ("GET", f"{SECRETS}/scopes/list"),
    ("GET", f"{SECRETS}/list"),
    ("GET", f"{SECRETS}/acls/list"),
    ("GET", "/api/2.0/preview/scim/v2/Me"),
)
WRITES = (
    ("POST", ROOT),
    ("PUT", f"{ROOT}/*/config"),
    ("PUT", f"{ROOT}/*/ai-gateway"),
    ("PATCH", f"{ROOT}/*/tags"),
    ("PATCH", f"{ROOT}/*/notifications"),
    ("PUT", f"{PERMISSIONS}/*"),
    ("DELETE", f"{ROOT}/*"),
    ("POST", f"{SECRETS}/scopes/create"),
    ("POST", f"{SECRETS}/put"),
    ("POST", f"{SECRETS}/acls/put"),
)
# What is created, by whatever call, at most once.
CREATED = ("new", "swap")
CONSENT = ("--allow-delete", "all", "--allow-replace", "model_serving_endpoints.swap")
FOREIGN = {"name": "foreign", "tags": [{"key": "team", "value": "theirs"}]}
CHOSEN_BY_SERVICE = {
    "id",
    "creation_timestamp",
    "last_updated_timestamp",
    "config_version",
    "served_models",
    "data_plane_info",
}


def prepare(root: Path, run: Any, call: Any) -> None:
    """The workspace before the apply, and the manifests of the apply; an empty request log."""
    call("POST", "/__emulator__/reset", {})
    call("POST", ROOT, FOREIGN)
    manifest = root / "manifests" / "all.yaml"
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_text(BEFORE, "utf-8")
    result = run("apply", "-y")
    assert result.code == 0, result.err
    manifest.write_text(AFTER, "utf-8")
    call("POST", "/__emulator__/reset", {"what": "log"})


def world(call: Any) -> Any:
    """Everything in the workspace that a user can see, without what the service chooses."""
    endpoints = {}
    for entry in call("GET", ROOT)["endpoints"]:
        if entry["name"].startswith("databricks-"):
            continue
        live = call("GET", f"{ROOT}/{entry['name']}")
        access = call("GET", f"{PERMISSIONS}/{live['id']}")
        grants = sorted(json.dumps(row, sort_keys=True) for row in access["access_control_list"])
        shown = [each.replace(live["id"], "ID") for each in grants]
        endpoints[entry["name"]] = {"live": _plain(live), "grants": shown}
    scopes = {}
    for entry in call("GET", f"{SECRETS}/scopes/list").get("scopes", []):
        name = entry["name"]
        keys = call("GET", f"{SECRETS}/list?scope={name}").get("secrets", [])
        acls = call("GET", f"{SECRETS}/acls/list?scope={name}").get("items", [])
        scopes[name] = (
            sorted(key["key"] for key in keys),
            sorted((acl["principal"], acl["permission"]) for acl in acls),
        )
    return {"endpoints": endpoints, "scopes": scopes}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"key", "value"}:
            return value
        return {
            name: _by_name(name, _plain(inner))
            for name, inner in value.items()
            if name not in CHOSEN_BY_SERVICE
        }
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _by_name(name: str, value: Any) -> Any:
    return sorted(value, key=lambda tag: tag["key"]) if name == "tags" and value else value


def creates(call: Any) -> Counter[str]:
    """How often each endpoint was created, and how often what must not happen was asked for."""
    log = call("GET", "/__emulator__/requests")["requests"]
    done: Counter[str] = Counter()
    for entry in log:
        path = entry["path"]
        if entry["method"] == "POST" and path == ROOT and 200 <= entry["status"] < 300:
            done[str((entry.get("body") or {}).get("name", "?"))] += 1
        if (entry["method"], path) == ("DELETE", f"{ROOT}/new"):
            done["deleted new"] += 1
        if entry["method"] != "GET" and path.startswith(f"{ROOT}/foreign"):
            done["written to foreign"] += 1
    return done


def differences(left: Any, right: Any, at: str = "") -> list[str]:
    """Where two worlds differ, with what stands there."""
    if isinstance(left, dict) and isinstance(right, dict):
        names = sorted(left.keys() | right.keys())
        return [one for n in names for one in differences(left.get(n), right.get(n), f"{at}.{n}")]
    return [] if left == right else [f"{at}: {left} instead of {right}"]
