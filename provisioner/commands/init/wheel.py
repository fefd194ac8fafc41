"""The wheel of this tool that a new repository brings for its pipelines."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from provisioner import __version__
from provisioner.errors import UsageError

DISTRIBUTION: Final = "serving-provisioner"
FOLDER: Final = "wheels"
_NAME: Final = re.compile(r"serving_provisioner-(?P<version>[^-]+)(-[^-]+)?-py3-none-any\.whl")


@dataclass(frozen=True, slots=True)
class Wheel:
    """The file name and the content of a wheel."""

    name: str
    content: bytes

    @property
    def path(self) -> str:
        """Where the repository keeps it."""
        return f"{FOLDER}/{self.name}"

    @property
    def requirement(self) -> str:
        """The line of a requirements file that installs exactly this wheel."""
        return f"./{self.path} --hash=sha256:{hashlib.sha256(self.content).hexdigest()}"


def given_wheel(path: Path) -> Wheel:
    """The wheel in the file ``path``.

    Raises UsageError for another file, and for another version: the pinned dependencies are
    those of the version that runs.
    """
    match = _NAME.fullmatch(path.name)
    if not match or not path.is_file():
        hint = "`make wheel` in a checkout of provisioner builds one and prints its path"
        raise UsageError.of("E864", f"`{path}` is not a wheel of {DISTRIBUTION}", hint)
    if match["version"] != __version__:
        message = f"the wheel has version {match['version']}, and this is {__version__}"
        hint = "install the wheel, and run its `provisioner init`"
        raise UsageError.of("E864", message, hint)
    try:
        return Wheel(path.name, path.read_bytes())
    except OSError as error:
        raise UsageError.of("E864", f"cannot read `{path}`: {error.strerror}") from error


def installed_wheel() -> Wheel | None:
    """The wheel that this tool was installed from; None where the file is not there any more.

    Installers record the file in ``direct_url.json``
    (https://packaging.python.org/en/latest/specifications/direct-url/).
    """
    try:
        record = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
        origin = json.loads(record or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    url = urlsplit(str(origin.get("url", "")))
    path = Path(unquote(url.path))
    if url.scheme != "file" or not _NAME.fullmatch(path.name) or not path.is_file():
        return None
    wheel = given_wheel(path)
    recorded = str(origin.get("archive_info", {}).get("hash", ""))
    # A file that was built again since is not what runs here.
    return wheel if not recorded or recorded.split("=")[-1] in wheel.requirement else None
