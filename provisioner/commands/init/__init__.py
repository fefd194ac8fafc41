"""``init``: a starter repository."""
