"""What the service measured of an endpoint in the last minute, read from its metrics.

Source: [serving-api 1.12]. Which labels the service sends is not established: some public
samples name the served entity, some do not. Without such a label the sample is of the endpoint
as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from provisioner.kinds.model_serving_endpoints.planning.calls import endpoint_path
from provisioner.model.connection import Connection
from provisioner.model.rollout import Sample

ENTITY_LABELS: Final = ("served_model_name", "served_entity_name", "served_entity", "served_model")
LINE: Final = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)(?:\{([^}]*)\})?\s+(\S+)(?:\s+\d+)?\s*")
LABEL: Final = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
REQUESTS: Final = "request_count_total"
ERRORS: Final = "request_5xx_count_total"
REFUSED: Final = "request_4xx_count_total"
LATENCY: Final = "request_latency_ms"
PERCENTILES: Final = (50, 95, 99)

Line = tuple[str, Mapping[str, str], float]


def sample(connection: Connection, name: str) -> tuple[Sample, ...]:
    """The metrics of the endpoint ``name``, one sample for each entity that they tell apart.

    Raises WorkspaceError where there are none: pay-per-token endpoints refuse the call.
    """
    return samples_in(connection.read_text(f"{endpoint_path(name)}/metrics"))


def samples_in(text: str) -> tuple[Sample, ...]:
    """The samples in ``text``, the format of Prometheus. Lines that are none are skipped."""
    lines = list(_lines(text))
    versions = dict.fromkeys(_version(labels) for _, labels, _ in lines)
    return tuple(
        _sample(version, [line for line in lines if _version(line[1]) == version])
        for version in versions
    )


def _lines(text: str) -> Iterator[Line]:
    for written in text.splitlines():
        match = LINE.fullmatch(written)
        if not match or written.startswith("#"):
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        yield match[1], dict(LABEL.findall(match[2] or "")), value


def _version(labels: Mapping[str, str]) -> str:
    return next((labels[label] for label in ENTITY_LABELS if label in labels), "")


def _sample(version: str, lines: Sequence[Line]) -> Sample:
    # Replicas of one entity have a line each: counts add up, gauges are the highest of them.
    counts: dict[str, float] = {}
    highest: dict[str, float] = {}
    for name, labels, value in lines:
        if "le" not in labels:
            counts[name] = counts.get(name, 0.0) + value
            highest[name] = max(highest.get(name, value), value)
    values = {name: value for name, value in highest.items() if not name.endswith("_total")}
    requests = counts.get(REQUESTS, 0.0)
    if requests and REFUSED in counts:
        values["client_errors"] = counts[REFUSED] / requests
    return Sample(version, requests, counts.get(ERRORS, 0.0), values | _percentiles(lines))


def _percentiles(lines: Sequence[Line]) -> dict[str, float]:
    """Upper bounds of the latency that a share of the requests did not exceed."""
    buckets: dict[float, float] = {}
    for name, labels, value in lines:
        if name == f"{LATENCY}_bucket" and "le" in labels:
            bound = float(labels["le"].replace("+Inf", "inf"))
            buckets[bound] = buckets.get(bound, 0.0) + value
    total = max(buckets.values(), default=0.0)
    if not total:
        return {}
    return {f"p{percent}_ms": _bound(buckets, total * percent / 100) for percent in PERCENTILES}


def _bound(buckets: Mapping[float, float], rank: float) -> float:
    """A value inside the bucket of ``rank``, as Prometheus' `histogram_quantile` takes it."""
    below, least = 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if count >= rank:
            if bound == float("inf"):
                return least
            inside = (rank - below) / (count - below) if count > below else 1.0
            return least + (bound - least) * inside
        below, least = count, bound
    return least
