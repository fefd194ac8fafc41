"""Serving endpoints: external, registered and foundation models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.kinds.lazy import lazily
from provisioner.kinds.model_serving_endpoints.invocation.client_examples import NAMES
from provisioner.kinds.model_serving_endpoints.planning.calls import (
    CALLS_OF_FIELD,
    OWN_CALLS,
    operations,
)
from provisioner.kinds.model_serving_endpoints.planning.digests import applied_digests
from provisioner.kinds.model_serving_endpoints.planning.field_actions import (
    drift_category,
    field_action,
)
from provisioner.kinds.model_serving_endpoints.planning.preconditions import precondition, warnings
from provisioner.kinds.model_serving_endpoints.references import (
    RESTRICTIONS,
    depends_on,
    prerequisites,
    references,
    releases,
)
from provisioner.kinds.model_serving_endpoints.rollout.bodies import declared, divide, mark, named
from provisioner.kinds.model_serving_endpoints.rollout.versions import asked_of, spec, versions
from provisioner.kinds.model_serving_endpoints.serving import capacity, describe, topology
from provisioner.kinds.model_serving_endpoints.validation.endpoint import relations
from provisioner.kinds.model_serving_endpoints.validation.existing_endpoints import DATABRICKS
from provisioner.kinds.model_serving_endpoints.validation.legacy import migrate_legacy
from provisioner.model import schemas
from provisioner.model.connection import Connection
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import (
    BundleRules,
    Claimed,
    GeneratedManifest,
    Importing,
    Migrator,
    StateEntry,
)
from provisioner.model.kind import (
    Dependencies,
    Driver,
    Invocation,
    Kind,
    OwnershipCarrier,
    Planning,
    Runtime,
    Schema,
)
from provisioner.model.live import Live
from provisioner.model.query import Clients
from provisioner.model.rollout import RolloutRole
from provisioner.model.secret import SecretReader

NAME = "model_serving_endpoints"
# https://learn.microsoft.com/azure/databricks/machine-learning/model-serving/model-serving-limits:
# per workspace, and more on request.
MOST_ENDPOINTS = 1000
CLIENTS = f"{NAME}.invocation.clients"
MIGRATION = f"{NAME}.migration.services"
USAGE = f"{NAME}.migration.usage"


def model() -> type[Any]:
    """The pydantic model; only schema generation asks for it."""
    from provisioner.kinds.model_serving_endpoints.model.endpoint import ServingEndpoint

    return ServingEndpoint


def rules() -> FieldRule:
    """The field rules, from the generated schema."""
    return schemas.rules(NAME)


def generate(live: Live, words: str) -> GeneratedManifest:
    """The live endpoint as a manifest would describe it."""
    from provisioner.kinds.model_serving_endpoints import importing

    return importing.generate(live, words)


def bundle_rules() -> BundleRules:
    """What a bundle's own settings do to endpoints."""
    from provisioner.kinds.model_serving_endpoints import importing

    return importing.BUNDLE


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
    ownership=OwnershipCarrier.TAGS,
    schema=Schema(
        model=model,
        rules=rules,
        relations=relations,
        migrate_legacy=migrate_legacy,
    ),
    dependencies=Dependencies(
        depends_on=depends_on,
        prerequisites=prerequisites,
        capacity=MOST_ENDPOINTS,
        references=references,
        restrictions=RESTRICTIONS,
        releases=releases,
    ),
    planning=Planning(
        operations=operations,
        own_calls=OWN_CALLS,
        calls_of_field=CALLS_OF_FIELD,
        field_action=field_action,
        applied_digests=applied_digests,
        at_stake_hint="add it to `permissions` in the manifest, or remove it from the endpoint",
        resent_field="config",
        precondition=precondition,
        warnings=warnings,
        drift_category=drift_category,
        capacity=capacity,
    ),
    runtime=Runtime(
        connect=connect,
        describe=describe,
        topology=topology,
        read_log=lazily(f"{NAME}.live.driver", "read_log"),
        page="/ml/endpoints/{name}",
    ),
    invocation=Invocation(
        ask=lazily(f"{NAME}.invocation.requests", "ask"),
        verify=lazily(f"{NAME}.invocation.checks", "verify"),
        clients=Clients(
            names=NAMES,
            task=lazily(f"{NAME}.invocation.requests", "asked_as"),
            snippet=lazily(CLIENTS, "snippet"),
            read=lazily(CLIENTS, "read"),
        ),
    ),
    importing=Importing(
        generate,
        {"permissions": []},
        is_provided=lambda name: name.startswith(DATABRICKS),
        from_terraform=from_terraform,
        bundle=bundle_rules,
    ),
    rollout=RolloutRole(
        spec=spec,
        versions=versions,
        declared=declared,
        divide=divide,
        mark=mark,
        named=named,
        asked_of=asked_of,
        sample=lazily(f"{NAME}.rollout.metrics", "sample"),
    ),
    migrator=Migrator(
        successor=lazily(MIGRATION, "successor"),
        exists=lazily(MIGRATION, "exists"),
        migrate=lazily(MIGRATION, "migrate"),
        same_api=lazily(MIGRATION, "same_api"),
        usage=lazily(USAGE, "usage_query"),
    ),
)
