"""The emulator's own OpenAPI document, and requests made from it that must not break anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from proofs import depth
from schemathesis.checks import CHECKS, load_all_checks

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.openapi import document
from provisioner.emulator.routes import ROUTES
from provisioner.emulator.server import running

PATH = "/__emulator__/openapi.json"
load_all_checks()
# What every answer must be; our own errors are in the document as the default.
CHECKED = [
    CHECKS.get_one(name) for name in ("response_schema_conformance", "content_type_conformance")
]
# `make test` sends about 300 requests, `make proofs` more than 5,000.
EXAMPLES = depth(quick=3, full=80)
# The service has no others, and 500 means that we have crashed.
STATUSES = {200, 201, 204, 302, 400, 401, 403, 404, 409, 429, 501, 503}
# After these the workspace is filled again.
RESTORED = ("/__emulator__/faults", "/__emulator__/reset", "/api/2.0/secrets/scopes/delete")
# Names that are there, so that not everything ends with 404.
KNOWN = {"name": "chat", "served": "a", "scope": "s", "key": "k", "type": "function"}

CONFIG = schemathesis.Config()
# Its systematic phase takes many minutes; what it would send, random requests find as well.
CONFIG.projects.default.phases.coverage.enabled = False
schema = schemathesis.openapi.from_dict(document(ROUTES), config=CONFIG)


@pytest.fixture(scope="module")
def fuzzed(client_of: Any, entity: Any) -> Iterator[Any]:
    with running(Settings()) as server:
        client = client_of(server)
        fill(client, entity)
        yield client


def fill(client: Any, entity: Any) -> None:
    """The names that are asked for; what is there already may stay."""
    # What a fault rule does to its caller is another test's affair.
    client.call("DELETE", "/__emulator__/faults")
    client.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "s"})
    client.call("POST", "/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": "v"})
    config = {"served_entities": [entity("a")]}
    client.call("POST", "/api/2.0/serving-endpoints", {"name": "chat", "config": config})


@pytest.mark.proof("emulator")
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_of_its_own_document_breaks_it(case: Any, fuzzed: Any, entity: Any) -> None:
    known = len(case.path_parameters.get("name", "")) % 2
    if known:
        for name in set(case.path_parameters) & set(KNOWN):
            case.path_parameters[name] = KNOWN[name]
    headers = {"Authorization": f"Bearer {fuzzed.server.token}"}
    response = case.call(base_url=fuzzed.server.url, headers=headers)
    assert response.status_code in STATUSES, response.text
    if case.operation.path in RESTORED:
        fill(fuzzed, entity)
    if response.headers.get("content-type") == "application/json":
        case.validate_response(response, checks=CHECKED)


def test_it_is_served_with_the_address_that_was_asked(client: Any) -> None:
    served = client.call("GET", PATH, authorization="")
    assert served.status == 200
    assert served.json == {"servers": [{"url": client.server.url}], **document(ROUTES)}


def test_every_route_is_in_it() -> None:
    found = {
        (method.upper(), path)
        for path, operations in document(ROUTES)["paths"].items()
        for method in operations
    }
    assert found == {(route.method, route.pattern.replace("+}", "}")) for route in ROUTES}


def test_every_operation_has_a_sentence_and_an_identifier_of_its_own() -> None:
    operations = [
        operation
        for operations in document(ROUTES)["paths"].values()
        for operation in operations.values()
    ]
    assert all(operation["summary"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_every_body_belongs_to_a_route() -> None:
    from provisioner.emulator.openapi import BODIES

    assert set(BODIES) <= {f"{route.method} {route.pattern}" for route in ROUTES}
