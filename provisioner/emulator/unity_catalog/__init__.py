"""Registered models, functions and grants of Unity Catalog."""
