"""Hypothesis strategies for Databricks bundles, and what the Databricks CLI deploys of one.

The second half reads a bundle as the CLI does, in code of its own: nothing here is shared with the
import that it is compared with. Source: databricks/cli bundle/config and libs/dyn/merge.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from hypothesis import strategies as st
from strategies import (
    ENDPOINTS,
    configs,
    external_entities,
    gateways,
    permissions,
    registered_entities,
)

Document = dict[str, Any]
SCOPES, MODELS = "secret_scopes", "registered_models"
USER = "your_short_name"
"""The short name of whoever deploys, as an imported project has it before somebody edits it."""
PREFIXES = {
    "": "",
    "qa": "qa",
    "st-": "st",
    "Team A: ": "team_a",
    "[${bundle.target}] ": None,
    "${var.team}_": "ml",
}
"""Prefixes of targets to what stands before names; None where that differs by target."""

NAMES = ("chat", "chat-${bundle.target}", "${var.team}-chat", "${bundle.name}-x", "${var.own}")
_GRANTS = st.dictionaries(
    st.sampled_from(("platform", "everyone")),
    st.sampled_from(("CAN_VIEW", "CAN_RUN", "CAN_MANAGE")),
    max_size=2,
).map(lambda found: [{"level": level, "group_name": name} for name, level in found.items()])
_TAGS = st.dictionaries(
    st.sampled_from(("team", "cost")), st.sampled_from(("a", "7", "${var.team}")), max_size=2
).map(lambda found: [{"key": key, "value": value} for key, value in found.items()])


def _without_raw(value: Any) -> Any:
    """``value`` without our own extensions, which no bundle has."""
    if isinstance(value, dict):
        return {
            name: _without_raw(inner)
            for name, inner in value.items()
            if name != "raw" and not name.endswith("_plaintext")
        }
    return [_without_raw(inner) for inner in value] if isinstance(value, list) else value


def _has_its_secrets(config: Document) -> bool:
    return "_plaintext" not in str(config)


def _sorted_of(entities: Any, *, external: bool) -> Any:
    made = configs(entities).filter(_has_its_secrets).map(_without_raw)
    return st.tuples(made, gateways(external=external).map(_without_raw))


_CONFIGS = st.one_of(
    _sorted_of(registered_entities, external=False),
    _sorted_of(external_entities("llm/v1/chat"), external=True),
)


@st.composite
def _endpoints(draw: st.DrawFn) -> Document:
    """An endpoint without its name."""
    config, gateway = draw(_CONFIGS)
    made: Document = {"config": config}
    if draw(st.booleans()):
        made["ai_gateway"] = draw(_quoted_numbers(gateway))
    for name, strategy in (("tags", _TAGS), ("permissions", permissions)):
        if draw(st.booleans()):
            made[name] = draw(strategy)
    if draw(st.booleans()):
        made["config"] = draw(_quoted(made["config"]))
    if draw(st.integers(0, 3)) == 0:
        made["description"] = None
    return made


@st.composite
def _quoted(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with booleans as text, as many bundles have them."""
    made = copy.deepcopy(value)
    for entity in made["served_entities"]:
        if isinstance(entity.get("scale_to_zero_enabled"), bool) and draw(st.booleans()):
            entity["scale_to_zero_enabled"] = str(entity["scale_to_zero_enabled"]).lower()
    return made


@st.composite
def _quoted_numbers(draw: st.DrawFn, gateway: Document) -> Document:
    """``gateway`` with numbers of its limits as text."""
    made = copy.deepcopy(gateway)
    for limit in made.get("rate_limits", ()):
        for name in ("calls", "tokens"):
            if name in limit and draw(st.booleans()):
                limit[name] = str(limit[name])
    return made


_SECTIONS: Document = {
    "sync": {"exclude": ["*.csv"]},
    "artifacts": {"wheel": {"type": "whl", "build": "uv build"}},
    "run_as": {"user_name": "a@example.com"},
    "scripts": {"test": {"content": "pytest"}},
    "experimental": {"python_wheel_wrapper": True},
    "x-anything": {"a": 1},
}


@st.composite
def bundles(draw: st.DrawFn) -> Document:
    """A bundle that the CLI accepts, with up to two targets of workspaces of their own."""
    made: Document = {
        "bundle": {"name": "shop"},
        "variables": {"team": {"default": "ml"}, "own": {"default": "own"}},
        "resources": {
            ENDPOINTS: {"a": {"name": draw(st.sampled_from(NAMES)), **draw(_endpoints())}}
        },
    }
    endpoints = made["resources"][ENDPOINTS]
    if draw(st.booleans()):
        name = draw(st.sampled_from(("b", "${resources.model_serving_endpoints.a.name}-b")))
        endpoints["b"] = {"name": name, **draw(_endpoints())}
    if draw(st.booleans()):
        made["resources"][SCOPES] = {"s": {"name": "vault-${var.team}"}}
    if draw(st.booleans()):
        model = {"name": "fraud", "catalog_name": "own", "schema_name": "${var.team}"}
        made["resources"][MODELS] = {"m": model}
        endpoints["a"]["description"] = "serves ${resources.registered_models.m.id}"
    if draw(st.booleans()):
        made["permissions"] = draw(_GRANTS)
    for name in draw(st.sets(st.sampled_from(sorted(_SECTIONS)), max_size=2)):
        made[name] = _SECTIONS[name]
    word = draw(st.sampled_from(("targets", "environments")))
    for name in draw(st.sampled_from(((), ("dev",), ("dev", "prod")))):
        host = {"host": f"https://{name}.example.com"}
        made.setdefault(word, {})[name] = {
            "workspace": host,
            **draw(_targets(endpoints["a"]["config"])),
        }
    return made


