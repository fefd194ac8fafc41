"""Databricks bundles as projects: read, folded by target and written in our terms, offline.

``files`` reads the bundle with its includes, ``fold`` lays a target over it as the CLI does,
``references`` replaces what only a bundle knows, ``targets`` makes environments, ``layout``
decides what environments share, ``documents`` makes the manifests, and ``validation`` reports what
an import loses.
"""
