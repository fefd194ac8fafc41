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


def _open_closed_streams() -> None:
    """Opens the null device for each standard stream that the shell closed (``>&-``).

    Python has None for such a stream. Its number would go to the next file that is opened, and
    output to that number would end in this file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 (open until the end)
            setattr(sys, name, stream)


def _printed(text: str | None) -> bool:
    """Whether stdout took ``text``. If it did not, the command line says why."""
    if text is None:
        return False
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        return False
    return True


def run() -> NoReturn:
    """Runs the command line. Ctrl-C while its modules are imported ends with 130, too."""
    _open_closed_streams()
    from provisioner.rendering.help_pages import page

    if _printed(page(sys.argv[1:])):
        sys.exit()
    from provisioner.cli import run as run_cli

    if _IS_DEFAULT:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    run_cli()


if __name__ == "__main__":
    run()
