"""The workspace as a driver sees it, whatever carries the requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from provisioner.semantics import Document


class Connection(Protocol):
    """The workspace as a driver sees it: JSON in, JSON objects out, errors of ours."""

    @property
    def host(self) -> str: ...

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Document | None:
        """The JSON object at ``path``; None for 404.

        Raises ServiceError for any other refusal, UnreachableError when no answer came
        that can be believed, after the retries that are safe.
        """
        ...

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None, *, repeatable: bool
    ) -> Document:
        """Send ``body`` and return the answer (``{}`` when the service says nothing).

        ``repeatable``: sending it twice does no harm, so a lost answer is tried again.
        Otherwise a lost answer raises LostAnswerError. Raises ServiceError when refused.
        """
        ...
