"""What happens to endpoints besides changes in their manifests."""

from __future__ import annotations

import shutil

import pytest
from owners import owner_of, owner_tags

ROOT = "/api/2.0/serving-endpoints"
ENDPOINT = """
name: NAME
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: TASK
        openai_config:
          openai_api_key: "{{secrets/keys/openai}}"
"""
PROTECTED = "lifecycle: {prevent_destroy: true}\n"
ADDRESS = "model_serving_endpoints.chat"


def manifest(name: str = "chat", task: str = "llm/v1/chat", more: str = "") -> str:
    return ENDPOINT.replace("NAME", name).replace("TASK", task) + more


def body(name: str = "chat", model: str = "gpt-4o", **tags: str) -> dict[str, object]:
    """What creates such an endpoint by hand."""
    external = {
        "name": model,
        "provider": "openai",
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": "{{secrets/keys/openai}}"},
    }
    return {
        "name": name,
        "config": {"served_entities": [{"name": "gpt", "external_model": external}]},
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }


@pytest.fixture
def shop(repository, workspace):
    """The repository with one endpoint, whose key is in the workspace."""
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    key = {"scope": "keys", "key": "openai", "string_value": "sk"}
    workspace.call("POST", "/api/2.0/secrets/put", key)
    repository.endpoint(manifest())
    return repository


@pytest.fixture
def by_hand(workspace):
    """Create an endpoint as somebody else would."""

    def create(name: str = "chat", model: str = "gpt-4o", **tags: str) -> str:
        workspace.call("POST", ROOT, body(name, model, **tags))
        return str(workspace.endpoint(name)["id"])

    return create


@pytest.fixture
def retag(workspace):
    """Change tags by hand: a value, or None to delete the tag."""

    def change(name: str, **values: str | None) -> None:
        add = [{"key": key, "value": value} for key, value in values.items() if value is not None]
        delete = [key for key, value in values.items() if value is None]
        patch = {"add_tags": add, "delete_tags": delete}
        workspace.call("PATCH", f"{ROOT}/{name}/tags", patch)

    return change


def names(workspace) -> set[str]:
    listed = workspace.call("GET", ROOT)["endpoints"]
    return {one["name"] for one in listed if not one["name"].startswith("databricks-")}


def tags(workspace, name: str = "chat") -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in workspace.endpoint(name).get("tags", ())}


def steps(run, *words: str) -> dict[str, str]:
    """Address to action of a plan."""
    return {
        one["address"]: one["action"] for one in run("plan", "-o", "json", *words).json["steps"]
    }


def empty(run) -> bool:
    return run("plan", "--detailed-exitcode").code == 0


class TestByHand:
    def test_an_endpoint_that_was_deleted_is_created_again(self, shop, run, workspace):
        run("apply", "-y")
        workspace.call("DELETE", f"{ROOT}/chat")
        assert steps(run) == {ADDRESS: "create"}
        assert run("apply", "-y").code == 0
        assert owner_of(tags(workspace)) == "shop/dev"
        assert empty(run)

    def test_an_endpoint_that_was_made_again_is_adopted_with_consent(
        self, shop, run, workspace, by_hand
    ):
        run("apply", "-y")
        workspace.call("DELETE", f"{ROOT}/chat")
        identity = by_hand(model="gpt-4o-mini")
        assert steps(run) == {ADDRESS: "adopt"}
        assert run("apply", "-y").code == 1
        assert run("apply", "-y", "--adopt").code == 0
        assert workspace.endpoint("chat")["id"] == identity
        assert owner_of(tags(workspace)) == "shop/dev"
        assert empty(run)

    def test_a_plan_for_an_endpoint_that_was_made_again_is_stale(
        self, shop, run, workspace, tmp_path
    ):
        run("apply", "-y")
        shop.endpoint(manifest(more="tags: [{key: team, value: shop}]\n"))
        saved = tmp_path / "plan.json"
        run("plan", "--out", str(saved))
        workspace.call("DELETE", f"{ROOT}/chat")
        workspace.call(
            "POST", ROOT, body(provisioner_project="shop", provisioner_environment="dev")
        )
        workspace.endpoint("chat")
        workspace.forget()
        result = run("apply", str(saved))
        assert result.code == 1
        assert "changed since the plan was made" in result.err
        assert workspace.writes() == []

    @pytest.mark.parametrize(
        "owner",
        [
            pytest.param("other/prod", id="to another project"),
            pytest.param("shop/prod", id="to another environment"),
        ],
    )
    def test_an_owner_tag_that_was_changed_is_believed(self, shop, run, workspace, owner):
        run("apply", "-y")
        patch = {"add_tags": owner_tags(owner)}
        workspace.call("PATCH", f"{ROOT}/chat/tags", patch)
        assert steps(run) == {ADDRESS: "blocked"}
        workspace.forget()
        assert run("apply", "-y").code == 1
        assert workspace.writes() == []

    def test_an_endpoint_whose_owner_tag_was_taken_away_is_adopted(self, shop, run, retag):
        run("apply", "-y")
        retag("chat", provisioner_project=None, provisioner_environment=None)
        assert steps(run) == {ADDRESS: "adopt"}

    def test_an_owner_is_changed_back_by_name(self, shop, run, workspace, retag):
        run("apply", "-y")
        retag("chat", provisioner_project="other", provisioner_environment="prod")
        wrong = run("apply", "-y", "--take-over-from", "other/dev")
        assert wrong.code == 1
        assert "--take-over-from other/prod" in wrong.err
        workspace.forget()
        assert run("apply", "-y", "--take-over-from", "other/prod").code == 0
        assert workspace.writes() == [("PATCH", f"{ROOT}/chat/tags")]
        assert owner_of(tags(workspace)) == "shop/dev"
        assert empty(run)

    def test_an_endpoint_without_config_gets_one(self, shop, run, workspace):
        owner = [
            {"key": "provisioner_project", "value": "shop"},
            {"key": "provisioner_environment", "value": "dev"},
        ]
        workspace.call("POST", ROOT, {"name": "chat", "tags": owner})
        assert steps(run) == {ADDRESS: "update"}
        result = run("apply", "-y")
        assert result.code == 0, result.err
        assert workspace.endpoint("chat")["config"]["served_entities"]
        assert empty(run)

    def test_an_endpoint_may_be_declared_without_config(self, shop, run, workspace):
        shop.endpoint("name: chat\n")
        assert run("apply", "-y").code == 0
        assert "config" not in workspace.endpoint("chat")
        assert empty(run)
        shop.endpoint(manifest())
        assert run("apply", "-y").code == 0
        assert empty(run)


