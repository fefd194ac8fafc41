"""Rollouts that are killed, that meet each other, and that are many; and a client that asks on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proof_cells import Cells
from proofs import depth
from skipping_clock import SkippingClock
from workbench import ENDPOINTS, Workbench, workbench

from provisioner.model.resource import Resource
from provisioner.planning.rollout_procedure import Ending
from provisioner.planning.rollout_state import Occasion
from provisioner.workflow.rollout import RolloutOptions, RolloutReport, move_all
from provisioner.workflow.rollout_progress import follow, started
from provisioner.workflow.session import Session

pytestmark = pytest.mark.proof("rollouts")
TRIALS, RACES_BACK = 200, 100
LONGEST_LAG_S = 0.06
"""Longer than a whole run takes."""
FIRST, SECOND, PERIOD_S = 5, 25, 90_000


class KilledError(BaseException):
    """The process ends here: nothing catches it."""


class MortalConnection:
    """A connection whose process dies at the n-th request, before or after it is sent."""

    def __init__(self, inner: Any, dies_at: int, *, after: bool) -> None:
        self._inner, self._dies_at, self._after = inner, dies_at, after
        self.count = 0
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._mortal(found) if name in ("get", "send", "ask", "read_text") else found

    def _mortal(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*words: Any, **named: Any) -> Any:
            with self._lock:
                self.count += 1
                dies = self.count == self._dies_at
            if dies and not self._after:
                raise KilledError
            answer = call(*words, **named)
            if dies:
                raise KilledError
            return answer

        return made


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with workbench(tmp_path) as made:
        yield made


def manifest(version: int, count: int = 1) -> dict[str, Any]:
    entity = {
        "name": "champion",
        "entity_name": "main.risk.payments",
        "entity_version": str(version),
        "workload_size": "Small",
        "scale_to_zero_enabled": False,
    }
    endpoint = {
        "config": {"served_entities": [entity]},
        "checks": [{"name": "answers", "dataframe_records": [{"amount": 1}]}],
        "rollout": {
            "steps": [f"{FIRST}% for 10m", f"{SECOND}% for 10m"],
            "analysis": {"checks": {"repeat": 1}},
        },
    }
    names = ["fraud", *(f"fraud-{number}" for number in range(1, count))]
    return {"model_serving_endpoints": {name: {"name": name, **endpoint} for name in names}}


class Runner:
    """A machine that runs the tool: sessions of its own, and the clock of the workspace."""

    def __init__(self, bench: Workbench, documents: Mapping[str, Any]) -> None:
        self.bench, self.documents = bench, documents
        self.ahead_s = 0.0

    def session(self, connection: Any = None) -> Session:
        made = self.bench.session(self.documents)
        if connection is not None:
            made = replace(made, connection=connection)
        return replace(made, drivers=made.new_drivers())

    def options(self, occasion: Occasion = Occasion.ADVANCE) -> RolloutOptions:
        from datetime import timedelta

        from provisioner.model.clock import utc_now

        return RolloutOptions(
            occasion,
            clock=SkippingClock(),
            now=lambda: utc_now() + timedelta(seconds=self.ahead_s),
        )

    def advance(self, connection: Any = None) -> RolloutReport:
        session = self.session(connection)
        (report,) = move_all(session, resources(session), self.options())
        return report


def resources(session: Session) -> tuple[Resource, ...]:
    return session.loaded.resources


def traffic(bench: Workbench, name: str = "fraud") -> dict[str, int]:
    config = bench.endpoint(name)["config"]
    return {
        route["served_model_name"]: route["traffic_percentage"]
        for route in config["traffic_config"]["routes"]
    }


def tag(bench: Workbench) -> str:
    tags = {one["key"]: one["value"] for one in bench.endpoint("fraud")["tags"]}
    return str(tags.get("provisioner_rollout", ""))


def start(bench: Workbench) -> Runner:
    """Version 11 serves, and the rollout of version 12 stands at 0 %."""
    bench.empty({})
    bench.apply(manifest(11))
    bench.apply(manifest(12))
    return Runner(bench, manifest(12))


def to_the_end(runner: Runner, connection: Any = None) -> None:
    """Apply where nothing is begun, then advance until the rollout is over."""
    for _ in range(14):
        is_begun = bool(tag(runner.bench))
        if not is_begun and "champion-12" in traffic(runner.bench):
            return
        runner.ahead_s += PERIOD_S
        session = runner.session(connection)
        occasion = Occasion.ADVANCE if is_begun else Occasion.APPLY
        move_all(session, resources(session), runner.options(occasion))


def a_run_that_dies(runner: Runner, dies_at: int, *, after: bool) -> int:
    """A whole rollout that dies at one call; returns how many calls there were."""
    connection = MortalConnection(runner.bench.connection, dies_at, after=after)
    with suppress(KilledError):
        to_the_end(runner, connection)
    return connection.count


def before_the_start(bench: Workbench) -> Runner:
    """Version 11 serves, and the manifest declares version 12."""
    bench.empty({})
    bench.apply(manifest(11))
    return Runner(bench, manifest(12))


def test_a_rollout_that_is_killed_at_any_call_ends_in_the_same_place(
    bench: Workbench, cells: Cells
) -> None:
    calls = a_run_that_dies(before_the_start(bench), 0, after=False)
    assert calls > 30
    assert (traffic(bench), tag(bench)) == ({"champion-12": 100}, "")

    def check(case: tuple[str, int], _: random.Random) -> None:
        when, dies_at = case
        runner = before_the_start(bench)
        a_run_that_dies(runner, dies_at, after=when == "after")
        to_the_end(runner)
        assert (traffic(bench), tag(bench)) == ({"champion-12": 100}, "")

    cases = [(when, number) for when in ("before", "after") for number in range(1, calls + 1)]
    cells.run(cases, check, quick=6)


def at_first_step(bench: Workbench) -> tuple[Runner, str]:
    """A runner at the first step whose time is up, and the tag of that step."""
    runner = start(bench)
    while traffic(bench)["champion-12"] != FIRST:
        runner.advance()
    runner.ahead_s = PERIOD_S
    return runner, tag(bench)


def test_two_runs_at_the_same_moment_make_one_move(bench: Workbench, cells: Cells) -> None:
    runner, due = at_first_step(bench)

    def check(_: int, chance: random.Random) -> None:
        set_to(bench, FIRST, due)
        bench.forget()
        reports = both(runner, (Occasion.ADVANCE, Occasion.ADVANCE), chance)
        moved = {
            entry["body"]["traffic_config"]["routes"][1]["traffic_percentage"]
            for entry in bench.writes()
            if entry["method"] == "PUT" and entry["status"] == 200
        }
        assert moved == {SECOND}
        assert traffic(bench)["champion-12"] == SECOND
        assert Ending.MOVED in {report.ending for report in reports}

    cells.run(range(TRIALS), check, quick=4)


def test_a_step_back_wins_over_a_run_that_goes_on(bench: Workbench, cells: Cells) -> None:
    runner, due = at_first_step(bench)

    def check(_: int, chance: random.Random) -> None:
        set_to(bench, FIRST, due)
        both(runner, (Occasion.ADVANCE, Occasion.BACK), chance)
        # A run that was late may have to be followed by one more look.
        runner.advance()
        assert traffic(bench)["champion-12"] == 0
        assert "-back" in tag(bench)

    cells.run(range(RACES_BACK), check, quick=3)


def both(
    runner: Runner, occasions: tuple[Occasion, Occasion], chance: random.Random
) -> list[RolloutReport]:
    """Two runs at the same moment, or the second one a few calls later."""
    late_s = chance.choice((0.0, chance.uniform(0, LONGEST_LAG_S)))
    reports: list[RolloutReport] = []
    # A session reads files, and two of them are not to be written at once.
    sessions = [
        (runner.session(), occasion, lag_s)
        for occasion, lag_s in zip(occasions, (0.0, late_s), strict=True)
    ]
    gate = threading.Barrier(2)

    def run(session: Session, occasion: Occasion, lag_s: float) -> None:
        gate.wait()
        time.sleep(lag_s)
        reports.extend(move_all(session, resources(session), runner.options(occasion)))

    threads = [threading.Thread(target=run, args=arguments) for arguments in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return reports


def set_to(bench: Workbench, percent: int, text: str) -> None:
    """Put the endpoint back to a step."""
    config = bench.endpoint("fraud")["config"]
    fields = ("name", "entity_name", "entity_version", "workload_size", "scale_to_zero_enabled")
    entities = [{name: one[name] for name in fields} for one in config["served_entities"]]
    routes = [
        {"served_model_name": "champion-11", "traffic_percentage": 100 - percent},
        {"served_model_name": "champion-12", "traffic_percentage": percent},
    ]
    body = {"served_entities": entities, "traffic_config": {"routes": routes}}
    bench.call("PUT", f"{ENDPOINTS}/fraud/config", body)
    add = {"add_tags": [{"key": "provisioner_rollout", "value": text}]}
    bench.call("PATCH", f"{ENDPOINTS}/fraud/tags", add)


def test_a_client_that_asks_throughout_sees_no_failed_request(bench: Workbench) -> None:
    runner = start(bench)
    over = threading.Event()
    statuses: list[int] = []

    def ask() -> None:
        body = {"dataframe_records": [{"amount": 1}]}
        while not over.is_set():
            path = "/serving-endpoints/fraud/invocations"
            statuses.append(bench.connection.ask(path, body, 10).status)

    client = threading.Thread(target=ask)
    client.start()
    try:
        to_the_end(runner)
    finally:
        over.set()
        client.join()
    assert traffic(bench) == {"champion-12": 100}
    assert len(statuses) > 20
    assert set(statuses) == {200}


@pytest.mark.parametrize(("count", "most"), [depth((5, 3), (44, 40))])
def test_many_rollouts_stay_below_the_limit_of_changes_and_say_what_waits(
    bench: Workbench, count: int, most: int
) -> None:
    bench.empty({})
    bench.apply(manifest(11, count))
    runner = Runner(bench, manifest(12, count))
    plan, outcomes = bench.apply(manifest(12, count))
    session = runner.session()
    begun = started(session, plan, outcomes)
    bench.forget()
    options = replace(runner.options(), most_moves=most)
    followed = follow(session, begun, options)
    # All starts were updates, so that in this run none is left for the first step.
    assert all(report.deferred for report in followed)
    assert updates(bench) == 0
    assert [report.deferred for report in move_all(session, begun, options)] == [True] * count
    # The starts are over for so long that they no longer count.
    runner.ahead_s = 301
    first = move_all(session, begun, options)
    assert sum(report.deferred for report in first) == count - most
    assert updates(bench) == most
    # The rest waits until the service takes changes again, and then comes first.
    again = move_all(session, begun, options)
    assert sum(report.deferred for report in again) == count - most
    assert updates(bench) == most
    runner.ahead_s = 1000
    second = move_all(session, begun, options)
    moved = [report for report in second if report.ending is Ending.MOVED]
    late = [report.name for report in first if report.deferred]
    assert {report.name for report in moved} >= set(late)
    assert len(moved) == most
    assert updates(bench) == 2 * most


def updates(bench: Workbench) -> int:
    return sum(entry["method"] == "PUT" for entry in bench.writes())
