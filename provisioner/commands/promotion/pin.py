"""``pin``: which versions the aliases of registered models stand for now; reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.commands.promotion.entries import Stamp, pinned
from provisioner.commands.promotion.participants import released_variables
from provisioner.errors import Problem, UsageError, by_place
from provisioner.manifests.variable_values import aliases, values
from provisioner.model.clock import Now, utc_now
from provisioner.model.release import Alias, Released, Value
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import columns, padded, safe
from provisioner.workflow import releases
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.releases import ReleaseDraft
from provisioner.workflow.scope import answer_or_problem
from provisioner.workflow.session import Session
from provisioner.workspace import unity_catalog


@dataclass(frozen=True, slots=True)
class Pin:
    """One variable: what it was worth (None: nothing so far) and what its alias stands for."""

    name: str
    alias: Alias
    before: Value | None
    after: Value

    @property
    def changes(self) -> bool:
        """Whether the alias has moved."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class PinResult:
    """What ``pin`` found; ``problems`` are about variables that stay as they are."""

    environment: str
    pins: tuple[Pin, ...]
    released: Mapping[str, Released]
    draft: ReleaseDraft
    problems: tuple[Problem, ...]


def pin(
    session: Session, words: Sequence[str], *, retry_rejected: bool = False, now: Now = utc_now
) -> PinResult:
    """Resolve the aliases that ``words`` name, or all of the environment's. Writes nothing.

    Versions that were rolled back are problems too, unless ``retry_rejected``.

    Raises UsageError for a word that names none, and WorkspaceError when the workspace cannot
    be reached; an alias that leads nowhere is a problem, and the others are resolved.
    """
    environment = session.environment
    known = {name: at for name, at in aliases(environment).items() if _is_released(session, name)}
    if not known:
        message = f"no released variable of `{environment.name}` is an alias"
        hint = "write one below `variables`: `NAME: {alias: catalog.schema.model@champion}`"
        raise UsageError.of("E712", message, hint)
    names = released_variables(words, known, lambda: [session.loaded])
    before = values(environment, names)
    stamp = Stamp(now(), session.git_commit)
    # One request for each alias: a refused one must not keep the others back.
    versions = map_parallel(lambda name: alias_version(session, known[name]), names)
    pins: list[Pin] = []
    problems: list[Problem] = []
    for name, version in zip(names, versions, strict=True):
        entry = environment.promotion.releases.get(name, Released())
        if isinstance(version, Problem):
            problems.append(version)
        # An alias that still points at a rejected version would undo the rollback.
        elif version in entry.rejected and not retry_rejected:
            problems.append(_rejected(session, name, known[name], version))
        else:
            pins.append(Pin(name, known[name], before.get(name), version))
    released = {
        pin.name: pinned(environment.promotion.releases.get(pin.name), pin.after, pin.alias, stamp)
        for pin in pins
        if pin.changes
    }
    draft = releases.draft_release(session.project.root, environment.name, released)
    sorted_problems = tuple(sorted(problems, key=by_place))
    return PinResult(environment.name, tuple(pins), released, draft, sorted_problems)


def _is_released(session: Session, name: str) -> bool:
    return name in session.environment.promotion.released


def alias_version(session: Session, alias: Alias) -> str | Problem:
    """Returns the version that ``alias`` points to, or why there is none.

    Raises LoginError and UnreachableError.
    """
    return answer_or_problem(
        lambda: unity_catalog.alias_version(
            session.connection, alias.model, alias.name, session.host
        )
    )


def _rejected(session: Session, name: str, alias: Alias, version: str) -> Problem:
    message = (
        f"`{alias}` is version {version}, which `{name}` rejects in {session.environment.name}"
    )
    hint = f"move the alias to another version, or: provisioner pin -e {session.environment.name}"
    return Problem("E713", message, hint=f"{hint} {name} --retry-rejected")


def text(pins: Sequence[Pin], style: Style) -> str:
    """``fraud_version  3 → 4  (main.risk.fraud@champion)`` for each."""
    width = max((columns(safe(pin.name, style)) for pin in pins), default=0)
    moves = [_move(pin, style) for pin in pins]
    broad = max(map(columns, moves), default=0)
    lines = [_line(pin, move, (width, broad), style) for pin, move in zip(pins, moves, strict=True)]
    return painted(lines, style)


def to_json(pins: Sequence[Pin]) -> list[dict[str, Any]]:
    """A list of ``{"variable", "alias", "before", "after", "changed"}``."""
    return [
        {
            "variable": pin.name,
            "alias": str(pin.alias),
            "before": pin.before,
            "after": pin.after,
            "changed": pin.changes,
        }
        for pin in pins
    ]


def _line(pin: Pin, move: str, widths: tuple[int, int], style: Style) -> Line:
    name, shown = padded(safe(pin.name, style), widths[0]), padded(move, widths[1])
    role = Role.CHANGED if pin.changes else Role.FAINT
    return (
        Span(name, Role.STRONG),
        Span(f"  {shown}", role),
        Span(f"  ({safe(str(pin.alias), style)})", Role.FAINT),
    )


def _move(pin: Pin, style: Style) -> str:
    if not pin.changes:
        return f"{safe(str(pin.after), style)} as before"
    before = "none" if pin.before is None else safe(str(pin.before), style)
    return f"{before} {style.glyphs.arrow} {safe(str(pin.after), style)}"
