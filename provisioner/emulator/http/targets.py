"""Request targets, Host headers and origins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from provisioner.emulator.http.routing import ApiError

# rules(local): The local workspace answers this computer only, and no web page of another origin.

# A web page whose name was made to resolve to 127.0.0.1 (DNS rebinding) sends its own name.
# Any port: databricks-cli drops the one it was given. [serving-api 9.12]
LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
ABSOLUTE = re.compile(r"https?://([^/]*)(.*)", re.IGNORECASE)


def path_of(target: str) -> str:
    """Returns the path of a target in origin form, or in the absolute form that proxies get."""
    absolute = ABSOLUTE.fullmatch(target)
    return absolute[2] if absolute else target


def split(path: str) -> list[str]:
    """Returns the decoded segments. Slashes at the end, or doubled, make no difference.

    Decoded after splitting: `%2F` belongs to a name.
    """
    return [unquote(segment) for segment in path.split("/") if segment]


def check_hosts(target: str, headers: Mapping[str, str]) -> None:
    """Refuses requests that name another host than this computer. Raises ApiError."""
    absolute = ABSOLUTE.fullmatch(target)
    named = [absolute[1]] if absolute else []
    # HTTP/1.0 has no Host header, and no browser speaks it.
    named += [headers["host"]] if "host" in headers else []
    if not all(LOOPBACK.fullmatch(host) for host in named):
        raise ApiError(403, "PERMISSION_DENIED", "The local workspace is only at 127.0.0.1.")


def check_origin(method: str, scheme: str, headers: Mapping[str, str]) -> None:
    """Refuses requests that a page of another origin makes a browser send. Raises ApiError.

    Browsers send Origin, and Sec-Fetch-Site also where there is no Origin; other clients send
    neither. Another port of this computer is another origin as well. A followed link does no harm:
    such a request carries no token, and no page can read its answer.
    """
    origin = headers.get("origin")
    is_link = method in ("GET", "HEAD") and headers.get("sec-fetch-dest") == "document"
    is_foreign = origin is not None and origin.lower() != base_url(scheme, headers).lower()
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not is_link:
        is_foreign = True
    if is_foreign:
        message = "The local workspace does not answer pages of another origin."
        raise ApiError(403, "PERMISSION_DENIED", message)


def base_url(scheme: str, headers: Mapping[str, str]) -> str:
    """Returns the scheme and host that the client used."""
    return f"{scheme}://{headers.get('host', '127.0.0.1')}"
