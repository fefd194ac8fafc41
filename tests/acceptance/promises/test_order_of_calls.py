"""An update of everything at once: the order of its calls, and no call besides them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from workbench import ENDPOINTS, Workbench, left_to_do, workbench

from provisioner.model.outcome import Status
from provisioner.model.plan import Action, Plan

KIND = "model_serving_endpoints"
CHAT = f"{ENDPOINTS}/chat"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with workbench(tmp_path_factory.mktemp("x")) as made:
        yield made


def manifest(number: int, *entities: Any, **fields: Any) -> Any:
    """An endpoint in which everything says ``number``."""
    shares = [100, *([0] * (len(entities) - 1))]
    routes = [
        {"served_entity_name": entity["name"], "traffic_percentage": share}
        for entity, share in zip(entities, shares, strict=True)
    ]
    document = {
        "name": "chat",
        "config": {"served_entities": list(entities), "traffic_config": {"routes": routes}},
        "ai_gateway": {"rate_limits": [{"renewal_period": "minute", "calls": number}]},
        "tags": [{"key": "number", "value": str(number)}],
        "email_notifications": {"on_update_failure": [f"ops{number}@example.com"]},
        "permissions": [{"group_name": f"group {number}", "level": "CAN_QUERY"}],
    }
    document["ai_gateway"] |= fields.pop("ai_gateway", {})
    return {KIND: {"chat": document | fields}}


def registered(name: str, version: int, **fields: Any) -> Any:
    return {
        "name": name,
        "entity_name": "main.ml.fraud",
        "entity_version": str(version),
        "scale_to_zero_enabled": True,
        **fields,
    }


def external(name: str, number: int) -> Any:
    block = {"openai_api_key": "{{secrets/keys/one}}"}
    model = {"name": f"m-{number}", "provider": "openai", "task": "llm/v1/chat"}
    return {"name": name, "external_model": model | {"openai_config": block}}


def units(number: int) -> Any:
    model = {"entity_name": "system.ai.llama", "entity_version": "1"}
    return {"name": "a", "provisioned_model_units": 50 * number, **model}


def telemetry(number: int) -> Any:
    return {"telemetry_config": {"table_names": {"logs_table": f"main.logs.l{number}"}}}


def raw(number: int) -> Any:
    return {"raw": {"x_new": number}}


def fallback(*, enabled: bool) -> Any:
    return {"ai_gateway": {"fallback_config": {"enabled": enabled}}}


Calls = list[tuple[str, str]]
FIRST: Calls = [
    ("PUT", "/api/2.0/permissions/serving-endpoints/{id}"),
    ("PATCH", f"{CHAT}/tags"),
    ("PATCH", f"{CHAT}/notifications"),
]
CONFIG, UNITS = ("PUT", f"{CHAT}/config"), ("PUT", f"{ENDPOINTS}/pt/chat/config")
GATEWAY, TELEMETRY = ("PUT", f"{CHAT}/ai-gateway"), ("PATCH", f"{CHAT}/telemetry-config")
MARK = ("PATCH", f"{CHAT}/tags")
WHOLE = [
    pytest.param(
        manifest(1, registered("a", 1), **telemetry(1)),
        manifest(2, registered("a", 2, **raw(2)), registered("b", 1), **telemetry(2)),
        [*FIRST, CONFIG, GATEWAY, TELEMETRY],
        [MARK],
        id="a custom model, with what cannot be read back",
    ),
    pytest.param(
        manifest(1, external("a", 1), **fallback(enabled=False)),
        manifest(2, external("b", 2), external("c", 3), **fallback(enabled=True)),
        [*FIRST, CONFIG, GATEWAY],
        [],
        id="external models, where the gateway falls back to a new one",
    ),
    pytest.param(
        manifest(1, units(1)),
        manifest(2, units(2)),
        [*FIRST, UNITS, GATEWAY],
        [],
        id="model units, whose config has a call of its own",
    ),
]


def planned(plan: Plan) -> Calls:
    return [
        (operation.method, operation.path) for step in plan.steps for operation in step.operations
    ]


def sent(bench: Workbench) -> Calls:
    identity = bench.endpoint("chat")["id"]
    return [(entry["method"], entry["path"].replace(identity, "{id}")) for entry in bench.writes()]


@pytest.mark.parametrize(("before", "after", "calls", "marks"), WHOLE)
def test_an_update_of_everything_makes_its_calls_in_this_order_and_no_others(
    bench: Workbench, before: Any, after: Any, calls: Calls, marks: Calls
) -> None:
    bench.empty({"keys": ["one"]})
    bench.apply(before)
    identity = bench.endpoint("chat")["id"]
    bench.forget()
    plan, (outcome,) = bench.apply(after)
    assert (outcome.step.action, outcome.status) == (Action.UPDATE, Status.DONE)
    assert sent(bench) == [*calls, *marks]
    said = [(method, path.replace(identity, "{id}")) for method, path in planned(plan)]
    assert said == [*calls, *marks]
    assert left_to_do(bench.plan(after)) == {}


@pytest.mark.parametrize(
    ("before", "after", "calls"),
    [case.values[:3] for case in WHOLE],
    ids=[str(case.id) for case in WHOLE],
)
def test_an_adoption_makes_the_same_calls_and_marks_the_endpoint_last(
    bench: Workbench, before: Any, after: Any, calls: Calls
) -> None:
    bench.empty({"keys": ["one"]})
    bench.apply(before)
    ours = [t["key"] for t in bench.endpoint("chat")["tags"] if t["key"].startswith("provisioner_")]
    bench.call("PATCH", f"{CHAT}/tags", {"delete_tags": ours})
    bench.forget()
    plan, (outcome,) = bench.apply(after)
    assert (outcome.step.action, outcome.status) == (Action.ADOPT, Status.DONE)
    assert sent(bench) == [*calls, MARK]
    last = bench.writes()[-1]["body"]
    assert {"key": "provisioner_project", "value": "shop"} in last["add_tags"]
    assert [operation.call for step in plan.steps for operation in step.operations] == [
        *outcome.done
    ]


def test_the_config_is_waited_for_before_what_needs_it(bench: Workbench) -> None:
    """Polls of the list and of the endpoint lie between the config and the gateway."""
    bench.empty({"keys": ["one"]})
    bench.apply(WHOLE[0].values[0])
    deployment = {"deployment": {"endpoint": "chat", "transition": "polls=3"}}
    bench.call("POST", "/__emulator__/faults", {"rules": [deployment]})
    bench.forget()
    bench.apply(WHOLE[0].values[1])
    log = bench.call("GET", "/__emulator__/requests")["requests"]
    asked = [(entry["method"], entry["path"]) for entry in log]
    between = asked[asked.index(CONFIG) + 1 : asked.index(GATEWAY)]
    assert {method for method, _ in between} == {"GET"}
    assert len(between) >= 3
    assert {entry["status"] for entry in log} == {200}
