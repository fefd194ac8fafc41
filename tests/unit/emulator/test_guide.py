"""The guide to the emulator's own routes: every example in it is taken, and does what it says."""

from __future__ import annotations

import http.client
import re
from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator import openapi
from provisioner.emulator.faults.rules import ACTION_FIELDS, CONNECTIONS
from provisioner.emulator.routes import ROUTES

GUIDE = Path(openapi.__file__).with_name("guide.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\nPOST (\S+)\n(.*?)```", GUIDE, re.DOTALL)
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "local-workspace.md"
CONFIG = "/api/2.0/serving-endpoints/chat/config"


@pytest.mark.parametrize(("path", "body"), EXAMPLES)
def test_an_example_is_taken(client: Any, config: Any, path: str, body: str) -> None:
    client.faults({"deployment": {"endpoint": "chat", "transition": "command"}})
    client.create(config=config())
    assert client.call("POST", path, body.encode()).status == 200


def test_the_first_example_loses_an_answer_and_then_refuses_twice(client: Any, config: Any) -> None:
    client.create(config=config())
    client.endpoint()
    path, body = EXAMPLES[0]
    client.call("POST", path, body.encode())
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        client.call("PUT", CONFIG, config())
    assert client.endpoint()["config"]["config_version"] == 2
    assert [client.call("PUT", CONFIG, config()).status for _ in range(3)] == [429, 429, 200]


def test_it_names_every_way_to_fail_and_every_path_is_one() -> None:
    assert all(f"connection: {name}`" in GUIDE for name in CONNECTIONS)
    assert all(f"`{name}" in GUIDE for name in ACTION_FIELDS)
    patterns = {route.pattern for route in ROUTES}
    assert set(re.findall(r"POST (/__emulator__/\w+)", GUIDE)) <= patterns


def test_it_is_served_to_everybody(client: Any) -> None:
    for path in ("/__emulator__", "/__emulator__/"):
        reply = client.call("GET", path, authorization="")
        assert (reply.status, reply.content.decode()) == (200, GUIDE)


def test_the_rule_of_the_page_is_taken(client: Any) -> None:
    (rule,) = re.findall(r"__emulator__/faults -d '(.*?)'\n", PAGE.read_text("utf-8"), re.DOTALL)
    assert client.call("POST", "/__emulator__/faults", rule.encode()).status == 200
