"""How far tests look: a few cases in `make test`, all of them in `make proofs`.

A test belongs to a part of the proofs by ``@pytest.mark.proof("kill")``. Property tests without
that marker belong to ``properties``. ``prove.py`` runs the parts, ``proof_cells.py`` counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

FULL = bool(os.environ.get("PROVISIONER_PROOFS"))
"""Whether this is a run of the proofs."""

# A property test of the proofs is cut into runs of so many examples: an interruption costs one.
RUN_OF = 250
# A workspace is emptied by each example, so sharing its fixture is no danger.
SHARED = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)

Number = TypeVar("Number", int, float)
Test = TypeVar("Test", bound=Callable[..., object])


@dataclass(frozen=True)
class Part:
    """What a part shows, in words; ``also`` is a command that belongs to it."""

    shows: str
    also: tuple[str, ...] = ()


PARTS = {
    "properties": Part("rules that hold for every document, text and answer"),
    "convergence": Part("any manifest can become any other, also after changes by hand"),
    "import": Part("what is imported needs no change"),
    "emulator": Part("random requests to the local workspace"),
    "kill": Part("a process that is killed loses nothing, and the same command heals it"),
    "faults": Part("a strange answer of any route never becomes a wrong plan or a false success"),
    "races": Part("two and three runs at once replace and delete nothing twice"),
    "rollouts": Part("a gradual rollout that is killed at any call, or moved by two runs at once"),
    "canary": Part("no secret value in any output, report or file, whatever the workspace answers"),
    "lag": Part("reads that lag make no second write, and the plan is empty in the end"),
    "signals": Part("signals, frozen runs, full disks and expiring logins end in order"),
    "foreign": Part("what belongs to somebody else is never written to"),
    "pipelines": Part("each job of the generated pipelines does its work in each CI system"),
    "clients": Part("other clients against the local workspace", also=("make", "langchain")),
    "coverage": Part("lines that no test of `make test` reaches"),
}
PROPERTIES, COVERAGE = "properties", "coverage"


def depth(quick: Number, full: Number) -> Number:
    """``full`` in a run of the proofs, else ``quick``."""
    return full if FULL else quick


def examples(quick: int, full: int, **more: Any) -> Callable[[Test], Test]:
    """Decorates a property test: its number of examples in `make test`, and in the proofs.

    ``more`` are further settings of hypothesis.
    """
    runs = max(1, full // RUN_OF) if FULL else 1
    count = full // runs if FULL else quick

    def decorate(test: Test) -> Test:
        limited = settings(max_examples=count, suppress_health_check=SHARED, **more)(test)
        return pytest.mark.runs(runs)(limited)

    return decorate
