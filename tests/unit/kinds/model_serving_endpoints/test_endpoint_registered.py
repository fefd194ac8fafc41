"""Plans for models of Unity Catalog: what changes, what is chosen, what needs a new endpoint."""

from __future__ import annotations

import copy

import pytest

from provisioner.kinds import KINDS
from provisioner.kinds.model_serving_endpoints.live import read
from provisioner.model.paths import parse_paths, path_text
from provisioner.model.plan import Action, Address
from provisioner.model.resource import Resource
from provisioner.planning.comparison import remaining
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext

KIND = KINDS["model_serving_endpoints"]
RULES = KIND.schema.rules()
ROOT = "/api/2.0/serving-endpoints"


def tag_of(digests):
    """``field:digest`` pairs as the tag holds them."""
    return digests.replace(":", "-").replace(" ", "-")


OWNER = [
    {"key": "provisioner_project", "value": "shop"},
    {"key": "provisioner_environment", "value": "dev"},
]
HIDDEN = ("burst_scaling_enabled", "raw")


def custom(name="a", **fields):
    base = {"name": name, "entity_name": "main.shop.model", "entity_version": "1"}
    return base | {"scale_to_zero_enabled": False} | fields


def feature_spec(**fields):
    return {"name": "a", "entity_name": "main.shop.spec", "scale_to_zero_enabled": True} | fields


def with_throughput(**fields):
    base = {"name": "a", "entity_name": "system.ai.llama", "entity_version": "1"}
    return base | {"max_provisioned_throughput": 9500} | fields


def with_units(units=50, **fields):
    base = {"name": "a", "entity_name": "system.ai.llama", "entity_version": "1"}
    return base | {"provisioned_model_units": units} | fields


def external(task="llm/v1/chat"):
    key = {"openai_api_key": "{{secrets/k/one}}"}
    model = {"name": "gpt-4o", "provider": "openai", "task": task, "openai_config": key}
    return {"name": "a", "external_model": model}


def manifest(*entities, config=None, **fields):
    served = {"served_entities": list(entities or [custom()])}
    return {"name": "fraud", "config": served | (config or {})} | fields


TABLE = {"catalog_name": "c", "schema_name": "s"}


def legacy(**table):
    return manifest(config={"auto_capture_config": TABLE | table})


def answer(document, entity=None, **fields):
    """What the service says once ``document`` was applied: with all that it adds and hides."""
    shown = copy.deepcopy(document)
    tags = [*shown.pop("tags", []), *OWNER]
    if KIND.planning.applied_digests(document):
        tags.append(
            {"key": "provisioner_applied", "value": tag_of(KIND.planning.applied_digests(document))}
        )
    for name in ("raw", "budget_policy_id"):
        shown.pop(name, None)
    shown.get("telemetry_config", {}).pop("table_names", None)
    config = shown.get("config", {})
    config.pop("raw", None)
    for one in config.get("served_entities", []):
        for name in HIDDEN:
            one.pop(name, None)
        one.update(entity or {})
    names = [one["name"] for one in config.get("served_entities", [])]
    if len(names) == 1:
        config["traffic_config"] = {
            "routes": [{"served_entity_name": names[0], "traffic_percentage": 100}]
        }
    state = {"ready": "READY", "config_update": "NOT_UPDATING"}
    base = {"id": "1" * 32, "description": "", "tags": tags, "route_optimized": False}
    return base | shown | {"state": state} | fields


def step_for(desired, raw, ignore=()):
    address = Address("model_serving_endpoints", "fraud")
    resource = Resource(address, "fraud", desired, ignore_changes=parse_paths(ignore))
    live = read.live(raw, RULES) if raw else None
    asked = PlanContext(project="shop", environment="dev")
    return plan_step(Pair(address, "fraud", resource, live), KIND, asked)


def calls(step):
    return [one.call for one in step.operations]


def pending(step):
    return [path_text(c.path) for c in step.changes if c.action is not Action.KEEP]


def telemetry(**fields):
    return manifest(telemetry_config={"table_names": {"logs_table": "c.s.logs"}} | fields)


