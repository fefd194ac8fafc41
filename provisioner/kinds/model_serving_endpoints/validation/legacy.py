"""Old spellings of the API, translated into today's, each with a warning.

Source: CHANGELOG.md of databricks-sdk-py for 0.15.0, 0.20.0, 0.24.0 and 0.33.0. Pure: the
document that is given is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from provisioner.errors import Finding, Location, Severity
from provisioner.kinds.model_serving_endpoints.document import at
from provisioner.kinds.model_serving_endpoints.planning.config_actions import CAPTURE
from provisioner.kinds.model_serving_endpoints.planning.field_actions import PREFIX, TABLE
from provisioner.kinds.model_serving_endpoints.vocabulary import BLOCK_OF
from provisioner.model.paths import Document

RENAMED_IN_ENTITY: Final = {"model_name": "entity_name", "model_version": "entity_version"}
BEDROCK_PROVIDERS: Final = ("anthropic", "cohere", "ai21labs", "amazon")


def migrate_legacy(document: Document) -> tuple[Document, tuple[Finding, ...]]:
    """``document`` in today's spelling, and a finding for every old one.

    Where an old and the new spelling are both there, that is an error and the new one is
    kept.
    """
    modern: Document = _copied(document)
    findings = tuple(finding for translate in TRANSLATIONS for finding in translate(modern))
    return modern, findings


def _rate_limits(document: Document) -> Iterator[Finding]:
    for place in ((), ("config",)):  # MLflow's client puts them into the config.
        holder = at(document, place)
        if not isinstance(holder, dict) or "rate_limits" not in holder:
            continue
        gateway = document.setdefault("ai_gateway", {})
        if not isinstance(gateway, dict):
            continue
        others = _differing(gateway, "rate_limits", holder["rate_limits"])
        yield _moved((*place, "rate_limits"), "W711", "ai_gateway.rate_limits", others)
        gateway.setdefault("rate_limits", holder.pop("rate_limits"))


def _served_models(document: Document) -> Iterator[Finding]:
    config = document.get("config")
    if not isinstance(config, dict) or "served_models" not in config:
        return
    entities = config.pop("served_models")
    # An answer of the service, pasted as it is, repeats its entities under the old name.
    repeated = _names(entities) == _names(config.get("served_entities")) != []
    yield _moved(("config", "served_models"), "W710", "served_entities", {} if repeated else config)
    for entity in _objects(entities):
        for old, new in RENAMED_IN_ENTITY.items():
            if old in entity:
                entity.setdefault(new, entity.pop(old))
    config.setdefault("served_entities", entities)


def _names(entities: Any) -> list[Any]:
    return [entity.get("name") for entity in _objects(entities)]


def _route_names(document: Document) -> Iterator[Finding]:
    place = ("config", "traffic_config", "routes")
    for index, route in enumerate(_entries(at(document, place))):
        if isinstance(route, dict) and "served_model_name" in route:
            old = route.pop("served_model_name")
            # An answer of the service, pasted as it is, has both with the same value.
            same = route.get("served_entity_name", old) == old
            yield _moved(
                (*place, index, "served_model_name"),
                "W712",
                "served_entity_name",
                {} if same else route,
            )
            route.setdefault("served_entity_name", old)


def _nested_config(document: Document) -> Iterator[Finding]:
    for place, model in _models(document):
        nested = model.get("config")
        if not isinstance(nested, dict):
            continue
        del model["config"]
        block = BLOCK_OF.get(str(model.get("provider")), "")
        is_nested = any(name.endswith("_config") for name in nested)
        moved = nested if is_nested or not block else {block: nested}
        for name, value in moved.items():
            others = _differing(model, name, value)
            yield _moved((*place, "config"), "W713", name, others)
            model.setdefault(name, value)


def _bedrock(document: Document) -> Iterator[Finding]:
    for place, model in _models(document):
        if "aws_bedrock_config" in model:
            new = BLOCK_OF["amazon-bedrock"]
            others = _differing(model, new, model["aws_bedrock_config"])
            yield _moved((*place, "aws_bedrock_config"), "W717", new, others)
            model.setdefault(new, model.pop("aws_bedrock_config"))
        block = model.get(BLOCK_OF["amazon-bedrock"])
        if isinstance(block, dict) and str(block.get("bedrock_provider")).lower() in (
            BEDROCK_PROVIDERS
        ):
            # The service does not mind the case here, so neither do we.
            block["bedrock_provider"] = block["bedrock_provider"].lower()


def _empty_prefix(document: Document) -> Iterator[Finding]:
    # rule(assumed): An empty prefix is none, and the service chooses one, from which an empty text
    #     would differ in every plan. A public request body has it. [serving-api 10.15]
    for place in (CAPTURE, TABLE):
        table = at(document, place)
        if isinstance(table, dict) and table.get(PREFIX) == "":
            del table[PREFIX]
            yield Finding(
                (*place, PREFIX),
                "W739",
                f"`{PREFIX}` is empty, which counts as missing; the service probably chooses a "
                "prefix",
                "remove it, or write a prefix",
                Severity.WARNING,
                key=True,
            )


TRANSLATIONS: Final[tuple[Callable[[Document], Iterator[Finding]], ...]] = (
    _rate_limits,
    _served_models,
    _route_names,
    _nested_config,
    _bedrock,
    _empty_prefix,
)


def _differing(target: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """``target``, or nothing where it says under ``name`` what the old spelling says."""
    return {} if target.get(name) == value else target


# rule(client): Old spellings are translated: public clients still send them. [serving-api 1.15,
#     1.16]
# rule(tool): An old and the new spelling do not have different values: which of the two is meant is
#     not known.
def _moved(place: Location, code: str, new: str, target: dict[str, Any]) -> Finding:
    """The finding for an old spelling; an error when ``target`` has the new one too."""
    old, last = place[-1], new.rpartition(".")[2]
    if last in target:
        return Finding(
            place,
            "E330",
            f"`{old}` is the old name of `{new}`, and both are set",
            f"keep only `{new}`",
            key=True,
        )
    return Finding(
        place,
        code,
        f"`{old}` is an old name",
        f"write `{new}`",
        Severity.WARNING,
        key=True,
    )


def _copied(value: Any) -> Any:
    # Five times as fast as copy.deepcopy, which also minds what JSON cannot hold.
    if isinstance(value, dict):
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _models(document: Document) -> Iterator[tuple[Location, dict[str, Any]]]:
    place = ("config", "served_entities")
    for index, entity in enumerate(_entries(at(document, place))):
        model = entity.get("external_model") if isinstance(entity, dict) else None
        if isinstance(model, dict):
            yield (*place, index, "external_model"), model


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (entry for entry in _entries(value) if isinstance(entry, dict))
