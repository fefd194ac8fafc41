"""A workspace in memory whose time is not real, and ways to let things go wrong in it."""

from __future__ import annotations

import copy
import queue
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import pytest

from provisioner.applying.executor import Hooks, Options, apply
from provisioner.errors import LostAnswerError, ProvisionerError, ServiceError
from provisioner.model.live import Listed, Live, Ownership, Phase, Readiness
from provisioner.model.outcome import Event, Outcome
from provisioner.model.plan import ABSENT, Action, Address, FieldChange, Operation, Plan, Step
from provisioner.model.resource import Resource

KIND, OWNER = "things", "shop/dev"
REAL_PATIENCE_S = 20.0


class VirtualClock:
    """Jumps to the next moment as soon as nobody is at work any more.

    ``hanging`` counts requests that never end: with ``ignore_hanging`` they do not keep
    time from passing.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self.plans: list[tuple[float, Callable[[], None]]] = []
        self.hanging = 0
        self.ignore_hanging = False

    def now(self) -> float:
        return self.time

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Have something happen at a moment of virtual time."""
        self.plans = sorted([*self.plans, (time, action)], key=lambda plan: plan[0])

    def wait(self, inbox: queue.SimpleQueue[Any], until: float, *, busy: bool) -> Any:
        if busy:
            return self._arrival(inbox, until)
        self._jump(until)
        return None

    def _arrival(self, inbox: queue.SimpleQueue[Any], until: float) -> Any:
        for _ in range(int(REAL_PATIENCE_S / 0.02)):
            try:
                return inbox.get(timeout=0.02)
            except queue.Empty:
                if self.ignore_hanging and self.hanging:
                    self._jump(until)
                    return None
        raise AssertionError("a request never ended")

    def _jump(self, until: float) -> None:
        if self.plans and self.plans[0][0] <= until:
            moment, action = self.plans.pop(0)
            self.time = max(self.time, moment)
            action()
            return
        assert until != inf, "everybody waits, and nothing will happen"
        self.time = max(self.time, until)


@dataclass
class Thing:
    """One resource of the double. Its update ends at ``until``, as ``ends_as``."""

    identity: str
    document: dict[str, Any]
    owner: str = OWNER
    until: float = 0.0
    ends_as: Readiness = field(default_factory=lambda: Readiness(Phase.READY))
    version: int = 1
    fence: str = ""

    def readiness(self, now: float) -> Readiness:
        return Readiness(Phase.UPDATING, "building") if now < self.until else self.ends_as

    def live(self, name: str, now: float) -> Live:
        version = self.version - (now < self.until)
        mark = f"{self.identity} v{version} {sorted(self.document.items())}"
        ownership = Ownership(owner=self.owner)
        document = copy.deepcopy(self.document)
        state = self.readiness(now)
        return Live(name, self.identity, document, mark, ownership, state, fence=self.fence)


