"""What the process is busy with, reported to one observer: counts of a long read, and waits.

A command has one terminal, so the process has one observer; without one, reports go nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class ActivityObserver(Protocol):
    """Shows a long task to a person. Called by several threads."""

    def started(self, label: str, total: int) -> None:
        """A task of ``total`` parts begins."""

    def advanced(self) -> None:
        """One part of the task is done."""

    def waiting(self, reason: str, seconds: float) -> None:
        """A request waits for ``seconds`` before its next try."""

    def ended(self) -> None:
        """The task is over, done or not."""


class _Nobody:
    def started(self, label: str, total: int) -> None: ...
    def advanced(self) -> None: ...
    def waiting(self, reason: str, seconds: float) -> None: ...
    def ended(self) -> None: ...


_observers: list[ActivityObserver] = [_Nobody()]


@contextmanager
def observed_by(observer: ActivityObserver) -> Iterator[None]:
    """Reports go to ``observer`` until the end of the block."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


@contextmanager
def task(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Reports a task; gives the function to call after each of its ``total`` parts."""
    observer = _observers[-1]
    observer.started(label, total)
    try:
        yield observer.advanced
    finally:
        observer.ended()


def report_wait(reason: str, seconds: float) -> None:
    """Reports that a request waits before its next try."""
    _observers[-1].waiting(reason, seconds)
