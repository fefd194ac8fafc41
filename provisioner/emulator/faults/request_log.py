"""The log of requests, with the values of secrets masked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from provisioner.emulator.http.store import Store
from provisioner.emulator.secrets.secret_values import is_reference

# rule(local): The newest 20,000 requests are kept.
KEPT = 20_000
# How many rows may be there too many: deleting is done now and then.
SLACK = 500
BODY_LIMIT_BYTES = 64 * 1024
MASK = "***"

COLUMNS = ("number", "at_ms", "method", "path", "query", "status", "user_agent", "body")
WRITES = "method NOT IN ('GET', 'HEAD', 'OPTIONS')"

# The value of such a key is a secret in any case.
SECRET_KEYS = frozenset({"string_value", "bytes_value"})
SECRET_SUFFIX = "_plaintext"
# The value of such a key is shown if it is a secret reference: else a user may have put the
# secret itself there. [serving-api 2.6]
REFERENCE_KEYS = frozenset(
    {
        "openai_api_key",
        "microsoft_entra_client_secret",
        "anthropic_api_key",
        "cohere_api_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "private_key",
        "databricks_api_token",
        "ai21labs_api_key",
        "palm_api_key",
        "value",
        "token",
    }
)
# `value` is also what a tag has.
NOT_SECRET_INSIDE = frozenset({"tags", "add_tags"})


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request. ``status`` 0 means that the connection was broken instead of an answer."""

    method: str
    path: str
    query: str
    status: int
    user_agent: str
    body: bytes = field(repr=False)


def add(store: Store, entry: LoggedRequest) -> None:
    """Adds a request to the log, and deletes the oldest ones now and then."""
    values = (
        store.now_ms(),
        entry.method,
        entry.path,
        entry.query,
        entry.status,
        entry.user_agent,
        mask_body(entry.body),
    )
    with store.transaction():
        store.change(
            "INSERT INTO requests (at_ms, method, path, query, status, user_agent, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *values,
        )
        newest = store.row("SELECT max(number) FROM requests") or (0,)
        if newest[0] % SLACK == 0:
            store.change("DELETE FROM requests WHERE number <= ?", newest[0] - KEPT)


def entries(store: Store, after: int) -> list[dict[str, Any]]:
    """Returns the requests whose number is larger than ``after``, oldest first."""
    return _select(store, "number > ? ORDER BY number", after)


def newest(store: Store, most: int, endpoint: str = "") -> list[dict[str, Any]]:
    """Returns the ``most`` newest requests that do more than read, newest first.

    With ``endpoint`` only requests about it: by their path, or by ``model`` as in OpenAI's calls.
    """
    if not endpoint:
        return _select(store, f"{WRITES} ORDER BY number DESC LIMIT ?", most)
    paths = (f"/api/2.0/serving-endpoints/{endpoint}", f"/serving-endpoints/{endpoint}/")
    about = " OR ".join(
        (
            "path = ?",
            "substr(path, 1, ?) = ?",
            "substr(path, 1, ?) = ?",
            # Python's JSON has numbers that SQLite's has not, such as NaN.
            "json_valid(body) AND (json_extract(body, '$.model') = ?"
            " OR path = '/api/2.0/serving-endpoints' AND json_extract(body, '$.name') = ?)",
        )
    )
    values = (paths[0], len(paths[0]) + 1, f"{paths[0]}/", len(paths[1]), paths[1], endpoint)
    condition = f"{WRITES} AND ({about}) ORDER BY number DESC LIMIT ?"
    return _select(store, condition, *values, endpoint, most)


def _select(store: Store, condition: str, *values: Any) -> list[dict[str, Any]]:
    rows = store.rows(f"SELECT {', '.join(COLUMNS)} FROM requests WHERE {condition}", *values)
    entries = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return [entry | {"body": json.loads(entry["body"])} for entry in entries]


def mask_body(body: bytes) -> str:
    """Returns the body as JSON text with its secrets masked, or its length where it is not JSON."""
    if not body:
        return "null"
    if len(body) > BODY_LIMIT_BYTES:
        return json.dumps({"not_logged_bytes": len(body)})
    try:
        return json.dumps(_mask(json.loads(body)))
    except (ValueError, RecursionError):
        return json.dumps({"not_logged_bytes": len(body)})


def _mask(value: Any) -> Any:
    if isinstance(value, list):
        return [_mask(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _mask_entry(key, inner) for key, inner in value.items()}
    return value


def _mask_entry(key: str, value: Any) -> Any:
    if key in NOT_SECRET_INSIDE:
        return value
    if key == "environment_vars" and isinstance(value, dict):
        return {name: _mask_unless_reference(inner) for name, inner in value.items()}
    if key in SECRET_KEYS or key.endswith(SECRET_SUFFIX):
        return MASK
    if key in REFERENCE_KEYS and isinstance(value, str):
        return _mask_unless_reference(value)
    return _mask(value)


def _mask_unless_reference(value: Any) -> Any:
    return value if is_reference(value) else MASK
