"""Hypothesis strategies for manifests that the tool accepts, over the whole surface.

Every endpoint here is valid for the service too, as far as the local workspace knows it, so a
refusal of either side is a defect of somebody.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]
Strategy = st.SearchStrategy[Document]

ENDPOINTS = "model_serving_endpoints"
KEYS = {"keys": ("one", "two")}
"""The secrets that have to be in the workspace already: scope to keys."""
VARIABLE = "PROVIDER_KEY"
"""The environment variable that every plaintext comes from."""
FIXED = ("description", "budget_policy_id", "raw")
"""What nobody can change: no call does, and nobody wants a replacement for it."""

SHOP_KEYS = ("alpha", "beta.2", "gamma_3")
REFERENCES = [f"{{{{secrets/keys/{key}}}}}" for key in KEYS["keys"]]
ENTITY_NAMES = ("a", "b-2", "c_3", "D4", "main")
ADDRESSES = ("a@example.com", "b@example.com", "ops+ml@example.com")

# Blanks, quotes, brackets and what is not ASCII: where paths, YAML or labels could trip.
texts = st.text(alphabet="aZ09 .:/-_[]\"'#é語", min_size=1, max_size=8).filter(str.strip)
words = st.sampled_from(("x", "y-1", "long_word", "Ünit"))
counts = st.integers(0, 2**40)
tables = st.sampled_from(("main.logs.one", "main.logs.two"))


def optional(required: dict[str, Strategy] | None = None, **fields: Any) -> Strategy:
    """A mapping with ``required`` and any of ``fields``."""
    return st.fixed_dictionaries(required or {}, optional=fields)


def merged(*parts: Strategy) -> Strategy:
    """One mapping of several."""

    def union(drawn: tuple[Document, ...]) -> Document:
        return {name: value for part in drawn for name, value in part.items()}

    return st.tuples(*parts).map(union)


def secret(name: str) -> Strategy:
    """A secret as a reference, or its twin with the value."""
    reference = st.sampled_from(REFERENCES).map(lambda found: {name: found})
    return reference | st.just({f"{name}_plaintext": f"${{env.{VARIABLE}}}"})


raw = st.dictionaries(
    st.sampled_from(("x_new", "x_newer")),
    st.booleans() | st.integers(0, 9) | words | st.just({"x_inner": [1, "2"]}),
    min_size=1,
    max_size=2,
)

# -- external models ---------------------------------------------------------------------

_AZURE = {
    "openai_api_base": st.sampled_from(("https://x.openai.azure.com", "https://y.example.com")),
    "openai_api_version": st.just("2024-06-01"),
    "openai_deployment_name": words,
}
_ENTRA = {
    "openai_api_type": st.just("azuread"),
    "microsoft_entra_client_id": words,
    "microsoft_entra_tenant_id": words,
}
_openai = st.one_of(
    merged(
        secret("openai_api_key"),
        optional(
            openai_api_type=st.just("openai"),
            openai_api_base=st.sampled_from(("https://api.openai.com/v1", "https://x.example.com")),
            openai_organization=texts,
        ),
    ),
    merged(
        secret("openai_api_key"),
        optional({"openai_api_type": st.just("azure"), **_AZURE}, openai_organization=texts),
    ),
    merged(secret("microsoft_entra_client_secret"), optional({**_AZURE, **_ENTRA})),
)
_bedrock = merged(
    optional(
        {
            "aws_region": st.sampled_from(("us-east-1", "eu-west-1")),
            "bedrock_provider": st.sampled_from(("anthropic", "cohere", "ai21labs", "amazon")),
        }
    ),
    st.one_of(
        merged(secret("aws_access_key_id"), secret("aws_secret_access_key")),
        optional({"instance_profile_arn": words}),
        optional({"uc_service_credential_name": words}),
    ),
)
_custom_provider = merged(
    optional({"custom_provider_url": st.just("https://x.example.com/v1")}),
    st.one_of(
        merged(optional({"key": words}), secret("value")).map(lambda a: {"api_key_auth": a}),
        secret("token").map(lambda auth: {"bearer_token_auth": auth}),
    ),
)
PROVIDERS: dict[str, tuple[str, Strategy]] = {
    "openai": ("openai_config", _openai),
    "anthropic": ("anthropic_config", secret("anthropic_api_key")),
    "cohere": (
        "cohere_config",
        merged(secret("cohere_api_key"), optional(cohere_api_base=words)),
    ),
    "amazon-bedrock": ("amazon_bedrock_config", _bedrock),
    "google-cloud-vertex-ai": (
        "google_cloud_vertex_ai_config",
        merged(optional({"project_id": words, "region": words}), secret("private_key")),
    ),
    "databricks-model-serving": (
        "databricks_model_serving_config",
        merged(
            optional({"databricks_workspace_url": st.just("https://x.example.com")}),
            secret("databricks_api_token"),
        ),
    ),
    "ai21labs": ("ai21labs_config", secret("ai21labs_api_key")),
    "palm": ("palm_config", secret("palm_api_key")),
    "custom": ("custom_provider_config", _custom_provider),
}


@st.composite
def external_entities(draw: st.DrawFn, task: str) -> Document:
    """A served entity without its name."""
    provider = draw(st.sampled_from(sorted(PROVIDERS)))
    block, settings = PROVIDERS[provider]
    model = {
        "name": draw(st.sampled_from(("m", "m-4.1", "vendor:m"))),
        "provider": provider,
        "task": task,
        block: draw(settings),
        **draw(optional(raw=raw)),
    }
    return {"external_model": model}


# -- models of Unity Catalog -------------------------------------------------------------

_models = st.sampled_from(("main.ml.fraud", "main.ml.churn", "workspace_model"))
_versions = st.sampled_from(("1", "2", "30"))


def _up_to(least: str, most: str) -> Strategy:
    """Two numbers in order."""
    pair = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(sorted)
    return pair.map(lambda found: {least: found[0] * 4, most: found[1] * 4})


registered_entities = merged(
    optional(
        {
            "entity_name": _models,
            "entity_version": _versions,
            "scale_to_zero_enabled": st.booleans(),
        },
        workload_type=st.sampled_from(("CPU", "CPU_LARGE", "GPU_SMALL", "MULTIGPU_MEDIUM")),
        environment_vars=st.dictionaries(
            st.sampled_from(("LEVEL", "KEY", "lower")),
            texts | st.sampled_from(REFERENCES),
            max_size=2,
        ),
        instance_profile_arn=words,
        raw=raw,
    ),
    st.one_of(
        optional(workload_size=st.sampled_from(("Small", "Medium", "Large"))),
        _up_to("min_provisioned_concurrency", "max_provisioned_concurrency"),
    ),
)
feature_specs = optional(
    {
        "entity_name": st.sampled_from(("main.features.spec", "main.features.other")),
        "scale_to_zero_enabled": st.booleans(),
    },
    workload_size=st.sampled_from(("Small", "Medium")),
)
throughput_entities = merged(
    optional({"entity_name": st.just("system.ai.llama"), "entity_version": _versions}),
    st.one_of(
        _up_to("min_provisioned_throughput", "max_provisioned_throughput"),
        optional({"max_provisioned_throughput": st.integers(1, 9)}),
    ),
)
unit_entities = optional(
    {
        "entity_name": st.just("system.ai.llama"),
        "entity_version": _versions,
        "provisioned_model_units": st.sampled_from((50, 100, 200)),
    },
    burst_scaling_enabled=st.booleans(),
)

# -- config ------------------------------------------------------------------------------

auto_capture = optional(
    {"catalog_name": st.sampled_from(("main", "dev")), "schema_name": words},
    table_name_prefix=words,
    enabled=st.booleans(),
)
TASKS = ("llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings")


@st.composite
def configs(draw: st.DrawFn, entity: Strategy) -> Document:
    """One to three entities in any order, and how the traffic is split between them."""
    entities = draw(st.lists(entity, min_size=1, max_size=3))
    names = draw(
        st.lists(
            st.sampled_from(ENTITY_NAMES),
            min_size=len(entities),
            max_size=len(entities),
            unique=True,
        )
    )
    if len(entities) == 1 and draw(st.booleans()):
        return {"served_entities": entities}
    named = [{"name": name, **one} for name, one in zip(names, entities, strict=True)]
    config = {"served_entities": named}
    if len(entities) > 1 or draw(st.booleans()):
        config["traffic_config"] = {"routes": draw(_routes(names))}
    return config


@st.composite
def _routes(draw: st.DrawFn, names: list[str]) -> list[Document]:
    """Shares of 100 for some of the names, in any order."""
    reached = draw(st.permutations(names))[: draw(st.integers(1, len(names)))]
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(reached) - 1, max_size=3)))
    cuts = cuts[: len(reached) - 1]
    shares = [end - start for start, end in zip([0, *cuts], [*cuts, 100], strict=True)]
    return [
        {"served_entity_name": name, "traffic_percentage": share}
        for name, share in zip(reached, shares, strict=True)
    ]


# -- what stands around the config -------------------------------------------------------


@st.composite
def _rate_limits(draw: st.DrawFn) -> list[Document]:
    whose = [
        {},
        {"key": "endpoint"},
        {"key": "user"},
        {"key": "user", "principal": "a@example.com"},
        {"key": "user_group", "principal": "data science"},
        {"key": "service_principal", "principal": "0a1b-app"},
    ]
    picked = draw(st.lists(st.sampled_from(whose[1:]), unique_by=str, max_size=4))
    # Without a key the whole endpoint is meant, so only one of the two can be there.
    subjects = [{} if one == whose[1] and draw(st.booleans()) else one for one in picked]
    amounts = optional({"calls": counts}, tokens=counts) | optional({"tokens": counts})
    return [{"renewal_period": "minute", **one, **draw(amounts)} for one in subjects]


_direction = optional(
    safety=st.booleans(),
    pii=optional(behavior=st.sampled_from(("BLOCK", "MASK", "NONE"))),
    invalid_keywords=st.lists(texts, max_size=2, unique=True),
    valid_topics=st.lists(texts, max_size=2, unique=True),
)
_inference_table = st.one_of(
    optional(
        {"catalog_name": st.sampled_from(("main", "dev")), "schema_name": words},
        table_name_prefix=words,
        enabled=st.booleans(),
    ),
    optional({"enabled": st.just(False)}),
)


def gateways(*, external: bool) -> Strategy:
    """A gateway; falling back is for external models alone."""
    parts: Any = {
        "rate_limits": _rate_limits(),
        "guardrails": optional(input=_direction, output=_direction),
        "usage_tracking_config": optional(enabled=st.booleans()),
        "inference_table_config": _inference_table,
        "raw": raw,
    }
    if external:
        parts["fallback_config"] = optional({"enabled": st.booleans()})
    return optional(**parts)


_tags = st.dictionaries(
    st.sampled_from(("team", "cost center", "a[b]", "x_y", "empty")),
    texts | st.just("") | st.none(),
    max_size=3,
).map(lambda tags: [{"key": k} if v is None else {"key": k, "value": v} for k, v in tags.items()])
_notifications = optional(
    on_update_success=st.lists(st.sampled_from(ADDRESSES), unique=True),
    on_update_failure=st.lists(st.sampled_from(ADDRESSES), unique=True),
)
_principals = st.sampled_from(
    (
        ("group_name", "analysts"),
        ("group_name", "data science"),
        ("user_name", "a@example.com"),
        ("user_name", "B@Example.com"),
        ("service_principal_name", "0a1b2c3d-0000-4000-8000-00000000abcd"),
    )
)
permissions = st.dictionaries(
    _principals, st.sampled_from(("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")), max_size=3
).map(lambda found: [{"level": level, kind: name} for (kind, name), level in found.items()])
_telemetry = merged(
    optional({"table_names": optional({"logs_table": tables}, traces_table=tables)})
    | optional({"telemetry_profile_id": words}),
    optional(
        enabled_telemetry_features=st.lists(
            st.sampled_from(
                [f"TELEMETRY_FEATURE_{s}" for s in ("INFERENCE_TABLE", "LOGS", "TRACES")]
            ),
            unique=True,
        ),
        inference_table_config=optional(
            sampling_fraction=st.sampled_from((0, 0.25, 1)),
        ),
    ),
)

_checks = st.lists(
    optional(
        {"name": words, "request": st.just({"x": 1})},
        expect=optional({"status": st.sampled_from((200, 400))}, contains=texts),
    ),
    unique_by=lambda check: check["name"],
    max_size=2,
)

_around: Any = {
    "checks": _checks,
    "tags": _tags,
    "email_notifications": _notifications,
    "permissions": permissions,
    "budget_policy_id": words,
    "raw": raw,
}
_described: Any = {"description": texts | st.just("")}
_only_custom: Any = {"route_optimized": st.booleans(), "telemetry_config": _telemetry}


@st.composite
def _serving(draw: st.DrawFn, entity: Strategy, fields: Any, *, captured: bool) -> Document:
    document = draw(optional(**fields))
    document["config"] = draw(configs(entity))
    if captured and draw(st.integers(0, 3)) == 0:
        document["config"]["auto_capture_config"] = draw(auto_capture)
    return document


def _external(task: str) -> Strategy:
    fields = _around | _described | {"ai_gateway": gateways(external=True)}
    return _serving(external_entities(task), fields, captured=False)


_inside = _around | {"ai_gateway": gateways(external=False)}
SORTS: dict[str, Strategy] = {
    "external": st.sampled_from(TASKS).flatmap(_external),
    "custom": _serving(registered_entities, _inside | _described | _only_custom, captured=True),
    "feature spec": _serving(feature_specs, _inside | _described, captured=False),
    "throughput": _serving(throughput_entities, _inside | _described, captured=False),
    "units": _serving(unit_entities, _inside, captured=False),
    "empty": optional(**_around, **_described),
}


@st.composite
def endpoints(draw: st.DrawFn, sorts: tuple[str, ...] = tuple(SORTS)) -> Document:
    """An endpoint without its name."""
    return draw(SORTS[draw(st.sampled_from(sorts))])


_sources = st.dictionaries(
    st.sampled_from(SHOP_KEYS),
    optional({"from_env": st.just(VARIABLE)}, rotated_at=st.just("2024-01-02T03:04:05Z")),
    max_size=3,
)
_acls = st.dictionaries(
    st.sampled_from(("analysts", "data science", "a@example.com")),
    st.sampled_from(("READ", "WRITE", "MANAGE")),
).map(lambda found: [{"principal": who, "permission": what} for who, what in found.items()])
scopes = optional({"name": st.just("shop"), "secrets": _sources}, acls=_acls)


Manifest = dict[str, dict[str, Document]]


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """``resources:`` with one or two endpoints, in any order, and sometimes a scope."""
    keys = draw(st.permutations(["chat", "other"]))[: draw(st.integers(1, 2))]
    found = {"model_serving_endpoints": {key: draw(_named(key)) for key in keys}}
    if draw(st.booleans()):
        found["secret_scopes"] = {"shop": draw(scopes)}
    return found


def _named(key: str) -> Strategy:
    # Another name is another endpoint, whatever the key says.
    names = st.sampled_from((key, key, key, f"{key}-2"))
    return st.tuples(names, endpoints()).map(lambda drawn: {"name": drawn[0], **drawn[1]})


@st.composite
def changes(draw: st.DrawFn) -> tuple[Manifest, Manifest]:
    """A manifest and what becomes of it: anything but what no call can do."""
    before, after = draw(manifests()), draw(manifests())
    old = {one["name"]: one for one in before[ENDPOINTS].values()}
    for key, document in after[ENDPOINTS].items():
        if document["name"] in old:
            after[ENDPOINTS][key] = _reachable(old[document["name"]], document)
    return before, after


def _reachable(before: Document, after: Document) -> Document:
    """``after``, with what cannot be changed, taken away or lost on the way from ``before``."""
    found = {name: value for name, value in after.items() if name not in FIXED}
    if "config" in before and "config" not in after:
        return {**before, **found}
    found |= {name: before[name] for name in FIXED if name in before}
    if _fixed_at_creation(found)[0] == "units":
        found.pop("description", None)
    was, now = _capture(before), _capture(found)
    if now and was.get("enabled") is False:
        # What was switched off stays off.
        found["config"] = {**found["config"], "auto_capture_config": {**now, "enabled": False}}
    if "permissions" in before and _fixed_at_creation(before) != _fixed_at_creation(found):
        # A replacement is refused where it would lose a grant.
        grants = {_principal(one): one for one in before["permissions"]}
        grants |= {_principal(one): one for one in found.get("permissions", [])}
        found["permissions"] = list(grants.values())
    return found


def _fixed_at_creation(document: Document) -> tuple[Any, ...]:
    """What of an endpoint needs another one when it changes."""
    entities = document.get("config", {}).get("served_entities", [{}])
    model = entities[0].get("external_model", {})
    sort = "units" if "provisioned_model_units" in entities[0] else bool(model)
    names = ("catalog_name", "schema_name", "table_name_prefix")
    table = [_capture(document).get(name) for name in names]
    return sort, model.get("task"), document.get("route_optimized", False), table


def _capture(document: Document) -> Document:
    found: Document = document.get("config", {}).get("auto_capture_config", {})
    return found


def _principal(grant: Document) -> tuple[str, str]:
    return next((name, value) for name, value in grant.items() if name != "level")


UNREADABLE = {"raw", "budget_policy_id", "burst_scaling_enabled", "table_names"}
"""What no answer of the service tells; a manifest without it is another one."""


def readable(value: Any) -> Any:
    """``value`` without what nobody can read back from a workspace."""
    if isinstance(value, dict):
        made = {name: readable(inner) for name, inner in value.items() if name not in UNREADABLE}
        if "telemetry_config" in made and "telemetry_profile_id" not in made["telemetry_config"]:
            made["telemetry_config"]["telemetry_profile_id"] = "a-profile"
        return made
    return [readable(inner) for inner in value] if isinstance(value, list) else value
