"""``diff A B``: two environments side by side."""
