"""The state of a local workspace in SQLite: one file, or memory. Knows tables, not the API.

Two processes may share a file: every change is made in a transaction that begins IMMEDIATE.
The clock is in here too, because moving it forward must be seen by all of them.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioner.emulator.http.settings import MEMORY

BUSY_TIMEOUT_S = 30.0

# The header of a file says that it is ours: https://www.sqlite.org/fileformat.html
MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 72
APPLICATION_ID_AT = 68
APPLICATION_ID = 0x50524F56
APPLICATION_ID_BYTES = APPLICATION_ID.to_bytes(4, "big")

# Table names say what their rows are. Scope names are compared without regard to case.
# [serving-api 4: scope names are case-insensitive]
SCHEMA = """
CREATE TABLE IF NOT EXISTS endpoints (
    name TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, pending INTEGER NOT NULL, record TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS stale (
    name TEXT PRIMARY KEY, record TEXT NOT NULL, reads_left INTEGER NOT NULL,
    due_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, kind TEXT NOT NULL, content BLOB NOT NULL, id INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS known_ids (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS grants (
    object_id TEXT, kind TEXT, principal TEXT COLLATE NOCASE, level TEXT NOT NULL,
    PRIMARY KEY (object_id, kind, principal)
);
CREATE TABLE IF NOT EXISTS scopes (
    name TEXT COLLATE NOCASE PRIMARY KEY, backend TEXT NOT NULL, keyvault TEXT
);
CREATE TABLE IF NOT EXISTS secrets (
    scope TEXT COLLATE NOCASE, key TEXT, value BLOB NOT NULL, updated_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE TABLE IF NOT EXISTS scope_acls (
    scope TEXT COLLATE NOCASE, principal TEXT, permission TEXT NOT NULL,
    PRIMARY KEY (scope, principal)
);
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, query TEXT NOT NULL, status INTEGER NOT NULL,
    user_agent TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0,
    fired INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS usage (
    bucket TEXT, period_start_ms INTEGER, calls INTEGER NOT NULL, tokens INTEGER NOT NULL,
    PRIMARY KEY (bucket, period_start_ms)
);
CREATE TABLE IF NOT EXISTS principals (
    name TEXT COLLATE NOCASE PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,
    display_name TEXT NOT NULL, groups TEXT NOT NULL, token TEXT NOT NULL UNIQUE, client_secret TEXT
);
CREATE TABLE IF NOT EXISTS workspace_groups (
    id TEXT PRIMARY KEY, name TEXT COLLATE NOCASE NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS scim_attributes (id TEXT PRIMARY KEY, attributes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS logins (
    token TEXT PRIMARY KEY, principal TEXT COLLATE NOCASE NOT NULL, expires_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS payloads (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE NOT NULL,
    kind TEXT NOT NULL, row TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS measured_calls (
    number INTEGER PRIMARY KEY AUTOINCREMENT, endpoint_id TEXT NOT NULL, entity TEXT NOT NULL,
    at_ms INTEGER NOT NULL, status INTEGER NOT NULL, duration_ms REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS measured_calls_by_time ON measured_calls (endpoint_id, at_ms);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS models (
    full_name TEXT COLLATE NOCASE PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL,
    comment TEXT NOT NULL, created_by TEXT NOT NULL, created_ms INTEGER NOT NULL,
    updated_by TEXT NOT NULL, updated_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS namespaces (
    full_name TEXT COLLATE NOCASE PRIMARY KEY, owner TEXT NOT NULL, comment TEXT NOT NULL,
    created_by TEXT NOT NULL, created_ms INTEGER NOT NULL,
    updated_by TEXT NOT NULL, updated_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS securables (
    kind TEXT, full_name TEXT COLLATE NOCASE, record TEXT NOT NULL, PRIMARY KEY (kind, full_name)
);
CREATE TABLE IF NOT EXISTS model_versions (
    model TEXT COLLATE NOCASE, version INTEGER, status TEXT NOT NULL, comment TEXT NOT NULL,
    created_by TEXT NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY (model, version)
);
CREATE TABLE IF NOT EXISTS model_aliases (
    model TEXT COLLATE NOCASE, alias TEXT COLLATE NOCASE, version INTEGER NOT NULL,
    PRIMARY KEY (model, alias)
);
CREATE TABLE IF NOT EXISTS privileges (
    securable TEXT COLLATE NOCASE, principal TEXT COLLATE NOCASE, privilege TEXT NOT NULL,
    PRIMARY KEY (securable, principal, privilege)
);
"""


class Store:
    """Holds the state in SQLite: one connection for all threads, one transaction at a time."""

    def __init__(self, path: str | Path) -> None:
        """Opens or creates the store. A file is readable by its owner only.

        Raises sqlite3.DatabaseError for a file that is no store, OSError where the file or its
        folder cannot be made.
        """
        self._lock = threading.RLock()
        if str(path) != MEMORY:
            _make_private_file(Path(path))
        self._connection = sqlite3.connect(
            str(path), timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except sqlite3.Error:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        if self.row("PRAGMA application_id") != (APPLICATION_ID,):
            # Before there is a log: the next process looks for it in the main file.
            self.change(f"PRAGMA application_id = {APPLICATION_ID}")
        # Write-ahead log: a reader in another process never blocks; no fsync per request.
        self.change("PRAGMA journal_mode = WAL")
        self.change("PRAGMA synchronous = NORMAL")
        # What was deleted, a secret for instance, is overwritten.
        self.change("PRAGMA secure_delete = ON")
        self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Makes all changes of the block or none. A nested transaction joins the outer one."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                # Still open after an error, but not where SQLite has ended it (disk full).
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def change(self, sql: str, *values: Any) -> int:
        """Runs a statement, and returns the number of rows that it changed."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Returns all rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """Returns the first row of a query, or None."""
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return row

    def now_ms(self) -> int:
        """Returns the time in ms since the epoch: the computer's, and what was added."""
        return int(time.time() * 1000) + self.fact("clock_offset_ms")

    def fact(self, name: str) -> int:
        """Returns a named number; 0 where it was never set."""
        row = self.row("SELECT value FROM facts WHERE name = ?", name)
        return int(row[0]) if row else 0

    def set_fact(self, name: str, value: int) -> None:
        """Sets a named number."""
        self.change("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value)

    def tables(self) -> list[str]:
        """Returns the names of all tables."""
        return [
            name
            for (name,) in self.rows(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        ]

    def clear(self, tables: Sequence[str]) -> None:
        """Empties tables. The names come from the code, never from a client."""
        with self.transaction():
            for table in tables:
                self.change(f"DELETE FROM {table}")

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._connection.close()


def _make_private_file(path: Path) -> None:
    """Makes the state file readable by its owner only; SQLite's side files get the same mode.

    A file that is no store is not changed. Raises sqlite3.DatabaseError for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        # A pipe would never end, and a device may have no end.
        raise sqlite3.DatabaseError(f"{path} is not a file")
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
        header = file.read(HEADER_BYTES)
        is_ours = header[:16] == MAGIC and header[APPLICATION_ID_AT:] == APPLICATION_ID_BYTES
        if header and not is_ours:
            raise sqlite3.DatabaseError(f"{path} is not the state of a local workspace")
        if os.name == "posix":
            os.fchmod(file.fileno(), 0o600)
