"""``removed:``: reviewed deletions, and endpoints that are let go."""

from __future__ import annotations

import io

import pytest
from owners import owner_tags

ROOT = "/api/2.0/serving-endpoints"
ENDPOINT = """
name: {name}
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {{openai_api_key: "{{{{secrets/keys/openai}}}}"}}
"""
OLD = "model_serving_endpoints.old"


@pytest.fixture
def shop(repository, workspace, run):
    """The endpoints ``chat`` and ``old`` are applied; only the manifest of ``chat`` is left."""
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    key = {"scope": "keys", "key": "openai", "string_value": "sk"}
    workspace.call("POST", "/api/2.0/secrets/put", key)
    for number in range(4):
        repository.write(f"manifests/spare{number}.yaml", manifest(f"spare{number}"))
    repository.write("manifests/old.yaml", manifest("old"))
    repository.endpoint(ENDPOINT.format(name="chat"))
    assert run("apply", "-y").code == 0
    (repository.root / "manifests/old.yaml").unlink()
    return repository


@pytest.fixture
def removed(shop):
    """Writes ``manifests/removed.yaml``."""

    def write(*entries: str) -> None:
        lines = "".join(f"    {entry}\n" for entry in entries)
        shop.write("manifests/removed.yaml", f"removed:\n  model_serving_endpoints:\n{lines}")

    return write


def manifest(name: str, more: str = "") -> str:
    text = ENDPOINT.format(name=name) + more
    lines = "\n".join(f"      {line}" for line in text.strip().splitlines())
    return f"resources:\n  model_serving_endpoints:\n    {name}:\n{lines}\n"


def names(workspace) -> set[str]:
    return {one["name"] for one in workspace.call("GET", ROOT)["endpoints"]}


def tags(workspace, name: str) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in workspace.endpoint(name).get("tags", ())}


def test_an_entry_is_the_consent_for_its_endpoint(removed, run, workspace):
    removed("old: {name: old, delete: true}")
    plan = run("plan", "-o", "json").json
    (step,) = [one for one in plan["steps"] if one["address"] == OLD]
    assert (step["action"], step["consented"]) == ("delete", True)
    assert step["reason"] == "removed at manifests/removed.yaml:3:5"
    workspace.forget()
    result = run("apply", "-y")
    assert result.code == 0, result.err
    # The fence against other runs comes right before it.
    assert workspace.writes() == [("PATCH", f"{ROOT}/old/tags"), ("DELETE", f"{ROOT}/old")]
    assert run("plan", "--detailed-exitcode").code == 0


def test_an_entry_whose_endpoint_is_gone_may_stay(removed, run):
    removed("old: {name: old, delete: true}", "older: {name: older, delete: false}")
    assert run("apply", "-y").code == 0
    steps = {one["address"]: one for one in run("plan", "-o", "json").json["steps"]}
    assert steps[OLD]["action"] == "keep"
    assert steps["model_serving_endpoints.older"]["reason"] == "no longer exists"


def test_consent_travels_with_a_saved_plan(removed, run, workspace, tmp_path):
    removed("old: {name: old, delete: true}")
    saved = tmp_path / "plan.json"
    run("plan", "--out", str(saved))
    assert run("apply", str(saved)).code == 0
    assert "old" not in names(workspace)


def test_letting_go_takes_our_tags_off_and_nothing_else(shop, removed, run, workspace):
    shop.write(
        "manifests/old.yaml",
        manifest("old", "tags: [{key: team, value: x}]\nlifecycle: {prevent_destroy: true}\n"),
    )
    run("apply", "-y")
    assert "provisioner_protected" in tags(workspace, "old")
    (shop.root / "manifests/old.yaml").unlink()
    removed("old: {name: old, delete: false}")
    plan = run("plan")
    assert "released with `delete: false`: only the ownership tags are removed" in plan.out
    (step,) = [one for one in run("plan", "-o", "json").json["steps"] if one["address"] == OLD]
    listed = {one["path"]: one["before"] for one in step["changes"]}
    assert listed == {"owner": "shop/dev", "provisioner_protected": "true"}
    workspace.forget()
    assert run("apply", "-y").code == 0
    assert workspace.writes() == [("PATCH", f"{ROOT}/old/tags")]
    assert tags(workspace, "old") == {"team": "x"}
    assert run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("owner", ["", "other/prod"], ids=["nobody's", "another project's"])
def test_what_is_not_ours_is_not_deleted(removed, run, workspace, owner):
    removed("old: {name: old, delete: true}")
    change = (
        {"add_tags": owner_tags(owner)}
        if owner
        else {"delete_tags": ["provisioner_project", "provisioner_environment"]}
    )
    workspace.call("PATCH", f"{ROOT}/old/tags", change)
    result = run("apply", "-y")
    assert result.code == 1
    assert (
        "does not have the ownership tags of shop/dev, so this project may not delete it"
        in result.err
    )
    assert "old" in names(workspace)