FULL = manifest(
    custom(
        workload_size="Small",
        workload_type="GPU_SMALL",
        environment_vars={"TOKEN": "{{secrets/k/one}}", "MODE": "fast", "EMPTY": ""},
        instance_profile_arn="arn:x",
        burst_scaling_enabled=True,
        raw={"new": 1},
    ),
    config={"raw": {"newer": [1]}},
    route_optimized=True,
    budget_policy_id="policy-1",
    telemetry_config={
        "table_names": {"logs_table": "c.s.logs"},
        "enabled_telemetry_features": ["TELEMETRY_FEATURE_LOGS", "TELEMETRY_FEATURE_TRACES"],
        "inference_table_config": {"sampling_fraction": 0.5},
    },
    ai_gateway={"usage_tracking_config": {"enabled": True}, "raw": {"newest": {}}},
    raw={"uc_system_metrics_export_state": "FIRST_PARTY_EXPORT_ENABLED"},
)
OFF = {"enabled": False, "table_name_prefix": "fraud"}

CONVERGED = [
    pytest.param(manifest(), answer(manifest()), id="as it was applied"),
    pytest.param(FULL, answer(FULL), id="every field as it was applied"),
    pytest.param(
        manifest(),
        answer(manifest(), {"workload_size": "Small", "workload_type": "CPU"}),
        id="size and type chosen by the service",
    ),
    pytest.param(
        manifest(feature_spec()),
        answer(manifest(feature_spec()), {"workload_size": "Small"}),
        id="a feature spec",
    ),
    pytest.param(
        manifest(with_throughput(min_provisioned_throughput=0)),
        answer(manifest(with_throughput()), {"workload_type": "GPU_LARGE"}),
        id="a minimum of nothing that the service leaves out",
    ),
    pytest.param(
        manifest(with_throughput()),
        answer(manifest(with_throughput()), {"min_provisioned_throughput": 0}),
        id="a minimum of nothing that the service fills in",
    ),
    pytest.param(
        manifest(),
        answer(manifest(custom(entity_version=1))),
        id="a version as a number",
    ),
    pytest.param(
        manifest(custom(min_provisioned_concurrency=4, max_provisioned_concurrency=8)),
        answer(
            manifest(custom(min_provisioned_concurrency="4", max_provisioned_concurrency="8")),
        ),
        id="numbers as text",
    ),
    pytest.param(
        manifest(custom(scale_to_zero_enabled=False)),
        answer(manifest({k: v for k, v in custom().items() if k != "scale_to_zero_enabled"})),
        id="a switch that is off left out by the service",
    ),
    pytest.param(
        manifest(with_units()),
        answer(manifest(with_units()), {"workload_type": "GPU_LARGE", "workload_size": "Small"}),
        id="model units, to which the service adds machines",
    ),
    pytest.param(
        legacy(enabled=True),
        answer(legacy(enabled=True, table_name_prefix="fraud", state={"payload_table": {}})),
        id="a legacy table whose prefix the service chose",
    ),
    pytest.param(manifest(), answer(legacy(**OFF)), id="a legacy table that is off"),
    pytest.param(
        telemetry(),
        answer(telemetry(telemetry_profile_id="made-of-the-tables")),
        id="telemetry of which the service shows a profile",
    ),
    pytest.param(
        manifest(),
        answer(manifest(), telemetry_config={"telemetry_profile_id": "by-the-workspace"}),
        id="telemetry that is none of ours",
    ),
    pytest.param(
        telemetry(),
        answer(
            telemetry(),
            telemetry_config={
                "telemetry_profile_id": "p",
                "enabled_telemetry_features": [
                    f"TELEMETRY_FEATURE_{name}"
                    for name in ("TRACES", "LOGS", "METRICS", "INFERENCE_TABLE")
                ],
            },
        ),
        id="all features spelled out",
    ),
    pytest.param(manifest(route_optimized=False), answer(manifest()), id="a short way not taken"),
]


@pytest.mark.parametrize(("desired", "raw"), CONVERGED)
def test_nothing_to_do(desired, raw):
    step = step_for(desired, raw)
    assert (step.action, pending(step), step.operations) == (Action.KEEP, [], ())


