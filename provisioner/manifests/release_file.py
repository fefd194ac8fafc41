"""Release files: ``environments/releases/NAME.yaml`` as data, or everything wrong with one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from provisioner.errors import FileError, Finding, Position, Problem, Severity
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.manifests import files
from provisioner.manifests.given_values import VARIABLE
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model import schemas
from provisioner.model.release import FOLDER, Released, release_path

_MERGE: Final = re.compile(rb"^(<<<<<<<|=======|>>>>>>>)( |$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """``source`` is None where there is no such file yet."""

    releases: Mapping[str, Released] = field(default_factory=dict)
    source: SourceFile | None = None

    def unknown(self, released: Collection[str]) -> Iterator[Problem]:
        """A warning for each line about a variable that the environment does not release."""
        for name in self.releases:
            if name not in released and self.source:
                message = f"the environment does not release `{name}`"
                hint = did_you_mean(
                    name, released, f"add it to `released`, or delete `{name}` here"
                )
                finding = Finding((name,), "W742", message, hint, Severity.WARNING, key=True)
                yield self.source.problem(finding)


def read_releases(root: Path, environment: str) -> ReleaseFile:
    """What is released to ``environment``. Raises FileError with every mistake of its file."""
    path = release_path(environment)
    if not (root / path).is_file():
        return ReleaseFile()
    return releases_in(path, files.read(root, path))


def releases_in(path: str, raw: bytes) -> ReleaseFile:
    """The content of a release file. Raises FileError."""
    from provisioner.manifests.schema.check import shape

    # Before YAML is parsed: two promotions on two branches meet in this file most of all.
    conflict = _MERGE.search(raw)
    if conflict:
        line = raw.count(b"\n", 0, conflict.start()) + 1
        message = "the file contains the conflict markers of an unfinished merge"
        hint = "keep one line for each variable, and delete the marker lines"
        raise FileError.of("E702", message, hint, where=Position(path, line))
    if not _says_anything(raw):
        return ReleaseFile()
    source: SourceFile = parse(path, raw)
    findings = list(shape(source.data, schemas.schema("release"), source.written))
    if not findings:
        findings = list(_mistakes(source.data))
    if findings:
        raise FileError(source.problem(finding) for finding in findings)
    releases = {
        name: _released(fields, source.position((name,))) for name, fields in source.data.items()
    }
    return ReleaseFile(releases, source)


def _says_anything(raw: bytes) -> bool:
    """Whether there is more than comments: a file whose lines were all taken out is fine."""
    lines = (line.strip() for line in raw.splitlines())
    return any(line and not line.startswith(b"#") for line in lines)


def _mistakes(data: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    for name, fields in data.items():
        if not VARIABLE.fullmatch(name):
            message = f"`{name}` cannot be the name of a variable"
            hint = "letters, digits and `_`, the first one not a digit"
            yield Finding((name,), "E109", message, hint, key=True)
        value = fields.get("value")
        if value is not None and value in fields.get("rejected", ()):
            message = f"`{name}` has a value that is also in its `rejected` list"
            yield Finding((name, "rejected"), "E703", message, "remove it from one of the two")
        if value is None and "previous" in fields:
            message = f"`{name}` has a previous value but no value"
            hint = f"write a `value`, or undo the change of this line: git checkout {FOLDER}"
            yield Finding((name, "previous"), "E703", message, hint, key=True)


def _released(fields: Mapping[str, Any], where: Position) -> Released:
    return Released(
        value=fields.get("value"),
        previous=fields.get("previous"),
        source=fields.get("from", ""),
        alias=fields.get("alias", ""),
        rolled_back=fields.get("rolled_back"),
        commit=fields.get("commit", ""),
        at=fields.get("at", ""),
        verified=fields.get("verified", ""),
        rejected=tuple(fields.get("rejected", ())),
        where=where,
    )
