"""The words of a promotion status: which commands bring the environments level."""

from __future__ import annotations

from provisioner.commands.promotion.status_model import Cell, Column, Distance, Row, Standing
from provisioner.commands.promotion.status_words import next_steps


def status_of(**cells: Cell) -> Standing:
    """One variable ``v`` in the environments that are named; `_` in a name stands for `-`."""
    named = {name.replace("_", "-"): cell for name, cell in cells.items()}
    return Standing("shop", tuple(map(Column, named)), (Row("v", named),))


def test_a_command_is_listed_once_although_another_name_begins_like_its_environment() -> None:
    newer = Cell("1", distances=(Distance("main.models.m@champion", "2", 1, alias=True),))
    assert next_steps(status_of(dev=Cell("2"), dev_eu=newer)) == ["provisioner pin -e dev-eu v"]


def test_commands_follow_the_order_of_promotion_and_end_with_the_plan() -> None:
    ahead = Cell("2", distances=(Distance("staging", "2", 1),))
    alias = Distance("main.models.m@champion", "3", 1, alias=True)
    both = Cell("2", distances=(alias, *ahead.distances))
    assert next_steps(status_of(dev=both, staging=ahead)) == [
        "provisioner pin -e dev v",
        "provisioner promote --from dev --to staging v",
        "provisioner promote --from staging --to staging v",
    ]


def test_what_is_rejected_or_behind_needs_no_command() -> None:
    rejected = Distance("staging", "2", 1, rejected=True)
    behind = Distance("staging", "2", -1)
    assert next_steps(status_of(dev=Cell("2", distances=(rejected, behind)))) == []
