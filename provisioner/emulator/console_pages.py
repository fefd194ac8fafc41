"""Serves the files of the console, the page at ``/``.

The page is public, as it holds nothing of the workspace: it calls the API like any other client.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
)

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
ROUTES = tuple(
    ApiRoute(method, pattern, handler, atomic=False, needs_token=False)
    for method in ("GET", "HEAD")
    for pattern, handler in (("/", index), (f"/{PREFIX}/{{file}}", file))
)
