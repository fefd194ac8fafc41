"""Files and folders of the workspace, where bundles keep what they have deployed.

Every import makes a file, also of what the service would take for a notebook. Sources: the
workspace API of databricks-sdk 0.156 (operations, fields, error codes), and the Databricks CLI,
libs/filer (statuses that it depends on, paths with and without ``/Workspace``).
"""

from __future__ import annotations

import base64
import binascii
import secrets
from functools import partial
from typing import Any

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import choice, flag, record, text
from provisioner.emulator.http.store import Store

BASE = "/api/2.0/workspace"
IMPORT_FILE = "/api/2.0/workspace-files/import-file/{path+}"
DIRECTORY, FILE = "DIRECTORY", "FILE"
# The service's own name for the root; both spellings lead to the same files.
PREFIX = "/Workspace"
# The place of each is its id: the root has 0. [serving-api 10.2: used by a public client]
ALWAYS_THERE = ("/", "/Users", "/Shared")
# "Currently, this API can only export files up to 10 MB": the SDK's text.
LARGEST_EXPORT_BYTES = 10 * 1024 * 1024
FORMATS = ("AUTO", "DBC", "HTML", "JUPYTER", "RAW", "R_MARKDOWN", "SOURCE")
LANGUAGES = ("PYTHON", "R", "SCALA", "SQL")
PATH = record({"path": text}, needed=("path",))
DELETE = record({"path": text, "recursive": flag}, needed=("path",))
IMPORT = record(
    {
        "path": text,
        "content": text,
        "format": choice(*FORMATS),
        "language": choice(*LANGUAGES),
        "overwrite": flag,
    },
    needed=("path",),
)

Row = tuple[Any, ...]


