"""`import --update`: live values written where they come from, and not a byte besides."""

from __future__ import annotations

import difflib
from dataclasses import replace

import pytest
from hypothesis import Phase, given
from proofs import examples
from strategies import KEYS, VARIABLE, changes, readable
from workbench import left_to_do, workbench

from provisioner.commands.importing.draft import write
from provisioner.commands.importing.manifest_text import WrittenEntry
from provisioner.commands.importing.manifest_text import manifest as text_of
from provisioner.commands.importing.update import update_manifests
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.model.importing import GeneratedManifest
from provisioner.model.plan import Address
from provisioner.model.selection import Selection
from provisioner.workflow.plan import make_plan
from provisioner.workflow.scope import PlanOptions

ENDPOINT = "model_serving_endpoints"
ENDPOINTS = "/api/2.0/serving-endpoints"
MANIFEST = """\
# The team's endpoint.
name:  chat          # two blanks, as somebody likes them
description: 'answers'
config:
  served_entities:
  - name: small
    entity_name: main.ml.chat
    entity_version: 3   # reviewed
    scale_to_zero_enabled: true
    workload_size: Small
    environment_vars: &vars {LEVEL: "info"}
  - name: large
    entity_name: main.ml.chat
    entity_version: '4'
    scale_to_zero_enabled: false
    workload_size: ${var.size}
    environment_vars: *vars
  traffic_config:
    routes:
      - {traffic_percentage: 90, served_entity_name: small}

      # the challenger
      - {traffic_percentage: 10, served_entity_name: large}
ai_gateway:
  rate_limits: [{key: user, renewal_period: minute, calls: 20}]  # per user
tags:
  - {key: team, value: chat}
  - key: cost_center
    value: "4711"
"""


def body(endpoint):
    return {"served_entities": endpoint["served_entities"], "traffic_config": endpoint["routes"]}


@pytest.fixture
def applied(workspace, run, repository):
    """The endpoint of ``MANIFEST`` as it was applied, and a way to edit it by hand."""
    path = repository.root / "environments/dev.yaml"
    path.write_text(f"{path.read_text()}variables: {{size: Large}}\n")
    repository.endpoint(MANIFEST)
    done = run("apply", "-y")
    assert done.code == 0, done.err

    def config(entity="", **fields):
        live = workspace.endpoint("chat")["config"]
        for one in live["served_entities"]:
            if one["name"] == entity:
                one.update(fields)
        shares = fields.get("shares")
        for route in live["traffic_config"]["routes"]:
            if shares:
                route["traffic_percentage"] = shares[route["served_entity_name"]]
        keep = ("served_entities", "traffic_config")
        sent = {name: live[name] for name in keep}
        for one in sent["served_entities"]:
            for name in ("type", "batching_config", "state", "creator", "creation_timestamp"):
                one.pop(name, None)
            one.pop("shares", None)
        workspace.call("PUT", f"{ENDPOINTS}/chat/config", sent)

    config.workspace = workspace
    return config


def text(repository, name="manifests/endpoint.yaml"):
    return (repository.root / name).read_text(encoding="utf-8")


def changed(before, after):
    found = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in found if line[0] in "+-"]


def accepted(run, repository, *words):
    """The lines that an update changed; the plan after it is empty but for ``left``."""
    before = text(repository)
    done = run("import", "--update", *words)
    assert done.code == 0, done.err
    assert run("plan", "--detailed-exitcode").code == 0, run("plan").out
    assert "0 changed" in run("import", "--update").out
    return [line[0] + line[1:].strip() for line in changed(before, text(repository))]


def test_a_manifest_that_agrees_stays_as_it_is(applied, run, repository):
    assert accepted(run, repository) == []


def test_one_value_changes_one_line(applied, run, repository):
    applied("small", entity_version="5")
    assert accepted(run, repository) == [
        "-entity_version: 3   # reviewed",
        "+entity_version: 5   # reviewed",
    ]


