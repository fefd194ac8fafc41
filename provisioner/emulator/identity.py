"""Who asks: the token, the one user of a local workspace, and what clients ask before all else."""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import parse_qs

from provisioner.emulator.routing import Answer, ApiError, Caller, Request, Route, Workspace

# A local workspace has one user, its administrator.
CALLER = Caller("local-user@example.com", "Local User", ("admins", "users"))
USER_ID = "1000000000000001"
WORKSPACE_ID = "900800700600"


def check_token(authorization: str, token: str) -> None:
    """Take ``Bearer T`` and ``Basic token:T`` alike, as curl and old clients send it.

    Raises ApiError UNAUTHENTICATED; the reference also says UNAUTHORIZED. [serving-api 8.4]
    """
    given = password_of(authorization, user="token") or _bearer_of(authorization)
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        raise ApiError(401, "UNAUTHENTICATED", "Credential was not sent or is not valid.")


def password_of(authorization: str, user: str = "") -> str:
    """The password of a Basic header; "" for another header, or for another ``user``."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if user in ("", name) else ""


def _bearer_of(authorization: str) -> str:
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def me(workspace: Workspace, request: Request) -> Answer:
    """[serving-api 1.11: the keys that Terraform and the CLI read; 5.5: the header]"""
    caller = request.caller
    return Answer(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": USER_ID,
            "userName": caller.name,
            "displayName": caller.display_name,
            "active": True,
            "name": {"givenName": "Local", "familyName": "User"},
            "emails": [{"type": "work", "value": caller.name, "primary": True}],
            "groups": [{"display": group, "type": "direct"} for group in caller.groups],
        },
        headers={"X-Databricks-Org-Id": WORKSPACE_ID},
    )


def well_known(workspace: Workspace, request: Request) -> Answer:
    """Asked without credentials by every client of the SDK. [serving-api 5.5]"""
    return Answer({"oidc_endpoint": f"{request.base_url}/oidc", "workspace_id": WORKSPACE_ID})


def oauth_server(workspace: Workspace, request: Request) -> Answer:
    """[serving-api 5.5: discovery of the token endpoint]"""
    return Answer(
        {
            "authorization_endpoint": f"{request.base_url}/oidc/v1/authorize",
            "token_endpoint": f"{request.base_url}/oidc/v1/token",
        }
    )


def oauth_token(workspace: Workspace, request: Request) -> Answer:
    """Client credentials: any client id, with the workspace's token as its secret."""
    form = parse_qs(request.body.decode("utf-8", "replace"))
    sent = form.get("client_secret", [""])[0]
    secret = password_of(request.headers.get("authorization", "")) or sent
    token = workspace.settings.token
    if form.get("grant_type") != ["client_credentials"]:
        raise _oauth_error(400, "unsupported_grant_type")
    if not hmac.compare_digest(secret.encode(), token.encode()):
        raise _oauth_error(401, "invalid_client")
    return Answer({"access_token": token, "token_type": "Bearer", "expires_in": 3600})


def _oauth_error(status: int, error: str) -> ApiError:
    # RFC 6749 wants `error`; the other two keys are for clients that expect the service's shape.
    return ApiError(status, "INVALID_CLIENT", "No token for this client.", extra={"error": error})


def telemetry(workspace: Workspace, request: Request) -> Answer:
    """The Databricks CLI reports its use. [serving-api 5.5]"""
    return Answer()


ROUTES = (
    Route("GET", "/.well-known/databricks-config", well_known, needs_token=False),
    Route("GET", "/api/2.0/preview/scim/v2/Me", me),
    Route("GET", "/oidc/.well-known/oauth-authorization-server", oauth_server, needs_token=False),
    Route(
        "GET",
        "/oidc/accounts/{account}/.well-known/oauth-authorization-server",
        oauth_server,
        needs_token=False,
    ),
    Route("POST", "/oidc/v1/token", oauth_token, needs_token=False),
    Route("POST", "/telemetry-ext", telemetry),
)
