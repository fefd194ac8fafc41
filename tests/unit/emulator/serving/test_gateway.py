"""AI gateways: what is kept, filled in and refused."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/api/2.0/serving-endpoints"
GATEWAY = f"{BASE}/chat/ai-gateway"
TABLE = {"catalog_name": "c", "schema_name": "s", "enabled": True}


def limit(**fields: Any) -> Any:
    return {"renewal_period": "minute", "calls": 5} | fields


def limits(*found: Any) -> Any:
    return {"rate_limits": list(found)}


@pytest.fixture
def chat(client: Any, config: Any) -> Any:
    client.create(config=config())
    client.endpoint()
    return client


KEPT = [
    pytest.param({}, {}, id="nothing"),
    pytest.param({"rate_limits": []}, {}, id="an empty list is nothing"),
    pytest.param({"guardrails": None, "unknown": 1}, {}, id="null and unknown are nothing"),
    pytest.param(
        {"usage_tracking_config": {}},
        {"usage_tracking_config": {"enabled": False}},
        id="usage tracking is off by default",
    ),
    pytest.param({"fallback_config": {"enabled": True}}, None, id="fallbacks"),
    pytest.param(
        {
            "guardrails": {
                "input": {"safety": True, "pii": {"behavior": "MASK"}},
                "output": {"invalid_keywords": ["b", "a"], "valid_topics": ["t"]},
            }
        },
        None,
        id="guardrails, their lists as they are",
    ),
    pytest.param(
        limits(limit()), limits(limit(key="endpoint")), id="a limit is the endpoint's by default"
    ),
    pytest.param(limits(limit(key="user", calls=0)), None, id="a limit of no calls"),
    pytest.param(limits(limit(key="user", principal="a@example.com")), None, id="a person's"),
    pytest.param(
        limits({"renewal_period": "minute", "tokens": "7", "key": "user"}),
        limits({"renewal_period": "minute", "tokens": 7, "key": "user"}),
        id="a number as text",
    ),
    pytest.param(
        {"inference_table_config": TABLE},
        {"inference_table_config": TABLE | {"table_name_prefix": "chat"}},
        id="a table is named after the endpoint",
    ),
    pytest.param(
        {"inference_table_config": {"catalog_name": "c"}},
        {"inference_table_config": {"catalog_name": "c", "enabled": False}},
        id="a table that is off keeps what was sent",
    ),
    pytest.param(
        {"inference_table_config": TABLE | {"table_name_prefix": "p"}}, None, id="a table's name"
    ),
]


@pytest.mark.parametrize(("sent", "shown"), KEPT)
def test_a_gateway_is_kept(chat: Any, sent: Any, shown: Any) -> None:
    expected = sent if shown is None else shown
    assert chat.put(GATEWAY, sent) == expected
    assert chat.endpoint().get("ai_gateway", {}) == expected


def test_a_gateway_is_replaced_as_a_whole(chat: Any) -> None:
    chat.put(GATEWAY, {"fallback_config": {"enabled": True}, "rate_limits": [limit()]})
    chat.put(GATEWAY, {"usage_tracking_config": {"enabled": True}})
    assert set(chat.endpoint()["ai_gateway"]) == {"usage_tracking_config"}
    chat.put(GATEWAY, {})
    assert "ai_gateway" not in chat.endpoint()


def test_rate_limits_keep_the_order_in_which_they_were_sent(chat: Any) -> None:
    names = [f"user-{number}@example.com" for number in range(8)]
    for order in (names, names[::-1]):
        sent = [limit(key="user", principal=name) for name in order]
        assert chat.put(GATEWAY, limits(*sent))["rate_limits"] == sent
        assert chat.endpoint()["ai_gateway"]["rate_limits"] == sent


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([limit(principal="a", key="endpoint")], id="somebody for everybody"),
        pytest.param([limit(key="endpoint"), limit(key="endpoint", calls=9)], id="two for one key"),
        pytest.param([limit(key="user", tokens=5)], id="calls and tokens in one entry"),
    ],
)
def test_limits_that_are_only_assumed_to_be_wrong_are_taken(chat: Any, sent: Any) -> None:
    assert chat.put(GATEWAY, limits(*sent))["rate_limits"] == sent


REFUSED = [
    pytest.param(limits({"renewal_period": "minute"}), "calls or tokens", id="a limit of nothing"),
    pytest.param(limits({"calls": 1}), "renewal_period must be given", id="no period"),
    pytest.param(limits(limit(renewal_period="hour")), "renewal_period", id="another period"),
    pytest.param(limits(limit(calls=-1)), "at least 0", id="less than none"),
    pytest.param(limits(limit(calls=1.5)), "integer", id="half a call"),
    pytest.param(limits(limit(calls=True)), "integer", id="a boolean as a number"),
    pytest.param(limits(limit(key="team")), "key must be one of", id="an unknown key"),
    pytest.param(
        limits(*[limit(key="user", principal=f"u{n}") for n in range(21)]), "at most 20", id="21"
    ),
    pytest.param(
        limits(*[limit(key="user_group", principal=f"g{n}") for n in range(6)]),
        "at most 5",
        id="six for groups",
    ),
    pytest.param({"fallback_config": {}}, "must be given", id="fallbacks, on or off"),
    pytest.param(
        {"guardrails": {"input": {"pii": {"behavior": "HIDE"}}}}, "behavior", id="unknown behaviour"
    ),
    pytest.param(
        {"inference_table_config": {"enabled": True, "schema_name": "s"}},
        "catalog_name and schema_name",
        id="a table without a catalog",
    ),
    pytest.param({"inference_table_config": []}, "must be an object", id="a list for an object"),
]


@pytest.mark.parametrize(("sent", "message"), REFUSED)
def test_a_gateway_is_refused(chat: Any, sent: Any, message: str) -> None:
    reply = chat.call("PUT", GATEWAY, sent)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in reply.json["message"]
    assert "ai_gateway" not in chat.endpoint()


def test_as_many_limits_as_are_allowed(chat: Any) -> None:
    groups = [limit(key="user_group", principal=f"g{n}") for n in range(5)]
    users = [limit(key="user", principal=f"u{n}") for n in range(15)]
    assert len(chat.put(GATEWAY, limits(*groups, *users))["rate_limits"]) == 20


@pytest.mark.parametrize("name", ["catalog_name", "schema_name", "table_name_prefix"])
@pytest.mark.parametrize("enabled", [True, False], ids=["left on", "switched off in one call"])
def test_a_table_moves_only_after_disabling(chat: Any, name: str, enabled: bool) -> None:
    chat.put(GATEWAY, {"inference_table_config": TABLE})
    moved = {"inference_table_config": TABLE | {name: "other"}}
    moving = {"inference_table_config": TABLE | {name: "other", "enabled": enabled}}
    reply = chat.call("PUT", GATEWAY, moving)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    chat.put(GATEWAY, {"inference_table_config": TABLE | {"enabled": False}})
    assert chat.put(GATEWAY, moved)["inference_table_config"][name] == "other"


def test_leaving_the_table_out_disables_it_too(chat: Any) -> None:
    chat.put(GATEWAY, {"inference_table_config": TABLE})
    chat.put(GATEWAY, {})
    chat.put(GATEWAY, {"inference_table_config": TABLE | {"schema_name": "other"}})


def test_fallbacks_are_for_external_models(client: Any) -> None:
    entity = {"entity_name": "m", "entity_version": "1", "scale_to_zero_enabled": True}
    client.create(config={"served_entities": [entity]})
    reply = client.call("PUT", GATEWAY, {"fallback_config": {"enabled": True}})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    client.put(GATEWAY, {"fallback_config": {"enabled": False}})
