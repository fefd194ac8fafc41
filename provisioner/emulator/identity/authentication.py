"""Authentication: tokens, OAuth, and the calls that clients make before all others."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    Caller,
    EmulatedWorkspace,
)
from provisioner.emulator.identity import directory, groups

WORKSPACE_ID = "900800700600"
# What the data-plane client of the SDK asks with. [serving-api 1.14]
EXCHANGE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def caller_of(workspace: EmulatedWorkspace, authorization: str) -> Caller:
    """Returns the principal of a token, sent as ``Bearer T`` or as ``Basic token:T``.

    Raises ApiError UNAUTHENTICATED.
    """
    given = password_of(authorization, user="token") or _bearer_of(authorization)
    if _matches(given, workspace.settings.token):
        return directory.local_user(workspace.store)
    if caller := directory.by_token(workspace.store, given):
        return caller
    if caller := directory.by_login(workspace.store, given):
        return replace(caller, has_login=True)
    # rule(documented): A call needs a token; UNAUTHENTICATED and UNAUTHORIZED are both documented.
    #     [serving-api 8.4]
    raise ApiError(401, "UNAUTHENTICATED", "Credential was not sent or is not valid.")


def _matches(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def password_of(authorization: str, user: str) -> str:
    """Returns the password of a Basic header; "" for another header, or another ``user``."""
    name, password = login_of(authorization)
    return password if user == name else ""


def login_of(authorization: str) -> tuple[str, str]:
    """Returns user and password of a Basic header; both are "" for another header."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _bearer_of(authorization: str) -> str:
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def me(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the caller as a SCIM user.

    It has the keys and the header that Terraform and the CLI read. [serving-api 1.11, 5.5]
    """
    caller = request.caller
    return ApiResponse(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": caller.id,
            "userName": caller.name,
            "displayName": caller.display_name,
            "active": True,
            "name": {"givenName": caller.display_name},
            "emails": [{"type": "work", "value": caller.name, "primary": True}],
            "groups": groups.view_of(workspace.store, caller),
        },
        headers={"X-Databricks-Org-Id": WORKSPACE_ID},
    )


def well_known(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the host's metadata, which every client of the SDK reads first. [serving-api 5.5]"""
    return ApiResponse({"oidc_endpoint": f"{request.base_url}/oidc", "workspace_id": WORKSPACE_ID})


def oauth_server(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the addresses of the OAuth server. [serving-api 5.5]"""
    return ApiResponse(
        {
            "authorization_endpoint": f"{request.base_url}/oidc/v1/authorize",
            "token_endpoint": f"{request.base_url}/oidc/v1/token",
        }
    )


def oauth_token(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns an OAuth token: for client credentials, or in exchange for another OAuth token."""
    form = {
        key: values[0] for key, values in parse_qs(request.body.decode("utf-8", "replace")).items()
    }
    if form.get("grant_type") == "client_credentials":
        caller = _client(workspace, request.headers.get("authorization", ""), form)
    elif form.get("grant_type") == EXCHANGE:
        caller = directory.by_login(workspace.store, form.get("assertion", ""))
    else:
        raise _oauth_error(400, "unsupported_grant_type")
    if caller is None:
        raise _oauth_error(401, "invalid_client")
    token = directory.log_in(workspace.store, caller)
    return ApiResponse(
        {"access_token": token, "token_type": "Bearer", "expires_in": directory.LOGIN_S}
    )


def _client(
    workspace: EmulatedWorkspace, authorization: str, form: Mapping[str, str]
) -> Caller | None:
    """Returns the service principal, or the local user for any id with the workspace's token."""
    name, secret = login_of(authorization)
    name, secret = name or form.get("client_id", ""), secret or form.get("client_secret", "")
    if _matches(secret, workspace.settings.token):
        return directory.local_user(workspace.store)
    return directory.by_client(workspace.store, name, secret)


# rule(client): A token that is refused has the error codes of OAuth. [serving-api 5.5]
def _oauth_error(status: int, error: str) -> ApiError:
    """Returns the error for a token that is refused."""
    # RFC 6749 wants `error`; the other two keys are for clients that expect the service's shape.
    return ApiError(status, "INVALID_CLIENT", "No token for this client.", extra={"error": error})


def telemetry(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Takes the usage report of the Databricks CLI. [serving-api 5.5]"""
    return ApiResponse()


ROUTES = (
    ApiRoute("GET", "/.well-known/databricks-config", well_known, needs_token=False),
    ApiRoute("GET", "/api/2.0/preview/scim/v2/Me", me),
    ApiRoute(
        "GET", "/oidc/.well-known/oauth-authorization-server", oauth_server, needs_token=False
    ),
    ApiRoute(
        "GET",
        "/oidc/accounts/{account}/.well-known/oauth-authorization-server",
        oauth_server,
        needs_token=False,
    ),
    ApiRoute("POST", "/oidc/v1/token", oauth_token, needs_token=False),
    ApiRoute("POST", "/telemetry-ext", telemetry),
)
