"""The config as a call sends it that replaces all of it. Pure.

Only what the manifest holds is sent, but for what the service would otherwise keep from the
config before, or might: that is not established (serving-api 3.3), so nothing depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.bodies import config_body
from provisioner.kinds.model_serving_endpoints.judge_config import CAPTURE
from provisioner.kinds.model_serving_endpoints.kept import IGNORED, with_live_values
from provisioner.kinds.model_serving_endpoints.parts import ENTITIES, ROUTES, at, mapping, parts_of
from provisioner.resource import Intent
from provisioner.semantics import Document

LONGEST_NAME: Final = 63


def whole_config(intent: Intent) -> Document:
    """The body for ``intent``, without the envelope that model units need."""
    live = intent.live.document if intent.live else {}
    body = config_body(with_live_values(intent, "config"))
    if "traffic_config" not in body and any(parts_of(live, ROUTES)):
        ignoring = any(each.reason == IGNORED for each in intent.changes)
        body = _with_all_traffic(body, live, ignoring=ignoring)
    return body | _table(body, live)


def _with_all_traffic(body: Document, live: Document, *, ignoring: bool) -> Document:
    """``body`` with the route that a single entity gets anyway, where it replaces others.

    Were the live routes kept instead, they would name an entity that is gone. The route needs
    a name: one that is not written stays as it is live, or is made as the service makes it.
    Several without a split are there only because they are ignored: theirs stays, too.
    """
    entities = body.get("served_entities")
    if not isinstance(entities, list) or not entities:
        return body
    if len(entities) > 1:
        return {**body, "traffic_config": live["config"]["traffic_config"]} if ignoring else body
    entity = mapping(entities[0])
    name = entity.get("name") or _live_name(live) or name_by_default(entity)
    route = {"served_entity_name": name, "traffic_percentage": 100}
    named = [{"name": name, **entity}]
    return {**body, "served_entities": named, "traffic_config": {"routes": [route]}}


def _live_name(live: Document) -> str:
    """The name of the single live entity, which is the one that the plan compares with."""
    names = [entity.value.get("name") for entity in parts_of(live, ENTITIES)]
    return names[0] if len(names) == 1 and isinstance(names[0], str) else ""


def name_by_default(entity: Mapping[str, Any]) -> str:
    """How the service calls an entity without a name (serving-api 3.4)."""
    model = mapping(entity.get("external_model")).get("name")
    last = str(entity.get("entity_name", "")).rpartition(".")[2]
    version = entity.get("entity_version")
    name = str(model) if model else f"{last}-{version}" if version else last
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:LONGEST_NAME]


def _table(body: Document, live: Document) -> Document:
    """The legacy table of ``live`` where ``body`` does not say what becomes of it.

    What the service does with a table that is left out is not documented; one that is there
    and off is off for certain, and is seen when somebody wants it on again. One that is off
    cannot be on again, which is what leaving `enabled` out may ask for.
    """
    actual = mapping(at(live, CAPTURE))
    wanted = body.get(CAPTURE[-1])
    if actual and wanted is None:
        return {CAPTURE[-1]: {**actual, "enabled": False}}
    if actual.get("enabled") is False and "enabled" not in mapping(wanted):
        return {CAPTURE[-1]: {**mapping(wanted), "enabled": False}}
    return {}
