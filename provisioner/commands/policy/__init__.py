"""``policy``: the cases of policies, and what policies say and match."""
