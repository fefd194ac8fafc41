"""Where a live endpoint stands, read from the service's answer.

Source: serving-endpoints/get, EndpointState and ServedModelState. ``state.suspend`` stands
in real answers and in no schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import ENTITIES, Part, mapping, parts_of
from provisioner.model.live import Phase, Readiness

FAILED_DEPLOYMENTS: Final = ("DEPLOYMENT_FAILED", "DEPLOYMENT_ABORTED")
LONGEST_MESSAGE: Final = 300


def readiness(raw: Mapping[str, Any]) -> Readiness:
    """READY only where the endpoint serves all it is meant to and nothing moves.

    ``raw`` is an entry of the list or the answer to a GET; the list tells nothing about
    the deployments of single entities.
    """
    for verdict_of in VERDICTS:
        if verdict := verdict_of(raw):
            return verdict
    return Readiness(Phase.NOT_READY, _entities_text(raw) or "not ready to serve")


def failed_entities(raw: Mapping[str, Any]) -> list[str]:
    """The names of the served entities whose deployment failed."""
    failed = [entity for entity in _entities(raw) if _deployment(entity) in FAILED_DEPLOYMENTS]
    return [name for entity in failed if isinstance(name := entity.value.get("name"), str)]


def is_updating(raw: Mapping[str, Any]) -> bool:
    """Whether the config is being changed just now; a word we do not know counts as that."""
    return _state(raw, "config_update") not in ("", "NOT_UPDATING", *UPDATE_ENDED_BADLY)


def _updating(raw: Mapping[str, Any]) -> Readiness | None:
    if is_updating(raw):
        return Readiness(Phase.UPDATING, _entities_text(raw) or "a config update is in progress")
    return None


def _failed(raw: Mapping[str, Any]) -> Readiness | None:
    update = _state(raw, "config_update")
    what = UPDATE_ENDED_BADLY.get(update)
    if not what:
        return None
    reason = _entities_text(raw)
    serves = "; the previous config still serves" if _state(raw, "ready") == "READY" else ""
    is_plain = update == UPDATE_FAILED and not reason and not serves
    message = f"{what}{f': {reason}' if reason else ''}{serves}"
    return Readiness(Phase.FAILED, message, is_plain=is_plain)


def _stopped(raw: Mapping[str, Any]) -> Readiness | None:
    if _state(raw, "suspend") == "STOPPED":
        return Readiness(Phase.STOPPED, "start it to send queries")
    return None


def _empty(raw: Mapping[str, Any]) -> Readiness | None:
    if _state(raw, "config_update") == "NOT_UPDATING" and not raw.get("config"):
        return Readiness(Phase.READY, "it has no config, and serves no model")
    return None


def _broken(raw: Mapping[str, Any]) -> Readiness | None:
    if failed_entities(raw):
        return Readiness(Phase.FAILED, _entities_text(raw))
    return None


def _serving(raw: Mapping[str, Any]) -> Readiness | None:
    if _state(raw, "ready") != "READY":
        return None
    deployed = all(_deployment(each) in ("", "DEPLOYMENT_READY") for each in _entities(raw))
    return Readiness(Phase.READY) if deployed else None


# The first verdict wins: what is going on comes before what serves meanwhile.
VERDICTS: Final[tuple[Callable[[Mapping[str, Any]], Readiness | None], ...]] = (
    _updating,
    _stopped,
    _failed,
    _empty,
    _broken,
    _serving,
)
UPDATE_FAILED: Final = "UPDATE_FAILED"
UPDATE_ENDED_BADLY: Final = {
    UPDATE_FAILED: "the last config update failed",
    "UPDATE_CANCELED": "the last config update was cancelled",
}


def _state(raw: Mapping[str, Any], name: str) -> str:
    value = mapping(raw.get("state")).get(name)
    return value if isinstance(value, str) else ""


def _entities(raw: Mapping[str, Any]) -> Iterator[Part]:
    """The entities that are coming where something is, else those that serve."""
    pending = raw.get("pending_config")
    coming = pending and (is_updating(raw) or _state(raw, "config_update") in UPDATE_ENDED_BADLY)
    return parts_of({"config": pending if coming else raw.get("config")}, ENTITIES)


def _deployment(entity: Part) -> str:
    value = mapping(entity.value.get("state")).get("deployment")
    return value if isinstance(value, str) else ""


def _entities_text(raw: Mapping[str, Any]) -> str:
    """What the service says about the entities that are not ready, in one line."""
    texts = []
    for entity in _entities(raw):
        deployment = _deployment(entity)
        if deployment in ("", "DEPLOYMENT_READY"):
            continue
        message = mapping(entity.value.get("state")).get("deployment_state_message")
        word = deployment.removeprefix("DEPLOYMENT_").lower()
        texts.append(f"{entity.value.get('name')}: {message or word}")
    return one_line("; ".join(texts))


def one_line(text: str) -> str:
    """``text`` without control characters and not too long: it comes from the service."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return clean if len(clean) <= LONGEST_MESSAGE else f"{clean[: LONGEST_MESSAGE - 1]}…"
