"""Which changes a plan sees between a manifest and a live endpoint, and which calls it makes."""

from __future__ import annotations

import copy
import re
from dataclasses import replace

import pytest

from provisioner.kinds import KINDS
from provisioner.kinds.model_serving_endpoints.live import read
from provisioner.kinds.model_serving_endpoints.vocabulary import default_entity_name
from provisioner.model.paths import parse_paths, path_text
from provisioner.model.plan import Action, Address
from provisioner.model.resource import Resource
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext

KIND = KINDS["model_serving_endpoints"]
RULES = KIND.schema.rules()
ROOT = "/api/2.0/serving-endpoints"
PLAINTEXT = {"$secret": {"from_env": "KEY"}}


def tag_of(digests):
    """``field:digest`` pairs as the tag holds them."""
    return digests.replace(":", "-").replace(" ", "-")


OWNER = [
    {"key": "provisioner_project", "value": "shop"},
    {"key": "provisioner_environment", "value": "dev"},
]


def model(name="gpt-4o", task="llm/v1/chat", **config):
    secret = {} if "openai_api_key_plaintext" in config else {"openai_api_key": "{{secrets/k/one}}"}
    return {"name": name, "provider": "openai", "task": task, "openai_config": secret | config}


def entity(label="a", /, **external):
    return {"name": label, "external_model": model(**external)}


def split(**shares):
    routes = [{"served_entity_name": n, "traffic_percentage": s} for n, s in shares.items()]
    return {"routes": routes}


def manifest(*entities, traffic=None, **fields):
    config = {"served_entities": list(entities or [entity()])}
    return {
        "name": "chat",
        "config": config | ({"traffic_config": traffic} if traffic else {}),
    } | fields


def answer(document, ready="READY", update="NOT_UPDATING", **fields):
    """What the service says once ``document`` was applied: with all that it adds and hides."""
    shown = copy.deepcopy(document)
    tags = [*shown.pop("tags", []), *OWNER]
    applied = KIND.planning.applied_digests(document)
    if applied:
        tags.append({"key": "provisioner_applied", "value": tag_of(applied)})
    if "config" in shown:
        shown["config"] = echoed(shown["config"])
    base = {"id": "1" * 32, "description": "", "tags": tags, "route_optimized": False}
    return base | shown | {"state": {"ready": ready, "config_update": update}} | fields


def echoed(config):
    for one in config["served_entities"]:
        if "external_model" in one:
            block = one["external_model"].get("openai_config", {})
            block.pop("openai_api_key_plaintext", None)
        one.setdefault("name", "gpt-4o")
    names = [one["name"] for one in config["served_entities"]]
    routes = config.get("traffic_config", split(**{names[0]: 100}))["routes"]
    echo = [route | {"served_model_name": route["served_entity_name"]} for route in routes]
    return config | {
        "served_models": [{"name": name} for name in names],
        "traffic_config": {"routes": echo},
        "config_version": 1,
    }


def step_for(desired, raw, ignore=(), **request):
    address = Address("model_serving_endpoints", "chat")
    resource = Resource(address, "chat", desired, ignore_changes=parse_paths(ignore))
    live = read.live(raw, RULES) if raw else None
    asked = PlanContext(project="shop", environment="dev", **request)
    return plan_step(Pair(address, "chat", resource, live), KIND, asked)


def calls(step):
    return [one.call for one in step.operations]


def pending(step):
    return [path_text(c.path) for c in step.changes if c.action is not Action.KEEP]


FULL = manifest(
    entity("a"),
    entity("b", name="gpt-4o-mini"),
    traffic=split(a=90, b=10),
    description="Answers",
    tags=[{"key": "team", "value": "shop"}, {"key": "bare"}],
    email_notifications={"on_update_success": ["a@b.c", "d@e.f"]},
    ai_gateway={
        "fallback_config": {"enabled": True},
        "usage_tracking_config": {"enabled": False},
        "rate_limits": [
            {"renewal_period": "minute", "calls": 100},
            {"key": "user_group", "principal": "ops", "renewal_period": "minute", "tokens": 5},
        ],
        "guardrails": {
            "input": {"pii": {"behavior": "NONE"}, "safety": True, "valid_topics": ["x", "y"]}
        },
        "inference_table_config": {"catalog_name": "c", "schema_name": "s", "enabled": True},
    },
)


