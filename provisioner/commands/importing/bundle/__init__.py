"""Databricks bundles as projects: read, folded by target and written in our terms, offline.

``files`` reads the bundle with its includes, ``fold`` lays a target over it as the CLI does,
``references`` replaces what only a bundle knows, ``grants`` gives the bundle's permissions to
its resources, ``targets`` makes environments, and ``layout`` decides what environments share.
"""
