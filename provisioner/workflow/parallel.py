"""One thing done for several items, so many at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST: int = 8


def at_once(
    do: Callable[[Item], Result], items: Sequence[Item], most: int = MOST
) -> tuple[Result, ...]:
    """What ``do`` returns for each item, in their order.

    Raises what it raises first. An interruption does not wait for what is under way.
    """
    if not items:
        return ()
    pool = ThreadPoolExecutor(min(most, len(items)), thread_name_prefix="at-once")
    try:
        done = tuple(pool.map(do, items))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return done
