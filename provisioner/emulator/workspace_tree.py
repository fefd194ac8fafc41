"""The tree of files and folders of the workspace, as it is kept.

Every import makes a file, also of what the service would take for a notebook. Sources: the
workspace API of databricks-sdk 0.156, and the Databricks CLI, libs/filer (statuses that it depends
on, paths with and without ``/Workspace``).
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from provisioner.emulator.http.routing import ApiError, Caller, invalid
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import acls, directory

DIRECTORY, FILE = "DIRECTORY", "FILE"
# The service's own name for the root; both spellings lead to the same files.
PREFIX = "/Workspace"
# The place of each is its id: the root has 0. [serving-api 10.2: used by a public client]
ALWAYS_THERE = ("/", "/Users", "/Shared")
# The type in the path of the permissions API.
PERMISSION_TYPES = {DIRECTORY: "directories", FILE: "files"}
COLUMNS = "path, kind, content, id, created_ms, modified_ms"


class TreeEntry(NamedTuple):
    """A file, or a folder, whose ``content`` is empty."""

    path: str
    kind: str
    content: bytes
    id: int
    created_ms: int
    modified_ms: int

    @property
    def object_id(self) -> str:
        """Returns the name under which its permissions are kept and shown."""
        return f"/{PERMISSION_TYPES[self.kind]}/{self.id}"


def canonical_path(given: str | None) -> str:
    """Returns the path as it is kept: absolute, without ``/Workspace``. Raises ApiError."""
    # rule(documented): A path is absolute. [SDK: text of workspace.get_status]
    if not given or not given.startswith("/"):
        raise invalid("path must be absolute: it begins with a slash.")
    parts = [part for part in given.split("/") if part]
    # rule(assumed, always): A path has no relative parts, because no object has such a path. [SDK:
    #     text of workspace.get_status]
    if any(part in (".", "..") or "\0" in part for part in parts):
        raise invalid("path must not hold relative parts.")
    if parts[:1] == [PREFIX[1:]]:
        del parts[0]
    return "/" + "/".join(parts)


def find(store: Store, path: str) -> TreeEntry | None:
    row = store.row(f"SELECT {COLUMNS} FROM files WHERE path = ?", path)
    if row is None and path in ALWAYS_THERE:
        return TreeEntry(path, DIRECTORY, b"", ALWAYS_THERE.index(path), 0, 0)
    return TreeEntry(*row) if row else None


def require(store: Store, path: str) -> TreeEntry:
    """Returns what is at a path. Raises ApiError RESOURCE_DOES_NOT_EXIST."""
    entry = find(store, path)
    if entry is None:
        raise missing(path)
    return entry


def with_id(store: Store, number: int) -> TreeEntry | None:
    if 0 <= number < len(ALWAYS_THERE):
        return find(store, ALWAYS_THERE[number])
    row = store.row(f"SELECT {COLUMNS} FROM files WHERE id = ?", number)
    return TreeEntry(*row) if row else None


# rule(client): A missing path answers 404, as the Databricks CLI expects. [Databricks CLI,
#     libs/filer]
def missing(path: str) -> ApiError:
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({path}) doesn't exist.")


def below(store: Store, path: str) -> list[TreeEntry]:
    """Returns everything in a folder and in its folders, by path."""
    inside = path.rstrip("/") + "/"
    sql = f"SELECT {COLUMNS} FROM files WHERE substr(path, 1, ?) = ? AND path != ? ORDER BY path"
    return [TreeEntry(*row) for row in store.rows(sql, len(inside), inside, path)]


def children(store: Store, path: str) -> list[TreeEntry]:
    """Returns what is directly in a folder, by path."""
    inside = path.rstrip("/") + "/"
    entries = [entry for entry in below(store, path) if "/" not in entry.path[len(inside) :]]
    # The root shows what is always there. [serving-api 10.11: used by a public client]
    always = [require(store, there) for there in ALWAYS_THERE[1:]] if path == "/" else []
    return sorted([*entries, *always])


def write(store: Store, path: str, content: bytes, creator: Caller, refusal: int | None) -> None:
    """Writes a file and creates its folders. Without ``refusal`` it replaces a file.

    Raises ApiError with the status ``refusal`` where the file exists.
    """
    before = find(store, path)
    # rule(client): An existing file answers 409 to import-file and 400 to import, as
    #     the Databricks CLI expects. [Databricks CLI, libs/filer]
    if before and (before.kind == DIRECTORY or refusal):
        message = f"Path ({path}) already exists."
        raise ApiError(refusal or 400, "RESOURCE_ALREADY_EXISTS", message)
    make_folders(store, parent_of(path), creator)
    if before:
        sql = "UPDATE files SET content = ?, modified_ms = ? WHERE path = ?"
        store.change(sql, content, store.now_ms(), path)
    else:
        _add(store, path, FILE, content)


def make_folders(store: Store, path: str, creator: Caller) -> None:
    """Creates a folder and those above it. Raises ApiError where a file is in the way."""
    for folder in lineage(path):
        entry = find(store, folder)
        # rule(client): A folder is not made in the place of a file. [Databricks CLI, libs/filer]
        if entry and entry.kind == FILE:
            message = f"Path ({folder}) already exists, and is no folder."
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", message)
        if not entry:
            made = _add(store, folder, DIRECTORY, b"")
            acls.add_grants(store, made.object_id, _first_grants(store, folder, creator))


def delete(store: Store, entries: list[TreeEntry]) -> None:
    """Deletes the entries and their permissions."""
    for entry in entries:
        store.change("DELETE FROM files WHERE path = ?", entry.path)
        acls.put_grants(store, entry.object_id, ())


def lineage(path: str) -> list[str]:
    """Returns ``/``, ``/a`` and ``/a/b`` for ``/a/b``."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[:length]) for length in range(len(parts) + 1)]


def parent_of(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _add(store: Store, path: str, kind: str, content: bytes) -> TreeEntry:
    now_ms, number = store.now_ms(), secrets.randbelow(9 * 10**14) + 10**14
    entry = TreeEntry(path, kind, content, number, now_ms, now_ms)
    store.change(f"INSERT INTO files ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", *entry)
    return entry


def _first_grants(store: Store, path: str, creator: Caller) -> list[acls.Grant]:
    """Returns the grants of a new folder: a home is its user's, another folder its creator's.

    Below a home and below ``/Shared`` what is granted above is enough. [serving-api 10.20: used by
    a public client]
    """
    top, *inside = path.strip("/").split("/")
    if top == "Users" and len(inside) == 1:
        owner = directory.find(store, inside[0]) or Caller(inside[0], inside[0])
        return [(owner.kind, owner.name, acls.CAN_MANAGE)]
    if inside and top in ("Users", "Shared"):
        return []
    return [(creator.kind, creator.name, acls.CAN_MANAGE)]
