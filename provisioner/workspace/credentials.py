"""Finds the one login for a workspace, or says why there is none or more than one.

A host and a personal access token that are given need nothing else. Every other method is
the business of the SDK (``unified``), which is loaded only then: importing it takes a
second. Sources and their order are the SDK's: environment, then profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from provisioner.errors import LoginError
from provisioner.model.secret import Secret
from provisioner.workspace import WorkspaceTarget
from provisioner.workspace.hosts import Host, read_host, resolve
from provisioner.workspace.methods import configured, refuse_two
from provisioner.workspace.profiles import ConfigFile, Profile, read_config_file
from provisioner.workspace.proxies import proxy_for


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
        return Login(host, "pat", "our own server", _headers(target.token, "it"))
    profile = _profile(target, environ)
    host = _host(target, environ, profile)
    methods = configured(environ, profile)
    forced = environ.get("DATABRICKS_AUTH_TYPE", "")
    if not forced:
        refuse_two(methods, environ, profile)
    token, source = _token(environ, profile)
    if token and (forced == "pat" or (not forced and methods[0].family == "pat")):
        return Login(host, "pat", source, _headers(token, source))
    from provisioner.workspace.sdk_login import sdk_login

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
            f"the token in {source} holds characters that no token has",
            hint="copy it again, without quotes, blanks and line breaks",
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
            "no workspace is named",
            hint="write `workspace: {host: https://...}` into the environment's file, "
            "set DATABRICKS_HOST, or choose a profile with -p",
        )
    for source, host in hosts[1:]:
        if host != hosts[0][1]:
            raise LoginError.of(
                "E403",
                f"{hosts[0][0]} is {hosts[0][1]}, but {source} says {host}",
                hint=f"choose the environment that belongs to {host} with -e, "
                f"or take away {source}: a login must not reach another workspace",
            )
    return hosts[0][1]


def _token(environ: Mapping[str, str], profile: Profile | None) -> tuple[str, str]:
    if environ.get("DATABRICKS_TOKEN"):
        return environ["DATABRICKS_TOKEN"], "DATABRICKS_TOKEN"
    if profile is not None and profile.settings.get("token"):
        return profile.settings["token"], profile.source
    return "", ""