def gateway(**fields):
    return answer(FULL, ai_gateway=FULL["ai_gateway"] | fields)


def without(block, name):
    return {key: value for key, value in block.items() if key != name}


def table(**fields):
    return FULL["ai_gateway"]["inference_table_config"] | fields


PLAIN = manifest(entity(openai_api_key_plaintext=PLAINTEXT))


def shown_plain(**config):
    raw = answer(PLAIN)
    raw["config"]["served_entities"][0]["external_model"]["openai_config"] = config
    return raw


CONVERGED = [
    pytest.param(manifest(), answer(manifest()), id="as it was applied"),
    pytest.param(FULL, answer(FULL), id="every field as it was applied"),
    pytest.param(
        FULL,
        answer(FULL, tags=[*OWNER, {"key": "bare", "value": ""}, {"key": "team", "value": "shop"}]),
        id="tags in another order, an empty value shown",
    ),
    pytest.param(
        FULL,
        answer(FULL, email_notifications={"on_update_success": ["d@e.f", "a@b.c"]}),
        id="addresses in another order",
    ),
    pytest.param(
        FULL,
        gateway(
            rate_limits=[
                FULL["ai_gateway"]["rate_limits"][1],
                {"key": "endpoint", "renewal_period": "minute", "calls": "100"},
            ]
        ),
        id="limits in another order, the default key filled in, a number as text",
    ),
    pytest.param(
        FULL,
        answer(FULL, ai_gateway=without(FULL["ai_gateway"], "usage_tracking_config")),
        id="a switch that is off left out by the service",
    ),
    pytest.param(
        FULL,
        gateway(inference_table_config=table(table_name_prefix="chat")),
        id="the prefix of the table filled in",
    ),
    pytest.param(
        FULL,
        gateway(guardrails={"input": {"safety": True, "valid_topics": ["y", "x"]}, "output": {}}),
        id="nothing done to personal data left out, topics in another order",
    ),
    pytest.param(
        manifest(),
        answer(
            manifest(),
            ai_gateway={
                "usage_tracking_config": {"enabled": False},
                "fallback_config": {"enabled": False},
                "guardrails": {"input": {"pii": {"behavior": "NONE"}}},
            },
        ),
        id="a gateway that the service filled in with everything off",
    ),
    pytest.param(
        manifest(),
        answer(manifest(), ai_gateway={"inference_table_config": table(enabled=False)}),
        id="a table that was switched off and keeps its names",
    ),
    pytest.param(manifest(ai_gateway={}, tags=[]), answer(manifest()), id="empty blocks"),
    pytest.param(
        manifest(email_notifications={"on_update_success": []}),
        answer(manifest()),
        id="an empty list of addresses",
    ),
    pytest.param(
        manifest(),
        answer(manifest(), description="written by hand"),
        id="a description where the manifest has none",
    ),
    pytest.param(
        manifest({"external_model": model()}),
        answer(manifest(entity("of-its-own"))),
        id="a single entity without a name",
    ),
    pytest.param(
        manifest(),
        answer(
            manifest(entity(openai_api_type="openai", openai_api_base="https://api.openai.com/v1"))
        ),
        id="the defaults of OpenAI filled in",
    ),
    pytest.param(PLAIN, shown_plain(), id="a plaintext of which nothing is shown"),
    pytest.param(
        PLAIN,
        shown_plain(openai_api_key="{{secrets/databricks-managed/1}}"),
        id="a plaintext of which the service shows a reference of its own",
    ),
]


@pytest.mark.parametrize(("desired", "raw"), CONVERGED)
def test_nothing_to_do(desired, raw):
    step = step_for(desired, raw)
    assert (step.action, pending(step), step.operations) == (Action.KEEP, [], ())


