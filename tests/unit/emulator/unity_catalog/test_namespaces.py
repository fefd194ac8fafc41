"""Catalogs and schemas, as far as registered models need them, the metastore and connections."""

from __future__ import annotations

from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import BadRequest, NotFound
from databricks.sdk.service import serving

UC = "/api/2.1/unity-catalog"
CATALOGS, SCHEMAS, MODELS = f"{UC}/catalogs", f"{UC}/schemas", f"{UC}/models"
ME = "local-user@example.com"


@pytest.fixture
def sdk(client: Any) -> WorkspaceClient:
    config = Config(host=client.server.url, token=client.server.token, retry_timeout_seconds=5)
    return WorkspaceClient(config=config)


def names(client: Any, path: str, key: str) -> list[str]:
    return sorted(each["full_name"] for each in client.get(path)[key])


def test_a_catalog_is_made_with_its_default_schema(client: Any) -> None:
    made = client.post(CATALOGS, {"name": "Shop", "comment": "of the shop"})
    assert (made["name"], made["full_name"], made["owner"]) == ("shop", "shop", ME)
    assert (made["comment"], made["catalog_type"]) == ("of the shop", "MANAGED_CATALOG")
    assert client.get(f"{CATALOGS}/SHOP") == made
    assert names(client, CATALOGS, "catalogs") == ["shop"]
    assert names(client, f"{SCHEMAS}?catalog_name=shop", "schemas") == ["shop.default"]


def test_a_schema_is_made_read_and_deleted(client: Any) -> None:
    client.post(CATALOGS, {"name": "shop"})
    made = client.post(SCHEMAS, {"name": "Risk", "catalog_name": "shop"})
    assert (made["full_name"], made["catalog_name"], made["name"]) == ("shop.risk", "shop", "risk")
    assert client.get(f"{SCHEMAS}/shop.risk") == made
    assert client.call("DELETE", f"{SCHEMAS}/shop.risk").status == 200
    gone = client.call("GET", f"{SCHEMAS}/shop.risk")
    assert (gone.status, gone.code) == (404, "SCHEMA_DOES_NOT_EXIST")


def test_a_comment_and_an_owner_are_changed(client: Any) -> None:
    client.post(CATALOGS, {"name": "shop"})
    changed = client.patch(f"{CATALOGS}/shop", {"comment": "new", "owner": "analysts"})
    assert (changed["comment"], changed["owner"]) == ("new", "analysts")
    assert client.patch(f"{SCHEMAS}/shop.default", {"comment": "d"})["comment"] == "d"
    assert client.get(f"{CATALOGS}/shop") == changed


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(CATALOGS, {"name": "shop"}, id="catalog"),
        pytest.param(SCHEMAS, {"name": "default", "catalog_name": "shop"}, id="schema"),
    ],
)
def test_a_name_is_taken_once(client: Any, path: str, body: Any) -> None:
    client.post(CATALOGS, {"name": "shop"})
    again = client.call("POST", path, body)
    assert again.status == 409
    assert again.code in ("CATALOG_ALREADY_EXISTS", "SCHEMA_ALREADY_EXISTS")


@pytest.mark.parametrize("path", [f"{CATALOGS}/shop", f"{SCHEMAS}/shop.risk"])
def test_what_holds_something_is_deleted_only_by_force(client: Any, path: str) -> None:
    client.post(CATALOGS, {"name": "shop"})
    client.post(SCHEMAS, {"name": "risk", "catalog_name": "shop"})
    client.post(MODELS, {"name": "fraud", "catalog_name": "shop", "schema_name": "risk"})
    refused = client.call("DELETE", path)
    assert refused.status == 400
    assert refused.code in ("CATALOG_NOT_EMPTY", "SCHEMA_NOT_EMPTY")
    assert client.call("DELETE", f"{path}?force=true").status == 200
    assert client.call("GET", f"{MODELS}/shop.risk.fraud").status == 404
    assert client.call("GET", path).status == 404


def test_what_somebody_names_is_there(client: Any) -> None:
    client.post(MODELS, {"name": "fraud", "catalog_name": "main", "schema_name": "risk"})
    assert names(client, CATALOGS, "catalogs") == ["main"]
    assert names(client, f"{SCHEMAS}?catalog_name=main", "schemas") == ["main.risk"]
    assert client.get(f"{CATALOGS}/main")["full_name"] == "main"
    assert client.call("GET", f"{CATALOGS}/other").code == "CATALOG_DOES_NOT_EXIST"
    assert client.call("GET", f"{SCHEMAS}?catalog_name=other").code == "CATALOG_DOES_NOT_EXIST"


