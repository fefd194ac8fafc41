"""The words of a promotion status: which commands bring the environments level."""

from __future__ import annotations

from provisioner.commands.promotion.status_model import (
    EnvironmentColumn,
    Lead,
    PromotionStatus,
    StatusCell,
    VariableRow,
)
from provisioner.commands.promotion.status_words import next_steps


def status_of(**cells: StatusCell) -> PromotionStatus:
    """One variable ``v`` in the environments that are named; `_` in a name stands for `-`."""
    named = {name.replace("_", "-"): cell for name, cell in cells.items()}
    return PromotionStatus("shop", tuple(map(EnvironmentColumn, named)), (VariableRow("v", named),))


def test_a_command_is_listed_once_although_another_name_begins_like_its_environment() -> None:
    newer = StatusCell("1", leads=(Lead("main.models.m@champion", "2", 1, alias=True),))
    assert next_steps(status_of(dev=StatusCell("2"), dev_eu=newer)) == [
        "provisioner pin -e dev-eu v"
    ]


def test_commands_follow_the_order_of_promotion_and_end_with_the_plan() -> None:
    ahead = StatusCell("2", leads=(Lead("staging", "2", 1),))
    alias = Lead("main.models.m@champion", "3", 1, alias=True)
    both = StatusCell("2", leads=(alias, *ahead.leads))
    assert next_steps(status_of(dev=both, staging=ahead)) == [
        "provisioner pin -e dev v",
        "provisioner promote --from dev --to staging v",
        "provisioner promote --from staging --to staging v",
    ]


def test_what_is_rejected_or_behind_needs_no_command() -> None:
    rejected = Lead("staging", "2", 1, rejected=True)
    behind = Lead("staging", "2", -1)
    assert next_steps(status_of(dev=StatusCell("2", leads=(rejected, behind)))) == []
