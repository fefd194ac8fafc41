"""Rate limits: who is refused, for how long, and what is counted."""

from __future__ import annotations

import pytest

ME = "local-user@example.com"
CHAT = {"messages": [{"role": "user", "content": "hello"}]}


def limit(calls=None, **rest):
    counted = {} if calls is None else {"calls": calls}
    return {"renewal_period": "minute", **counted, **rest}


@pytest.fixture
def limited(client, external):
    """Makes a chat endpoint with these limits of the gateway."""

    def made(name, *limits):
        client.serve(name, external(), gateway={"rate_limits": list(limits)})

    return made


def test_the_call_after_the_last_free_one_is_told_how_long_to_wait(client, limited, name):
    limited(name, limit(20, key="user"))
    assert [client.ask(name).status for _ in range(20)] == [200] * 20
    client.pass_time(20)
    refused = client.ask(name)
    wait_s = int(refused.headers["retry-after"])
    assert (refused.status, refused.json["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
    assert refused.json["message"].startswith("REQUEST_LIMIT_EXCEEDED: Exceeded")
    assert refused.json["retry_after"] == wait_s
    assert 30 <= wait_s <= 40
    client.pass_time(wait_s)
    assert client.ask(name).status == 200


def test_one_limit_holds_for_both_paths(client, limited, name):
    limited(name, limit(2))
    assert client.ask(name).status == 200
    body = {**CHAT, "model": name}
    assert client.post("/serving-endpoints/chat/completions", body).status == 200
    assert client.post("/serving-endpoints/chat/completions", body).status == 429
    assert client.ask(name).status == 429


def test_a_refused_call_is_not_counted(client, limited, name):
    limited(name, limit(1))
    assert [client.ask(name).status for _ in range(3)] == [200, 429, 429]
    client.pass_time(60)
    assert client.ask(name).status == 200


def test_a_call_that_fails_is_counted(client, limited, name):
    limited(name, limit(1))
    assert client.query(name, {}).status == 400
    assert client.ask(name).status == 429


def test_endpoints_do_not_share_their_limits(client, limited, name):
    other = name + "-other"
    limited(name, limit(1))
    limited(other, limit(1))
    assert [client.ask(each).status for each in (name, other, name)] == [200, 200, 429]


def test_tokens_are_counted_after_the_answer(client, limited, name):
    limited(name, limit(tokens=1))
    assert [client.ask(name).status for _ in range(2)] == [200, 429]
    assert "1 tokens per minute" in client.ask(name).json["message"]


def test_streamed_tokens_are_counted(client, limited, name):
    limited(name, limit(tokens=1))
    assert client.query(name, {**CHAT, "stream": True}).status == 200
    assert client.ask(name).status == 429


STATUSES = [
    pytest.param([limit(9, tokens=1)], 429, id="the stricter of calls and tokens"),
    pytest.param([limit(0)], 429, id="no call at all"),
    pytest.param([limit(9), limit(1, key="user")], 429, id="the user before the endpoint"),
    pytest.param([limit(1), limit(9, key="user")], 429, id="the endpoint caps everything"),
    pytest.param([limit(1, key="user", principal=ME)], 429, id="a person"),
    pytest.param([limit(1, key="user", principal="x@y.zz")], 200, id="another person"),
    pytest.param([limit(1, key="user_group", principal="admins")], 429, id="a group of the caller"),
    pytest.param([limit(1, key="user_group", principal="others")], 200, id="another group"),
    pytest.param([limit(1, key="service_principal", principal="app")], 200, id="another program"),
    pytest.param(
        [limit(1, key="user"), limit(9, key="user", principal=ME)],
        200,
        id="a person's own limit overrides that for everybody",
    ),
    pytest.param(
        [limit(1, key="user_group", principal="admins"), limit(9, key="user", principal=ME)],
        200,
        id="a person's own limit overrides that of a group",
    ),
    pytest.param(
        [limit(1, key="user"), limit(9, key="user_group", principal="admins")],
        200,
        id="a group's limit overrides that for everybody",
    ),
]


@pytest.mark.parametrize(("limits", "status"), STATUSES)
def test_the_second_call(client, limited, name, limits, status):
    limited(name, *limits)
    client.ask(name)
    assert client.ask(name).status == status


def test_the_older_limits_of_an_endpoint_are_held_as_well(client, external):
    client.serve("older", external())
    path = "/api/2.0/serving-endpoints/older/rate-limits"
    older = {"rate_limits": [{"key": "user", "renewal_period": "minute", "calls": 1}]}
    assert client.call("PUT", path, older).status == 200
    assert [client.ask("older").status for _ in range(2)] == [200, 429]


def test_embeddings_and_predictions_are_limited_too(client, external, custom):
    rules = {"rate_limits": [limit(1)]}
    client.serve("limited-vectors", external(task="embeddings"), gateway=rules)
    answers = [client.query("limited-vectors", {"input": "x"}).status for _ in range(2)]
    assert answers == [200, 429]