def get_status(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """What is at a path."""
    path = _path(request.query.get("path"))
    return ApiResponse(_view(_require(workspace.store, path), request.query["path"]))


def list_folder(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """What is in a folder, by name; of a file, itself."""
    store, asked = workspace.store, request.query.get("path", "")
    path = _path(asked)
    entry = _require(store, path)
    if entry[1] == FILE:
        return ApiResponse({"objects": [_view(entry, asked)]})
    inside = path.rstrip("/") + "/"
    rows = [row for row in _below(store, path) if "/" not in row[0][len(inside) :]]
    if path == "/":
        # The root shows what is always there. [serving-api 10.11: used by a public client]
        rows = sorted([*rows, *map(partial(_require, store), ALWAYS_THERE[1:])])
    return ApiResponse({"objects": [_view(row, asked) for row in rows]})


def mkdirs(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """A folder with all above it; one that is there already stays."""
    _make_folders(workspace.store, _path(PATH(request.json(), "")["path"]))
    return ApiResponse()


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """A file, an empty folder, or with ``recursive`` a folder with all that is in it."""
    store, sent = workspace.store, DELETE(request.json(), "")
    path = _path(sent["path"])
    _require(store, path)
    # rule(assumed): The root, /Users and /Shared stay. [serving-api 10.11]
    if path in ALWAYS_THERE:
        raise invalid(f"Folder {path} cannot be deleted.")
    below = _below(store, path)
    # rule(documented): A folder that is not empty is deleted with recursive only. [SDK: text of
    #     workspace.delete]
    if below and not sent.get("recursive"):
        raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder {path} is not empty.")
    for row in (*below, (path,)):
        store.change("DELETE FROM files WHERE path = ?", row[0])
    return ApiResponse()


def import_file(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """The body is the file; its folder must be there. ``?overwrite=true`` replaces one."""
    path = _path("/" + request.parameters["path"])
    parent = path.rpartition("/")[0] or "/"
    if _kind(workspace.store, parent) != DIRECTORY:
        raise _missing(parent)
    overwrites = request.query.get("overwrite") == "true"
    _write(workspace.store, path, request.body, overwrites=overwrites, status=409)
    return ApiResponse()


def import_content(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """``content`` in base64. A form with a file in it, the other way to send it, is not taken."""
    # rule(local): Imports are taken as JSON, not as a form. [serving-api 10.18]
    if request.headers.get("content-type", "").startswith("multipart/"):
        message = "The local workspace takes imports as JSON only."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    sent = IMPORT(request.json(), "")
    # rule(documented): content is base64. [SDK: text of workspace.import_]
    try:
        content = base64.b64decode(sent.get("content", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("content is not valid base64.") from error
    overwrites = bool(sent.get("overwrite"))
    _write(workspace.store, _path(sent["path"]), content, overwrites=overwrites, status=400)
    return ApiResponse()


def export(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """The file in base64, or as it is with ``direct_download=true``."""
    path = _path(request.query.get("path"))
    kind, content = _require(workspace.store, path)[1:3]
    # rule(local): Folders are not exported.
    if kind == DIRECTORY:
        raise invalid(f"{path} is a folder: the local workspace exports files only.")
    # rule(documented): An export has at most 10 MB. [SDK: text of workspace.export]
    if len(content) > LARGEST_EXPORT_BYTES:
        message = f"{path} is larger than 10 MB."
        raise ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", message)
    if request.query.get("direct_download") == "true":
        return ApiResponse(stream=[bytes(content)], content_type="application/octet-stream")
    name = path.rpartition("/")[2]
    file_type = name.rpartition(".")[2] if "." in name else ""
    return ApiResponse({"content": base64.b64encode(content).decode(), "file_type": file_type})


def _path(given: str | None) -> str:
    """The path as it is kept: absolute, without ``/Workspace``."""
    # rule(documented): A path is absolute. [SDK: text of workspace.get_status]
    if not given or not given.startswith("/"):
        raise invalid("path must be absolute: it begins with a slash.")
    parts = [part for part in given.split("/") if part]
    # rule(assumed): A path has no relative parts. [SDK: text of workspace.get_status]
    if any(part in (".", "..") or "\0" in part for part in parts):
        raise invalid("path must not hold relative parts.")
    if parts[:1] == [PREFIX[1:]]:
        del parts[0]
    return "/" + "/".join(parts)


def _write(store: Store, path: str, content: bytes, *, overwrites: bool, status: int) -> None:
    """[The CLI takes 409 of one call and 400 of the other for a file that is there already]"""
    kind = _kind(store, path)
    # rule(client): A file that is there already answers 409 to import-file and 400 to import, as
    #     the Databricks CLI expects. [Databricks CLI, libs/filer]
    if kind == DIRECTORY or (kind and not overwrites):
        raise ApiError(status, "RESOURCE_ALREADY_EXISTS", f"Path ({path}) already exists.")
    _make_folders(store, path.rpartition("/")[0] or "/")
    if kind:
        sql = "UPDATE files SET content = ?, modified_ms = ? WHERE path = ?"
        store.change(sql, content, store.now_ms(), path)
    else:
        _add(store, path, FILE, content)


def _make_folders(store: Store, path: str) -> None:
    parts = path.strip("/").split("/")
    for length in range(1, len(parts) + 1):
        folder = "/" + "/".join(parts[:length])
        kind = _kind(store, folder)
        # rule(client): A folder is not made in the place of a file. [Databricks CLI, libs/filer]
        if kind == FILE:
            message = f"Path ({folder}) already exists, and is no folder."
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", message)
        if not kind:
            _add(store, folder, DIRECTORY, b"")


def _add(store: Store, path: str, kind: str, content: bytes) -> None:
    now_ms, number = store.now_ms(), secrets.randbelow(9 * 10**14) + 10**14
    sql = "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)"
    store.change(sql, path, kind, content, number, now_ms, now_ms)


def _kind(store: Store, path: str) -> str:
    """ "" where nothing is at that path."""
    row = store.row("SELECT kind FROM files WHERE path = ?", path)
    return str(row[0]) if row else DIRECTORY if path in ALWAYS_THERE else ""


def _require(store: Store, path: str) -> Row:
    row = store.row("SELECT * FROM files WHERE path = ?", path)
    if row:
        return row
    if path in ALWAYS_THERE:
        return (path, DIRECTORY, b"", ALWAYS_THERE.index(path), 0, 0)
    raise _missing(path)


# rule(client): A missing path answers 404, as the Databricks CLI expects. [Databricks CLI,
#     libs/filer]
def _missing(path: str) -> ApiError:
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({path}) doesn't exist.")


def _below(store: Store, path: str) -> list[Row]:
    """Everything in a folder and in its folders, by path."""
    inside = path.rstrip("/") + "/"
    sql = "SELECT * FROM files WHERE substr(path, 1, ?) = ? AND path != ? ORDER BY path"
    return store.rows(sql, len(inside), inside, path)


def _view(row: Row, asked: str) -> dict[str, Any]:
    """With ``/Workspace`` where it was asked for so, which the CLI compares."""
    path, kind, content, number, created_ms, modified_ms = row
    is_prefixed = asked == PREFIX or asked.startswith(f"{PREFIX}/")
    shown = {
        "path": PREFIX + path if is_prefixed else path,
        "object_type": kind,
        "object_id": number,
        "resource_id": str(number),
    }
    times = {"created_at": created_ms, "modified_at": modified_ms, "size": len(content)}
    return shown | (times if kind == FILE else {})


ROUTES = (
    ApiRoute("GET", f"{BASE}/get-status", get_status),
    ApiRoute("GET", f"{BASE}/list", list_folder),
    ApiRoute("POST", f"{BASE}/mkdirs", mkdirs),
    ApiRoute("POST", f"{BASE}/delete", delete),
    ApiRoute("POST", f"{BASE}/import", import_content),
    ApiRoute("GET", f"{BASE}/export", export),
    ApiRoute("POST", IMPORT_FILE, import_file),
)
