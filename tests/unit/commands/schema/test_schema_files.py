"""The generated JSON Schemas: current, readable for every tool, and true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provisioner.commands.schema import generate
from provisioner.kinds import KINDS
from provisioner.manifests import project
from provisioner.manifests.yaml.source import parse
from provisioner.model import schemas
from provisioner.model.plan import Action, Address, FieldChange, Operation, Plan, Step
from provisioner.model.rollout import Move, MoveKind, RolloutNote, Why
from provisioner.model.rollout_block import Stage
from provisioner.model.serving import CapacityChange, CapacityUnit, Prices, Provision
from provisioner.planning import plan_json

ROOT = Path(__file__).parents[4]
ALL = generate.generate()
MANIFESTS = sorted(ROOT.glob("examples/*/manifests/*.yaml"))


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside of a schema."""
    yield schema
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key])
    for key in ("properties", "patternProperties", "definitions"):
        for part in schema.get(key, {}).values():
            yield from nodes(part)
    for part in schema.get("anyOf", []):
        yield from nodes(part)


def errors(name: str, data: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft7Validator(ALL[name]).iter_errors(data)]


def test_the_files_are_current():
    assert generate.stale(ROOT / "schemas") == ()


def test_a_file_that_is_missing_or_changed_is_stale(tmp_path):
    generate.write(tmp_path)
    assert generate.stale(tmp_path) == ()
    (tmp_path / "plan.schema.json").unlink()
    (tmp_path / "kinds/secret_scopes.schema.json").write_text("{}")
    (tmp_path / "FIELDS.md").write_text("")
    stale = [Path(path).relative_to(tmp_path).as_posix() for path in generate.stale(tmp_path)]
    assert sorted(stale) == [
        "FIELDS.md",
        "kinds/secret_scopes.schema.json",
        "plan.schema.json",
    ]


def test_generating_twice_gives_the_same_text():
    again = generate.generate()
    assert [json.dumps(ALL[name]) for name in ALL] == [json.dumps(again[name]) for name in again]


@pytest.mark.parametrize("name", ALL)
class TestEverySchema:
    def test_is_a_schema_of_draft_7(self, name):
        jsonschema.Draft7Validator.check_schema(ALL[name])
        assert ALL[name]["$schema"] == "http://json-schema.org/draft-07/schema#"

    def test_refers_to_nothing_that_is_not_there(self, name):
        schema = ALL[name]
        for node in nodes(schema):
            if "$ref" in node:
                assert node["$ref"].removeprefix("#/definitions/") in schema["definitions"]

    def test_has_no_noise(self, name):
        for node in nodes(ALL[name]):
            assert "title" not in node
            assert "$defs" not in node
            assert node.get("default", "something") is not None

    def test_is_closed(self, name):
        for node in nodes(ALL[name]):
            if node.get("type") == "object" and "properties" in node:
                assert node["additionalProperties"] is False

    def test_has_patterns_that_every_engine_reads(self, name):
        for node in nodes(ALL[name]):
            pattern = node.get("pattern", "")
            assert pattern.isascii()
            assert not re.search(r"\\[pPzZA]|\(\?", pattern)


@pytest.mark.parametrize("kind", KINDS)
def test_a_strict_schema_has_no_null_and_keeps_what_is_known_of_fields(kind):
    made = list(nodes(ALL[f"kinds/{kind}"]))
    assert not [node for node in made if node.get("type") == "null"]
    # The field that names the resource is the first that is required.
    name = ALL[f"kinds/{kind}"]["required"][0]
    assert ALL[f"kinds/{kind}"]["properties"][name]["x-semantics"]["immutable"]
    assert schemas.rules(kind).fields[name].immutable


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_kind_is_described(kind):
    for node in nodes(ALL[f"kinds/{kind}"]):
        for name, field in node.get("properties", {}).items():
            assert field.get("description"), name


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_editors_accept_every_example(path):
    assert errors("manifest", parse(path.name, path.read_bytes()).data) == []


def endpoint(**model: Any) -> dict[str, Any]:
    known = {"name": "gpt-4o", "provider": "openai", "task": "llm/v1/chat"}
    entity = {"name": "gpt", "external_model": known | model}
    config = {"served_entities": [entity]}
    return {"resources": {"model_serving_endpoints": {"chat": {"name": "chat", "config": config}}}}


def chat(made: dict[str, Any]) -> dict[str, Any]:
    return made["resources"]["model_serving_endpoints"]["chat"]


def with_limit(**limit: Any) -> dict[str, Any]:
    made = endpoint()
    chat(made)["ai_gateway"] = {"rate_limits": [{"renewal_period": "minute"} | limit]}
    return made


