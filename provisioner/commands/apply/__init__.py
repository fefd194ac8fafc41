"""``apply``: which commits may be applied."""
