"""Words of Databricks bundles that concern resources of several kinds.

Source: databricks/cli bundle/config/resources and bundle/config/root.go.
"""

from __future__ import annotations

from typing import Final

PERMISSIONS: Final = "permissions"
"""Grants, of the bundle, of a target or of one resource."""
LEVEL: Final = "level"
PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")

FULL_NAMES: Final = {
    "registered_models": ("catalog_name", "schema_name", "name"),
    "schemas": ("catalog_name", "name"),
    "volumes": ("catalog_name", "schema_name", "name"),
}
"""Kinds whose id is a full name of Unity Catalog, with the fields that it is made of."""
