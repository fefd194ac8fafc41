"""The page of a resource in its workspace."""

from __future__ import annotations

from urllib.parse import quote

from provisioner.kinds import KINDS


def page_url(host: str, kind: str, name: str) -> str:
    """The address of the page, ``""`` where there is none.

    ``host`` is as in ``Session``: that of a local workspace is no address of a server.
    """
    page = KINDS[kind].runtime.page
    if not page or not host.startswith("http"):
        return ""
    return host.rstrip("/") + page.format(name=quote(name, safe=""))
