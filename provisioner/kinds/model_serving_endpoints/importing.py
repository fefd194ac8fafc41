"""A live endpoint as a manifest would describe it. Pure.

What the service chose for itself is left out where a manifest may be silent about it; a key
that was given as plaintext is never shown, so its place is taken by an environment variable.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from provisioner.errors import Location
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    ROUTES,
    UNITS_FIELD,
    Part,
    at,
    external_models,
    has_throughput,
    mapping,
    parts_of,
    secret_holders,
)
from provisioner.kinds.model_serving_endpoints.planning.digests import applied_digests
from provisioner.kinds.model_serving_endpoints.validation.existing_endpoints import (
    DATABRICKS,
    EXISTING,
    MANAGED,
)
from provisioner.kinds.model_serving_endpoints.vocabulary import (
    BLOCK_OF,
    REQUIRED_SECRET,
    default_entity_name,
    plaintext_of,
)
from provisioner.model import schemas
from provisioner.model.documents import in_fixed_order, in_order, without_defaults
from provisioner.model.importing import BundleRules, GeneratedManifest, variable_name
from provisioner.model.live import Live, Phase
from provisioner.model.paths import Document, Key, parse_path
from provisioner.model.secret import MARK

NAME: Final = "model_serving_endpoints"
OF_A_SIZE: Final = {"workload_type": "CPU"}
OF_A_THROUGHPUT: Final = {
    "workload_type": "GPU_LARGE",
    "workload_size": "Small",
    "scale_to_zero_enabled": False,
}
"""What the service chooses for an entity that is provisioned by throughput."""

FEATURES: Final[Location] = ("telemetry_config", "enabled_telemetry_features")
CUSTOM: Final = "custom_provider_config"
CUSTOM_LOGINS: Final = ("api_key_auth", "bearer_token_auth")
"""The first one always shows the name of its header, so that without both it is the second."""
BEDROCK_LOGINS: Final = ("instance_profile_arn", "uc_service_credential_name")
BEDROCK_KEYS: Final = ("aws_access_key_id", "aws_secret_access_key")
NOT_READ_BACK: Final = {
    "config": "`burst_scaling_enabled` or `raw` of an entity, or a plaintext key",
    "telemetry_config": "the tables of its telemetry",
    "budget_policy_id": "the budget policy",
    "raw": "fields under `raw`",
    "ai_gateway": "fields under `raw` of the gateway",
}
"""By field what of it no answer tells."""


def provided(name: str) -> bool:
    """Whether an endpoint of this name is one of Databricks' own."""
    return name.startswith(DATABRICKS)


def generate(live: Live, words: str) -> GeneratedManifest:
    """``live`` as a manifest describes it.

    ``words`` begin the names of the environment variables that stand for its secrets.
    """
    rules = schemas.rules(NAME)
    is_theirs = provided(live.name)
    document = dict(live.document)
    if is_theirs:
        document = {name: document[name] for name in ("name", *MANAGED) if name in document}
        document[EXISTING] = True
    comments: dict[Location, Sequence[str]] = {}
    if not is_theirs:
        document = _without_choices(document)
        document, comments = with_secrets(document, words)
        if live.ownership.protected:
            document["lifecycle"] = {"prevent_destroy": True}
    document = _by_share(in_fixed_order(document, rules))
    document = in_order(without_defaults(document, rules), rules)
    document = _named_as_applied(document, live)
    if document.get("description") == "":
        del document["description"]
    for place, lines in _unknown(live, document):
        comments[place] = (*comments.get(place, ()), *lines)
    return GeneratedManifest(document, comments, tuple(_left_out(live, document, is_theirs)))


