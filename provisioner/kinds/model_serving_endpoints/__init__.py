"""Serving endpoints: external, registered and foundation models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner import schemas
from provisioner.kinds.model_serving_endpoints.applied import applied
from provisioner.kinds.model_serving_endpoints.checks import verify
from provisioner.kinds.model_serving_endpoints.clients import CLIENTS
from provisioner.kinds.model_serving_endpoints.describe import describe
from provisioner.kinds.model_serving_endpoints.drift import drift_sort
from provisioner.kinds.model_serving_endpoints.existing import DATABRICKS
from provisioner.kinds.model_serving_endpoints.judge import judge
from provisioner.kinds.model_serving_endpoints.legacy import modernise
from provisioner.kinds.model_serving_endpoints.mentions import RESTRICTIONS, mentions
from provisioner.kinds.model_serving_endpoints.operations import CALLS_OF_FIELD, operations
from provisioner.kinds.model_serving_endpoints.query import ask
from provisioner.kinds.model_serving_endpoints.relations import relations
from provisioner.kinds.model_serving_endpoints.requires import requires
from provisioner.kinds.model_serving_endpoints.secrets import needs
from provisioner.kinds.model_serving_endpoints.topology import topology
from provisioner.kinds.model_serving_endpoints.whole_step import obstacle, remarks
from provisioner.portrait import Claimed, Importer, Portrait, StateEntry
from provisioner.resource import Connection, Driver, Kind, Live
from provisioner.secret import SecretReader
from provisioner.semantics import FieldRule

NAME = "model_serving_endpoints"
# https://learn.microsoft.com/azure/databricks/machine-learning/model-serving/model-serving-limits:
# per workspace, and more on request.
MOST_ENDPOINTS = 1000


def model() -> type[Any]:
    """The pydantic model; only schema generation asks for it."""
    from provisioner.kinds.model_serving_endpoints.model import ServingEndpoint

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
    from provisioner.kinds.model_serving_endpoints.driver import EndpointDriver

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