class TestKeysAndNames:
    def test_another_key_is_no_difference(self, shop, run, workspace):
        run("apply", "-y")
        text = (shop.root / "manifests/endpoint.yaml").read_text()
        shop.write("manifests/endpoint.yaml", text.replace("    chat:", "    talk:"))
        assert steps(run) == {"model_serving_endpoints.talk": "keep"}

    def test_another_name_is_another_endpoint_and_the_old_one_an_orphan(self, shop, run, workspace):
        run("apply", "-y")
        shop.endpoint(manifest("chat-2"))
        assert steps(run) == {ADDRESS: "create", f"{ADDRESS}@orphan": "orphan"}
        assert run("apply", "-y").code == 0
        assert names(workspace) == {"chat", "chat-2"}
        assert run("plan", "--detailed-exitcode").code == 2
        refused = run("apply", "-y", "--prune")
        assert refused.code == 1
        assert f"--allow-delete {ADDRESS}@orphan" in refused.err
        done = run("apply", "-y", "--prune", "--allow-delete", f"{ADDRESS}@orphan")
        assert done.code == 0, done.err
        assert names(workspace) == {"chat-2"}
        assert empty(run)

    def test_the_old_and_the_new_one_can_be_exchanged_in_one_go(self, shop, run, workspace):
        run("apply", "-y")
        shop.endpoint(manifest("chat-2"))
        done = run("apply", "-y", "--prune", "--allow-delete", "all")
        assert done.code == 0, done.err
        assert names(workspace) == {"chat-2"}

    def test_destroying_tells_both_apart(self, shop, run, workspace):
        run("apply", "-y")
        shop.endpoint(manifest("chat-2"))
        run("apply", "-y")
        done = run("destroy", "-y", "--select", "chat", "--allow-delete", f"{ADDRESS}@orphan")
        assert done.code == 1
        assert names(workspace) == {"chat", "chat-2"}
        words = ("--allow-delete", "all", "--allow-destructive", "2")
        assert run("destroy", "-y", *words).code == 0
        assert names(workspace) == set()


