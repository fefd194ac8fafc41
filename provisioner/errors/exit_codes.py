"""The exit codes of the command line. They are stable: pipelines decide by them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. ``meaning`` is the line that the help shows."""

    meaning: str

    def __new__(cls, number: int, meaning: str) -> ExitCode:
        code = int.__new__(cls, number)
        code._value_ = number
        code.meaning = meaning
        return code

    DONE = 0, "done, or nothing to do"
    ERROR = 1, "error, refused, wrong usage, or a plan with blocked steps"
    CHANGES = 2, "changes pending, or an accidental difference (with --detailed-exitcode)"
    STALE_FILE = 3, "a file is not formatted or not current (schema, fmt and pin --check)"
    PARTIAL = 4, "applied in part; run the same command again"
    STILL_UPDATING = 5, "still updating after the timeout; to wait, run status --wait"
    NOT_LOOKED_AT = (
        6,
        "nothing is missing, but some checks were skipped (plan --preflight)",
    )
    # As shells have it: 128 and the number of SIGINT.
    INTERRUPTED = 130, "interrupted"


def exit_codes_text() -> str:
    """Returns the table of the help, a line for each code."""
    lines = (f"  {code.value:<3}  {code.meaning}" for code in ExitCode)
    return "\n".join(("Exit codes:", *lines))
