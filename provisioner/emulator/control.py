"""The emulator's own routes, for tests and demonstrations; no real workspace has them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from provisioner.emulator.faults import request_log
from provisioner.emulator.faults import rules as faults
from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.serving import metrics
from provisioner.emulator.serving.system_endpoints import add_missing
from provisioner.emulator.unity_catalog import securables

# rules(local): The routes below this prefix belong to the local workspace.

MOST_NEWEST = 1000


def requests(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the request log in order. ``?after=N`` leaves out the first requests.

    ``?newest=N`` returns the newest N requests that changed or queried something instead, newest
    first, with ``&endpoint=NAME`` those about one endpoint.
    """
    if "newest" in request.query:
        return _newest(workspace, request)
    after = request.query.get("after", "0")
    if not after.isdecimal():
        raise invalid("after must be the number of a request.")
    entries = request_log.entries(workspace.store, int(after))
    return ApiResponse({"requests": entries, "count": len(entries)})


def _newest(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    most = request.query["newest"]
    if not most.isdecimal() or not 0 < int(most) <= MOST_NEWEST:
        raise invalid(f"newest must be a number from 1 to {MOST_NEWEST}.")
    entries = request_log.newest(workspace.store, int(most), request.query.get("endpoint", ""))
    return ApiResponse({"requests": entries, "count": len(entries)})


def reset(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes the requests with ``{"what": "log"}``, else everything."""
    what = request.json().get("what", "everything")
    if what not in ("log", "everything"):
        raise invalid("what must be log or everything.")
    if what == "log":
        workspace.store.clear(["requests"])
    else:
        workspace.statements.clear()
        workspace.store.clear(workspace.store.tables())
        add_missing(workspace.store)
    return ApiResponse()


def add_faults(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Adds fault rules: ``{"rules": [...]}``. ``faults.rules`` describes a rule."""
    faults.add_rules(workspace.store, request.json().get("rules"))
    return list_faults(workspace, request)


def list_faults(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the fault rules, with how often each was met and used."""
    return ApiResponse({"rules": faults.list_rules(workspace.store)})


def delete_faults(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes all fault rules."""
    workspace.store.clear(["faults"])
    return ApiResponse()


def clock(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Moves the workspace's clock forward by ``{"advance_s": S}``, for all of its processes."""
    advance_s = request.json().get("advance_s", 0)
    if not isinstance(advance_s, int | float) or not 0 <= advance_s < 10**9:
        raise invalid("advance_s must be a number of seconds, not negative.")
    offset_ms = workspace.store.fact("clock_offset_ms") + round(advance_s * 1000)
    workspace.store.set_fact("clock_offset_ms", offset_ms)
    return ApiResponse({"now_ms": workspace.store.now_ms()})


def services(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the full names of all services: no route of the API lists across schemas."""
    kinds = {
        "model-services": securables.MODEL_SERVICE,
        "model-provider-services": securables.PROVIDER_SERVICE,
        "mcp-services": securables.MCP_SERVICE,
    }
    names = {plural: securables.full_names(workspace.store, kind) for plural, kind in kinds.items()}
    return ApiResponse(names)


def metrics_form(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Chooses whether metrics tell the served entities apart: ``{"entities": false}``."""
    tells_apart = request.json().get("entities", True)
    if not isinstance(tells_apart, bool):
        raise invalid("entities must be true or false.")
    workspace.store.set_fact(metrics.WITHOUT_LABELS, int(not tells_apart))
    return ApiResponse()


ROUTES = (
    ApiRoute("GET", f"/{CONTROL_PREFIX}/requests", requests),
    ApiRoute("GET", f"/{CONTROL_PREFIX}/services", services),
    ApiRoute("POST", f"/{CONTROL_PREFIX}/reset", reset),
    ApiRoute("GET", f"/{CONTROL_PREFIX}/faults", list_faults),
    ApiRoute("POST", f"/{CONTROL_PREFIX}/faults", add_faults),
    ApiRoute("DELETE", f"/{CONTROL_PREFIX}/faults", delete_faults),
    ApiRoute("POST", f"/{CONTROL_PREFIX}/clock", clock),
    ApiRoute("POST", f"/{CONTROL_PREFIX}/metrics", metrics_form),
)


# Serves the files of the console, the page at ``/``.
# The page is public, as it holds nothing of the workspace: it calls the API like any other client.

# rules(local): The console belongs to the local workspace.

# The first segment of every path here but `/`. These requests are neither logged nor faulty.
PREFIX = "console"
FOLDER = Path(__file__).parent / "console"
INDEX = "index.html"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Nothing from elsewhere, no inline script or style, no text that becomes a script or markup.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Kept, but asked for each time: the page must be the one of the running version.
    "Cache-Control": "no-cache",
}


@lru_cache(maxsize=1)
def files() -> dict[str, str]:
    """Returns the text of each file by its name."""
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in sorted(FOLDER.iterdir())
        if file.suffix in TYPES
    }


def index(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the console's page."""
    return _answer(INDEX, request)


def file(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns a file of the console. Raises ApiError 404 for any other name."""
    name = request.parameters["file"]
    if name not in files():
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"The console has no file '{name}'.")
    return _answer(name, request)


def _answer(name: str, request: ApiRequest) -> ApiResponse:
    text = files()[name]
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return ApiResponse(status=304, headers=headers)
    return ApiResponse(text=text, headers=headers, content_type=TYPES[Path(name).suffix])


# A browser asks before it has a token. HEAD is GET without the body, which the server leaves out.
PAGE_ROUTES = tuple(
    ApiRoute(method, pattern, handler, atomic=False, needs_token=False)
    for method in ("GET", "HEAD")
    for pattern, handler in (("/", index), (f"/{PREFIX}/{{file}}", file))
)
