"""A target laid over a bundle, the override that says the same, and prefixes of names."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.commands.importing.bundle import validation
from provisioner.commands.importing.bundle.documents import safe_key, with_grants
from provisioner.commands.importing.bundle.fold import difference, folded, united
from provisioner.commands.importing.bundle.references import Resolver, normalised_prefix
from provisioner.commands.importing.bundle.targets import host_of
from provisioner.kinds import KINDS
from provisioner.manifests.merge import Origin, PlacedValue, laid_over
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import BundleRules

KEYED = FieldRule(fields={"tags": FieldRule(list_key=("key",))})

FOLDS = [
    pytest.param({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, id="mappings merge"),
    pytest.param({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}, id="at every level"),
    pytest.param({"a": [1]}, {"a": [2]}, {"a": [1, 2]}, id="lists append"),
    pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="a scalar is replaced"),
    pytest.param({"a": 1}, {"a": None}, {"a": 1}, id="null changes nothing"),
    pytest.param({"a": None}, {"a": 1}, {"a": 1}, id="null is filled"),
    pytest.param({"a": 1}, {"a": 0}, {"a": 0}, id="zero is a value"),
    pytest.param({"a": "x"}, {"a": ""}, {"a": ""}, id="an empty text is a value"),
    pytest.param({"a": True}, {"a": False}, {"a": False}, id="false is a value"),
]


@pytest.mark.parametrize(("under", "over", "expected"), FOLDS)
def test_a_target_is_laid_over_as_the_databricks_cli_does(under, over, expected):
    assert folded(under, over) == expected


def test_two_entries_of_one_key_are_one_entry() -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "b"}, {"key": "a", "value": "2"}]
    assert united({"tags": tags}, KEYED) == {"tags": [{"key": "a", "value": "2"}, {"key": "b"}]}


def test_entries_without_a_key_stay_apart() -> None:
    tags = [{"value": "1"}, {"value": "2"}]
    assert united({"tags": tags}, KEYED) == {"tags": tags}


CHANGES = [
    pytest.param({"a": 1}, {"a": 1}, {}, id="nothing"),
    pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="a value"),
    pytest.param({"a": {"b": 1, "c": 1}}, {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}, id="inside"),
    pytest.param({"a": 1, "b": 1}, {"a": 1}, {"b": None}, id="a field that goes"),
    pytest.param({"l": [1]}, {"l": [1, 2]}, {"l": [1, 2]}, id="a plain list as a whole"),
    pytest.param({"tags": [{"key": "a"}]}, {"tags": [{"key": "a"}, {"key": "b"}]},
                 {"tags": [{"key": "b"}]}, id="an entry that comes"),
    pytest.param({"tags": [{"key": "a"}, {"key": "b"}]}, {"tags": [{"key": "a"}]},
                 {"tags": [{"key": "b", "$delete": True}]}, id="an entry that goes"),
    pytest.param({"tags": [{"key": "a", "value": "1"}]}, {"tags": [{"key": "a", "value": "2"}]},
                 {"tags": [{"key": "a", "value": "2"}]}, id="an entry that changes"),
]  # fmt: skip


@pytest.mark.parametrize(("under", "wanted", "expected"), CHANGES)
def test_an_override_says_what_a_target_says(under, wanted, expected):
    part = difference(under, wanted, KEYED)
    assert part == expected
    laid = laid_over(PlacedValue(under, Origin("")), PlacedValue(part, Origin("x")), KEYED)
    assert laid.value == wanted


# Source: runs of the Databricks CLI, and its apply_presets.go.
PREFIXES = [
    pytest.param("[dev local_user] ", "dev_local_user_", id="development"),
    pytest.param("st-", "st", id="a sign at the end goes"),
    pytest.param("st_", "st", id="an underscore at the end goes"),
    pytest.param("Team A: ", "team_a", id="lower case, and no blanks"),
    pytest.param("Ünï-", "ünï", id="letters of all languages stay"),
    pytest.param("qa", "qa", id="nothing to do"),
    pytest.param("", "", id="none"),
    pytest.param("[dev ${var.short_user_name}] ", "dev_${var.short_user_name}_", id="a reference"),
    pytest.param("a--b__c", "a_b_c", id="several signs become one"),
    pytest.param("[X]", "x_", id="a bracket at the end"),
]


@pytest.mark.parametrize(("prefix", "expected"), PREFIXES)
def test_a_prefix_is_normalised_as_the_databricks_cli_does(prefix, expected):
    assert normalised_prefix(prefix) == expected


DATA: dict[str, Any] = {
    "bundle": {"name": "shop"},
    "workspace": {"host": "https://x.example.com"},
    "variables": {"team": {"default": "ml"}, "all": {"default": {"team": "ml", "l": [{"n": 1}]}}},
    "resources": {
        "schemas": {"s": {"catalog_name": "main", "name": "ml"}},
        "registered_models": {"m": {"catalog_name": "main", "schema_name": "ml", "name": "churn"}},
        "model_serving_endpoints": {"e": {"name": "e-${bundle.target}"}, "f": {"name": "f"}},
        "secret_scopes": {"k": {"name": "keys-${var.team}"}},
        "jobs": {"j": {"name": "nightly"}},
    },
}
WORDS = [
    pytest.param("${var.team}", "${var.team}", id="a variable stays"),
    pytest.param("${variables.team.value}", "${var.team}", id="the older word for a variable"),
    pytest.param("${var.all.team}", "${var.all_team}", id="a field of a complex variable"),
    pytest.param("${var.all.l[0].n}", "${var.all_l_0_n}", id="an entry of a complex variable"),
    pytest.param("${bundle.name}", "shop", id="the name of the bundle"),
    pytest.param("${bundle.target}", "${bundle.target}", id="the target stays"),
    pytest.param("${bundle.environment}", "${bundle.target}", id="the older word for the target"),
    pytest.param("${workspace.host}", "${var.workspace_host}", id="the host is a variable"),
    pytest.param("${workspace.current_user.short_name}", "${var.short_user_name}", id="the user"),
    pytest.param("${resources.secret_scopes.k.name}", "keys-${var.team}", id="a name with a word"),
    pytest.param("${resources.model_serving_endpoints.e.name}-b", "e-${bundle.target}-b",
                 id="a name in a text"),
    pytest.param("${resources.model_serving_endpoints.f.id}", "f", id="the id is the name"),
    pytest.param("${resources.registered_models.m.id}", "main.ml.churn", id="a full name"),
    pytest.param("${resources.registered_models.m.name}", "churn", id="the name of a model"),
    pytest.param("${resources.schemas.s.id}", "main.ml", id="a schema"),
    pytest.param("${resources.jobs.j.id}", "${resources.jobs.j.id}", id="an id of a run stays"),
    pytest.param("${nonsense}", "${nonsense}", id="what nobody knows stays"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_the_words_of_a_bundle_are_read(text, expected):
    assert Resolver(DATA, has_prefix=False).resolved(text) == expected


def test_a_name_that_a_target_prefixes_is_referred_to_with_its_prefix() -> None:
    resolver = Resolver(DATA, has_prefix=True)
    found = resolver.resolved("${resources.model_serving_endpoints.f.name}")
    assert found == "${var.name_prefix}f"
    assert resolver.resolved("${resources.registered_models.m.id}") == (
        "main.ml.${var.name_prefix}churn"
    )


def test_resources_that_refer_to_each_other_in_a_circle_end() -> None:
    endpoints = {
        "a": {"name": "${resources.model_serving_endpoints.b.name}"},
        "b": {"name": "${resources.model_serving_endpoints.a.name}"},
    }
    data = {"resources": {"model_serving_endpoints": endpoints}}
    found = Resolver(data, has_prefix=False).resolved(endpoints)
    assert "${resources.model_serving_endpoints." in found["a"]["name"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("https://x.example.com", "https://x.example.com", id="as it is"),
        pytest.param("https://x.example.com/", "https://x.example.com", id="a slash"),
        pytest.param("https://x.example.com/?o=1", "https://x.example.com", id="a query"),
        pytest.param("x.example.com", "https://x.example.com", id="no scheme"),
    ],
)
def test_a_host_is_read_as_the_sdk_does(text, expected):
    assert host_of(text) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("chat-bot", "chat-bot", id="a key"),
        pytest.param("${var.endpoint_name}", "endpoint_name", id="a reference"),
        pytest.param("my endpoint", "my_endpoint", id="a blank"),
    ],
)
def test_a_key_is_one_that_manifests_take(key, expected):
    assert safe_key(key) == expected


RULES = BundleRules({"CAN_RUN": "CAN_QUERY"}, ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"))
GRANTS = [
    pytest.param([], [{"level": "CAN_RUN", "group_name": "a"}],
                 [{"level": "CAN_QUERY", "group_name": "a"}], id="a level becomes the kind's"),
    pytest.param([{"level": "CAN_VIEW", "group_name": "a"}],
                 [{"level": "CAN_RUN", "group_name": "a"}],
                 [{"level": "CAN_VIEW", "group_name": "a"}], id="the resource's own level stays"),
    pytest.param([], [{"level": "CAN_VIEW", "group_name": "a"}], None, id="a level without effect"),
    pytest.param([{"level": "CAN_VIEW", "group_name": "a"},
                  {"level": "CAN_MANAGE", "group_name": "a"}], [],
                 [{"level": "CAN_MANAGE", "group_name": "a"}], id="the highest of two levels"),
    pytest.param([{"level": "CAN_VIEW", "user_name": "a"}],
                 [{"level": "CAN_RUN", "group_name": "a"}],
                 [{"level": "CAN_VIEW", "user_name": "a"}, {"level": "CAN_QUERY",
                                                           "group_name": "a"}],
                 id="a user and a group of one name"),
]  # fmt: skip


@pytest.mark.parametrize(("own", "grants", "expected"), GRANTS)
def test_permissions_of_the_bundle_are_those_of_each_resource(own, grants, expected):
    document = {"permissions": own} if own else {}
    assert with_grants(document, grants, RULES).get("permissions") == expected


# The keys of databricks/cli bundle/config/root.go, target.go and presets.go.
ROOT = [
    "artifacts",
    "bundle",
    "definitions",
    "environments",
    "experimental",
    "include",
    "permissions",
    "presets",
    "python",
    "resources",
    "run_as",
    "scripts",
    "sync",
    "targets",
    "variables",
    "workspace",
    "__locations",
]
TARGET = [
    "artifacts",
    "bundle",
    "cluster_id",
    "compute_id",
    "default",
    "git",
    "mode",
    "permissions",
    "presets",
    "resources",
    "run_as",
    "sync",
    "variables",
    "workspace",
]
PRESETS = [
    "artifacts_dynamic_version",
    "jobs_max_concurrent_runs",
    "name_prefix",
    "pipelines_development",
    "source_linked_deployment",
    "tags",
    "trigger_pause_status",
]


@pytest.mark.parametrize(
    ("decided", "schema"),
    [
        pytest.param(validation.OF_BUNDLES, ROOT, id="the bundle"),
        pytest.param(validation.OF_TARGETS, TARGET, id="a target"),
        pytest.param(validation.OF_PRESETS, PRESETS, id="presets"),
    ],
)
def test_there_is_a_decision_for_each_key_of_the_schema_of_bundles(decided, schema):
    assert set(decided) == set(schema)


def test_what_is_lost_is_said_with_its_reason() -> None:
    data = {"python": {}, "sync": {}, "mistyped": 1, "x-anchor": 1, "resources": {"jobs": {}}}
    assert list(validation.lost(data, KINDS)) == [
        f"`python`: {validation.OF_BUNDLES['python']}",
        f"`sync`: {validation.OF_BUNDLES['sync']}",
        "`mistyped`: the Databricks CLI does not know this key either",
        "`jobs`: provisioner does not manage it",
    ]
