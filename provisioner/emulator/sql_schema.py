"""A type of Databricks SQL as a JSON Schema, for ai_query's responseFormat. Pure."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

Type = exp.DataType.Type
SCALARS = {
    Type.BOOLEAN: "boolean",
    Type.TINYINT: "integer",
    Type.SMALLINT: "integer",
    Type.INT: "integer",
    Type.BIGINT: "integer",
    Type.FLOAT: "number",
    Type.DOUBLE: "number",
    Type.DECIMAL: "number",
}


def of(data_type: exp.DataType) -> dict[str, Any]:
    """What has no word of its own in JSON is text."""
    if data_type.this == Type.STRUCT:
        fields = {field.name: of(field.args["kind"]) for field in data_type.expressions}
        return {"type": "object", "properties": fields, "required": [*fields]}
    if data_type.this == Type.ARRAY:
        return {"type": "array", "items": of(data_type.expressions[0])}
    return {"type": SCALARS.get(data_type.this, "string")}
