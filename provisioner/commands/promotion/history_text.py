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


def text(found: Mapping[str, ReleaseHistory], style: Style) -> str:
    """Newest first below the name of each variable."""
    return painted(_lines(found, style), style)


def notes(found: Mapping[str, ReleaseHistory]) -> list[str]:
    """What a reader must know about where this is from."""
    first = next(iter(found.values()))
    return [said for said, is_so in ((NO_GIT, not first.by_git), (SHALLOW, first.shallow)) if is_so]


def _lines(found: Mapping[str, ReleaseHistory], style: Style) -> Iterator[Line]:
    for number, (name, history) in enumerate(found.items()):
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
    for said in _details(event, by_git=by_git):
        for line in wrapped(safe(said, style), style.width - len(INDENT)):
            yield (Span(INDENT), Span(line, Role.FAINT))


def _change(event: ReleaseEvent, style: Style) -> str:
    after = event.released.value
    shown = "nothing" if after is None else words.plain(after)
    if event.before is None or event.before == after:
        return safe(shown, style)
    return f"{safe(words.plain(event.before), style)} {style.glyphs.arrow} {safe(shown, style)}"


def _how(event: ReleaseEvent) -> str:
    one = event.released
    if one.value is None:
        return "taken out"
    if one.rolled_back is not None:
        return "rolled back"
    if one.source:
        return f"from {one.source}"
    return f"pinned, {one.alias}" if one.alias else ""


def _details(event: ReleaseEvent, *, by_git: bool) -> Iterator[str]:
    one = event.released
    facts = [
        f"project at {one.commit}" if one.commit else "",
        f"verified: {one.verified}" if one.verified else "",
        f"rejects {', '.join(map(words.plain, one.rejected))}" if one.rejected else "",
    ]
    if any(facts):
        yield ", ".join(filter(None, facts))
    if event.commit:
        yield f"{event.commit[:7]} {event.author}: {event.subject}"
    elif by_git:
        yield "not committed"


def to_json(found: Mapping[str, ReleaseHistory]) -> dict[str, Any]:
    """``{"git", "shallow", "variables": [{"name", "events": [...]}]}``, newest first."""
    first = next(iter(found.values()))
    return {
        "git": first.by_git,
        "shallow": first.shallow,
        "variables": [
            {"name": name, "events": [_json(event) for event in history.events]}
            for name, history in found.items()
        ],
    }


def _json(event: ReleaseEvent) -> dict[str, Any]:
    one = event.released
    return {
        "environment": event.environment,
        "value": one.value,
        "before": event.before,
        "from": one.source or None,
        "alias": one.alias or None,
        "rolled_back": one.rolled_back,
        "rejected": list(one.rejected),
        "verified": one.verified or None,
        "at": one.at or None,
        "project_commit": one.commit or None,
        "commit": event.commit or None,
        "author": event.author or None,
        "committed_at": event.committed_at or None,
        "subject": event.subject or None,
    }
