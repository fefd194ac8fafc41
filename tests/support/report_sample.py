"""A plan with something of everything, made by the tool itself on a local workspace."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench import Workbench

from provisioner.commands.reports.recorder import topology_of
from provisioner.commands.reports.report import Audit, Report
from provisioner.model.plan import Plan

HOST = "https://adb-1234567890123456.7.azuredatabricks.net"
COMMIT = "3f6c0a9d2b7e41c58a90d1e6f4b2c7d8e9a01b23"


def external(name: str, provider: str, model: str) -> dict[str, Any]:
    key = f"{provider}_api_key"
    settings = {key: f"{{{{secrets/chat_providers/{key}}}}}"}
    served = {"name": model, "provider": provider, "task": "llm/v1/chat"}
    return {"name": name, "external_model": {**served, f"{provider}_config": settings}}


def endpoint(name: str, entities: list[dict[str, Any]], shares: list[int]) -> dict[str, Any]:
    routes = [
        {"served_entity_name": entity["name"], "traffic_percentage": share}
        for entity, share in zip(entities, shares, strict=True)
    ]
    config: dict[str, Any] = {"served_entities": entities}
    if len(entities) > 1:
        config["traffic_config"] = {"routes": routes}
    return {"name": name, "config": config}


GPT = external("gpt-4o", "openai", "gpt-4o")
CLAUDE = external("claude", "anthropic", "claude-sonnet-4")
SMALL = external("small", "openai", "gpt-4o-mini")


def before() -> dict[str, Any]:
    assistant = endpoint("assistant", [GPT, CLAUDE, SMALL], [90, 10, 0])
    assistant["ai_gateway"] = {
        "fallback_config": {"enabled": True},
        "rate_limits": [{"key": "user", "renewal_period": "minute", "calls": 20}],
    }
    assistant["tags"] = [{"key": "team", "value": "assistants"}]
    return {
        "assistant": assistant,
        "documents": endpoint("documents", [deepcopy(GPT)], [100]),
        "support": {**endpoint("support", [deepcopy(SMALL)], [100]), "description": "First line"},
        "old_chat": endpoint("old-chat", [deepcopy(SMALL)], [100]),
        "summaries": endpoint("summaries", [deepcopy(SMALL)], [100]),
    }


def after() -> dict[str, Any]:
    changed = deepcopy(before())
    del changed["old_chat"]
    routes = changed["assistant"]["config"]["traffic_config"]["routes"]
    routes[0]["traffic_percentage"], routes[1]["traffic_percentage"] = 50, 50
    changed["assistant"]["ai_gateway"]["rate_limits"][0]["calls"] = 60
    changed["documents"]["config"]["served_entities"][0]["external_model"]["task"] = (
        "llm/v1/completions"
    )
    changed["translations"] = endpoint("translations", [deepcopy(CLAUDE), deepcopy(GPT)], [80, 20])
    return changed


def plan(bench: Workbench) -> Plan:
    os.environ |= {"OPENAI_API_KEY": "demo", "ANTHROPIC_API_KEY": "demo"}
    bench.empty({"chat_providers": ["openai_api_key", "anthropic_api_key"]})
    kind = "model_serving_endpoints"
    bench.apply({kind: before()})
    made = bench.plan({kind: after()}, prune=True)
    source = replace(made.source, git_commit=COMMIT)
    # Identities are new in every workspace; the pictures are to be the same.
    steps = tuple(replace(step, live_fingerprint="sha256:sample") for step in made.steps)
    return replace(made, environment="prod", host=HOST, source=source, steps=steps)


def report(plan: Plan) -> Report:
    audit = Audit("0.1.0", started_at="2026-11-20T10:00:00Z", finished_at="2026-11-20T10:00:02Z")
    return Report(
        "plan",
        project=plan.project,
        environment=plan.environment,
        host=plan.host,
        plan=plan,
        topology=topology_of(plan),
        options=("--prune",),
        audit=audit,
    )


def made_in(folder: Path) -> Report:
    from workbench import workbench

    with workbench(folder) as bench:
        return report(plan(bench))
