"""Made-up predictions of custom models: a number for each row that was sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from provisioner.emulator.http.routing import ApiError, invalid

# rules(documented): A query of a custom model has one of the four documented forms of input.
#     [serving-api 6.1]

MADE_UP = "made_up_feature"


def read(body: Mapping[str, Any]) -> list[Any]:
    """Returns the rows of a query. Raises ApiError 400 unless it has one form of input.
    [serving-api 6.1]
    """
    given = [field for field in READERS if field in body]
    if len(given) != 1:
        raise ApiError(
            400,
            "BAD_REQUEST",
            "Invalid input. The body must hold exactly one of 'dataframe_split', "
            f"'dataframe_records', 'instances' and 'inputs'; it holds {given or 'none of them'}.",
        )
    return READERS[given[0]](body[given[0]])


def answer(rows: Sequence[Any], entity: str) -> dict[str, Any]:
    """Returns a prediction for each row."""
    return {"predictions": [_prediction(row, entity) for row in rows]}


def features(rows: Sequence[Any], entity: str) -> dict[str, Any]:
    """Returns what feature serving answers: an object for each row. [serving-api 6.2]"""
    outputs = [
        {**(row if isinstance(row, Mapping) else {}), MADE_UP: _prediction(row, entity)}
        for row in rows
    ]
    return {"outputs": outputs}


def _prediction(row: Any, entity: str) -> float:
    """Returns the same number from 0 to 1 for the same row and served entity."""
    text = json.dumps([entity, row], sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 16**6


def _split(frame: Any) -> list[Any]:
    if not isinstance(frame, Mapping) or not isinstance(frame.get("data"), list):
        raise invalid("dataframe_split must be an object with 'columns' and 'data'")
    columns = frame.get("columns")
    rows: list[Any] = frame["data"]
    if columns is None:
        return rows
    if not isinstance(columns, list):
        raise invalid("dataframe_split.columns must be a list of names")
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            raise invalid(f"dataframe_split.data[{index}] must be a list of {len(columns)} values")
    return rows


def _records(records: Any) -> list[Any]:
    if not isinstance(records, list) or not all(isinstance(row, Mapping) for row in records):
        raise invalid("dataframe_records must be a list of objects")
    return records


def _instances(rows: Any) -> list[Any]:
    if not isinstance(rows, list) or not rows:
        raise invalid("instances must be a list that is not empty")
    return rows


def _inputs(given: Any) -> list[Any]:
    """Reads a tensor by rows, or an object of columns of the same length."""
    if isinstance(given, list) and given:
        return given
    if not isinstance(given, Mapping) or not given:
        raise invalid("inputs must be a list or an object that is not empty")
    columns = [value if isinstance(value, list) else [value] for value in given.values()]
    if len({len(column) for column in columns}) != 1:
        raise invalid("inputs must hold columns of the same length")
    return [list(row) for row in zip(*columns, strict=True)]


READERS: Mapping[str, Callable[[Any], list[Any]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
