"""Serving endpoints: external, registered and foundation models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.kinds.model_serving_endpoints.invocation.checks import verify
from provisioner.kinds.model_serving_endpoints.invocation.clients import CLIENTS
from provisioner.kinds.model_serving_endpoints.invocation.query import ask
from provisioner.kinds.model_serving_endpoints.planning.calls import CALLS_OF_FIELD, operations
from provisioner.kinds.model_serving_endpoints.planning.digests import applied
from provisioner.kinds.model_serving_endpoints.planning.drift_category import drift_sort
from provisioner.kinds.model_serving_endpoints.planning.field_actions import judge
from provisioner.kinds.model_serving_endpoints.planning.preconditions import obstacle, remarks
from provisioner.kinds.model_serving_endpoints.references import (
    RESTRICTIONS,
    mentions,
    needs,
    requires,
)
from provisioner.kinds.model_serving_endpoints.serving import describe, topology
from provisioner.kinds.model_serving_endpoints.validation.endpoint import relations
from provisioner.kinds.model_serving_endpoints.validation.existing import DATABRICKS
from provisioner.kinds.model_serving_endpoints.validation.legacy import modernise
from provisioner.model import schemas
from provisioner.model.connection import Connection
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import Claimed, Importer, Portrait, StateEntry
from provisioner.model.kind import Driver, Kind
from provisioner.model.live import Live
from provisioner.model.secret import SecretReader

NAME = "model_serving_endpoints"
# https://learn.microsoft.com/azure/databricks/machine-learning/model-serving/model-serving-limits:
# per workspace, and more on request.
MOST_ENDPOINTS = 1000


def model() -> type[Any]:
    """The pydantic model; only schema generation asks for it."""
    from provisioner.kinds.model_serving_endpoints.model.endpoint import ServingEndpoint

    return ServingEndpoint


def rules() -> FieldRule:
    """The field rules, from the generated schema."""
    return schemas.rules(NAME)


def portray(live: Live, words: str) -> Portrait:
    """The live endpoint as a manifest would describe it."""
    from provisioner.kinds.model_serving_endpoints import importing

    return importing.portray(live, words)


def from_terraform(entries: Sequence[StateEntry]) -> Sequence[Claimed]:
    """What a Terraform state holds of this kind."""
    from provisioner.kinds.model_serving_endpoints import terraform

    return terraform.from_terraform(entries)


def connect(connection: Connection, secrets: SecretReader) -> Driver:
    """A driver for the endpoints of the workspace behind ``connection``."""
    from provisioner.kinds.model_serving_endpoints.live.driver import EndpointDriver

    return EndpointDriver(connection, secrets, rules())


KIND = Kind(
    name=NAME,
    title="serving endpoint",
    model=model,
    rules=rules,
    relations=relations,
    operations=operations,
    connect=connect,
    modernise=modernise,
    needs=needs,
    judge=judge,
    applied=applied,
    resend="config",
    describe=describe,
    ask=ask,
    verify=verify,
    clients=CLIENTS,
    calls=CALLS_OF_FIELD,
    requires=requires,
    most=MOST_ENDPOINTS,
    topology=topology,
    obstacle=obstacle,
    remarks=remarks,
    importer=Importer(
        portray,
        {"permissions": []},
        provided=lambda name: name.startswith(DATABRICKS),
        from_terraform=from_terraform,
    ),
    mentions=mentions,
    restrictions=RESTRICTIONS,
    drift_sort=drift_sort,
)