def _second_entity(config: Document) -> Document | None:
    """What a target appends to ``config``; None where the result would be no valid endpoint."""
    entities = config["served_entities"]
    if len(entities) != 1 or "traffic_config" in config or "name" not in entities[0]:
        return None
    second = {**entities[0], "name": "appended"}
    shares = {entities[0]["name"]: 60, "appended": 40}
    # The old name of a route, as nearly all public bundles have it.
    routes = [
        {"served_model_name": name, "traffic_percentage": share} for name, share in shares.items()
    ]
    return {"served_entities": [second], "traffic_config": {"routes": routes}}


@st.composite
def _targets(draw: st.DrawFn, config: Document) -> Document:
    made: Document = {}
    if draw(st.booleans()):
        made["presets"] = {"name_prefix": draw(st.sampled_from(sorted(PREFIXES)))}
    if draw(st.integers(0, 3)) == 0:
        made["mode"] = "development"
    if draw(st.booleans()):
        made["variables"] = {"own": draw(st.sampled_from(("mine", "${bundle.target}-x")))}
    if draw(st.booleans()):
        made["permissions"] = draw(_GRANTS)
    if draw(st.booleans()):
        part: Document = {}
        if draw(st.booleans()):
            part["tags"] = draw(_TAGS)
        if draw(st.booleans()):
            part["permissions"] = draw(permissions)
        appended = _second_entity(config)
        if draw(st.booleans()):
            part["config"] = appended if draw(st.booleans()) else None
        made["resources"] = {ENDPOINTS: {"a": part}}
        if draw(st.booleans()):
            made["resources"][ENDPOINTS]["only"] = {"name": "only", **draw(_endpoints())}
    return made


# -- what the CLI deploys ----------------------------------------------------------------

LEVELS = {
    ENDPOINTS: {"CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_QUERY", "CAN_MANAGE": "CAN_MANAGE"},
    SCOPES: {"CAN_VIEW": "READ", "CAN_MANAGE": "MANAGE"},
    MODELS: {},
}
RANKS = ("READ", "CAN_VIEW", "CAN_QUERY", "WRITE", "MANAGE", "CAN_MANAGE")
PRINCIPALS = ("user_name", "group_name", "service_principal_name")


def deployed(bundle: Document, target: str) -> dict[str, list[Document]]:
    """By kind the resources that the CLI deploys to ``target``; ``default`` without targets."""
    own = (bundle.get("targets") or bundle.get("environments") or {}).get(target, {})
    parts = {name: own[name] for name in ("resources", "permissions", "presets") if name in own}
    laid = ("targets", "environments")
    whole = _merge({name: bundle[name] for name in bundle if name not in laid}, parts)
    values = {"bundle.target": target, "bundle.name": "shop"}
    for name, definition in bundle["variables"].items():
        values[f"var.{name}"] = own.get("variables", {}).get(name, definition["default"])
    prefix = _prefix(whole, own, target)
    found: dict[str, list[Document]] = {}
    for kind, by_key in whole["resources"].items():
        for document in by_key.values():
            named = dict(document)
            if kind != SCOPES:
                named["name"] = prefix + document["name"]
            made = _resolved(named, values, whole, prefix)
            grants = _resolved(whole.get("permissions", []), values, whole, prefix)
            found.setdefault(kind, []).append(_granted(made, grants, kind))
    return found


def _merge(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, dict):
        names = [*one, *(name for name in other if name not in one)]
        return {n: _merge(one.get(n), other.get(n)) for n in names}
    return one + other if isinstance(one, list) else other


def _prefix(whole: Document, own: Document, target: str) -> str:
    written = whole.get("presets", {}).get("name_prefix") or ""
    if not written and own.get("mode") == "development":
        return f"dev_{USER}_"
    known = PREFIXES[written]
    return f"{target}_" if known is None else known


NUMBERS = ("calls", "tokens")


def _resolved(
    value: Any, values: dict[str, str], whole: Document, prefix: str, name: str = ""
) -> Any:
    if isinstance(value, dict):
        return {
            field: _resolved(inner, values, whole, prefix, field)
            for field, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [_resolved(inner, values, whole, prefix) for inner in value]
    if value in ("true", "false"):
        return value == "true"
    if name in NUMBERS and isinstance(value, str):
        return int(value)
    while isinstance(value, str) and "${" in value:
        value = re.sub(
            r"\$\{([^{}]*)\}", lambda found: _word(found[1], values, whole, prefix), value
        )
    return value


def _word(word: str, values: dict[str, str], whole: Document, prefix: str) -> str:
    if word in values:
        return values[word]
    _, kind, key, _ = word.split(".")
    document = whole["resources"][kind][key]
    name = prefix + str(document["name"])
    if kind != MODELS:
        return name
    return f"{document['catalog_name']}.{document['schema_name']}.{name}"


def _granted(document: Document, grants: list[Document], kind: str) -> Document:
    own = list(document.get("permissions", []))
    for grant in grants:
        level = LEVELS[kind].get(grant["level"])
        if level and all(_who(one) != _who(grant) for one in document.get("permissions", [])):
            own.append({**grant, "level": level})
    highest: dict[str, Document] = {}
    for one in own:
        other = highest.get(_who(one))
        if other is None or RANKS.index(one["level"]) > RANKS.index(other["level"]):
            highest[_who(one)] = one
    tags = {tag["key"]: tag for tag in document.get("tags", [])}
    made = {**document, "permissions": list(highest.values()), "tags": list(tags.values())}
    return {name: value for name, value in made.items() if value}


def _who(grant: Document) -> str:
    return next(f"{name}:{grant[name]}" for name in PRINCIPALS if name in grant)
