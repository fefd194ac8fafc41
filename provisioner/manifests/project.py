"""The project's own files: ``provisioner.yaml`` and ``environments/NAME.yaml``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from provisioner.errors import FileError, Finding, Position, ProvisionerError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.manifests import files
from provisioner.manifests.given_values import Outside
from provisioner.manifests.promotion_source import promotes_mistakes, soak_s
from provisioner.manifests.references import words_in
from provisioner.manifests.release_file import ReleaseFile, read_releases
from provisioner.manifests.variables import RELEASED, check_not_released, mistakes
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model import schemas
from provisioner.model.paths import Document
from provisioner.model.release import Promotion
from provisioner.model.serving import DEFAULT_CURRENCY, Prices

REPLACED: Final = frozenset({"variables", "name_prefix", "defaults", "overrides"})
"""The sections of an environment's file that can contain references."""

_HINTS: Final = {
    "workspace": "write the host itself, so that a review shows the workspace; or write `profile: "
    "NAME` with a profile of ~/.databrickscfg",
    "manifests": "write the patterns without references; use variables inside the manifests",
}
_HINT: Final = "only `variables`, `name_prefix`, `defaults` and `overrides` can contain references"


def fixed_references(source: SourceFile) -> Iterator[Finding]:
    """Each `${…}` where it would stay as it is: that is always a mistake."""
    for section, value in source.data.items() if isinstance(source.data, dict) else ():
        if section in REPLACED:
            continue
        for at, word in words_in(value, (section,)):
            message = f"`${{{word}}}` is not allowed in `{section}`"
            yield Finding(at, "E224", message, _HINTS.get(str(section), _HINT))


PROJECT_FILE: Final = "provisioner.yaml"
PRICES_FILE: Final = "prices.yaml"
FOLDER: Final = "environments"
LOCAL: Final = "local"
EMULATOR_STATE: Final = ".provisioner/local.sqlite"
CHOICE: Final = "PROVISIONER_ENVIRONMENT"
MANIFESTS: Final = ("manifests/**/*.yaml", "manifests/**/*.yml")
# The name becomes the value of an ownership tag, so it has the characters of a project's name.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """``name`` marks, with an environment's name, what the project owns in a workspace.

    ``default_environment`` is the one of commands that name none; "" where the file names none.
    """

    name: str
    default_environment: str = ""


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """Exactly one is set. ``emulator`` is a path below the project root."""

    host: str = ""
    profile: str = ""
    emulator: str = ""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """More than this may not be deleted or replaced at once."""

    destructive_percent: int = 30
    destructive_count: int = 5


@dataclass(frozen=True, slots=True)
class Environment:
    """One deployment of the manifests. ``manifests`` are patterns below the project root.

    ``source`` is its file, in which variables, defaults and overrides are as written;
    ``outside`` is what is said about its variables elsewhere, ``promotion`` what its release
    file, ``release_file``, says about them.
    """

    name: str
    workspace: WorkspaceSettings
    manifests: tuple[str, ...] = MANIFESTS
    protected: bool = False
    guard: GuardLimits = field(default_factory=GuardLimits)
    source: SourceFile | None = field(default=None, compare=False, repr=False)
    outside: Outside = field(default_factory=Outside, compare=False, repr=False)
    promotion: Promotion = field(default_factory=Promotion)
    release_file: ReleaseFile = field(default_factory=ReleaseFile, compare=False, repr=False)


def workspace_address(text: str) -> str:
    """The address ``https://NAME`` of a workspace, as people copy it from a browser or the CLI.

    A missing scheme is https, and what a browser shows behind the name is cut off. The schema
    of the file has refused everything else.
    """
    if not text:
        return ""
    scheme, _, rest = text.rpartition("://")
    return f"{scheme or 'https'}://{re.split('[/?#]', rest)[0]}"


def find_root(start: Path) -> Path:
    """The nearest folder from ``start`` upward that holds a project file. Raises FileError."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    message = f"there is no `{PROJECT_FILE}` in `{start}` or any folder above it"
    hint = (
        "change to the project folder, or pass -C DIR. For a new project, run provisioner "
        "init, or write the file with the line `project: NAME`"
    )
    raise FileError.of("E201", message, hint)


def read_project(root: Path) -> ProjectSettings:
    """The project whose file lies in ``root``. Raises FileError."""
    data = _checked(root, PROJECT_FILE, "project").data
    return ProjectSettings(data["project"], data.get("default_environment", ""))


def read_boundaries(root: Path) -> SourceFile | None:
    """The project's file, where it has ``boundaries``. Its shape is checked by ``read_project``."""
    if not (root / PROJECT_FILE).is_file():
        return None
    source: SourceFile = parse(PROJECT_FILE, files.read(root, PROJECT_FILE))
    has_some = isinstance(source.data, dict) and source.data.get("boundaries")
    return source if has_some else None