def test_a_schema_needs_its_catalog(client: Any) -> None:
    refused = client.call("POST", SCHEMAS, {"name": "risk", "catalog_name": "other"})
    assert (refused.status, refused.code) == (404, "CATALOG_DOES_NOT_EXIST")


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a/b", "a\x01"])
def test_a_name_is_refused(client: Any, name: str) -> None:
    refused = client.call("POST", CATALOGS, {"name": name})
    assert (refused.status, refused.code) == (400, "INVALID_PARAMETER_VALUE")


def test_an_owner_may_use_grant_and_delete_what_is_its_own(client: Any) -> None:
    _, ada = client.principal("ada@example.com")
    assert ada.call("POST", CATALOGS, {"name": "shop"}).code == "PERMISSION_DENIED"
    client.post(CATALOGS, {"name": "shop", "comment": ""})
    assert ada.call("POST", SCHEMAS, {"name": "a", "catalog_name": "shop"}).status == 403
    client.patch(f"{CATALOGS}/shop", {"owner": "ada@example.com"})
    ada.post(SCHEMAS, {"name": "risk", "catalog_name": "shop"})
    ada.post(MODELS, {"name": "fraud", "catalog_name": "shop", "schema_name": "risk"})
    assert ada.get(f"{MODELS}/shop.risk.fraud")["owner"] == "ada@example.com"
    change = {"principal": "bob@example.com", "add": ["USE_CATALOG"]}
    ada.patch(f"{UC}/permissions/catalog/shop", {"changes": [change]})
    assert ada.call("DELETE", f"{CATALOGS}/shop?force=true").status == 200


def test_who_may_create_schemas_does(client: Any) -> None:
    _, ada = client.principal("ada@example.com")
    client.post(CATALOGS, {"name": "shop"})
    change = {"principal": "ada@example.com", "add": ["CREATE_SCHEMA", "USE_CATALOG"]}
    client.patch(f"{UC}/permissions/catalog/shop", {"changes": [change]})
    assert ada.post(SCHEMAS, {"name": "risk", "catalog_name": "shop"})["owner"] == "ada@example.com"


def test_the_metastore_says_what_it_is(sdk: WorkspaceClient) -> None:
    summary, assignment = sdk.metastores.summary(), sdk.metastores.current()
    assert summary.metastore_id == assignment.metastore_id
    assert summary.name
    assert assignment.workspace_id == 900800700600


def test_the_sdk_makes_and_deletes_catalogs_and_schemas(sdk: WorkspaceClient) -> None:
    sdk.catalogs.create("shop", comment="c")
    sdk.schemas.create("risk", "shop")
    assert [each.full_name for each in sdk.schemas.list("shop")] == ["shop.default", "shop.risk"]
    with pytest.raises(BadRequest):
        sdk.catalogs.delete("shop")
    sdk.catalogs.delete("shop", force=True)
    with pytest.raises(NotFound):
        sdk.catalogs.get("shop")
    assert list(sdk.catalogs.list()) == []


def test_a_call_through_a_connection_says_that_nothing_was_sent(sdk: WorkspaceClient) -> None:
    answer = sdk.serving_endpoints.http_request(
        conn="crm",
        method=serving.ExternalFunctionRequestHttpMethod.POST,
        path="/v1/customers",
        headers={"Authorization": "secret"},
        json={"name": "Ada"},
    )
    shown = answer.json()
    assert (shown["connection_name"], shown["method"]) == ("crm", "POST")
    assert (shown["path"], shown["json"]) == ("/v1/customers", {"name": "Ada"})
    assert "no request was sent" in shown["note"]
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"method": "GET", "path": "/"}, id="no connection"),
        pytest.param({"connection_name": "c", "path": "/"}, id="no method"),
        pytest.param({"connection_name": "c", "method": "BREW", "path": "/"}, id="another method"),
        pytest.param({"connection_name": "c", "method": "GET"}, id="no path"),
        pytest.param(
            {"connection_name": "c", "method": "POST", "path": "/", "json": "{"}, id="no JSON"
        ),
    ],
)
def test_a_call_through_a_connection_is_refused(client: Any, body: Any) -> None:
    refused = client.call("POST", "/api/2.0/external-function", body)
    assert (refused.status, refused.code) == (400, "INVALID_PARAMETER_VALUE")