EDITORS_ACCEPT = [
    pytest.param(endpoint(), id="a manifest"),
    pytest.param(endpoint() | {"x-anchors": [1]}, id="free keys at the top"),
    pytest.param({"resources": {"jobs": {"a": 3}}}, id="kinds of bundles"),
    pytest.param(endpoint(provider="${var.p}"), id="a reference for one of a few values"),
    pytest.param(with_limit(calls="${var.n}"), id="a reference for a number"),
    pytest.param(with_limit(key="user", calls=3), id="a number"),
]
EDITORS_REFUSE = [
    pytest.param(endpoint(provider="opena"), id="another value"),
    pytest.param(with_limit(calls="many"), id="text for a number"),
    pytest.param(endpoint(openai_config="${var.x}"), id="a reference for a mapping"),
    pytest.param(endpoint() | {"resource": {}}, id="a typo at the top"),
    pytest.param({"resources": {"zebras": {}}}, id="an unknown kind"),
    pytest.param({"resources": {"secret_scopes": {"a.b": {"name": "x"}}}}, id="a dot in a key"),
    pytest.param({}, id="no resources"),
]


@pytest.mark.parametrize("manifest", EDITORS_ACCEPT)
def test_editors_accept(manifest):
    assert errors("manifest", manifest) == []


@pytest.mark.parametrize("manifest", EDITORS_REFUSE)
def test_editors_refuse(manifest):
    assert errors("manifest", manifest)


def overridden(resource: Any) -> dict[str, Any]:
    return {"model_serving_endpoints": {"chat": resource}}


FIELDS = (ROOT / "schemas" / generate.TABLE).read_text(encoding="utf-8").splitlines()
SDK = "databricks-sdk service/serving.py"
ROWS = [
    pytest.param(
        "config.served_entities[].environment_vars",
        ("mapping to text", "", "`update_config`, `update_provisioned_throughput_config`", ""),
        id="a free mapping",
    ),
    pytest.param(
        "config.served_entities[].min_provisioned_throughput",
        (
            "whole number",
            "default `0`",
            "`update_config`, `update_provisioned_throughput_config`",
            SDK,
        ),
        id="a default of the service",
    ),
    pytest.param(
        "telemetry_config.table_names.logs_table",
        (
            "text",
            "default chosen by Databricks, never returned",
            "`patch_telemetry_config`",
            "databricks/cli bundle/direct/dresources/resources.yml; "
            "databricks/cli acceptance/bundle/resources/model_serving_endpoints/drift",
        ),
        id="rules of the blocks around it",
    ),
    pytest.param(
        "ai_gateway.fallback_config.enabled",
        ("true or false, required", "", "`put_ai_gateway`", ""),
        id="a field without a rule",
    ),
    pytest.param(
        "raw",
        (
            "mapping",
            "a change is refused, never returned",
            "create only",
            "extension of provisioner",
        ),
        id="a field that no call changes",
    ),
    pytest.param("lifecycle.prevent_destroy", ("true or false", "", "not sent", ""), id="ours"),
]


@pytest.mark.parametrize(("path", "cells"), ROWS)
def test_the_table_of_fields_says(path, cells):
    assert f"| {' | '.join((f'`{path}`', *cells))} |" in FIELDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_fields_has_every_leaf_once(kind):
    rows = "\n".join(FIELDS).partition(f"## {kind}\n")[2].partition("\n## ")[0].splitlines()
    paths = [row.split("`")[1] for row in rows if row.startswith("| `")]
    names = {tuple(path.replace("[]", "").split(".")) for path in paths}
    assert len(names) == len(paths)
    leaves = {
        path for path, rule in _below(schemas.rules(kind)) if not rule.fields and not _free(rule)
    }
    assert leaves <= names


def _below(rule: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in rule.fields.items():
        yield (*path, name), inner
        yield from _below(inner, (*path, name))


def _free(rule: Any) -> bool:
    """A mapping whose entries have fields is told by these."""
    return rule.mapping and not rule.write_only and not rule.type


OVERRIDES = [
    pytest.param({}, id="nothing"),
    pytest.param({"description": None}, id="taking a field out"),
    pytest.param({"config": {"served_entities": [{"name": "a"}]}}, id="a part of an entry"),
    pytest.param({"tags": [{"key": "team", "$delete": True}]}, id="taking an entry out"),
    pytest.param({"ai_gateway": {"rate_limits": [{"calls": "${var.n}"}]}}, id="a reference"),
    pytest.param({"config": {"served_entities": []}}, id="an empty list"),
]


@pytest.mark.parametrize("resource", OVERRIDES)
def test_an_override_may_be(resource):
    assert errors("override", overridden(resource)) == []


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param({"descripton": "x"}, id="a typo"),
        pytest.param({"config": {"served_entities": [{"name": 3}]}}, id="a wrong type"),
        pytest.param({"tags": [{"key": "team", "$delete": False}]}, id="not taking an entry out"),
    ],
)
def test_an_override_may_not_be(resource):
    assert errors("override", overridden(resource))


