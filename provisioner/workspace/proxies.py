"""The proxy for a host out of the environment, as users of ``requests`` expect it.

The machine's own settings (Windows registry, macOS) are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from provisioner.errors import UnreachableError
from provisioner.model.secret import Secret
from provisioner.workspace.hosts import Host

# In this order, lower case first, as curl and `requests` read them. There is none for http:
# a token travels in clear text only on this machine, where no proxy has to be passed.
_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Proxy:
    """``url`` without user name and password; ``variable`` is where it was found."""

    url: str
    variable: str
    login: Secret | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"the proxy {self.url} ({self.variable})"


def proxy_for(host: Host, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that leads to ``host``, None for the direct way.

    Raises UnreachableError for a proxy that cannot be used.
    """
    variable = next((name for name in _VARIABLES if environ.get(name)), None)
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if variable is None or host.is_loopback or is_exempt(host, exempt):
        return None
    return _proxy(environ[variable].strip(), variable)


def _proxy(text: str, variable: str) -> Proxy:
    url = urlsplit(text if "://" in text else f"http://{text}")
    try:
        name, port = url.hostname, url.port
    except ValueError:
        name, port = None, None
    if url.scheme not in ("http", "https"):
        # Never the whole value: it may hold a password.
        raise _unusable(
            variable, f"is a `{url.scheme}` proxy, but only http and https are supported"
        )
    if not name or not re.fullmatch(r"[A-Za-z0-9._:-]+", name):
        raise _unusable(variable, "is not the URL of a proxy")
    shown = f"[{name}]" if ":" in name else name
    login = (
        Secret(f"{unquote(url.username)}:{unquote(url.password or '')}") if url.username else None
    )
    return Proxy(f"{url.scheme}://{shown}" + (f":{port}" if port else ""), variable, login)


def is_exempt(host: Host, exempt: str) -> bool:
    """Whether ``NO_PROXY`` covers ``host``: names and the domains below them, with or
    without a port, addresses and networks (``10.0.0.0/8``), or ``*`` for all."""
    entries = [entry.strip().lower() for entry in exempt.split(",") if entry.strip()]
    return any(entry == "*" or _covers(entry, host) for entry in entries)


def _covers(entry: str, host: Host) -> bool:
    if "/" in entry:
        return _in_network(host.name, entry)
    name, _, port = entry.rpartition(":") if re.search(r"[^:]:[0-9]+$", entry) else (entry, "", "")
    name = name.strip("[]").removeprefix("*").removeprefix(".")
    if port and int(port) != host.port:
        return False
    return bool(name) and (host.name == name or host.name.endswith(f".{name}"))


def _in_network(name: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(name) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _unusable(variable: str, reason: str) -> Exception:
    return UnreachableError.of(
        "E414",
        f"{variable} {reason}",
        hint="write it as http://NAME:PORT, or list the workspace in NO_PROXY to bypass the proxy",
    )