CHANGED = [
    pytest.param(
        manifest(entity(name="gpt-5")),
        answer(manifest()),
        ["config.served_entities[a].external_model.name"],
        ["update_config"],
        id="another model",
    ),
    pytest.param(
        manifest(entity("a"), entity("b"), traffic=split(a=50, b=50)),
        answer(manifest(entity("a"), entity("b"), traffic=split(a=90, b=10))),
        [
            "config.traffic_config.routes[a].traffic_percentage",
            "config.traffic_config.routes[b].traffic_percentage",
        ],
        ["update_config"],
        id="another split",
    ),
    pytest.param(
        manifest(),
        answer(manifest(entity(), traffic=split(a=100)), ready="READY")
        | {
            "config": echoed(manifest(entity("a"), entity("b"), traffic=split(a=1, b=99))["config"])
        },
        ["config.served_entities[b]"],
        ["update_config"],
        id="an entity less, and no split any more",
    ),
    pytest.param(
        FULL | {"tags": [{"key": "team", "value": "web"}, {"key": "new", "value": "1"}]},
        answer(FULL),
        ["tags[bare]", "tags[new]", "tags[team].value"],
        ["patch_tags"],
        id="a tag changed, one added, one gone",
    ),
    pytest.param(
        FULL | {"email_notifications": {"on_update_failure": ["x@y.z"]}},
        answer(FULL),
        ["email_notifications.on_update_failure", "email_notifications.on_update_success"],
        ["update_notifications"],
        id="addresses",
    ),
    pytest.param(
        without(FULL, "email_notifications"),
        answer(FULL),
        ["email_notifications.on_update_success"],
        ["update_notifications"],
        id="no addresses any more",
    ),
    pytest.param(
        FULL,
        gateway(rate_limits=[{"renewal_period": "minute", "calls": 7}]),
        ["ai_gateway.rate_limits[endpoint].calls", "ai_gateway.rate_limits[user_group:ops:tokens]"],
        ["put_ai_gateway"],
        id="a rate limit is the gateway's call and no other",
    ),
    pytest.param(
        without(FULL, "ai_gateway"),
        answer(FULL),
        [
            "ai_gateway.fallback_config.enabled",
            "ai_gateway.guardrails.input.safety",
            "ai_gateway.guardrails.input.valid_topics",
            "ai_gateway.inference_table_config.catalog_name",
            "ai_gateway.inference_table_config.enabled",
            "ai_gateway.inference_table_config.schema_name",
            "ai_gateway.rate_limits[endpoint]",
            "ai_gateway.rate_limits[user_group:ops:tokens]",
        ],
        ["put_ai_gateway"],
        id="no gateway any more",
    ),
    pytest.param(
        FULL,
        gateway(fallback_config={"enabled": False}),
        ["ai_gateway.fallback_config.enabled"],
        ["put_ai_gateway"],
        id="a switch",
    ),
    pytest.param(
        FULL,
        gateway(inference_table_config=table(schema_name="old")),
        ["ai_gateway.inference_table_config.schema_name"],
        ["put_ai_gateway", "put_ai_gateway"],
        id="an inference table that moves",
    ),
    pytest.param(
        FULL,
        gateway(inference_table_config=table(table_name_prefix="of_somebody")),
        ["ai_gateway.inference_table_config.table_name_prefix"],
        ["put_ai_gateway", "put_ai_gateway"],
        id="a prefix of the table that somebody chose",
    ),
    pytest.param(
        FULL,
        gateway(inference_table_config=table(schema_name="old", enabled=False)),
        [
            "ai_gateway.inference_table_config.enabled",
            "ai_gateway.inference_table_config.schema_name",
        ],
        ["put_ai_gateway"],
        id="an inference table that is off can move at once",
    ),
    pytest.param(
        FULL,
        gateway(inference_table_config=table(table_name_prefix="of_somebody", enabled=False)),
        [
            "ai_gateway.inference_table_config.enabled",
            "ai_gateway.inference_table_config.table_name_prefix",
        ],
        ["put_ai_gateway"],
        id="a prefix that somebody chose for a table that is off",
    ),
    pytest.param(
        PLAIN,
        answer(manifest()),
        ["config.served_entities[a].external_model.openai_config.openai_api_key_plaintext"],
        ["update_config", "patch_tags"],
        id="from a reference to a plaintext",
    ),
    pytest.param(
        manifest(),
        shown_plain(openai_api_key="{{secrets/databricks-managed/1}}"),
        [
            "config.served_entities[a].external_model.openai_config.openai_api_key",
            "provisioner_applied",
        ],
        ["update_config", "patch_tags"],
        id="from a plaintext to a reference",
    ),
    pytest.param(
        FULL,
        answer(FULL, tags=[], email_notifications={}, ai_gateway={})
        | {
            "config": echoed(manifest(entity("a"), entity("b"), traffic=split(a=1, b=99))["config"])
        },
        None,
        ["patch_tags", "update_notifications", "update_config", "put_ai_gateway", "patch_tags"],
        id="everything at once: tags and addresses, config, gateway, our marks last",
    ),
    pytest.param(
        manifest(),
        {"id": "1" * 32, "name": "chat", "tags": OWNER, "description": ""}
        | {"state": {"ready": "NOT_READY", "config_update": "NOT_UPDATING"}},
        ["config.served_entities[a]"],
        ["update_config"],
        id="a config for an endpoint without one",
    ),
    pytest.param(
        manifest(),
        answer(manifest(), update="UPDATE_FAILED"),
        ["config"],
        ["update_config"],
        id="the last update failed, and what serves is what is wanted",
    ),
]