def test_a_key_of_a_free_mapping_can_be_taken_out():
    assert errors("override", {"secret_scopes": {"keys": {"secrets": {"openai": None}}}}) == []


LAYER = {"tags": [{"key": "team", "$delete": True}], "description": None, "name": "${var.x}"}
# the sections of an environment's file, how many complaints an editor shows
IN_EDITORS = [
    pytest.param({"defaults": {"model_serving_endpoints": LAYER}}, 0, id="defaults"),
    pytest.param({"overrides": {"model_serving_endpoints": {"a": LAYER}}}, 0, id="overrides"),
    pytest.param({"overrides": {"model_serving_endpoint": {}}}, 1, id="a kind that is none"),
    pytest.param({"defaults": {"model_serving_endpoints": {"tag": []}}}, 1, id="a typo"),
    pytest.param(
        {"overrides": {"model_serving_endpoints": {"a": {"route_optimized": "yes"}}}},
        1,
        id="a wrong type",
    ),
    pytest.param(
        {"overrides": {"model_serving_endpoints": {"not a key": {}}}}, 1, id="no good key"
    ),
]


@pytest.mark.parametrize(("sections", "complaints"), IN_EDITORS)
def test_editors_know_the_fields_of_an_environments_layers(sections, complaints):
    data = {"workspace": {"profile": "prod"}, **sections}
    assert len(errors("environment", data)) == complaints


def test_the_defaults_of_the_environment_are_those_of_the_code():
    schema = ALL["shapes/environment"]
    assert tuple(schema["properties"]["manifests"]["default"]) == project.MANIFESTS
    guard = project.GuardLimits()
    assert schema["properties"]["guard"]["default"] == {
        "destructive_percent": guard.destructive_percent,
        "destructive_count": guard.destructive_count,
    }


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        pytest.param("environment", "environments/*.yaml", id="environments"),
        pytest.param("project", "**/provisioner.yaml", id="projects"),
    ],
)
def test_the_files_of_this_repository_fit(name, pattern):
    # What `init` writes is a template here; its own tests look at what it becomes.
    others = {"node_modules", "templates"}
    found = [path for path in ROOT.glob(pattern) if others.isdisjoint(path.parts)]
    assert found
    for path in found:
        assert errors(name, parse(path.name, path.read_bytes()).data) == []


STEP = Step(
    address=Address("model_serving_endpoints", "chat"),
    name="chat",
    action=Action.UPDATE,
    changes=(FieldChange(("description",), None, "x", Action.KEEP, drift=True),),
    operations=(Operation("create", "POST", "/api", {"a": 1}, True, True),),
    reason="r",
    hint="h",
    notes=("n",),
    desired={"name": "chat"},
    needs=(Address("secret_scopes", "keys"),),
    after_ready=(Address("secret_scopes", "keys"),),
    unknown=("x.y",),
    ignore_changes=(("description",),),
    consented=True,
    existing=True,
    updating=True,
    attention=True,
    rollout=RolloutNote("11", "12", 5, Move(MoveKind.NOTHING, Why.TIME), stages=(Stage(5, 600),)),
    traffic={"old": (100, 50), "new": (0, 50)},
    capacity=CapacityChange(
        before=(Provision(CapacityUnit.CONCURRENCY, "CPU", least=4, most=4),),
        after=(Provision(CapacityUnit.CONCURRENCY, "CPU", least=8, most=16),),
        during=(Provision(CapacityUnit.CONCURRENCY, "CPU", least=12, most=20),),
    ),
)
PRICES = Prices("2026-11-30", 0.07, concurrency={"CPU": 1}, tokens_per_second=2, model_units=3)
BARE = Step(Address("secret_scopes", "keys"), "keys", Action.KEEP)


@pytest.mark.parametrize("steps", [(), (STEP, BARE)], ids=["empty", "with everything in it"])
def test_a_plan_fits_its_schema(steps):
    plan = Plan("shop", "prod", "https://x", steps, prices=PRICES)
    assert errors("plan", plan_json.to_json(plan, "0.1.0")) == []


def test_the_schema_of_a_plan_knows_every_field_that_a_step_can_have():
    written = plan_json.to_json(Plan("shop", "prod", "https://x", (STEP,)), "0.1.0")
    definitions = ALL["plan"]["definitions"]
    step = written["steps"][0]
    assert set(definitions["PlanStep"]["properties"]) == set(step)
    assert set(definitions["PlanChange"]["properties"]) == set(step["changes"][0])
    assert set(definitions["PlanOperation"]["properties"]) == set(step["operations"][0])
    # `--preflight` adds to the answer alone; the others are there where there are some.
    optional = {"preflight", "inputs", "policies", "prices", "capacity"}
    assert set(ALL["plan"]["properties"]) - optional == set(written) - optional
