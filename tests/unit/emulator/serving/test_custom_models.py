"""The unmodified Databricks SDK with everything that is no external model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    OperationFailed,
    PermissionDenied,
    ResourceConflict,
)
from databricks.sdk.service import serving, workspace

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

WAIT = timedelta(seconds=20)
TABLES = serving.UnityCatalogTableNames(logs_table="c.s.logs", traces_table="c.s.traces")


def client_for(server: Any, **credentials: str) -> WorkspaceClient:
    credentials = credentials or {"token": server.token}
    return WorkspaceClient(config=Config(host=server.url, retry_timeout_seconds=5, **credentials))


@pytest.fixture
def sdk(client: Any) -> WorkspaceClient:
    return client_for(client.server)


def model(version: str = "3", **fields: Any) -> serving.ServedEntityInput:
    sent = {"scale_to_zero_enabled": False, "entity_name": "ml.risk.fraud"} | fields
    return serving.ServedEntityInput(entity_version=version, **sent)


def create(
    sdk: WorkspaceClient, *entities: serving.ServedEntityInput, **parts: Any
) -> serving.ServingEndpointDetailed:
    config = serving.EndpointCoreConfigInput("fraud", served_entities=list(entities) or [model()])
    return sdk.serving_endpoints.create_and_wait("fraud", config=config, timeout=WAIT, **parts)


def only(endpoint: serving.ServingEndpointDetailed) -> serving.ServedEntityOutput:
    assert endpoint.config is not None
    (entity,) = endpoint.config.served_entities or []
    return entity


def test_the_life_of_a_custom_model(sdk: WorkspaceClient) -> None:
    created = create(
        sdk,
        model(
            workload_size="Medium",
            workload_type=serving.ServingModelWorkloadType.GPU_SMALL,
            environment_vars={"KEY": "value"},
        ),
    )
    entity = only(created)
    assert (entity.name, entity.workload_size) == ("fraud-3", "Medium")
    assert entity.workload_type is serving.ServingModelWorkloadType.GPU_SMALL
    assert entity.scale_to_zero_enabled is False
    assert entity.environment_vars == {"KEY": "value"}
    updated = sdk.serving_endpoints.update_config_and_wait(
        "fraud",
        served_entities=[
            model("4", name="champion", min_provisioned_concurrency=4),
            model("5", name="challenger", max_provisioned_concurrency=8),
        ],
        traffic_config=serving.TrafficConfig(
            routes=[
                serving.Route(served_entity_name="champion", traffic_percentage=90),
                serving.Route(served_entity_name="challenger", traffic_percentage=10),
            ]
        ),
        timeout=WAIT,
    )
    assert updated.config is not None
    sizes = {each.name: each.workload_size for each in updated.config.served_entities or []}
    assert sizes == {"champion": None, "challenger": None}
    answer = sdk.serving_endpoints.query("fraud", dataframe_records=[{"amount": 1}])
    assert len(answer.predictions or []) == 1
    assert "fraud" in sdk.serving_endpoints.build_logs("fraud", "champion").logs
    metrics = sdk.serving_endpoints.export_metrics("fraud").contents
    openapi = sdk.serving_endpoints.get_open_api("fraud").contents
    assert metrics is not None
    assert openapi is not None
    assert b"request_count_total" in metrics.read()
    assert b'"3.1.0"' in openapi.read()


def test_served_models_as_older_clients_send_them(sdk: WorkspaceClient) -> None:
    older = serving.ServedModelInput(
        model_name="ml.risk.fraud",
        model_version="3",
        scale_to_zero_enabled=True,
        workload_size="Small",
    )
    config = serving.EndpointCoreConfigInput("fraud", served_models=[older])
    created = sdk.serving_endpoints.create_and_wait("fraud", config=config, timeout=WAIT)
    assert only(created).entity_version == "3"


def test_what_is_undefined_is_said_as_the_service_says_it(sdk: WorkspaceClient) -> None:
    undefined = serving.ServedEntityInput(entity_name="ml.risk.fraud", entity_version="3")
    with pytest.raises(InvalidParameterValue, match="scaleToZeroEnabled is undefined"):
        create(sdk, undefined)


def test_a_deployment_that_fails_ends_the_wait(client: Any, sdk: WorkspaceClient) -> None:
    rule = {"endpoint": "fraud", "state": "DEPLOYMENT_ABORTED", "log": "out of memory"}
    client.faults({"deployment": rule})
    with pytest.raises(OperationFailed):
        create(sdk)
    assert "out of memory" in sdk.serving_endpoints.build_logs("fraud", "fraud-3").logs


def test_provisioned_throughput(sdk: WorkspaceClient) -> None:
    llama = {"entity_name": "system.ai.llama_v3_3_70b", "scale_to_zero_enabled": None}
    created = create(
        sdk, model(min_provisioned_throughput=0, max_provisioned_throughput=9500, **llama)
    )
    assert only(created).min_provisioned_throughput == 0
    assert only(created).max_provisioned_throughput == 9500


def units(count: int) -> serving.PtEndpointCoreConfig:
    served = serving.PtServedModel(
        entity_name="system.ai.llama_v3_3_70b", entity_version="2", provisioned_model_units=count
    )
    return serving.PtEndpointCoreConfig(served_entities=[served])


def test_model_units(sdk: WorkspaceClient) -> None:
    made = sdk.serving_endpoints.create_provisioned_throughput_endpoint_and_wait(
        "llama", units(50), tags=[serving.EndpointTag("team", "risk")], timeout=WAIT
    )
    assert only(made).provisioned_model_units == 50
    changed = sdk.serving_endpoints.update_provisioned_throughput_endpoint_config_and_wait(
        "llama", units(150), timeout=WAIT
    )
    assert only(changed).provisioned_model_units == 150
    with pytest.raises(InvalidParameterValue, match="at least one unit"):
        sdk.serving_endpoints.update_provisioned_throughput_endpoint_config("llama", units(0))


def test_telemetry(sdk: WorkspaceClient) -> None:
    sent = serving.TelemetryConfig(
        table_names=TABLES, inference_table_config=serving.TelemetryInferenceTableConfig()
    )
    created = create(sdk, telemetry_config=sent)
    telemetry = created.telemetry_config
    assert telemetry is not None
    assert telemetry.telemetry_profile_id
    assert telemetry.table_names is None
    assert telemetry.inference_table_config is not None
    assert telemetry.inference_table_config.name == "c.s.logs_payload"
    only_logs = serving.TelemetryConfig(
        telemetry_profile_id=telemetry.telemetry_profile_id,
        enabled_telemetry_features=[serving.TelemetryFeature.TELEMETRY_FEATURE_LOGS],
    )
    changed = sdk.serving_endpoints.patch_telemetry_config("fraud", telemetry_config=only_logs)
    assert changed.telemetry_config == only_logs
    assert sdk.serving_endpoints.patch_telemetry_config("fraud").telemetry_config is None


def test_telemetry_waits_for_the_update() -> None:
    with running(Settings(transition="polls=1")) as server:
        sdk = client_for(server)
        config = serving.EndpointCoreConfigInput("fraud", served_entities=[model()])
        waiter = sdk.serving_endpoints.create("fraud", config=config)
        with pytest.raises(ResourceConflict, match="currently updating"):
            sdk.serving_endpoints.patch_telemetry_config("fraud")
        waiter.result(timeout=WAIT)
        sdk.serving_endpoints.patch_telemetry_config("fraud")


def test_legacy_inference_tables(sdk: WorkspaceClient) -> None:
    table = serving.AutoCaptureConfigInput(catalog_name="c", schema_name="s")
    config = serving.EndpointCoreConfigInput(
        "fraud", served_entities=[model()], auto_capture_config=table
    )
    created = sdk.serving_endpoints.create_and_wait("fraud", config=config, timeout=WAIT)
    assert created.config is not None
    shown = created.config.auto_capture_config
    assert shown is not None
    assert shown.state is not None
    assert shown.state.payload_table is not None
    assert shown.state.payload_table.name == "c.s.fraud_payload"


def test_the_data_plane_client_of_a_route_optimised_endpoint(client: Any) -> None:
    made, _ = client.principal("app", kind="service_principal")
    machine = client_for(client.server, client_id="app", client_secret=made["client_secret"])
    created = create(machine, route_optimized=True)
    assert created.endpoint_url
    rows = {"dataframe_records": [{"amount": 1}]}
    answer = machine.serving_endpoints_data_plane.query("fraud", **rows)
    assert len(answer.predictions or []) == 1
    with pytest.raises(BadRequest, match="endpoint_url"):
        machine.serving_endpoints.query("fraud", **rows)


def test_levels_and_logins(client: Any, sdk: WorkspaceClient) -> None:
    endpoint_id = str(create(sdk).id)
    made, _ = client.principal("app", kind="service_principal", display_name="ci")
    machine = client_for(client.server, client_id="app", client_secret=made["client_secret"])
    assert machine.current_user.me().user_name == "app"
    with pytest.raises(PermissionDenied, match="CAN_VIEW"):
        machine.serving_endpoints.get("fraud")
    assert "fraud" not in [each.name for each in machine.serving_endpoints.list()]
    query = serving.ServingEndpointPermissionLevel.CAN_QUERY
    sdk.serving_endpoints.update_permissions(
        endpoint_id,
        access_control_list=[
            serving.ServingEndpointAccessControlRequest(
                service_principal_name="app", permission_level=query
            )
        ],
    )
    seen = machine.serving_endpoints.get("fraud")
    assert seen.permission_level is serving.ServingEndpointDetailedPermissionLevel.CAN_QUERY
    assert machine.serving_endpoints.query("fraud", inputs=[1]).predictions
    with pytest.raises(PermissionDenied, match="CAN_MANAGE"):
        machine.serving_endpoints.update_config("fraud", served_entities=[model("4")])
    with pytest.raises(PermissionDenied):
        machine.serving_endpoints.delete("fraud")


def test_scopes_of_others(client: Any, sdk: WorkspaceClient) -> None:
    sdk.secrets.create_scope("team")
    sdk.secrets.put_secret("team", "key", string_value="v")
    _, ada = client.principal("ada@example.com", groups=["analysts"])
    theirs = client_for(ada.server)
    with pytest.raises(PermissionDenied, match="READ"):
        list(theirs.secrets.list_secrets("team"))
    sdk.secrets.put_acl("team", "analysts", workspace.AclPermission.READ)
    assert [each.key for each in theirs.secrets.list_secrets("team")] == ["key"]
    with pytest.raises(PermissionDenied, match="WRITE"):
        theirs.secrets.put_secret("team", "key", string_value="w")
