"""The local workspace: a server that behaves like the Databricks REST API.

Written from the API's documentation and from captured answers; it shares no code and no model
with the rest of the tool, so that a wrong belief of one side shows up in the tests of the other.
"""
