"""``schema``: the JSON Schemas and the table of fields."""
