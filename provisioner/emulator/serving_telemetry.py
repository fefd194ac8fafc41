"""The call that changes an endpoint's telemetry. Source: serving-api 1.9."""

from __future__ import annotations

from provisioner.emulator import serving_answers, serving_rules, telemetry
from provisioner.emulator.routing import Answer, Request, Route, Workspace, invalid
from provisioner.emulator.serving import BASE
from provisioner.emulator.serving_updates import save_touched, settled


def patch(workspace: Workspace, request: Request) -> Answer:
    """Replaces all of it; without a telemetry_config it is removed."""
    record = settled(workspace, request)
    serving_rules.check_not_system(record)
    kind = telemetry.endpoint_type(record)
    if kind != telemetry.CUSTOM:
        # Only the names of two types are known of the service's text.
        raise invalid(
            f"Telemetry is for custom models; endpoint {record['name']} is of the type {kind}."
        )
    serving_rules.check_not_stopped(record)
    serving_rules.check_idle(record)
    sent = request.json().get("telemetry_config")
    record["telemetry"] = {} if sent is None else telemetry.read(sent)
    save_touched(workspace, record)
    return serving_answers.detailed(workspace, request, record)


ROUTES = (Route("PATCH", f"{BASE}/{{name}}/telemetry-config", patch),)
