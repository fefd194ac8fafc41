"""Who may do what with an object: declared and actual grants, and the call between them. Pure.

Source: https://docs.databricks.com/api/workspace/grants/update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding, Severity
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.kinds.unity_catalog.securable import GRANTS, SecurableKind
from provisioner.model.kind import Intent
from provisioner.model.paths import Document, Key
from provisioner.model.plan import Action, Operation
from provisioner.model.resource import Resource

EVERYTHING: Final = "ALL_PRIVILEGES"
Held = dict[str, tuple[str, frozenset[str]]]
"""Principal in lower case to its name as written and its privileges."""


def held(entries: Any) -> Held:
    """The grants in a list of a document or of an answer. All privileges hold every other."""
    held: Held = {}
    for entry in entries if isinstance(entries, list) else ():
        name, privileges = entry.get("principal"), entry.get("privileges")
        if isinstance(name, str) and isinstance(privileges, list):
            before = held.get(name.casefold(), (name, frozenset()))[1]
            held[name.casefold()] = (name, before | {str(each) for each in privileges})
    return {
        who: (name, frozenset({EVERYTHING}) if EVERYTHING in which else which)
        for who, (name, which) in held.items()
    }


def document_of(assignments: Any, resource: Resource) -> list[Document]:
    """The actual grants in the words and the order of the manifest.

    On what is created elsewhere only the declared privileges are looked at.
    """
    wanted, actual = held(resource.document.get(GRANTS)), held(assignments)
    order = _orders(resource.document)
    grants = []
    for who, (name, which) in sorted(actual.items()):
        declared_name, declared = wanted.get(who, (name, frozenset()))
        if resource.existing:
            which = declared if EVERYTHING in which else which & declared
        first = [each for each in order.get(who, ()) if each in which]
        if which:
            rest = sorted(which.difference(first))
            grants.append({"principal": declared_name, "privileges": [*first, *rest]})
    return grants


def _orders(document: Document) -> Mapping[str, list[str]]:
    return {
        str(entry["principal"]).casefold(): list(dict.fromkeys(entry["privileges"]))
        for entry in document.get(GRANTS) or ()
    }


def operations(kind: SecurableKind, intent: Intent) -> Iterator[Operation]:
    """The call that adds and takes away what differs; none where nothing does."""
    wanted = held((intent.desired or {}).get(GRANTS))
    is_new = intent.live is None or intent.action is Action.REPLACE
    actual = {} if is_new or intent.live is None else held(intent.live.document.get(GRANTS))
    changes = list(_changes(wanted, actual, _touched(intent, wanted | actual)))
    if changes:
        path = kind.grants_path(intent.name)
        yield Operation("update_grants", "PATCH", path, {"changes": changes})


def _touched(intent: Intent, every: Held) -> set[str]:
    """The principals, in lower case, that the plan changes anything for."""
    touched = set()
    for change in intent.changes:
        if change.path[0] == GRANTS and change.action is not Action.KEEP:
            entry = change.path[1] if len(change.path) > 1 else None
            touched |= {entry.value.casefold()} if isinstance(entry, Key) else {*every}
    return touched


def _changes(wanted: Held, actual: Held, touched: set[str]) -> Iterator[Document]:
    for who in sorted(touched):
        nobody = (who, frozenset[str]())
        name, after = wanted.get(who, actual.get(who, nobody))
        after = wanted.get(who, nobody)[1]
        before = actual.get(who, nobody)[1]
        lists = {"add": sorted(after - before), "remove": sorted(before - after)}
        if any(lists.values()):
            yield {"principal": name, **{word: which for word, which in lists.items() if which}}


def at_stake(assignments: Any, resource: Resource) -> tuple[str, ...]:
    """In words, the grants that a replacement would lose."""
    wanted = held(resource.document.get(GRANTS))
    return tuple(
        f"{', '.join(sorted(which))} of {name}"
        for who, (name, which) in sorted(held(assignments).items())
        if not which <= wanted.get(who, ("", frozenset()))[1]
    )


def relations(kind: SecurableKind, document: Document) -> Iterator[Finding]:
    """Each principal once, and privileges that the kind takes."""
    seen: set[str] = set()
    for index, entry in enumerate(document.get(GRANTS) or ()):
        place = (GRANTS, index)
        name = str(entry.get("principal", ""))
        # rule(tool): A principal has one entry: by its principal an entry is compared with the live
        #     one.
        if name.casefold() in seen:
            hint = "write all privileges of the principal in one entry"
            yield Finding((*place, "principal"), "E350", f"`{name}` occurs twice", hint)
        seen.add(name.casefold())
        for at, privilege in enumerate(entry.get("privileges") or ()):
            # rule(documented): A grant names a privilege of its kind. [docs.databricks.com/api,
            #     Grants]
            if privilege not in kind.privileges:
                # The words of the service grow, so an unknown one is no error.
                yield Finding(
                    (*place, "privileges", at),
                    "W785",
                    f"`{privilege}` is not a known privilege of a {kind.title}",
                    did_you_mean(str(privilege), sorted(kind.privileges)),
                    Severity.WARNING,
                )
