"""A process that is killed around any of its writes: the same command again heals it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import catalog_apply
import mixed_apply
import pytest
from killing_proxy import MOMENTS, Watch, watched
from proof_cells import Cells
from proofs import FULL

ROOT = Path(__file__).parents[3]
ENVIRONMENT = "workspace: {{host: {}}}\nmanifests: [manifests/*.yaml]\n"
PROGRAM = (sys.executable, "-m", "provisioner")
GUARD = "guard: {destructive_percent: 100, destructive_count: 10}\n"


@dataclass
class Shop:
    """A repository before the mixed apply, and ways to apply it."""

    repository: object
    workspace: object
    run: Callable[..., object]
    url: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    mix: Any = mixed_apply

    def prepare(self) -> None:
        self.through(self.workspace.server.url)
        self.mix.prepare(self.repository.root, self.run, self.workspace.call)

    def through(self, url: str) -> None:
        """Lets the environment reach the workspace at ``url``."""
        self.repository.write("environments/dev.yaml", ENVIRONMENT.format(url) + GUARD)

    def start(self, *words: str, program: tuple[str, ...] = PROGRAM) -> subprocess.Popen[bytes]:
        """Starts the command as a process of its own."""
        command = [*program, *words, "-e", "dev"]
        return subprocess.Popen(
            [*command, "-C", str(self.repository.root)],
            env={**os.environ, **self.mix.KEYS},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def heals(self, expected: object, url: str = "") -> None:
        """Applies again and asserts that the workspace is as if nothing had happened."""
        self.through(url or self.workspace.server.url)
        again = self.run("apply", "-y", *self.mix.CONSENT)
        assert again.code == 0, again.err
        assert self.run("plan", "--detailed-exitcode").code == 0
        found = mixed_apply.differences(self.mix.world(self.workspace.call), expected)
        assert not found, "\n".join(found)
        created = self.mix.creates(self.workspace.call)
        assert all(created[name] <= 1 for name in self.mix.CREATED)
        assert created["written to foreign"] == 0


@pytest.fixture
def mix():
    return mixed_apply


@pytest.fixture
def shop(repository, workspace, run, mix, monkeypatch):
    for name, value in mix.KEYS.items():
        monkeypatch.setenv(name, value)
    return Shop(repository, workspace, run, mix=mix)


def uninterrupted(shop: Shop) -> tuple[object, int]:
    """The workspace after the whole apply, and the number of its writes."""
    shop.prepare()
    result = shop.run("apply", "-y", *shop.mix.CONSENT)
    assert result.code == 0, result.err
    writes = len(shop.workspace.writes())
    assert shop.run("plan", "--detailed-exitcode").code == 0
    return shop.mix.world(shop.workspace.call), writes


# Both mixes hold every sort of step: of endpoints and scopes, and of Unity Catalog's kinds.
both_mixes = pytest.mark.parametrize(
    "mix", [mixed_apply, catalog_apply], ids=["endpoints", "catalog"]
)
IN_PROOFS = pytest.mark.skipif(not FULL, reason="a second mix takes seconds; make proofs")
both_mixes_in_proofs = pytest.mark.parametrize(
    "mix",
    [
        pytest.param(mixed_apply, id="endpoints"),
        pytest.param(catalog_apply, id="catalog", marks=IN_PROOFS),
    ],
)


@both_mixes
@pytest.mark.proof("kill")
def test_a_kill_around_any_write_is_healed_by_the_same_command(
    shop: Shop, mix: Any, cells: Cells
) -> None:
    expected, writes = uninterrupted(shop)
    cases = [
        (number, moment, parallelism)
        for parallelism in (1, 8)
        for number in range(writes)
        for moment in MOMENTS
    ]

    def check(case: tuple[int, str, int], _: random.Random) -> None:
        number, moment, parallelism = case
        shop.prepare()
        watch = Watch(number, moment)
        with watched(shop.workspace.server.url, watch) as url:
            shop.through(url)
            process = shop.start("apply", "-y", *mix.CONSENT, "--parallelism", str(parallelism))
            watch.act = process.kill
            code = process.wait(120)
            process.stderr.close()
        assert watch.acted, "the process ended before that write"
        assert code in (0, -signal.SIGKILL), code
        shop.heals(expected)

    cells.run(cases, check, quick=2)


@both_mixes_in_proofs
@pytest.mark.proof("signals")
def test_a_signal_at_any_moment_ends_without_a_traceback(
    shop: Shop, mix: Any, cells: Cells
) -> None:
    expected, _ = uninterrupted(shop)
    sorts = (("SIGINT",), ("SIGTERM",), ("SIGINT", "SIGINT"), ("SIGTERM", "SIGINT"))
    cases = [(trial, *sort) for trial in range(30) for sort in sorts]

    def check(case: tuple[int, str], chance: random.Random) -> None:
        shop.prepare()
        process = shop.start("apply", "-y", *mix.CONSENT)
        for name in case[1:]:
            try:
                process.wait(chance.uniform(0.2, 2.5))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.Signals[name])
        _, errors = process.communicate(timeout=60)
        assert b"Traceback" not in errors, errors
        # Before Python has set its own handler, the system ends the process.
        assert process.returncode in (0, 4, 130, -signal.SIGTERM, -signal.SIGINT), errors
        wait_until_quiet(shop.workspace)
        shop.heals(expected)

    cells.run(cases, check, quick=1)


@both_mixes_in_proofs
@pytest.mark.proof("signals")
def test_a_run_that_was_frozen_around_any_write_does_no_harm(
    shop: Shop, mix: Any, cells: Cells
) -> None:
    """A frozen process goes on after another run has done everything."""
    expected, writes = uninterrupted(shop)
    cases = [(number, moment) for number in range(writes) for moment in ("before", "answered")]

    def check(case: tuple[int, str], _: random.Random) -> None:
        number, moment = case
        shop.prepare()
        # The proxy drops a write that it stops before, so the frozen run also lost a request.
        watch = Watch(number, moment)
        with watched(shop.workspace.server.url, watch) as url:
            shop.through(url)
            process = shop.start("apply", "-y", *mix.CONSENT)
            watch.act = lambda: process.send_signal(signal.SIGSTOP)
            wait_until_stopped(process)
            shop.heals(expected)
            process.send_signal(signal.SIGCONT)
            _, errors = process.communicate(timeout=120)
        assert b"Traceback" not in errors, errors
        shop.heals(expected)

    cells.run(cases, check, quick=1)


def wait_until_quiet(workspace: Any) -> None:
    """Returns when no request of the process that was ended is under way any more.

    The second signal ends a process at once, and what it sent before may arrive later.
    """
    before = -1
    while before != len(workspace.requests()):
        before = len(workspace.requests())
        time.sleep(0.2)


def wait_until_stopped(process: subprocess.Popen[bytes]) -> None:
    """Returns when ``process`` is stopped or over."""
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


@both_mixes_in_proofs
@pytest.mark.proof("signals")
def test_a_login_that_expires_in_mid_run_is_renewed(shop: Shop, mix: Any, monkeypatch) -> None:
    expected, _ = uninterrupted(shop)
    shop.prepare()
    tokens = []

    def expiring(path: str, data: bytes) -> bytes:
        """A token of OAuth that is over in a second."""
        if path != "/oidc/v1/token":
            return data
        tokens.append(path)
        return json.dumps({**json.loads(data), "expires_in": 1}).encode()

    monkeypatch.setenv("DATABRICKS_CLIENT_ID", "client")
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", os.environ["DATABRICKS_TOKEN"])
    monkeypatch.delenv("DATABRICKS_TOKEN")
    with watched(shop.workspace.server.url, Watch(rewrite=expiring)) as url:
        shop.through(url)
        result = shop.run("apply", "-y", *mix.CONSENT)
        assert result.code == 0, result.err
        assert len(tokens) > 1
        shop.heals(expected, url)


LIMITED = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    "sys.argv[0] = 'provisioner'; from provisioner.__main__ import run; run()"
)
WRITING = (
    ("plan", "--out", "plan.json"),
    ("plan", "--report", "json=report.json"),
    ("apply", "-y", "--report", "junit=report.xml", *mixed_apply.CONSENT),
    ("import", "*", "--to", "manifests/imported.yaml"),
    ("schema", "--write", "schemas"),
    ("fmt", "manifests"),
    ("plan", "-e", "local"),
)


@pytest.mark.proof("signals")
@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[0] + words[1])
def test_a_full_disk_is_an_error_and_leaves_no_half_a_file(shop: Shop, words) -> None:
    shop.prepare()
    root = shop.repository.root
    local = "workspace: {emulator: local.sqlite}\nmanifests: [manifests/*.yaml]\n"
    shop.repository.write("environments/local.yaml", local)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    takes_none = words[0] in ("schema", "fmt") or "-e" in words
    environment = [] if takes_none else ["-e", "dev"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *words, *environment, "-C", str(root)],
        cwd=root,
        env={**os.environ, **mixed_apply.KEYS, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 4), done.stderr
    assert "error[E" in done.stderr
    assert "Traceback" not in done.stderr
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert {path: data for path, data in after.items() if data} == before
