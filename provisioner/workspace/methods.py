"""Which login methods are configured, and where: the SDK's table and its two sources.

Tells, for an error or a choice, kinds and sources, never values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from provisioner.errors import LoginError
from provisioner.workspace.profiles import Profile


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
            hint="take away all but one, or say which with DATABRICKS_AUTH_TYPE "
            "(pat, oauth-m2m, github-oidc, azure-cli, ...)",
        )
