"""One connection to a Databricks workspace.

Importing this loads neither urllib3 nor ssl nor the SDK; ``connect`` does, when it must.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.workspace.transport import Transport


@dataclass(frozen=True, slots=True)
class WorkspaceTarget:
    """Where to go, as the environment says it; all of it may be empty.

    ``token`` is given only for a server that we started ourselves: then ``host`` is its
    address, and neither ``DATABRICKS_*`` variables nor proxies are looked at.
    """

    host: str = ""
    profile: str = ""
    token: str = field(default="", repr=False)


def connect(
    target: WorkspaceTarget, environ: Mapping[str, str], agent: str, parallel: int = 64
) -> Transport:
    """A connection to ``target`` with at most ``parallel`` requests at once. Sends nothing
    itself, but a login other than a personal access token asks its issuer.

    ``agent`` becomes the User-Agent, which the workspace's audit log shows.
    Raises LoginError for no login, two of them, or one for another host, and
    UnreachableError for proxy and certificate settings that cannot be used.
    """
    from provisioner.workspace.credentials import find_login
    from provisioner.workspace.transport import Transport
    from provisioner.workspace.wire import open_wire

    login = find_login(target, environ)
    return Transport(login, open_wire(login, environ, parallel), agent)