class Service:
    """A driver with a workspace behind it. Every request is in ``log``."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.things: dict[str, Thing] = {}
        self.log: list[tuple[str, str]] = []
        self.accepted: list[str] = []
        self.update_takes = 0.0
        self.at_stake: tuple[str, ...] = ()
        self.read_lag = 0.0
        self.list_lag = 0.0
        self.faults: dict[str, list[Exception | Callable[[], None]]] = defaultdict(list)
        self.lost: Counter[str] = Counter()
        self.ends_as: dict[str, Readiness] = {}
        self.normalises: dict[str, Any] = {}
        self.before_each: Callable[[str], None] = lambda request: None
        self.hang = threading.Event()
        self._history: dict[str, list[tuple[float, Thing | None]]] = defaultdict(list)
        self._lock = threading.Lock()
        self._ids = 0

    # What tests ask and arrange.

    def put(self, name: str, document: Mapping[str, Any], **more: Any) -> Thing:
        """Somebody, or an earlier run, has this in the workspace."""
        self._ids += 1
        self.things[name] = Thing(f"id{self._ids}", dict(document), **more)
        self._history[name].append((-inf, copy.deepcopy(self.things[name])))
        return self.things[name]

    def edit(self, name: str, until: float = 0.0, **fields: Any) -> None:
        """Somebody else changes it, with an update that ends at ``until``."""
        thing = self.things[name]
        thing.document |= fields
        thing.until, thing.version = until, thing.version + 1
        self._history[name].append((self.clock.now(), copy.deepcopy(thing)))

    def remove(self, name: str) -> None:
        """Somebody else deletes it."""
        del self.things[name]
        self._history[name].append((self.clock.now(), None))

    def fingerprint(self, name: str) -> str:
        return self.things[name].live(name, self.clock.now()).fingerprint

    def fail(self, request: str, *errors: Exception | Callable[[], None]) -> None:
        """Let the next of these requests (``read``, ``poll``, ``create`` ...) fail, in turn."""
        self.faults[request] += errors

    def calls(self) -> list[str]:
        """What was written, in order."""
        return [what for what, _ in self.log if what not in ("read", "poll", "confirm", "fence")]

    def count(self, what: str) -> int:
        return sum(request == what for request, _ in self.log)

    def hangs(self) -> None:
        """A fault: the request hangs until ``hang`` is set, at the latest by the fixture."""
        self.clock.hanging += 1
        self.hang.wait(REAL_PATIENCE_S)
        self.clock.hanging -= 1

    # The driver.

    def inventory(self) -> Sequence[Listed]:
        raise AssertionError("applying asks for no inventory")

    def read(self, resource: Resource) -> Live | None:
        self._begin("read", resource.name)
        thing = self._seen(resource.name, self.read_lag)
        return thing.live(resource.name, self.clock.now()) if thing else None

    def examine(self, resource: Resource, live: Live) -> Live:
        return replace(live, at_stake=self.at_stake)

    def fence(self, name: str, value: str) -> bool:
        self._begin("fence", name)
        with self._lock:
            if name not in self.things:
                raise refusal(404, "RESOURCE_DOES_NOT_EXIST", "fence")
            self.things[name].fence = value
            self._history[name].append((self.clock.now(), copy.deepcopy(self.things[name])))
        return True

    def poll(self) -> Mapping[str, Readiness]:
        self._begin("poll", "")
        names = list(self._history)
        seen = {name: self._seen(name, self.list_lag) for name in names}
        now = self.clock.now()
        return {name: thing.readiness(now) for name, thing in seen.items() if thing}

    def confirm(self, name: str) -> Readiness:
        self._begin("confirm", name)
        thing = self._seen(name, self.read_lag)
        if thing is None:
            return Readiness(Phase.ABSENT)
        found = thing.readiness(self.clock.now())
        return replace(found, detail="boom") if found.phase is Phase.FAILED else found

    def perform(self, operation: Operation, identity: str) -> str:
        name = operation.path.split("/")[1]
        self._begin(operation.call, name)
        with self._lock:
            answer = self._carry_out(operation, name, identity)
        if self.lost[operation.call]:
            self.lost[operation.call] -= 1
            raise lost(operation.call)
        return answer

    def _begin(self, request: str, name: str) -> None:
        with self._lock:
            self.log.append((request, name))
            faults = self.faults[f"{request} {name}"] or self.faults[request]
            fault = faults.pop(0) if faults else None
        self.before_each(request)
        if isinstance(fault, Exception):
            raise fault
        if fault:
            fault()

    def _seen(self, name: str, lag: float) -> Thing | None:
        """The newest state that is visible by now."""
        now = self.clock.now()
        with self._lock:
            history = tuple(self._history.get(name, ()))
        known = [thing for since, thing in history if since + lag <= now]
        return known[-1] if known else None

    def _carry_out(self, operation: Operation, name: str, identity: str) -> str:
        thing = self.things.get(name)
        if operation.call == "create":
            if thing:
                raise refusal(400, "RESOURCE_ALREADY_EXISTS", "create")
            self._ids += 1
            thing = self.things[name] = Thing(f"id{self._ids}", {}, owner="", version=0)
        if thing is None:
            raise refusal(404, "RESOURCE_DOES_NOT_EXIST", operation.call)
        if "{id}" in operation.path and identity != thing.identity:
            raise refusal(404, "RESOURCE_DOES_NOT_EXIST", operation.call)
        if operation.method == "DELETE":
            self.remove(name)
            self.accepted.append(operation.call)
            return ""
        self._write(thing, operation, name)
        self.accepted.append(operation.call)
        return thing.identity if operation.call == "create" else ""

    def _write(self, thing: Thing, operation: Operation, name: str) -> None:
        now = self.clock.now()
        if operation.wait and now < thing.until:
            raise refusal(409, "RESOURCE_CONFLICT", operation.call)
        payload = dict(operation.payload or {})
        thing.owner = payload.pop("owner", thing.owner)
        thing.document |= payload
        thing.document |= {k: v for k, v in self.normalises.items() if k in payload}
        if operation.wait:
            thing.version += 1
            thing.until = now + self.update_takes
            thing.ends_as = self.ends_as.get(name, Readiness(Phase.READY))
        self._history[name].append((now, copy.deepcopy(thing)))


def refusal(status: int, code: str, call: str = "call") -> ServiceError:
    return ServiceError(status, code, "said the service", call)


def lost(call: str) -> ProvisionerError:
    return LostAnswerError.of("E403", f"the answer to {call} was lost")


def differing(step: Step, live: Live | None) -> tuple[FieldChange, ...]:
    """What the planner would tell: the fields of the desired document that are not live."""
    wanted = step.desired or {}
    actual = live.document if live else {}
    return tuple(
        FieldChange((name,), actual.get(name, ABSENT), value)
        for name, value in wanted.items()
        if actual.get(name, ABSENT) != value
    )


def create(name: str, /, wait: bool = True, **fields: Any) -> Operation:
    body = {"owner": OWNER, **fields}
    return Operation("create", "POST", f"things/{name}", body, wait=wait)


def config(name: str, /, after_idle: bool = False, **fields: Any) -> Operation:
    return Operation(
        "update_config", "PUT", f"things/{name}/config", fields, True, after_idle=after_idle
    )


def patch(name: str, /, call: str = "patch_tags", **fields: Any) -> Operation:
    return Operation(call, "PATCH", f"things/{name}/tags", fields)


def grant(name: str, /, **fields: Any) -> Operation:
    return Operation("set_permissions", "PUT", f"permissions/{name}/{{id}}", fields)


def delete(name: str) -> Operation:
    return Operation("delete", "DELETE", f"things/{name}")


class World:
    """Plans against the double, and applies them."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.service = Service(self.clock)
        self.stop = threading.Event()
        self.events: list[Event] = []
        self.remaining: Callable[[Step, Live | None], tuple[FieldChange, ...]] = differing

    def step(self, name: str, *operations: Operation, **more: Any) -> Step:
        """A step for ``name``, planned against what is in the workspace now."""
        there = name in self.service.things
        wanted: dict[str, Any] = {}
        for operation in operations:
            wanted |= {k: v for k, v in (operation.payload or {}).items() if k != "owner"}
        given = {
            "action": Action.UPDATE if there else Action.CREATE,
            "live_fingerprint": self.service.fingerprint(name) if there else "",
            "desired": wanted,
        }
        return Step(address(name), name, operations=operations, **(given | more))

    def deletion(self, name: str) -> Step:
        return self.step(name, delete(name), action=Action.DELETE, desired=None)

    def apply(self, *steps: Step, driver: Any = None, **options: Any) -> dict[str, Outcome]:
        """Outcomes by name."""
        plan = Plan("shop", "dev", "https://workspace.test", steps)
        hooks = Hooks(self.events.append, self.remaining, self.stop, self.clock)
        found = apply(plan, {KIND: driver or self.service}, Options(**options), hooks)
        ended = [one.step for one in found]
        assert ended == [step for step in steps if step.operations or step in ended]
        return {one.step.name: one for one in found}


def address(name: str) -> Address:
    return Address(KIND, name)


@pytest.fixture
def world() -> Any:
    made = World()
    yield made
    made.service.hang.set()


@pytest.fixture
def make() -> Any:
    """The words in which the tests write operations and faults."""
    import types

    return types.SimpleNamespace(
        create=create,
        config=config,
        patch=patch,
        grant=grant,
        delete=delete,
        address=address,
        refusal=refusal,
        lost=lost,
        KIND=KIND,
        OWNER=OWNER,
    )
