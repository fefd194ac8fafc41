"""The report of a migration as Markdown and as JSON, and the summary for a terminal. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from provisioner.commands.migration.result import (
    CallerChange,
    MigrationEntry,
    MigrationResult,
    RemainingCallers,
    UsageReport,
)
from provisioner.model.importing import NeededVariable, VariablePlace
from provisioner.rendering.markup import code, fence, prose
from provisioner.rendering.text import harmless_line

MARKDOWN, JSON = ".md", ".json"
MOVES, STAYS = "moves to", "stays"
ADVICE: Final = (
    "Apply the manifests while the endpoints still exist, and compare both with `migrate --check`.",
    "Move the callers: change the URL and the name of the model in each of them.",
    "Check who still calls the endpoint: `migrate --check --warehouse ID` lists the callers.",
    "Remove the manifest of the endpoint, and delete the endpoint with `apply --prune`.",
)


def text(result: MigrationResult) -> str:
    """A line for each endpoint, what changes below it, and the variables to set."""
    lines = [line for entry in result.entries for line in _rows(entry, result.usage)]
    lines += [f"set {each.name}: {harmless_line(each.purpose)}" for each in result.variables]
    moved = sum(entry.moves for entry in result.entries)
    total = len(result.entries)
    return "\n".join((*lines, "", f"Endpoints: {moved} of {total} can move")) + "\n"


def _rows(entry: MigrationEntry, usage: UsageReport) -> Iterator[str]:
    resource = entry.resource
    fate = f"{MOVES} {resource.successor[1]}" if entry.moves else STAYS
    yield f"{'+' if entry.moves else '!'} {harmless_line(resource.name)} {fate}"
    for loss in resource.losses:
        word = "stops" if loss in entry.stops else "without"
        yield f"    {word} {loss.cause}: {harmless_line(loss.message)}"
    for note in resource.notes:
        yield f"    note: {harmless_line(note)}"
    for question in resource.questions:
        yield f"    to decide: {harmless_line(question)}"
    if remaining := usage.of(resource.name):
        yield from (f"    {harmless_line(line)}" for line in caller_lines(remaining))


def caller_lines(remaining: RemainingCallers) -> Iterator[str]:
    """Who called a resource, and what is not known about that."""
    for caller in remaining.callers:
        noun = "request" if caller.requests == 1 else "requests"
        yield (
            f"called by `{caller.name}`: {caller.requests:,} {noun} in {remaining.days} days, "
            f"the last one on {caller.last_request}"
        )
    if remaining.unknown:
        yield f"callers may be missing: {remaining.unknown}"
    elif not remaining.callers:
        yield f"no requests in {remaining.days} days; those of the last half hour may be missing"


def usage_text(usage: UsageReport) -> str:
    """The callers of each resource."""
    lines = []
    for remaining in usage.entries:
        lines.append(harmless_line(remaining.name))
        lines += [f"  {harmless_line(line)}" for line in caller_lines(remaining)]
    return "\n".join(lines)


def usage_json(usage: UsageReport) -> list[dict[str, Any]] | None:
    """Each resource with its callers; null where it was not asked."""
    if not usage.entries:
        return None
    return [
        {
            "endpoint": remaining.name,
            "days": remaining.days,
            "callers": [
                {
                    "name": caller.name,
                    "requests": caller.requests,
                    "last_request": caller.last_request,
                }
                for caller in remaining.callers
            ],
            "unknown": remaining.unknown or None,
        }
        for remaining in usage.entries
    ]


def markdown(result: MigrationResult) -> str:
    """The report for people who decide about the move."""
    parts = [f"# Migration to {code(result.place)}", ""]
    parts += [line for entry in result.entries for line in _section(entry)]
    if result.shared:
        parts += ["## Shared accounts", ""]
        parts += [
            f"- {code(name)}: {', '.join(map(code, users))}"
            for name, users in result.shared.items()
        ]
        parts.append("")
    parts += _variables(result.variables)
    parts += _usage(result.usage)
    parts += ["## Next steps", ""]
    parts += [f"{number}. {step}" for number, step in enumerate(ADVICE, 1)]
    parts += ["", *([fence("console", [f"$ {line}" for line in result.next])] * bool(result.next))]
    return "\n".join(parts).rstrip("\n") + "\n"


def _section(entry: MigrationEntry) -> Iterator[str]:
    resource = entry.resource
    fate = f"moves to {code(resource.successor[1])}" if entry.moves else STAYS
    yield from (f"## {code(resource.name)} {fate}", "")
    for loss in resource.losses:
        word = "Stops" if loss in entry.stops else "Loses"
        hint = f" {prose(loss.hint)}." if loss.hint else ""
        yield f"- **{word} {code(str(loss.cause))}**: {prose(loss.message)}.{hint}"
    yield from (f"- {prose(note)}" for note in resource.notes)
    yield from (f"- **To decide**: {prose(question)}" for question in resource.questions)
    yield ""
    for caller in entry.callers:
        yield from _caller(caller)


def _caller(caller: CallerChange) -> Iterator[str]:
    if caller.why_not:
        yield from (f"Client {code(caller.client)}: not supported, {prose(caller.why_not)}.", "")
        return
    yield from (f"Client {code(caller.client)}:", "")
    removed, added = (
        [f"{sign} {line}" for line in lines]
        for sign, lines in (("-", caller.before), ("+", caller.after))
    )
    yield fence("diff", [*removed, *added])


def _variables(variables: Sequence[NeededVariable]) -> list[str]:
    if not variables:
        return []
    rows = [
        f"| {code(each.name)} | {prose(str(each.place))} | {prose(each.purpose)} |"
        for each in variables
    ]
    return [
        "## Variables to set",
        "",
        "| variable | where | what |",
        "| --- | --- | --- |",
        *rows,
        "",
    ]


def _usage(usage: UsageReport) -> list[str]:
    """Who calls the endpoints, or how to look."""
    parts = ["## Who calls the endpoints", ""]
    for remaining in usage.entries:
        parts += [f"{code(remaining.name)}:", ""]
        parts += [*(f"- {prose(line)}" for line in caller_lines(remaining)), ""]
    if not usage.entries:
        parts += ["Not checked. Pass `--warehouse ID`, or run this query in a SQL warehouse:", ""]
        parts += [fence("sql", usage.sql.splitlines())]
    return parts


def to_json(result: MigrationResult) -> dict[str, Any]:
    """What a migration came to, as data; ``usage`` is null where no warehouse was given."""
    return {
        "to": result.place,
        "endpoints": [_entry_json(entry) for entry in result.entries],
        "variables": [
            {
                "name": each.name,
                "in_project": each.place is VariablePlace.PROJECT,
                "purpose": each.purpose,
            }
            for each in result.variables
        ],
        "shared": {name: list(users) for name, users in result.shared.items()},
        "manifest": result.file or None,
        "usage": usage_json(result.usage),
        "usage_query": result.usage.sql,
        "next": list(result.next),
    }


def _entry_json(entry: MigrationEntry) -> dict[str, Any]:
    resource = entry.resource
    return {
        "endpoint": resource.name,
        "moves": entry.moves,
        "service": resource.successor[1],
        "losses": [
            {
                "reason": str(loss.cause),
                "message": loss.message,
                "hint": loss.hint,
                "accepted": loss not in entry.stops,
                "can_be_accepted": not loss.is_final,
            }
            for loss in resource.losses
        ],
        "notes": list(resource.notes),
        "questions": list(resource.questions),
        "uses": [name for _, name in resource.uses],
        "callers": [
            {
                "client": caller.client,
                "before": list(caller.before),
                "after": list(caller.after),
                "why_not": caller.why_not or None,
            }
            for caller in entry.callers
        ],
    }


def files(result: MigrationResult, stem: str) -> dict[str, str]:
    """The reports by file name, ``stem`` with its ending."""
    data = json.dumps(to_json(result), indent=2, ensure_ascii=False) + "\n"
    return {f"{stem}{MARKDOWN}": markdown(result), f"{stem}{JSON}": data}
