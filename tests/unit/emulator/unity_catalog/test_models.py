"""Registered models: versions, aliases, grants, and what endpoints ask of them."""

from __future__ import annotations

from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)
from databricks.sdk.service import catalog

MODEL = "ml.risk.fraud"
MODELS = "/api/2.1/unity-catalog/models"
PERMISSIONS = "/api/2.1/unity-catalog/permissions"
REGISTER = "/__emulator__/models"


def sdk_of(server: Any) -> WorkspaceClient:
    config = Config(host=server.url, token=server.token, retry_timeout_seconds=5)
    return WorkspaceClient(config=config)


@pytest.fixture
def sdk(client: Any) -> WorkspaceClient:
    return sdk_of(client.server)


@pytest.fixture
def register(client: Any) -> Any:
    def registered(**more: Any) -> Any:
        return client.post(REGISTER, {"full_name": MODEL, **more})

    return registered


@pytest.fixture
def ada(client: Any) -> Any:
    _, ada = client.principal("ada@example.com", groups=["analysts"])
    return ada


def grant(client: Any, kind: str, name: str, *privileges: str, to: str = "ada@example.com") -> None:
    change = {"principal": to, "add": list(privileges)}
    client.patch(f"{PERMISSIONS}/{kind}/{name}", {"changes": [change]})


def served(version: str = "1", name: str = MODEL) -> Any:
    entity = {
        "name": "a",
        "entity_name": name,
        "entity_version": version,
        "scale_to_zero_enabled": True,
    }
    return {"name": "fraud", "config": {"served_entities": [entity]}}


def test_the_sdk_reads_what_training_left(sdk: WorkspaceClient, register: Any) -> None:
    register()
    register(alias="Champion")
    model = sdk.registered_models.get(MODEL, include_aliases=True)
    assert (model.name, model.catalog_name, model.schema_name) == ("fraud", "ml", "risk")
    assert [(one.alias_name, one.version_num) for one in model.aliases or ()] == [("Champion", 2)]
    assert [one.version for one in sdk.model_versions.list(MODEL)] == [2, 1]
    champion = sdk.model_versions.get_by_alias(MODEL, "champion")
    assert champion.version == 2
    assert champion.status is catalog.ModelVersionInfoStatus.READY
    assert sdk.model_versions.get("ML.risk.Fraud", 1).model_name == "fraud"


def test_the_sdk_moves_and_deletes(sdk: WorkspaceClient, register: Any) -> None:
    register()
    register(alias="champion")
    moved = sdk.registered_models.set_alias(MODEL, "champion", 1)
    assert (moved.alias_name, moved.version_num) == ("champion", 1)
    assert sdk.model_versions.get_by_alias(MODEL, "champion").version == 1
    sdk.registered_models.delete_alias(MODEL, "champion")
    with pytest.raises(ResourceDoesNotExist):
        sdk.model_versions.get_by_alias(MODEL, "champion")
    sdk.registered_models.set_alias(MODEL, "champion", 2)
    sdk.model_versions.delete(MODEL, 2)
    with pytest.raises(ResourceDoesNotExist):
        sdk.model_versions.get_by_alias(MODEL, "champion")
    sdk.registered_models.delete(MODEL)
    with pytest.raises(NotFound, match="Routine or Model"):
        sdk.registered_models.get(MODEL)
    assert not list(sdk.registered_models.list())


def test_the_sdk_makes_a_model_without_versions(sdk: WorkspaceClient) -> None:
    made = sdk.registered_models.create(catalog_name="ml", schema_name="risk", name="fraud")
    assert (made.full_name, made.owner) == (MODEL, "local-user@example.com")
    with pytest.raises(ResourceAlreadyExists):
        sdk.registered_models.create(catalog_name="ML", schema_name="risk", name="FRAUD")
    sdk.registered_models.update(MODEL, comment="of card payments")
    assert sdk.registered_models.get(MODEL).comment == "of card payments"
    assert not list(sdk.model_versions.list(MODEL))


def test_a_comment_of_a_version(sdk: WorkspaceClient, register: Any) -> None:
    register()
    assert sdk.model_versions.update(MODEL, 1, comment="the first").comment == "the first"


def test_lists_come_in_pages(client: Any, sdk: WorkspaceClient, register: Any) -> None:
    for _ in range(3):
        register()
    page = client.get(f"{MODELS}/{MODEL}/versions?max_results=2")
    assert [one["version"] for one in page["model_versions"]] == [3, 2]
    path = f"{MODELS}/{MODEL}/versions?max_results=2&page_token={page['next_page_token']}"
    rest = client.get(path)
    assert [one["version"] for one in rest["model_versions"]] == [1]
    assert "next_page_token" not in rest
    assert len(list(sdk.model_versions.list(MODEL, max_results=1))) == 3
    assert client.call("GET", f"{MODELS}?max_results=-1").code == "INVALID_PARAMETER_VALUE"


