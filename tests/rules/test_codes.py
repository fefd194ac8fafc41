"""Every code of a problem is explained, and every explained code is used."""

from __future__ import annotations

import re
from pathlib import Path

from provisioner.errors.codes import explanations

PACKAGE = Path(__file__).parents[2] / "provisioner"


def used_codes() -> set[str]:
    pattern = re.compile(r"[\"']([EW]\d{3})[\"']")
    sources = [file for file in PACKAGE.rglob("*.py") if file.stem != "codes"]
    return {code for file in sources for code in pattern.findall(file.read_text(encoding="utf-8"))}


def test_every_code_that_is_used_is_explained() -> None:
    assert used_codes() - set(explanations()) == set()


def test_every_code_that_is_explained_is_used() -> None:
    assert set(explanations()) - used_codes() == set()
