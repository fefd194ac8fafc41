"""Whether a workspace answers at all: one request without a login, and seconds to answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from provisioner.workspace import WorkspaceTarget
from provisioner.workspace.connection_errors import explain
from provisioner.workspace.credentials import Login, address_of
from provisioner.workspace.faults import ApiCall, Mode
from provisioner.workspace.hosts import Host
from provisioner.workspace.proxies import proxy_for
from provisioner.workspace.retries import CallLimits
from provisioner.workspace.tls import source_of
from provisioner.workspace.wire import open_wire

LIMIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class NetworkRoute:
    """How requests get to a workspace. ``proxy`` is ``""`` for the direct way."""

    host: Host
    proxy: str
    certificates: str


def way_to(target: WorkspaceTarget, environ: Mapping[str, str]) -> NetworkRoute:
    """The way to ``target``; nothing is sent.

    Raises LoginError where no host is named, UnreachableError for an unusable proxy.
    """
    host = address_of(target, environ)
    proxy = proxy_for(host, environ)
    return NetworkRoute(host, str(proxy) if proxy else "", source_of(environ))


def date_at(way: NetworkRoute, environ: Mapping[str, str]) -> str:
    """The time that the workspace's answer carries (``""``: none). Raises UnreachableError."""
    nobody = Login(way.host, "none", "", dict)
    limits = replace(CallLimits(), connect_s=LIMIT_S, read_s=LIMIT_S)
    wire = open_wire(nobody, environ, 1, limits=limits)
    call = ApiCall("GET", "/", "/", Mode.READ)
    try:
        return wire.exchange("GET", "/", None, {}).headers.get("date", "")
    except Exception as error:
        raise explain(error, call, wire).error from None
    finally:
        wire.close()
