"""``import`` from a workspace: what is live and has no manifest gets one. Reads only.

Nothing is written here: what is to be written is said, as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from provisioner.commands.importing.draft import ManifestDraft, complaints, entry_of, schema_path
from provisioner.commands.importing.manifest_text import (
    DEFAULT,
    check_pattern,
    file_of,
    key_of,
    manifest,
)
from provisioner.commands.importing.result import FileStatus, ImportedResource, ImportResult
from provisioner.errors import FileError, Problem, Severity, UsageError, WorkspaceError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.kinds import KINDS
from provisioner.manifests.layers import Layers
from provisioner.model.importing import GeneratedManifest
from provisioner.model.kind import Kind
from provisioner.model.live import Live
from provisioner.model.plan import Address
from provisioner.model.resource import Resource
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.scope import answer_or_error
from provisioner.workflow.session import Session

PARALLELISM = 16
NO_MANIFESTS = frozenset(("E203", "E209"))
"""Problems of a project that has no manifest yet: no reason not to import the first."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Which resources, by name or glob, and where their manifests go."""

    names: tuple[str, ...] = ()
    all: bool = False
    to: str = DEFAULT
    with_scopes: bool = False


def import_from_workspace(session: Session, request: ImportRequest) -> ImportResult:
    """A manifest for each asked resource of the workspace that no manifest declares.

    Raises UsageError for what names nothing, FileError where the project's files are wrong,
    WorkspaceError where the workspace cannot be asked at all.
    """
    check_pattern(request.to)
    refuse_wrong(session)
    # What waits for a release has its manifest: another one would declare it twice.
    every = (*session.loaded.resources, *session.loaded.withheld)
    declared = {(r.address.kind, r.name): r for r in every}
    matched, problems = _wanted(session, request)
    known = [declared[name] for name in matched if name in declared]
    lives = _read(session, [name for name in matched if name not in declared], problems)
    drafts = _drafts(session, lives)
    if request.with_scopes:
        drafts = _with_needed(session, drafts, {*declared, *matched}, problems)
    good: list[ManifestDraft] = []
    for draft in drafts.values():
        wrong = _without_prefix(session, draft) or complaints(session.environment, draft)
        problems += wrong
        good += [] if wrong else [draft]
    outcomes = [*_declared(known), *_outcomes(session, good, request.to, problems)]
    notes = (*_scopes_left(good, session), *_no_schema(session, good))
    rows = tuple(sorted(outcomes, key=lambda outcome: outcome.address))
    environment = session.environment.name
    commands = (f"provisioner plan -e {environment}", f"provisioner apply -e {environment} --adopt")
    return ImportResult(rows, tuple(problems), notes, commands)


def refuse_wrong(session: Session) -> None:
    """Raise FileError for manifests with errors: what they declare is not known then."""
    wrong = [
        replace(problem, severity=Severity.ERROR)
        for problem in session.loaded.warnings
        if problem.code.startswith("E") and problem.code not in NO_MANIFESTS
    ]
    if wrong:
        raise FileError(wrong)


Name = tuple[str, str]
"""Name of the kind, and of the resource."""


def _wanted(session: Session, request: ImportRequest) -> tuple[list[Name], list[Problem]]:
    kinds = [kind for kind in KINDS.values() if kind.is_owned and kind.importing]
    existing = [
        (kind, resource.name)
        for kind in kinds
        for resource in session.drivers[kind.name].inventory(_near(session, kind, request)) or ()
    ]
    names = sorted(name for _, name in existing)
    if not request.names and not request.all:
        yours = sorted(name for kind, name in existing if not _provided(kind, name))
        known = listed(yours[:8], "no custom endpoints")
        hint = f"pass names, a glob or --all; the workspace has {known}"
        raise UsageError.of("E831", "no resources to import are given", hint)
    matched: dict[Name, None] = {}
    for kind, name in sorted(existing, key=_by_name):
        own = not _provided(kind, name)
        if (request.all and own) or any(_meant(name, pattern, own) for pattern in request.names):
            matched[(kind.name, name)] = None
    missing = [
        pattern
        for pattern in request.names
        if not any(fnmatchcase(name, pattern) for name in names)
    ]
    return list(matched), [_missing(pattern, names) for pattern in missing]


def _near(session: Session, kind: Kind, request: ImportRequest) -> list[Resource]:
    """Beside what a kind without a list of all is listed: what is declared or asked for."""
    asked = [Resource(Address(kind.name, name), name, {}) for name in request.names]
    return [*session.loaded.resources, *asked]


def _by_name(name: tuple[Kind, str]) -> str:
    return name[1]


def _provided(kind: Kind, name: str) -> bool:
    return kind.importing is not None and kind.importing.is_provided(name)


def _meant(name: str, pattern: str, own: bool) -> bool:
    """What the service provides is meant by its name only."""
    return name == pattern or (own and fnmatchcase(name, pattern))


def _missing(pattern: str, names: Sequence[str]) -> Problem:
    hint = did_you_mean(pattern, names, "`--all` imports all of them")
    return Problem("E832", f"the workspace has no resource with the name `{pattern}`", hint=hint)


def _read(
    session: Session, names: Sequence[Name], problems: list[Problem]
) -> Mapping[Name, Live | None]:
    """The live side of each; what cannot be read is a problem, and the others go on."""

    def read(wanted: Name) -> Live | WorkspaceError | None:
        kind, name = wanted
        importer = KINDS[kind].importing
        blocks = dict(importer.all_blocks) if importer else {}
        resource = Resource(Address(kind, name), name, blocks)
        return answer_or_error(lambda: session.drivers[kind].read(resource))

    answers = dict(zip(names, map_parallel(read, names, PARALLELISM), strict=True))
    for answer in answers.values():
        if isinstance(answer, WorkspaceError):
            problems += answer.problems
    lives = {name: live for name, live in answers.items() if not isinstance(live, WorkspaceError)}
    return {name: _with_policy(session, name, live) for name, live in lives.items()}


