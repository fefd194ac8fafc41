"""``doctor``: checks between this machine and a workspace."""
