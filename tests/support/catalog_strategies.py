"""Hypothesis strategies for objects of Unity Catalog, and what a change of one has to send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from strategies import Document, Manifest, Strategy, optional, texts

PARENT = "schemas/main.gw"
TYPE = "EXTERNAL_MODEL_PROVIDER_TYPE_"
NAMES = {"catalog_name": "main", "schema_name": "gw"}
PROVIDERS, SERVICES = "model_provider_services", "model_services"
FREE_VERSION = "3"
"""A version of the model that nobody has trained."""

comments = optional(comment=texts)
urls = st.sampled_from(("https://a.example", "https://b.example"))
references = st.sampled_from(("one", "two")).map(
    lambda name: {"secret_reference": {"name": f"secrets/main.gw.{name}"}}
)
words = st.sampled_from(("x", "y-1", "é 語"))
api_types = st.lists(
    st.sampled_from(("openai/v1/chat/completions", "openai/v1/responses", "openai/v1/embeddings")),
    min_size=1,
    unique=True,
)
PRIVILEGES = {
    "schemas": ("USE_SCHEMA", "CREATE_SERVICE", "EXECUTE"),
    "secrets": ("READ_SECRET", "MANAGE"),
    "registered_models": ("EXECUTE", "MANAGE", "APPLY_TAG"),
    PROVIDERS: ("EXECUTE", "MANAGE", "READ_METADATA", "APPLY_TAG"),
    SERVICES: ("EXECUTE", "MANAGE", "READ_METADATA", "APPLY_TAG"),
}


def grants(kind: str) -> st.SearchStrategy[list[Document]]:
    """Grants to some principals, in any order."""
    principals = ("a@example.com", "analysts", "4f1c0000-0000-4000-8000-000000000001")
    privileges = st.lists(st.sampled_from(PRIVILEGES[kind]), min_size=1, unique=True)
    held = st.dictionaries(st.sampled_from(principals), privileges, max_size=3)
    return held.map(
        lambda by: [{"principal": who, "privileges": which} for who, which in by.items()]
    )


def _unique(entries: Strategy, most: int, *fields: str, least: int = 1) -> Any:
    return st.lists(
        entries,
        min_size=least,
        max_size=most,
        unique_by=lambda entry: tuple(entry.get(field) for field in fields),
    )


def _limit(key: str) -> Strategy:
    names = ("USER", "USER_GROUP", "SERVICE_PRINCIPAL")
    principal = {"principal": st.sampled_from(("a@example.com", "analysts"))}
    return optional(
        {
            "key": st.just(f"RATE_LIMIT_KEY_{key}"),
            "renewal_period": st.sampled_from(("MINUTE", "HOUR")).map(
                lambda period: f"RATE_LIMIT_RENEWAL_PERIOD_{period}"
            ),
            "requests": st.integers(0, 2**40),
            **(principal if key in names else {}),
        },
        tokens=st.integers(0, 2**40),
    )


KEYS = ("SERVICE", "USER_DEFAULT", "USER", "USER_GROUP", "SERVICE_PRINCIPAL")
limits = _unique(st.one_of(*map(_limit, KEYS)), 4, "key", "principal", "renewal_period")
inference_table = st.just({"parent": PARENT, "table_name_prefix": "logs"})

LOGINS: dict[str, Strategy] = {
    "openai": optional({"api_key": references}, base_url=urls, organization=words),
    "anthropic": optional({"api_key": references}),
    "azure_openai": optional(
        {
            "base_url": urls,
            "entra_service_principal": optional(
                {"tenant_id": words, "client_id": words, "client_secret": references}
            ),
        }
    ),
    "amazon_bedrock": optional(
        {
            "region": words,
            "aws_access_key": optional({"access_key_id": words, "secret_access_key": references}),
        }
    ),
    "gemini_enterprise": optional({"project_id": words, "region": words, "api_key": references}),
    "custom": optional(
        {
            "base_url": urls,
            "header_auth": optional({"api_key_name": words, "api_key_value": references}),
        }
    ),
}


@st.composite
def _provider_config(draw: st.DrawFn, provider: str) -> Document:
    target = optional(
        {"model": st.sampled_from(("m-1", "org/m-2", "m.3")), "native_api_types": api_types},
        **({"endpoint_route": st.sampled_from(("/a", "/b"))} if provider == "custom" else {}),
    )
    flags = ("forward_headers", "forward_query_parameters", "forward_unmanaged_paths")
    pricing = optional({"default_discount_basis_points": st.integers(-5, 10000)})
    config = draw(
        optional(
            {
                "provider_type": st.just(TYPE + provider.upper()),
                provider: optional({"direct": LOGINS[provider]}),
                "targets": _unique(target, 3, "model"),
            },
            rate_limits=limits,
            inference_table=inference_table,
            pricing=pricing,
            **dict.fromkeys(flags, st.just(True)),
        )
    )
    if provider != "custom" and draw(st.booleans()):
        config["allow_all_targets"] = True
        if draw(st.booleans()):
            del config["targets"]
    return config


def _block(name: str, **fields: Strategy | Any) -> Strategy:
    sort = f"DESTINATION_TYPE_{name.upper()}_FOUNDATION_MODEL"
    config = {"external": "external_model_config"}.get(name, f"{name}_config")
    return optional({"destination_type": st.just(sort), config: optional(fields)})


destination_blocks = st.one_of(
    _block(
        "external",
        model_provider_service=st.sampled_from(("first", "second")).map(
            lambda name: f"model-provider-services/main.gw.{name}"
        ),
        target=optional({"model": st.sampled_from(("m-1", "org/m-2"))}, native_api_types=api_types),
    ),
    _block(
        "pay_per_token",
        model=st.sampled_from(("a", "b")).map(lambda name: f"models/system.ai.{name}"),
    ),
    _block(
        "provisioned_throughput",
        model_serving_endpoint=st.sampled_from(("first", "second")).map(
            lambda name: f"serving-endpoints/{name}"
        ),
    ),
)


@st.composite
def _service_config(draw: st.DrawFn) -> Document:
    names = draw(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=5, unique=True))
    count = draw(st.integers(1, len(names)))
    entries = [{"name": name, **draw(destination_blocks)} for name in names]
    first, rest = entries[:count], entries[count:]
    if count > 1 or draw(st.booleans()):
        cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=count - 1, max_size=count - 1)))
        for entry, low, high in zip(first, (0, *cuts), (*cuts, 100), strict=True):
            entry["traffic_percentage"] = high - low
    routing = {"destinations": first, **({"fallback": {"destinations": rest}} if rest else {})}
    blocks = draw(optional(rate_limits=limits, inference_table=inference_table))
    return {"routing": routing, **blocks}


def documents(kind: str, provider: str = "openai") -> Strategy:
    """Documents of one object of ``kind``, all of one name."""
    if kind == SERVICES:
        own = {"parent": st.just(PARENT), "model_service_id": st.just("thing")}
        own["config"] = _service_config()
    elif kind == PROVIDERS:
        own = {"parent": st.just(PARENT), "model_provider_service_id": st.just("account")}
        own["config"] = _provider_config(provider)
    elif kind == "schemas":
        own = {"catalog_name": st.just("main"), "name": st.just("team")}
    else:
        own = {field: st.just(name) for field, name in (NAMES | {"name": "thing"}).items()}
        own |= {"from_env": st.just("KEY")} if kind == "secrets" else {}
    more: dict[str, Any] = {"comment": texts, "grants": grants(kind)}
    if kind == "registered_models":
        versions = st.sampled_from(("1", "2", FREE_VERSION, None))
        more["aliases"] = st.dictionaries(st.sampled_from(("champion", "next")), versions)
    if kind == "secrets":
        more["expire_time"] = st.sampled_from(("2027-01-01T00:00:00Z", "2028-02-03T04:05:06Z"))
    return optional(own, **more)


@st.composite
def catalog_changes(draw: st.DrawFn) -> tuple[Manifest, Manifest]:
    """Objects of some kinds, and what becomes of them without a replacement."""
    kinds = draw(st.lists(st.sampled_from(tuple(PRIVILEGES)), min_size=1, unique=True))
    provider = draw(st.sampled_from(tuple(LOGINS)))
    before, after = (
        {kind: {"thing": draw(documents(kind, provider))} for kind in kinds} for _ in range(2)
    )
    if "secrets" in kinds and "expire_time" in before["secrets"]["thing"]:
        # No call takes the time away again.
        after["secrets"]["thing"].setdefault("expire_time", "2029-01-01T00:00:00Z")
    return before, after


# What a change has to send, from the two documents alone.

MASKS = {
    "schemas": ("comment",),
    "registered_models": ("comment",),
    "secrets": ("comment", "expire_time"),
    PROVIDERS: (
        *("comment", "config.targets", "config.allow_all_targets", "config.forward_headers"),
        *("config.forward_query_parameters", "config.forward_unmanaged_paths"),
        *("config.rate_limits", "config.inference_table", "config.provider"),
        "config.pricing.default_discount_basis_points",
    ),
    SERVICES: (
        *("comment", "config.routing.destinations", "config.routing.fallback.destinations"),
        *("config.rate_limits", "config.inference_table"),
    ),
}
KEYED = {
    "targets": ("model",),
    "rate_limits": ("key", "principal", "renewal_period"),
    "routing.destinations": ("name",),
}


def expected_masks(kind: str, before: Document, after: Document) -> set[str]:
    """The masks of the fields that differ."""
    return {mask for mask in MASKS[kind] if _at(before, mask) != _at(after, mask)}


def _at(document: Document, mask: str) -> Any:
    if mask == "config.provider":
        return [document["config"].get(name) for name in LOGINS]
    value: Any = document
    for name in mask.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    fields = KEYED.get(mask.removeprefix("config."))
    plain = _without_order(value)
    if fields and isinstance(plain, list):
        shares = mask.endswith("routing.destinations")
        if shares and len(plain) == 1:
            # All of the traffic, said or not.
            plain = [{"traffic_percentage": 100, **plain[0]}]
        return {tuple(entry.get(field) for field in fields): entry for entry in plain}
    return plain


def _without_order(value: Any) -> Any:
    """``value`` with the APIs of each model as a set."""
    if isinstance(value, dict):
        return {
            name: sorted(inner) if name == "native_api_types" else _without_order(inner)
            for name, inner in value.items()
        }
    return [_without_order(inner) for inner in value] if isinstance(value, list) else value


def held(document: Document) -> dict[str, set[str]]:
    """Who holds what by the grants of a document."""
    return {each["principal"]: set(each["privileges"]) for each in document.get("grants", ())}


def expected_aliases(live: Document, after: Document) -> Iterator[tuple[str, str]]:
    """The calls for the aliases of a model; ``live`` are those that it has."""
    for name, version in after.get("aliases", {}).items():
        if version is None and name in live:
            yield "DELETE", name
        elif version not in (None, FREE_VERSION) and live.get(name) != version:
            yield "PUT", name
