"""The history of released variables as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.commands.promotion import status_words as words
from provisioner.commands.promotion.history import ReleaseEvent, ReleaseHistory
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import safe, wrapped

INDENT = "    "
NO_GIT = "git knows no release file here: this is what the files themselves tell"
SHALLOW = "this clone is shallow: what is older is in the whole history, git fetch --unshallow"


def text(histories: Mapping[str, ReleaseHistory], style: Style) -> str:
    """Newest first below the name of each variable."""
    return painted(_lines(histories, style), style)


def notes(histories: Mapping[str, ReleaseHistory]) -> list[str]:
    """What a reader must know about where this is from."""
    first = next(iter(histories.values()))
    return [note for note, is_so in ((NO_GIT, not first.by_git), (SHALLOW, first.shallow)) if is_so]


def _lines(histories: Mapping[str, ReleaseHistory], style: Style) -> Iterator[Line]:
    for number, (name, history) in enumerate(histories.items()):
        if number:
            yield ()
        yield (Span(safe(name, style), Role.STRONG),)
        if not history.events:
            yield (Span(f"{INDENT}nothing was released so far", Role.FAINT),)
        for event in history.events:
            yield from _event(event, style, by_git=history.by_git)


def _event(event: ReleaseEvent, style: Style, *, by_git: bool) -> Iterator[Line]:
    when = event.at[:16].replace("T", " ") or "earlier"
    change = _change(event, style)
    yield (
        Span(f"{when:16}  ", Role.FAINT),
        Span(safe(event.environment, style)),
        Span("  "),
        Span(change, Role.STRONG),
        Span(f"  {safe(_how(event), style)}"),
    )
    for detail in _details(event, by_git=by_git):
        for line in wrapped(safe(detail, style), style.width - len(INDENT)):
            yield (Span(INDENT), Span(line, Role.FAINT))


def _change(event: ReleaseEvent, style: Style) -> str:
    after = event.released.value
    shown = "nothing" if after is None else words.plain(after)
    if event.before is None or event.before == after:
        return safe(shown, style)
    return f"{safe(words.plain(event.before), style)} {style.glyphs.arrow} {safe(shown, style)}"


def _how(event: ReleaseEvent) -> str:
    released = event.released
    if released.value is None:
        return "taken out"
    if released.rolled_back is not None:
        return "rolled back"
    if released.source:
        return f"from {released.source}"
    return f"pinned, {released.alias}" if released.alias else ""


def _details(event: ReleaseEvent, *, by_git: bool) -> Iterator[str]:
    released = event.released
    facts = [
        f"project at {released.commit}" if released.commit else "",
        f"verified: {released.verified}" if released.verified else "",
        f"rejects {', '.join(map(words.plain, released.rejected))}" if released.rejected else "",
    ]
    if any(facts):
        yield ", ".join(filter(None, facts))
    if event.commit:
        yield f"{event.commit[:7]} {event.author}: {event.subject}"
    elif by_git:
        yield "not committed"


def to_json(histories: Mapping[str, ReleaseHistory]) -> dict[str, Any]:
    """``{"git", "shallow", "variables": [{"name", "events": [...]}]}``, newest first."""
    first = next(iter(histories.values()))
    return {
        "git": first.by_git,
        "shallow": first.shallow,
        "variables": [
            {"name": name, "events": [_json(event) for event in history.events]}
            for name, history in histories.items()
        ],
    }


def _json(event: ReleaseEvent) -> dict[str, Any]:
    released = event.released
    return {
        "environment": event.environment,
        "value": released.value,
        "before": event.before,
        "from": released.source or None,
        "alias": released.alias or None,
        "rolled_back": released.rolled_back,
        "rejected": list(released.rejected),
        "verified": released.verified or None,
        "at": released.at or None,
        "project_commit": released.commit or None,
        "commit": event.commit or None,
        "author": event.author or None,
        "committed_at": event.committed_at or None,
        "subject": event.subject or None,
    }