def _by_share(document: Document) -> Document:
    """Entities and routes with the larger share of the traffic first; features sorted."""
    routes = {
        part.value.get("served_entity_name"): part.value for part in parts_of(document, ROUTES)
    }

    def place(name: Any) -> tuple[int, str]:
        share = routes.get(name, {}).get("traffic_percentage")
        return (-share if isinstance(share, int) else 0, str(name))

    entities = at(document, ENTITIES)
    if isinstance(entities, list):
        entities.sort(key=lambda entity: place(entity.get("name")))
    for names in (at(document, ROUTES), at(document, FEATURES)):
        if isinstance(names, list):
            names.sort(key=lambda name: place(mapping(name).get("served_entity_name", name)))
    return document


def _without_choices(document: Document) -> Document:
    """``document`` without what the service fills in, and may fill in again."""
    config = mapping(document.get("config"))
    entities = [_without_chosen(part.value) for part in parts_of(document, ENTITIES)]
    if not entities:
        return document
    made = {**config, "served_entities": entities}
    routes = mapping(config.get("traffic_config")).get("routes")
    if len(entities) == 1 and routes == [
        {"served_entity_name": entities[0].get("name"), "traffic_percentage": 100}
    ]:
        del made["traffic_config"]
    return {**document, "config": made}


def _without_chosen(entity: Mapping[str, Any]) -> Document:
    chosen = OF_A_THROUGHPUT if has_throughput(entity) or UNITS_FIELD in entity else OF_A_SIZE
    return {
        name: value
        for name, value in entity.items()
        if not (name in chosen and value == chosen[name])
    }


def with_secrets(document: Document, words: str) -> tuple[Document, dict[Location, Sequence[str]]]:
    """``document`` with a variable for each key that it needs and does not hold."""
    document = copy.deepcopy(document)
    comments: dict[Location, Sequence[str]] = {}
    several = len(list(external_models(document))) > 1
    for model in list(external_models(document)):
        entity = at(document, model.at[:-1])
        name = f"{words}_{entity.get('name')}" if several else words
        block = BLOCK_OF.get(str(model.value.get("provider")))
        if block:  # Where the key is all that is set, the service shows no settings at all.
            settings = at(document, model.at).setdefault(block, {})
            if block == CUSTOM and not settings.keys() & set(CUSTOM_LOGINS):
                settings[CUSTOM_LOGINS[1]] = {}
        for holder, secret in list(_missing(model)):
            twin = plaintext_of(secret)
            variable = variable_name(f"{name}_{secret}")
            at(document, holder.at)[twin] = {MARK: {"from_env": variable}}
            comments[(*holder.at, twin)] = (
                "Databricks never returns this key, so the stored key stays on adoption. Set the",
                "variable where apply runs: a change of `config`, or --rotate, sends the key.",
                "Better: store the key in a secret scope, and write",
                f'{secret}: "{{{{secrets/SCOPE/KEY}}}}"',
            )
    return document, comments


def _missing(model: Part) -> Iterator[tuple[Part, str]]:
    """The secrets that ``model`` cannot do without, and that are not told."""
    block = BLOCK_OF.get(str(model.value.get("provider")), "")
    settings = model.value.get(block)
    if not isinstance(settings, Mapping):
        return
    for holder in secret_holders(Part(model.inner(block), settings)):
        name = str(holder.at[-1])
        for secret in _needed(name, holder.value):
            if secret not in holder.value and plaintext_of(secret) not in holder.value:
                yield holder, secret