ENTITY = "config.served_entities[a]"
CHANGED = [
    pytest.param(
        manifest(custom(entity_version="2")),
        answer(manifest()),
        [f"{ENTITY}.entity_version"],
        ["update_config"],
        id="another version",
    ),
    pytest.param(
        manifest(custom(min_provisioned_concurrency=4)),
        answer(manifest(custom(workload_size="Large"))),
        [f"{ENTITY}.min_provisioned_concurrency"],
        ["update_config"],
        id="a concurrency instead of a size",
    ),
    pytest.param(
        manifest(custom(workload_size="Large")),
        answer(manifest(custom(min_provisioned_concurrency=4))),
        [f"{ENTITY}.min_provisioned_concurrency", f"{ENTITY}.workload_size"],
        ["update_config"],
        id="a size instead of a concurrency",
    ),
    pytest.param(
        manifest(custom(scale_to_zero_enabled=True)),
        answer(manifest()),
        [f"{ENTITY}.scale_to_zero_enabled"],
        ["update_config"],
        id="a switch",
    ),
    pytest.param(
        manifest(custom(environment_vars={"A": "1", "B": "2"})),
        answer(manifest(custom(environment_vars={"B": "3", "C": "4"}))),
        [f"{ENTITY}.environment_vars[{name}]" for name in "ABC"],
        ["update_config"],
        id="environment variables, one by one",
    ),
    pytest.param(
        manifest(with_throughput()),
        answer(manifest(with_throughput(min_provisioned_throughput=9500))),
        [f"{ENTITY}.min_provisioned_throughput"],
        ["update_config"],
        id="no minimum any more",
    ),
    pytest.param(
        manifest(with_units(100)),
        answer(manifest(with_units())),
        [f"{ENTITY}.provisioned_model_units"],
        ["update_provisioned_throughput_config"],
        id="more model units",
    ),
    pytest.param(
        manifest(custom(burst_scaling_enabled=False)),
        answer(manifest(custom(burst_scaling_enabled=True))),
        [f"{ENTITY}.burst_scaling_enabled"],
        ["update_config", "patch_tags"],
        id="a switch that cannot be read back",
    ),
    pytest.param(
        manifest(),
        answer(manifest(custom(burst_scaling_enabled=True))),
        ["config"],
        ["update_config", "patch_tags"],
        id="a switch that cannot be read back is taken out",
    ),
    pytest.param(
        manifest(custom(raw={"new": 2})),
        answer(manifest(custom(raw={"new": 1}))),
        [f"{ENTITY}.raw"],
        ["update_config", "patch_tags"],
        id="a field of an entity that we do not know",
    ),
    pytest.param(
        manifest(config={"raw": {"new": 2}}),
        answer(manifest()),
        ["config.raw"],
        ["update_config", "patch_tags"],
        id="a field of the config that we do not know",
    ),
    pytest.param(
        manifest(ai_gateway={"raw": {"new": 2}}),
        answer(manifest(ai_gateway={"raw": {"new": 1}}), ai_gateway={}),
        ["ai_gateway.raw"],
        ["put_ai_gateway", "patch_tags"],
        id="a field of the gateway that we do not know, and no other call",
    ),
    pytest.param(
        manifest(),
        answer(manifest(ai_gateway={"raw": {"new": 1}}), ai_gateway={}),
        ["ai_gateway"],
        ["put_ai_gateway", "patch_tags"],
        id="a gateway taken out that held nothing else",
    ),
    pytest.param(
        telemetry(),
        answer(manifest()),
        ["telemetry_config.table_names"],
        ["patch_telemetry_config", "patch_tags"],
        id="telemetry",
    ),
    pytest.param(
        telemetry(table_names={"logs_table": "c.s.other"}),
        answer(telemetry(telemetry_profile_id="p")),
        ["telemetry_config.table_names"],
        ["patch_telemetry_config", "patch_tags"],
        id="telemetry in another table",
    ),
    pytest.param(
        telemetry(inference_table_config={"sampling_fraction": 1}),
        answer(telemetry(inference_table_config={"sampling_fraction": 0.5})),
        ["telemetry_config.inference_table_config.sampling_fraction"],
        ["patch_telemetry_config"],
        id="more requests in the table",
    ),
    pytest.param(
        telemetry(),
        answer(telemetry(enabled_telemetry_features=["TELEMETRY_FEATURE_LOGS"])),
        ["telemetry_config.enabled_telemetry_features"],
        ["patch_telemetry_config"],
        id="all features instead of one",
    ),
    pytest.param(
        manifest(),
        answer(telemetry(telemetry_profile_id="p")),
        ["telemetry_config"],
        ["patch_telemetry_config", "patch_tags"],
        id="no telemetry any more",
    ),
    pytest.param(
        manifest(telemetry_config={"telemetry_profile_id": "q"}),
        answer(telemetry(telemetry_profile_id="p")),
        ["provisioner_applied", "telemetry_config.telemetry_profile_id"],
        ["patch_telemetry_config", "patch_tags"],
        id="a profile instead of tables",
    ),
    pytest.param(
        legacy(enabled=True),
        answer(manifest()),
        [f"config.auto_capture_config.{name}" for name in ("catalog_name", "enabled")]
        + ["config.auto_capture_config.schema_name"],
        ["update_config"],
        id="a legacy table where there is none",
    ),
    pytest.param(
        manifest(),
        answer(legacy(enabled=True)),
        ["config.auto_capture_config.enabled"],
        ["update_config"],
        id="no legacy table any more",
    ),
    pytest.param(
        FULL | {"tags": [{"key": "team", "value": "risk"}]},
        answer(FULL, {"entity_version": "9"}, ai_gateway={}, telemetry_config={}),
        None,
        ["patch_tags", "update_config", "put_ai_gateway", "patch_telemetry_config"],
        id="everything at once, telemetry last",
    ),
]


