"""Objects without tags: the last line of the comment says to whom they belong."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from workbench import Workbench, left_to_do, workbench

from provisioner.applying.executor import Hooks, Options
from provisioner.errors import RefusedError
from provisioner.kinds.unity_catalog import marks
from provisioner.model.live import Ownership
from provisioner.model.outcome import Status
from provisioner.model.plan import Action, Plan
from provisioner.planning.guard import Consent
from provisioner.workflow.apply import apply, refuse_unsafe
from provisioner.workflow.plan import make_destroy_plan, make_plan
from provisioner.workflow.scope import PlanOptions

UC = "/api/2.1/unity-catalog"
NAMES = {"catalog_name": "main", "schema_name": "gw", "name": "key"}
SECRET: Any = {"secrets": {"key": NAMES | {"from_env": "KEY", "comment": "Key of the team"}}}
OTHER = {"secrets": {"other": {**NAMES, "name": "other", "from_env": "KEY"}}}
PATH = f"{UC}/secrets/main.gw.key"
DESTINATION = {
    "name": "gpt",
    "destination_type": "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL",
    "external_model_config": {
        "model_provider_service": "model-provider-services/main.gw.openai",
        "target": {"model": "m"},
    },
}
GATEWAY: Any = {
    "model_provider_services": {
        "openai": {
            "parent": "schemas/main.gw",
            "model_provider_service_id": "openai",
            "config": {
                "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI",
                "openai": {"direct": {"api_key": {"plaintext": "${env.KEY}"}}},
                "targets": [{"model": "m"}],
            },
        }
    },
    "model_services": {
        "chat": {
            "parent": "schemas/main.gw",
            "model_service_id": "chat",
            "config": {"routing": {"destinations": [DESTINATION]}},
        }
    },
}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with (
        workbench(tmp_path_factory.mktemp("marks")) as bench,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("KEY", "sk-value")
        yield bench


@pytest.fixture
def bench(started: Workbench) -> Workbench:
    started.empty({})
    return started


def actions(plan: Plan) -> dict[str, Action]:
    return {str(step.address): step.action for step in plan.steps}


def comment(bench: Workbench) -> str:
    return str(bench.call("GET", PATH)["comment"])


def set_comment(bench: Workbench, text: str) -> None:
    bench.call("PATCH", f"{PATH}?update_mask=comment", {"comment": text})


def test_the_mark_is_the_last_line_and_never_the_text(bench: Workbench) -> None:
    bench.apply(SECRET)
    text, _, line = comment(bench).partition("\n")
    assert text == "Key of the team"
    assert line.startswith("managed by provisioner: shop/dev@")
    assert "sk-value" not in comment(bench)
    changed = {"secrets": {"key": SECRET["secrets"]["key"] | {"comment": "Another text"}}}
    bench.apply(changed)
    assert comment(bench) == f"Another text\n{line}"
    assert left_to_do(bench.plan(changed)) == {}


def test_without_the_mark_it_is_adopted(bench: Workbench) -> None:
    bench.apply(SECRET)
    set_comment(bench, "Key of the team")
    session = bench.session(SECRET)
    plan = make_plan(session, PlanOptions())
    assert actions(plan) == {"secrets.key": Action.ADOPT}
    reason = "exists without an ownership line in the comment"
    assert plan.steps[0].reason == reason
    with pytest.raises(RefusedError, match=f"secrets.key {reason}"):
        refuse_unsafe(session, plan, Consent(yes=True))
    bench.apply(SECRET)
    assert left_to_do(bench.plan(SECRET)) == {}


def test_a_copied_comment_belongs_to_nobody(bench: Workbench) -> None:
    bench.apply({"secrets": {**SECRET["secrets"], **OTHER["secrets"]}})
    copied = bench.call("GET", f"{UC}/secrets/main.gw.other")["comment"]
    set_comment(bench, f"Key of the team\n{copied}")
    plan = bench.plan(SECRET | {"secrets": {**SECRET["secrets"], **OTHER["secrets"]}})
    step = next(step for step in plan.steps if str(step.address) == "secrets.key")
    assert step.action is Action.ADOPT
    assert "copied comment" in step.notes[0]
    # Without a manifest it is no orphan, and pruning does not touch it. The plan warns.
    for prune in (False, True):
        plan = bench.plan(OTHER, prune=prune)
        assert actions(plan) == {"secrets.other": Action.KEEP}
        (step,) = plan.steps
        assert step.attention
        assert "catalog secret `main.gw.key` has no manifest" in step.notes[-1]
        assert "copied comment" in step.notes[-1]


def test_a_copied_comment_of_another_project_is_no_warning(bench: Workbench) -> None:
    bench.apply({"secrets": {**SECRET["secrets"], **OTHER["secrets"]}})
    copied = bench.call("GET", f"{UC}/secrets/main.gw.other")["comment"]
    set_comment(bench, copied.replace("shop/dev@", "search/dev@"))
    (step,) = bench.plan(OTHER).steps
    assert not step.attention


def test_another_owner_blocks(bench: Workbench) -> None:
    bench.apply(SECRET)
    place = ("secrets", "main.gw.key", "7c1f9c1e-0000-4000-8000-000000000001", "1234567890")
    there = bench.call("GET", f"{UC}/current-metastore-assignment")
    assert there["metastore_id"] == place[2]
    owned = marks.owned_comment("main.gw.key", "", Ownership("shop/dev"))
    set_comment(bench, marks.written(owned, "secrets", place[2], place[3]))
    (step,) = bench.plan(SECRET).steps
    assert step.action is Action.BLOCKED
    assert step.reason == "belongs to shop/dev@1234567890"


def test_without_a_manifest_it_is_an_orphan_and_no_blanket_consent_deletes_it(
    bench: Workbench,
) -> None:
    bench.apply({"secrets": {**SECRET["secrets"], **OTHER["secrets"]}})
    orphan = next(step for step in bench.plan(OTHER).steps if step.action is Action.ORPHAN)
    assert str(orphan.address) == "secrets.main.gw.key"
    assert orphan.reason == "has the ownership line of shop/dev in the comment, but no manifest"
    session = bench.session(OTHER)
    plan = make_plan(session, PlanOptions(prune=True))
    with pytest.raises(RefusedError, match=r"secrets\.main\.gw\.key would be deleted"):
        refuse_unsafe(session, plan, Consent(yes=True, allow_delete=frozenset({"all"})))
    bench.apply(OTHER, prune=True)
    assert actions(bench.plan(OTHER)) == {"secrets.other": Action.KEEP}


def test_destroy_finds_what_is_declared(bench: Workbench) -> None:
    bench.apply(GATEWAY)
    plan = make_destroy_plan(bench.session(GATEWAY), PlanOptions())
    assert set(actions(plan).values()) == {Action.DELETE}
    assert all("etag=" in step.operations[0].path for step in plan.steps)


ALL = {
    "schemas": {"gw": {"catalog_name": "main", "name": "gw"}},
    **copy.deepcopy(GATEWAY),
    **SECRET,
}
ALL["model_provider_services"]["openai"]["config"]["openai"]["direct"]["api_key"] = {
    "secret_reference": {"name": "secrets/main.gw.key"}
}
IN_ORDER = ["schemas", "secrets", "model-provider-services", "model-services"]


def written_kinds(bench: Workbench) -> list[str]:
    return [write["path"].removeprefix(f"{UC}/").split("/")[0] for write in bench.writes()]


def test_objects_are_created_and_deleted_in_the_order_of_their_references(
    bench: Workbench,
) -> None:
    bench.forget()
    bench.apply(ALL)
    assert written_kinds(bench) == IN_ORDER
    bench.forget()
    session = bench.session(ALL)
    plan = make_destroy_plan(session, PlanOptions())
    outcomes = apply(session, plan, Options(parallelism=8), Hooks(clock=bench.clock))
    assert {outcome.status for outcome in outcomes} == {Status.DONE}
    assert written_kinds(bench) == IN_ORDER[::-1]


def test_what_is_removed_is_deleted_after_its_last_user_has_let_go(bench: Workbench) -> None:
    bench.apply(ALL)
    other = copy.deepcopy(ALL)
    other["model_provider_services"]["second"] = {
        **other["model_provider_services"].pop("openai"),
        "model_provider_service_id": "second",
    }
    external = other["model_services"]["chat"]["config"]["routing"]["destinations"][0]
    external["external_model_config"]["model_provider_service"] = (
        "model-provider-services/main.gw.second"
    )
    bench.forget()
    bench.apply(other, prune=True)
    calls = [(write["method"], write["path"].rpartition("/")[2]) for write in bench.writes()]
    assert calls == [
        ("POST", "model-provider-services"),
        ("PATCH", "main.gw.chat"),
        ("DELETE", "main.gw.openai"),
    ]
    assert left_to_do(bench.plan(other)) == {}


def test_what_changed_since_the_plan_is_stale(bench: Workbench) -> None:
    bench.apply(GATEWAY)
    changed = {
        **GATEWAY,
        "model_services": {"chat": GATEWAY["model_services"]["chat"] | {"comment": "b"}},
    }
    session = bench.session(changed)
    plan = make_plan(session, PlanOptions())
    path = f"{UC}/model-services/main.gw.chat"
    bench.call("PATCH", f"{path}?update_mask=comment", {"comment": "c"})
    (outcome,) = apply(session, plan, Options(), Hooks(clock=bench.clock))
    assert outcome.status is Status.STALE
    operation = next(step for step in plan.steps if step.operations).operations[0]
    with pytest.raises(RefusedError, match="changed after the plan was made"):
        session.drivers["model_services"].perform(operation, "")


def test_a_deleted_provider_is_told_and_cured(bench: Workbench) -> None:
    bench.apply(GATEWAY)
    bench.call("DELETE", f"{UC}/model-provider-services/main.gw.openai")
    plan = bench.plan(GATEWAY)
    chat = next(step for step in plan.steps if step.name == "main.gw.chat")
    assert any("`gpt` refers to a deleted object" in note for note in chat.notes)
    assert chat.action is Action.UPDATE
    bench.apply(GATEWAY)
    read = bench.call("GET", f"{UC}/model-services/main.gw.chat")
    assert "is_deleted" not in str(read)
    assert left_to_do(bench.plan(GATEWAY)) == {}


def test_a_deleted_connection_is_told_and_cured(bench: Workbench) -> None:
    tracker = {"name": "tracker", "connection_type": "HTTP", "parent": "schemas/main.gw"}
    bench.call("POST", f"{UC}/connections", tracker | {"options": {}})
    config = {"source_connection": {"name": "connections/main.gw.Tracker"}}
    tools = {"parent": "schemas/main.gw", "mcp_service_id": "tools", "config": config}
    documents = {"mcp_services": {"tools": tools}}
    bench.apply(documents)
    assert left_to_do(bench.plan(documents)) == {}
    bench.call("DELETE", f"{UC}/connections/main.gw.tracker")
    (step,) = bench.plan(documents).steps
    assert "the connection `main.gw.Tracker` was deleted" in step.notes
    assert step.action is Action.UPDATE
    bench.call("POST", f"{UC}/connections", tracker | {"options": {}})
    bench.apply(documents)
    assert "is_deleted" not in str(bench.call("GET", f"{UC}/mcp-services/main.gw.tools"))
    assert left_to_do(bench.plan(documents)) == {}


def test_a_replaced_provider_needs_no_second_apply(bench: Workbench) -> None:
    bench.apply(GATEWAY)
    changed = copy.deepcopy(GATEWAY)
    config = changed["model_provider_services"]["openai"]["config"]
    del config["openai"]
    config["provider_type"] = "EXTERNAL_MODEL_PROVIDER_TYPE_ANTHROPIC"
    config["anthropic"] = {"direct": {"api_key": {"plaintext": "${env.KEY}"}}}
    plan, outcomes = bench.apply(changed)
    assert actions(plan) == {
        "model_provider_services.openai": Action.REPLACE,
        "model_services.chat": Action.UPDATE,
    }
    assert {outcome.status for outcome in outcomes} == {Status.DONE}
    assert "is_deleted" not in str(bench.call("GET", f"{UC}/model-services/main.gw.chat"))
    assert left_to_do(bench.plan(changed)) == {}


def test_a_list_that_is_refused_is_told(bench: Workbench) -> None:
    bench.apply(SECRET)
    refused = {"method": "GET", "path": f"{UC}/secrets", "times": 0, "action": {"status": 403}}
    bench.call("POST", "/__emulator__/faults", {"rules": [refused]})
    (step,) = bench.plan(SECRET).steps
    assert step.action is Action.KEEP
    assert step.attention
    assert "refused to list each catalog secret" in step.notes[-1]


def test_an_existing_schema_gets_its_grants_only(bench: Workbench) -> None:
    bench.call("POST", f"{UC}/catalogs", {"name": "main"})
    bench.call("POST", f"{UC}/schemas", {"name": "gw", "catalog_name": "main", "comment": "x"})
    theirs = {"principal": "them@example.com", "add": ["USE_SCHEMA"]}
    bench.call("PATCH", f"{UC}/permissions/schema/main.gw", {"changes": [theirs]})
    grants = [{"principal": "us@example.com", "privileges": ["USE_SCHEMA", "CREATE_SERVICE"]}]
    schema = {"catalog_name": "main", "name": "gw", "existing": True, "grants": grants}
    documents = {"schemas": {"gw": schema}}
    bench.forget()
    bench.apply(documents)
    assert [write["path"] for write in bench.writes()] == [f"{UC}/permissions/schema/main.gw"]
    assert left_to_do(bench.plan(documents)) == {}
    held = bench.call("GET", f"{UC}/permissions/schema/main.gw")["privilege_assignments"]
    assert {each["principal"] for each in held} == {"them@example.com", "us@example.com"}
    assert bench.call("GET", f"{UC}/schemas/main.gw")["comment"] == "x"


def test_a_create_whose_answer_was_lost_is_found(bench: Workbench) -> None:
    rule = {
        "method": "POST",
        "path": f"{UC}/secrets",
        "phase": "after",
        "times": 1,
        "action": {"connection": "reset"},
    }
    bench.call("POST", "/__emulator__/faults", {"rules": [rule]})
    _, (outcome,) = bench.apply(SECRET)
    assert outcome.status is Status.DONE
    creates = [write for write in bench.writes() if write["path"] == f"{UC}/secrets"]
    assert len(creates) == 1


def test_an_alias_that_was_moved_by_hand_is_moved_back(bench: Workbench) -> None:
    names = {**NAMES, "name": "fraud"}
    for version in (1, 2):
        model = {"full_name": "main.gw.fraud", "version": version}
        bench.call("POST", "/__emulator__/models", model)
    documents = {"registered_models": {"fraud": names | {"aliases": {"champion": 2}}}}
    bench.apply(documents)
    path = f"{UC}/models/main.gw.fraud/aliases"
    bench.call("PUT", f"{path}/champion", {"version_num": 1})
    bench.call("PUT", f"{path}/theirs", {"version_num": 1})
    assert left_to_do(bench.plan(documents)) == {"registered_models.fraud": ["aliases[champion]"]}
    bench.apply(documents)
    assert left_to_do(bench.plan(documents)) == {}
