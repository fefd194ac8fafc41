"""Queries, checks and client snippets for an endpoint."""
