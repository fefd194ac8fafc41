"""``init``: the files of a new repository, from the folders in ``templates/``.

A template's path is that of the file it becomes, ``dot-`` standing for a leading dot.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from provisioner import __version__
from provisioner.commands.init.wheel import Wheel
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
KEY_MARK: Final = " #@key\n"
"""Ends the lines of pipelines that only a template with a provider's key needs."""
MISSING_TOOL: Final = f"""\
# The line that installs provisioner is missing. Copy its wheel into wheels/, and write below:
#   ./wheels/serving_provisioner-{__version__}-py3-none-any.whl --hash=sha256:HASH
# `pip hash FILE` prints the hash. `provisioner init --wheel FILE` does both in a new repository."""


class Template(NamedTuple):
    """What a starter repository declares.

    ``variable`` is promoted from environment to environment, ``value`` its first value as YAML.
    ``try_it`` is the command that uses the endpoint. ``has_key``: pipelines pass on a key.
    """

    title: str
    variable: str
    value: str
    try_it: str
    has_key: bool = False


KINDS_OF_STARTER: Final[Mapping[str, Template]] = {
    "chat": Template(
        "a chat endpoint of an external provider, with a fallback",
        "chat_model",
        "gpt-4o-mini",
        'provisioner query chat --prompt "Say hello."',
        has_key=True,
    ),
    "custom-model": Template(
        "a registered model of Unity Catalog",
        "model_version",
        '"1"',
        "provisioner status",
    ),
    "provisioned-throughput": Template(
        "a foundation model with provisioned throughput, in model units",
        "model_version",
        '"1"',
        "provisioner verify",
    ),
    "pay-per-token": Template(
        "limits and permissions of a pay-per-token endpoint",
        "calls_per_user",
        "60",
        'provisioner query llama --prompt "Say hello."',
    ),
}
DEFAULT_TEMPLATE: Final = next(iter(KINDS_OF_STARTER))


@dataclass(frozen=True, slots=True)
class Starter:
    """``systems`` are of ``SYSTEMS``; ``hosts`` the addresses of workspaces by environment.

    ``package`` is how pip is to find this tool; without it, the repository brings the
    ``wheel``, or says that the line is missing.
    """

    project: str
    systems: tuple[str, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    package: str = ""
    template: str = DEFAULT_TEMPLATE
    wheel: Wheel | None = None

    @property
    def requirement(self) -> str:
        """The end of ``requirements-tool.txt``."""
        return self.package or (self.wheel.requirement if self.wheel else MISSING_TOOL)

    @property
    def brought_wheel(self) -> Wheel | None:
        """The wheel that the repository gets."""
        return None if self.package else self.wheel


class StarterOptions(NamedTuple):
    """What was chosen; what is empty follows from the folder. ``hosts`` are ``NAME=ADDRESS``."""

    project: str = ""
    systems: tuple[str, ...] = ()
    hosts: Iterable[str] = ()
    package: str = ""
    template: str = ""
    wheel: Wheel | None = None


@dataclass(frozen=True, slots=True)
class InitResult:
    """The files that were written, and what to do next, a line each."""

    written: tuple[str, ...]
    next: tuple[str, ...]


def begin(folder: Path, starter: Starter, *, keep: bool = False) -> InitResult:
    """Write ``starter`` to ``folder``; see ``write``. Raises FileError."""
    return InitResult(write(folder, files_of(starter), keep=keep), _next(folder, starter))


def starter_of(folder: Path, options: StarterOptions) -> Starter:
    """What is to be written to ``folder``. Raises UsageError."""
    name = options.project or name_of(folder)
    _check_name(name)
    systems = options.systems or (forge_of(folder),)
    return Starter(
        name,
        tuple(system for system in systems if system in SYSTEMS),
        dict(map(_host, options.hosts)),
        options.package,
        options.template or DEFAULT_TEMPLATE,
        options.wheel,
    )


def forge_of(folder: Path) -> str:
    """The system of the remote `origin` of ``folder``, else GitHub."""
    address = git.remote(folder)
    return next((system for part, system in FORGES.items() if part in address), SYSTEMS[0])


def files_of(starter: Starter) -> dict[str, str | bytes]:
    """The content of each file by its path, sorted."""
    files: dict[str, str | bytes] = {
        f"schemas/{name}.schema.json": schemas.text(name) for name in SCHEMAS
    }
    for part in ("project", starter.template, *starter.systems):
        folder = TEMPLATES / part
        for template in (path for path in folder.rglob("*") if path.is_file()):
            text = _filled_in(template.read_text(encoding="utf-8"), starter)
            files[_path(template.relative_to(folder))] = text
    if wheel := starter.brought_wheel:
        files[wheel.path] = wheel.content
    return dict(sorted(files.items()))


def _filled_in(text: str, starter: Starter) -> str:
    """``text`` of a template with the values of ``starter``."""
    template = KINDS_OF_STARTER[starter.template]
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if template.has_key or not line.endswith(KEY_MARK)]
    text = "".join(line.replace(KEY_MARK, "\n") for line in kept)
    values = {
        "@project@": starter.project,
        "@package@": starter.requirement,
        "@variable@": template.variable,
        "@value@": template.value,
        "@try_it@": template.try_it,
        **{f"@host.{name}@": _address(starter, name) for name in REMOTE_ENVIRONMENTS},
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def write(folder: Path, files: Mapping[str, str | bytes], *, keep: bool = False) -> tuple[str, ...]:
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
    new = {name: content for name, content in files.items() if name not in there}
    for name, content in new.items():
        try:
            # Created, never replaced: a file that appeared in the meantime stays.
            create_file(folder / name, content)
        except OSError as error:
            raise FileError.of("E861", f"cannot write `{name}`: {error.strerror}") from error
    return tuple(new)


def _next(folder: Path, starter: Starter) -> tuple[str, ...]:
    at = "" if folder.resolve() == Path.cwd() else f" -C {shlex.quote(str(folder))}"
    lines = [f"provisioner apply -y{at}   (on the local workspace, without an account)"]
    open_hosts = [name for name in REMOTE_ENVIRONMENTS if name not in starter.hosts]
    if open_hosts:
        lines.append(
            f"write the URLs of your workspaces into environments/ ({', '.join(open_hosts)})"
        )
    lines += [
        f"follow the instructions in the first lines of {PIPELINES[system]}"
        for system in starter.systems
    ]
    if starter.systems and starter.requirement == MISSING_TOOL:
        lines.append("add the line that installs provisioner: see requirements-tool.txt")
    below = git.prefix(folder)
    if starter.systems and below:
        lines.append(
            "CI systems read pipelines only from the root of the git repository: move "
            f"the files from {below} to the root"
        )
    return tuple(lines)


def _path(template: Path) -> str:
    return "/".join(re.sub("^dot-", ".", part) for part in template.parts)


def _address(starter: Starter, environment: str) -> str:
    return starter.hosts.get(environment, f"https://{environment}.workspace.example")


def name_of(folder: Path) -> str:
    """The name of the project that the name of ``folder`` leads to."""
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
        raise UsageError.of("E863", f"`{given}` does not contain the name of an environment", hint)
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?/?", address):
        hint = "write a URL such as https://adb-1234567890123456.7.azuredatabricks.net"
        raise UsageError.of("E863", f"`{address}` is not the URL of a workspace", hint)
    return environment, address.rstrip("/")
