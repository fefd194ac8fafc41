"""``fmt``: one order and indentation for project files."""
