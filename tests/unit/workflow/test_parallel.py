"""A function over many items at once."""

from __future__ import annotations

import threading

import pytest

from provisioner.workflow.parallel import map_parallel


def test_results_are_in_the_order_of_the_items() -> None:
    assert map_parallel(lambda item: item * item, range(100), 7) == tuple(n * n for n in range(100))


def test_the_first_failure_in_order_is_raised_and_nothing_more_is_started() -> None:
    both = threading.Barrier(2)
    started = []

    def fail(item: int) -> None:
        started.append(item)
        both.wait(timeout=10)
        raise ValueError(item)

    with pytest.raises(ValueError, match=r"^0$"):
        map_parallel(fail, range(50), 2)
    assert sorted(started) == [0, 1]
