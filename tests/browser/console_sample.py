"""A local workspace with something of everything, for pictures and tests of the console."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running

BASE = "/api/2.0/serving-endpoints"
TASK = "llm/v1/chat"
UC, GATEWAY = "/api/2.1/unity-catalog", "main.gateway"
KEY, PERIOD = "RATE_LIMIT_KEY_", "RATE_LIMIT_RENEWAL_PERIOD_"


def call(server: Running, method: str, path: str, body: Any = None) -> Any:
    asked = urllib.request.Request(
        server.url + path,
        None if body is None else json.dumps(body).encode(),
        {"authorization": f"Bearer {server.token}", "content-type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def external(name: str, model: str, provider: str = "openai", task: str = TASK) -> Any:
    key = f"{{{{secrets/providers/{provider}_api_key}}}}"
    served = {
        "name": model,
        "provider": provider,
        "task": task,
        f"{provider}_config": {f"{provider}_api_key": key},
    }
    return {"name": name, "external_model": served}


def custom(name: str, model: str, version: str) -> Any:
    return {
        "name": name,
        "entity_name": model,
        "entity_version": version,
        "workload_size": "Small",
        "scale_to_zero_enabled": True,
    }


def config(*parts: tuple[Any, int]) -> Any:
    routes = [
        {"served_entity_name": entity["name"], "traffic_percentage": part} for entity, part in parts
    ]
    return {
        "served_entities": [entity for entity, _ in parts],
        "traffic_config": {"routes": routes},
    }


def create(server: Running, name: str, *parts: tuple[Any, int], **more: Any) -> None:
    call(server, "POST", BASE, {"name": name, "config": config(*parts), **more})


def limit(calls: int, **more: Any) -> Any:
    return {"calls": calls, "renewal_period": "minute", **more}


def add_keys(server: Running) -> None:
    secrets = "/api/2.0/secrets"
    call(server, "POST", f"{secrets}/scopes/create", {"scope": "providers"})
    for provider in ("openai", "anthropic", "cohere"):
        key = f"{provider}_api_key"
        sent = {"scope": "providers", "key": key, "string_value": "sk-never-shown"}
        call(server, "POST", f"{secrets}/put", sent)


def fill(server: Running) -> None:
    """Scopes, endpoints and services of every sort, and a query."""
    add_keys(server)
    gpt, claude = external("gpt-4o", "gpt-4o"), external("claude", "claude-sonnet-4", "anthropic")
    gateway = {
        "rate_limits": [limit(100, key="user"), limit(10, key="user_group", principal="interns")],
        "guardrails": {"input": {"safety": True, "pii": {"behavior": "BLOCK"}}},
        "fallback_config": {"enabled": True},
        "usage_tracking_config": {"enabled": True},
        "inference_table_config": {
            "enabled": True,
            "catalog_name": "prod",
            "schema_name": "logs",
            "table_name_prefix": "support",
        },
    }
    tags = [{"key": "team", "value": "assistants"}, {"key": "cost_center", "value": "4711"}]
    create(server, "support-assistant", (gpt, 90), (claude, 10), ai_gateway=gateway, tags=tags)
    create(server, "summaries", (external("gpt-4o-mini", "gpt-4o-mini"), 100))
    embed = external("embed", "embed-english-v3", "cohere", "llm/v1/embeddings")
    create(server, "search-embeddings", (embed, 100), ai_gateway={"rate_limits": [limit(600)]})
    challenge = (custom("champion", "prod.risk.fraud", "11"), 80)
    create(server, "fraud", challenge, (custom("challenger", "prod.risk.fraud", "12"), 20))
    question = {"messages": [{"role": "user", "content": "How do I reset my password?"}]}
    for name in ("fraud", "summaries", "support-assistant"):
        wait_until_ready(server, name)
    call(server, "POST", "/serving-endpoints/support-assistant/invocations", question)
    add_services(server)


def wait_until_ready(server: Running, name: str) -> None:
    """An hour later is enough for any update that was started."""
    while call(server, "GET", f"{BASE}/{name}")["state"]["config_update"] == "IN_PROGRESS":
        call(server, "POST", "/__emulator__/clock", {"advance_s": 3600})


def start_update(server: Running) -> None:
    """Give `fraud` another version; it serves when the clock was moved on."""
    parts = (custom("champion", "prod.risk.fraud", "12"), 100)
    call(server, "PUT", f"{BASE}/fraud/config", config(parts))


def destination(name: str, provider: str, model: str, **more: Any) -> Any:
    target = {
        "model_provider_service": f"model-provider-services/{GATEWAY}.{provider}",
        "target": {"model": model},
    }
    kind = "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL"
    return {"name": name, "destination_type": kind, "external_model_config": target, **more}


def add_service(server: Running, plural: str, name: str, config: Any, comment: str = "") -> None:
    """A service with the last line of its comment as the tool writes it."""
    marked = f"{comment}\nmanaged by provisioner: shop/prod@6051921418418893 9d1c2b7a4f30"
    place = f"parent=schemas/{GATEWAY}&{plural[:-1].replace('-', '_')}_id={name}"
    call(server, "POST", f"{UC}/{plural}?{place}", {"comment": marked, "config": config})


def tools(*selectors: str) -> Any:
    source = {"name": f"connections/{GATEWAY}.tracker_http"}
    return {"source_connection": source, "include_tool_selectors": [*selectors]}


def add_services(server: Running) -> None:
    """A provider, services with a split, with a deleted destination and with tools."""
    key = {"catalog_name": "main", "schema_name": "gateway", "name": "openai_key"}
    call(server, "POST", f"{UC}/secrets", {**key, "value": "sk-never-shown"})
    reference = {"secret_reference": {"name": f"secrets/{GATEWAY}.openai_key"}}
    account = {
        "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI",
        "openai": {"direct": {"api_key": reference}},
        "targets": [{"model": "gpt-5"}, {"model": "gpt-5-mini"}],
    }
    for name in ("openai_prod", "openai_old"):
        add_service(server, "model-provider-services", name, account, "Platform account")
    limits = [
        {"key": f"{KEY}USER_DEFAULT", "renewal_period": f"{PERIOD}MINUTE", "requests": 100},
        {
            "key": f"{KEY}USER_GROUP",
            "principal": "interns",
            "renewal_period": f"{PERIOD}HOUR",
            "requests": 10,
            "tokens": 20000,
        },
    ]
    shares = (("gpt", "gpt-5", 90), ("mini", "gpt-5-mini", 10))
    first = [destination(n, "openai_prod", m, traffic_percentage=s) for n, m, s in shares]
    routing = {
        "destinations": first,
        "fallback": {"destinations": [destination("last", "openai_prod", "gpt-5-mini")]},
    }
    chat = {
        "routing": routing,
        "rate_limits": limits,
        "inference_table": {"parent": f"schemas/{GATEWAY}"},
    }
    add_service(server, "model-services", "chat", chat, "Chat for everybody")
    old = {"routing": {"destinations": [destination("only", "openai_old", "gpt-5")]}}
    add_service(server, "model-services", "summaries_of_the_previous_generation", old)
    offered = tools("search", "read_*") | {"rate_limits": limits[:1]}
    add_service(server, "mcp-services", "tracker", offered, "Reads the issue tracker")
    call(server, "DELETE", f"{UC}/model-provider-services/{GATEWAY}.openai_old")


def register(server: Running, full_name: str) -> None:
    """A model with two versions; `champion` is the second."""
    models = "/__emulator__/models"
    for version in (1, 2):
        sent = {"full_name": full_name, "version": version, "alias": "champion"}
        call(server, "POST", models, sent)


@contextmanager
def filled(transition: str = "immediate") -> Iterator[Running]:
    with running(Settings(transition=transition)) as server:
        fill(server)
        yield server


def start_rollout(server: Running, *, word: str = "at", reason: str = "") -> None:
    """`risk` serves version 12 at 5 % beside version 11, tagged as the tool tags a rollout."""
    new = custom("champion-12", "prod.risk.fraud", "12")
    target = hashlib.sha256(b"champion-12").hexdigest()[:8]
    share = 0 if word == "back" else 5
    tag = f"{target}-16bd76-5-{share}-1796000000-{word}{reason}"
    tags = [{"key": "provisioner_rollout", "value": tag}]
    old = custom("champion-11", "prod.risk.fraud", "11")
    create(server, "risk", (old, 100 - share), (new, share), tags=tags)
