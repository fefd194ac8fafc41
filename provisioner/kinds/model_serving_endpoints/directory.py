"""Asks the workspace who may do what on an endpoint, and who we are."""

from __future__ import annotations

import re
import threading
from typing import Any, Final

from provisioner.errors import UnreachableError
from provisioner.kinds.model_serving_endpoints.permissions import (
    ROOT,
    SERVICE_PRINCIPAL,
    USER,
    Access,
    granted,
)
from provisioner.resource import Connection

ME: Final = "/api/2.0/preview/scim/v2/Me"
# A service principal's login is its application id.
_APPLICATION_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Directory:
    """Thread-safe, as far as its connection is. Who we are is asked once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._caller: tuple[str, str] | None = None

    def caller(self) -> tuple[str, str]:
        """Kind of principal and name of whoever makes these calls."""
        with self._lock:
            if self._caller is None:
                self._caller = self._ask()
            return self._caller

    def access(self, identity: str, creator: Any) -> Access:
        """The grants on the endpoint with the id ``identity``.

        Raises ServiceError where they may not be read, UnreachableError for an answer that
        cannot be about this endpoint: neither is the same as having none.
        """
        path = f"{ROOT}/{identity}"
        answer = self._connection.get(path) or {}
        rows = answer.get("access_control_list")
        about = str(answer.get("object_id", "")).rpartition("/")[2]
        if not isinstance(rows, list) or about != identity:
            raise UnreachableError.of(
                "E435",
                f"GET {path}: the answer does not tell the permissions of this endpoint",
                hint="permissions may not be enabled in this workspace",
            )
        own = {self.caller()[1], creator if isinstance(creator, str) else ""}
        return Access(
            granted(rows, inherited=False),
            granted(rows, inherited=True),
            frozenset(name.casefold() for name in own if name),
        )

    def _ask(self) -> tuple[str, str]:
        name = (self._connection.get(ME) or {}).get("userName")
        if not isinstance(name, str) or not name:
            raise UnreachableError.of(
                "E436",
                f"GET {ME}: the answer does not tell who is calling",
                hint="something between here and the workspace may have answered instead",
            )
        return (SERVICE_PRINCIPAL if _APPLICATION_ID.fullmatch(name) else USER), name
