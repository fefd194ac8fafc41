"""Rules that are only assumed: a strict workspace refuses, any other takes what breaks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from provisioner.emulator import trust
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

BASE = "/api/2.0/serving-endpoints"
UC = "/api/2.1/unity-catalog"
MODEL = {"entity_name": "system.ai.llama_v3_3_70b", "entity_version": "2"}
UNITS: dict[str, Any] = {**MODEL, "provisioned_model_units": 50}
PLAIN = {**MODEL, "scale_to_zero_enabled": False}
ROUTED: dict[str, Any] = {
    "name": "gpt",
    "destination_type": "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL",
    "pay_per_token_config": {"model": "models/system.ai.gpt-oss"},
}
LIMIT = {
    "key": "RATE_LIMIT_KEY_SERVICE",
    "renewal_period": "RATE_LIMIT_RENEWAL_PERIOD_MINUTE",
    "requests": 1,
}
Case = Callable[[Any], Any]


@pytest.fixture(scope="module")
def strict_server() -> Iterator[Any]:
    with running(Settings(strict=True)) as server:
        yield server


@pytest.fixture
def strict(strict_server: Any, client_of: Any) -> Any:
    client = client_of(strict_server)
    client.post("/__emulator__/reset")
    return client


def create(client: Any, *entities: Any, path: str = BASE, **config: Any) -> Any:
    body = {"name": "chat", "config": {"served_entities": [*entities], **config}}
    return client.call("POST", path, body)


def update(client: Any, entity: Any, path: str = BASE) -> Any:
    config = {"served_entities": [entity]}
    body = {"config": config} if path.endswith("/pt") else config
    # A poll ends the update that a create begins.
    client.endpoint()
    return client.call("PUT", f"{path}/chat/config", body)


def grants_twice(client: Any) -> Any:
    made = client.create()
    entries = [
        {"user_name": "a@example.com", "permission_level": "CAN_VIEW"},
        {"user_name": "A@example.com", "permission_level": "CAN_QUERY"},
    ]
    path = f"/api/2.0/permissions/serving-endpoints/{made['id']}"
    return client.call("PUT", path, {"access_control_list": entries})


def tags_twice(client: Any) -> Any:
    tags = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    return client.call("POST", BASE, {"name": "chat", "tags": tags})


def entities_in_both_words(client: Any) -> Any:
    older = {"model_name": MODEL["entity_name"], "model_version": "2"}
    models = [{**older, "scale_to_zero_enabled": False}]
    return create(client, PLAIN, served_models=models)


def routes_to_one(client: Any) -> Any:
    entities = [{**PLAIN, "name": "a"}, {**PLAIN, "name": "b"}]
    routes = [{"served_entity_name": "a", "traffic_percentage": 50}] * 2
    return create(client, *entities, traffic_config={"routes": routes})


def a_limit_of_no_group(client: Any) -> Any:
    limits = [{"key": "user_group", "renewal_period": "minute", "calls": 1}]
    body = {"name": "chat", "ai_gateway": {"rate_limits": limits}}
    return client.call("POST", BASE, body)


def units_in_the_plain_create(client: Any) -> Any:
    return create(client, UNITS)


def units_in_the_plain_update(client: Any) -> Any:
    create(client, UNITS, path=f"{BASE}/pt")
    return update(client, PLAIN)


def units_for_another_endpoint(client: Any) -> Any:
    create(client, PLAIN)
    return update(client, UNITS, f"{BASE}/pt")


def units_between_the_steps(client: Any) -> Any:
    return create(client, {**UNITS, "provisioned_model_units": 75}, path=f"{BASE}/pt")


def another_task(client: Any) -> Any:
    def external(task: str) -> Any:
        key = {"openai_api_key_plaintext": "sk-very-secret"}
        model = {"name": "m", "provider": "openai", "task": task, "openai_config": key}
        return {"name": "a", "external_model": model}

    create(client, external("llm/v1/chat"))
    return update(client, external("llm/v1/completions"))


def text_around_a_reference(client: Any) -> Any:
    return create(client, {**PLAIN, "environment_vars": {"A": "x{{secrets/s/k}}"}})


def a_long_name(client: Any) -> Any:
    return create(client, {**PLAIN, "name": "a" * 64})


def a_version_that_is_not_ready(client: Any) -> Any:
    model = {"full_name": "ml.risk.fraud", "status": "PENDING_REGISTRATION"}
    client.post("/__emulator__/models", {**model, "version": 1})
    return create(client, {**PLAIN, "entity_name": "ml.risk.fraud", "entity_version": "1"})


def service(client: Any, **config: Any) -> Any:
    routing = {"destinations": [ROUTED]}
    path = f"{UC}/model-services?parent=schemas/ml.gw&model_service_id=chat"
    return client.call("POST", path, {"config": {"routing": routing, **config}})


def a_fallback_with_the_name_of_a_destination(client: Any) -> Any:
    fallback = {"destinations": [ROUTED]}
    return service(client, routing={"destinations": [ROUTED], "fallback": fallback})


def limits_twice(client: Any) -> Any:
    return service(client, rate_limits=[LIMIT, LIMIT])


def the_mask_of_everything(client: Any) -> Any:
    service(client)
    return client.call("PATCH", f"{UC}/model-services/ml.gw.chat?update_mask=*", {"comment": "a"})


CASES: list[Case] = [
    grants_twice,
    tags_twice,
    entities_in_both_words,
    routes_to_one,
    a_limit_of_no_group,
    units_in_the_plain_create,
    units_in_the_plain_update,
    units_for_another_endpoint,
    units_between_the_steps,
    another_task,
    text_around_a_reference,
    a_long_name,
    a_version_that_is_not_ready,
    a_fallback_with_the_name_of_a_destination,
    limits_twice,
    the_mask_of_everything,
]


@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
def test_only_a_strict_workspace_refuses(client: Any, strict: Any, case: Case) -> None:
    reply = case(strict)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    reply = case(client)
    assert reply.status == 200, reply.content
    # What is taken can be read again.
    assert client.call("GET", BASE).status == 200


def test_each_rule_that_only_a_strict_workspace_enforces_has_a_case() -> None:
    assert len(CASES) == len([rule for rule in trust.read_rules() if rule.refusal == "strict"])


def test_of_two_values_the_last_one_counts(client: Any) -> None:
    tags_twice(client)
    assert client.endpoint()["tags"] == [{"key": "a", "value": "2"}]