def read_prices(root: Path) -> Prices | None:
    """The project's own prices; None where it has no file of them. Raises FileError."""
    if not (root / PRICES_FILE).is_file():
        return None
    data = _checked(root, PRICES_FILE, "prices").data
    dbus = data.get("dbus_per_hour", {})
    return Prices(
        date=data["date"],
        dbu=data["dbu"],
        currency=data.get("currency", DEFAULT_CURRENCY),
        concurrency=dbus.get("concurrency", {}),
        tokens_per_second=dbus.get("tokens_per_second"),
        model_units=dbus.get("model_units"),
    )


def environment_names(root: Path) -> tuple[str, ...]:
    """The environments that have a file, sorted; ``local`` where none has."""
    names = sorted(
        path.stem for path in (root / FOLDER).glob("*.yaml") if path.exists() and not path.is_dir()
    )
    return tuple(names) or (LOCAL,)


def chosen_environment(root: Path, name: str) -> str:
    """The environment that a command means: ``name``, or the default where it is empty.

    The default is PROVISIONER_ENVIRONMENT, then ``default_environment`` of the project, then the
    local workspace in a project without any environment file. Raises FileError where environments
    exist and none is chosen: a pipeline that lost its ``-e`` must not apply to a local workspace.
    """
    chosen = name or os.environ.get(CHOICE, "") or read_project(root).default_environment
    if chosen:
        return chosen
    known = environment_names(root)
    if known == (LOCAL,):
        return LOCAL
    hint = f"choose one with -e ({listed(known)}), or set `default_environment` in {PROJECT_FILE}"
    raise FileError.of("E226", "no environment is chosen", hint)


def read_environment(root: Path, name: str, outside: Outside | None = None) -> Environment:
    """The environment ``name``. Raises FileError.

    An empty ``name`` is the default environment. Without any file, ``local`` is a local workspace
    with all of ``manifests/``.
    """
    name = chosen_environment(root, name)
    path = f"{FOLDER}/{name}.yaml"
    if name not in environment_names(root) or not (root / path).exists():
        return _local(root, name, outside or Outside())
    if not _NAME.fullmatch(name):
        message = f"`{name}` cannot be the name of an environment"
        hint = "rename the file: at most 63 lower-case letters, digits, `-` and `_`"
        raise FileError.of("E210", message, hint, where=Position(path))
    source = _checked(root, path, "shapes/environment")
    data = source.data
    wrong = [
        source.problem(finding)
        for findings in (mistakes(source), promotes_mistakes(data, name, environment_names(root)))
        for finding in findings
    ]
    if wrong:
        raise FileError(wrong)
    outside = outside or Outside()
    check_not_released(outside, data, name)
    file = read_releases(root, name)
    settings = data["workspace"]
    host = workspace_address(settings.get("host", ""))
    return Environment(
        name=name,
        workspace=WorkspaceSettings(**{**settings, "host": host}),
        manifests=tuple(data.get("manifests", MANIFESTS)),
        protected=data.get("protected", False),
        guard=GuardLimits(**data.get("guard", {})),
        source=source,
        outside=outside,
        promotion=_promotion(data, file),
        release_file=file,
    )


def _local(root: Path, name: str, outside: Outside) -> Environment:
    """The environment of a project without any environment file. Raises FileError."""
    if name != LOCAL or environment_names(root) != (LOCAL,):
        raise _unknown(root, name)
    return Environment(LOCAL, WorkspaceSettings(emulator=EMULATOR_STATE), outside=outside)


def _promotion(data: Document, file: ReleaseFile) -> Promotion:
    return Promotion(
        released=tuple(dict.fromkeys(data.get(RELEASED, ()))),
        promotes_from=data.get("promotes_from", ""),
        soak_s=soak_s(data.get("soak", "")),
        releases=file.releases,
    )


def _unknown(root: Path, name: str) -> ProvisionerError:
    known = environment_names(root)
    hint = f"{did_you_mean(name, known)} the environments are {listed(known)}".lstrip()
    if (root / FOLDER / f"{name}.yml").is_file():
        hint = f"rename `{FOLDER}/{name}.yml` to `{name}.yaml`"
    return FileError.of("E202", f"there is no environment `{name}`", hint)


def _checked(root: Path, name: str, schema: str) -> SourceFile:
    """The file ``name``, whose data fits the schema. Raises FileError."""
    from provisioner.manifests.schema.check import shape

    source: SourceFile = parse(name, files.read(root, name))
    fixed = list(fixed_references(source))
    reported = {finding.at for finding in fixed}
    wrong = shape(source.data, schemas.schema(schema), source.written)
    findings = [*fixed, *(finding for finding in wrong if finding.at not in reported)]
    if findings:
        raise FileError(source.problem(finding) for finding in findings)
    return source