def _needed(block: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    if block == "openai_config":
        is_entra = settings.get("openai_api_type") == "azuread"
        return ("microsoft_entra_client_secret",) if is_entra else ("openai_api_key",)
    if block == "amazon_bedrock_config":
        return () if any(settings.get(name) for name in BEDROCK_LOGINS) else BEDROCK_KEYS
    return (REQUIRED_SECRET[block],) if block in REQUIRED_SECRET else ()


def _named_as_applied(document: Document, live: Live) -> Document:
    """``document`` without the name of its only entity, where our mark says it had none."""
    entities = at(document, ENTITIES)
    if not live.ownership.applied or not isinstance(entities, list) or len(entities) != 1:
        return document
    unnamed = {name: value for name, value in entities[0].items() if name != "name"}
    other = {**document, "config": {**document["config"], "served_entities": [unnamed]}}
    was = set(live.ownership.applied.split())
    fits = set(applied_digests(other).split()) & was > set(applied_digests(document).split()) & was
    return other if fits else document


def _unknown(live: Live, document: Document) -> Iterator[tuple[Location, tuple[str, ...]]]:
    """A comment for each live field that this version does not know."""
    for path, value in sorted(live.beside.get("unknown", {}).items()):
        place = _nearest(document, path)
        name = path.rpartition(".")[2]
        shown = str(value).lower() if isinstance(value, bool | int | float) else "..."
        yield (
            place,
            (
                f"The service also returns `{path}`, which this version does not know.",
                f"If it is a setting that you need, keep it here: raw: {{{name}: {shown}}}",
            ),
        )


def _nearest(document: Document, text: str) -> Location:
    """The innermost part of ``document`` on the way to the path ``text``."""
    place: Location = ()
    value: Any = document
    for segment in parse_path(text):
        if isinstance(segment, Key):
            names = [mapping(entry).get("name") for entry in value]
            if segment.value not in names:
                break
            step: str | int = names.index(segment.value)
        else:
            step = segment
        if not isinstance(value, list) and step not in mapping(value):
            break
        value, place = value[step], (*place, step)
    return place or ("name",)


def _left_out(live: Live, document: Document, is_theirs: bool) -> Iterator[str]:
    was, now = set(live.ownership.applied.split()), set(applied_digests(document).split())
    for field in sorted(entry.partition(":")[0] for entry in was - now):
        what = NOT_READ_BACK.get(field, f"a part of `{field}`")
        yield f"{what}, which was applied and cannot be read back: add it to the manifest"
    if live.usage_policy and "budget_policy_id" not in document:
        policy = live.usage_policy
        yield (
            f"its usage policy `{policy}`, which no call changes: set `budget_policy_id: "
            f"{policy}` if you recreate the endpoint"
        )
    if live.readiness.phase is Phase.UPDATING and not is_theirs:
        yield "the config before the running update: the config of the update was imported"
    if live.readiness.phase is Phase.FAILED and not is_theirs:
        yield "the config of the last update, which failed: the active config was imported"


# Source: databricks/cli resourcemutator/apply_bundle_permissions.go.
# A part of a reference may come from a variable: `{{secrets/${bundle.target}/key}}`.
_SECRET: Final = re.compile(
    r"\{\{\s*secrets/((?:[^{}/]|\$\{[^{}]*\})+)/((?:[^{}]|\$\{[^{}]*\})+?)\s*\}\}"
)


def named(document: Document) -> Document:
    """Returns ``document`` with the names that the service gives to its unnamed entities.

    Several entities need names here, and the live ones have these. One alone stays unnamed.
    """
    entities = at(document, ENTITIES)
    if not isinstance(entities, list) or len(entities) < 2:
        return document
    made = [_named(entity) if isinstance(entity, dict) else entity for entity in entities]
    return {**document, "config": {**mapping(document["config"]), "served_entities": made}}


def _named(entity: Document) -> Document:
    model = mapping(entity.get("external_model")).get("name")
    parts = (model, entity.get("entity_name"), entity.get("entity_version"))
    # The name that the service makes of a variable's value is known at that value only.
    if "name" in entity or any("${" in str(part) for part in parts):
        return entity
    name = default_entity_name(entity)
    return {"name": name, **entity} if name else entity


def secret_keys(value: Any) -> Iterator[tuple[str, str]]:
    """(scope, key) of each reference to a secret anywhere in ``value``."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from secret_keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from secret_keys(inner)
    elif isinstance(value, str):
        yield from _SECRET.findall(value)


BUNDLE: Final = BundleRules(
    levels={"CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_QUERY", "CAN_MANAGE": "CAN_MANAGE"},
    ranks=("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"),
    named=named,
    secret_keys=secret_keys,
)
