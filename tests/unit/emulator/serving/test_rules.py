"""What the service refuses: each case is one thing wrong with a request that is right otherwise."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/api/2.0/serving-endpoints"
KEY = {"openai_api_key_plaintext": "sk-very-secret"}


def external(provider: str = "openai", **blocks: Any) -> Any:
    model = {"name": "m", "provider": provider, "task": "llm/v1/chat"}
    return {"name": "a", "external_model": model | (blocks or {"openai_config": KEY})}


def task(name: str, task: str) -> Any:
    entity = external()
    return entity | {"name": name, "external_model": entity["external_model"] | {"task": task}}


def custom(**fields: Any) -> Any:
    base = {
        "name": "c",
        "entity_name": "ml.risk.fraud",
        "entity_version": "3",
        "scale_to_zero_enabled": True,
    }
    return {key: value for key, value in (base | fields).items() if value is not None}


def serving(*entities: Any, **config: Any) -> Any:
    return {"name": "chat", "config": {"served_entities": list(entities), **config}}


def split(*routes: tuple[str, int]) -> Any:
    found = [{"served_entity_name": name, "traffic_percentage": part} for name, part in routes]
    return serving(external(), external() | {"name": "b"}, traffic_config={"routes": found})


BAD_NAMES = ["", "-a", "a-", "_a", "a b", "a/b", "ä", "a" * 64, "databricks-mine", 7, None]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_names_are_restricted(client: Any, name: Any) -> None:
    reply = client.call("POST", BASE, {"name": name})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("name", ["a", "A-1_b", "a" * 63, "pt", "0"])
def test_names_may_be(client: Any, name: str) -> None:
    assert client.create(name)["name"] == name


REFUSED_CONFIGS = [
    pytest.param({"name": "e", "config": {}}, "at least one entity", id="an empty config"),
    pytest.param(serving(), "at least one entity", id="no entity"),
    pytest.param(
        serving(*[external() | {"name": f"e{n}"} for n in range(16)]), "at most 15", id="sixteen"
    ),
    pytest.param(
        serving(external(), external()), "more than once", id="two entities with one name"
    ),
    pytest.param(
        serving({"name": "a", "external_model": external()["external_model"] | {"name": "m/n"}}),
        "can only contain",
        id="a slash in the name of an external model",
    ),
    pytest.param(serving({"name": "a"}), "external_model", id="an entity of nothing"),
    pytest.param(serving(external(), custom()), "cannot be served together", id="mixed kinds"),
    pytest.param(
        serving(task("a", "llm/v1/chat"), task("b", "llm/v1/completions")),
        "one task",
        id="two tasks",
    ),
    pytest.param(serving(task("a", "chat")), "task", id="an unknown task"),
    pytest.param(serving(external() | {"name": "a b"}), "name", id="an entity name with a blank"),
    pytest.param(
        serving(external() | {"workload_size": "Small"}), "workload_size", id="a size of external"
    ),
    pytest.param(
        serving(external() | {"scale_to_zero_enabled": False}),
        "scale_to_zero_enabled",
        id="scale to zero, even false, of external",
    ),
    pytest.param(serving("a"), "must be an object", id="an entity that is text"),
    pytest.param({"name": "e", "config": []}, "must be an object", id="a config that is a list"),
    pytest.param(
        serving(external(), external() | {"name": "b"}), "must be given", id="two without traffic"
    ),
    pytest.param(split(("a", 50), ("b", 49)), "add up to 99", id="traffic that is not 100"),
    pytest.param(split(("a", 50), ("z", 50)), "not a served entity", id="traffic to nobody"),
    pytest.param(split(("a", -50), ("b", 150)), "at least 0", id="negative traffic"),
    pytest.param(
        serving(external(), traffic_config={"routes": [{"traffic_percentage": 100}]}),
        "name one served entity",
        id="a route to nothing",
    ),
    pytest.param(
        serving(
            external(),
            traffic_config={
                "routes": [
                    {
                        "served_entity_name": "a",
                        "served_model_name": "b",
                        "traffic_percentage": 100,
                    }
                ]
            },
        ),
        "name one served entity",
        id="a route with two names",
    ),
    pytest.param(
        serving(custom(scale_to_zero_enabled=None)),
        "scaleToZeroEnabled is undefined. Please set it to either true or false.",
        id="a custom model that does not say whether it scales to zero",
    ),
    pytest.param(
        serving(custom(workload_size="Small", max_provisioned_concurrency=4)),
        "not both",
        id="size and concurrency",
    ),
    pytest.param(serving(custom(entity_version=3)), "must be a string", id="a number as version"),
    pytest.param(
        serving(custom(entity_name="fraud", entity_version=None)), "entity_version", id="no version"
    ),
    pytest.param(serving(custom(entity_name="")), "entity_name", id="no name"),
    pytest.param(
        serving(custom(min_provisioned_throughput=2, max_provisioned_throughput=1)),
        "min_provisioned_throughput is larger",
        id="throughput upside down",
    ),
    pytest.param(
        serving(custom(min_provisioned_concurrency=8, max_provisioned_concurrency=4)),
        "min_provisioned_concurrency is larger",
        id="concurrency upside down",
    ),
    pytest.param(serving(custom(scale_to_zero_enabled="no")), "true or false", id="no as false"),
    pytest.param(serving(custom(environment_vars=[])), "must be an object", id="listed variables"),
    pytest.param(serving(custom(workload_type="TPU")), "workload_type", id="unknown hardware"),
]


def test_fifteen_entities_are_taken(client: Any) -> None:
    names = [f"e{number}" for number in range(15)]
    parts = [100, *[0] * 14]
    body = serving(
        *[external() | {"name": name} for name in names],
        traffic_config={
            "routes": [
                {"served_entity_name": name, "traffic_percentage": part}
                for name, part in zip(names, parts, strict=True)
            ]
        },
    )
    client.post(BASE, body)
    shown = client.endpoint()["config"]["served_entities"]
    assert sorted(entity["name"] for entity in shown) == sorted(names)


@pytest.mark.parametrize("is_on", [True, False])
def test_burst_scaling_of_an_external_model_is_taken_and_not_shown(
    client: Any, is_on: bool
) -> None:
    client.post(BASE, serving(external() | {"burst_scaling_enabled": is_on}))
    (shown,) = client.endpoint()["config"]["served_entities"]
    assert "burst_scaling_enabled" not in shown
    client.put(f"{BASE}/chat/config", {"served_entities": [external()]})


@pytest.mark.parametrize(("body", "message"), REFUSED_CONFIGS)
def test_a_config_is_refused(client: Any, body: Any, message: str) -> None:
    reply = client.call("POST", BASE, body)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in reply.json["message"]
    assert client.call("GET", f"{BASE}/{body['name']}").status == 404


def provider_of(entity: Any) -> str:
    return str(entity["external_model"]["provider"])


PAIR = {"aws_access_key_id_plaintext": "a", "aws_secret_access_key_plaintext": "b"}
BEDROCK = {"aws_region": "r", "bedrock_provider": "Anthropic"}
AZURE = {"openai_api_base": "u", "openai_api_version": "v", "openai_deployment_name": "d"}
ENTRA = {
    "microsoft_entra_client_id": "i",
    "microsoft_entra_tenant_id": "t",
    "microsoft_entra_client_secret_plaintext": "s",
}
URL = {"custom_provider_url": "u"}
BEARER = {"bearer_token_auth": {"token_plaintext": "t"}}

ACCEPTED_PROVIDERS = [
    external(openai_config=KEY | {"openai_api_base": "u", "openai_organization": "o"}),
    external(openai_config=KEY | AZURE | {"openai_api_type": "azure"}),
    external(openai_config=ENTRA | AZURE | {"openai_api_type": "azuread"}),
    external("anthropic", anthropic_config={"anthropic_api_key": "{{secrets/s/k}}"}),
    external("cohere", cohere_config={"cohere_api_key_plaintext": "k", "cohere_api_base": "u"}),
    external("amazon-bedrock", amazon_bedrock_config=BEDROCK | PAIR),
    external("amazon-bedrock", amazon_bedrock_config=BEDROCK | {"instance_profile_arn": "a"}),
    external("amazon-bedrock", amazon_bedrock_config=BEDROCK | {"uc_service_credential_name": "u"}),
    external(
        "google-cloud-vertex-ai",
        google_cloud_vertex_ai_config={
            "project_id": "p",
            "region": "r",
            "private_key_plaintext": "k",
        },
    ),
    external(
        "databricks-model-serving",
        databricks_model_serving_config={
            "databricks_workspace_url": "u",
            "databricks_api_token_plaintext": "t",
        },
    ),
    external("ai21labs", ai21labs_config={"ai21labs_api_key_plaintext": "k"}),
    external("palm", palm_config={"palm_api_key_plaintext": "k"}),
    external("custom", custom_provider_config=URL | BEARER),
    external(
        "custom",
        custom_provider_config=URL | {"api_key_auth": {"key": "X-Key", "value_plaintext": "v"}},
    ),
]


@pytest.mark.parametrize("entity", ACCEPTED_PROVIDERS, ids=provider_of)
def test_every_provider_is_served(client: Any, entity: Any) -> None:
    client.post("/api/2.0/secrets/scopes/create", {"scope": "s"})
    client.post("/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": "v"})
    client.create(config={"served_entities": [entity]})
    endpoint = client.endpoint()
    assert endpoint["state"] == {
        "ready": "READY",
        "config_update": "NOT_UPDATING",
        "suspend": "NOT_SUSPENDED",
    }
    assert "_plaintext" not in str(endpoint)


REFUSED_PROVIDERS = [
    pytest.param(external("mistral"), "provider", id="an unknown provider"),
    pytest.param(external("anthropic"), "does not belong", id="another provider's block"),
    pytest.param(
        external(openai_config=KEY, palm_config={}), "does not belong", id="a block too many"
    ),
    pytest.param(external("cohere", other={}), "must be given", id="no block"),
    pytest.param(external(openai_config={}), "lacks openai_api_key", id="no key"),
    pytest.param(
        external(openai_config={"openai_api_key_plaintext": ""}), "lacks", id="an empty key"
    ),
    pytest.param(
        external(openai_config=KEY | {"openai_api_key": "{{secrets/s/k}}"}),
        "only one of",
        id="a key twice",
    ),
    pytest.param(
        external(openai_config=KEY | {"openai_api_type": "azure"}),
        "lacks openai_api_base, openai_api_version, openai_deployment_name",
        id="azure without its address",
    ),
    pytest.param(
        external(openai_config=KEY | AZURE | {"openai_api_type": "azuread"}),
        "lacks microsoft_entra_client_id",
        id="azuread with a key",
    ),
    pytest.param(
        external(openai_config=KEY | {"openai_api_type": "other"}),
        "openai_api_type",
        id="an unknown type",
    ),
    pytest.param(
        external("amazon-bedrock", amazon_bedrock_config=BEDROCK), "one of", id="no authentication"
    ),
    pytest.param(
        external(
            "amazon-bedrock",
            amazon_bedrock_config=BEDROCK | PAIR | {"instance_profile_arn": "a"},
        ),
        "one of",
        id="two authentications",
    ),
    pytest.param(
        external(
            "amazon-bedrock",
            amazon_bedrock_config=BEDROCK | {"aws_access_key_id_plaintext": "a"},
        ),
        "lacks aws_secret_access_key",
        id="half a key pair",
    ),
    pytest.param(
        external("amazon-bedrock", amazon_bedrock_config=PAIR | {"aws_region": "r"}),
        "bedrock_provider",
        id="no model family",
    ),
    pytest.param(
        external("custom", custom_provider_config=URL), "exactly one", id="custom without a key"
    ),
    pytest.param(
        external(
            "custom",
            custom_provider_config=URL | BEARER | {"api_key_auth": {"key": "k"}},
        ),
        "exactly one",
        id="custom with two keys",
    ),
    pytest.param(
        external("custom", custom_provider_config=URL | {"bearer_token_auth": {}}),
        "lacks token",
        id="custom with an empty key",
    ),
]


@pytest.mark.parametrize(("entity", "message"), REFUSED_PROVIDERS)
def test_a_provider_is_refused(client: Any, entity: Any, message: str) -> None:
    reply = client.call("POST", BASE, serving(entity))
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in reply.json["message"]


MALFORMED_REFERENCES = [
    "sk-very-secret",
    "{{secrets/s/k}} ",
    "{{ secrets/s/k }}",
    "{secrets/s/k}",
    "{{secrets/s}}",
    "{{secrets/s/k/l}}",
    "x{{secrets/s/k}}",
    "{{secrets/s/k}}\n",
    "",
]


@pytest.mark.parametrize("reference", MALFORMED_REFERENCES, ids=repr)
def test_a_malformed_reference_is_refused_and_not_repeated(client: Any, reference: str) -> None:
    entity = external(openai_config={"openai_api_key": reference})
    reply = client.call("POST", BASE, serving(entity))
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert "openai_api_key must be a secret reference" in reply.json["message"]
    assert "sk-very-secret" not in reply.json["message"]


REFUSED_PARTS = [
    pytest.param({"description": "x" * 1001}, id="a long description"),
    pytest.param({"tags": [{"value": "v"}]}, id="a tag without a key"),
    pytest.param({"tags": {"a": "b"}}, id="tags that are no list"),
    pytest.param({"route_optimized": True}, id="route optimisation of external models"),
    pytest.param({"email_notifications": {"on_update_success": "a"}}, id="addresses as text"),
    pytest.param({"rate_limits": [{"renewal_period": "minute"}]}, id="an older limit of nothing"),
    pytest.param(
        {"rate_limits": [{"renewal_period": "minute", "calls": 1, "key": "user_group"}]},
        id="an older limit with a newer key",
    ),
]


@pytest.mark.parametrize("parts", REFUSED_PARTS)
def test_a_part_is_refused_and_no_endpoint_left(client: Any, parts: Any) -> None:
    reply = client.call("POST", BASE, serving(external()) | parts)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert client.call("GET", f"{BASE}/chat").status == 404


def test_custom_models_have_no_older_rate_limits(client: Any) -> None:
    limits = [{"calls": 1, "renewal_period": "minute"}]
    assert client.call("POST", BASE, serving(custom()) | {"rate_limits": limits}).status == 400
    client.post(BASE, serving(custom()))
    reply = client.call("PUT", f"{BASE}/chat/rate-limits", {"rate_limits": limits})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")


CHANGES = [
    pytest.param(external(), custom(), id="external to custom"),
    pytest.param(custom(), external(), id="custom to external"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
@pytest.mark.parametrize("is_deployed", [True, False], ids=["once active", "after a failure"])
def test_what_an_endpoint_is_stays(client: Any, before: Any, after: Any, is_deployed: bool) -> None:
    if not is_deployed:
        client.faults({"deployment": {"endpoint": "*", "state": "DEPLOYMENT_FAILED"}})
    client.post(BASE, serving(before))
    reply = client.call("PUT", f"{BASE}/chat/config", {"served_entities": [after]})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    shown = client.endpoint()
    assert ("config" in shown) == is_deployed
    version = (shown.get("config") or shown["pending_config"])["config_version"]
    assert version == 1


def test_an_update_needs_entities(client: Any) -> None:
    client.post(BASE, serving(external()))
    routes = {"traffic_config": {"routes": [{"served_model_name": "a", "traffic_percentage": 100}]}}
    for body in ({}, routes, {"served_entities": []}):
        assert client.call("PUT", f"{BASE}/chat/config", body).status == 400