class TestPruning:
    def test_a_manifest_that_is_gone_deletes_nothing_by_itself(self, shop, run, workspace):
        shop.write("manifests/other.yaml", other("other"))
        run("apply", "-y")
        (shop.root / "manifests/other.yaml").unlink()
        result = run("apply", "-y")
        assert result.code == 0
        assert names(workspace) == {"chat", "other"}
        assert steps(run)["model_serving_endpoints.other"] == "orphan"

    def test_protection_outlives_the_manifest(self, shop, run, workspace):
        shop.write("manifests/other.yaml", other("other", PROTECTED))
        run("apply", "-y")
        assert tags(workspace, "other")["provisioner_protected"] == "true"
        (shop.root / "manifests/other.yaml").unlink()
        address = "model_serving_endpoints.other"
        for words in (("apply", "-y", "--prune"), ("destroy", "-y")):
            result = run(*words, "--allow-delete", "all", "--allow-delete", address)
            assert result.code == 1
            assert "lifecycle.prevent_destroy was applied to it" in result.err
        assert "other" in names(workspace)

    def test_more_than_the_guard_allows_need_their_number(self, shop, run, workspace):
        for number in range(3):
            shop.write(f"manifests/more{number}.yaml", other(f"more{number}"))
        run("apply", "-y")
        for number in range(3):
            (shop.root / f"manifests/more{number}.yaml").unlink()
        environment = (shop.root / "environments/dev.yaml").read_text()
        shop.write("environments/dev.yaml", environment.replace("percent: 100", "percent: 30"))
        refused = run("apply", "-y", "--prune", "--allow-delete", "all")
        assert refused.code == 1
        assert "--allow-destructive 3" in refused.err
        assert len(names(workspace)) == 4
        words = ("--prune", "--allow-delete", "all", "--allow-destructive", "3")
        assert run("apply", "-y", *words).code == 0
        assert names(workspace) == {"chat"}


def other(name: str, more: str = "") -> str:
    lines = "\n".join(f"      {line}" for line in manifest(name, more=more).strip().splitlines())
    return f"resources:\n  model_serving_endpoints:\n    {name}:\n{lines}\n"


class TestProtection:
    def test_forbids_a_replacement_with_any_consent(self, shop, run, workspace):
        shop.endpoint(manifest(more=PROTECTED))
        run("apply", "-y")
        shop.endpoint(manifest(task="llm/v1/completions", more=PROTECTED))
        workspace.forget()
        result = run("apply", "-y", "--allow-replace", ADDRESS)
        assert result.code == 1
        assert "needs a replacement, which lifecycle.prevent_destroy forbids" in result.err
        assert workspace.writes() == []

    def test_is_put_on_and_taken_off_by_a_tag(self, shop, run, workspace):
        run("apply", "-y")
        shop.endpoint(manifest(more=PROTECTED))
        workspace.forget()
        assert run("apply", "-y").code == 0
        assert workspace.writes() == [("PATCH", f"{ROOT}/chat/tags")]
        assert tags(workspace)["provisioner_protected"] == "true"
        assert empty(run)
        shop.endpoint(manifest())
        assert run("apply", "-y").code == 0
        assert "provisioner_protected" not in tags(workspace)
        assert empty(run)

    def test_that_was_taken_off_by_hand_is_put_back(self, shop, run, workspace, retag):
        shop.endpoint(manifest(more=PROTECTED))
        run("apply", "-y")
        retag("chat", provisioner_protected=None)
        assert steps(run) == {ADDRESS: "update"}
        assert run("apply", "-y").code == 0
        assert tags(workspace)["provisioner_protected"] == "true"


IGNORED = [
    pytest.param("tags[by]", id="a tag"),
    pytest.param("ai_gateway.rate_limits[user].calls", id="a number in a list"),
    pytest.param("config.served_entities[gpt].external_model.task", id="what would replace it"),
    pytest.param("config", id="the whole config"),
    pytest.param("description", id="what no call changes"),
]


@pytest.mark.parametrize("path", IGNORED)
def test_what_is_ignored_stays_as_it_is_whatever_it_is(shop, run, workspace, path):
    live = body(
        model="gpt-4o-mini", provisioner_project="shop", provisioner_environment="dev", by="hand"
    )
    live["description"] = "by hand"
    limit = {"key": "user", "renewal_period": "minute", "calls": 7}
    live["ai_gateway"] = {"rate_limits": [limit]}
    live["config"]["served_entities"][0]["external_model"]["task"] = "llm/v1/completions"
    workspace.call("POST", ROOT, live)
    before = workspace.endpoint("chat")
    more = "description: ours\ntags: [{key: team, value: shop}]\nai_gateway:\n  rate_limits:\n"
    more += "    - {key: user, renewal_period: minute, calls: 20}\n"
    ignoring = f"lifecycle: {{ignore_changes: ['{path}']}}\n"
    shop.endpoint(manifest(more=more + ignoring))
    (step,) = run("plan", "-o", "json").json["steps"]
    ignored = {change["path"] for change in step["changes"] if "ignored" in change["reason"]}
    assert ignored
    assert all(one.startswith(path) for one in ignored)
    everything = ["config", "description", "tags[by]", "ai_gateway.rate_limits[user].calls"]
    listed = ", ".join(f"'{one}'" for one in {*everything, path})
    shop.endpoint(manifest(more=more + f"lifecycle: {{ignore_changes: [{listed}]}}\n"))
    result = run("apply", "-y")
    assert result.code == 0, result.err
    after = workspace.endpoint("chat")
    assert after["config"]["served_entities"] == before["config"]["served_entities"]
    assert after["ai_gateway"]["rate_limits"] == [limit]
    assert after["description"] == "by hand"
    assert tags(workspace) == {
        "provisioner_project": "shop",
        "provisioner_environment": "dev",
        "by": "hand",
        "team": "shop",
    }
    assert empty(run)


