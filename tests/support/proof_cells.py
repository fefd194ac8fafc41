"""Counts the cells of the proofs, keeps a journal of them, and goes on where a run was ended.

A cell is one case that holds or does not: an example of a property test, a cell of the fixture
``cells``, and otherwise a test. Every process appends whole lines to one journal. What passed
in an earlier run of the same code with the same seed comes in as ``--proof-done`` and is left
out. Without ``--proof-part`` nothing is recorded.

A test with ``cells`` is cut into shards, so that the processes share its cells.
"""

from __future__ import annotations

import functools
import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import hypothesis
import pytest
from proofs import FULL, PARTS, PROPERTIES

Case = TypeVar("Case")
RUN = "_run_of_examples"
SHARD, SHARDS = "_shard_of_cells", 8
# A journal's line about the cells that a sample has not drawn.
LEFT_OUT = "left out"
TIME_IS_UP = "the time of this part is up"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("proofs")
    group.addoption("--proof-part", help="Run the tests of one part of the proofs.")
    group.addoption("--proof-seed", default="0", help="Where random choices begin.")
    group.addoption("--proof-journal", help="File to which a line for each cell is appended.")
    group.addoption("--proof-until", type=float, help="When to skip the rest, in Unix time.")
    group.addoption("--proof-done", help="File with the cells that need not be tried again.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proof(part): the part of `make proofs` it belongs to.")
    config.addinivalue_line("markers", "runs(count): into how many tests its examples are cut.")
    config.stash[JOURNAL] = Journal(
        config.getoption("--proof-journal"), _lines(config.getoption("--proof-done"))
    )


def _lines(path: str | None) -> frozenset[tuple[str, str]]:
    if not path:
        return frozenset()
    with open(path, encoding="utf-8") as file:
        return frozenset((test, cell) for test, cell in map(json.loads, file))


class Journal:
    """What was tried: one line a cell. Several processes write to the same file."""

    def __init__(self, path: str | None, done: frozenset[tuple[str, str]]) -> None:
        self._path = path
        self.done = done

    def write(self, test: str, cell: str, result: str, count: int = 1) -> None:
        if self._path is None:
            return
        line = {"test": test, "cell": cell, "result": result, "count": count}
        # A write of one line in append mode is never torn by another process.
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
        finally:
            os.close(file)


JOURNAL = pytest.StashKey[Journal]()
EXAMPLES = pytest.StashKey[list[int]]()
FAILED = pytest.StashKey[list[str]]()


# -- which tests -------------------------------------------------------------------------


def part_of(item: pytest.Item) -> str | None:
    """The part of the proofs that a test belongs to. Raises UsageError for an unknown one."""
    marker = item.get_closest_marker("proof")
    if marker is None:
        return PROPERTIES if _is_property(item) else None
    if marker.args[0] not in PARTS:
        raise pytest.UsageError(f"{item.nodeid}: `{marker.args[0]}` is not in proofs.PARTS")
    return str(marker.args[0])


def _is_property(item: pytest.Item) -> bool:
    return hasattr(getattr(item, "obj", None), "hypothesis")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    (count,) = [mark.args[0] for mark in metafunc.definition.iter_markers("runs")][:1] or [1]
    if count > 1:
        metafunc.fixturenames.append(RUN)
        metafunc.parametrize(RUN, range(count), indirect=True)
    if FULL and "cells" in metafunc.fixturenames:
        metafunc.fixturenames.append(SHARD)
        metafunc.parametrize(SHARD, range(SHARDS), indirect=True)


@pytest.fixture(name=SHARD)
def _shard(request: pytest.FixtureRequest) -> object:
    return request.param


@pytest.fixture(name=RUN)
def _run(request: pytest.FixtureRequest) -> object:
    return request.param


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part, done = config.getoption("--proof-part"), config.stash[JOURNAL].done
    parts = {item: part_of(item) for item in items}
    if part is None:
        return
    kept = [item for item in items if parts[item] == part and (item.nodeid, "") not in done]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    # A test with cells counts them itself.
    if _is_time_up(item.config) and "cells" not in getattr(item, "fixturenames", ()):
        pytest.skip(TIME_IS_UP)


