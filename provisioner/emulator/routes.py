"""Every route of the local workspace, area by area."""

from __future__ import annotations

from provisioner.emulator import control, openapi, workspace_files, workspace_permissions
from provisioner.emulator.identity import authentication, principals, scim
from provisioner.emulator.inference import api as inference
from provisioner.emulator.inference import payloads, service_queries
from provisioner.emulator.secrets import api as secrets
from provisioner.emulator.serving import api as serving
from provisioner.emulator.serving import (
    lag,
    metrics,
    observability,
    permissions,
    power,
    throughput,
    transitions,
    updates,
)
from provisioner.emulator.sql import api as sql
from provisioner.emulator.unity_catalog import (
    catalog_secrets,
    connections,
    external_functions,
    grants,
    metastore,
    model_versions,
    models,
    namespace_api,
    registration,
    services,
)

ROUTES = (
    *authentication.ROUTES,
    *serving.ROUTES,
    *updates.ROUTES,
    *observability.ROUTES,
    *metrics.ROUTES,
    *power.ROUTES,
    *throughput.ROUTES,
    *permissions.ROUTES,
    *secrets.ROUTES,
    *service_queries.ROUTES,
    *inference.ROUTES,
    *payloads.ROUTES,
    *control.ROUTES,
    *principals.ROUTES,
    *models.ROUTES,
    *model_versions.ROUTES,
    *grants.ROUTES,
    *namespace_api.ROUTES,
    *metastore.ROUTES,
    *catalog_secrets.ROUTES,
    *services.ROUTES,
    *connections.ROUTES,
    *external_functions.ROUTES,
    *registration.ROUTES,
    *scim.ROUTES,
    *sql.ROUTES,
    *openapi.ROUTES,
    *transitions.ROUTES,
    *control.PAGE_ROUTES,
    *workspace_files.ROUTES,
    *workspace_permissions.ROUTES,
    *lag.ROUTES,
)