@pytest.mark.parametrize(("desired", "raw", "paths", "expected"), CHANGED)
def test_what_changes_and_how(desired, raw, paths, expected):
    step = step_for(desired, raw)
    assert paths is None or pending(step) == paths
    assert calls(step) == expected
    assert step.action in (Action.UPDATE, Action.ADOPT)


OTHER_ENTITY = {"name": "a", "entity_name": "c.s.m", "entity_version": "1"}
REPLACED = [
    pytest.param(
        manifest(entity(task="llm/v1/completions")),
        answer(manifest()),
        "an endpoint keeps its task, so `llm/v1/chat` cannot become `llm/v1/completions`",
        id="another task",
    ),
    pytest.param(
        manifest(entity("b", task="llm/v1/embeddings")),
        answer(manifest()),
        "an endpoint keeps its task, so `llm/v1/chat` cannot become `llm/v1/embeddings`",
        id="another task with another entity",
    ),
    pytest.param(
        manifest(entity("b")),
        answer(manifest(OTHER_ENTITY)),
        "an endpoint that serves other models cannot change to external models",
        id="a custom model before",
    ),
]


@pytest.mark.parametrize(("desired", "raw", "reason"), REPLACED)
def test_what_needs_a_new_endpoint(desired, raw, reason):
    step = step_for(desired | {"description": "new"}, raw)
    assert step.action is Action.REPLACE
    assert calls(step) == ["delete", "create"]
    reasons = {c.reason for c in step.changes if c.action is Action.REPLACE}
    assert reasons == {reason, "set when it is recreated"}


BLOCKED = [
    pytest.param(
        manifest(description="new"), answer(manifest(description="old")), id="another description"
    ),
    pytest.param({"name": "chat"}, answer(manifest()), id="no config any more"),
    pytest.param(
        {"name": "chat"}, answer(manifest(OTHER_ENTITY)), id="no config for a custom model"
    ),
]


@pytest.mark.parametrize(("desired", "raw"), BLOCKED)
def test_what_no_call_can_do_is_blocked_with_a_reason(desired, raw):
    step = step_for(desired, raw)
    assert step.action is Action.BLOCKED
    assert step.operations == ()
    assert step.reason
    assert step.hint or "delete the endpoint" in step.reason


def test_a_create_sends_the_whole_document_with_our_marks_and_waits():
    desired = copy.deepcopy(FULL)
    desired["config"]["served_entities"][0] = PLAIN["config"]["served_entities"][0]
    step = step_for(desired, None)
    (create,) = step.operations
    applied = {
        "key": "provisioner_applied",
        "value": tag_of(KIND.planning.applied_digests(desired)),
    }
    assert (create.call, create.method, create.path) == ("create", "POST", ROOT)
    assert create.payload == desired | {"tags": [*FULL["tags"], *OWNER, applied]}
    assert create.wait


