"""The entry point of ``provisioner`` and of ``python -m provisioner``."""

from __future__ import annotations

# Built into the interpreter. The module `signal` imports others, and Ctrl-C amid an import ends
# in a traceback.
import _signal  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def _end(number: int, frame: object) -> NoReturn:
    os.write(2, b"\ninterrupted\n")
    os._exit(130)


# Before anything else is imported. A process that ignores Ctrl-C goes on ignoring it.
_IS_DEFAULT = _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
if _IS_DEFAULT:
    _signal.signal(_signal.SIGINT, _end)


def _printed(text: str | None) -> bool:
    """Whether stdout took ``text``. If it did not, the command line says why."""
    if text is None or sys.stdout is None:
        return False
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        return False
    return True


def run() -> NoReturn:
    """Runs the command line. Ctrl-C while its modules are imported ends with 130, too."""
    from provisioner.rendering.help_pages import page

    if _printed(page(sys.argv[1:])):
        sys.exit()
    from provisioner.cli import run as run_cli

    if _IS_DEFAULT:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    run_cli()


if __name__ == "__main__":
    run()
