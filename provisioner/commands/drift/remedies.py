"""The commands that lead out of a drift. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Final, NamedTuple

from provisioner.model.drift import EITHER, Drift, DriftCategory, Drifted
from provisioner.model.secret import references
from provisioner.rendering.text import harmless_line

MOST_NAMED: Final = 5
"""With more resources than this the command is about all of them."""

NOT_FOR_APPLY: Final = frozenset(
    {DriftCategory.NOT_OURS, DriftCategory.ORPHAN, DriftCategory.UPDATING, DriftCategory.STOPPED}
)


class Remedy(NamedTuple):
    """A command, and in words what it does."""

    command: str
    does: str


def ways_out(drifted: Drifted) -> list[Remedy]:
    """At most one command for each thing that can be done about it, the usual ones first."""
    return [*_apply(drifted), *_import(drifted), *_take_over(drifted), *_orphans(drifted)]


def _apply(drifted: Drifted) -> Iterator[Remedy]:
    found = [one for one in drifted.findings if one.category not in NOT_FOR_APPLY]
    if found:
        adopts = any(one.category is DriftCategory.RECREATED for one in found)
        words = [*_selected(found), *(["--adopt"] if adopts else [])]
        yield Remedy(_command("apply", drifted, words), "the workspace as the manifests say")


def _import(drifted: Drifted) -> Iterator[Remedy]:
    found = [one for one in drifted.findings if one.category in EITHER and _is_readable(one)]
    if found:
        keys = _keys(found)
        words = ["--update", *(keys if len(keys) <= MOST_NAMED else [])]
        yield Remedy(_command("import", drifted, words), "the manifests as the workspace is")


def _is_readable(one: Drift) -> bool:
    """Whether both values can be seen: a secret is sent, and never read into a manifest."""
    return not any(references([one.declared, one.live]))


def _take_over(drifted: Drifted) -> Iterator[Remedy]:
    found = [one for one in drifted.findings if one.category is DriftCategory.NOT_OURS]
    for owner in sorted({one.owner for one in found}):
        theirs = [one for one in found if one.owner == owner]
        words = [*_selected(theirs), "--take-over-from", _word(owner)]
        yield Remedy(_command("apply", drifted, words), f"ours again, and not {owner}'s")


def _orphans(drifted: Drifted) -> Iterator[Remedy]:
    found = [one for one in drifted.findings if one.category is DriftCategory.ORPHAN]
    if found:
        names = sorted({_word(one.name) for one in found})
        words = names if len(names) <= MOST_NAMED else ["--all"]
        yield Remedy(_command("import", drifted, words), "a manifest for what has none")
        yield Remedy(_command("apply", drifted, ["--prune"]), "or delete what has none")


def _command(name: str, drifted: Drifted, words: Iterable[str]) -> str:
    return " ".join(["provisioner", name, *words, "-e", _word(drifted.environment)])


def _selected(found: Iterable[Drift]) -> list[str]:
    keys = _keys(found)
    return [word for key in keys for word in ("--select", key)] if len(keys) <= MOST_NAMED else []


def _keys(found: Iterable[Drift]) -> list[str]:
    return sorted({_word(str(one.address)) for one in found})


def _word(text: str) -> str:
    return quote(harmless_line(text))
