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
        "environments": [_environment(column, status.offline) for column in status.columns],
        "variables": [_variable(row) for row in status.rows],
    }


def _environment(column: EnvironmentColumn, offline: bool) -> dict[str, Any]:
    return {
        "name": column.environment,
        "promotes_from": column.promotes_from or None,
        "workspace": column.host or None,
        "reached": None if offline else column.reached,
        "problems": problems_to_json(column.problems)["diagnostics"],
    }


def _variable(row: VariableRow) -> dict[str, Any]:
    return {"name": row.name, "environments": {at: _cell(cell) for at, cell in row.cells.items()}}


def _cell(cell: StatusCell) -> dict[str, Any]:
    released = cell.released
    return {
        "value": cell.value,
        "released": cell.is_released,
        "state": str(cell.state),
        "previous": released.previous,
        "from": released.source or None,
        "alias": released.alias or None,
        "rolled_back": released.rolled_back,
        "at": released.at or None,
        "commit": released.commit or None,
        "verified": released.verified or None,
        "rejected": list(released.rejected),
        "ahead": [_distance(each) for each in cell.leads],
    }


def _distance(lead: Lead) -> dict[str, Any]:
    return {
        "of": lead.of,
        "is_alias": lead.alias,
        "value": lead.value,
        "by": lead.by,
        "rejected": lead.rejected,
    }
