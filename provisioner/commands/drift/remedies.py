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
    | {DriftCategory.ROLLOUT}
)


class Remedy(NamedTuple):
    """A command, and in words what it does."""

    command: str
    does: str


def ways_out(drifted: Drifted) -> list[Remedy]:
    """At most one command for each thing that can be done about it, the usual ones first."""
    return [*_apply(drifted), *_import(drifted), *_take_over(drifted), *_orphans(drifted)]


def _apply(drifted: Drifted) -> Iterator[Remedy]:
    reverted = [finding for finding in drifted.findings if finding.category not in NOT_FOR_APPLY]
    if reverted:
        adopts = any(finding.category is DriftCategory.RECREATED for finding in reverted)
        words = [*_selected(reverted), *(["--adopt"] if adopts else [])]
        yield Remedy(_command("apply", drifted, words), "make the workspace match the manifests")


def _import(drifted: Drifted) -> Iterator[Remedy]:
    accepted = [
        finding
        for finding in drifted.findings
        if finding.category in EITHER and _is_readable(finding)
    ]
    if accepted:
        keys = _keys(accepted)
        words = ["--update", *(keys if len(keys) <= MOST_NAMED else [])]
        yield Remedy(
            _command("import", drifted, words), "update the manifests to match the workspace"
        )


def _is_readable(finding: Drift) -> bool:
    """Whether both values can be seen: a secret is sent, and never read into a manifest."""
    return not any(references([finding.declared, finding.live]))


def _take_over(drifted: Drifted) -> Iterator[Remedy]:
    foreign = [
        finding for finding in drifted.findings if finding.category is DriftCategory.NOT_OURS
    ]
    for owner in sorted({finding.owner for finding in foreign}):
        theirs = [finding for finding in foreign if finding.owner == owner]
        words = [*_selected(theirs), "--take-over-from", _word(owner)]
        yield Remedy(_command("apply", drifted, words), f"move it from {owner} to this project")


def _orphans(drifted: Drifted) -> Iterator[Remedy]:
    orphans = [finding for finding in drifted.findings if finding.category is DriftCategory.ORPHAN]
    if orphans:
        names = sorted({_word(orphan.name) for orphan in orphans})
        words = names if len(names) <= MOST_NAMED else ["--all"]
        yield Remedy(_command("import", drifted, words), "write the missing manifests")
        yield Remedy(
            _command("apply", drifted, ["--prune"]), "or delete the resources without a manifest"
        )


def _command(name: str, drifted: Drifted, words: Iterable[str]) -> str:
    return " ".join(["provisioner", name, *words, "-e", _word(drifted.environment)])


def _selected(findings: Iterable[Drift]) -> list[str]:
    keys = _keys(findings)
    return [word for key in keys for word in ("--select", key)] if len(keys) <= MOST_NAMED else []


def _keys(findings: Iterable[Drift]) -> list[str]:
    return sorted({_word(str(finding.address)) for finding in findings})


def _word(text: str) -> str:
    return quote(harmless_line(text))
