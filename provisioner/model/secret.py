"""The one type in which a secret value travels, and the one place it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from provisioner.errors import RefusedError

MARK = "$secret"
MASK = "***"


class Secret:
    """A value that shows itself to ``reveal`` only.

    ``repr``, ``str`` and ``format`` give a mask; JSON and pickle are refused, so a secret
    that strays into a plan, a log or a report ends the command instead of leaking.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value. To be called where it is put on the wire and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


def reference_in(value: Any) -> Mapping[str, str] | None:
    """``{"from_env": X}`` when ``value`` is ``{"$secret": {"from_env": X}}``, else None."""
    if isinstance(value, Mapping) and value.keys() == {MARK}:
        inner = value[MARK]
        return inner if isinstance(inner, Mapping) else None
    return None


def references(value: Any) -> Iterator[Mapping[str, str]]:
    """Every secret reference anywhere inside JSON data."""
    reference = reference_in(value)
    if reference is not None:
        yield reference
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from references(inner)


def resolve(payload: Any, names: frozenset[str], source: SecretReader, field: str = "") -> Any:
    """``payload`` with its secret references replaced by secrets.

    Only in fields whose name is in ``names``: a reference anywhere else is refused, or a
    manifest could send a secret to a field that the service shows to everybody.
    """
    reference = reference_in(payload)
    if reference is not None:
        if field not in names:
            raise RefusedError.of("E506", f"a secret may not be sent in the field `{field}`")
        return source(reference)
    if isinstance(payload, Mapping):
        return {key: resolve(value, names, source, key) for key, value in payload.items()}
    if isinstance(payload, list | tuple):
        return [resolve(value, names, source, field) for value in payload]
    return payload


@dataclass(frozen=True, slots=True)
class SecretReader:
    """Reads secrets from the environment and from files below the project root.

    Raises RefusedError when the variable is not set or the file cannot be read, is empty, or
    lies elsewhere once links are followed: at the moment the value is needed, not before.
    """

    root: Path

    def __call__(self, reference: Mapping[str, str]) -> Secret:
        if "from_env" in reference:
            return self._variable(reference["from_env"])
        return self._file(reference["from_file"])

    def missing(self, reference: Mapping[str, str]) -> str:
        """Why there would be no value, as in "is not set"; ``""`` where there is one."""
        if "from_env" in reference:
            return "" if os.environ.get(reference["from_env"]) else "is not set"
        try:
            self._content(reference["from_file"])
        except ValueError as error:
            return str(error)
        return ""

    def _variable(self, name: str) -> Secret:
        value = os.environ.get(name)
        if not value:
            raise RefusedError.of(
                "E507",
                f"the environment variable {name} is not set, but this run needs it",
                hint=f"set it where this command runs: export {name}=...",
            )
        return Secret(value)

    def _file(self, name: str) -> Secret:
        try:
            return Secret(self._content(name))
        except ValueError as error:
            # Nothing of the cause is kept: that of a wrong encoding holds the whole content.
            raise RefusedError.of("E508", f"the secret file {name} {error}") from None

    def _content(self, name: str) -> str:
        """What the file says. Raises ValueError with what is wrong with it in words."""
        try:
            path = (self.root / name).resolve()
            if not path.is_relative_to(self.root.resolve()):
                raise ValueError("is outside the project")
            # A pipe would be read once, by whoever asks first, or not answer at all.
            if path.exists() and not path.is_file():
                raise ValueError("is not a file")
            # A trailing line break comes from the editor, not from the key.
            content = path.read_bytes().decode("utf-8").rstrip("\r\n")
        except FileNotFoundError:
            raise ValueError("does not exist") from None
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8 text") from None
        except (OSError, RuntimeError) as error:
            # A link to itself is a RuntimeError up to Python 3.12.
            reason = getattr(error, "strerror", None) or "its symbolic links form a cycle"
            raise ValueError(f"cannot be read: {reason.lower()}") from None
        if not content:
            raise ValueError("is empty")
        return content
