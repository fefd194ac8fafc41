"""What every test can rely on: the loopback only, a clean environment, golden files."""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from proofs import FULL
from skipping_clock import SkippingClock, install

# Counts what `make proofs` tries.
pytest_plugins = ["proof_cells"]
# In `make test` the same examples every time, so that a red run is never chance; `make
# proofs` looks further each time.
settings.register_profile("default", deadline=None, max_examples=30, derandomize=True)
settings.register_profile("proofs", deadline=None, max_examples=5000)
settings.load_profile("proofs" if FULL else "default")

# `make browser` brings its library along; `make test` gets by without a browser.
collect_ignore = [] if find_spec("playwright") else ["browser"]

GOLDEN = Path(__file__).parent / "golden"
FOREIGN = (
    "DATABRICKS_",
    "PROVISIONER_VAR_",
    "ARM_",
    "AWS_",
    "GOOGLE_",
    "OPENAI_",
    "ANTHROPIC_",
    "COHERE_",
)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Write golden files instead of comparing."
    )


def pytest_collection_finish() -> None:
    """Keeps the collector from reading 8,000 tests again and again: a twelfth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_sessionfinish() -> None:
    """What was left alone is collected in the end: libraries complain about what is not."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> None:
    """A developer's logins and proxies must not reach a test, nor what it starts."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.lower() in PROXIES:
            del os.environ[name]
    os.environ["NO_COLOR"] = "1"
    os.environ["DATABRICKS_CONFIG_FILE"] = os.devnull
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A run in the background ignores Ctrl-C, and so would every program that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> None:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def checked(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "127.0.0.1"
        if host not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = checked  # type: ignore[method-assign, assignment]


@pytest.fixture
def skipping_clock(monkeypatch: pytest.MonkeyPatch) -> SkippingClock:
    """Replaces the clocks of the tool in this process: its waits take no time."""
    return install(monkeypatch)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with ``tests/golden/NAME``; --update-golden writes it instead."""

    def same(name: str, text: str) -> None:
        expected = GOLDEN / name
        if request.config.getoption("--update-golden"):
            expected.parent.mkdir(parents=True, exist_ok=True)
            expected.write_text(text, encoding="utf-8")
        assert expected.is_file(), f"{expected.name} is new: run with --update-golden, read it"
        found = expected.read_text(encoding="utf-8")
        assert text == found, f"{expected.name} differs: run with --update-golden, read the diff"

    return same
