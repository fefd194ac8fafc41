"""Situations as files, with the plan that a person would see beside each.

Written by the real kinds; ``--update-golden`` writes the texts anew, to be read as a diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from provisioner.kinds import KINDS
from provisioner.model.live import Live, Ownership, Phase, Readiness
from provisioner.model.paths import parse_paths
from provisioner.model.plan import Address, Plan
from provisioner.model.resource import Resource
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext
from provisioner.rendering.plan_text import text
from provisioner.rendering.style import Style

SITUATIONS = sorted((Path(__file__).parents[2] / "golden/plans").glob("*.yaml"))
OURS = {"owner": "shop/prod"}


def pair_of(given):
    kind = KINDS[given["kind"]]
    address = Address(kind.name, given["key"])
    desired, live = given.get("desired"), given.get("live")
    name = (desired or live)["name"]
    return Pair(
        address,
        name,
        desired
        and Resource(
            address,
            name,
            desired,
            given.get("prevent_destroy", False),
            parse_paths(given.get("ignore_changes", ())),
        ),
        live and live_of(given, name),
    )


def live_of(given, name):
    kind = KINDS[given["kind"]]
    ownership = given.get("marks", OURS if kind.is_owned else {})
    if ownership.get("applied") == "as desired":
        ownership = ownership | {"applied": kind.planning.applied_digests(given["desired"])}
    readiness = Readiness(Phase(given.get("phase", "ready")), given.get("message", ""))
    return Live(name, "id", given["live"], "sha256:0", Ownership(**ownership), readiness)


def request_of(given):
    asked = given.get("request", {})
    rotate = frozenset(asked.get("rotate", ()))
    return PlanContext("shop", "prod", **{**asked, "rotate": rotate})


@pytest.mark.parametrize("file", SITUATIONS, ids=lambda file: file.stem)
def test_plan(file, golden):
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    request = request_of(given)
    steps = [plan_step(pair_of(one), KINDS[one["kind"]], request) for one in given["resources"]]
    plan = Plan("shop", "prod", "https://adb-1234.5.azuredatabricks.net", tuple(steps))
    style = Style(**{"width": 80, **given.get("style", {})})
    golden(f"plans/{file.stem}.txt", text(plan, style))