@pytest.mark.parametrize(("desired", "raw", "paths", "expected"), CHANGED)
def test_what_changes_and_how(desired, raw, paths, expected):
    step = step_for(desired, raw)
    assert step.action is Action.UPDATE
    assert paths is None or pending(step) == paths
    assert calls(step) == expected


OTHERS = "an endpoint that serves external models cannot change to other models"
UNITS = "an endpoint is created with or without model units, and no call changes that"
REPLACED = [
    pytest.param(manifest(), answer(manifest(external())), OTHERS, id="external, now custom"),
    pytest.param(
        manifest(with_units()), answer(manifest(external())), OTHERS, id="external, now with units"
    ),
    pytest.param(
        manifest(external()),
        answer(manifest()),
        "an endpoint that serves other models cannot change to external models",
        id="custom, now external",
    ),
    pytest.param(
        manifest(with_units()), answer(manifest(with_throughput())), UNITS, id="now with units"
    ),
    pytest.param(
        manifest(with_throughput()),
        answer(manifest(with_units())),
        UNITS,
        id="no units any more",
    ),
    pytest.param(
        manifest(route_optimized=True), answer(manifest()), "fixed at creation", id="a shorter way"
    ),
    pytest.param(
        manifest(),
        answer(manifest(), route_optimized=True),
        "fixed at creation",
        id="no shorter way any more",
    ),
    pytest.param(
        legacy(enabled=True, catalog_name="other"),
        answer(legacy(enabled=True)),
        "fixed at creation",
        id="a legacy table in another catalog",
    ),
    pytest.param(
        legacy(enabled=True, table_name_prefix="x"),
        answer(legacy(enabled=True, table_name_prefix="y")),
        "fixed at creation",
        id="another prefix of the legacy table",
    ),
]


@pytest.mark.parametrize(("desired", "raw", "reason"), REPLACED)
def test_what_needs_a_new_endpoint(desired, raw, reason):
    step = step_for(desired, raw)
    assert step.action is Action.REPLACE
    assert {c.reason for c in step.changes if c.action is Action.REPLACE} == {reason}
    units = "provisioned_model_units" in desired["config"]["served_entities"][0]
    assert calls(step) == ["delete", "create_provisioned_throughput" if units else "create"]


def test_a_replacement_also_brings_what_no_call_changes():
    wanted = manifest(
        route_optimized=True, description="new", budget_policy_id="new", raw={"new": 1}
    )
    step = step_for(wanted, answer(manifest(description="old")))
    assert step.action is Action.REPLACE
    assert pending(step) == ["budget_policy_id", "description", "raw", "route_optimized"]
    sent = step.operations[1].payload
    assert (sent["description"], sent["budget_policy_id"], sent["new"]) == ("new", "new", 1)


BLOCKED = [
    pytest.param(
        manifest(budget_policy_id="b"),
        answer(manifest(budget_policy_id="a")),
        ["budget_policy_id"],
        "restore the old id",
        id="another budget policy",
    ),
    pytest.param(
        manifest(budget_policy_id="b"),
        answer(manifest()),
        ["budget_policy_id"],
        "otherwise, recreate the resource",
        id="a budget policy for an endpoint without one",
    ),
    pytest.param(
        manifest(),
        answer(manifest(budget_policy_id="a")),
        ["budget_policy_id"],
        "restore the old id",
        id="no budget policy any more",
    ),
    pytest.param(
        manifest(raw={"a": 2}),
        answer(manifest(raw={"a": 1})),
        ["raw"],
        "restore the old values",
        id="a field of the endpoint that we do not know",
    ),
    pytest.param(
        manifest(description="new"),
        answer(manifest(description="old")),
        ["description"],
        "restore the old text",
        id="another description",
    ),
]


