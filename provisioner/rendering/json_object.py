"""JSON objects of unknown shape, whose fields are taken out with the type they must have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class WrongShapeError(Exception):
    """What is wrong, for the sentence of an error that users see."""


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object; ``where`` names it in errors. All methods raise WrongShapeError."""

    data: Mapping[str, Any]
    where: str

    def take(self, name: str, kind: type[T], default: T | None = None) -> T:
        """The field ``name``; the default where there is none, if one is given."""
        value = self.data.get(name, default)
        if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
            return value
        raise WrongShapeError(f"`{name}` of {self.where} is missing or of the wrong type")

    def word(self, name: str, read: Callable[[str], T]) -> T:
        """The text ``name``, read by a function that raises ValueError for a wrong one."""
        try:
            return read(self.take(name, str))
        except ValueError:
            raise WrongShapeError(f"`{name}` of {self.where} cannot be read") from None

    def texts(self, name: str) -> tuple[str, ...]:
        """The list of texts ``name``; none where there is no such field."""
        values = self.take(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise WrongShapeError(f"`{name}` of {self.where} holds something else than text")
        return tuple(values)

    def words(self, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
        """The list of texts ``name``, each read as by ``word``."""
        try:
            return tuple(map(read, self.texts(name)))
        except ValueError:
            raise WrongShapeError(f"`{name}` of {self.where} cannot be read") from None

    def objects(self, name: str, where: str) -> list[JsonObject]:
        """The list of objects ``name``."""
        values = self.take(name, list)
        if not all(isinstance(value, Mapping) for value in values):
            raise WrongShapeError(f"`{name}` of {self.where} holds something else than objects")
        return [JsonObject(value, where) for value in values]

    def inner(self, name: str) -> JsonObject:
        """The object ``name``."""
        return JsonObject(self.take(name, dict), f"`{name}`")
