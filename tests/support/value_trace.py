"""Which functions of the package a number passes through while a command runs.

A function is passed when one of its arguments, or what it returns, holds the number: itself, as
text or bytes, or anywhere inside a container or an object of the package. Modules of the emulator
are left out: they are the other side of HTTP.

    python tests/support/value_trace.py 98765 apply -y -C PROJECT
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = f"{ROOT / 'provisioner'}/"
EMULATOR = f"{PACKAGE}emulator/"
# Enough for every object of a run; without a bound a cycle of large objects would take minutes.
MOST_OBJECTS = 30_000
CODE_VARIADIC = 0x04, 0x08


@dataclass(frozen=True)
class Passage:
    """One call or return. ``function`` is ``provisioner/a/b.py:Class.method``."""

    function: str
    as_argument: bool

    @property
    def module(self) -> str:
        return self.function.partition(":")[0]


@dataclass
class Trace:
    """All passages in order, and the modules of which any function ran."""

    passages: list[Passage]
    modules_run: set[str]

    def summary(self) -> str:
        arguments = [passage for passage in self.passages if passage.as_argument]
        return (
            f"modules run: {len(self.modules_run)}; "
            f"modules passed as an argument: {len({p.module for p in arguments})}, "
            f"or as a result: {len({p.module for p in self.passages})}; "
            f"functions passed as an argument: {len({p.function for p in arguments})}; "
            f"calls: {len(arguments)}"
        )


def traced(call: Callable[[], Any], number: int) -> Trace:
    """Runs ``call`` and records where ``number`` passes, in all threads."""
    trace, lock, busy = Trace([], set()), threading.Lock(), threading.local()

    def profile(frame: FrameType, event: str, result: Any) -> None:
        file = frame.f_code.co_filename
        if event not in ("call", "return") or not file.startswith(PACKAGE):
            return
        if file.startswith(EMULATOR) or getattr(busy, "inside", False):
            return
        busy.inside = True
        try:
            values = _arguments(frame) if event == "call" else [result]
            module = str(Path(file).relative_to(ROOT))
            found = holds(values, number)
            with lock:
                trace.modules_run.add(module)
                if found:
                    function = f"{module}:{frame.f_code.co_qualname}"
                    trace.passages.append(Passage(function, event == "call"))
        finally:
            busy.inside = False

    before = sys.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
    return trace


def _arguments(frame: FrameType) -> list[Any]:
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += sum(bool(code.co_flags & flag) for flag in CODE_VARIADIC)
    return [frame.f_locals[name] for name in code.co_varnames[:count] if name in frame.f_locals]


def holds(values: list[Any], number: int) -> bool:
    """Whether ``number`` is anywhere in ``values``."""
    text, seen, stack = str(number), set[int](), list(values)
    while stack and len(seen) < MOST_OBJECTS:
        value = stack.pop()
        if isinstance(value, str | bytes | bytearray):
            if (text if isinstance(value, str) else text.encode()) in value:
                return True
        elif type(value) is int:
            if value == number:
                return True
        elif id(value) not in seen:
            seen.add(id(value))
            stack.extend(_inside(value))
    return False


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from list(value)
        yield from list(value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from list(value)
    elif type(value).__module__.startswith("provisioner") and not isinstance(value, type):
        yield from list(getattr(value, "__dict__", {}).values())
        slots = (getattr(cls, "__slots__", ()) for cls in type(value).__mro__)
        names = (name for names in slots for name in ([names] if isinstance(names, str) else names))
        yield from (getattr(value, name, None) for name in names)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from provisioner.cli import main

    print(traced(lambda: main(sys.argv[2:]), int(sys.argv[1])).summary(), file=sys.stderr)
