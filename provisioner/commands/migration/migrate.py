"""``migrate``: live endpoints as manifests of their successors. Changes nothing in the workspace.

The endpoints and their manifests stay until the user removes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import ndiff
from pathlib import Path
from typing import Final

from provisioner.commands.importing.draft import ManifestDraft, entry_of, schema_path, wrong_in
from provisioner.commands.importing.from_workspace import refuse_wrong
from provisioner.commands.importing.manifest_text import check_pattern, manifest
from provisioner.commands.migration.callers import usage_of
from provisioner.commands.migration.result import (
    CallerChange,
    MigrationEntry,
    MigrationResult,
    UsageReport,
)
from provisioner.commands.query.ask import QueryTarget, named
from provisioner.errors import FileError, Problem, RefusedError, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.yaml.source import parse
from provisioner.model.importing import (
    GeneratedManifest,
    Loss,
    LossReason,
    MigratedResource,
    MigrationDraft,
    MigrationSource,
    MigrationTarget,
    Migrator,
    NeededVariable,
    SuccessorResource,
    VariablePlace,
)
from provisioner.model.kind import Kind
from provisioner.model.paths import Document
from provisioner.model.plan import Address
from provisioner.model.query import NoSnippetError, Reached
from provisioner.model.resource import Resource
from provisioner.workflow.session import Session

DEFAULT_FILE: Final = "manifests/unity_gateway.yaml"
PLACE: Final = re.compile(r"[a-z0-9_-]{1,255}\.[a-z0-9_-]{1,255}")
# Files in which SQL is written, and what asks a model there.
SOURCES: Final = (".sql", ".py", ".ipynb", ".yaml", ".yml", ".scala", ".r")
MOST_FILES, LARGEST_FILE = 5000, 1_000_000
SKIPPED: Final = frozenset((".git", ".venv", "node_modules", ".provisioner"))


@dataclass(frozen=True, slots=True)
class MigrationRequest:
    """Which endpoints go where, and which losses are agreed to.

    ``warehouse`` is the id of the SQL warehouse that tells who calls them, ``""`` for none.
    """

    names: tuple[str, ...]
    place: str
    accepted: frozenset[LossReason] = frozenset()
    file: str = DEFAULT_FILE
    warehouse: str = ""


def migrate(session: Session, request: MigrationRequest) -> MigrationResult:
    """Manifests for the successors of each named endpoint that can move, and why others cannot.

    Raises UsageError for what names nothing, FileError where the project's files are wrong,
    RefusedError for an endpoint that is not there, WorkspaceError.
    """
    check_place(request.place)
    check_pattern(request.file)
    refuse_wrong(session)
    targets = [named(session.loaded.resources, name, migrator_of) for name in request.names]
    sources = [_source(session, target) for target in targets]
    (kind,) = {target.kind.name: target.kind for target in targets}.values()
    draft = _drafted(session, kind, sources, request)
    entries = tuple(
        _entry(resource, source, kind, draft.successors, request.accepted)
        for resource, source in zip(draft.resources, sources, strict=True)
    )
    usage = _usage(session, kind, sources, request.warehouse)
    result = MigrationResult(
        request.place,
        request.accepted,
        entries,
        draft.variables,
        _shared(draft.resources),
        usage=usage,
    )
    return _written(session, result, draft.successors, request.file)


def check_place(place: str) -> None:
    """Raises UsageError where ``place`` is no schema of Unity Catalog."""
    if not PLACE.fullmatch(place):
        message = f"`{place}` is not the name of a schema"
        raise UsageError.of("E841", message, "write it as --to main.gateway, in lower case")


def migrator_of(kind: Kind) -> Migrator | None:
    """How resources of ``kind`` move to its successors; None for a kind without any."""
    return kind.migrator


def _source(session: Session, target: QueryTarget) -> MigrationSource:
    """The live endpoint. Raises RefusedError where there is none."""
    kind, name = target.kind, target.name
    importing, invocation = kind.importing, kind.invocation
    if importing is None or invocation is None:
        raise TypeError(f"{kind.name} has successors and cannot be read")
    key = target.resource.address.key if target.resource else name
    resource = Resource(Address(kind.name, key), name, dict(importing.all_blocks))
    live = session.drivers[kind.name].read(resource)
    raw = invocation.clients.read(session.connection, name)
    if live is None or raw is None:
        message = f"there is no {kind.title} `{name}`"
        raise RefusedError.of(
            "E441", message, "only live endpoints can be migrated: run `provisioner apply` first"
        )
    known = target.resource
    declared, checks = (known.document, known.checks) if known else ({}, ())
    return MigrationSource(name, importing.generate(live, key), raw, declared, checks)


def _usage(
    session: Session, kind: Kind, sources: Sequence[MigrationSource], warehouse: str
) -> UsageReport:
    migrator = migrator_of(kind)
    if migrator is None:
        raise TypeError(f"{kind.name} has no successors")
    return usage_of(session, migrator, {each.name: each.raw for each in sources}, warehouse)


def _drafted(
    session: Session, kind: Kind, sources: Sequence[MigrationSource], request: MigrationRequest
) -> MigrationDraft:
    migrator = migrator_of(kind)
    if migrator is None:
        raise TypeError(f"{kind.name} has no successors")
    used = dict(_uses_in_sql(session.project.root, [source.name for source in sources]))
    stays = {name for name in used if LossReason.AI_QUERY not in request.accepted}
    target = MigrationTarget(
        request.place,
        migrator.exists(session.connection, request.place),
        request.accepted,
        _declared(session),
    )
    draft = migrator.migrate([each for each in sources if each.name not in stays], target)
    # What stays because of its callers is drafted alone: its other losses are told, too.
    alone = migrator.migrate([each for each in sources if each.name in stays], target)
    migrated = {each.name: each for each in (*draft.resources, *alone.resources)}
    resources = [_with_use(migrated[source.name], used) for source in sources]
    return replace(draft, resources=tuple(resources))


def _with_use(resource: MigratedResource, used: Mapping[str, str]) -> MigratedResource:
    file = used.get(resource.name)
    if file is None:
        return resource
    message = f"`{file}` queries it with ai_query, which does not support model services"
    hint = "keep the endpoint for ai_query, or query a model of `system.ai` there"
    loss = Loss(LossReason.AI_QUERY, message, hint)
    return replace(resource, losses=(*resource.losses, loss))


def _declared(session: Session) -> dict[str, dict[str, Document]]:
    declared: dict[str, dict[str, Document]] = {}
    for resource in (*session.loaded.resources, *session.loaded.withheld):
        declared.setdefault(resource.address.kind, {})[resource.name] = resource.document
    return declared


def _uses_in_sql(root: Path, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each name that a file of the repository asks with ``ai_query``, and the file."""
    words = "|".join(map(re.escape, names))
    use = re.compile(rf"ai_query\s*\(\s*\\?[\"']({words})\\?[\"']", re.IGNORECASE)
    for path in _source_files(root):
        text = path.read_text(encoding="utf-8", errors="replace")
        for match in use.finditer(text):
            yield match[1], path.relative_to(root).as_posix()


