"""Finds the one login for a workspace, or says why there is none or more than one.

A host and a personal access token that are given need nothing else. Every other method is
the business of the SDK (``unified``), which is loaded only then: importing it takes a
second. Sources and their order are the SDK's: environment, then profile.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from provisioner.errors import LoginError, UnreachableError
from provisioner.model.secret import Secret
from provisioner.workspace import WorkspaceTarget
from provisioner.workspace.hosts import Host, read_host, resolve
from provisioner.workspace.profiles import ConfigFile, Profile, read_config_file
from provisioner.workspace.proxies import proxy_for
from provisioner.workspace.redaction import Redactor

if TYPE_CHECKING:
    from databricks.sdk.config import Config

    from provisioner.workspace.profiles import Profile


@dataclass(frozen=True, slots=True)
class Login:
    """Headers for one host. ``method`` and ``source`` are for messages, never a value.

    ``headers`` is called for every request, from any thread: tokens may be renewed.
    """

    host: Host
    method: str
    source: str
    headers: Callable[[], Mapping[str, str]] = field(repr=False)


class TokenHeaders:
    """The header of a token that does not change."""

    __slots__ = ("_header",)

    def __init__(self, token: Secret) -> None:
        self._header = Secret(f"Bearer {token.reveal()}")

    def __call__(self) -> Mapping[str, str]:
        return {"Authorization": self._header.reveal()}


def find_login(target: WorkspaceTarget, environ: Mapping[str, str]) -> Login:
    """The login for ``target``. The SDK, where it is asked, reads the process's own
    environment, so ``environ`` has to be that one.

    Raises LoginError: none, more than one, for another host, or refused by its issuer.
    """
    if target.token:
        host = read_host(target.host, "the target")
        return Login(host, "pat", "the local workspace", _headers(target.token, "it"))
    profile = _profile(target, environ)
    host = _host(target, environ, profile)
    methods = configured(environ, profile)
    forced = environ.get("DATABRICKS_AUTH_TYPE", "")
    if not forced:
        refuse_two(methods, environ, profile)
    token, source = _token(environ, profile)
    if token and (forced == "pat" or (not forced and methods[0].family == "pat")):
        return Login(host, "pat", source, _headers(token, source))
    # The SDK asks the host for its metadata for as long as its timeout allows, and reports a
    # name that does not exist as a missing login. Behind a proxy only the proxy knows the name.
    if proxy_for(host, environ) is None:
        resolve(host)
    method = f"DATABRICKS_AUTH_TYPE={forced}" if forced else " and ".join(map(str, methods))
    return sdk_login(host, profile, environ, method)


def address_of(target: WorkspaceTarget, environ: Mapping[str, str]) -> Host:
    """The address that ``find_login`` would log in to. Raises LoginError."""
    return _host(target, environ, _profile(target, environ))


def _headers(token: str, source: str) -> TokenHeaders:
    # A line break at the end comes from a file; one inside would end the header.
    stripped = token.strip()
    if not stripped or not all("!" <= character <= "~" for character in stripped):
        raise LoginError.of(
            "E406",
            f"the token in {source} contains characters that tokens do not contain",
            hint="copy it again, without quotes, spaces or line breaks",
        )
    return TokenHeaders(Secret(stripped))


def _profile(target: WorkspaceTarget, environ: Mapping[str, str]) -> Profile | None:
    """The profile that takes part: the one named, else one that fits when nothing else is.

    With a host and no login, a profile made for this host is used, as the Databricks
    command line does; without a host, the default profile.
    """
    name = target.profile or environ.get("DATABRICKS_CONFIG_PROFILE", "")
    if name:
        return read_config_file(environ).named(name)
    if environ.get("DATABRICKS_AUTH_TYPE") or configured(environ, None):
        return None
    config, given = read_config_file(environ), _given_hosts(target, environ)
    return _made_for(given[0][1], config) if given else config.by_default()


def _given_hosts(target: WorkspaceTarget, environ: Mapping[str, str]) -> list[tuple[str, Host]]:
    texts = {
        "the environment's workspace": target.host,
        "DATABRICKS_HOST": environ.get("DATABRICKS_HOST", ""),
    }
    return [(source, read_host(text, source)) for source, text in texts.items() if text.strip()]


def _made_for(host: Host, config: ConfigFile) -> Profile | None:
    fitting = [profile for profile in config.profiles.values() if _is_for(host, profile)]
    if len(fitting) > 1:
        names = ", ".join(profile.name for profile in fitting)
        raise LoginError.of(
            "E402",
            f"several profiles in {config.shown} are for {host}: {names}",
            hint=f"choose one: -p {fitting[0].name}",
        )
    return fitting[0] if fitting else None


def _is_for(host: Host, profile: Profile) -> bool:
    try:
        return read_host(profile.settings.get("host", ""), profile.source) == host
    except LoginError:
        return False


def _host(target: WorkspaceTarget, environ: Mapping[str, str], profile: Profile | None) -> Host:
    """The one host that everybody who names one agrees on."""
    hosts = _given_hosts(target, environ)
    if profile is not None and profile.settings.get("host", ""):
        hosts.append((profile.source, read_host(profile.settings["host"], profile.source)))
    if not hosts:
        raise LoginError.of(
            "E401",
            "no workspace is configured",
            hint="write `workspace: {host: https://...}` into the environment's file, "
            "set DATABRICKS_HOST, or choose a profile with -p",
        )
    for source, host in hosts[1:]:
        if host != hosts[0][1]:
            raise LoginError.of(
                "E403",
                f"{hosts[0][0]} is {hosts[0][1]}, but {source} is {host}",
                hint=f"choose the environment of {host} with -e, or remove {source}: a login must "
                "not be sent to another workspace",
            )
    return hosts[0][1]


def _token(environ: Mapping[str, str], profile: Profile | None) -> tuple[str, str]:
    if environ.get("DATABRICKS_TOKEN"):
        return environ["DATABRICKS_TOKEN"], "DATABRICKS_TOKEN"
    if profile is not None and profile.settings.get("token"):
        return profile.settings["token"], profile.source
    return "", ""


# Which login methods are configured, and where: the SDK's table and its two sources.
# Tells, for an error or a choice, kinds and sources, never values.


class Setting(NamedTuple):
    """A setting that configures a method: its key in a profile and its variables."""

    key: str
    family: str
    variables: tuple[str, ...]


# The SDK's own table: databricks/sdk/config.py, class Config, attributes with `auth`.
SETTINGS = (
    Setting("token", "pat", ("DATABRICKS_TOKEN",)),
    Setting("oidc_token_env", "env-oidc", ("DATABRICKS_OIDC_TOKEN_ENV",)),
    Setting(
        "oidc_token_filepath",
        "file-oidc",
        ("DATABRICKS_OIDC_TOKEN_FILEPATH", "DATABRICKS_OIDC_TOKEN_FILE"),
    ),
    Setting("username", "basic", ("DATABRICKS_USERNAME",)),
    Setting("password", "basic", ("DATABRICKS_PASSWORD",)),
    Setting("client_id", "oauth", ("DATABRICKS_CLIENT_ID",)),
    Setting("client_secret", "oauth", ("DATABRICKS_CLIENT_SECRET",)),
    Setting("google_service_account", "google", ("DATABRICKS_GOOGLE_SERVICE_ACCOUNT",)),
    Setting("google_credentials", "google", ("GOOGLE_CREDENTIALS",)),
    Setting("azure_workspace_resource_id", "azure", ("DATABRICKS_AZURE_RESOURCE_ID",)),
    Setting("azure_use_msi", "azure", ("ARM_USE_MSI",)),
    Setting("azure_client_secret", "azure", ("ARM_CLIENT_SECRET",)),
    Setting("azure_client_id", "azure", ("ARM_CLIENT_ID",)),
    Setting("azure_tenant_id", "azure", ("ARM_TENANT_ID",)),
    Setting("metadata_service_url", "metadata-service", ("DATABRICKS_METADATA_SERVICE_URL",)),
)

# A type that a profile names -> the family of its settings, by how the type begins.
TYPES = (
    ("oauth-m2m", "oauth"),
    ("github-oidc-azure", "azure"),
    ("github-oidc", "oauth"),
    ("azure-devops-oidc", "oauth"),
    ("azure-", "azure"),
    ("google-", "google"),
)

WORDS = {
    "pat": "a personal access token",
    "oauth": "an OAuth client",
    "basic": "a user name and password",
    "azure": "an Azure login",
    "google": "a Google login",
}


class Method(NamedTuple):
    """A configured method: what it is and where it was found."""

    family: str
    source: str

    def __str__(self) -> str:
        return f"{WORDS.get(self.family, self.family)} ({self.source})"


def configured(environ: Mapping[str, str], profile: Profile | None) -> list[Method]:
    """Every method that is configured, each with its sources, environment first."""
    methods: dict[str, list[str]] = {}
    for setting in SETTINGS:
        for variable in setting.variables:
            if environ.get(variable):
                methods.setdefault(setting.family, []).append(variable)
    if profile is not None:
        for family in _families(profile):
            methods.setdefault(family, []).append(profile.source)
    return [Method(family, " and ".join(sources)) for family, sources in methods.items()]


def _families(profile: Profile) -> Iterable[str]:
    """A profile that names its type has that one method, whatever else it holds."""
    named = profile.settings.get("auth_type", "")
    if named:
        return (next((family for start, family in TYPES if named.startswith(start)), named),)
    return dict.fromkeys(s.family for s in SETTINGS if profile.settings.get(s.key))


def refuse_two(methods: list[Method], environ: Mapping[str, str], profile: Profile | None) -> None:
    """Two methods, or two values for one of them, are a choice that is not ours to make.

    One method whose settings lie in both places is fine: a secret in the environment, and
    the client that it belongs to in the profile.
    """
    values = {} if profile is None else profile.settings
    doubled = [
        variable
        for setting in SETTINGS
        for variable in setting.variables
        if environ.get(variable) and values.get(setting.key, "") not in ("", environ[variable])
    ]
    if len(methods) > 1 or doubled:
        raise LoginError.of(
            "E402",
            "more than one login is configured: " + " and ".join(str(m) for m in methods),
            hint="remove all but one, or choose one with DATABRICKS_AUTH_TYPE "
            "(pat, oauth-m2m, github-oidc, azure-cli, ...)",
        )


# The SDK's unified authentication as a source of headers, and nothing else of the SDK.

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
            raise kind.of("E406", f"cannot get a new token: {text}") from None


def _redactor(profile: Profile | None, environ: Mapping[str, str]) -> Redactor:
    settings = profile.settings if profile else {}
    values = [settings.get(key, "") for key in _SECRET_KEYS]
    return Redactor([*values, *(environ.get(name, "") for name in _SECRET_VARIABLES)])


def no_login(host: Host) -> Exception:
    """The error that names the three ways out which most people need."""
    return LoginError.of(
        "E401",
        f"no login for {host}",
        hint="export DATABRICKS_TOKEN=<a personal access token>; or run `databricks auth login "
        "--host {host}` and pass -p PROFILE; or, in CI, use a service principal: "
        "DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET, or with "
        "DATABRICKS_AUTH_TYPE=github-oidc",
    )