def test_a_list_of_one_schema(sdk: WorkspaceClient, client: Any, register: Any) -> None:
    register()
    client.post(REGISTER, {"full_name": "ml.other.fraud"})
    found = sdk.registered_models.list(catalog_name="ml", schema_name="risk")
    assert [one.full_name for one in found] == [MODEL]
    assert len(list(sdk.registered_models.list())) == 2
    with pytest.raises(InvalidParameterValue):
        list(sdk.registered_models.list(catalog_name="ml"))


MISSING = [
    pytest.param("ml.risk.nobody", id="a model"),
    pytest.param(f"{MODEL}/versions/9", id="a version"),
    pytest.param(f"{MODEL}/aliases/nobody", id="an alias"),
]


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there(client: Any, register: Any, path: str) -> None:
    register()
    reply = client.call("GET", f"{MODELS}/{path}")
    assert (reply.status, reply.code) == (404, "RESOURCE_DOES_NOT_EXIST")


REFUSED = [
    pytest.param("PUT", f"{MODEL}/aliases/latest", {"version_num": 1}, id="a reserved alias"),
    pytest.param("PUT", f"{MODEL}/aliases/champion", {}, id="an alias of no version"),
    pytest.param("GET", f"{MODEL}/versions/one", None, id="a version that is no number"),
]


@pytest.mark.parametrize(("method", "path", "body"), REFUSED)
def test_what_is_refused(client: Any, register: Any, method: str, path: str, body: Any) -> None:
    register()
    reply = client.call(method, f"{MODELS}/{path}", body)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")


def test_a_version_that_is_registered_again_stays(register: Any) -> None:
    assert register(version=7, alias="champion")["is_new"]
    assert register()["version"] == 8
    again = register(version=7, alias="champion")
    assert (again["version"], again["is_new"]) == (7, False)


GRANTS = [
    pytest.param({"function": (MODEL, "EXECUTE")}, "USE CATALOG", id="no catalog"),
    pytest.param(
        {"function": (MODEL, "EXECUTE"), "catalog": ("ml", "USE_CATALOG")},
        "USE SCHEMA",
        id="no schema",
    ),
    pytest.param(
        {"catalog": ("ml", "USE_CATALOG"), "schema": ("ml.risk", "USE_SCHEMA")},
        "EXECUTE",
        id="no execute",
    ),
    pytest.param(
        {
            "function": (MODEL, "EXECUTE"),
            "catalog": ("ml", "USE_CATALOG"),
            "schema": ("ml.risk", "USE_SCHEMA"),
        },
        "",
        id="everything that is needed",
    ),
    pytest.param({"catalog": ("ml", "ALL_PRIVILEGES")}, "", id="all of the catalog"),
]


@pytest.mark.parametrize(("grants", "lacking"), GRANTS)
def test_a_model_is_shown_to_who_may_execute_it(
    client: Any, ada: Any, register: Any, grants: Any, lacking: str
) -> None:
    register(alias="champion")
    for kind, (name, privilege) in grants.items():
        grant(client, kind, name, privilege)
    for path in (MODEL, f"{MODEL}/versions/1", f"{MODEL}/aliases/champion"):
        reply = ada.call("GET", f"{MODELS}/{path}")
        assert reply.status == (403 if lacking else 200)
        assert not lacking or lacking in reply.json["message"]
    listed = ada.get(MODELS)["registered_models"]
    assert len(listed) == (0 if lacking else 1)
    assert ada.call("DELETE", f"{MODELS}/{MODEL}").code == "PERMISSION_DENIED"


def test_a_grant_to_a_group_counts_and_can_be_taken_back(
    client: Any, ada: Any, register: Any
) -> None:
    register()
    grant(client, "catalog", "ml", "ALL_PRIVILEGES", to="analysts")
    assert ada.call("GET", f"{MODELS}/{MODEL}").status == 200
    change = {"principal": "analysts", "remove": ["ALL_PRIVILEGES"]}
    client.patch(f"{PERMISSIONS}/catalog/ml", {"changes": [change]})
    assert ada.call("GET", f"{MODELS}/{MODEL}").status == 403


