"""Objects below a schema that the gateway works with: one table serves all their kinds.

Services, catalog secrets and connections differ in their bodies; that they are created, read,
listed, changed and deleted, who may do so, and the etag are the same for all.
Sources: the calls of databricks-sdk (``AiGatewayAPI``, ``SecretsUcAPI``); docs.databricks.com.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from provisioner.emulator.http.routing import ApiError, ApiRequest, Caller, invalid
from provisioner.emulator.http.store import Store
from provisioner.emulator.unity_catalog import catalog
from provisioner.emulator.unity_catalog.metastore import METASTORE_ID

Json = dict[str, Any]
MODEL_SERVICE, PROVIDER_SERVICE, SECRET = "model_service", "model_provider_service", "secret"
MCP_SERVICE, CONNECTION = "mcp_service", "connection"
TITLES = {
    MODEL_SERVICE: "Model service",
    PROVIDER_SERVICE: "Model provider service",
    SECRET: "Secret",
    MCP_SERVICE: "MCP service",
    CONNECTION: "Connection",
}
# Services of models share their names. [docs.databricks.com, Create model provider services]
SHARED_NAMES = (MODEL_SERVICE, PROVIDER_SERVICE)
# Privilege that creating an object of the kind needs on its schema.
CREATE = {
    MODEL_SERVICE: "CREATE_SERVICE",
    PROVIDER_SERVICE: "CREATE_SERVICE",
    SECRET: "CREATE_SECRET",
    MCP_SERVICE: "CREATE_SERVICE",
    CONNECTION: "CREATE_CONNECTION",
}
# Any of them shows the object; with MANAGE it may be changed as well.
READERS = {
    MODEL_SERVICE: ("EXECUTE", "READ_METADATA", "MANAGE"),
    PROVIDER_SERVICE: ("EXECUTE", "READ_METADATA", "MANAGE"),
    SECRET: ("MANAGE",),
    MCP_SERVICE: ("EXECUTE", "READ_METADATA", "MANAGE"),
    CONNECTION: ("USE_CONNECTION", "MANAGE"),
}
MANAGE = "MANAGE"
NAME = re.compile(r"[^\s./\x00-\x1f\x7f]{1,255}")
# rule(assumed): A page has at most 50 objects, so that a client that reads one page is seen to
#     miss some. [databricks/unity-gateway 345: a page of 100 was cancelled, one of 5 worked]
LARGEST_PAGE = 50


@dataclass(frozen=True, slots=True)
class CatalogObject:
    """An object below a schema. ``body`` is what its creator sent, in snake case.

    ``id`` tells it from an earlier one of the same name; ``version`` grows with each write.
    """

    kind: str
    full_name: str
    owner: str
    body: Json
    created_by: str
    created_ms: int
    updated_by: str
    updated_ms: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    version: int = 1

    @property
    def etag(self) -> str:
        """Another text after each write, in base 64."""
        return base64.b64encode(f"{self.id}:{self.version}".encode()).decode()

    @property
    def key(self) -> str:
        """Under what grants on it are kept: a model may have the same full name."""
        return grant_key(self.kind, self.full_name)

    @property
    def facts(self) -> Json:
        """What the answers about objects of all kinds have in common."""
        return {
            "metastore_id": METASTORE_ID,
            "effective_owner": self.owner,
            "create_time": timestamp(self.created_ms),
            "created_by": self.created_by,
            "update_time": timestamp(self.updated_ms),
            "updated_by": self.updated_by,
        }


def grant_key(kind: str, full_name: str) -> str:
    """Returns the name that the grants on an object are kept under."""
    return f"{kind}:{full_name.lower()}"


def timestamp(milliseconds: int) -> str:
    """Returns a time as the JSON form of protocol buffers writes it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def snake_case(value: Any) -> Any:
    """Returns a JSON value with all field names in snake case: the service reads both."""
    if isinstance(value, dict):
        return {_snake(name): snake_case(inner) for name, inner in value.items()}
    return [snake_case(inner) for inner in value] if isinstance(value, list) else value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", name)


