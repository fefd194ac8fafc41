"""``validate``: checks manifests offline."""