def test_a_create_sends_nothing_that_nobody_wrote():
    (create,) = step_for({"name": "chat"}, None).operations
    assert create.payload == {"name": "chat", "tags": OWNER}


def only(step, call):
    return next(one for one in step.operations if one.call == call)


def test_a_config_update_is_flat_whole_and_waits():
    desired = manifest(entity(name="gpt-5"))
    update = only(step_for(desired, answer(manifest())), "update_config")
    assert (update.method, update.path) == ("PUT", f"{ROOT}/chat/config")
    assert update.payload == {
        "served_entities": [entity(name="gpt-5")],
        "traffic_config": {"routes": [{"served_entity_name": "a", "traffic_percentage": 100}]},
    }
    assert update.wait
    assert not update.after_idle


def test_a_config_update_waits_for_the_one_that_is_in_progress():
    raw = answer(manifest(), update="IN_PROGRESS")
    assert only(step_for(manifest(entity(name="x")), raw), "update_config").after_idle


def test_a_gateway_is_sent_whole_and_removed_with_nothing():
    changed = FULL | {"ai_gateway": FULL["ai_gateway"] | {"fallback_config": {"enabled": False}}}
    put = only(step_for(changed, answer(FULL)), "put_ai_gateway")
    assert (put.method, put.path, put.payload) == (
        "PUT",
        f"{ROOT}/chat/ai-gateway",
        changed["ai_gateway"],
    )
    assert only(step_for(without(FULL, "ai_gateway"), answer(FULL)), "put_ai_gateway").payload == {}


def test_a_table_is_switched_off_before_it_moves():
    raw = gateway(inference_table_config=table(schema_name="old", table_name_prefix="chat"))
    off, on = (one.payload for one in step_for(FULL, raw).operations)
    assert off["inference_table_config"] == table(
        schema_name="old", table_name_prefix="chat", enabled=False
    )
    assert without(off, "inference_table_config") == without(on, "inference_table_config")
    assert on == FULL["ai_gateway"]


def test_tags_are_patched_as_the_plan_says():
    desired = FULL | {"tags": [{"key": "team"}, {"key": "a b/ü", "value": "1"}]}
    patch = only(step_for(desired, answer(FULL)), "patch_tags")
    assert (patch.method, patch.path) == ("PATCH", f"{ROOT}/chat/tags")
    assert patch.payload == {
        "add_tags": [{"key": "a b/ü", "value": "1"}, {"key": "team"}],
        "delete_tags": ["bare"],
    }


def test_addresses_that_are_gone_are_cleared_by_name():
    desired = FULL | {"email_notifications": {"on_update_failure": ["x@y.z"]}}
    patch = only(step_for(desired, answer(FULL)), "update_notifications")
    assert (patch.method, patch.path) == ("PATCH", f"{ROOT}/chat/notifications")
    assert patch.payload == {
        "email_notifications": {"on_update_success": [], "on_update_failure": ["x@y.z"]}
    }


def test_an_adopted_endpoint_gets_its_changes_and_then_our_marks():
    raw = answer(manifest(), tags=[{"key": "team", "value": "shop"}])
    step = step_for(PLAIN | {"tags": [{"key": "team", "value": "shop"}]}, raw)
    assert step.action is Action.ADOPT
    assert calls(step) == ["update_config", "patch_tags"]
    applied = {"key": "provisioner_applied", "value": tag_of(KIND.planning.applied_digests(PLAIN))}
    assert step.operations[-1].payload == {"add_tags": [*OWNER, applied]}


def test_a_digest_that_is_not_needed_any_more_is_taken_off():
    step = step_for(manifest(), shown_plain())
    assert step.operations[-1].payload == {"delete_tags": ["provisioner_applied"]}


def test_rotating_sends_the_config_again():
    address = "model_serving_endpoints.chat"
    step = step_for(PLAIN, answer(PLAIN), rotate=frozenset({address}))
    assert calls(step) == ["update_config"]


