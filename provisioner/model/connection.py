"""The workspace as a driver sees it, whatever carries the requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from provisioner.model.paths import Document

MISSING: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
"""The error codes with which the service says that a resource does not exist.

Recorded answers have the first, the reference pages the second [serving-api 8.3].
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back to a question, also when it was a refusal.

    ``document`` is the answer; of a refusal (``status`` 400 and more) ``error_code`` and
    ``message``. ``headers`` have names in lower case. ``duration_ms`` is from sending to the
    last byte. ``wait_s`` is how long the service asked to wait before the next question.
    """

    status: int
    document: Document
    duration_ms: int
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float | None = None


class Reader(Protocol):
    """What answers questions about the workspace; see ``Connection``."""

    @property
    def host(self) -> str: ...

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        absent: Collection[str] = frozenset(),
    ) -> Document | None:
        """Returns the JSON object at ``path``.

        None for a 404 whose error code is one of ``absent``: without any, there is no such
        answer. Raises ServiceError for every other refusal, and UnreachableError when no
        valid answer arrived after the retries that are safe.
        """
        ...


class Connection(Reader, Protocol):
    """The workspace as a driver sees it: JSON in, JSON objects out, errors of ours."""

    @property
    def clock_skew_s(self) -> float:
        """Seconds by which the workspace's clock is ahead of this machine's.

        Measured from the ``Date`` of answers; 0.0 below the precision of two seconds, and
        before the first answer.
        """
        ...

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        repeatable: bool,
        once: bool = False,
    ) -> Document:
        """Sends ``body`` and returns the answer (``{}`` for an empty one).

        ``repeatable``: sending it twice does no harm, so a lost answer is tried again.
        Otherwise a lost answer raises LostAnswerError. ``once``: not even a throttled request
        is sent again, because what was checked before it may not hold any more. Raises
        ServiceError when refused.
        """
        ...

    def read_text(self, path: str) -> str:
        """Returns the plain text at ``path``, such as metrics. Raises as ``get`` does."""
        ...

    def ask(self, path: str, body: Mapping[str, Any], timeout_s: float) -> Reply:
        """POST a question to a model, once: what is refused or lost is not asked again.

        Raises LoginError, and UnreachableError when no answer came in ``timeout_s``.
        """
        ...
