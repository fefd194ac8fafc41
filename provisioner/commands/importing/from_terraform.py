"""``import --from-terraform-state``: manifests out of a state, and how Terraform lets go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from provisioner.commands.importing.draft import (
    ManifestDraft,
    command_in,
    complaints,
    entry_of,
    new_file,
    project_file,
    root_near,
    schema_path,
    unless_there,
)
from provisioner.commands.importing.manifest_text import check_pattern, file_of, key_of, manifest
from provisioner.commands.importing.result import ImportedResource, ImportResult
from provisioner.errors import FileError, Problem
from provisioner.errors.wording import listed
from provisioner.files.text_file import read_text_file
from provisioner.files.yaml_text import harmless
from provisioner.kinds import KINDS
from provisioner.manifests.project import LOCAL, Environment, WorkspaceSettings
from provisioner.model.importing import Claimed, StateEntry
from provisioner.model.plan import Address

VERSION: Final = 4
SHOWN: Final = 5
HEAD: Final = """\
# With these blocks, Terraform 1.7 or newer stops managing the imported resources, and does not
# destroy them. Put this file next to your configuration, remove the resource blocks with the same
# names, and run `terraform plan`: the plan must not destroy anything.
"""


def entries_in(text: str, file: str) -> tuple[StateEntry, ...]:
    """The managed resources in the state ``text``. Raises FileError where it is none."""
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_state(file, "it is not JSON") from error
    # Version 4 since Terraform 0.12. Older states name attributes in another form.
    if not isinstance(state, Mapping) or state.get("version") != VERSION:
        raise _no_state(file, f"its `version` is not {VERSION}")
    resources = state.get("resources")
    return tuple(entry for resource in (resources or ()) for entry in _entries(resource))


def _no_state(file: str, why: str) -> FileError:
    hint = "`terraform state pull > terraform.tfstate` writes one"
    return FileError.of("E838", f"`{file}` is not a Terraform state: {why}", hint)


def _entries(resource: Mapping[str, Any]) -> Iterator[StateEntry]:
    # Data sources are read by Terraform and not managed by it.
    if resource.get("mode") != "managed":
        return
    kind, name = str(resource.get("type")), str(resource.get("name"))
    module = str(resource.get("module", ""))
    full = ".".join(part for part in (module, kind, name) if part)
    for instance in resource.get("instances") or ():
        key = instance.get("index_key")
        index = "" if key is None else f"[{json.dumps(key)}]"
        attributes = instance.get("attributes")
        # A deposed instance is the one that a failed replacement has yet to destroy.
        if isinstance(attributes, Mapping) and "deposed" not in instance:
            yield StateEntry(kind, _without_keys(full), f"{full}{index}", attributes)


def _without_keys(address: str) -> str:
    """``module.a["x.y"].t.n`` as ``module.a.t.n``."""
    # Keys of for_each hold dots, brackets and quotes, so that no regular expression is enough.
    made, depth, quoted = "", 0, False
    for sign in address:
        quoted ^= sign == '"'
        depth += 0 if quoted else {"[": 1, "]": -1}.get(sign, 0)
        made += "" if depth or quoted or sign in '"]' else sign
    return made


def removed(entries: Iterable[StateEntry]) -> str:
    """The ``removed`` blocks for ``entries``, as a file of Terraform."""
    instances: dict[str, list[str]] = {}
    for entry in entries:
        instances.setdefault(entry.address, []).append(entry.instance)
    blocks = (_block(address, held) for address, held in sorted(instances.items()))
    return "\n".join((HEAD, *blocks))


def _block(address: str, instances: list[str]) -> str:
    listed = [] if instances == [address] else [f"# {harmless(instance)}" for instance in instances]
    above = ["# The block is for all instances:", *listed] if listed else []
    lines = (
        *above,
        "removed {",
        f"  from = {address}",
        "",
        "  lifecycle {",
        "    destroy = false",
        "  }",
        "}",
    )
    return "\n".join(lines) + "\n"


REMOVED = "removed.tf"
"""Beside the manifests; Terraform's own folder may be anywhere."""


def import_state(folder: Path | None, state: Path, to: str) -> tuple[Path, ImportResult]:
    """The project's root, and what the state in ``state`` becomes there.

    Raises FileError for what is no state, UsageError for ``to``.
    """
    check_pattern(to)
    root = root_near(folder, Path.cwd())
    try:
        entries = entries_in(read_text_file(state), state.name)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise FileError.of("E838", f"`{state.name}` cannot be read: {reason}") from error
    claimed = {name: _claims(name, entries) for name in KINDS}
    drafts, problems = _drafts(claimed)
    if not drafts and not problems:
        raise FileError.of("E837", f"`{state.name}` contains no resource that provisioner manages")
    manifests = [*_manifests(root, drafts, to), *_letting_go(claimed, drafts)]
    new = [*project_file(root, root.resolve().name), *manifests]
    outcomes, there = unless_there(root, new)
    own = ("provisioner validate", "provisioner apply --adopt")
    commands = (*(command_in(root, command) for command in own), "terraform plan")
    notes = (*_notes(), *_left(entries, claimed), *_staying(claimed, drafts))
    return root, ImportResult(outcomes, (*problems, *there), notes, commands)