def test_what_is_protected_is_not_deleted(shop, removed, run, workspace):
    shop.write("manifests/old.yaml", manifest("old", "lifecycle: {prevent_destroy: true}\n"))
    run("apply", "-y")
    (shop.root / "manifests/old.yaml").unlink()
    removed("old: {name: old, delete: true}")
    result = run("apply", "-y", "--allow-delete", OLD)
    assert result.code == 1
    assert "restore its manifest with `lifecycle: {prevent_destroy: false}`" in result.err
    assert "old" in names(workspace)


def test_the_guard_counts_what_was_consented_to(shop, removed, run, workspace):
    for number in range(4):
        (shop.root / f"manifests/spare{number}.yaml").unlink()
    entries = [f"spare{number}: {{name: spare{number}, delete: true}}" for number in range(4)]
    removed("old: {name: old, delete: true}", *entries)
    environment = (shop.root / "environments/dev.yaml").read_text()
    shop.write("environments/dev.yaml", environment.replace("percent: 100", "percent: 30"))
    result = run("apply", "-y")
    assert result.code == 1
    assert "--allow-destructive 5" in result.err
    assert "--allow-delete" not in result.err
    assert run("apply", "-y", "--allow-destructive", "5").code == 0


def test_a_selection_takes_entries_like_resources(removed, run, workspace):
    removed("old: {name: old, delete: true}")
    assert [one["address"] for one in run("plan", "-o", "json", "--select", "chat").json["steps"]]
    run("apply", "-y", "--select", "chat")
    assert "old" in names(workspace)
    assert run("apply", "-y", "--select", "old").code == 0
    assert "old" not in names(workspace)


def test_the_last_manifest_may_go_when_its_endpoint_is_removed(shop, removed, run, workspace):
    for path in (shop.root / "manifests").iterdir():
        path.unlink()
    gone = ("chat", "old", *(f"spare{number}" for number in range(4)))
    removed(*(f"{name}: {{name: {name}, delete: true}}" for name in gone))
    result = run("apply", "-y", "--allow-destructive", "6")
    assert result.code == 0, result.err
    assert not names(workspace) & set(gone)


MISTAKES = [
    pytest.param(
        "removed:\n  model_serving_endpoints:\n    x: {name: chat, delete: true}\n",
        ["error[E212]", "removed.yaml:3:15", "`chat` is removed here, but it is also declared"],
        id="a name that is declared",
    ),
    pytest.param(
        "removed:\n  model_serving_endpoints:\n    chat: {name: x, delete: true}\n",
        ["error[E212]", "removed.yaml:3:5", "endpoint.yaml:3:5", "change the key of this entry"],
        id="a key that is declared",
    ),
    pytest.param(
        "removed:\n  model_serving_endpoints:\n    a: {name: x, delete: true}\n"
        "    b: {name: x, delete: false}\n",
        [
            "error[E213]",
            "removed.yaml:4:5",
            "it is also removed at manifests/removed.yaml:3:5: keep one of them",
        ],
        id="a name twice",
    ),
    pytest.param(
        "removed:\n  secret_scopes:\n    keys: {name: keys, delete: true}\n",
        ["error[E214]", "removed.yaml:2:3", "a secret scope is never deleted"],
        id="a scope",
    ),
    pytest.param(
        "removed:\n  jobs:\n    a: {name: x, delete: true}\n",
        ["error[E205]", "removed.yaml:2:3", "the kinds are `model_serving_endpoints`"],
        id="a kind that is not ours",
    ),
    pytest.param(
        "removed:\n  model_serving_endpoints:\n    a: {name: x}\n",
        ["error[E106]", "removed.yaml:3:8", "missing field `delete`"],
        id="without saying what is to happen",
    ),
    pytest.param(
        "removed:\n  model_serving_endpoints:\n    a: {name: x, delete: yes}\n",
        ["error[E105]", "removed.yaml:3:26", "`true` or `false`"],
        id="a word that is no boolean",
    ),
    pytest.param(
        "removed:\n  model_serving_endpoints:\n    a: {name: x, delete: true, force: true}\n",
        ["error[E104]", "removed.yaml:3:32", "unknown field `force`"],
        id="an unknown field",
    ),
    pytest.param(
        "removed:\n  model_serving_endpoints:\n    a:\n",
        ["error[E105]", "removed.yaml:3:5", "`a` must be a mapping"],
        id="nothing at all",
    ),
    pytest.param(
        "removd:\n  model_serving_endpoints: {}\n",
        ["error[E104]", "did you mean `removed`?"],
        id="another spelling",
    ),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_mistakes_are_told_at_their_places(repository, run, text, said):
    repository.endpoint(ENDPOINT.format(name="chat"))
    repository.write("manifests/removed.yaml", text)
    result = run("validate")
    assert result.code == 1
    for part in said:
        assert part in result.err


class Typing(io.StringIO):
    """A terminal at which ``text`` is typed."""

    def isatty(self) -> bool:
        return True


def test_at_a_terminal_a_yes_is_enough_for_what_an_entry_names(
    removed, run, workspace, monkeypatch
):
    removed("old: {name: old, delete: true}")
    for typed, code, is_there in (("no\n", 1, True), ("yes\n", 0, False)):
        monkeypatch.setattr("sys.stdin", Typing(typed))
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        assert run("apply").code == code
        assert ("old" in names(workspace)) is is_there