def _with_policy(session: Session, name: Name, live: Live | None) -> Live | None:
    """``live`` with the usage policy, which only the list of all tells."""
    kind, resource = name
    if live is None or live.usage_policy:
        return live
    entries = session.drivers[kind].inventory() or () if KINDS[kind].is_owned else ()
    policies = {entry.name: entry.usage_policy for entry in entries}
    return replace(live, usage_policy=policies.get(resource, ""))


def _drafts(
    session: Session, lives: Mapping[Name, Live | None], taken: Iterable[Address] = ()
) -> dict[Address, ManifestDraft]:
    every = (*session.loaded.resources, *session.loaded.withheld)
    keys = {address.address for address in every} | set(taken)
    drafts: dict[Address, ManifestDraft] = {}
    for (kind, name), live in sorted(lives.items(), key=lambda entry: entry[0]):
        if live is None:
            continue
        used = {address.key for address in (*keys, *drafts) if address.kind == kind}
        # The last part of a full name is enough: the key of each kind is its own.
        address = Address(kind, key_of(name.rpartition(".")[2], used))
        drafts[address] = ManifestDraft(
            KINDS[kind], address, name, _portrait(session, live, address)
        )
    return drafts


def _portrait(session: Session, live: Live, address: Address) -> GeneratedManifest:
    """The portrait, whose name is without what the environment puts before it."""
    kind = KINDS[address.kind]
    if kind.importing is None:
        return GeneratedManifest({})
    made = kind.importing.generate(live, address.key)
    if made.document.get("existing"):
        return made
    if kind.schema.takes_name_prefix:
        prefix = Layers.of(session.environment, KINDS).name("", kind)
        made.document["name"] = live.name.removeprefix(prefix)
    owner = live.ownership.owner
    if owner in ("", f"{session.project.name}/{session.environment.name}"):
        return made
    whose = f"its owner `{owner}`: to manage it here, apply with --take-over-from {owner}"
    return replace(made, left_out=(*made.left_out, whose))


def _without_prefix(session: Session, draft: ManifestDraft) -> tuple[Problem, ...]:
    prefix = Layers.of(session.environment, KINDS).name("", draft.kind)
    if draft.generated.document.get("existing") or draft.name.startswith(prefix):
        return ()
    message = f"`{draft.name}` is skipped: names begin with `{prefix}` in this environment"
    hint = "import it for an environment without this `name_prefix`"
    return (Problem("E833", message, hint=hint, subject=str(draft.address)),)


def _needed(drafts: Iterable[ManifestDraft]) -> list[Name]:
    """What the portraits refer to and can be imported as well."""
    needed = {
        reference
        for draft in drafts
        for reference in draft.kind.dependencies.depends_on(draft.generated.document)
    }
    return sorted(name for name in needed if KINDS[name[0]].importing)


def _with_needed(
    session: Session,
    drafts: Mapping[Address, ManifestDraft],
    present: Set[Name],
    problems: list[Problem],
) -> dict[Address, ManifestDraft]:
    """``drafts`` and what they refer to, directly or through another; ``present`` is left out."""
    needed = [name for name in _needed(drafts.values()) if name not in present]
    if not needed:
        return dict(drafts)
    more = _drafts(session, _read(session, needed, problems), taken=drafts)
    return _with_needed(session, {**drafts, **more}, {*present, *needed}, problems)


def _declared(resources: Iterable[Resource]) -> Iterator[ImportedResource]:
    for resource in resources:
        yield ImportedResource(
            resource.address,
            resource.name,
            resource.where.file if resource.where else "",
            FileStatus.SAME,
        )


def _outcomes(
    session: Session, drafts: Sequence[ManifestDraft], pattern: str, problems: list[Problem]
) -> Iterator[ImportedResource]:
    files: dict[str, list[ManifestDraft]] = {}
    for draft in drafts:
        files.setdefault(file_of(pattern, draft.address.key, draft.name, files), []).append(draft)
    for file, held in files.items():
        if (session.project.root / file).exists():
            hint = "choose another file with --to, or add the resource by hand"
            problems.append(Problem("E834", f"`{file}` already exists and is unchanged", hint=hint))
            continue
        schema = schema_path(session.project.root, file)
        text = manifest(map(entry_of, held), schema)
        for address in held:
            left_out = address.generated.left_out
            yield ImportedResource(
                address.address, address.name, file, FileStatus.NEW, text, left_out=left_out
            )


def _no_schema(session: Session, drafts: Sequence[ManifestDraft]) -> Iterator[str]:
    if drafts and not schema_path(session.project.root, "manifests/any.yaml"):
        yield (
            "for completion and checks in editors, run `provisioner schema --write schemas`; "
            "the next import refers to the schema"
        )


def _scopes_left(drafts: Sequence[ManifestDraft], session: Session) -> Iterator[str]:
    every = (*session.loaded.resources, *session.loaded.withheld)
    declared = {(resource.address.kind, resource.name) for resource in every}
    declared |= {(draft.address.kind, draft.name) for draft in drafts}
    left = [name for kind, name in _needed(drafts) if (kind, name) not in declared]
    if left:
        names = listed(left)
        yield f"referenced, but not declared: {names}; to import them too, pass --with-scopes"