def find(store: Store, kind: str, full_name: str) -> CatalogObject | None:
    """Returns an object, or None. Names do not mind the case."""
    row = store.row(
        "SELECT record FROM securables WHERE kind = ? AND full_name = ?", kind, full_name
    )
    return CatalogObject(**json.loads(row[0])) if row else None


def list_schema(store: Store, kind: str, schema: str) -> Iterator[CatalogObject]:
    """Yields the objects of one kind in a schema, by name."""
    sql = "SELECT full_name, record FROM securables WHERE kind = ? ORDER BY full_name"
    for full_name, record in store.rows(sql, kind):
        if full_name.rpartition(".")[0].lower() == schema.lower():
            yield CatalogObject(**json.loads(record))


def full_names(store: Store, kind: str) -> list[str]:
    """Returns the names of all objects of one kind, sorted."""
    sql = "SELECT full_name FROM securables WHERE kind = ? ORDER BY full_name"
    return [full_name for (full_name,) in store.rows(sql, kind)]


def require(store: Store, kind: str, full_name: str) -> CatalogObject:
    """Returns an object. Raises ApiError."""
    securable = find(store, kind, full_name)
    # rule(client): An object that does not exist answers 404; the code is assumed, clients look at
    #     the status. [databricks/unity-gateway]
    if securable is None:
        message = f"{TITLES[kind]} '{full_name}' does not exist."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    return securable


def create(store: Store, caller: Caller, kind: str, full_name: str, body: Json) -> CatalogObject:
    """Stores a new object, which belongs to the caller. Raises ApiError."""
    require_schema(store, caller, full_name.rpartition(".")[0], CREATE[kind])
    # rule(client): A name has no spaces, periods, slashes and control characters, and at most 255
    #     characters. [databricks-sdk, AiGatewayAPI]
    if not NAME.fullmatch(full_name.rpartition(".")[2]):
        raise invalid(f"'{full_name.rpartition('.')[2]}' is not a valid name.")
    kinds = SHARED_NAMES if kind in SHARED_NAMES else (kind,)
    # rule(documented): Services of all kinds share the names of a schema; the code is assumed.
    #     [docs.databricks.com, Create model provider services]
    if taken := next((each for each in kinds if find(store, each, full_name)), None):
        message = f"{TITLES[taken]} '{full_name}' already exists."
        raise ApiError(409, "ALREADY_EXISTS", message)
    who, now_ms = caller.name, store.now_ms()
    # Unity Catalog keeps names in lower case. [databricks/cli, acceptance tests of schemas]
    made = CatalogObject(kind, full_name.lower(), who, body, who, now_ms, who, now_ms)
    _store(store, made)
    return made


def change(store: Store, caller: Caller, securable: CatalogObject, **fields: Any) -> CatalogObject:
    """Stores a changed object, and notes by whom and when."""
    changed = replace(
        securable,
        **fields,
        updated_by=caller.name,
        updated_ms=store.now_ms(),
        version=securable.version + 1,
    )
    _store(store, changed)
    return changed


def _store(store: Store, securable: CatalogObject) -> None:
    fields = {name: getattr(securable, name) for name in CatalogObject.__dataclass_fields__}
    row = (securable.kind, securable.full_name, json.dumps(fields))
    store.change("INSERT OR REPLACE INTO securables VALUES (?, ?, ?)", *row)


def delete(store: Store, securable: CatalogObject) -> None:
    """Deletes an object and the grants on it."""
    store.change("DELETE FROM privileges WHERE securable = ?", securable.key)
    where = "kind = ? AND full_name = ?"
    store.change(f"DELETE FROM securables WHERE {where}", securable.kind, securable.full_name)


def require_schema(store: Store, caller: Caller, schema: str, privilege: str) -> None:
    """Refuses a schema that does not exist, and callers without the privilege on it.

    A catalog in which no schema was ever created counts as full: manifests name those of a real
    workspace.
    """
    catalog_name = schema.partition(".")[0]
    # rule(documented): An object has a schema as its parent. [databricks-sdk, AiGatewayAPI]
    if schema.count(".") != 1 or not all(schema.split(".")):
        raise invalid(f"'{schema}' is not the full name of a schema.")
    made = {name for (name,) in store.rows("SELECT full_name FROM namespaces")}
    is_known = any(name.startswith(f"{catalog_name.lower()}.") for name in made)
    # rule(client): A missing schema answers 404 with a code of its own. [serving-api 10.21]
    if is_known and schema.lower() not in made:
        message = f"Schema '{schema}' does not exist."
        raise ApiError(404, "SCHEMA_DOES_NOT_EXIST", message)
    if not caller.is_admin:
        _require_privileges(store, caller, schema, privilege)


