"""Decisions about the changes of an endpoint, and the calls that carry them out."""
