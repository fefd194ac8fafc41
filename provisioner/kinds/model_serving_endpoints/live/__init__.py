"""Reads and writes endpoints of a workspace."""
