"""Pydantic models of a serving endpoint: its fields and the rules of each field."""
