"""Maps a function over items in a bounded pool of threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Final, TypeVar
from urllib.parse import quote

from provisioner.kinds import KINDS
from provisioner.model import activity


def page_url(host: str, kind: str, name: str) -> str:
    """The address of the page, ``""`` where there is none.

    ``host`` is as in ``Session``: that of a local workspace is no address of a server.
    """
    page = KINDS[kind].runtime.page
    if not page or not host.startswith("http"):
        return ""
    return host.rstrip("/") + page.format(name=quote(name, safe=""))


Item = TypeVar("Item")
Result = TypeVar("Result")

PARALLELISM: Final = 8


def map_parallel(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    parallelism: int = PARALLELISM,
    label: str = "Reading",
) -> tuple[Result, ...]:
    """Returns ``function(item)`` for each of ``items``, in their order.

    ``parallelism`` is the number of calls at a time; ``label`` names the task for whoever shows
    its progress. Raises the first exception of a call. An interruption does not wait for the
    calls that are under way.
    """
    items = tuple(items)
    if not items:
        return ()
    with activity.task(label, len(items)) as advanced:

        def counted(item: Item) -> Result:
            result = function(item)
            advanced()
            return result

        return _mapped(counted, items, parallelism)


def _mapped(
    function: Callable[[Item], Result], items: tuple[Item, ...], parallelism: int
) -> tuple[Result, ...]:
    waiting = deque(enumerate(items))
    results: dict[int, Result] = {}
    failures: dict[int, BaseException] = {}

    # A task for each worker, not for each item: the books that a pool keeps about a thousand
    # tasks take as long as the answers to a hundred requests.
    def work() -> None:
        with suppress(IndexError):
            while not failures:
                index, item = waiting.popleft()
                try:
                    results[index] = function(item)
                except BaseException as error:
                    failures[index] = error

    workers = min(parallelism, len(items))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="parallel")
    try:
        wait([pool.submit(work) for _ in range(workers)])
    except BaseException:
        # `with` would wait for each call under way: Ctrl-C would take as long as a timeout.
        waiting.clear()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    if failures:
        raise failures[min(failures)]
    return tuple(results[index] for index in range(len(items)))
