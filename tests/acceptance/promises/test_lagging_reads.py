"""A workspace whose reads lag behind its writes, and one that cannot be reached at all."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest
from proofs import FULL

ENDPOINTS = "/api/2.0/serving-endpoints"
MANIFEST = """
resources:
  model_serving_endpoints:
    chat:
      name: chat
      description: Answers questions.
      tags: [{key: team, value: ml}]
      config:
        served_entities:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openai
              task: llm/v1/chat
              openai_config: {openai_api_key: "{{secrets/keys/openai}}"}
"""


@pytest.fixture
def shop(repository, workspace):
    repository.write("manifests/all.yaml", MANIFEST)
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    secret = {"scope": "keys", "key": "openai", "string_value": "sk-x"}
    workspace.call("POST", "/api/2.0/secrets/put", secret)
    return repository


@pytest.mark.parametrize("reads", [1, 2, 3])
def test_an_apply_converges_although_reads_lag(shop, run, workspace, reads):
    workspace.call("POST", "/__emulator__/lag", {"reads": reads})
    applied = run("apply", "-y")
    assert applied.code == 0, applied.out + applied.err
    creates = [call for call in workspace.writes() if call == ("POST", ENDPOINTS)]
    assert len(creates) == 1
    workspace.call("POST", "/__emulator__/lag", {})
    assert run("plan", "--detailed-exitcode").code == 0


READS, SECONDS = (0, 1, 2, 3, 8, 20, 40), (2, 5, 10, 30)
LOST = {"connection": "reset"}


@pytest.mark.proof("lag")
def test_however_many_reads_lag_an_apply_creates_once(shop, run, workspace, cells):
    def check(case, _):
        reads, lost = case
        lag(workspace, reads, 0, lost)
        applied = run("apply", "-y")
        # What no read shows in time, and a create whose answer was lost, is told as unknown.
        assert applied.code in ((0, 4) if lost or reads > 20 else (0,)), applied.out + applied.err
        assert_created_once(run, workspace)

    cells.run([(reads, lost) for reads in READS for lost in (False, True)], check, quick=4)


@pytest.mark.proof("lag")
@pytest.mark.skipif(not FULL, reason="waits in real time; make proofs PART=lag")
def test_however_long_reads_lag_an_apply_creates_once(shop, run, workspace, cells):
    """In a process of its own, whose clock skips nothing: the lag is in real seconds."""

    def check(case, _):
        seconds, lost = case
        lag(workspace, 1, seconds, lost)
        command = [sys.executable, "-m", "provisioner", "apply", "-y", "-e", "dev"]
        applied = subprocess.run(
            [*command, "-C", str(shop.root)], capture_output=True, text=True, check=False
        )
        assert applied.returncode in (0, 4), applied.stderr
        assert "Traceback" not in applied.stderr
        assert_created_once(run, workspace)

    cells.run([(seconds, lost) for seconds in SECONDS for lost in (False, True)], check, quick=1)


def lag(workspace, reads, seconds, lost):
    """An empty workspace whose reads lag, and where the answer to a create may be lost."""
    workspace.call("POST", "/__emulator__/reset", {})
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    secret = {"scope": "keys", "key": "openai", "string_value": "sk-x"}
    workspace.call("POST", "/api/2.0/secrets/put", secret)
    workspace.call("POST", "/__emulator__/lag", {"reads": reads, "seconds": seconds})
    if lost:
        rule = {"method": "POST", "path": ENDPOINTS, "phase": "after", "action": LOST}
        workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})


def assert_created_once(run, workspace):
    workspace.call("POST", "/__emulator__/lag", {})
    assert run("apply", "-y").code == 0
    log = workspace.call("GET", "/__emulator__/requests")["requests"]
    creates = [entry for entry in log if (entry["method"], entry["path"]) == ("POST", ENDPOINTS)]
    # A lost answer is logged as 0, and the fault of these tests breaks off after the commit.
    committed = [entry for entry in creates if entry["status"] in (0, 200)]
    assert len(committed) == 1, [entry["status"] for entry in creates]
    assert run("plan", "--detailed-exitcode").code == 0


def test_a_workspace_that_cannot_be_reached_is_never_replaced_by_a_local_one(shop, run):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{closed.getsockname()[1]}"
        shop.write("environments/dev.yaml", f"workspace: {{host: {host}}}\n")
        failed = run("apply", "-y")
    assert failed.code == 1
    assert host in failed.err
    assert not (shop.root / ".provisioner").exists()
    servers = [each for each in threading.enumerate() if each.name == "local-workspace"]
    # The one that this session's tests share.
    assert len(servers) == 1


def test_an_update_that_reads_do_not_show_yet_is_done_and_said_so(shop, run, workspace):
    assert run("apply", "-y").code == 0
    shop.write("manifests/all.yaml", MANIFEST.replace("value: ml", "value: search"))
    # Longer than the tool waits for a write to show: its clock skips the waits in tests.
    workspace.call("POST", "/__emulator__/lag", {"reads": 1, "seconds": 60})
    applied = run("apply", "-y")
    assert applied.code == 0, applied.out + applied.err
    assert "does not show `tags[team].value` yet" in applied.out + applied.err
    workspace.call("POST", "/__emulator__/lag", {})
    assert run("plan", "--detailed-exitcode").code == 0
