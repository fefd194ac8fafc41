"""Who holds which privilege in Unity Catalog: one question for each object, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from provisioner.errors import Problem, Severity
from provisioner.model.connection import Connection
from provisioner.workspace.unity_catalog import ABSENT, LOCAL

ROOT: Final = "/api/2.1/unity-catalog"
ME: Final = "/api/2.0/preview/scim/v2/Me"
EVERYTHING: Final = "ALL_PRIVILEGES"
# Everybody's group of the account: it is in no list of a user's groups.
EVERYBODY: Final = "account users"
MOST_PAGES: Final = 100
# To the grants API a registered model is a function; every other type is the singular of its path.
MODELS: Final[Mapping[str, str]] = {"function": "models"}
SQL_WORDS: Final = frozenset({"catalog", "schema", "function"})
Name = tuple[str, ...]
"""Principal (``""`` for the login), type and full name of the object, privilege."""


@dataclass(frozen=True, slots=True)
class GrantFact:
    """Who holds what on one object, names in lower case. ``exists``: the login can see it.

    ``login`` are the names of the login and of its groups; ``user`` is its own name.
    """

    exists: bool
    user: str = ""
    login: frozenset[str] = frozenset()
    owner: str = ""
    held: Mapping[str, frozenset[str]] = field(default_factory=dict)


def ask(connection: Connection, name: Name, where: str) -> GrantFact:
    """The grants on the object ``name``: its type and its full name."""
    kind, full_name = name
    place = MODELS.get(kind, f"{kind.replace('_', '-')}s")
    quoted = quote(full_name, safe="")
    securable = connection.get(f"{ROOT}/{place}/{quoted}", absent=ABSENT)
    if securable is None:
        return GrantFact(exists=False)
    me = connection.get(ME) or {}
    own = [me.get("userName"), me.get("applicationId")]
    groups = [group.get("display") for group in me.get("groups") or () if isinstance(group, dict)]
    return GrantFact(
        exists=True,
        user=str(me.get("userName") or ""),
        login=frozenset(str(each).casefold() for each in (*own, *groups, EVERYBODY) if each),
        owner=str(securable.get("owner") or securable.get("effective_owner") or "").casefold(),
        held=_held(connection, f"{ROOT}/effective-permissions/{kind}/{quoted}"),
    )


def _held(connection: Connection, path: str) -> dict[str, frozenset[str]]:
    """All pages of the grants, with what comes from the schema and the catalog above."""
    held: dict[str, frozenset[str]] = {}
    query: dict[str, str] = {"max_results": "0"}
    for _ in range(MOST_PAGES):
        answer = connection.get(path, query) or {}
        for entry in answer.get("privilege_assignments") or ():
            who = str(entry.get("principal", "")).casefold()
            which = {_word(each) for each in entry.get("privileges") or ()}
            held[who] = held.get(who, frozenset()) | which
        token = answer.get("next_page_token")
        if not token:
            break
        query = {**query, "page_token": str(token)}
    return held


def _word(privilege: Any) -> str:
    return str(privilege.get("privilege")) if isinstance(privilege, Mapping) else str(privilege)


def judge(fact: GrantFact, name: Name, where: str) -> Problem | None:
    """What is missing: an error for the login, a warning for others, whose groups are not known."""
    principal, kind, full_name, privilege = name
    if not fact.exists and not principal:
        # The local workspace knows catalogs that nobody made.
        return None if where.startswith(LOCAL) else _unseen(kind, full_name, where)
    holders = {principal.casefold(), EVERYBODY} if principal else fact.login
    held = frozenset[str]().union(*(fact.held.get(each, frozenset()) for each in holders))
    if fact.owner in holders or {privilege, EVERYTHING} & held:
        return None
    who = principal or fact.user
    hint = _hint(kind, full_name, privilege, who)
    message = f"`{who}` lacks {privilege} on the {kind.replace('_', ' ')} `{full_name}`"
    if not principal:
        return Problem("E775", f"{message}, which this login needs", hint=hint)
    message = f"{message}, and cannot use what is granted here"
    hint = f"{hint}\na group that `{who}` is in may hold it"
    return Problem("W773", message, hint=hint, severity=Severity.WARNING)


def _unseen(kind: str, full_name: str, where: str) -> Problem:
    message = f"there is no {kind.replace('_', ' ')} `{full_name}` in {where} that this login sees"
    return Problem("E776", message, hint="have it created, or ask its owner for BROWSE on it")


def _hint(kind: str, full_name: str, privilege: str, who: str) -> str:
    if kind not in SQL_WORDS:
        entry = f"{{principal: {who}, privileges: [{privilege}]}}"
        return f"its owner grants it, as with `grants: [{entry}]` in its manifest"
    return f"GRANT {privilege.replace('_', ' ')} ON {kind.upper()} {full_name} TO `{who}`"