def _is_time_up(config: pytest.Config) -> bool:
    until = config.getoption("--proof-until")
    return until is not None and time.time() > until


# -- counting ----------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    if not (item.config.getoption("--proof-part") and _is_property(item)):
        return (yield)
    function = getattr(item.obj, "__func__", item.obj)  # type: ignore[attr-defined]
    hypothesis.seed(f"{item.config.getoption('--proof-seed')} {item.nodeid}")(function)
    inner, tried = function.hypothesis.inner_test, [0]
    item.stash[EXAMPLES] = tried

    @functools.wraps(inner)
    def counted(*arguments: Any, **named: Any) -> Any:
        tried[0] += 1
        return inner(*arguments, **named)

    function.hypothesis.inner_test = counted
    try:
        return (yield)
    finally:
        function.hypothesis.inner_test = inner


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: Any = yield
    if report.when == "call" or report.outcome != "passed":
        count = item.stash.get(EXAMPLES, [1])[0]
        failed = item.stash.get(FAILED, None)
        # A test with cells of its own has counted them; its line only says that it is over.
        if failed is not None and (failed or report.outcome != "failed"):
            count = 0
        item.config.stash[JOURNAL].write(item.nodeid, "", report.outcome, count)
    return report


@dataclass(frozen=True)
class Cells:
    """The cells of one test: tried one by one, all failures reported at the end."""

    request: pytest.FixtureRequest
    failed: list[str]

    def run(
        self,
        cases: Iterable[Case],
        check: Callable[[Case, random.Random], None],
        *,
        quick: int,
        most: int | None = None,
    ) -> None:
        """Calls ``check`` with each case and a source of random choices of its own.

        Outside the proofs ``quick`` cases are drawn, always the same; in the proofs ``most`` of
        them, in random order, so that a run that is ended has tried a sample. What remains when
        the time of the part is up is counted as skipped. ``str(case)`` names a case.

        Raises AssertionError with the cases that failed.
        """
        everything = list(cases)
        chosen = _sample(everything, quick)
        if FULL:
            count = min(most or len(everything), len(everything))
            # The same order in every process and every run of a seed.
            chosen = random.Random(self.seed).sample(everything, count)
            shard = self.request.getfixturevalue(SHARD)
            if shard == 0:
                self.journal.write(self.test, "", LEFT_OUT, len(everything) - len(chosen))
            chosen = chosen[shard::SHARDS]
        failures, is_over = [], True
        for case in chosen:
            name = str(case)
            if (self.test, name) in self.journal.done:
                continue
            result, reason = self._try(case, check)
            is_over = is_over and reason != TIME_IS_UP
            if result == "failed":
                failures.append(f"{name}: {reason}")
                self.failed.append(name)
            self.journal.write(self.test, name, result)
        assert not failures, "\n".join([f"{len(failures)} of {len(chosen)} failed", *failures])
        if not is_over:
            # A test that passed is not tried again in the next run.
            pytest.skip(TIME_IS_UP)

    @property
    def test(self) -> str:
        return str(self.request.node.nodeid)

    @property
    def seed(self) -> str:
        return str(self.request.config.getoption("--proof-seed"))

    @property
    def journal(self) -> Journal:
        return self.request.config.stash[JOURNAL]

    def _try(self, case: Case, check: Callable[[Case, random.Random], None]) -> tuple[str, str]:
        if _is_time_up(self.request.config):
            return "skipped", TIME_IS_UP
        try:
            check(case, random.Random(f"{self.seed} {self.test} {case}"))
        except pytest.skip.Exception as skipped:
            return "skipped", str(skipped)
        except Exception as error:
            return "failed", f"{type(error).__name__}: {error}"
        return "passed", ""


def _sample(cases: Sequence[Case], count: int) -> list[Case]:
    chosen = random.Random(0).sample(range(len(cases)), min(count, len(cases)))
    return [cases[number] for number in sorted(chosen)]


@pytest.fixture
def cells(request: pytest.FixtureRequest) -> Cells:
    """For tests with many cells: ``cells.run(CASES, check, quick=10)``."""
    request.node.stash[FAILED] = failed = []
    return Cells(request, failed)
