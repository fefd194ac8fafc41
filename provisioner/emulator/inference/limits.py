"""Rate limits: calls and tokens per minute of an endpoint, a user, a group.

A minute begins with the first call that is counted and ends 60 s later, so that the time to wait
is known. It is kept in the store: a limit holds over restarts and for all processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.emulator.http.routing import ApiError, Caller
from provisioner.emulator.http.store import Store
from provisioner.emulator.inference.active import ActiveEndpoint

# rule(documented): A limit is per minute. That the minute begins with the first call that is
#     counted is assumed. [serving-api 3.10]
PERIOD_MS = 60_000
# Limits of services may be for an hour as well. [databricks-sdk, RateLimit]
PERIODS_MS = {"minute": PERIOD_MS, "hour": 3_600_000}

Limit = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RateMeter:
    """A limit that applies to a call, and the bucket that its calls and tokens are counted in."""

    limit: Limit
    bucket: str

    @property
    def period_ms(self) -> int:
        """How long the period is in which calls and tokens are counted."""
        return PERIODS_MS[self.limit.get("renewal_period", "minute")]


def admit(store: Store, endpoint: ActiveEndpoint, caller: Caller) -> tuple[RateMeter, ...]:
    """Counts a call, or refuses it. ``charge`` counts the answer's tokens.

    A refused call is not counted. Raises ApiError 429 with a Retry-After in whole seconds.
    """
    if not endpoint.rate_limits:
        return ()
    now_ms = store.now_ms()
    meters = tuple(applicable_meters(endpoint, caller))
    with store.transaction():
        for meter in meters:
            # The second part is for a clock that was set back.
            store.change(
                "DELETE FROM usage WHERE bucket = ? AND "
                "(period_start_ms <= ? OR period_start_ms > ?)",
                meter.bucket,
                now_ms - meter.period_ms,
                now_ms,
            )
        refusals = [refusal for meter in meters if (refusal := _refusal(store, meter, now_ms))]
        if refusals:
            raise _too_many(endpoint, *max(refusals, key=lambda refusal: refusal[0]))
        for bucket in {meter.bucket for meter in meters}:
            _count(store, bucket, now_ms)
    return meters


def charge(store: Store, meters: Sequence[RateMeter], tokens: int) -> None:
    """Counts tokens, after the answer: the last answer may exceed the limit. [serving-api 3.10]"""
    for bucket in {meter.bucket for meter in meters}:
        store.change("UPDATE usage SET tokens = tokens + ? WHERE bucket = ?", tokens, bucket)


def applicable_meters(endpoint: ActiveEndpoint, caller: Caller) -> Iterator[RateMeter]:
    """Yields the endpoint's limits and the most specific others for a caller.

    A limit for a user overrides the limits of its groups, [serving-api 3.10] and both the limit for
    each user. That members of a group share its limit is assumed.
    """
    personal, group, everybody = [], [], []
    for limit in endpoint.rate_limits:
        key, principal = limit.get("key", "endpoint"), limit.get("principal", "")
        hourly = "" if limit.get("renewal_period", "minute") == "minute" else "/hour"
        meter = RateMeter(limit, _bucket(endpoint, key, principal or caller.name) + hourly)
        if key == "endpoint":
            yield RateMeter(limit, _bucket(endpoint, key, "") + hourly)
        elif key == "user_group" and principal in caller.groups:
            group.append(meter)
        elif key in ("user", "service_principal") and principal == caller.name:
            personal.append(meter)
        elif key == "user" and not principal:
            everybody.append(meter)
    yield from personal or group or everybody


def _bucket(endpoint: ActiveEndpoint, key: str, principal: str) -> str:
    return f"{endpoint.id}/{key}/{principal}"


def _refusal(store: Store, meter: RateMeter, now_ms: int) -> tuple[int, Limit, str] | None:
    """Returns the seconds to wait, the limit and its unit; None where the call is admitted."""
    used = store.row(
        "SELECT period_start_ms, calls, tokens FROM usage WHERE bucket = ?", meter.bucket
    )
    start_ms, calls, tokens = used or (now_ms, 0, 0)
    for unit, spent in (("calls", calls), ("tokens", tokens)):
        most = meter.limit.get(unit)
        if most is not None and spent >= most:
            left_ms = start_ms + meter.period_ms - now_ms
            return -(-left_ms // 1000), meter.limit, unit
    return None


def _count(store: Store, bucket: str, now_ms: int) -> None:
    if not store.change("UPDATE usage SET calls = calls + 1 WHERE bucket = ?", bucket):
        store.change("INSERT INTO usage VALUES (?, ?, 1, 0)", bucket, now_ms)


# rule(recorded): A rate limit that is used up answers 429 with REQUEST_LIMIT_EXCEEDED; that the
#     header Retry-After is sent is assumed. [serving-api 3.10, 8.13]
def _too_many(endpoint: ActiveEndpoint, wait_s: int, limit: Limit, unit: str) -> ApiError:
    """Returns the 429: clients read the header, the service's pages name a field of the body."""
    key, period = limit.get("key", "endpoint"), limit.get("renewal_period", "minute")
    return ApiError(
        429,
        "REQUEST_LIMIT_EXCEEDED",
        f"REQUEST_LIMIT_EXCEEDED: Exceeded the {key} rate limit of {limit[unit]} {unit} "
        f"per {period} for endpoint {endpoint.name}. Retry after {wait_s} seconds.",
        headers={"Retry-After": str(wait_s)},
        extra={"retry_after": wait_s},
    )
