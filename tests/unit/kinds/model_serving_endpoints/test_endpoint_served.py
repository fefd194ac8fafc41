"""What a schema cannot say about what an endpoint serves, and about what goes with it."""

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
SECRET = {"$secret": {"from_env": "KEY"}}
DECLARED = {"secret_scopes": {"keys": {"name": "keys", "secrets": {"one": {}, "two": {}}}}}
EXTERNAL = {
    "external_model": {
        "name": "m",
        "provider": "openai",
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": REFERENCE},
    }
}
UNITS = {"entity_name": "system.ai.llama", "entity_version": "1", "provisioned_model_units": 50}
THROUGHPUT = {
    "entity_name": "system.ai.llama",
    "entity_version": "1",
    "max_provisioned_throughput": 9500,
}


def custom(**fields):
    base = {"entity_name": "main.shop.model", "entity_version": "1"}
    return base | {"scale_to_zero_enabled": True} | fields


def without(block, *names):
    return {name: value for name, value in block.items() if name not in names}


def endpoint(*entities, config=None, **fields):
    served = [{"name": f"e{at}"} | one for at, one in enumerate(entities)]
    shares = [100 - len(served) + 1, *([1] * (len(served) - 1))]
    routes = [
        {"served_entity_name": one["name"], "traffic_percentage": share}
        for one, share in zip(served, shares, strict=True)
    ]
    traffic = {"traffic_config": {"routes": routes}} if len(served) > 1 else {}
    config = {"served_entities": served} | traffic | (config or {})
    return {"name": "fraud", "config": config} | fields


def place(location):
    path = tuple(Key(str(s)) if isinstance(s, int) else s for s in location)
    return path_text(path).removeprefix("config.served_entities").lstrip(".")


def found(document, declared=None):
    return [
        (one.code, place(one.at)) for one in KIND.schema.relations(document, declared or DECLARED)
    ]


TABLE = {"catalog_name": "c", "schema_name": "s", "enabled": True}
TABLES = {"table_names": {"logs_table": "c.s.logs"}}
GOOD = [
    pytest.param(endpoint(custom()), id="a custom model"),
    pytest.param(endpoint(custom(scale_to_zero_enabled=False)), id="one that stays awake"),
    pytest.param(endpoint(custom(entity_name="fraud model")), id="one of the workspace's registry"),
    pytest.param(endpoint(custom(entity_name="a-b.c_d.Größe")), id="names with other letters"),
    pytest.param(
        endpoint(without(custom(entity_name="main.shop.spec"), "entity_version")),
        id="a feature spec",
    ),
    pytest.param(
        endpoint(custom(min_provisioned_concurrency=4, max_provisioned_concurrency=4)),
        id="a concurrency",
    ),
    pytest.param(endpoint(THROUGHPUT), id="throughput without a word on scaling to zero"),
    pytest.param(
        endpoint(THROUGHPUT | {"min_provisioned_throughput": 0, "scale_to_zero_enabled": True}),
        id="throughput that scales to zero",
    ),
    pytest.param(
        endpoint(THROUGHPUT, custom()), id="a foundation model by throughput beside a custom one"
    ),
    pytest.param(endpoint(UNITS, UNITS | {"burst_scaling_enabled": False}), id="model units"),
    pytest.param(
        endpoint(EXTERNAL | {"burst_scaling_enabled": True}), id="an external model with bursts"
    ),
    pytest.param(
        endpoint(UNITS, description="", route_optimized=False),
        id="model units and fields that say nothing",
    ),
    pytest.param(endpoint(EXTERNAL, route_optimized=False), id="external, and no shorter way"),
    pytest.param(
        endpoint(
            custom(environment_vars={"A_1": REFERENCE, "MODE": "fast", "_": "", "B": "{a}"}),
            route_optimized=True,
            telemetry_config=TABLES,
            budget_policy_id="b",
        ),
        id="everything around a custom model",
    ),
    pytest.param(
        endpoint(custom(), telemetry_config={"telemetry_profile_id": "p"}), id="a profile"
    ),
    pytest.param(
        endpoint(
            custom(raw={"new": 1}),
            config={"raw": {"new": {"name": 1}}},
            ai_gateway={"raw": {"new": None}},
            raw={"new": []},
        ),
        id="fields that nobody knows",
    ),
    pytest.param(
        endpoint(EXTERNAL | {"external_model": EXTERNAL["external_model"] | {"raw": {"value": 1}}}),
        id="a field of an external model that has the name of a secret elsewhere",
    ),
    pytest.param(
        {
            "name": "fraud",
            "config": {
                "served_entities": [custom()],
                "traffic_config": {
                    "routes": [{"served_entity_name": "model-1", "traffic_percentage": 100}]
                },
            },
        },
        id="a route to the name that the service gives to a custom model",
    ),
]


@pytest.mark.parametrize("document", GOOD)
def test_nothing_to_complain_about(document):
    assert found(document) == []


