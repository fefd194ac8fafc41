"""Who may use a scope: only the declared principals are looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding
from provisioner.model.kind import ComparisonInput, Intent
from provisioner.model.paths import Document, Key, path_text
from provisioner.model.plan import ABSENT, NOT_DONE, Action, Cause, FieldAction, FieldChange

FIELD: Final = "acls"
MANAGE: Final = "MANAGE"


def changes(comparison: ComparisonInput) -> Iterator[FieldChange]:
    """A change for each declared principal that is missing or has another permission."""
    wanted = _permissions(comparison.desired)
    actual = _permissions(comparison.live.document) if comparison.live else {}
    managed = any(permission == MANAGE for _, permission in (actual | wanted).values())
    for who, (name, permission) in sorted(wanted.items()):
        before = actual.get(who, (name, ABSENT))[1]
        path = (FIELD, Key(name))
        if before is ABSENT:
            entry = {"principal": name, "permission": permission}
            yield FieldChange(path, ABSENT, entry, Action.CREATE, Cause.CREATED)
        elif before != permission:
            stays = before == MANAGE and not managed
            change = FieldChange((*path, "permission"), before, permission)
            kept = FieldAction(Action.KEEP, Cause.LAST_MANAGER)
            yield change.because(kept) if stays else change


def warnings(intent: Intent) -> Iterator[str]:
    """Who else has access, and what is declared and not done.

    A grant that was taken out of the manifest stays, and looks like those of others. Somebody
    else's MANAGE is whoever made the scope, as long as there is one alone.
    """
    for change in intent.changes:
        if change.cause in NOT_DONE:
            yield f"not done: {path_text(change.path)}: {change.reason}"
    wanted = _permissions(intent.desired or {})
    actual = _permissions(intent.live.document) if intent.live else {}
    others = {name: what for who, (name, what) in actual.items() if who not in wanted}
    if [*others.values()] == [MANAGE]:
        return
    if others:
        names = ", ".join(f"{name} ({what})" for name, what in sorted(others.items()))
        yield f"not declared here, so it is kept: access of {names}"


def to_grant(intent: Intent) -> Iterator[Document]:
    """The entries that have to be sent, sorted by principal."""
    wanted = dict(_permissions(intent.desired or {}).values())
    for change in intent.changes:
        is_grant = change.path[0] == FIELD and change.action is not Action.KEEP
        if is_grant and isinstance(change.path[1], Key):
            name = change.path[1].value
            yield {"principal": name, "permission": wanted[name]}


def of_declared(desired: Document, live: Document) -> Mapping[str, str]:
    """What the live scope grants to the principals that ``desired`` names."""
    actual = _permissions(live)
    return {who: actual[who][1] for who in _permissions(desired) if who in actual}


# rule(tool): A principal has one permission: by its principal an entry is compared with the live
#     one.
def relations(document: Document) -> Iterator[Finding]:
    """Each principal once."""
    seen: set[str] = set()
    entries = document.get(FIELD)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("principal") if isinstance(entry, Mapping) else None
        if isinstance(name, str) and name.casefold() in seen:
            message = f"`{name}` already has another permission"
            hint = "keep one of them: a higher permission includes the lower ones"
            yield Finding((FIELD, index, "principal"), "E346", message, hint)
        elif isinstance(name, str):
            seen.add(name.casefold())


def _permissions(document: Document) -> dict[str, tuple[str, Any]]:
    """Principal in lower case to its name as written and its permission."""
    entries = document.get(FIELD) or []
    return {
        entry["principal"].casefold(): (entry["principal"], entry.get("permission"))
        for entry in entries
    }