class TestTwoProjects:
    @pytest.fixture
    def second(self, shop, capsys):
        """Runs a command in a copy of the repository that is another project."""
        from provisioner.cli import main

        root = shop.root.parent / "second"
        shutil.copytree(shop.root, root)
        (root / "provisioner.yaml").write_text("project: bakery\n")

        def call(*words: str) -> tuple[int, str]:
            code = main([words[0], "-e", "dev", "-C", str(root), *words[1:]])
            said = capsys.readouterr()
            return code, said.out + said.err

        yield call
        shutil.rmtree(root)

    def test_never_touch_each_others_endpoints(self, shop, run, workspace, second):
        run("apply", "-y")
        code, said = second("apply", "-y", "--adopt", "--allow-replace", ADDRESS)
        assert code == 1
        assert "belongs to shop/dev" in said
        assert second("destroy", "-y", "--allow-delete", "all")[0] == 0
        code, said = second("apply", "-y", "--prune", "--allow-delete", "all")
        assert code == 1
        assert names(workspace) == {"chat"}
        assert owner_of(tags(workspace)) == "shop/dev"

    def test_hand_an_endpoint_over_only_by_name(self, shop, run, workspace, second):
        run("apply", "-y")
        assert second("apply", "-y", "--take-over-from", "shop/dev")[0] == 0
        assert owner_of(tags(workspace)) == "bakery/dev"
        assert steps(run) == {ADDRESS: "blocked"}


class TestHealing:
    def test_an_update_that_failed_is_sent_again(self, shop, run, workspace):
        run("apply", "-y")
        fails = {"deployment": {"endpoint": "chat", "state": "DEPLOYMENT_FAILED"}}
        workspace.call("POST", "/__emulator__/faults", {"rules": [fails]})
        shop.endpoint(manifest().replace("gpt-4o", "gpt-4o-mini"))
        assert run("apply", "-y").code == 4
        shop.endpoint(manifest())
        plan = run("plan")
        assert "the last update failed" in plan.out
        assert run("apply", "-y").code == 0
        assert workspace.endpoint("chat")["state"]["config_update"] == "NOT_UPDATING"
        assert empty(run)

    def test_a_create_that_failed_is_kept_and_mended(self, shop, run, workspace):
        fails = {"deployment": {"endpoint": "chat", "state": "DEPLOYMENT_FAILED"}}
        workspace.call("POST", "/__emulator__/faults", {"rules": [fails]})
        assert run("apply", "-y").code == 4
        identity = workspace.endpoint("chat")["id"]
        assert steps(run) == {ADDRESS: "update"}
        result = run("apply", "-y")
        assert result.code == 0, result.err
        assert workspace.endpoint("chat")["id"] == identity
        assert empty(run)

    def test_an_update_of_somebody_else_is_waited_for(self, shop, run, workspace):
        run("apply", "-y")
        slow = {"deployment": {"endpoint": "chat", "transition": "polls=3"}}
        workspace.call("POST", "/__emulator__/faults", {"rules": [slow]})
        config = body(model="gpt-4o-mini")["config"]
        workspace.call("PUT", f"{ROOT}/chat/config", config)
        plan = run("plan")
        assert "an update is in progress" in plan.out
        result = run("apply", "-y")
        assert result.code == 0, result.err
        served = workspace.endpoint("chat")["config"]["served_entities"]
        assert [one["external_model"]["name"] for one in served] == ["gpt-4o"]
        assert empty(run)


@pytest.mark.parametrize("tag", ["provisioner_project", "provisioner_owner"])
def test_an_endpoint_whose_owner_is_not_clear_is_blocked_and_never_pruned(
    shop, run, workspace, tag
):
    workspace.call("POST", ROOT, {**body(), "tags": [{"key": tag, "value": "shop"}]})
    plan = run("plan", "--prune")
    assert plan.code == 1
    assert f"`{tag}`" in plan.out
    assert steps(run) == {ADDRESS: "blocked"}
    refused = run("apply", "-y", "--adopt", "--prune")
    assert refused.code == 1
    assert tags(workspace) == {tag: "shop"}
