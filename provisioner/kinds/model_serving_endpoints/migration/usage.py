"""Who still calls endpoints, as the system tables tell. Pure.

https://docs.databricks.com: model serving system tables. Rows come late, and only of endpoints
whose gateway tracks usage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from provisioner.model.importing import UsageQuery

# Jobs that run once a month call within this time.
DAYS: Final = 30
ID: Final = re.compile(r"[A-Za-z0-9_-]+")
# An endpoint that is in the first table and has no requests is a row without a caller.
SQL: Final = """\
SELECT e.endpoint_id, u.requester, COUNT(u.request_time) AS requests,
  MAX(u.request_time) AS last_request
FROM (
  SELECT DISTINCT endpoint_id, served_entity_id
  FROM system.serving.served_entities
  WHERE endpoint_id IN ({ids})
) AS e
LEFT JOIN system.serving.endpoint_usage AS u
  ON u.served_entity_id = e.served_entity_id
  AND u.request_time >= current_timestamp() - INTERVAL {days} DAYS
GROUP BY e.endpoint_id, u.requester
ORDER BY requests DESC
"""
UNTRACKED: Final = "the endpoint does not track its usage (`ai_gateway.usage_tracking_config`)"
NO_ID: Final = "the endpoint has no id"


def usage_query(endpoints: Mapping[str, Mapping[str, Any]]) -> UsageQuery:
    """The query for the callers of the live ``endpoints``."""
    given = {name: str(raw.get("id") or "") for name, raw in endpoints.items()}
    ids = {name: each for name, each in given.items() if ID.fullmatch(each)}
    untracked = {name: UNTRACKED for name, raw in endpoints.items() if not _is_tracked(raw)}
    untracked |= {name: NO_ID for name in endpoints if name not in ids}
    quoted = ", ".join(f"'{each}'" for each in ids.values()) or "NULL"
    return UsageQuery(SQL.format(ids=quoted, days=DAYS), ids, untracked, DAYS)


def _is_tracked(raw: Mapping[str, Any]) -> bool:
    gateway = raw.get("ai_gateway") or {}
    return bool((gateway.get("usage_tracking_config") or {}).get("enabled"))
