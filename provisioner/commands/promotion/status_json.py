"""Released values of all environments as JSON, in a stable shape."""

from __future__ import annotations

from typing import Any

from provisioner.commands.promotion.status_model import (
    EnvironmentColumn,
    Lead,
    PromotionStatus,
    StatusCell,
    VariableRow,
)
from provisioner.rendering.problems import to_json as problems_to_json


def to_json(status: PromotionStatus) -> dict[str, Any]:
    """``{"project", "offline", "environments": [...], "variables": [...]}``."""
    return {
        "project": status.project,
        "offline": status.offline,
        "environments": [_environment(one, status.offline) for one in status.columns],
        "variables": [_variable(row) for row in status.rows],
    }


def _environment(one: EnvironmentColumn, offline: bool) -> dict[str, Any]:
    return {
        "name": one.environment,
        "promotes_from": one.promotes_from or None,
        "workspace": one.host or None,
        "reached": None if offline else one.reached,
        "problems": problems_to_json(one.problems)["diagnostics"],
    }


def _variable(row: VariableRow) -> dict[str, Any]:
    return {"name": row.name, "environments": {at: _cell(one) for at, one in row.cells.items()}}


def _cell(cell: StatusCell) -> dict[str, Any]:
    one = cell.released
    return {
        "value": cell.value,
        "released": cell.is_released,
        "state": str(cell.state),
        "previous": one.previous,
        "from": one.source or None,
        "alias": one.alias or None,
        "rolled_back": one.rolled_back,
        "at": one.at or None,
        "commit": one.commit or None,
        "verified": one.verified or None,
        "rejected": list(one.rejected),
        "ahead": [_distance(each) for each in cell.leads],
    }


def _distance(one: Lead) -> dict[str, Any]:
    return {
        "of": one.of,
        "is_alias": one.alias,
        "value": one.value,
        "by": one.by,
        "rejected": one.rejected,
    }
