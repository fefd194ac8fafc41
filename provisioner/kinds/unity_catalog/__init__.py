"""What the kinds below a schema of Unity Catalog have in common; no kind itself."""