def test_a_deletion_is_one_call():
    address = Address("model_serving_endpoints", "chat")
    live = read.live(answer(manifest()), RULES)
    pair = Pair(address, "chat", None, live)
    step = plan_step(pair, KIND, PlanContext(project="shop", environment="dev", prune=True))
    assert [(one.call, one.method, one.path) for one in step.operations] == [
        ("delete", "DELETE", f"{ROOT}/chat")
    ]


def payload_with(ignore, desired, raw, call):
    step = step_for(desired, raw, ignore=ignore)
    return only(step, call).payload


IGNORING = [
    pytest.param(
        ["config.served_entities[a].external_model.name"],
        manifest(entity("a"), entity("b", name="new"), traffic=split(a=90, b=10)),
        answer(manifest(entity("a", name="live"), entity("b"), traffic=split(a=90, b=10))),
        "update_config",
        manifest(entity("a", name="live"), entity("b", name="new"), traffic=split(a=90, b=10))[
            "config"
        ],
        id="a field of an entity stays as it is",
    ),
    pytest.param(
        ["config.served_entities[b]"],
        manifest(entity("a", name="new")),
        answer(manifest(entity("a"), entity("b"), traffic=split(a=90, b=10))),
        "update_config",
        {
            "served_entities": [entity("a", name="new"), entity("b")],
            "traffic_config": split(a=90, b=10),
        },
        id="an entity that somebody added stays",
    ),
    pytest.param(
        ["config.served_entities[b]", "config.traffic_config"],
        manifest(entity("a", name="new"), entity("b"), traffic=split(a=90, b=10)),
        answer(manifest(entity("a"))),
        "update_config",
        {"served_entities": [entity("a", name="new")], "traffic_config": split(a=100)},
        id="an entity that somebody removed stays away",
    ),
    pytest.param(
        ["config.served_entities[a].external_model.openai_config.openai_organization"],
        manifest({"external_model": model(name="new")}),
        answer(manifest(entity("a", openai_organization="by hand"))),
        "update_config",
        {
            "served_entities": [
                {
                    "name": "a",
                    "external_model": model(name="new", openai_organization="by hand"),
                }
            ],
            "traffic_config": {"routes": [{"served_entity_name": "a", "traffic_percentage": 100}]},
        },
        id="a field of a single entity without a name",
    ),
    pytest.param(
        ["ai_gateway.guardrails", "ai_gateway.rate_limits[user_group:ops:tokens].tokens"],
        without(FULL, "ai_gateway")
        | {
            "ai_gateway": {
                "rate_limits": [
                    {"renewal_period": "minute", "calls": 1},
                    {
                        "key": "user_group",
                        "principal": "ops",
                        "renewal_period": "minute",
                        "tokens": 9,
                    },
                ]
            }
        },
        answer(FULL),
        "put_ai_gateway",
        {
            "rate_limits": [
                {"renewal_period": "minute", "calls": 1},
                {"key": "user_group", "principal": "ops", "renewal_period": "minute", "tokens": 5},
            ],
            "guardrails": FULL["ai_gateway"]["guardrails"],
        },
        id="a block of the gateway stays, and one number",
    ),
    pytest.param(
        ["ai_gateway.usage_tracking_config.enabled"],
        manifest(
            ai_gateway={
                "usage_tracking_config": {"enabled": True},
                "fallback_config": {"enabled": True},
            }
        ),
        answer(manifest()),
        "put_ai_gateway",
        {"fallback_config": {"enabled": True}},
        id="a block that is not there stays away",
    ),
    pytest.param(
        ["email_notifications.on_update_success"],
        manifest(
            email_notifications={"on_update_success": ["a@b.c"], "on_update_failure": ["new@b.c"]}
        ),
        answer(
            manifest(),
            email_notifications={"on_update_success": ["x@b.c", "y@b.c"]},
        ),
        "update_notifications",
        {
            "email_notifications": {
                "on_update_success": ["x@b.c", "y@b.c"],
                "on_update_failure": ["new@b.c"],
            }
        },
        id="a list of plain values stays as a whole",
    ),
]


@pytest.mark.parametrize(("ignore", "desired", "raw", "call", "expected"), IGNORING)
def test_what_is_ignored_is_sent_as_it_is(ignore, desired, raw, call, expected):
    before = copy.deepcopy(desired)
    assert payload_with(ignore, desired, raw, call) == expected
    assert desired == before


