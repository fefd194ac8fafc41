"""The command `provisioner` for shell scripts in tests, without the time that imports take.

A script of a page or of a pipeline runs the command 5 to 30 times, and most of the time of each
run goes into imports. ``Preforked`` starts one parent that has imported the package; each run is
a fork of that parent: a process of its own with its own arguments, environment, folder and
streams. Tests about processes (signals, kills, start-up, the wheel) run the real command.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# Without site and without imports beside the built-in ones, it starts in some 10 ms.
CLIENT = """\
#!{python} -SsE
import array, json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = [sys.argv[1:], dict(os.environ), os.getcwd()]
streams = array.array("i", [0, 1, 2])
server.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
server.sendall(json.dumps(request).encode() + b"\\n")
answers = server.makefile()
child = int(answers.readline())
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _: os.kill(child, number))
sys.stdout = None
os._exit(int(answers.readline() or 137))
"""


@contextlib.contextmanager
def preforked(folder: Path) -> Iterator[Path]:
    """Yields the path of an executable that runs `provisioner`; its parent ends with the block."""
    address = str(folder / "s")
    parent = subprocess.Popen(
        [sys.executable, str(Path(__file__)), address], stdin=subprocess.DEVNULL
    )
    try:
        command = folder / "provisioner"
        command.write_text(CLIENT.format(python=sys.executable, address=address))
        command.chmod(0o755)
        while not os.path.exists(address):
            assert parent.poll() is None, "the parent of the forks did not start"
            time.sleep(0.01)
        yield command
    finally:
        parent.kill()
        parent.wait()


def _serve(address: str) -> None:
    _import_everything()
    # Ended forks leave no zombies: each tells its code by itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address + "-")
        listener.listen(64)
        os.rename(address + "-", address)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _run(connection)
            connection.close()


def _import_everything() -> None:
    import provisioner

    for module in pkgutil.walk_packages(provisioner.__path__, "provisioner."):
        if not module.name.endswith("__main__"):
            __import__(module.name)


def _run(connection: socket.socket) -> None:
    """Becomes the command that the client asks for; never returns."""
    streams = array.array("i")
    _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(3 * streams.itemsize))
    for _, _, data in ancillary:
        streams.frombytes(data)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    with connection.makefile() as requests:
        arguments, environment, folder = json.loads(requests.readline())
    connection.sendall(f"{os.getpid()}\n".encode())
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        sys.argv = ["provisioner", *arguments]
        from provisioner.cli import run

        run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        with contextlib.suppress(OSError):
            connection.sendall(f"{code}\n".encode())
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
