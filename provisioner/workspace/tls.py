"""Which certificate authorities are believed: one context, built once per connection."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from provisioner.errors import UnreachableError

# `requests` reads the first two, OpenSSL the third; the first that is set wins.
_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """TLS 1.2 or later with certificate and name checked; there is no way to turn it off.

    Raises UnreachableError when the file that a variable names cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    variable = next((name for name in _VARIABLES if environ.get(name)), None)
    if variable is not None:
        _load(context, Path(environ[variable]).expanduser(), variable)
    elif (bundle := _certifi()) is not None:
        context.load_verify_locations(bundle)
    else:
        context.load_default_certs()
    return context


def source_of(environ: Mapping[str, str]) -> str:
    """In words where the believed authorities come from."""
    variable = next((name for name in _VARIABLES if environ.get(name)), None)
    return (
        f"{environ[variable]} ({variable})"
        if variable
        else ("the certificates of the package certifi")
    )


def _load(context: ssl.SSLContext, path: Path, variable: str) -> None:
    try:
        if path.is_dir():
            context.load_verify_locations(capath=str(path))
        else:
            context.load_verify_locations(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        reason = "it contains no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise UnreachableError.of(
            "E415",
            f"cannot use the certificates in {path}, which {variable} names: {reason}",
            hint=f"name a file with certificates in PEM format, or unset {variable}",
        ) from None


def _certifi() -> str | None:
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()
