"""The same promises with the real drivers, the real connection and a server that answers."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from skipping_clock import SkippingClock

from provisioner.applying.executor import Hooks, Options, apply
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running
from provisioner.kinds import KINDS
from provisioner.model.outcome import Outcome, Status
from provisioner.model.plan import Action, Address, Plan
from provisioner.model.resource import Resource
from provisioner.model.secret import SecretReader
from provisioner.planning.comparison import remaining
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext
from provisioner.workspace import WorkspaceTarget, connect

ENDPOINTS = "/api/2.0/serving-endpoints"
SCOPE = {"name": "keys", "secrets": {"openai": {"from_env": "SHOP_KEY"}}}


def endpoint(name: str = "chat", model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    external = {
        "name": model,
        "provider": "openai",
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": "{{secrets/keys/openai}}"},
    }
    entities = [{"name": "gpt", "external_model": external}]
    return {"name": name, "config": {"served_entities": entities}, **more}


class Workspace:
    """A server, a connection to it, and plans for it."""

    def __init__(self, server: Running, connection: Any) -> None:
        self.server, self.connection = server, connection

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.server.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.server.token}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"{}")

    def fault(self, **rule: Any) -> None:
        self.call("POST", "/__emulator__/faults", {"rules": [rule]})

    def count(self, method: str, path: str) -> int:
        log = self.call("GET", "/__emulator__/requests")["requests"]
        return sum((entry["method"], entry["path"]) == (method, path) for entry in log)

    def plan(self, *documents: dict[str, Any], delete: tuple[str, ...] = ()) -> Plan:
        drivers = self.drivers()
        wanted = {self.address(document): document for document in documents}
        names = {(a.kind, document["name"]): a for a, document in wanted.items()}
        request = PlanContext("shop", "dev", addresses=names, prune=True)
        steps = []
        for address, document in wanted.items():
            resource = Resource(address, document["name"], document)
            pair = Pair(address, resource.name, resource, drivers[address.kind].read(resource))
            steps.append(plan_step(pair, KINDS[address.kind], request))
        for name in delete:
            address = Address("model_serving_endpoints", name)
            live = drivers[address.kind].read(Resource(address, name, {}))
            steps.append(plan_step(Pair(address, name, None, live), KINDS[address.kind], request))
        return Plan("shop", "dev", self.server.url, tuple(steps))

    def address(self, document: dict[str, Any]) -> Address:
        kind = "secret_scopes" if "secrets" in document else "model_serving_endpoints"
        return Address(kind, document["name"])

    def drivers(self) -> dict[str, Any]:
        secrets = SecretReader(Path())
        return {
            name: kind.runtime.connect(self.connection, secrets) for name, kind in KINDS.items()
        }

    def apply(self, plan: Plan, **options: Any) -> dict[str, Outcome]:
        hooks = Hooks(remaining=lambda step, live: remaining(step, live, KINDS[step.address.kind]))
        outcomes = apply(plan, self.drivers(), Options(**options), hooks)
        return {outcome.step.name: outcome for outcome in outcomes}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(Settings(transition="polls=1")) as started:
        yield started


@pytest.fixture
def workspace(
    server: Running, skipping_clock: SkippingClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    monkeypatch.setenv("SHOP_KEY", "not-a-key")
    target = WorkspaceTarget(host=server.url, token=server.token)
    with connect(target, {}, "provisioner-tests/1") as connection:
        made = Workspace(server, connection)
        made.call("POST", "/__emulator__/reset", {})
        yield made


@pytest.fixture
def keys(workspace: Workspace) -> Workspace:
    """A workspace with the secret that the endpoints name."""
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    secret = {"scope": "keys", "key": "openai", "string_value": "not-a-key"}
    workspace.call("POST", "/api/2.0/secrets/put", secret)
    return workspace


def test_a_scope_then_its_endpoint_and_a_second_plan_is_empty(workspace):
    done = workspace.apply(workspace.plan(endpoint(), SCOPE))
    assert {name: end.status for name, end in done.items()} == {
        "chat": Status.DONE,
        "keys": Status.DONE,
    }
    assert workspace.plan(endpoint(), SCOPE).is_empty


def test_a_create_whose_answer_is_dropped_is_found(keys):
    keys.fault(method="POST", path=ENDPOINTS, phase="after", action={"connection": "reset"})
    done = keys.apply(keys.plan(endpoint()))
    assert (done["chat"].status, done["chat"].done) == (Status.DONE, ("create",))
    assert keys.count("POST", ENDPOINTS) == 1
    assert keys.plan(endpoint()).is_empty


def test_a_create_that_is_dropped_on_its_way_is_sent_again(keys):
    keys.fault(method="POST", path=ENDPOINTS, phase="before", action={"connection": "reset"})
    assert keys.apply(keys.plan(endpoint()))["chat"].status is Status.DONE
    assert keys.plan(endpoint()).is_empty


def test_many_endpoints_are_waited_for_with_one_list_per_look(keys):
    documents = [endpoint(f"chat-{number}") for number in range(12)]
    done = keys.apply(keys.plan(*documents))
    assert {end.status for end in done.values()} == {Status.DONE}
    assert keys.count("GET", ENDPOINTS) <= 8


def test_a_config_and_a_gateway_change_are_applied_in_order(keys):
    keys.apply(keys.plan(endpoint()))
    limits = {"rate_limits": [{"key": "user", "renewal_period": "minute", "calls": 5}]}
    changed = endpoint(model="gpt-4o-mini", ai_gateway=limits, tags=[{"key": "by", "value": "us"}])
    done = keys.apply(keys.plan(changed))
    assert done["chat"].status is Status.DONE
    assert done["chat"].done == ("patch_tags", "update_config", "put_ai_gateway")
    assert keys.plan(changed).is_empty


def test_an_update_of_somebody_else_at_the_wrong_moment(keys):
    keys.apply(keys.plan(endpoint()))
    plan = keys.plan(endpoint(model="gpt-4o-mini"))
    conflict = {"status": 409, "body": {"error_code": "RESOURCE_CONFLICT", "message": "updating"}}
    keys.fault(method="PUT", path=f"{ENDPOINTS}/chat/config", action=conflict)
    assert keys.apply(plan)["chat"].status is Status.DONE
    assert keys.count("PUT", f"{ENDPOINTS}/chat/config") == 2


def test_a_deployment_that_fails_is_kept_and_told_with_its_log(keys):
    keys.fault(
        deployment={
            "endpoint": "bad", "state": "DEPLOYMENT_FAILED", "message": "no such model",
            "config_update": "UPDATE_FAILED",
        }
    )  # fmt: skip
    done = keys.apply(keys.plan(endpoint("bad"), endpoint("good")))
    assert (done["bad"].status, done["good"].status) == (Status.FAILED, Status.DONE)
    (problem,) = done["bad"].error.problems
    assert problem.code == "E602"
    assert "no such model" in problem.message
    assert keys.count("DELETE", f"{ENDPOINTS}/bad") == 0
    assert keys.call("GET", f"{ENDPOINTS}/bad")["name"] == "bad"


def test_a_plan_is_stale_once_its_endpoint_has_changed(keys):
    keys.apply(keys.plan(endpoint()))
    plan = keys.plan(endpoint(model="gpt-4o-mini"), endpoint("other"))
    keys.call("PATCH", f"{ENDPOINTS}/chat/tags", {"add_tags": [{"key": "by", "value": "hand"}]})
    done = keys.apply(plan)
    assert (done["chat"].status, done["other"].status) == (Status.STALE, Status.DONE)
    assert keys.count("PUT", f"{ENDPOINTS}/chat/config") == 0


def test_a_deletion_is_confirmed(keys):
    keys.apply(keys.plan(endpoint()))
    plan = keys.plan(delete=("chat",))
    assert [step.action for step in plan.steps] == [Action.DELETE]
    assert keys.apply(plan)["chat"].status is Status.DONE
    names = {one["name"] for one in keys.call("GET", ENDPOINTS)["endpoints"]}
    assert "chat" not in names


def test_without_waiting_the_next_run_does_the_rest(keys):
    keys.apply(keys.plan(endpoint()))
    limits = {"rate_limits": [{"key": "user", "renewal_period": "minute", "calls": 5}]}
    changed = endpoint(model="gpt-4o-mini", ai_gateway=limits)
    first = keys.apply(keys.plan(changed), wait=False)["chat"]
    assert (first.status, first.done) == (Status.ACCEPTED, ("update_config",))
    second = keys.apply(keys.plan(changed))["chat"]
    assert (second.status, second.done) == (Status.DONE, ("put_ai_gateway",))
    assert keys.plan(changed).is_empty


def test_a_step_may_be_planned_against_an_update_in_progress(keys):
    keys.apply(keys.plan(endpoint()))
    keys.apply(keys.plan(endpoint(model="gpt-4o-mini")), wait=False)
    plan = keys.plan(endpoint(model="gpt-4.1"))
    assert [operation.after_idle for operation in plan.steps[0].operations] == [True]
    assert keys.apply(plan)["chat"].status is Status.DONE
    assert keys.plan(endpoint(model="gpt-4.1")).is_empty


def test_a_plan_for_an_endpoint_that_is_gone_creates_nothing(keys):
    keys.apply(keys.plan(endpoint()))
    plan = keys.plan(endpoint(model="gpt-4o-mini"))
    keys.call("DELETE", f"{ENDPOINTS}/chat")
    assert keys.apply(plan)["chat"].status is Status.STALE
    assert keys.count("POST", ENDPOINTS) == 1