@pytest.mark.parametrize(("desired", "raw", "paths", "remedy"), BLOCKED)
def test_what_no_call_changes_is_blocked_with_a_remedy(desired, raw, paths, remedy):
    step = step_for(desired, raw)
    assert (step.action, pending(step), step.operations) == (Action.BLOCKED, paths, ())
    assert remedy in step.hint
    assert step_for(desired, raw, ignore=paths).action is Action.KEEP


def test_a_budget_policy_does_not_block_what_else_cannot_be_read_back():
    before = manifest(custom(burst_scaling_enabled=True), budget_policy_id="a")
    after = manifest(custom(burst_scaling_enabled=False), budget_policy_id="a")
    step = step_for(after, answer(before))
    assert pending(step) == [f"{ENTITY}.burst_scaling_enabled"]
    assert step.action is Action.UPDATE


def test_a_legacy_table_that_was_switched_off_stays_off():
    step = step_for(legacy(enabled=True), answer(legacy(**OFF)))
    assert step.action is Action.BLOCKED
    assert "ai_gateway.inference_table_config" in step.reason


def only(step, call):
    return next(one for one in step.operations if one.call == call)


def test_a_create_sends_raw_fields_beside_the_others():
    create = only(step_for(FULL, None), "create")
    entity = create.payload["config"]["served_entities"][0]
    assert (create.method, create.path) == ("POST", ROOT)
    assert entity["new"] == 1
    assert entity["environment_vars"] == {
        "TOKEN": "{{secrets/k/one}}",
        "MODE": "fast",
        "EMPTY": "",
    }
    assert create.payload["config"]["newer"] == [1]
    assert create.payload["ai_gateway"]["newest"] == {}
    assert create.payload["uc_system_metrics_export_state"] == "FIRST_PARTY_EXPORT_ENABLED"
    assert '"raw"' not in str(create.payload).replace("'", '"')


def test_raw_fields_of_an_external_model_are_sent_beside_the_others():
    entity = external()
    entity["external_model"]["raw"] = {"new": 1}
    step = step_for(manifest(entity), answer(manifest(external())))
    sent = only(step, "update_config").payload["served_entities"][0]["external_model"]
    assert sent == external()["external_model"] | {"new": 1}


def test_a_variable_named_raw_is_a_variable():
    entity = custom(environment_vars={"raw": "x"})
    sent = only(step_for(manifest(entity), None), "create").payload
    assert sent["config"]["served_entities"] == [entity]


def test_explicit_false_and_zero_are_sent():
    entity = with_throughput(min_provisioned_throughput=0, scale_to_zero_enabled=False)
    sent = only(step_for(manifest(entity, route_optimized=False), None), "create").payload
    assert sent["config"]["served_entities"] == [entity]
    assert sent["route_optimized"] is False


def test_model_units_are_created_and_updated_by_calls_of_their_own():
    wanted = manifest(
        with_units(burst_scaling_enabled=False),
        budget_policy_id="b",
        description="",
        route_optimized=False,
        tags=[{"key": "team"}],
        ai_gateway={"usage_tracking_config": {"enabled": True}},
        email_notifications={"on_update_failure": ["a@b.c"]},
    )
    create = only(step_for(wanted, None), "create_provisioned_throughput")
    assert (create.method, create.path, create.wait) == ("POST", f"{ROOT}/pt", True)
    assert set(create.payload) == {
        "name",
        "config",
        "ai_gateway",
        "budget_policy_id",
        "email_notifications",
        "tags",
    }
    more = manifest(with_units(100))
    step = step_for(more, answer(manifest(with_units())))
    update = only(step, "update_provisioned_throughput_config")
    assert (update.method, update.path, update.wait) == ("PUT", f"{ROOT}/pt/fraud/config", True)
    routes = [{"served_entity_name": "a", "traffic_percentage": 100}]
    assert update.payload == {
        "config": {"served_entities": [with_units(100)], "traffic_config": {"routes": routes}}
    }


def test_telemetry_is_patched_when_the_endpoint_is_idle_and_removed_with_an_empty_body():
    patch = only(step_for(telemetry(), answer(manifest())), "patch_telemetry_config")
    assert (patch.method, patch.path) == ("PATCH", f"{ROOT}/fraud/telemetry-config")
    assert patch.after_idle
    assert patch.payload == {"telemetry_config": telemetry()["telemetry_config"]}
    gone = only(step_for(manifest(), answer(telemetry())), "patch_telemetry_config")
    assert gone.payload == {}


