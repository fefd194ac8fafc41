"""Two and three runs at once: nothing is replaced or deleted twice, whoever wins."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections import Counter

import catalog_apply
import mixed_apply
import pytest
from proof_cells import Cells
from proofs import FULL, depth

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running
from tests.acceptance.promises.test_kill_matrix import Shop, uninterrupted

TOKEN = "dapi-races"
ENDPOINTS = "/api/2.0/serving-endpoints"
TRIALS = depth(2, 200)
LATENCY_MS = 40
pytestmark = pytest.mark.proof("races")
MANIFEST = """
resources:
  model_serving_endpoints:
    chat:
      name: chat
      route_optimized: ROUTED
      config:
        served_entities:
          - {name: m, entity_name: system.ai.model, entity_version: "1", workload_size: Small,
             scale_to_zero_enabled: true}
removed: {model_serving_endpoints: {old: {name: old, delete: true}}}
"""


@pytest.fixture
def race(tmp_path, preforked_command):
    """A repository on a workspace of its own, and a way to apply it N times at once."""
    with running(Settings(token=TOKEN, latency_ms=LATENCY_MS)) as server:
        yield Race(server, tmp_path, preforked_command)


class Race:
    def __init__(self, server, root, program):
        self.server, self.root, self.program = server, root, program
        (root / "provisioner.yaml").write_text("project: shop\n")
        (root / "environments").mkdir()
        (root / "manifests").mkdir()
        (root / "environments/dev.yaml").write_text(
            f"workspace: {{host: {server.url}}}\nmanifests: [manifests/*.yaml]\n"
            "guard: {destructive_percent: 100, destructive_count: 10}\n"
        )

    def call(self, method, path, body=None):
        from provisioner.workspace import WorkspaceTarget, connect

        target = WorkspaceTarget(host=self.server.url, token=TOKEN)
        with connect(target, {}, "races/1") as connection:
            if method == "GET":
                return connection.get(path)
            return connection.send(method, path, body, repeatable=True)

    def command(self, *words):
        return [str(self.program), *words, "-e", "dev", "-C", str(self.root)]

    def prepared(self):
        """The endpoint as it was, another one to delete, and manifests that replace the first."""
        self.call("POST", "/__emulator__/reset", {})
        both = MANIFEST.split("removed:")[0].replace("ROUTED", "false")
        old = both.replace("chat", "old").split("model_serving_endpoints:\n")[1]
        (self.root / "manifests/all.yaml").write_text(both + old)
        environment = {**os.environ, "DATABRICKS_TOKEN": TOKEN}
        subprocess.run(
            self.command("apply", "-y"), env=environment, check=True, capture_output=True
        )
        (self.root / "manifests/all.yaml").write_text(MANIFEST.replace("ROUTED", "true"))
        self.call("POST", "/__emulator__/reset", {"what": "log"})

    def run(self, count, chance):
        """Exit codes of ``count`` applies that begin within a tenth of a second."""
        environment = {**os.environ, "DATABRICKS_TOKEN": TOKEN}
        words = ("apply", "-y", "--allow-replace", "model_serving_endpoints.chat")
        started = []
        for _ in range(count):
            started.append(
                subprocess.Popen(
                    self.command(*words),
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            chance.wait()
        return [process.wait(120) for process in started]

    def done(self):
        """How often each endpoint was really deleted and created."""
        log = self.call("GET", "/__emulator__/requests")["requests"]
        return Counter(
            (entry["method"], entry["path"].removeprefix(ENDPOINTS).strip("/"))
            for entry in log
            if entry["method"] in ("POST", "DELETE")
            and entry["path"].startswith(ENDPOINTS)
            and entry["status"] < 300
        )


class Delays:
    """Seeded pauses between the starts of processes."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def wait(self):
        time.sleep(self.random.uniform(0, 0.1))


@pytest.mark.parametrize("seed", range(TRIALS))
def test_nothing_is_replaced_or_deleted_twice(race, seed):
    race.prepared()
    codes = race.run(2 + seed % 2, Delays(seed))
    done = race.done()
    assert set(codes) <= {0, 1, 4}, codes
    assert done[("DELETE", "chat")] <= 1, (codes, done)
    assert done[("DELETE", "old")] <= 1, (codes, done)
    assert done[("POST", "")] <= 1, (codes, done)
    assert race.run(1, Delays(seed)) == [0]
    assert race.call("GET", f"{ENDPOINTS}/chat")["route_optimized"] is True


@pytest.mark.skipif(not FULL, reason="waits in real time; make proofs PART=races")
@pytest.mark.parametrize("seed", range(TRIALS // 10 or 1))
def test_nothing_is_replaced_or_deleted_twice_while_reads_lag(race, seed):
    race.prepared()
    race.call("POST", "/__emulator__/lag", {"reads": 1, "seconds": 5})
    codes = race.run(2 + seed % 2, Delays(seed))
    done = race.done()
    assert set(codes) <= {0, 1, 4}, codes
    assert done[("DELETE", "chat")] <= 1, (codes, done)
    assert done[("DELETE", "old")] <= 1, (codes, done)
    race.call("POST", "/__emulator__/lag", {})
    assert race.run(1, Delays(seed)) == [0]


@pytest.fixture
def mix():
    return catalog_apply


@pytest.fixture
def shop(repository, workspace, run, mix, monkeypatch):
    for name, value in mix.KEYS.items():
        monkeypatch.setenv(name, value)
    return Shop(repository, workspace, run, mix=mix)


SLOW = {"path": "/api/**", "times": 0, "action": {"delay_ms": LATENCY_MS}}
IN_PROOFS = pytest.mark.skipif(not FULL, reason="make proofs PART=races")
MIXES = [
    pytest.param(mixed_apply, id="endpoints and scopes", marks=IN_PROOFS),
    pytest.param(catalog_apply, id="Unity Catalog"),
]


@pytest.mark.parametrize("mix", MIXES)
def test_runs_at_once_do_nothing_twice_with_every_sort_of_step(
    shop: Shop, preforked_command, cells: Cells
):
    """With reads that are up to date (0 s), and with reads that lag."""
    expected, _ = uninterrupted(shop)
    cases = [(trial, 2 + trial % 2, 0) for trial in range(60)]
    cases += [(trial, 2 + trial % 2, 5) for trial in range(6)]

    def check(case: tuple[int, int, int], chance: random.Random) -> None:
        _, count, lag_s = case
        shop.prepare()
        call = shop.workspace.call
        call("POST", "/__emulator__/faults", {"rules": [SLOW]})
        if lag_s:
            call("POST", "/__emulator__/lag", {"reads": 1, "seconds": lag_s})
        words = ("apply", "-y", *shop.mix.CONSENT)
        started = []
        for _ in range(count):
            started.append(shop.start(*words, program=(str(preforked_command),)))
            time.sleep(chance.uniform(0, 0.1))
        errors = [process.communicate(timeout=180)[1].decode() for process in started]
        call("DELETE", "/__emulator__/faults")
        call("POST", "/__emulator__/lag", {})
        codes = [process.returncode for process in started]
        assert set(codes) <= {0, 1, 4}, errors
        assert not [text for text in errors if "Traceback" in text or "E811" in text]
        log = call("GET", "/__emulator__/requests")["requests"]
        deleted = Counter(
            entry["path"] for entry in log if entry["method"] == "DELETE" and entry["status"] < 300
        )
        assert max(deleted.values(), default=0) <= 1, (codes, deleted)
        shop.heals(expected)

    cells.run(cases, check, quick=1)
