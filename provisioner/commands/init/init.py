"""``init``: the files of a new repository, from the templates in ``starter/``.

A template's path is that of the file it becomes, ``dot-`` standing for a leading dot.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from provisioner import __version__
from provisioner.errors import FileError, UsageError
from provisioner.errors.wording import listed
from provisioner.files import git
from provisioner.files.write import create_file
from provisioner.manifests.schema.fields import refused_part
from provisioner.model import schemas

TEMPLATES: Final = Path(__file__).parent / "templates"
SYSTEMS: Final = ("github", "gitlab", "azure")
REMOTE_ENVIRONMENTS: Final = ("dev", "staging", "prod")
SCHEMAS: Final = ("manifest", "environment", "project", "release")
# Never the bare name: on the public index that is another project.
WHEEL: Final = f"./wheels/serving_provisioner-{__version__}-py3-none-any.whl"
# What says, in its first lines, what has to be set up once.
PIPELINES: Final = {
    "github": ".github/workflows/*.yml",
    "gitlab": ".gitlab-ci.yml",
    "azure": "azure-pipelines.yml",
}
# Part of a remote's address -> the system that runs its pipelines.
FORGES: Final = {
    "github": "github",
    "gitlab": "gitlab",
    "dev.azure.com": "azure",
    "visualstudio.com": "azure",
}


@dataclass(frozen=True, slots=True)
class Starter:
    """``systems`` are of ``SYSTEMS``; ``hosts`` the addresses of workspaces by environment.

    ``package`` is how pip is to find this tool: a requirement or the path of a wheel.
    """

    project: str
    systems: tuple[str, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    package: str = WHEEL


@dataclass(frozen=True, slots=True)
class InitResult:
    """The files that were written, and what to do next, a line each."""

    written: tuple[str, ...]
    next: tuple[str, ...]


def begin(folder: Path, starter: Starter, *, keep: bool = False) -> InitResult:
    """Write ``starter`` to ``folder``; see ``write``. Raises FileError."""
    return InitResult(write(folder, files_of(starter), keep=keep), _next(folder, starter))


def starter_of(
    folder: Path, project: str, systems: tuple[str, ...], hosts: Iterable[str], package: str
) -> Starter:
    """What is to be written to ``folder``; what is empty follows from the folder.

    ``hosts`` are ``ENVIRONMENT=ADDRESS``. Raises UsageError.
    """
    name = project or _name_of(folder)
    _check_name(name)
    wanted = tuple(system for system in systems or (forge_of(folder),) if system in SYSTEMS)
    return Starter(name, wanted, dict(map(_host, hosts)), package or WHEEL)


def forge_of(folder: Path) -> str:
    """The system of the remote `origin` of ``folder``, else GitHub."""
    address = git.remote(folder)
    return next((system for part, system in FORGES.items() if part in address), SYSTEMS[0])


def files_of(starter: Starter) -> dict[str, str]:
    """The text of each file by its path, sorted."""
    values = {
        "@project@": starter.project,
        "@package@": starter.package,
        **{f"@host.{name}@": _address(starter, name) for name in REMOTE_ENVIRONMENTS},
    }
    files = {f"schemas/{name}.schema.json": schemas.text(name) for name in SCHEMAS}
    for part in ("project", *starter.systems):
        folder = TEMPLATES / part
        for template in (path for path in folder.rglob("*") if path.is_file()):
            text = template.read_text(encoding="utf-8")
            for name, value in values.items():
                text = text.replace(name, value)
            files[_path(template.relative_to(folder))] = text
    return dict(sorted(files.items()))


def write(folder: Path, files: Mapping[str, str], *, keep: bool = False) -> tuple[str, ...]:
    """Write ``files`` below ``folder``, and return which; none that exists is overwritten.

    ``keep``: files that exist stay as they are; else they are refused, and nothing is
    written. Raises FileError.
    """
    there = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    if there and not keep:
        hint = "remove them, choose another directory, or keep them and add the rest: "
        hint += "--keep-existing"
        count = "1 file exists" if len(there) == 1 else f"{len(there)} files exist"
        raise FileError.of("E860", f"{count} already: {listed(there)}", hint)
    new = {name: text for name, text in files.items() if name not in there}
    for name, text in new.items():
        try:
            # Created, never replaced: a file that appeared in the meantime stays.
            create_file(folder / name, text)
        except OSError as error:
            raise FileError.of("E861", f"cannot write `{name}`: {error.strerror}") from error
    return tuple(new)


def _next(folder: Path, starter: Starter) -> tuple[str, ...]:
    at = "" if folder.resolve() == Path.cwd() else f" -C {shlex.quote(str(folder))}"
    lines = [f"provisioner apply -y{at}   (on the local workspace: no account, no key)"]
    open_hosts = [name for name in REMOTE_ENVIRONMENTS if name not in starter.hosts]
    if open_hosts:
        lines.append(
            f"put the addresses of your workspaces into environments/ ({', '.join(open_hosts)})"
        )
    lines += [
        f"set up what the first lines of {PIPELINES[system]} say" for system in starter.systems
    ]
    if starter.systems and starter.package == WHEEL:
        lines.append(
            f"put this tool where the pipelines find it: {WHEEL[2:]}, see requirements-tool.txt"
        )
    below = git.prefix(folder)
    if starter.systems and below:
        lines.append(
            f"pipelines are read at the top of the git repository: move them out of {below}"
        )
    return tuple(lines)


def _path(template: Path) -> str:
    return "/".join(re.sub("^dot-", ".", part) for part in template.parts)


def _address(starter: Starter, environment: str) -> str:
    return starter.hosts.get(environment, f"https://{environment}.workspace.example")


def _name_of(folder: Path) -> str:
    words = re.sub(r"[^a-z0-9_]+", "-", folder.resolve().name.lower()).strip("-_")
    return words[:63].rstrip("-_") or "serving"


def _check_name(name: str) -> None:
    pattern = schemas.schema("project")["properties"]["project"]["pattern"]
    if not re.fullmatch(pattern.strip("^$"), name):
        hint = "lower-case letters, digits, `-` and `_`, at most 63: --project NAME"
        why = refused_part(name, pattern)
        raise UsageError.of("E862", f"`{name}` cannot be the name of a project{why}", hint)


def _host(given: str) -> tuple[str, str]:
    environment, equals, address = given.partition("=")
    if not equals or environment not in REMOTE_ENVIRONMENTS:
        known = ", ".join(REMOTE_ENVIRONMENTS)
        hint = f"write --host {REMOTE_ENVIRONMENTS[0]}=https://..., for {known}"
        raise UsageError.of("E863", f"`{given}` names no workspace of an environment", hint)
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?/?", address):
        hint = (
            "the address of a workspace is like https://adb-1234567890123456.7.azuredatabricks.net"
        )
        raise UsageError.of("E863", f"`{address}` is not the address of a workspace", hint)
    return environment, address.rstrip("/")