def test_a_legacy_table_is_never_left_out_of_a_config():
    off = step_for(manifest(), answer(legacy(enabled=True)))
    table = TABLE | {"enabled": False}
    assert only(off, "update_config").payload["auto_capture_config"] == table
    other = step_for(manifest(custom(entity_version="2")), answer(legacy(**OFF)))
    sent = only(other, "update_config").payload["auto_capture_config"]
    assert sent == TABLE | OFF


IGNORING = [
    pytest.param(
        [f"{ENTITY}.environment_vars[B]"],
        manifest(custom(entity_version="2", environment_vars={"A": "1", "B": "2"})),
        manifest(custom(environment_vars={"A": "1", "B": "by hand"})),
        custom(entity_version="2", environment_vars={"A": "1", "B": "by hand"}),
        id="a variable",
    ),
    pytest.param(
        [f"{ENTITY}.environment_vars[B]"],
        manifest(custom(entity_version="2")),
        manifest(custom(environment_vars={"A": "1", "B": "by hand"})),
        custom(entity_version="2", environment_vars={"B": "by hand"}),
        id="a variable that the manifest does not have",
    ),
    pytest.param(
        [f"{ENTITY}.environment_vars"],
        manifest(custom(entity_version="2", environment_vars={"A": "1"})),
        manifest(custom()),
        custom(entity_version="2"),
        id="variables that were taken away",
    ),
    pytest.param(
        [f"{ENTITY}.workload_size"],
        manifest(custom(entity_version="2", workload_size="Small")),
        manifest(custom(workload_size="Large")),
        custom(entity_version="2", workload_size="Large"),
        id="a size",
    ),
]


@pytest.mark.parametrize(("ignore", "desired", "before", "expected"), IGNORING)
def test_what_is_ignored_is_sent_as_it_is(ignore, desired, before, expected):
    step = step_for(desired, answer(before), ignore=ignore)
    assert only(step, "update_config").payload["served_entities"] == [expected]


def test_a_change_that_is_ignored_and_cannot_be_read_back_is_none():
    before, after = (manifest(custom(raw={"a": n})) for n in (1, 2))
    assert step_for(after, answer(before), ignore=[f"{ENTITY}.raw"]).action is Action.KEEP


def test_the_mark_is_short_enough_for_a_tag_and_says_what_it_is_about():
    fields = [entry.partition(":")[0] for entry in KIND.planning.applied_digests(FULL).split()]
    assert fields == ["config", "ai_gateway", "raw", "budget_policy_id", "telemetry_config"]
    assert len(KIND.planning.applied_digests(FULL)) < 128


OVERRULED = [
    pytest.param("scale_to_zero_enabled", True, False, id="a switch that goes back"),
    pytest.param("scale_to_zero_enabled", True, None, id="a switch that is not there"),
    pytest.param("workload_size", "Large", "Small", id="another size"),
    pytest.param("workload_type", "CPU", "GPU_LARGE", id="another machine"),
    pytest.param("max_provisioned_throughput", 9500, 9000, id="rounded throughput"),
]


@pytest.mark.parametrize(("field", "wanted", "actual"), OVERRULED)
def test_what_the_service_overrules_is_named_after_the_apply(field, wanted, actual):
    desired = manifest(with_throughput(**{field: wanted}))
    raw = answer(desired, {field: actual})
    step = step_for(desired, raw)
    left = remaining(step, read.live(raw, RULES), KIND)
    assert [path_text(change.path) for change in left] == [f"{ENTITY}.{field}"]


def test_an_adopted_endpoint_keeps_what_cannot_be_read_back_once_somebody_vouches_for_it():
    desired = manifest(budget_policy_id="a", raw={"new": 1})
    unknown = answer(manifest(), tags=[])
    assert step_for(desired, unknown).action is Action.BLOCKED
    step = step_for(desired, unknown, ignore=["budget_policy_id", "raw"])
    assert (step.action, calls(step)) == (Action.ADOPT, ["patch_tags"])
    assert step_for(desired, answer(desired)).action is Action.KEEP


def test_environment_variables_need_their_scopes():
    entity = custom(environment_vars={"A": "{{secrets/z/x}}", "B": "plain", "C": "{{secrets/y/x}}"})
    assert list(KIND.dependencies.depends_on(manifest(entity))) == [
        ("secret_scopes", "y"),
        ("secret_scopes", "z"),
    ]
