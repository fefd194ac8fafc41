"""References to declared resources by their names, before anything is created."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.errors import FileError
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import Environment, WorkspaceSettings
from provisioner.model.plan import Address

GATEWAY = """
resources:
  schemas:
    gateway: {catalog_name: main, name: gw}
  secrets:
    openai:
      catalog_name: ${resources.schemas.gateway.catalog_name}
      schema_name: ${resources.schemas.gateway.name}
      name: key
      from_env: OPENAI_API_KEY
  model_provider_services:
    openai:
      parent: schemas/${resources.schemas.gateway.id}
      model_provider_service_id: openai
      config:
        provider_type: EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI
        openai:
          direct:
            api_key: {secret_reference: {name: "secrets/${resources.secrets.openai.id}"}}
        allow_all_targets: true
"""
SERVICE = """
resources:
  model_services:
    chat:
      parent: ${resources.model_provider_services.openai.parent}
      model_service_id: chat
      config:
        routing:
          destinations:
            - name: gpt
              destination_type: DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL
              external_model_config:
                model_provider_service: ${resources.model_provider_services.openai.name}
                target: {model: gpt-5}
"""


@pytest.fixture
def loaded(tmp_path: Path):
    def of(*texts: str):
        folder = tmp_path / "manifests"
        folder.mkdir(exist_ok=True)
        for number, text in enumerate(texts):
            (folder / f"{number}.yaml").write_text(text, encoding="utf-8")
        environment = Environment("dev", WorkspaceSettings(host="https://x.example"))
        return load(tmp_path, environment, KINDS)

    return of


def test_names_of_other_resources_also_of_other_files(loaded) -> None:
    # The service stands in the first file, and what it refers to in the second.
    resources = {each.address: each for each in loaded(SERVICE, GATEWAY).resources}
    service = resources[Address("model_services", "chat")]
    assert service.name == "main.gw.chat"
    provider = resources[Address("model_provider_services", "openai")]
    assert set(KINDS["model_services"].dependencies.depends_on(service.document)) == {
        ("schemas", "main.gw"),
        ("model_provider_services", provider.name),
    }
    assert ("secrets", "main.gw.key") in set(
        KINDS["model_provider_services"].dependencies.depends_on(provider.document)
    )


def test_a_resource_that_no_manifest_declares(loaded) -> None:
    with pytest.raises(FileError, match="no manifest declares `model_provider_services"):
        loaded(SERVICE)


def test_a_field_that_is_not_known_before_it_is_created(loaded) -> None:
    text = "resources: {schemas: {a: {catalog_name: main, name: '${resources.schemas.b.owner}'}}}"
    other = "resources: {schemas: {b: {catalog_name: main, name: b}}}"
    with pytest.raises(FileError, match="is unknown until the resource is created"):
        loaded(text, other)


def test_names_that_are_made_from_each_other(loaded) -> None:
    text = """
resources:
  schemas:
    a: {catalog_name: main, name: "${resources.schemas.b.name}"}
    b: {catalog_name: main, name: "${resources.schemas.a.name}"}
"""
    with pytest.raises(FileError, match="refers to itself"):
        loaded(text)
