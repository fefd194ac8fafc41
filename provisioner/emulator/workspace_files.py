"""Files and folders of the workspace, where bundles keep what they have deployed.

Sources: the workspace API of databricks-sdk 0.156 (operations, fields, error codes), and the
Databricks CLI, libs/filer (statuses that it depends on, paths with and without ``/Workspace``).
"""

from __future__ import annotations

import base64
import binascii
from email.message import MIMEPart
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from provisioner.emulator import workspace_tree
from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import choice, flag, record, text
from provisioner.emulator.workspace_tree import (
    ALWAYS_THERE,
    DIRECTORY,
    FILE,
    PREFIX,
    TreeEntry,
    canonical_path,
)

BASE = "/api/2.0/workspace"
IMPORT_FILE = "/api/2.0/workspace-files/import-file/{path+}"
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


def get_status(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns what is at a path."""
    path = canonical_path(request.query.get("path"))
    entry = workspace_tree.require(workspace.store, path)
    return ApiResponse(_view(entry, request.query["path"]))


def list_folder(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns what is in a folder, by name; of a file, itself."""
    store, requested_path = workspace.store, request.query.get("path", "")
    entry = workspace_tree.require(store, canonical_path(requested_path))
    is_file = entry.kind == FILE
    entries = [entry] if is_file else workspace_tree.children(store, entry.path)
    return ApiResponse({"objects": [_view(each, requested_path) for each in entries]})


def mkdirs(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Makes a folder with all above it; an existing one stays."""
    path = canonical_path(PATH(request.json(), "")["path"])
    workspace_tree.make_folders(workspace.store, path, request.caller)
    return ApiResponse()


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes a file, an empty folder, or with ``recursive`` a folder with its content."""
    store, sent = workspace.store, DELETE(request.json(), "")
    entry = workspace_tree.require(store, canonical_path(sent["path"]))
    # rule(assumed, always): The root, /Users and /Shared stay, because the workspace cannot be
    #     without them. [serving-api 10.11]
    if entry.path in ALWAYS_THERE:
        raise invalid(f"Folder {entry.path} cannot be deleted.")
    below = workspace_tree.below(store, entry.path)
    # rule(documented): A folder that is not empty is deleted with recursive only. [SDK: text of
    #     workspace.delete]
    if below and not sent.get("recursive"):
        raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder {entry.path} is not empty.")
    workspace_tree.delete(store, [*below, entry])
    return ApiResponse()


def import_file(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Writes the body as a file into an existing folder. ``?overwrite=true`` replaces one."""
    path = canonical_path("/" + request.parameters["path"])
    parent = workspace_tree.find(workspace.store, workspace_tree.parent_of(path))
    if parent is None or parent.kind != DIRECTORY:
        raise workspace_tree.missing(workspace_tree.parent_of(path))
    refusal = None if request.query.get("overwrite") == "true" else 409
    workspace_tree.write(workspace.store, path, request.body, request.caller, refusal)
    return ApiResponse()


def import_content(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Writes a file from base64 ``content``. Forms with a file in them are not taken."""
    is_form = request.headers.get("content-type", "").lower().startswith("multipart/")
    sent, content = _form(request) if is_form else _decoded(IMPORT(request.json(), ""))
    refusal = None if sent.get("overwrite") else 400
    path = canonical_path(sent["path"])
    workspace_tree.write(workspace.store, path, content, request.caller, refusal)
    return ApiResponse()


def _decoded(sent: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    # rule(documented): content is base64. [SDK: text of workspace.import_]
    try:
        return sent, base64.b64decode(sent.get("content", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("content is not valid base64.") from error


def _form(request: ApiRequest) -> tuple[dict[str, Any], bytes]:
    """The fields of a form, and its file. [serving-api 10.18: used by a public client]"""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode("latin-1", "replace")
    # The policy for HTTP keeps the bytes of each part as they are.
    form = BytesParser(policy=HTTP).parsebytes(head + request.body)
    parts = {
        str(part.get_param("name", header="content-disposition")): _bytes_of(part)
        for part in (form.iter_parts() if form.is_multipart() else ())
    }
    # rule(documented): A form is complete and its fields are text. [RFC 7578]
    try:
        fields = {name: part.decode() for name, part in parts.items() if name != "content"}
    except UnicodeDecodeError as error:
        raise invalid("The form holds text that is not valid.") from error
    # rule(documented): A form is complete and its fields are text. [RFC 7578]
    if not parts or form.defects:
        raise invalid("The body is not a complete form.")
    return IMPORT(fields, ""), parts.get("content", b"")


def _bytes_of(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def export(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the file in base64, or as it is with ``direct_download=true``."""
    path = canonical_path(request.query.get("path"))
    entry = workspace_tree.require(workspace.store, path)
    kind, content = entry.kind, entry.content
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


def _view(entry: TreeEntry, requested_path: str) -> dict[str, Any]:
    """Returns a file or folder, with ``/Workspace`` if asked for so, which the CLI compares."""
    is_prefixed = requested_path == PREFIX or requested_path.startswith(f"{PREFIX}/")
    shown = {
        "path": PREFIX + entry.path if is_prefixed else entry.path,
        "object_type": entry.kind,
        "object_id": entry.id,
        "resource_id": str(entry.id),
    }
    if entry.kind != FILE:
        return shown
    times = {"created_at": entry.created_ms, "modified_at": entry.modified_ms}
    return shown | times | {"size": len(entry.content)}


ROUTES = (
    ApiRoute("GET", f"{BASE}/get-status", get_status),
    ApiRoute("GET", f"{BASE}/list", list_folder),
    ApiRoute("POST", f"{BASE}/mkdirs", mkdirs),
    ApiRoute("POST", f"{BASE}/delete", delete),
    ApiRoute("POST", f"{BASE}/import", import_content),
    ApiRoute("GET", f"{BASE}/export", export),
    ApiRoute("POST", IMPORT_FILE, import_file),
)
