"""``graph``: pictures of what the manifests connect."""
