"""Who holds which privilege in Unity Catalog, also by its groups: questions, and their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from provisioner.errors import Problem, ServiceError, Severity
from provisioner.model.connection import Reader
from provisioner.model.paths import Document
from provisioner.workspace.unity_catalog import ABSENT, LOCAL

ROOT: Final = "/api/2.1/unity-catalog"
SCIM: Final = "/api/2.0/preview/scim/v2"
ME: Final = f"{SCIM}/Me"
# Of each sort of principal the list that holds it, and the attribute that names it.
LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "user_name": ("Users", "userName"),
    "group_name": ("Groups", "displayName"),
    "service_principal_name": ("ServicePrincipals", "applicationId"),
}
USER, GROUP, MACHINE = LISTS
# Everybody's group of the account: it is in no list of a user's groups.
EVERYBODY: Final = "account users"
UNDECIDED: Final = "W774"
"""The code of what could not be looked up: it is not missing, and not there either."""
APPLICATION_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERYTHING: Final = "ALL_PRIVILEGES"
MOST_PAGES: Final = 100
# To the grants API a registered model is a function; every other type is the singular of its path.
MODELS: Final[Mapping[str, str]] = {"function": "models"}
SQL_WORDS: Final = frozenset({"catalog", "schema", "function"})
Name = tuple[str, ...]
"""Principal (``""`` for the login), type and full name of the object, privilege."""


@dataclass(frozen=True, slots=True)
class PrincipalNames:
    """The names by which a principal is granted: its own and those of its groups, folded."""

    own: str
    names: frozenset[str]


def names_of(connection: Reader, principal: str) -> PrincipalNames:
    """The names of ``principal``, ``""`` for the login. Raises ServiceError where none are told.

    Unity Catalog knows groups of the account that the workspace does not, so others may count.
    """
    if not principal:
        me = connection.get(ME) or {}
        own = str(me.get("userName") or me.get("applicationId") or "")
        return PrincipalNames(own, _folded(own, me.get("applicationId"), *_groups_in(me)))
    resources = displayed(connection, *LISTS[_sort(principal)], principal, "groups")
    groups = [name for each in resources for name in _groups_in(each)]
    return PrincipalNames(principal, _folded(principal, *groups))


def may_hide_members(connection: Reader, group: str) -> bool:
    """Whether ``group`` may have members whom the workspace does not show as such.

    So has a group of the account that is not assigned to the workspace, and one with groups in it.
    """
    if _sort(group) != GROUP:
        return False
    try:
        resources = displayed(connection, *LISTS[GROUP], group, "members")
    except ServiceError:
        # Not every login may read groups, and what it cannot read may have any member.
        return True
    members = [member for each in resources for member in each.get("members") or ()]
    # The members of a group in a group are in the answer about that group, if it is shown at all.
    return not resources or any("Groups/" in str(member.get("$ref")) for member in members)


def _sort(principal: str) -> str:
    """The sort of a principal, by its name alone: as Unity Catalog tells them apart."""
    if "@" in principal:
        return USER
    return MACHINE if APPLICATION_ID.fullmatch(principal.casefold()) else GROUP


def _groups_in(resource: Document | Mapping[str, Any]) -> list[str]:
    groups = [each for each in resource.get("groups") or () if isinstance(each, Mapping)]
    return [str(each.get("display")) for each in groups if each.get("display")]


def _folded(*names: Any) -> frozenset[str]:
    return frozenset(str(name).casefold() for name in (*names, EVERYBODY) if name)


def displayed(
    connection: Reader, resources: str, attribute: str, who: str, wanted: str = "id"
) -> list[Mapping[str, Any]]:
    """The users, groups or service principals with ``who`` as their ``attribute``."""
    # RFC 7644, 3.4.2.2: text in a filter is written as in JSON.
    text = who.replace("\\", "\\\\").replace('"', '\\"')
    query = {"filter": f'{attribute} eq "{text}"', "attributes": f"{wanted},{attribute}"}
    answer = connection.get(f"{SCIM}/{resources}", query | {"count": "10"}) or {}
    # Not the length of the list: a server that ignores the filter returns everybody.
    return [
        entry
        for entry in answer.get("Resources") or []
        if isinstance(entry, Mapping) and str(entry.get(attribute, "")).casefold() == who.casefold()
    ]


@dataclass(frozen=True, slots=True)
class GrantFact:
    """Who holds what on one object, names in lower case. ``exists``: the login can see it.

    ``who`` is the principal that is asked about, and ``names`` are its own and those of its
    groups. ``unclear`` are the holders of which it is unknown whether it is a member.
    """

    exists: bool
    who: str = ""
    names: frozenset[str] = frozenset()
    owner: str = ""
    held: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unclear: frozenset[str] = frozenset()


def ask(connection: Reader, name: Name, where: str) -> GrantFact:
    """The grants on an object: ``name`` is a principal, the type and the full name."""
    principal, kind, full_name = name
    place = MODELS.get(kind, f"{kind.replace('_', '-')}s")
    quoted = quote(full_name, safe="")
    securable = connection.get(f"{ROOT}/{place}/{quoted}", absent=ABSENT)
    if securable is None:
        return GrantFact(exists=False)
    held = _held(connection, f"{ROOT}/effective-permissions/{kind}/{quoted}")
    owner = str(securable.get("owner") or securable.get("effective_owner") or "").casefold()
    try:
        known = names_of(connection, principal)
    except ServiceError:
        # Whoever may not see the principal still sees what it holds itself.
        known = PrincipalNames(principal, frozenset({principal, EVERYBODY}))
    strangers = ({*held, owner} - known.names - {""}) if known.own else set()
    unclear = frozenset(each for each in strangers if may_hide_members(connection, each))
    return GrantFact(True, known.own, known.names, owner, held, unclear)


def _held(connection: Reader, path: str) -> dict[str, frozenset[str]]:
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
    """What is missing: an error for the login, a warning for others."""
    principal, kind, full_name, privilege = name
    if not fact.exists and not principal:
        # The local workspace knows catalogs that were not created.
        return None if where.startswith(LOCAL) else _unseen(kind, full_name, where)
    holders = {who for who, which in fact.held.items() if {privilege, EVERYTHING} & which}
    holders |= {fact.owner}
    names = fact.names if fact.exists else frozenset({principal.casefold()})
    if holders & names:
        return None
    who = fact.who or principal
    what = f"{privilege} on the {kind.replace('_', ' ')} `{full_name}`"
    hint = _hint(kind, full_name, privilege, who)
    if unclear := sorted(holders & fact.unclear):
        message = f"`{who}` may lack {what}: only members of {_quoted(unclear)} have it"
        hint = f"the workspace does not show their members; if `{who}` is not a member:\n{hint}"
        return Problem(UNDECIDED, message, hint=hint, severity=Severity.WARNING)
    message = f"`{who}` lacks {what}"
    if not principal:
        return Problem("E775", f"{message}, which this login needs", hint=hint)
    message = f"{message}, which the grants here require"
    return Problem("W773", message, hint=hint, severity=Severity.WARNING)


def _quoted(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _unseen(kind: str, full_name: str, where: str) -> Problem:
    message = (
        f"there is no {kind.replace('_', ' ')} `{full_name}` in {where} that this login can see"
    )
    return Problem("E776", message, hint="create it, or ask its owner for BROWSE on it")


def _hint(kind: str, full_name: str, privilege: str, who: str) -> str:
    if kind not in SQL_WORDS:
        entry = f"{{principal: {who}, privileges: [{privilege}]}}"
        return f"the owner can grant it, for example with `grants: [{entry}]` in its manifest"
    return f"GRANT {privilege.replace('_', ' ')} ON {kind.upper()} {full_name} TO `{who}`"
