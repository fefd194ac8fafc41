"""What a connection can break with -> a failure with words that help."""

from __future__ import annotations

import http.client
import re
import ssl
from dataclasses import replace

from urllib3 import exceptions as urllib3_errors

from provisioner.workspace.faults import ApiCall, Failure, Fault, unreachable
from provisioner.workspace.hosts import UNKNOWN_NAME
from provisioner.workspace.wire import NotConnectedError, TooLargeError, Wire


def explain(error: Exception, call: ApiCall, wire: Wire, *, reached: bool = False) -> Failure:
    """The failure that ``error`` of ``Wire.exchange`` stands for; ``error`` itself is
    raised when it is a defect of ours.

    ``reached``: the host has taken a request before, so its name exists.
    """
    if isinstance(error, NotConnectedError):
        return _not_connected(error, call, wire, reached)
    if isinstance(error, TooLargeError):
        most = wire.limits.answer_bytes // 2**20
        return _after_sending(Fault.UNREADABLE, "E412", call, wire, f"sent more than {most} MiB")
    if isinstance(error, urllib3_errors.TimeoutError):
        limit_s = wire.limits.read_s if call.method == "GET" else wire.limits.send_s
        text = f"did not finish its answer within {limit_s:g} s"
        return _after_sending(Fault.CUT, "E410", call, wire, text)
    if isinstance(error, urllib3_errors.HTTPError | http.client.HTTPException | OSError):
        return _after_sending(Fault.CUT, "E411", call, wire, _how_it_broke(error))
    raise error


def _after_sending(fault: Fault, code: str, call: ApiCall, wire: Wire, text: str) -> Failure:
    hint = "the service, a proxy or the network may have a problem: try again later"
    return unreachable(fault, code, f"{call}: {wire.host} {text}", hint)


def _how_it_broke(error: Exception) -> str:
    """No text of ``error``: it may repeat what the other side sent."""
    causes = [error, *(arg for arg in error.args if isinstance(arg, Exception))]
    if any(isinstance(c, http.client.IncompleteRead) for c in causes):
        return "sent an incomplete answer"
    if any(isinstance(c, http.client.RemoteDisconnected | ConnectionError) for c in causes):
        return "closed the connection without an answer"
    if any(isinstance(c, http.client.HTTPException) for c in causes):
        return "sent something that is not HTTP"
    return "closed the connection"


def _unsent(code: str, call: ApiCall, wire: Wire, reason: str, hint: str = "") -> Failure:
    return unreachable(Fault.UNSENT, code, f"{call}: cannot reach {wire.host}: {reason}", hint)


def _not_connected(error: NotConnectedError, call: ApiCall, wire: Wire, reached: bool) -> Failure:
    cause = error.cause
    # Behind a proxy only TLS is spoken with the workspace itself before the request.
    if wire.proxy is not None and (error.at_proxy or not isinstance(cause, ssl.SSLError)):
        return _proxy_failed(cause, call, wire)
    if isinstance(cause, ssl.SSLError):
        return _tls_failed(cause, call, wire)
    code, reason, hint = _reason(cause, wire)
    failure = _unsent(code, call, wire, reason, hint)
    # A name that has never worked is misspelt; one that has worked may work again in a moment.
    is_unknown = isinstance(cause, urllib3_errors.NameResolutionError) and not reached
    return replace(failure, fault=Fault.FINAL) if is_unknown else failure


def _reason(cause: Exception, wire: Wire) -> tuple[str, str, str]:
    if isinstance(cause, urllib3_errors.NameResolutionError):
        return "E408", f"there is no host {wire.host.name}", UNKNOWN_NAME
    # Newer versions of urllib3 count a refused connection among the timeouts.
    refused = isinstance(cause, urllib3_errors.NewConnectionError)
    if isinstance(cause, urllib3_errors.ConnectTimeoutError | TimeoutError) and not refused:
        text = f"no connection within {wire.limits.connect_s:g} s"
        return (
            "E410",
            text,
            ("a firewall or VPN may block the connection. Behind a proxy, set HTTPS_PROXY"),
        )
    inner = cause.__cause__ if refused else cause
    text = (getattr(inner, "strerror", None) or "the connection broke").lower()
    return "E408", text, "check the host, and whether this machine may connect to it"


def _tls_failed(cause: ssl.SSLError, call: ApiCall, wire: Wire) -> Failure:
    if not isinstance(cause, ssl.SSLCertVerificationError):
        reason = (cause.reason or "the handshake failed").lower().replace("_", " ")
        hint = "check that this host and port support HTTPS. A proxy may also cause this error"
        return _unsent("E409", call, wire, f"no TLS connection: {reason}", hint)
    return unreachable(
        Fault.FINAL,
        "E409",
        f"{call}: the certificate of {wire.host} is not trusted: {cause.verify_message}",
        hint="if your organization has its own certificate authority, set REQUESTS_CA_BUNDLE to "
        "the file with its certificate",
    )


def _proxy_failed(cause: Exception, call: ApiCall, wire: Wire) -> Failure:
    match = re.search(r"Tunnel connection failed: ([0-9]{3})", str(cause))
    fault, hint = (
        Fault.UNSENT,
        ("check the address of the proxy. To bypass the proxy, list the host in NO_PROXY"),
    )
    if match and match[1] == "407":
        fault, reason = Fault.FINAL, "it requires a user name and password (407)"
        hint = "add them to the variable: http://USER:PASSWORD@NAME:PORT"
    elif match:
        reason = f"it refused the connection ({match[1]})"
    elif isinstance(cause, ssl.SSLCertVerificationError):
        fault, reason = Fault.FINAL, f"its certificate is not trusted: {cause.verify_message}"
    elif isinstance(cause, urllib3_errors.NameResolutionError):
        reason = "its name cannot be resolved"
    else:
        reason = _reason(cause, wire)[1]
    return unreachable(
        fault, "E414", f"{call}: cannot reach {wire.host} through {wire.proxy}: {reason}", hint
    )
