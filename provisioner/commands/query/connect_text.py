"""Programs that ask a resource, and which there are, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.model.query import Snippet
from provisioner.rendering.text import harmless, harmless_line

Clients = Sequence[tuple[str, str, str]]
"""Name, words, and why not."""


def text(snippet: Snippet) -> str:
    """The program, ready for a file."""
    return harmless(snippet.text)


def to_json(name: str, snippet: Snippet) -> dict[str, Any]:
    """``{"name", "task", "client", "language", "install", "code"}``."""
    return {
        "name": name,
        "task": snippet.task,
        "client": snippet.client,
        "language": snippet.language,
        "install": snippet.install,
        "code": snippet.text,
    }


def clients_text(name: str, task: str, clients: Clients) -> str:
    """A line for each client; those that cannot ask say why."""
    width = max(len(client) for client, _, _ in clients)
    lines = [
        f"  {client:{width}}  {words}" + (f" (not here: {harmless_line(why)})" if why else "")
        for client, words, why in clients
    ]
    head = f"`{harmless_line(name)}`, task {harmless_line(task) or 'unknown'}, can be queried with"
    return "\n".join([head, *lines])


def clients_json(name: str, task: str, clients: Clients) -> dict[str, Any]:
    """``{"name", "task", "clients": [{"client", "description", "why_not"}]}``."""
    return {
        "name": name,
        "task": task,
        "clients": [
            {"client": client, "description": words, "why_not": why or None}
            for client, words, why in clients
        ],
    }


def start_first(emulator: str) -> str:
    """What has to be done before a program can reach a local workspace."""
    command = f"provisioner emulator start --state {harmless_line(emulator)}"
    return f"this is a local workspace: `{command}` prints the host and the token to export"
