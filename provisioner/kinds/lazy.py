"""Functions of kinds that load their module when they are first called.

Most commands need few of a kind's functions, and `validate` has to start at once.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def loaded(module: str, name: str) -> Any:
    """What the ``module`` below ``kinds`` defines under ``name``."""
    return getattr(import_module(f"provisioner.kinds.{module}"), name)


def lazily(module: str, name: str) -> Callable[..., Any]:
    """A function that calls the one of that ``name`` in the ``module`` below ``kinds``."""

    def call(*arguments: Any, **named: Any) -> Any:
        return loaded(module, name)(*arguments, **named)

    return call
