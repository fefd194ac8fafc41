"""Every route of the local workspace, area by area."""

from __future__ import annotations

from provisioner.emulator import (
    control,
    grants,
    identity,
    inference,
    model_versions,
    permissions,
    principals,
    registered_models,
    registration,
    scim,
    secrets,
    serving,
    serving_logs,
    serving_metrics,
    serving_power,
    serving_telemetry,
    serving_throughput,
    serving_updates,
    sql,
)

ROUTES = (
    *identity.ROUTES,
    *serving.ROUTES,
    *serving_updates.ROUTES,
    *serving_logs.ROUTES,
    *serving_metrics.ROUTES,
    *serving_power.ROUTES,
    *serving_telemetry.ROUTES,
    *serving_throughput.ROUTES,
    *permissions.ROUTES,
    *secrets.ROUTES,
    *inference.ROUTES,
    *control.ROUTES,
    *principals.ROUTES,
    *registered_models.ROUTES,
    *model_versions.ROUTES,
    *grants.ROUTES,
    *registration.ROUTES,
    *scim.ROUTES,
    *sql.ROUTES,
)
