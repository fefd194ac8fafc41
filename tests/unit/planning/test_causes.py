"""Every change carries a cause: data for decisions, and one sentence for people."""

from __future__ import annotations

import re
from pathlib import Path

from provisioner.model.plan import Cause

PACKAGE = Path(__file__).parents[3] / "provisioner"


def test_every_cause_is_given_by_some_part_of_the_package():
    modules = [module for module in PACKAGE.rglob("*.py") if module.stem != "plan"]
    text = "\n".join(module.read_text(encoding="utf-8") for module in modules)
    given = set(re.findall(r"\bCause\.([A-Z_]+)", text))
    # The default of a change: its two values say it all.
    assert given | {"DIFFERS"} == set(Cause.__members__)


def test_no_two_causes_have_the_same_sentence():
    sentences = [cause.sentence for cause in Cause if cause.sentence]
    assert len(set(sentences)) == len(sentences)


def test_the_value_of_a_cause_is_its_name_for_other_programs():
    assert {cause.value for cause in Cause} == {name.lower() for name in Cause.__members__}
