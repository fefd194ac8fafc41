"""``drift``: differences between manifests and workspace, by category."""
