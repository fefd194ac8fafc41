"""The entry point of ``provisioner`` and of ``python -m provisioner``."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def _end(number: int, frame: object) -> NoReturn:
    os.write(2, b"\ninterrupted\n")
    os._exit(130)


def run() -> NoReturn:
    """Runs the command line. Ctrl-C while its modules are imported ends with 130, too."""
    # Python's own handler would raise amid an import, which ends in a traceback.
    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if own:
        signal.signal(signal.SIGINT, _end)
    from provisioner.cli import run as run_cli

    if own:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run_cli()


if __name__ == "__main__":
    run()
