"""Reads files that a command was given. What is no file is refused: a pipe would never end."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 64 * 1024 * 1024
"""More than any plan, state or request has, and less than would fill the memory."""


def read_text_file(path: Path) -> str:
    """The text of ``path``, in UTF-8. Raises UnicodeDecodeError, and OSError.

    OSError also for a pipe, a device or a folder, and for more than ``MOST_BYTES``; its
    ``strerror`` says why.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file", str(path))
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MOST_BYTES // 2**20} MiB", str(path))
    return content.decode("utf-8")
