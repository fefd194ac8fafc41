"""Kills the process that asks for it, for tests of what a crash leaves behind.

The process must give its number in a header, belong to the same user and hold the other end of this
very connection: so no request can end another process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from provisioner.emulator.http.routing import ApiError, invalid

# rules(local): Killing the caller belongs to the local workspace, and is limited to the process
#     that asks for it.

HEADER = "x-test-kill-me"
PROC = Path("/proc")
CONNECTIONS = PROC / "net" / "tcp"


def kill_caller(headers: Mapping[str, str], client: tuple[str, int] | None) -> None:
    """Kills the process that sent the request.

    Raises ApiError for a process that did not send it, or that cannot be inspected.
    """
    number = headers.get(HEADER, "")
    if not (number.isdecimal() and number.isascii() and 1 < int(number) < 2**31):
        raise invalid(f"The header {HEADER} must be the number of the process to kill.")
    if not CONNECTIONS.exists():
        raise ApiError(501, "NOT_IMPLEMENTED", "Callers can only be killed on Linux.")
    pid = int(number)
    if client is None or pid == os.getpid() or not _holds(pid, client[1]):
        raise ApiError(403, "PERMISSION_DENIED", f"Process {pid} did not send this request.")
    os.kill(pid, signal.SIGKILL)


def _holds(pid: int, port: int) -> bool:
    """Returns whether the user's process ``pid`` holds the socket with the local port ``port``."""
    with suppress(OSError):
        folder = PROC / str(pid)
        wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
        is_ours = folder.stat().st_uid == os.getuid()
        return is_ours and any(target in wanted for target in _open_files(folder / "fd"))
    return False


def _open_files(folder: Path) -> Iterator[str]:
    for each in folder.iterdir():
        # A file may be closed while we look.
        with suppress(OSError):
            yield str(each.readlink())


def _inodes(port: int) -> Iterator[str]:
    """Yields the inodes of sockets with this local port.

    https://docs.kernel.org/networking/proc_net_tcp.html
    """
    for line in CONNECTIONS.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            yield fields[9]
