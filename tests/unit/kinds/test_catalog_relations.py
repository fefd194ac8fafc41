"""Checks between the fields of Unity Catalog's objects."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds import KINDS
from provisioner.model.paths import Document


def destination(name: str, share: int | None = None) -> Document:
    made: Document = {
        "name": name,
        "destination_type": "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL",
        "pay_per_token_config": {"model": "models/system.ai.llama"},
    }
    return made if share is None else {**made, "traffic_percentage": share}


def model_service(first: list[Any], fallback: list[Any]) -> Document:
    routing = {"destinations": first, "fallback": {"destinations": fallback}}
    return {
        "parent": "schemas/main.gw",
        "model_service_id": "chat",
        "config": {"routing": routing},
    }


SERVICES = [
    pytest.param([destination("a", 50), destination("b", 50)], [destination("c")], [], id="apart"),
    pytest.param([destination("a", 50), destination("a", 50)], [], ["E355"], id="one list"),
    pytest.param([destination("a")], [destination("a")], ["W787"], id="a fallback"),
    pytest.param([destination("a", 50), destination("b", 40)], [], ["E356"], id="shares"),
    pytest.param(
        [{**destination("a"), "external_model_config": {}}], [], ["E355"], id="two blocks"
    ),
]


@pytest.mark.parametrize(("first", "fallback", "codes"), SERVICES)
def test_destinations_of_a_model_service(first, fallback, codes) -> None:
    document = model_service(first, fallback)
    findings = KINDS["model_services"].schema.relations(document, {})
    assert [finding.code for finding in findings] == codes
