"""The command line against the local workspace, as a user types it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefork import preforked
from scenes import Scenes
from skipping_clock import SkippingClock

from provisioner.cli import main
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running

TOKEN = "dapi-acceptance"


@pytest.fixture(scope="session")
def preforked_command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The executable `provisioner` for shell scripts; alone in its folder, for a ``PATH``."""
    with preforked(tmp_path_factory.mktemp("bin")) as command:
        yield command


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Workspace:
    """A local workspace that is served in this process, and a way to look behind it."""

    server: Running

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the workspace as any client would."""
        request = urllib.request.Request(
            self.server.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"{}")

    def endpoint(self, name: str) -> Any:
        return self.call("GET", f"/api/2.0/serving-endpoints/{name}")

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of what was asked since the last ``forget``, in order."""
        log = self.call("GET", "/__emulator__/requests")["requests"]
        return [
            (entry["method"], entry["path"])
            for entry in log
            if not entry["path"].startswith("/__emulator__")
        ]

    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.requests() if method != "GET"]

    def forget(self) -> None:
        """Empty the request log."""
        self.call("POST", "/__emulator__/reset", {"what": "log"})


@pytest.fixture(autouse=True)
def _no_waiting(skipping_clock: SkippingClock) -> None:
    """Commands that run in this process wait for polls and retries without taking time."""


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Scenes:
    """Folders that are built once a session, and copied for each test."""
    folder = tmp_path_factory.getbasetemp()
    # The folder of a worker lies in that of the session.
    root = (folder.parent if hasattr(request.config, "workerinput") else folder) / "scenes"
    root.mkdir(exist_ok=True)
    return Scenes(root)


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    with running(Settings(token=TOKEN, strict=True)) as started:
        yield started


@pytest.fixture
def workspace(server: Running, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace, and a login for it in the environment."""
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    empty = Workspace(server)
    empty.call("POST", "/__emulator__/reset", {})
    return empty


@dataclass(frozen=True)
class Repository:
    """A user's repository with the environment ``dev`` on the workspace."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def endpoint(self, text: str) -> Path:
        """Write ``manifests/endpoint.yaml``: one endpoint with the address key ``chat``."""
        lines = "\n".join(f"      {line}" for line in text.strip("\n").splitlines())
        return self.write(
            "manifests/endpoint.yaml",
            f"resources:\n  model_serving_endpoints:\n    chat:\n{lines}\n",
        )


@pytest.fixture
def repository(tmp_path: Path, workspace: Workspace) -> Repository:
    made = Repository(tmp_path)
    made.write("provisioner.yaml", "project: shop\n")
    made.write(
        "environments/dev.yaml",
        f"workspace: {{host: {workspace.server.url}}}\nmanifests: [manifests/*.yaml]\n"
        # Most scenes hold one or two endpoints, of which each is a large share.
        "guard: {destructive_percent: 100}\n",
    )
    return made


Run = Callable[..., Result]


@pytest.fixture
def run(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in the repository, for the environment ``dev`` where it takes one."""

    def call(*words: str) -> Result:
        capsys.readouterr()
        takes_none = words[0] in {"schema", "explain", "diff", "show", "policy"}
        environment = [] if takes_none or "-e" in words else ["-e", "dev"]
        is_given = "-C" in words or words[0] in {"schema", "explain", "show"}
        folder = [] if is_given else ["-C", str(repository.root)]
        ahead = 2 if words[0] in {"rollout", "emulator", "policy"} else 1
        code = main([*words[:ahead], *environment, *folder, *words[ahead:]])
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return call
