"""What endpoints provision: the examples by a table written by hand, and what steps change.

The numbers come from the service's documentation alone: Small is for 4 requests at a time,
Medium for 8 to 16, Large for 16 to 64, on a CPU where no workload type is given.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.commands.reports import html, markdown
from provisioner.commands.reports.report import Report
from provisioner.kinds import KINDS
from provisioner.kinds.model_serving_endpoints.live import read
from provisioner.manifests.project import environment_names
from provisioner.model.live import Live, Ownership
from provisioner.model.paths import parse_path
from provisioner.model.plan import Action, Address, Plan
from provisioner.model.resource import Resource
from provisioner.model.serving import Prices, capacity_text, difference_text, summed, total
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext
from provisioner.workflow.project import open_environment, open_project

EXAMPLES = Path(__file__).parents[4] / "examples"
KIND = KINDS["model_serving_endpoints"]
ADDRESS = Address("model_serving_endpoints", "fraud")

EXAMPLE_CAPACITY = {
    ("checks", "local", "scores"): "concurrency 4-4 on CPU (scales to zero)",
    ("custom-model", "local", "fraud"): "concurrency 4-16 on CPU (always on)"
    " + concurrency 4-4 on CPU (scales to zero)",
    ("feature-serving", "local", "agent"): "concurrency 4-4 on CPU (scales to zero)",
    ("feature-serving", "local", "features"): "concurrency 4-4 on CPU (scales to zero)",
    ("for-each", "local", "chat/apac"): "concurrency 4-4 on CPU (scales to zero)",
    ("for-each", "local", "chat/eu"): "concurrency 4-4 on CPU (scales to zero)",
    ("for-each", "local", "chat/us"): "concurrency 8-16 on CPU (scales to zero)",
    ("foundation-model", "local", "summaries"): "0-9,500 tokens/s (scales to zero)",
    ("policies", "dev", "fraud"): "concurrency 4-4 on CPU (scales to zero)",
    ("policies", "prod", "fraud"): "concurrency 8-16 on CPU (always on)",
    ("promotion", "local", "fraud"): "concurrency 4-4 on CPU (scales to zero)",
    ("promotion", "local", "router"): "concurrency 4-4 on CPU (scales to zero)",
    ("provisioned-throughput", "local", "assistant"): "50 model units (always on)",
    ("rollout", "local", "fraud"): "concurrency 4-4 on CPU (always on)",
}
"""All other endpoints of the examples are external models or paid per token."""


def test_the_capacity_of_each_example_is_as_the_table_has_it() -> None:
    found = {}
    for file in sorted(EXAMPLES.glob("*/provisioner.yaml")):
        project = open_project(file.parent)
        for name in environment_names(project.root):
            _, loaded = open_environment(project, name)
            for resource in loaded.resources:
                made = KINDS[resource.address.kind].planning.capacity
                parts = made(resource.document, {}) if made else ()
                provisions = summed(part.provision for part in parts)
                if provisions:
                    key = (file.parent.name, name, resource.address.key)
                    found[key] = capacity_text(provisions)
    assert found == EXAMPLE_CAPACITY


def entity(name="champion", version="1", **fields):
    return {
        "name": name,
        "entity_name": "main.risk.fraud",
        "entity_version": version,
        "scale_to_zero_enabled": False,
        **fields,
    }


def document(*entities):
    return {"name": "fraud", "config": {"served_entities": list(entities)}}


def step(wanted, live=None, **resource):
    desired = Resource(ADDRESS, "fraud", wanted, **resource) if wanted else None
    there = Live("fraud", "1", live, "f", ownership=Ownership("shop/prod")) if live else None
    return plan_step(Pair(ADDRESS, "fraud", desired, there), KIND, PlanContext("shop", "prod"))


SIZES = (
    ("Small is for 4 requests at a time", {"workload_size": "Small"}, "concurrency 4-4 on CPU"),
    ("Medium is for 8 to 16", {"workload_size": "Medium"}, "concurrency 8-16 on CPU"),
    ("Large is for 16 to 64", {"workload_size": "Large"}, "concurrency 16-64 on CPU"),
    ("without a size it is Small", {}, "concurrency 4-4 on CPU"),
    (
        "a range and a type of machine",
        {
            "min_provisioned_concurrency": 8,
            "max_provisioned_concurrency": 24,
            "workload_type": "GPU_MEDIUM",
        },
        "concurrency 8-24 on GPU_MEDIUM",
    ),
    ("a size of the workspace", {"workload_size": "Huge"}, "1 of size `Huge` on CPU"),
    ("tokens", {"max_provisioned_throughput": 9500}, "0-9,500 tokens/s"),
    ("model units", {"provisioned_model_units": 100}, "100 model units"),
)


@pytest.mark.parametrize(("fields", "text"), [c[1:] for c in SIZES], ids=[c[0] for c in SIZES])
def test_what_an_entity_provisions(fields, text) -> None:
    change = step(document(entity(**fields))).capacity
    assert capacity_text(change.after) == f"{text} (always on)"


def test_an_entity_that_says_nothing_about_zero_is_always_on() -> None:
    one = entity()
    del one["scale_to_zero_enabled"]
    assert capacity_text(step(document(one)).capacity.after).endswith("(always on)")


def test_an_external_model_provisions_nothing() -> None:
    model = {"name": "gpt-4o", "provider": "openai", "task": "llm/v1/chat"}
    assert step(document({"name": "a", "external_model": model})).capacity is None


def test_a_new_size_pays_for_both_until_it_is_ready() -> None:
    change = step(
        document(entity(workload_size="Medium")), document(entity(workload_size="Small"))
    ).capacity
    assert capacity_text(change.before) == "concurrency 4-4 on CPU (always on)"
    assert capacity_text(change.after) == "concurrency 8-16 on CPU (always on)"
    assert capacity_text(change.during) == "concurrency 12-20 on CPU (always on)"
    assert difference_text(change) == "concurrency +4 to +12 on CPU (always on)"


def test_a_change_of_another_entity_is_not_paid_twice() -> None:
    first = entity(workload_size="Small")
    before = document(first, entity("other", workload_size="Large"))
    after = document(
        entity(version="2", workload_size="Small"), before["config"]["served_entities"][1]
    )
    change = step(after, before).capacity
    assert capacity_text(change.during) == "concurrency 24-72 on CPU (always on)"


def test_a_change_outside_the_entities_pays_nothing_twice() -> None:
    live = document(entity(workload_size="Small"))
    change = step({**live, "tags": [{"key": "team", "value": "risk"}]}, live).capacity
    assert change.before == change.after
    assert change.during == ()


def test_a_size_that_the_service_chose_stays() -> None:
    change = step(document(entity(version="2")), document(entity(workload_size="Large"))).capacity
    assert capacity_text(change.after) == "concurrency 16-64 on CPU (always on)"


def test_an_ignored_size_stays_as_it_is_live() -> None:
    ignored = (parse_path("config.served_entities[champion].workload_size"),)
    change = step(
        document(entity(workload_size="Small")),
        document(entity(workload_size="Large")),
        ignore_changes=ignored,
    ).capacity
    assert capacity_text(change.after) == "concurrency 16-64 on CPU (always on)"


def test_a_replacement_deletes_first_and_pays_nothing_twice() -> None:
    units = {"provisioned_model_units": 50}
    made = step(document(entity(**units)), document(entity(workload_size="Small")))
    assert made.action is Action.REPLACE
    assert made.capacity.during == ()


def test_what_is_deleted_gives_its_capacity_back() -> None:
    made = step(None, document(entity(workload_size="Small")))
    assert made.action in (Action.DELETE, Action.ORPHAN)


def test_a_rollout_pays_for_two_versions_on_the_way() -> None:
    live = document(entity("champion-1", workload_size="Small"))
    block = {"steps": ["10% for 10m"]}
    made = step(document(entity(version="2", workload_size="Small")), live, rollout=block)
    assert capacity_text(made.capacity.after) == "concurrency 4-4 on CPU (always on)"
    assert capacity_text(made.capacity.during) == "concurrency 8-8 on CPU (always on)"


def test_an_endpoint_of_somebody_else_is_no_capacity_of_the_project() -> None:
    live = document(entity(workload_size="Small"))
    assert step({"name": "fraud"}, live, existing=True).capacity is None


def test_a_sum_has_the_larger_side_of_what_is_not_paid_twice() -> None:
    twice = step(document(entity(version="2")), document(entity())).capacity
    created = step(document(entity(workload_type="GPU_SMALL"))).capacity
    whole = total([twice, created, None])
    assert capacity_text(whole.during) == (
        "concurrency 8-8 on CPU (always on) + concurrency 4-4 on GPU_SMALL (always on)"
    )


PRICES = Prices("2026-11-30", dbu=0.07, concurrency={"CPU": 1})


def test_what_scales_to_zero_may_cost_nothing() -> None:
    change = step(document(entity(workload_size="Medium", scale_to_zero_enabled=True))).capacity
    assert PRICES.cost_text(change.after) == "0.00 to 1.12 USD/h"


def test_what_has_no_price_is_named() -> None:
    change = step(document(entity(workload_type="GPU_SMALL"), entity("b"))).capacity
    text = "0.28 USD/h without GPU_SMALL, which has no price"
    assert PRICES.cost_text(change.after) == text


def test_the_only_entity_needs_no_name() -> None:
    unnamed = entity(workload_size="Medium")
    del unnamed["name"]
    change = step(document(unnamed), document(entity("fraud-1", workload_size="Small"))).capacity
    assert capacity_text(change.during) == "concurrency 12-20 on CPU (always on)"


def test_the_only_entity_keeps_what_the_service_chose_without_a_name() -> None:
    unnamed = entity(version="2")
    del unnamed["name"]
    change = step(document(unnamed), document(entity("fraud-1", workload_size="Large"))).capacity
    assert capacity_text(change.after) == "concurrency 16-64 on CPU (always on)"
    assert capacity_text(change.during) == "concurrency 32-128 on CPU (always on)"


def test_what_the_service_says_about_dbus_is_shown() -> None:
    served = entity(min_dbus=0, max_dbus=106.5)
    live = read.live(
        {"name": "fraud", "config": {"served_entities": [served]}}, KIND.schema.rules()
    )
    assert KIND.runtime.describe(live)[0].dbus == (0, 106.5)


@pytest.mark.parametrize("form", [markdown, html], ids=["Markdown", "HTML"])
def test_reports_show_the_capacity_of_steps_and_the_sum_with_its_price(form) -> None:
    made = step(document(entity(workload_size="Medium")), document(entity(workload_size="Small")))
    plan = Plan("shop", "prod", "https://x.net", (made,), prices=PRICES)
    text = form.text(Report("plan", plan=plan)).replace("\\", "")
    assert "Capacity: concurrency 4-4 on CPU (always on) → concurrency 8-16 on CPU" in text
    for words in ("concurrency 12-20 on CPU", "+4 to +12", "0.56 to 1.12 USD/h", "2026-11-30"):
        assert words in text
