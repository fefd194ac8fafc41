"""What a schema cannot say about an endpoint: every problem, at the field to blame."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import Severity
from provisioner.kinds import KINDS
from provisioner.model.paths import Key, path_text

KIND = KINDS["model_serving_endpoints"]
REFERENCE = "{{secrets/keys/one}}"
PLAINTEXT = {"$secret": {"from_env": "KEY"}}
AZURE = {
    "openai_api_base": "https://x.openai.azure.com",
    "openai_api_version": "2024-06-01",
    "openai_deployment_name": "gpt",
}
ENTRA = {
    "microsoft_entra_client_id": "c",
    "microsoft_entra_tenant_id": "t",
    "microsoft_entra_client_secret": REFERENCE,
}
BEDROCK = {"aws_region": "us-east-1", "bedrock_provider": "anthropic"}
PAIR = {"aws_access_key_id": REFERENCE, "aws_secret_access_key": REFERENCE}
VERTEX = {"project_id": "p", "region": "r"}
URL = {"custom_provider_url": "https://x"}


def model(provider="openai", task="llm/v1/chat", **blocks):
    return {"name": "m", "provider": provider, "task": task, **blocks}


def openai(**config):
    return model(openai_config={"openai_api_key": REFERENCE} | config)


def entity(name="a", external=None):
    return {"name": name, "external_model": external or openai()}


def endpoint(*models, **fields):
    entities = [{"name": "abcdef"[i], "external_model": one} for i, one in enumerate(models)]
    return {"name": "chat", "config": {"served_entities": entities}} | fields


def served(entities, *routes):
    split = [{"served_entity_name": name, "traffic_percentage": share} for name, share in routes]
    traffic = {"traffic_config": {"routes": split}} if split else {}
    return {"name": "chat", "config": {"served_entities": entities} | traffic}


JOINT = {"key": "user", "renewal_period": "minute", "calls": 9, "tokens": 500}


def limited(*limits):
    entries = [{"renewal_period": "minute", "calls": 1} | limit for limit in limits]
    return endpoint(openai(), ai_gateway={"rate_limits": entries})


def place(location):
    """A location as a path; the first served entity and its model are left out."""
    path = tuple(Key(str(s)) if isinstance(s, int) else s for s in location)
    return path_text(path).removeprefix("config.served_entities[0].external_model").lstrip(".")


def found(document, declared=None):
    return [(one.code, place(one.at)) for one in KIND.schema.relations(document, declared or {})]


GOOD = [
    pytest.param({"name": "chat", "description": "x"}, id="an endpoint without a config"),
    pytest.param(endpoint(openai()), id="a secret as a reference"),
    pytest.param(
        endpoint(model(openai_config={"openai_api_key_plaintext": PLAINTEXT})),
        id="a secret as plaintext from the environment",
    ),
    pytest.param(endpoint(openai(openai_api_type="azure", **AZURE)), id="Azure with a key"),
    pytest.param(
        endpoint(model(openai_config={"openai_api_type": "azuread"} | AZURE | ENTRA)),
        id="Azure with Entra ID",
    ),
    pytest.param(
        endpoint(openai(openai_api_base="https://proxy.example.com/v1")),
        id="OpenAI behind another URL",
    ),
    pytest.param(
        endpoint(model("amazon-bedrock", amazon_bedrock_config=BEDROCK | PAIR)),
        id="Bedrock with an access key",
    ),
    pytest.param(
        endpoint(
            model(
                "amazon-bedrock",
                amazon_bedrock_config=BEDROCK
                | {
                    "aws_access_key_id": REFERENCE,
                    "aws_secret_access_key_plaintext": PLAINTEXT,
                },
            )
        ),
        id="Bedrock with half the access key as plaintext",
    ),
    pytest.param(
        endpoint(
            model("amazon-bedrock", amazon_bedrock_config=BEDROCK | {"instance_profile_arn": "a"})
        ),
        id="Bedrock with an instance profile",
    ),
    pytest.param(
        endpoint(
            model(
                "amazon-bedrock",
                amazon_bedrock_config=BEDROCK | {"uc_service_credential_name": "a"},
            )
        ),
        id="Bedrock with a service credential",
    ),
    pytest.param(
        endpoint(
            model(
                "custom", custom_provider_config=URL | {"bearer_token_auth": {"token": REFERENCE}}
            )
        ),
        id="a custom provider with a token",
    ),
    pytest.param(
        served([{"external_model": openai() | {"name": "gpt-3.5:x"}}], ("gpt-3-5-x", 100)),
        id="a route to the name that the service gives to a single entity",
    ),
    pytest.param(
        served([entity("a"), entity("b"), entity("c")], ("a", 100), ("b", 0)),
        id="entities without traffic, and without a route",
    ),
    pytest.param(
        limited({}, {"key": "user"}, {"key": "user", "principal": "u"}),
        id="limits for all, for each user and for one",
    ),
    pytest.param(
        limited({"key": "endpoint", "calls": 0}), id="a limit of no calls at all is a limit"
    ),
    pytest.param(
        endpoint(openai(), ai_gateway={"inference_table_config": {"enabled": False}}),
        id="an inference table that is off needs no place",
    ),
    pytest.param(
        endpoint(openai(), tags=[{"key": "a"}, {"key": "provisioner"}]),
        id="a tag that only looks like ours",
    ),
]


@pytest.mark.parametrize("document", GOOD)
def test_nothing_to_complain_about(document):
    assert found(document) == []


PROVIDERS = [
    pytest.param(model(), [("E302", "provider")], id="no block"),
    pytest.param(
        model(anthropic_config={"anthropic_api_key": REFERENCE}),
        [("E303", "anthropic_config")],
        id="another provider's block alone",
    ),
    pytest.param(
        openai() | {"cohere_config": {"cohere_api_key": REFERENCE}},
        [("E303", "cohere_config")],
        id="another provider's block beside its own",
    ),
    pytest.param(model(openai_config={}), [("E304", "openai_config")], id="no key"),
    pytest.param(
        openai(openai_api_key_plaintext=PLAINTEXT),
        [("E305", "openai_config.openai_api_key_plaintext")],
        id="a key twice",
    ),
    pytest.param(
        openai(openai_api_type="azure"),
        [("E309", "openai_config")] * 3,
        id="Azure without what Azure needs",
    ),
    pytest.param(
        model(openai_config={"openai_api_type": "azuread"}),
        [("E309", "openai_config")] * 5 + [("E304", "openai_config")],
        id="Entra ID without anything",
    ),
    pytest.param(
        openai(openai_api_type="azuread", **AZURE, **ENTRA),
        [("W714", "openai_config.openai_api_key")],
        id="Entra ID with a key",
    ),
    pytest.param(
        openai(openai_deployment_name="gpt"),
        [("W718", "openai_config.openai_deployment_name")],
        id="a deployment without Azure",
    ),
    pytest.param(
        openai(openai_api_type="azure", **AZURE, microsoft_entra_client_secret_plaintext=PLAINTEXT),
        [("W718", "openai_config.microsoft_entra_client_secret_plaintext")],
        id="a client secret with a key",
    ),
    pytest.param(
        model("amazon-bedrock", amazon_bedrock_config=BEDROCK),
        [("E311", "amazon_bedrock_config")],
        id="Bedrock without a login",
    ),
    pytest.param(
        model(
            "amazon-bedrock", amazon_bedrock_config=BEDROCK | PAIR | {"instance_profile_arn": "a"}
        ),
        [("E311", "amazon_bedrock_config")],
        id="Bedrock with two logins",
    ),
    pytest.param(
        model("amazon-bedrock", amazon_bedrock_config=BEDROCK | {"aws_access_key_id": REFERENCE}),
        [("E312", "amazon_bedrock_config")],
        id="Bedrock with half a key",
    ),
    pytest.param(
        model("google-cloud-vertex-ai", google_cloud_vertex_ai_config=VERTEX),
        [("E304", "google_cloud_vertex_ai_config")],
        id="Vertex AI without a key",
    ),
    pytest.param(
        model("custom", custom_provider_config=URL),
        [("E329", "custom_provider_config")],
        id="a custom provider without a login",
    ),
    pytest.param(
        model(
            "custom",
            custom_provider_config=URL
            | {
                "api_key_auth": {"key": "X-Key", "value": REFERENCE},
                "bearer_token_auth": {"token": REFERENCE},
            },
        ),
        [("E329", "custom_provider_config.bearer_token_auth")],
        id="a custom provider with two logins",
    ),
    pytest.param(
        model("custom", custom_provider_config=URL | {"api_key_auth": {"key": "X-Key"}}),
        [("E304", "custom_provider_config.api_key_auth")],
        id="a custom provider's header without its value",
    ),
    pytest.param(
        model(
            "custom",
            custom_provider_config=URL
            | {"bearer_token_auth": {"token": REFERENCE, "token_plaintext": PLAINTEXT}},
        ),
        [("E305", "custom_provider_config.bearer_token_auth.token_plaintext")],
        id="a custom provider's token twice",
    ),
    pytest.param(openai() | {"task": "chat"}, [("E314", "task")], id="an unknown task"),
    pytest.param(
        openai(openai_api_key="sk-1"), [("E306", "openai_config.openai_api_key")], id="no reference"
    ),
]


@pytest.mark.parametrize(("external", "expected"), PROVIDERS)
def test_an_external_model(external, expected):
    assert found(endpoint(external)) == expected


@pytest.mark.parametrize(
    ("provider", "block", "secret"),
    [
        ("anthropic", "anthropic_config", "anthropic_api_key"),
        ("cohere", "cohere_config", "cohere_api_key"),
        ("ai21labs", "ai21labs_config", "ai21labs_api_key"),
        ("palm", "palm_config", "palm_api_key"),
        ("databricks-model-serving", "databricks_model_serving_config", "databricks_api_token"),
    ],
)
def test_a_provider_with_one_secret_takes_exactly_one_of_its_twins(provider, block, secret):
    def with_fields(**fields):
        return found(endpoint(model(provider, **{block: fields})))

    twin = f"{secret}_plaintext"
    assert with_fields(**{secret: REFERENCE}) == []
    assert with_fields(**{twin: PLAINTEXT}) == []
    assert with_fields() == [("E304", block)]
    assert with_fields(**{secret: REFERENCE, twin: PLAINTEXT}) == [("E305", f"{block}.{twin}")]


ENDPOINTS = [
    pytest.param({"name": "databricks-dbrx"}, [("E301", "name")], id="a name of Databricks"),
    pytest.param(
        endpoint(openai(), openai() | {"task": "llm/v1/embeddings"})
        | {
            "config": {
                "served_entities": [entity("a"), entity("b", model(task="llm/v1/embeddings"))]
            }
        },
        [
            ("E302", "config.served_entities[1].external_model.provider"),
            ("E313", "config.served_entities[1].external_model.task"),
            ("E319", "config.served_entities"),
        ],
        id="several problems of several kinds are all told",
    ),
    pytest.param(
        served([entity("a"), entity("a"), entity("a")], ("a", 100)),
        [("E315", "config.served_entities[1].name"), ("E315", "config.served_entities[2].name")],
        id="one name three times",
    ),
    pytest.param(
        served([entity("a"), entity("a")]),
        [("E315", "config.served_entities[1].name")],
        id="one name twice, which is to be mended before the traffic",
    ),
    pytest.param(
        served([entity("a"), {"external_model": openai()}], ("a", 100)),
        [("E316", "config.served_entities[1]")],
        id="one of two without a name",
    ),
    pytest.param(
        served([entity("champion")], ("champoin", 100)),
        [("E317", "config.traffic_config.routes[0].served_entity_name")],
        id="a route to nobody",
    ),
    pytest.param(
        served([entity("a"), entity("b")], ("a", 50), ("b", 40)),
        [("E318", "config.traffic_config.routes")],
        id="90 percent",
    ),
    pytest.param(
        served([entity("a"), entity("b")]),
        [("E319", "config.served_entities")],
        id="two entities without a split",
    ),
    pytest.param(
        served([entity("a"), entity("b")], ("a", 50), ("a", 50)),
        [("E320", "config.traffic_config.routes[1].served_entity_name")],
        id="two routes to one entity",
    ),
    pytest.param(
        endpoint(openai(), tags=[{"key": "provisioner_project"}, {"key": "a"}, {"key": "a"}]),
        [("E327", "tags[0].key"), ("E328", "tags[2].key")],
        id="a tag of ours and a tag twice",
    ),
]


@pytest.mark.parametrize(("document", "expected"), ENDPOINTS)
def test_an_endpoint(document, expected):
    assert found(document) == expected


def gateway(**blocks):
    return endpoint(openai(), ai_gateway=blocks)


GATEWAYS = [
    pytest.param(
        gateway(rate_limits=[{"renewal_period": "minute"}]),
        [("E321", "ai_gateway.rate_limits[0]")],
        id="a limit without a number",
    ),
    pytest.param(
        limited({"key": "user_group"}, {"key": "service_principal"}),
        [("W734", "ai_gateway.rate_limits[0].key"), ("W734", "ai_gateway.rate_limits[1].key")],
        id="limits for nobody",
    ),
    pytest.param(
        limited({"principal": "a"}, {"key": "endpoint", "principal": "b"}),
        [
            ("W733", "ai_gateway.rate_limits[0].principal"),
            ("W733", "ai_gateway.rate_limits[1].principal"),
        ],
        id="a principal where all are meant",
    ),
    pytest.param(
        limited(*({"key": "user", "principal": str(n)} for n in range(21))),
        [("E324", "ai_gateway.rate_limits")],
        id="twenty-one limits",
    ),
    pytest.param(
        limited(*({"key": "user_group", "principal": str(n)} for n in range(6))),
        [("E324", "ai_gateway.rate_limits")],
        id="six limits for groups",
    ),
    pytest.param(
        limited({}, {"key": "endpoint", "calls": 2}),
        [("E325", "ai_gateway.rate_limits[1]")],
        id="two limits for the endpoint, one of them without a key",
    ),
    pytest.param(
        gateway(rate_limits=[JOINT, {"key": "user", "renewal_period": "minute", "tokens": 2}]),
        [("W737", "ai_gateway.rate_limits[0]"), ("E325", "ai_gateway.rate_limits[1]")],
        id="two limits of tokens for users, one of them with calls",
    ),
    pytest.param(
        limited(JOINT),
        [("W737", "ai_gateway.rate_limits[0]")],
        id="a limit of calls and one of tokens in one entry",
    ),
    pytest.param(
        endpoint(openai(), config={"served_entities": [entity("a")], "traffic_config": {}}),
        [("E319", "config.traffic_config")],
        id="a split without routes",
    ),
    pytest.param(
        endpoint(
            openai(), config={"served_entities": [entity("a")], "traffic_config": {"routes": []}}
        ),
        [("E319", "config.traffic_config")],
        id="a split with an empty list of routes",
    ),
    pytest.param(
        gateway(inference_table_config={"enabled": True, "schema_name": "s"}),
        [("E326", "ai_gateway.inference_table_config")],
        id="a table without a catalog",
    ),
    pytest.param(
        gateway(inference_table_config={"catalog_name": "c"}, usage_tracking_config={}),
        [
            ("W719", "ai_gateway.inference_table_config"),
            ("W719", "ai_gateway.usage_tracking_config"),
        ],
        id="blocks that do not say whether they are on",
    ),
    pytest.param(
        gateway(fallback_config={"enabled": True}),
        [("W715", "ai_gateway.fallback_config")],
        id="a fallback to nobody",
    ),
    pytest.param(
        gateway(
            guardrails={"input": {"valid_topics": ["a"]}, "output": {"invalid_keywords": ["b"]}}
        ),
        [
            ("W716", "ai_gateway.guardrails.input.valid_topics"),
            ("W716", "ai_gateway.guardrails.output.invalid_keywords"),
        ],
        id="guardrails of yesterday",
    ),
]


@pytest.mark.parametrize(("document", "expected"), GATEWAYS)
def test_a_gateway(document, expected):
    assert found(document) == expected


def test_a_limit_of_calls_and_one_of_tokens_are_two_limits():
    split = [
        {"key": "user", "renewal_period": "minute", "tokens": 500},
        {"key": "user", "renewal_period": "minute", "calls": 9},
    ]
    assert found(endpoint(openai(), ai_gateway={"rate_limits": split})) == []


def test_a_table_that_an_earlier_endpoint_writes_to_is_a_warning():
    table = {"enabled": True, "catalog_name": "main", "schema_name": "logs"}

    def logged(name, **more):
        return gateway(inference_table_config=table | more) | {"name": name}

    first, second = (logged(name, table_name_prefix="shared") for name in ("first", "second"))
    declared = {"model_serving_endpoints": {"first": first, "second": second}}
    place = "ai_gateway.inference_table_config.table_name_prefix"
    assert (found(first, declared), found(second, declared)) == ([], [("W738", place)])
    declared["model_serving_endpoints"] = {"first": logged("first"), "second": logged("second")}
    assert found(logged("second"), declared) == [], "the service names each table"


TAG_KEYS = [
    pytest.param("team", [], id="letters"),
    pytest.param("k" * 255, [], id="255 characters"),
    pytest.param("cost centre@dé_-", [], id="what the service does not reserve"),
    pytest.param("", ["E376"], id="an empty key"),
    pytest.param("k" * 256, ["E376"], id="256 characters"),
    *(pytest.param(f"cost{c}centre", ["E376"], id=f"the reserved {c}") for c in ".,=/:"),
]


@pytest.mark.parametrize(("key", "codes"), TAG_KEYS)
def test_the_key_of_a_tag(key, codes):
    document = endpoint(openai(), tags=[{"key": key, "value": "a/b:c.d"}])
    assert [code for code, _ in found(document)] == codes


DECLARED = {"secret_scopes": {"keys": {"name": "keys", "secrets": {"one": {}, "two": {}}}}}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        pytest.param("{{secrets/keys/one}}", [], id="a key that is declared"),
        pytest.param("{{secrets/KEYS/two}}", [], id="scopes do not mind the case"),
        pytest.param("{{secrets/others/x}}", [], id="a scope that is not declared here"),
        pytest.param(
            "{{secrets/keys/tow}}",
            [("E307", "openai_config.openai_api_key")],
            id="a key that its scope does not declare",
        ),
    ],
)
def test_a_reference_is_compared_with_the_declared_scopes(reference, expected):
    assert found(endpoint(openai(openai_api_key=reference)), DECLARED) == expected


def first(document, declared=None):
    return next(iter(KIND.schema.relations(document, declared or {})))


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        pytest.param(
            served([entity("champion")], ("champoin", 100)),
            "did you mean `champion`?",
            id="a route with a typo",
        ),
        pytest.param(
            endpoint(openai() | {"task": "embeddings"}),
            "did you mean `llm/v1/embeddings`?",
            id="the last part of a task",
        ),
        pytest.param(
            endpoint(openai(openai_api_key="{{secrets/keys/tow}}")),
            "did you mean `two`?",
            id="a key with a typo",
        ),
        pytest.param(
            endpoint(openai(openai_api_key="{ secrets/keys/one }")),
            'write "{{secrets/keys/one}}": two braces, without spaces',
            id="a reference with too few braces",
        ),
    ],
)
def test_the_hint_says_how_to_mend_it(document, hint):
    assert first(document, DECLARED).hint == hint


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"openai_api_key": "sk-canary"}, id="a key where a reference belongs"),
        pytest.param({"openai_api_key": "sk-canary secrets/a/b"}, id="a key with more"),
    ],
)
def test_a_secret_that_stands_in_the_file_is_not_repeated(config):
    for finding in KIND.schema.relations(endpoint(model(openai_config=config)), {}):
        assert "canary" not in finding.message + finding.hint


def test_only_codes_of_warnings_are_warnings():
    cases = [*PROVIDERS, *ENDPOINTS, *GATEWAYS]
    documents = [endpoint(c.values[0]) if c in PROVIDERS else c.values[0] for c in cases]
    findings = [one for document in documents for one in KIND.schema.relations(document, {})]
    assert {one.code[0] == "W" for one in findings if one.severity is Severity.WARNING} == {True}
    assert {one.code[0] == "E" for one in findings if one.severity is Severity.ERROR} == {True}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
DOCUMENTS = [case.values[0] for case in [*GOOD, *ENDPOINTS, *GATEWAYS]]


def places(value, at=()):
    """The location of everything inside ``value``."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, child in inner:
        yield (*at, name)
        if isinstance(child, dict | list):
            yield from places(child, (*at, name))