def test_the_sdk_grants(sdk: WorkspaceClient, client: Any, ada: Any, register: Any) -> None:
    register()
    sdk.grants.update(
        "function",
        MODEL,
        changes=[catalog.PermissionsChange(principal="ada", add=[catalog.Privilege.EXECUTE])],
    )
    grant(client, "schema", "ml.risk", "USE_SCHEMA", to="ada")
    direct = sdk.grants.get("function", MODEL).privilege_assignments or []
    assert [(one.principal, one.privileges) for one in direct] == [
        ("ada", [catalog.Privilege.EXECUTE])
    ]
    (effective,) = (
        sdk.grants.get_effective("function", MODEL, principal="ADA").privilege_assignments or []
    )
    assert [(one.privilege, one.inherited_from_name) for one in effective.privileges or ()] == [
        (catalog.Privilege.EXECUTE, None),
        (catalog.Privilege.USE_SCHEMA, "ml.risk"),
    ]
    with pytest.raises(PermissionDenied):
        sdk_of(ada.server).grants.update("function", MODEL, changes=[])


def test_grants_on_what_is_not_there(client: Any) -> None:
    assert client.call("GET", f"{PERMISSIONS}/function/ml.a.b").code == "RESOURCE_DOES_NOT_EXIST"
    assert client.call("GET", f"{PERMISSIONS}/schema/ml").code == "INVALID_PARAMETER_VALUE"
    assert client.call("GET", f"{PERMISSIONS}/table/ml.a.b").status == 501
    body = {"changes": [{"principal": "ada", "add": ["FLY"]}]}
    reply = client.call("PATCH", f"{PERMISSIONS}/catalog/ml", body)
    assert reply.code == "INVALID_PARAMETER_VALUE"


def test_a_catalog_in_which_nothing_is_registered_has_every_model(client: Any) -> None:
    client.post("/api/2.0/serving-endpoints", served("99"))


ENTITIES = [
    pytest.param(served("2"), 404, id="a version that is not there"),
    pytest.param(served("1", "ml.risk.nobody"), 404, id="a model that is not there"),
    pytest.param(served("one"), 400, id="a version that is no number"),
]


@pytest.mark.parametrize(("body", "status"), ENTITIES)
def test_an_endpoint_serves_only_what_the_registry_has(
    client: Any, register: Any, body: Any, status: int
) -> None:
    register()
    register(version=3, status="PENDING_REGISTRATION")
    reply = client.call("POST", "/api/2.0/serving-endpoints", body)
    assert reply.status == status
    assert client.call("GET", "/api/2.0/serving-endpoints/fraud").status == 404
    client.post("/api/2.0/serving-endpoints", served())
    client.endpoint("fraud")
    reply = client.call("PUT", "/api/2.0/serving-endpoints/fraud/config", body["config"])
    assert reply.status == status


def test_an_endpoint_serves_only_what_its_creator_may_execute(
    client: Any, ada: Any, register: Any
) -> None:
    register()
    path = "/api/2.0/serving-endpoints"
    assert ada.call("POST", path, served()).code == "PERMISSION_DENIED"
    grant(client, "catalog", "ml", "ALL_PRIVILEGES")
    ada.post(path, served())


def test_a_feature_spec_is_a_function(client: Any) -> None:
    spec = "ml.features.spec"
    client.post(REGISTER, {"full_name": spec, "kind": "function"})
    assert client.get(f"/api/2.1/unity-catalog/functions/{spec}")["full_name"] == spec
    assert client.call("GET", f"{MODELS}/{spec}").status == 404
    body = served("", "ml.features.other")
    assert client.call("POST", "/api/2.0/serving-endpoints", body).status == 404
    client.post("/api/2.0/serving-endpoints", served("", spec))


def test_what_databricks_provides_is_there_for_everybody(client: Any, ada: Any) -> None:
    llama = "system.ai.llama"
    client.post("/api/2.0/serving-endpoints", served("4", llama))
    assert ada.get(f"{MODELS}/{llama}/versions/4")["status"] == "READY"
    assert ada.get(f"{MODELS}/{llama}")["owner"] == "System user"
    assert client.call("DELETE", f"{MODELS}/{llama}").code == "PERMISSION_DENIED"


def test_everybody_is_there_until_somebody_is_added(
    client: Any, sdk: WorkspaceClient, ada: Any
) -> None:
    assert [one.user_name for one in sdk.users.list(filter='userName eq "ADA@example.com"')] == [
        "ada@example.com"
    ]
    assert [one.display_name for one in sdk.groups.list(filter='displayName eq "analysts"')]
    assert not list(sdk.groups.list(filter='displayName eq "strangers"'))
    assert len(list(sdk.users.list())) == 2
    client.post("/__emulator__/reset")
    assert [one.display_name for one in sdk.groups.list(filter='displayName eq "strangers"')]
    assert client.call("GET", "/api/2.0/preview/scim/v2/Users?filter=id%20pr").status == 501