def test_an_ignored_tag_is_in_no_patch():
    desired = FULL | {"tags": [{"key": "team", "value": "web"}]}
    step = step_for(desired, answer(FULL), ignore=["tags[bare]"])
    assert only(step, "patch_tags").payload == {"add_tags": [{"key": "team", "value": "web"}]}


APPLIED_SAME = [
    pytest.param(
        manifest(entity(openai_api_key_plaintext={"$secret": {"from_env": "OTHER"}})),
        id="another variable behind the same field",
    ),
    pytest.param(
        manifest(entity(name="gpt-5", openai_api_key_plaintext=PLAINTEXT)), id="another model"
    ),
]


@pytest.mark.parametrize("document", APPLIED_SAME)
def test_the_digest_stays(document):
    assert KIND.planning.applied_digests(document) == KIND.planning.applied_digests(PLAIN) != ""


def test_the_digest_tells_where_a_plaintext_is_given():
    both = manifest(entity("a", openai_api_key_plaintext=PLAINTEXT), entity("b"))
    other = manifest(entity("a"), entity("b", openai_api_key_plaintext=PLAINTEXT))
    assert KIND.planning.applied_digests(both) != KIND.planning.applied_digests(other)
    assert KIND.planning.applied_digests(manifest()) == ""
    assert re.fullmatch("config:[0-9a-f]{8}", KIND.planning.applied_digests(both))


def test_an_endpoint_needs_the_scopes_that_it_refers_to():
    two = manifest(entity("a"), entity("b"), entity("c", openai_api_key="{{secrets/z/x}}"))
    assert list(KIND.dependencies.depends_on(two)) == [
        ("secret_scopes", "k"),
        ("secret_scopes", "z"),
    ]
    assert list(KIND.dependencies.depends_on(PLAIN)) == []


def test_paths_hold_names_percent_encoded():
    resource = Resource(Address("model_serving_endpoints", "x"), "a b/c", {"name": "a b/c"})
    raw = answer(manifest(), name="a b/c", tags=[])
    live = read.live(raw, RULES)
    asked = PlanContext(project="shop", environment="dev", prune=True)
    step = plan_step(
        Pair(resource.address, "a b/c", None, replace(live, ownership=MINE)), KIND, asked
    )
    assert step.operations[0].path == f"{ROOT}/a%20b%2Fc"


MINE = read.split_tags(OWNER)[1]


DEFAULT_NAMES = [
    pytest.param(
        {"external_model": {"name": "anthropic.claude-v2:1"}},
        "anthropic-claude-v2-1",
        id="an external model",
    ),
    pytest.param(
        {"entity_name": "main.ml.fraud", "entity_version": "3"}, "fraud-3", id="a registered model"
    ),
    pytest.param({"entity_name": "main.features.spec"}, "spec", id="a feature spec"),
    pytest.param(
        {"entity_name": "x" * 70, "entity_version": "1"}, "x" * 63, id="a name that is too long"
    ),
]


@pytest.mark.parametrize(("fields", "name"), DEFAULT_NAMES)
def test_an_entity_that_takes_the_place_of_several_is_named_as_the_service_would(fields, name):
    assert default_entity_name(fields) == name


def test_an_entity_without_a_name_keeps_the_live_one_and_its_route():
    unnamed = {"external_model": model(name="new")}
    body = only(step_for(manifest(unnamed), answer(manifest(entity("a")))), "update_config").payload
    assert [one["name"] for one in body["served_entities"]] == ["a"]
    two = answer(manifest(entity("a"), entity("b")))
    body = only(step_for(manifest(unnamed), two), "update_config").payload
    assert [one["name"] for one in body["served_entities"]] == ["new"]
    assert body["traffic_config"]["routes"] == [
        {"served_entity_name": "new", "traffic_percentage": 100}
    ]


def test_the_first_config_of_an_endpoint_is_sent_as_it_is_written():
    empty = answer({"name": "chat"})
    body = only(step_for(manifest(entity("a")), empty), "update_config").payload
    assert set(body) == {"served_entities"}