@given(st.data())
def test_no_shape_of_a_document_trips_anything(data):
    document = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.sampled_from(sorted(places(document), key=str)))
        holder = document
        for name in at[:-1]:
            holder = holder[name]
        holder[at[-1]] = data.draw(JSON)
    assert all(finding.code for finding in KIND.schema.relations(document, DECLARED))
    KIND.schema.migrate_legacy(document)
    assert all(kind == "secret_scopes" for kind, _ in KIND.dependencies.depends_on(document))
    assert isinstance(KIND.planning.applied_digests(document), str)


def test_a_route_may_name_an_unnamed_model_as_it_is_sent():
    """The service gives such an entity a name that it takes; `meta.llama:3` it does not take."""
    external = openai() | {"name": "meta.llama:3"}
    route = {"served_entity_name": "meta-llama-3", "traffic_percentage": 100}
    config = {
        "served_entities": [{"external_model": external}],
        "traffic_config": {"routes": [route]},
    }
    assert found({"name": "chat", "config": config}) == []


@pytest.mark.parametrize("name", ["meta/llama-3", "my model", "gpt-4o@v1", "modèle"])
def test_the_name_of_an_external_model_has_no_other_characters(name):
    config = {"served_entities": [{"external_model": openai() | {"name": name}}]}
    assert [code for code, *_ in found({"name": "chat", "config": config})] == ["E349"]


@pytest.mark.parametrize("name", ["gpt-4o", "us.anthropic.claude-3-5-sonnet-20240620-v1:0", "a_b"])
def test_the_name_of_an_external_model_may_be(name):
    config = {"served_entities": [{"external_model": openai() | {"name": name}}]}
    assert found({"name": "chat", "config": config}) == []