ENTITIES = [
    pytest.param({}, [("E331", "[0]")], id="nothing"),
    pytest.param(
        {"workload_size": "Small"}, [("E331", "[0]")], id="a size, and nothing that has it"
    ),
    pytest.param(
        EXTERNAL | {"entity_name": "a.b.c", "workload_size": "Small"},
        [("E332", "[0].entity_name"), ("E332", "[0].workload_size")],
        id="an external model with a name and a size",
    ),
    pytest.param(
        EXTERNAL | {"scale_to_zero_enabled": False},
        [("E332", "[0].scale_to_zero_enabled")],
        id="an external model that does not scale",
    ),
    pytest.param(
        UNITS | {"workload_size": "Small", "min_provisioned_throughput": 0},
        [("E337", "[0].workload_size"), ("E337", "[0].min_provisioned_throughput")],
        id="units with a size and a throughput",
    ),
    pytest.param(
        custom(workload_size="Small", max_provisioned_concurrency=4),
        [("E334", "[0].max_provisioned_concurrency")],
        id="a size and a concurrency",
    ),
    pytest.param(
        custom(min_provisioned_concurrency=8, max_provisioned_concurrency=4),
        [("E335", "[0].min_provisioned_concurrency")],
        id="less concurrency than the least",
    ),
    pytest.param(
        THROUGHPUT | {"min_provisioned_throughput": 9501},
        [("E335", "[0].min_provisioned_throughput")],
        id="less throughput than the least",
    ),
    pytest.param(
        without(custom(), "scale_to_zero_enabled"),
        [("W736", "[0]")],
        id="a custom model that does not say whether it scales to zero",
    ),
    pytest.param(
        {"entity_name": "main.shop.spec"},
        [("W736", "[0]")],
        id="a feature spec that does not say it either",
    ),
    pytest.param(
        without(custom(entity_name="fraud"), "entity_version"),
        [("E339", "[0]")],
        id="a model of the workspace without a version",
    ),
    pytest.param(
        without(UNITS, "entity_version"), [("E339", "[0]")], id="model units without a version"
    ),
    pytest.param(
        without(THROUGHPUT, "entity_version"), [("E339", "[0]")], id="throughput without a version"
    ),
    *(
        pytest.param(custom(entity_name=name), [("E370", "[0].entity_name")], id=f"the name {name}")
        for name in ("shop.model", "a.b.c.d", "a..c", "a.b c.d", "a/b", "`a`.b.c", "models:/m")
    ),
    pytest.param(
        custom(environment_vars={"A-B": "x", "1": "y", "": "z"}),
        [("W729", f"[0].environment_vars.{name}") for name in ("A-B", "1", "")],
        id="names that are none",
    ),
    pytest.param(
        custom(environment_vars={"A": "x {{secrets/keys/one}}", "B": "{{ secrets/keys/one }}"}),
        [("W732", "[0].environment_vars.A"), ("W732", "[0].environment_vars.B")],
        id="references with something around them",
    ),
    pytest.param(
        custom(environment_vars={"A": "{{secrets/keys/tow}}"}),
        [("E307", "[0].environment_vars.A")],
        id="a key that its scope does not declare",
    ),
    pytest.param(
        custom(environment_vars={"openai_api_key_plaintext": SECRET}),
        [("E373", "[0].environment_vars.openai_api_key_plaintext")],
        id="a secret from the environment, which everybody would see",
    ),
    pytest.param(
        custom(environment_vars={"OPENAI_API_KEY": "sk-1", "PASSWORD": REFERENCE}),
        [("W722", "[0].environment_vars.OPENAI_API_KEY")],
        id="a key in plain text",
    ),
    pytest.param(
        custom(raw={"workload_size": "Small", "state": {}, "new": 1}),
        [("E372", "[0].raw.workload_size"), ("E372", "[0].raw.state")],
        id="known fields sent raw",
    ),
    pytest.param(
        custom(raw={"new": {"token_plaintext": SECRET}}),
        [("E373", "[0].raw.new")],
        id="a secret in a field that nobody knows",
    ),
    pytest.param(
        UNITS | {"provisioned_model_units": 60},
        [("W723", "[0].provisioned_model_units")],
        id="units in other steps",
    ),
]


@pytest.mark.parametrize(("entity", "expected"), ENTITIES)
def test_a_served_entity(entity, expected):
    assert found(endpoint(entity)) == expected


