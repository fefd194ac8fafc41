"""The models of Unity Catalog's kinds against the service's own client."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from typing import Any

import pytest
from databricks.sdk.service import catalog

from provisioner.kinds import KINDS
from provisioner.kinds.mcp_services import SECURABLE as MCP
from provisioner.kinds.model_provider_services import SECURABLE as PROVIDER
from provisioner.kinds.model_services import SECURABLE as SERVICE
from provisioner.kinds.registered_models import SECURABLE as MODEL
from provisioner.kinds.schemas import SECURABLE as SCHEMA
from provisioner.kinds.secrets import SECURABLE as SECRET
from provisioner.model import schemas
from provisioner.model.field_rules import FieldRule
from provisioner.model.kind import OwnershipCarrier

# What one call takes: the client's class, or the parameters of its method.
CLASSES = (
    (SERVICE, catalog.ModelService),
    (PROVIDER, catalog.ModelProviderService),
    (SECRET, catalog.Secret),
    (MCP, catalog.McpService),
)
METHODS = (
    (MODEL, (catalog.RegisteredModelsAPI.create, catalog.RegisteredModelsAPI.update)),
    (SCHEMA, (catalog.SchemasAPI.create, catalog.SchemasAPI.update)),
)
# Extensions of the tool, and what a service is created with beside its body.
OURS = {"grants", "existing", "lifecycle", "checks", "from_env", "from_file", "rotated_at"}
IDENTITY = {"parent", "model_service_id", "model_provider_service_id", "mcp_service_id"}
# Aliases have calls of their own, and the other names are never sent: see the model's docstring.
OTHER_CALLS = {"aliases"}
# A model is renamed by no peer, and served entities would go on with the old name.
# How long a schema keeps its tables has nothing to do with serving.
NOT_USED = {"self", "full_name", "new_name", "browse_only", "custom_max_retention_hours"}
# The client has one class for all destinations, and the service takes less of some: a route belongs
# to the provider service, and fallbacks have no share. [databricks-sdk, ExternalModelConfig]
NOT_TAKEN = {".target": {"endpoint_route"}, ".fallback.destinations": {"traffic_percentage"}}


def dataclass_in(hint: Any) -> Any:
    """The dataclass inside a type such as ``Optional[List[X]]``, or None."""
    if dataclasses.is_dataclass(hint):
        return hint
    return next(filter(None, map(dataclass_in, typing.get_args(hint))), None)


def pairs(root: Any, rule: FieldRule, path: str = "") -> typing.Iterator[Any]:
    yield root, rule, path
    for name, hint in typing.get_type_hints(root).items():
        inner = dataclass_in(hint)
        if inner and name in rule.fields:
            yield from pairs(inner, rule.fields[name], f"{path}.{name}")


PAIRS = [
    pytest.param(kind, *pair, id=f"{kind.name}{pair[2]}")
    for kind, root in CLASSES
    for pair in pairs(root, schemas.rules(kind.name))
]


@pytest.mark.parametrize(("kind", "root", "rule", "path"), PAIRS)
def test_every_field_of_the_client_is_held_or_only_shown(
    kind: Any, root: Any, rule: FieldRule, path: str
) -> None:
    known = set(rule.fields) | kind.output_only
    for place, fields in NOT_TAKEN.items() if kind is SERVICE else ():
        known |= fields if path.endswith(place) else set()
    assert {field.name for field in dataclasses.fields(root)} - known == set()


@pytest.mark.parametrize(("kind", "root", "rule", "path"), PAIRS)
def test_no_field_is_held_that_the_client_does_not_have(
    kind: Any, root: Any, rule: FieldRule, path: str
) -> None:
    known = {field.name for field in dataclasses.fields(root)}
    extensions = OURS | IDENTITY if not path else set()
    assert set(rule.fields) - known - extensions == set()


@pytest.mark.parametrize(("kind", "methods"), METHODS, ids=["models", "schemas"])
def test_every_parameter_of_a_call_is_held_or_only_shown(kind: Any, methods: Any) -> None:
    parameters = {name for method in methods for name in inspect.signature(method).parameters}
    fields = set(schemas.rules(kind.name).fields)
    assert parameters - fields - kind.output_only - NOT_USED == set()
    assert fields - parameters - OURS - OTHER_CALLS == set()


def test_the_words_of_enums_are_those_of_the_client() -> None:
    config = schemas.schema("kinds/model_provider_services")
    limit = config["definitions"]["ServiceRateLimit"]["properties"]
    assert set(limit["key"]["enum"]) == {each.value for each in catalog.RateLimitRateLimitKey}
    periods = {each.value for each in catalog.RateLimitRateLimitRenewalPeriod}
    assert set(limit["renewal_period"]["enum"]) == periods


def test_each_kind_of_the_catalog_is_compared() -> None:
    compared = {kind.name for kind, _ in (*CLASSES, *METHODS)}
    owned_by_comment = OwnershipCarrier.COMMENT
    assert compared == {name for name, kind in KINDS.items() if kind.ownership is owned_by_comment}