def _claims(kind: str, entries: Sequence[StateEntry]) -> Sequence[Claimed]:
    importer = KINDS[kind].importing
    return importer.from_terraform(entries) if importer else ()


def _drafts(
    claimed: dict[str, Sequence[Claimed]],
) -> tuple[dict[Address, ManifestDraft], tuple[Problem, ...]]:
    # Validation needs an environment; a state names no workspace.
    nowhere = Environment(LOCAL, WorkspaceSettings(emulator="x"))
    drafts: dict[Address, ManifestDraft] = {}
    problems: list[Problem] = []
    for kind, claims in claimed.items():
        for claim in claims:
            taken = {address.key for address in drafts if address.kind == kind}
            address = Address(kind, key_of(claim.name.rpartition(".")[2], taken))
            draft = ManifestDraft(KINDS[kind], address, claim.name, claim.generated)
            wrong = complaints(nowhere, draft)
            problems += wrong
            if not wrong:
                drafts[address] = draft
    return drafts, tuple(problems)


def _manifests(
    root: Path, drafts: dict[Address, ManifestDraft], to: str
) -> Iterator[ImportedResource]:
    held: dict[str, list[ManifestDraft]] = {}
    for draft in drafts.values():
        held.setdefault(file_of(to, draft.address.key, draft.name, held), []).append(draft)
    for file, claims_of_file in held.items():
        text = manifest(map(entry_of, claims_of_file), schema_path(root, file))
        for claim in claims_of_file:
            left_out = claim.generated.left_out
            made = new_file(claim.address, file, text, claim.name)
            yield ImportedResource(
                made.address, made.name, file, made.fate, text, left_out=left_out
            )


def _left(entries: Iterable[StateEntry], claimed: dict[str, Sequence[Claimed]]) -> Iterator[str]:
    """Why what is in the state and in no manifest is not imported, by its type."""
    taken = {
        entry.instance for claims in claimed.values() for each in claims for entry in each.entries
    }
    left: dict[str, list[str]] = {}
    for entry in entries:
        if entry.instance not in taken:
            left.setdefault(entry.type, []).append(entry.instance)
    for kind, instances in sorted(left.items()):
        names = listed(instances[:SHOWN])
        more = f" and {len(instances) - SHOWN} more" if len(instances) > SHOWN else ""
        yield f"still managed by Terraform: {names}{more}; the import does not support `{kind}`"


def _staying(
    claimed: dict[str, Sequence[Claimed]], drafts: dict[Address, ManifestDraft]
) -> Iterator[str]:
    """The blocks that are not let go of, though a manifest holds a part of them."""
    names = {(address.kind, draft.name) for address, draft in drafts.items()}
    kept: set[str] = set()
    done: set[str] = set()
    for kind, claims in claimed.items():
        for each in claims:
            group = done if (kind, each.name) in names else kept
            group.update(entry.address for entry in each.entries)
    for address in sorted(kept & done):
        yield f"`{address}` is still managed by Terraform: a part of it could not be imported"


def _letting_go(
    claimed: dict[str, Sequence[Claimed]], drafts: dict[Address, ManifestDraft]
) -> Iterator[ImportedResource]:
    """What Terraform keeps where the same block also holds what could not be imported."""
    names = {(address.kind, draft.name) for address, draft in drafts.items()}
    # `removed` blocks take no instances: Terraform forgets all of a block or nothing of it.
    kept = [
        entry.address
        for kind, claims in claimed.items()
        for claim in claims
        for entry in claim.entries
        if (kind, claim.name) not in names
    ]
    entries = [
        entry
        for claims in claimed.values()
        for claim in claims
        for entry in claim.entries
        if entry.address not in kept
    ]
    if entries:
        yield new_file(Address("terraform", "removed"), REMOVED, removed(entries))


def _notes() -> Iterator[str]:
    yield (
        "a Terraform state does not contain the creator of an endpoint, who can still manage "
        "it; `provisioner import NAME` lists the permissions in the workspace"
    )
    yield (
        f"add {REMOVED} to your Terraform configuration in the same change that removes the "
        "resource blocks"
    )