def test_quotes_stay_as_they_are(applied, run, repository):
    applied("large", entity_version="6")
    assert accepted(run, repository) == ["-entity_version: '4'", "+entity_version: '6'"]


def test_what_somebody_added_gets_a_line_in_the_order_of_the_docs(applied, run, repository):
    applied("small", instance_profile_arn="arn:aws:iam::1:instance-profile/x")
    assert (
        accepted(run, repository) == ['+instance_profile_arn: "arn:aws:iam::1:instance-profile/x"']
        or accepted(run, repository) == []
    )


def test_shares_of_traffic_are_written_in_place(applied, run, repository):
    applied(shares={"small": 50, "large": 50})
    assert accepted(run, repository) == [
        "-- {traffic_percentage: 90, served_entity_name: small}",
        "+- {traffic_percentage: 50, served_entity_name: small}",
        "-- {traffic_percentage: 10, served_entity_name: large}",
        "+- {traffic_percentage: 50, served_entity_name: large}",
    ]


@pytest.mark.parametrize(
    ("sent", "lines"),
    [
        pytest.param(
            {"add_tags": [{"key": "team", "value": "ml: ops"}]},
            ["-- {key: team, value: chat}", '+- {key: team, value: "ml: ops"}'],
            id="a value that needs quotes now",
        ),
        pytest.param(
            {"add_tags": [{"key": "new", "value": "x"}]},
            ["+- {key: new, value: x}"],
            id="an entry more",
        ),
        pytest.param(
            {"delete_tags": ["team"]}, ["-- {key: team, value: chat}"], id="the first entry gone"
        ),
        pytest.param(
            {"delete_tags": ["cost_center"]},
            ["-- key: cost_center", '-value: "4711"'],
            id="the last one gone",
        ),
        pytest.param(
            {"delete_tags": ["team", "cost_center"]},
            [
                "-tags:",
                "-- {key: team, value: chat}",
                "-- key: cost_center",
                '-value: "4711"',
                "+tags: []",
            ],
            id="all of them gone",
        ),
    ],
)
def test_entries_come_and_go(applied, run, repository, sent, lines):
    applied.workspace.call("PATCH", f"{ENDPOINTS}/chat/tags", sent)
    assert sorted(accepted(run, repository)) == sorted(lines)


