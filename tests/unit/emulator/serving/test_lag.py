"""Reads that lag behind writes."""

from __future__ import annotations

from typing import Any

BASE = "/api/2.0/serving-endpoints"
LAG = "/__emulator__/lag"


def lag(client: Any, **sent: int) -> None:
    client.post(LAG, sent)


def statuses(client: Any, count: int, name: str = "chat") -> list[int]:
    return [client.call("GET", f"{BASE}/{name}").status for _ in range(count)]


def listed(client: Any) -> list[str]:
    names = [each["name"] for each in client.get(BASE)["endpoints"]]
    return [name for name in names if not name.startswith("databricks-")]


def tags(client: Any) -> list[str]:
    return sorted(each["key"] for each in client.endpoint().get("tags", ()))


def test_a_new_endpoint_is_not_seen_at_once(client: Any) -> None:
    lag(client, reads=2)
    client.create()
    assert statuses(client, 3) == [404, 404, 200]


def test_a_deleted_endpoint_is_seen_for_a_while(client: Any) -> None:
    client.create()
    lag(client, reads=1)
    client.call("DELETE", f"{BASE}/chat")
    assert statuses(client, 2) == [200, 404]


def test_a_list_lags_too_and_counts_as_a_read(client: Any) -> None:
    client.create("old")
    lag(client, reads=2)
    client.create()
    client.call("DELETE", f"{BASE}/old")
    assert [listed(client) for _ in range(3)] == [["old"], ["old"], ["chat"]]


def test_a_change_is_seen_when_the_time_is_over(client: Any) -> None:
    client.create()
    lag(client, seconds=30)
    client.patch(f"{BASE}/chat/tags", {"add_tags": [{"key": "a"}]})
    assert tags(client) == []
    client.pass_time(29)
    client.patch(f"{BASE}/chat/tags", {"add_tags": [{"key": "b"}]})
    assert tags(client) == []
    client.pass_time(2)
    assert tags(client) == ["a", "b"]


def test_only_what_was_changed_lags(client: Any) -> None:
    client.create("other")
    lag(client, reads=9)
    client.create()
    assert statuses(client, 1, "other") == [200]


def test_a_refused_change_leaves_nothing_to_lag(client: Any) -> None:
    client.create()
    lag(client, reads=9)
    assert client.call("POST", BASE, {"name": "chat"}).status == 400
    assert client.call("POST", BASE, {"name": "-"}).status == 400
    assert (statuses(client, 1), statuses(client, 1, "-")) == ([200], [404])


def test_an_update_goes_on_behind_the_old_state(client: Any, config: Any) -> None:
    client.create(config=config("a"))
    client.endpoint()
    lag(client, reads=1)
    client.put(f"{BASE}/chat/config", config("b"))
    seen = [client.endpoint()["config"]["served_entities"][0]["name"] for _ in range(2)]
    assert seen == ["a", "b"]


def test_the_lag_is_ended_by_command_or_reset(client: Any) -> None:
    lag(client, reads=9)
    client.create()
    lag(client)
    assert statuses(client, 1) == [200]
    lag(client, reads=9)
    client.post("/__emulator__/reset")
    client.create()
    assert statuses(client, 1) == [200]
    assert client.call("POST", LAG, {"reads": -1}).status == 400