ENDPOINTS = [
    pytest.param(
        endpoint(custom(), EXTERNAL, UNITS),
        [("E333", "[1]"), ("E333", "[2]")],
        id="three sorts in one",
    ),
    pytest.param(endpoint(*[custom()] * 16), [("W721", "")], id="sixteen of them"),
    pytest.param(
        endpoint(EXTERNAL, telemetry_config=TABLES, route_optimized=True),
        [("E338", "telemetry_config"), ("E338", "route_optimized")],
        id="an external model with what custom models have",
    ),
    pytest.param(
        endpoint(THROUGHPUT, route_optimized=True),
        [("E338", "route_optimized")],
        id="a foundation model on a shorter way",
    ),
    pytest.param(
        {"name": "fraud", "telemetry_config": TABLES},
        [("E338", "telemetry_config")],
        id="telemetry of nothing",
    ),
    pytest.param(
        endpoint(
            UNITS,
            description="x",
            route_optimized=True,
            telemetry_config=TABLES,
            config={"auto_capture_config": TABLE},
        ),
        [
            ("E337", "description"),
            ("E337", "route_optimized"),
            ("E337", "telemetry_config"),
            ("E337", "config.auto_capture_config"),
            ("W720", "config.auto_capture_config"),
        ],
        id="model units with what their call does not take",
    ),
    pytest.param(
        endpoint(custom(), telemetry_config=TABLES | {"telemetry_profile_id": "p"}),
        [("E374", "telemetry_config.table_names")],
        id="tables and a profile",
    ),
    pytest.param(
        endpoint(custom(), telemetry_config={"inference_table_config": {"sampling_fraction": 1}}),
        [("E374", "telemetry_config")],
        id="neither tables nor a profile",
    ),
    pytest.param(
        endpoint(custom(), telemetry_config={"table_names": {"logs_table": "logs"}}),
        [("E370", "telemetry_config.table_names.logs_table")],
        id="a table without its schema",
    ),
    pytest.param(
        endpoint(custom(), config={"auto_capture_config": {"enabled": True}}),
        [
            ("W720", "config.auto_capture_config"),
            ("W731", "config.auto_capture_config"),
            ("W731", "config.auto_capture_config"),
        ],
        id="a legacy table without a place",
    ),
    pytest.param(
        endpoint(
            custom(),
            config={"raw": {"served_models": [], "config_version": 1}},
            ai_gateway={"raw": {"rate_limits": []}},
            raw={"tags": [], "id": "1", "raw": {}, "rate_limits": []},
        ),
        [
            ("E372", "raw.tags"),
            ("E372", "raw.id"),
            ("E372", "raw.raw"),
            ("E372", "raw.rate_limits"),
            ("E372", "config.raw.served_models"),
            ("E372", "config.raw.config_version"),
            ("E372", "ai_gateway.raw.rate_limits"),
        ],
        id="known fields sent raw, wherever that is",
    ),
    pytest.param(
        {
            "name": "fraud",
            "config": {
                "served_entities": [without(custom(), "entity_version")],
                "traffic_config": {
                    "routes": [{"served_entity_name": "model-1", "traffic_percentage": 100}]
                },
            },
        },
        [("E317", "config.traffic_config.routes[0].served_entity_name")],
        id="a route to a feature spec without a name",
    ),
]


@pytest.mark.parametrize(("document", "expected"), ENDPOINTS)
def test_an_endpoint(document, expected):
    assert found(document) == expected


def test_an_endpoint_of_somebody_else_takes_nothing_raw():
    document = {"name": "x", "existing": True, "ai_gateway": {"raw": {"new": 1}}}
    assert ("E372", "ai_gateway.raw") in found(document)


HINTS = [
    pytest.param(
        custom(environment_vars={"A": "x {{secrets/keys/one}}"}),
        'write "{{secrets/SCOPE/KEY}}" as the whole value, or remove the double braces',
        id="a reference inside a text",
    ),
    pytest.param(
        custom(environment_vars={"A": "{{ secrets/keys/one }}"}),
        'write "{{secrets/keys/one}}": two braces, without spaces',
        id="a reference with blanks",
    ),
    pytest.param(UNITS | {"provisioned_model_units": 60}, "for example 100", id="odd units"),
    pytest.param(UNITS | {"provisioned_model_units": 0}, "for example 50", id="no units"),
]


@pytest.mark.parametrize(("entity", "hint"), HINTS)
def test_the_hint_says_how_to_mend_it(entity, hint):
    assert [one.hint for one in findings(entity)] == [hint]


def findings(entity):
    return KIND.schema.relations(endpoint(entity), DECLARED)


def test_what_may_be_a_secret_is_not_repeated():
    entity = custom(environment_vars={"API_TOKEN": "canary", "A": "{{canary}}"})
    assert all("canary" not in one.message + one.hint for one in findings(entity))


def test_only_codes_of_warnings_are_warnings():
    documents = [endpoint(case.values[0]) for case in ENTITIES]
    documents += [case.values[0] for case in ENDPOINTS]
    for one in (one for document in documents for one in KIND.schema.relations(document, DECLARED)):
        assert (one.code[0] == "W") is (one.severity is Severity.WARNING)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
DOCUMENTS = [case.values[0] for case in [*GOOD, *ENDPOINTS]]
DOCUMENTS += [endpoint(case.values[0]) for case in ENTITIES]


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
