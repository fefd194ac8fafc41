"""SIGINT and SIGTERM as a wish to stop, instead of an end in the middle of a call."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(stop: threading.Event) -> Iterator[threading.Event]:
    """Inside, the first signal sets ``stop`` and the second raises KeyboardInterrupt.

    CI systems cancel with SIGINT, then SIGTERM, then kill: whichever comes counts. The
    former handlers come back at the end. On any thread but the main one, where Python
    delivers no signals, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    former = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            # None: set by something that is not Python, and not ours to put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
