"""A model of an endpoint for tests of rollouts: shares, one tag, a clock, and runners that die."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.model.live import Phase
from provisioner.model.rollout import Criterion, Grade, Move, RolloutTag, Verdict, Versions
from provisioner.model.rollout_block import WHOLE, RolloutSpec, Stage
from provisioner.planning.rollout import decide
from provisioner.planning.rollout_procedure import Delay, Divide, Ending, Look, WriteTag, carry_out
from provisioner.planning.rollout_state import Occasion, Rollout

STAGES = (Stage(0), Stage(5, 600), Stage(25, 1800, pause=True), Stage(50, 3600), Stage(WHOLE))
SPEC = RolloutSpec("chat", STAGES, keep_previous_s=86_400, give_up_after_s=259_200, digest="abcdef")


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def verdict(grade: Grade) -> Verdict:
    return Verdict((Criterion("errors", grade, f"errors {grade}"),))


@dataclass
class World:
    """``shares`` are of all live versions, by name; ``wanted`` is what the manifest declares."""

    shares: dict[str, int] = field(default_factory=lambda: {"chat-11": WHOLE})
    wanted: str = "chat-12"
    tag: str = ""
    now_s: int = 1_000_000
    spec: RolloutSpec = SPEC
    phase: Phase = Phase.READY
    history: list[dict[str, int]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)

    def versions(self) -> Versions:
        current = self.wanted if self.wanted in self.shares else ""
        rest = sorted((n for n in self.shares if n != current), key=lambda n: -self.shares[n])
        return Versions(
            wanted=self.wanted,
            target=digest(self.wanted),
            current=current,
            previous=rest[0] if rest else "",
            others=tuple(rest[1:]),
            shares=dict(self.shares),
            digests={name: digest(name) for name in self.shares},
        )

    def rollout(self, occasion: Occasion, grade: Grade | None = Grade.GOOD) -> Rollout:
        return Rollout(
            self.spec,
            self.versions(),
            RolloutTag.parse(self.tag),
            self.phase,
            self.now_s,
            verdict(grade) if grade else None,
            occasion,
        )

    def move(self, occasion: Occasion, grade: Grade | None = Grade.GOOD) -> Move:
        return decide(self.rollout(occasion, grade))

    def answer(self, request: Any, runner: Runner) -> Any:
        """Carry out one request of a runner."""
        if isinstance(request, Look):
            return self.rollout(runner.occasion, runner.grade)
        if isinstance(request, WriteTag):
            self.tag = request.text
            self.marks.append(request.text)
            return None
        if isinstance(request, Delay):
            return None
        assert isinstance(request, Divide)
        self.shares = dict(request.shares)
        self.history.append(dict(self.shares))
        return True

    def run(self, occasion: Occasion, grade: Grade | None = Grade.GOOD, calls: int = 99) -> Ending:
        """One move; the runner dies after ``calls`` requests that write."""
        runner = Runner(self, occasion, grade)
        for _ in runner.steps():
            if runner.writes >= calls:
                return Ending.OVERTAKEN
        return runner.ending

    def settle(self, occasion: Occasion = Occasion.ADVANCE, grade: Grade = Grade.GOOD) -> int:
        """Move until nothing is due; returns how many moves there were."""
        for count in range(50):
            if self.run(occasion, grade) is Ending.NOTHING:
                return count
        raise AssertionError("it never comes to rest")


@dataclass
class Runner:
    """One process that makes one move, request by request."""

    world: World
    occasion: Occasion
    grade: Grade | None = Grade.GOOD
    writes: int = 0
    ending: Ending = Ending.NOTHING
    pauses: bool = False

    def steps(self) -> Iterator[None]:
        """Yield before each request, so that another runner can come in between."""
        procedure = carry_out(self.world.move(self.occasion, self.grade))
        answer: Any = None
        try:
            request = next(procedure)
            while True:
                self.pauses = isinstance(request, Delay)
                yield
                answer = self.world.answer(request, self)
                self.writes += isinstance(request, WriteTag | Divide)
                request = procedure.send(answer)
        except StopIteration as end:
            self.ending = end.value


def later(world: World, seconds: int) -> World:
    world.now_s += seconds
    return world


def with_spec(world: World, **changes: Any) -> World:
    world.spec = replace(world.spec, **changes)
    return world