def test_a_list_on_one_line_stays_on_it(applied, run, repository, workspace):
    limits = [
        {"key": "user", "renewal_period": "minute", "calls": 25},
        {"key": "endpoint", "renewal_period": "minute", "calls": 100},
    ]
    workspace.call("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"rate_limits": limits})
    first = "rate_limits: [{key: user, renewal_period: minute, calls: "
    assert accepted(run, repository) == [
        f"-{first}20}}]  # per user",
        f"+{first}25}}, {{key: endpoint, renewal_period: minute, calls: 100}}]  # per user",
    ]


def test_a_block_that_nobody_wrote_is_added(applied, run, repository, workspace):
    there = {"email_notifications": {"on_update_failure": ["ml@example.com"]}}
    limits = [{"key": "user", "renewal_period": "minute", "calls": 20}]
    body = {"rate_limits": limits, "usage_tracking_config": {"enabled": True}, **there}
    body.pop("email_notifications")
    workspace.call("PUT", f"{ENDPOINTS}/chat/ai-gateway", body)
    assert accepted(run, repository) == ["+usage_tracking_config: {enabled: true}"]


def test_what_comes_from_a_variable_is_named_and_left(applied, run, repository):
    applied("large", workload_size="Medium")
    before = text(repository)
    done = run("import", "--update")
    assert (done.code, text(repository)) == (1, before)
    assert "workload_size` is not updated" in done.err
    assert "`${var.size}`" in done.err
    assert "environments/dev.yaml:4:13" in done.err


def test_what_an_anchor_shares_is_named_and_left(applied, run, repository):
    applied("large", environment_vars={"LEVEL": "debug"})
    before = text(repository)
    done = run("import", "--update")
    assert (done.code, text(repository)) == (1, before)
    assert "anchor" in done.err


def test_what_an_override_says_is_written_there(applied, run, repository):
    name = "environments/dev.yaml"
    overrides = (
        "overrides:\n  model_serving_endpoints:\n    chat: {tags: [{key: team, value: dev}]}\n"
    )
    (repository.root / name).write_text(text(repository, name) + overrides)
    assert run("plan", "--detailed-exitcode").code == 2
    assert accepted(run, repository) == []
    assert "{tags: [{key: team, value: chat}]}" in text(repository, name)


def test_a_dry_run_shows_the_diff_and_writes_nothing(applied, run, repository):
    applied("small", entity_version="5")
    before = text(repository)
    done = run("import", "--update", "--dry-run")
    assert "+          entity_version: 5   # reviewed" in done.out
    assert text(repository) == before


def test_what_shares_a_file_with_a_change_is_as_it_was(applied, run, repository):
    path = repository.root / "manifests/endpoint.yaml"
    path.write_text(f"{path.read_text()}  secret_scopes: {{keys: {{name: keys}}}}\n")
    run("apply", "-y")
    applied("small", entity_version="5")
    rows = run("import", "--update", "-o", "json").json["resources"]
    assert {row["name"]: row["fate"] for row in rows} == {"chat": "changed", "keys": "same"}


def test_an_endpoint_that_is_gone_is_named(applied, run, repository, workspace):
    workspace.call("DELETE", f"{ENDPOINTS}/chat")
    done = run("import", "--update")
    assert done.code == 1
    assert "it does not exist in the workspace" in done.err


def test_line_ends_of_windows_stay(applied, run, repository, workspace):
    path = repository.root / "manifests/endpoint.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    tags = [{"key": "new", "value": "x"}]
    workspace.call("PATCH", f"{ENDPOINTS}/chat/tags", {"add_tags": tags})
    applied("small", entity_version="5")
    assert run("import", "--update").code == 0
    raw = path.read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n")
    assert b"{key: new, value: x}\r\n" in raw


# -- whatever was changed ----------------------------------------------------------------


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, workbench(tmp_path_factory.mktemp("x")) as made:
        patch.setenv(VARIABLE, "not-a-key")
        yield made


def as_blocks(manifest):
    entries = [
        WrittenEntry(
            Address(kind, key),
            GeneratedManifest(document),
            KINDS[kind].schema.rules(),
            references=True,
        )
        for kind, found in manifest.items()
        for key, document in found.items()
    ]
    return text_of(entries)


@pytest.mark.proof("import")
@pytest.mark.parametrize("blocks", [False, True], ids=["on one line", "in blocks"])
@given(change=changes())
@examples(quick=8, full=1000, phases=[Phase.generate])
def test_what_was_edited_by_hand_is_accepted_or_named(bench, blocks, change):
    before, after = map(readable, change)
    bench.empty(KEYS)
    bench.apply(before)
    bench.apply({**after, **{k: v for k, v in before.items() if k not in after}})
    session = bench.session(before)
    path = session.project.root / "manifests/all.yaml"
    if blocks:
        path.write_text(as_blocks(before), encoding="utf-8")
    session = reloaded(session)
    imported = update_manifests(session, Selection.of_words(()))
    write(session.project.root, imported.files.values())
    named = {problem.subject.split(",")[0] for problem in imported.problems}
    if any(problem.code == "E836" for problem in imported.problems):
        return  # The file stays as a whole, and says why.
    after = reloaded(session)
    left = left_to_do(make_plan(after, PlanOptions(Selection.of_words([f"{ENDPOINT}.*"]))))
    assert {address: paths for address, paths in left.items() if address not in named} == {}
    again = update_manifests(reloaded(session), Selection.of_words(()))
    assert again.files == {}


def reloaded(session):
    loaded = load(session.project.root, session.environment, KINDS)
    return replace(session, loaded=loaded, drivers=session.new_drivers())
