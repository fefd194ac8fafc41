"""``status``: what is served, for people and programs, once or again and again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from provisioner.commands.status.status import StatusRow
from provisioner.commands.status.watch import shown
from provisioner.model.live import Phase, Readiness
from provisioner.model.plan import Address
from provisioner.model.serving import Served
from provisioner.rendering.style import Style

SPLIT = """
name: chat
config:
  served_entities:
    - {name: champion, entity_name: main.risk.fraud, entity_version: "3", <<: &size
      {scale_to_zero_enabled: true, workload_size: Small}}
    - {name: challenger, entity_name: main.risk.fraud, entity_version: "4", <<: *size}
  traffic_config:
    routes:
      - {served_entity_name: champion, traffic_percentage: 10}
      - {served_entity_name: challenger, traffic_percentage: 90}
"""


def test_what_was_measured_and_the_usage_policy_are_told_with_v(repository, run, workspace):
    repository.endpoint(SPLIT + "budget_policy_id: policy-1\n")
    assert run("apply", "-y").code == 0
    body = {"dataframe_records": [{"amount": 1}]}
    workspace.call("POST", "/serving-endpoints/chat/served-models/champion/invocations", body)
    shown_text = run("status", "-v").out
    assert "    usage policy policy-1\n" in shown_text
    assert "last minute champion: 1 requests, 0 errors, " in shown_text
    (row,) = run("status", "-v", "-o", "json").json["resources"]
    assert row["usage_policy_id"] == "policy-1"
    assert row["metrics"][0]["entity"] in ("champion", "challenger")
    assert "metrics" not in run("status", "-o", "json").json["resources"][0]
    (repository.root / "manifests/endpoint.yaml").unlink()
    told = run("import", "chat", "--to", "manifests/chat.yaml")
    assert "its usage policy `policy-1`" in told.out + told.err


@pytest.fixture
def applied(repository, run):
    repository.endpoint(SPLIT)
    assert run("apply", "-y").code == 0
    return run


def test_programs_are_told_entities_versions_traffic_and_since_when(applied):
    (row,) = applied("status", "-o", "json").json["resources"]
    assert (row["phase"], row["name"]) == ("ready", "chat")
    since = {one.pop("since") for one in row["serves"]}
    assert {one[:4] for one in (*since, row["changed_at"])} == {f"{datetime.now(UTC):%Y}"}
    model = {"model": "main.risk.fraud"}
    assert row["serves"] == [
        {"entity": "challenger", **model, "version": "4", "traffic_percentage": 90},
        {"entity": "champion", **model, "version": "3", "traffic_percentage": 10},
    ]


def test_people_are_told_in_columns(applied):
    lines = applied("status").out.splitlines()
    assert lines[0].startswith("✓ model_serving_endpoints.chat  ready  since 20")
    assert lines[1].startswith("    challenger   90 %  main.risk.fraud v4  since 20")
    assert lines[2].startswith("    champion     10 %  main.risk.fraud v3  since 20")
    assert lines[3:] == ["1 of 1 ready"]


def test_watching_ends_with_wait_when_nothing_is_updating(applied):
    watched = applied("status", "--watch", "--wait")
    assert watched.code == 0
    assert watched.out == applied("status").out
    (line,) = applied("status", "--watch", "--wait", "-o", "json").out.splitlines()
    assert json.loads(line) == applied("status", "-o", "json").json


def test_watching_is_interrupted_cleanly(applied, repository):
    words = ["status", "-e", "dev", "-C", str(repository.root), "--watch"]
    command = [sys.executable, "-m", "provisioner", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        for line in watching.stdout:
            if line == "1 of 1 ready\n":
                break
        watching.send_signal(signal.SIGINT)
        try:
            _, said = watching.communicate(timeout=20)
        finally:
            watching.kill()
    assert watching.returncode == 130
    assert said.strip() == "interrupted"


def row(phase: Phase, *shares: int, message: str = "", name: str = "chat") -> StatusRow:
    serves = tuple(
        Served(entity, "m", str(number), share, "")
        for number, (entity, share) in enumerate(zip(("a", "b"), shares, strict=False), 1)
    )
    address = Address("model_serving_endpoints", name)
    return StatusRow(address, name, Readiness(phase, message), serves)


def noon() -> datetime:
    return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


AT = "12:00:00 UTC  model_serving_endpoints.chat: "
NEWS = {
    "what is as it was is not told again": (
        [[row(Phase.READY, 100)], [row(Phase.READY, 100)]],
        [],
    ),
    "a state that changes is a line, with its reason": (
        [[row(Phase.READY, 100)], [row(Phase.FAILED, 100, message="no\x1b[31m")]],
        [AT + "failed: no\\x1b[31m"],
    ),
    "traffic that moves is a line": (
        [[row(Phase.READY, 90, 10)], [row(Phase.READY, 50, 50)]],
        [AT + "ready  (a 50 % m v1, b 50 % m v2)"],
    ),
    "only what changed is told": (
        [
            [row(Phase.READY, 100), row(Phase.READY, 100, name="x")],
            [row(Phase.UPDATING, 100), row(Phase.READY, 100, name="x")],
            [row(Phase.READY, 100), row(Phase.READY, 100, name="x")],
        ],
        [AT + "updating", AT + "ready"],
    ),
}


@pytest.mark.parametrize("case", NEWS)
def test_a_pipe_gets_a_line_for_each_change(case: str, capsys):
    seen, lines = NEWS[case]
    last = shown(seen, Style(), now=noon)
    assert last == seen[-1]
    out = capsys.readouterr().out.splitlines()
    first = next(number for number, line in enumerate(out) if " ready" in line and " of " in line)
    assert out[first + 1 :] == lines


def test_names_of_any_width_stand_in_columns():
    from provisioner.commands.status import text as status_text

    wide = (Served("挑戦者", "模型", "4", 90, ""), Served("champion", "fraud", "3", 10, ""))
    address = Address("model_serving_endpoints", "chat")
    text = status_text.text([StatusRow(address, "chat", Readiness(Phase.READY), wide)], Style())
    assert text.splitlines()[1:3] == [
        "    挑戦者     90 %  模型 v4",
        "    champion   10 %  fraud v3",
    ]


def test_one_long_address_moves_no_other_out_of_sight():
    from provisioner.commands.status import text as status_text

    rows = [
        row(Phase.READY, 100),
        row(Phase.FAILED, 100, name="a" * 70),
        row(Phase.READY, name="b"),
    ]
    lines = [line for line in status_text.text(rows, Style()).splitlines() if line[0] != " "]
    assert lines == [
        "✓ model_serving_endpoints.chat  ready",
        f"✗ model_serving_endpoints.{'a' * 70}  failed",
        "✓ model_serving_endpoints.b     ready",
        "2 of 3 ready",
    ]
