"""The SDK's unified authentication as a source of headers, and nothing else of the SDK."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.errors import LoginError, UnreachableError
from provisioner.workspace.hosts import Host
from provisioner.workspace.redaction import Redactor

if TYPE_CHECKING:
    from databricks.sdk.config import Config

    from provisioner.workspace.credentials import Login
    from provisioner.workspace.profiles import Profile

# The SDK asks the host for its metadata first, and by default for five minutes.
_ISSUER_S = 20

_SECRET_KEYS = ("token", "password", "client_secret", "google_credentials", "azure_client_secret")
_SECRET_VARIABLES = (
    "DATABRICKS_TOKEN",
    "DATABRICKS_PASSWORD",
    "DATABRICKS_CLIENT_SECRET",
    "GOOGLE_CREDENTIALS",
    "ARM_CLIENT_SECRET",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)


def sdk_login(
    host: Host, profile: Profile | None, environ: Mapping[str, str], requested: str
) -> Login:
    """Let the SDK choose and carry out the method; ``requested`` names it if anybody does.

    Raises LoginError when there is none (E401), or it fails (E406).
    """
    from databricks.sdk.config import Config

    from provisioner.workspace.credentials import Login

    # It warns about what it goes on without, and its debug output holds request bodies.
    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
    redactor = _redactor(profile, environ)
    try:
        config = Config(
            host=str(host),
            profile=profile.name if profile else None,
            config_file=environ.get("DATABRICKS_CONFIG_FILE") or None,
            retry_timeout_seconds=_ISSUER_S,
            http_timeout_seconds=_ISSUER_S,
        )
    except Exception as error:
        text = redactor.clean(str(error))
        if not requested and "cannot configure default credentials" in text:
            raise no_login(host) from None
        message = f"the login for {host} with {requested or 'the SDK'} failed: {text}"
        raise LoginError.of("E406", message, hint=f"see {_AUTH_PAGE}") from None
    method = str(config.auth_type)
    source = profile.source if profile else "the process's environment"
    return Login(host, method, source, SdkHeaders(config, redactor))


_AUTH_PAGE = "https://docs.databricks.com/aws/en/dev-tools/auth/unified-auth"


class SdkHeaders:
    """Fresh headers from the SDK, which renews tokens itself.

    A lock, because only some of the SDK's methods say that threads may share them.
    """

    def __init__(self, config: Config, redactor: Redactor) -> None:
        self._config = config
        self._redactor = redactor
        self._lock = threading.Lock()

    def __call__(self) -> Mapping[str, str]:
        """Raises UnreachableError when the issuer does not answer, else LoginError."""
        try:
            with self._lock:
                return dict(self._config.authenticate())
        except Exception as error:
            text = self._redactor.clean(str(error))
            # Network errors of `requests` and of the SDK's own client are OSErrors.
            kind = UnreachableError if isinstance(error, OSError) else LoginError
            raise kind.of("E406", f"a new token could not be had: {text}") from None


def _redactor(profile: Profile | None, environ: Mapping[str, str]) -> Redactor:
    settings = profile.settings if profile else {}
    values = [settings.get(key, "") for key in _SECRET_KEYS]
    return Redactor([*values, *(environ.get(name, "") for name in _SECRET_VARIABLES)])


def no_login(host: Host) -> Exception:
    """The error that names the three ways out which most people need."""
    return LoginError.of(
        "E401",
        f"no login for {host}",
        hint="one of: export DATABRICKS_TOKEN=<a personal access token>; "
        f"`databricks auth login --host {host}` and then -p PROFILE; in CI a service "
        "principal: DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET, or with "
        "DATABRICKS_AUTH_TYPE=github-oidc",
    )
