"""The address of a workspace, read once and strictly: a token goes there and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from provisioner.errors import LoginError, UnreachableError

# RFC 2606 reserves the domain for documentation: no workspace has it.
PLACEHOLDER_DOMAIN: Final = ".example"

DEFAULT_PORTS = {"https": 443, "http": 80}

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL}){{0,30}}|\[[0-9A-Fa-f:.]+\]"
_HOST = re.compile(rf"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?({_NAME})(?::([0-9]{{1,5}}))?/?")

# What is wrong with an address that does not match, most telling first.
_REASONS = (
    (re.compile(r"[^\x21-\x7e]"), "contains a space or a character that is not ASCII"),
    (re.compile(r"@"), "contains a user name"),
    (re.compile(r"\?"), "contains a query (`?...`)"),
    (re.compile(r"#"), "contains a fragment (`#...`)"),
    (re.compile(r"^(?:[^/]*//)?+[^/]+/."), "contains a path"),
    (re.compile(r""), "is not a URL"),
)


@dataclass(frozen=True, slots=True)
class Host:
    """A checked address. Equal when scheme, name and port are, however they were written.

    ``name`` is in lower case, an IPv6 address without brackets.
    """

    scheme: str
    name: str
    port: int

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{name}{port}"

    @property
    def is_loopback(self) -> bool:
        """True for this machine only. Nothing is resolved: just ``localhost`` and numbers."""
        import ipaddress

        if self.name == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.name).is_loopback
        except ValueError:
            return False


def refuse_placeholder(text: str, environment: str) -> None:
    """Raises LoginError for the address of a template, such as ``https://<your-workspace>``.

    ``environment`` is the one whose file has the address.
    """
    if "<" not in text and not text.rstrip("/").lower().endswith(PLACEHOLDER_DOMAIN):
        return
    hint = f"write the URL of your workspace in environments/{environment}.yaml"
    raise LoginError.of("E420", f"{text} is a placeholder, not the URL of a workspace", hint)


def resolve(host: Host) -> None:
    """Raises UnreachableError where no address is known for the name of ``host``.

    For programs that would ask the host several times, such as the SDK.
    """
    import socket

    try:
        socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    except OSError:
        message = f"cannot reach {host}: there is no host {host.name}"
        raise UnreachableError.of("E408", message, UNKNOWN_NAME) from None


UNKNOWN_NAME: Final = "check its spelling, DNS and VPN"


def read_host(text: str, source: str) -> Host:
    """``text`` as an address; without a scheme it means https, as everywhere in Databricks.

    ``source`` says in messages where it was found. Raises LoginError for anything but
    https, or http to this machine, and for an address that is more than an address: its
    text is then not repeated, because it may hold a password.
    """
    match = _HOST.fullmatch(text.strip())
    if match is None:
        reason = next(reason for pattern, reason in _REASONS if pattern.search(text.strip()))
        raise _unusable(source, reason, _suggestion(text))
    scheme, name, port = (match[1] or "https").lower(), match[2].lower(), match[3]
    if scheme not in DEFAULT_PORTS:
        raise _unusable(source, f"begins with `{scheme}://`", f"write https://{name}")
    host = Host(scheme, name.strip("[]"), int(port) if port else DEFAULT_PORTS[scheme])
    if not 0 < host.port < 65536:
        raise _unusable(source, f"has the port {host.port}", "use a port from 1 to 65535")
    if name.startswith("[") and not _is_ip(host.name):
        raise _unusable(source, "is not a URL", "check the IP address between the brackets")
    if scheme == "http" and not host.is_loopback:
        raise _unusable(
            source,
            f"is http://{name}, but http is allowed only for this machine: it would send the "
            "token in clear text",
            f"write https://{name}",
        )
    return host


def _is_ip(name: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _unusable(source: str, reason: str, hint: str) -> Exception:
    return LoginError.of("E404", f"the workspace host in {source} {reason}", hint=hint)


def _suggestion(text: str) -> str:
    """The address that was probably meant, out of one copied from a browser."""
    match = re.search(
        rf"(?:https?://|^)(?:[^/@\s]*@)?({_NAME})(?::[0-9]+)?(?=[/?#]|$)", text.strip()
    )
    return f"write only https://{match[1].lower()}" if match else "write it as https://NAME"
