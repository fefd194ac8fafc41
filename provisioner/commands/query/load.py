"""``query --load``: the same question again and again, and how the answers were."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final

from provisioner.commands.query.ask import ask_all
from provisioner.model.clock import Clock, SystemClock
from provisioner.model.query import Question
from provisioner.workflow.session import Session

MOST_AT_ONCE: Final = 32


@dataclass(slots=True)
class LoadResult:
    """What came of all requests to one endpoint. Durations in ms. Filled by several threads."""

    name: str
    answered: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    durations_ms: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.answered.total() + self.failures.total()

    def to_json(self) -> dict[str, Any]:
        """``answered`` counts by served entity, ``failed`` by the code of the problem."""
        return {
            "name": self.name,
            "requests": self.total,
            "answered": dict(sorted(self.answered.items())),
            "failed": dict(sorted(self.failures.items())),
            "p50_ms": self.percentile_ms(50),
            "p99_ms": self.percentile_ms(99),
        }

    def percentile_ms(self, percent: int) -> int:
        """The duration that ``percent`` of the answers did not exceed; 0 without answers."""
        ordered = sorted(self.durations_ms)
        return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] if ordered else 0

    def summary(self) -> str:
        """One line for people."""
        entities = ", ".join(
            f"{count} from {name}" for name, count in sorted(self.answered.items())
        )
        failed = ", ".join(f"{count} failed with {code}" for code, count in self.failures.items())
        parts = [part for part in (entities, failed) if part]
        times = f"; p50 {self.percentile_ms(50)} ms, p99 {self.percentile_ms(99)} ms"
        what = "; ".join(parts) or "no answers"
        return f"{self.name}: {self.total} requests, {what}{times if self.durations_ms else ''}"


@dataclass(frozen=True, slots=True)
class LoadProfile:
    """``rate`` in requests a second, for ``duration_s``."""

    rate: float
    duration_s: float


def put_load(
    session: Session,
    names: Sequence[str],
    question: Question,
    load: LoadProfile,
    clock: Clock | None = None,
) -> tuple[LoadResult, ...]:
    """Ask each of ``names`` as often as ``load`` says. Raises as ``ask_all``."""
    clock = clock or SystemClock()
    results = {name: LoadResult(name) for name in names}
    lock = threading.Lock()

    def put(name: str) -> None:
        (answer,) = ask_all(session, [name], question)
        with lock:
            if answer.answer:
                results[name].answered[answer.answer.entity or "unknown"] += 1
                results[name].durations_ms.append(answer.answer.duration_ms)
            for problem in answer.problems[:1]:
                results[name].failures[problem.code] += 1

    started = clock.now()
    pending: list[Future[None]] = []
    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="load") as pool:
        for number in range(max(1, round(load.rate * load.duration_s))):
            # Where answers are slow, fewer requests are sent and none piles up.
            clock.sleep(max(0.0, started + number / load.rate - clock.now()))
            if len(pending) >= MOST_AT_ONCE:
                done, left = wait(pending, return_when="FIRST_COMPLETED")
                pending = list(left)
                _raise_first(done)
            pending += [pool.submit(put, name) for name in names]
        _raise_first(wait(pending).done)
    return tuple(results.values())


def _raise_first(done: Iterable[Future[None]]) -> None:
    for future in done:
        future.result()
