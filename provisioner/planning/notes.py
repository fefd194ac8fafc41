"""What a reader of a step should know besides its changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provisioner.plan import Action, FieldChange
from provisioner.planning.cases import Case
from provisioner.planning.comparable import write_only_values
from provisioner.planning.unseen import listed
from provisioner.planning.verdicts import CHOSEN_BY_SERVICE
from provisioner.resource import Phase, Readiness
from provisioner.semantics import rules_along

UPDATING = "an update is in progress: compared with what it brings, and applied after it"


def notes(case: Case) -> tuple[str, ...]:
    """The notes of a step; none for what does not exist yet or is not wanted any more."""
    if case.pair.live is None:
        return ()
    return tuple(note for about in NOTES for note in about(case))


def state(case: Case) -> Iterator[str]:
    readiness = case.pair.live.readiness if case.pair.live else Readiness(Phase.ABSENT)
    if readiness.phase is Phase.UPDATING:
        yield UPDATING
    elif readiness.phase in (Phase.FAILED, Phase.STOPPED):
        yield readiness.message or f"it is {readiness.phase}"


def managed(case: Case) -> Iterator[str]:
    if case.pair.desired and case.is_existing:
        fields = listed((name,) for name in sorted(case.pair.desired.document) if name != "name")
        yield f"somebody else creates it; managed here: {fields or 'nothing'}"
        if case.owner and not case.is_ours:
            yield f"it belongs to {case.owner}"


def unreadable(case: Case) -> Iterator[str]:
    if case.pair.desired and not case.kind.compare:
        values = write_only_values(case.pair.desired.document, case.kind.rules())
        paths = [path for path, _, _ in values]
        if paths:
            yield f"cannot be read back: {listed(paths)}"


def chosen_again(case: Case) -> Iterator[str]:
    """A call that carries a block leaves out what the manifest does not hold of it."""
    sent = {change.path[0] for change in case.changes if change.action is Action.UPDATE}
    kept = [
        change.path
        for change in case.changes
        if change.reason == CHOSEN_BY_SERVICE and change.path[0] in sent and _is_free(case, change)
    ]
    if kept:
        yield f"the service may choose again: {listed(kept)}"


def _is_free(case: Case, change: FieldChange) -> bool:
    """Whether the service could choose something else, which a fixed default is not."""
    along = rules_along(case.kind.rules(), change.path)
    return any(rule.server_default and not rule.default_values for rule in along)


def nothing_to_rotate(case: Case) -> Iterator[str]:
    if case.rotated and case.pair.desired and not case.kind.compare:
        values = write_only_values(case.pair.desired.document, case.kind.rules())
        if not any(rule.secret for _, _, rule in values):
            yield "--rotate: it holds no secret that is given as plaintext"


NOTES: tuple[Callable[[Case], Iterator[str]], ...] = (
    state,
    managed,
    unreadable,
    chosen_again,
    nothing_to_rotate,
)
