"""A real browser on pages of ours: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from window import CHROMIUM, opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not os.access(CHROMIUM, os.X_OK):
        pytest.fail(f"no {CHROMIUM}; install it: apt-get install -y chromium")
    with opened() as started:
        yield started