def _require_privileges(store: Store, caller: Caller, schema: str, privilege: str) -> None:
    catalog_name = schema.partition(".")[0]
    holders = (
        (catalog.USE_CATALOG, (catalog_name,), f"Catalog '{catalog_name}'"),
        (catalog.USE_SCHEMA, (catalog_name, schema), f"Schema '{schema}'"),
        (privilege, (catalog_name, schema), f"Schema '{schema}'"),
    )
    for name, places, title in holders:
        # rule(documented): Creating needs the privilege to create on the schema, and USE on the
        #     schema and its catalog. [databricks-sdk, AiGatewayAPI, SecretsUcAPI]
        if not catalog.holds(store, caller, name, places):
            words = name.replace("_", " ")
            message = f"User does not have {words} on {title}."
            raise ApiError(403, "PERMISSION_DENIED", message)


def missing(store: Store, caller: Caller, securable: CatalogObject, *privileges: str) -> str:
    """Returns why the caller lacks all ``privileges``; ``""`` where it has one, or owns it."""
    catalog_name, schema, _ = securable.full_name.split(".")
    above = (catalog_name, f"{catalog_name}.{schema}")
    if catalog.is_owner(caller, securable):
        return ""
    for privilege, places in ((catalog.USE_CATALOG, above[:1]), (catalog.USE_SCHEMA, above)):
        if not catalog.holds(store, caller, privilege, places):
            return f"User does not have {privilege.replace('_', ' ')} on '{places[-1]}'."
    if any(catalog.holds(store, caller, each, (*above, securable.key)) for each in privileges):
        return ""
    title = TITLES[securable.kind].title()
    return f"User does not have {privileges[0]} on {title} '{securable.full_name}'."


def require_privilege(
    store: Store, caller: Caller, securable: CatalogObject, *privileges: str
) -> CatalogObject:
    """Returns the object if the caller has one of ``privileges``. Raises ApiError."""
    lacking = missing(store, caller, securable, *privileges)
    # rule(documented): Objects are used, shown and changed by who has the privilege for it; the
    #     status is assumed. [databricks-sdk, AiGatewayAPI, SecretsUcAPI]
    if lacking:
        raise ApiError(403, "PERMISSION_DENIED", lacking)
    return securable


def require_etag(request: ApiRequest, securable: CatalogObject) -> None:
    """Refuses a write that was made from an older state of the object."""
    etag = request.query.get("etag", "")
    # rule(assumed, always): A write with an etag that is not the current one is refused, because
    #     that is what an etag is for; status and code are assumed. [databricks-sdk, AiGatewayAPI:
    #     etag of update and delete]
    if etag and etag != securable.etag:
        message = (
            f"The etag of {TITLES[securable.kind].lower()} '{securable.full_name}' does not match."
        )
        raise ApiError(409, "ABORTED", message)


def page_of(request: ApiRequest, key: str, shown: list[Json]) -> Json:
    """Returns ``{key: objects of this page}`` for ``page_size`` and ``page_token``."""
    size, start = _number(request, "page_size"), _number(request, "page_token")
    end = start + (min(size, LARGEST_PAGE) if size else LARGEST_PAGE)
    answer: Json = {key: shown[start:end]}
    return answer | ({"next_page_token": str(end)} if end < len(shown) else {})


def _number(request: ApiRequest, name: str) -> int:
    text = request.query.get(name) or "0"
    # rule(assumed, always): A page token or a page length that is no number is refused, because no
    #     page belongs to it. [databricks-sdk: page_size and page_token]
    if not (text.isdecimal() and text.isascii() and len(text) < 10):
        raise invalid(f"{name} is not valid.")
    return int(text)
