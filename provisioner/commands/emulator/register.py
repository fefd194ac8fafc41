"""``emulator register``: what a training job leaves behind, in a local workspace.

It works on the state file, whether or not a server has it open.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.errors import FileError, UsageError
from provisioner.manifests.given_values import Outside
from provisioner.manifests.project import read_environment
from provisioner.workflow.project import open_project

if TYPE_CHECKING:
    from provisioner.emulator.http.store import Store


@dataclass(frozen=True, slots=True)
class Registration:
    """What to register. ``version`` None is the next number; ``alias`` ``""`` is none.

    ``function``: a feature spec, which is a function and has neither.
    """

    name: str
    version: int | None = None
    alias: str = ""
    function: bool = False


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """``state`` is the file as the project names it; ``is_new`` says whether anything was made."""

    name: str
    version: int
    alias: str
    is_new: bool
    state: str

    def summary(self) -> str:
        """One line for people."""
        what = f"{self.name} version {self.version}" if self.version else self.name
        how = "registered" if self.is_new else "was already registered"
        alias = f"; alias {self.alias} now points to version {self.version}" if self.alias else ""
        return f"{what} {how} in {self.state}{alias}"

    def to_json(self) -> dict[str, Any]:
        """The same for programs: ``version`` 0 and ``alias`` ``""`` mean none."""
        return asdict(self)


def register(
    folder: Path | None, environment: str, state: str, wanted: Registration
) -> RegistrationResult:
    """Register in the local workspace ``state``, or in that of ``environment``.

    Raises UsageError for an environment on a real workspace and for names that cannot be,
    FileError for a state file that cannot be used.
    """
    from provisioner.emulator.http.routing import ApiError
    from provisioner.emulator.unity_catalog import registration

    file, store = open_store(folder, environment, state)
    sent = {"full_name": wanted.name, "version": wanted.version, "alias": wanted.alias}
    try:
        with store.transaction():
            made = registration.register_version(store, sent, is_function=wanted.function)
    except ApiError as error:
        what = error.message.rstrip(".")
        raise UsageError.of("E764", f"{wanted.name} cannot be registered: {what}") from error
    finally:
        store.close()
    return RegistrationResult(**made, state=file)


def open_store(folder: Path | None, environment: str, state: str) -> tuple[str, Store]:
    """Returns the state file of a local workspace as the project names it, and its store.

    Raises as ``register``.
    """
    from provisioner.emulator.http.store import Store
    from provisioner.emulator.server import START_ERRORS

    root = _root(folder, state)
    file = state or _state_of(root, environment)
    try:
        return file, Store(root / file)
    except START_ERRORS as error:
        message = f"the local workspace cannot use {file}: {error}"
        raise FileError.of("E815", message) from error


def _root(folder: Path | None, state: str) -> Path:
    try:
        return open_project(folder).root
    except FileError:
        if not state:
            raise
        # A state file that is named needs no project.
        return folder or Path.cwd()


def _state_of(root: Path, environment: str) -> str:
    settings = read_environment(root, environment, Outside.of((), os.environ)).workspace
    if not settings.emulator:
        raise UsageError.of(
            "E765",
            f"the environment `{environment}` does not use a local workspace",
            "register the model with MLflow: mlflow.register_model",
        )
    return settings.emulator