def _source_files(root: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(files):
            path = Path(folder, name)
            is_source = path.suffix.lower() in SOURCES and path.is_file()
            if is_source and path.stat().st_size <= LARGEST_FILE:
                count += 1
                yield path
        if count > MOST_FILES:
            return


def _entry(
    resource: MigratedResource,
    source: MigrationSource,
    kind: Kind,
    successors: Sequence[SuccessorResource],
    accepted: frozenset[LossReason],
) -> MigrationEntry:
    stops = tuple(loss for loss in resource.losses if loss.stops(accepted))
    new = next((each for each in successors if (each.kind, each.name) == resource.successor), None)
    callers = tuple(_callers(kind, source, new)) if new else ()
    return MigrationEntry(resource, stops, callers)


def _callers(kind: Kind, source: MigrationSource, new: SuccessorResource) -> Iterator[CallerChange]:
    """What each client changes: the lines of its programs that differ."""
    before = Reached(source.name, "", dict(source.raw), source.checks)
    after = Reached(new.name, "", new.document, source.checks)
    for client in kind.invocation.clients.names if kind.invocation else ():
        old = _program(kind, before, client)
        if old.why_not:
            continue
        program = _program(KINDS[new.kind], after, client)
        if program.why_not:
            yield CallerChange(client, old.after, (), program.why_not)
            continue
        lines = list(ndiff(old.after, program.after))
        yield CallerChange(client, tuple(_with(lines, "- ")), tuple(_with(lines, "+ ")))


def _program(kind: Kind, reached: Reached, client: str) -> CallerChange:
    """The lines of the program for ``client`` as those after a change."""
    if kind.invocation is None:
        raise TypeError(f"{kind.name} is no successor: it takes no questions")
    try:
        snippet = kind.invocation.clients.snippet(reached, client)
    except NoSnippetError as error:
        return CallerChange(client, why_not=error.why)
    lines = snippet.text.splitlines()
    return CallerChange(client, after=tuple(line for line in lines if line.strip()))


def _with(lines: Sequence[str], sign: str) -> Iterator[str]:
    for line in lines:
        if line.startswith(sign):
            yield line.removeprefix(sign)


def _shared(resources: Sequence[MigratedResource]) -> dict[str, tuple[str, ...]]:
    """What several resources use, and which: they share its limits and its key."""
    users: dict[str, list[str]] = {}
    for resource in resources:
        for _, name in resource.uses:
            users.setdefault(name, []).append(resource.name)
    return {name: tuple(names) for name, names in users.items() if len(names) > 1}


def _written(
    session: Session, result: MigrationResult, successors: Sequence[SuccessorResource], file: str
) -> MigrationResult:
    """``result`` with the manifest, where something moves, and what stands against writing it."""
    problems = [_problem(entry, loss) for entry in result.entries for loss in entry.stops]
    problems += result.usage.problems
    if not successors:
        return replace(result, problems=tuple(problems))
    keys = {resource.address for resource in session.loaded.resources}
    drafts = [_draft(each, keys) for each in successors]
    schema = schema_path(session.project.root, file)
    text = manifest([replace(entry_of(draft), references=True) for draft in drafts], schema)
    problems += _complaints(session, text, result.variables)
    path = session.project.root / file
    if path.exists() and not (path.is_file() and path.read_text(encoding="utf-8") == text):
        hint = "choose another file with --file"
        problems.append(Problem("E834", f"`{file}` already exists and is unchanged", hint=hint))
        file = ""
    environment = session.environment.name
    moved = " ".join(entry.resource.name for entry in result.entries if entry.moves)
    commands = (
        f"provisioner plan -e {environment}",
        f"provisioner apply -e {environment}",
        f"provisioner migrate {moved} --to {result.place} --check -e {environment}",
    )
    return replace(result, file=file, text=text, problems=tuple(problems), next=commands)


def _draft(successor: SuccessorResource, keys: set[Address]) -> ManifestDraft:
    """The resource below a key that no other one of its kind has."""
    key, number = successor.key, 2
    while Address(successor.kind, key) in keys:
        key, number = f"{successor.key}_{number}", number + 1
    generated = GeneratedManifest(successor.document, successor.comments)
    return ManifestDraft(
        KINDS[successor.kind], Address(successor.kind, key), successor.name, generated
    )


def _complaints(
    session: Session, text: str, variables: Sequence[NeededVariable]
) -> tuple[Problem, ...]:
    """Why the manifest would be refused, apart from variables that the user still has to add."""
    for variable in variables:
        if variable.place is VariablePlace.PROJECT:
            text = text.replace(f"${{var.{variable.name}}}", variable.name)
    try:
        return wrong_in(parse("migration", text.encode()), session.environment)
    except FileError as error:
        return error.problems


def _problem(entry: MigrationEntry, loss: Loss) -> Problem:
    message = f"`{entry.resource.name}` cannot move: {loss.message}"
    hint = loss.hint
    if not loss.is_final:
        hint = f"{hint}\nor migrate without it: --without {loss.cause}".lstrip()
    return Problem("E842", message, hint=hint)
