"""``policy test``: runs the cases of policies, each a manifest or a plan with what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from provisioner.errors import FileError, Finding, Problem, Severity
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import counted
from provisioner.kinds import KINDS
from provisioner.manifests import files
from provisioner.manifests.declaration import Declaration, declared
from provisioner.manifests.envelope import entries_of
from provisioner.manifests.layers import Layers
from provisioner.manifests.project import Environment, WorkspaceSettings
from provisioner.manifests.schema.check import shape
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model import schemas
from provisioner.model.clock import utc_now
from provisioner.model.paths import parse_path
from provisioner.model.plan import ABSENT, Action, Address, FieldChange, Plan, Step
from provisioner.model.serving import CapacityChange, CapacityUnit, Provision
from provisioner.policies.judgement import Judge
from provisioner.policies.policy import Policy
from provisioner.workflow.policies import FOLDER, PolicyFiles

CASES: Final = "cases"
PASS: Final = "pass"
FAIL: Final = "fail"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case ended. ``failure`` is ``""`` where the policy said what is expected."""

    file: str
    policy: str
    expected: str
    violations: tuple[Problem, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class CaseRun:
    """All cases of some policies. ``problems`` are files that are no case, and policies without
    a case, whose names are ``untested``.
    """

    results: tuple[CaseResult, ...]
    problems: tuple[Problem, ...]
    untested: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether every case could be read and ended as expected, and none is lacking."""
        failed = any(result.failure for result in self.results)
        return not failed and not any(each.severity is Severity.ERROR for each in self.problems)

    def summary(self) -> str:
        """One line for people."""
        failed = sum(bool(result.failure) for result in self.results)
        return f"{counted(len(self.results), 'case')}: {failed} not as expected"


def run_cases(
    root: Path, folder: Path | None, policies: PolicyFiles, *, requires_cases: bool = False
) -> CaseRun:
    """Runs the cases below ``cases`` of the project's folder of policies and of ``folder``.

    A policy without a case is a warning, and an error with ``requires_cases``. Raises FileError
    where there is no case at all.
    """
    results: list[CaseResult] = []
    problems: list[Problem] = []
    for base, prefix in _folders(root, folder):
        for path in sorted((base / CASES).rglob("*.yaml")):
            name = f"{prefix}/{path.relative_to(base)}"
            try:
                results.append(_run(_checked(base, path, name), policies))
            except FileError as error:
                problems += error.problems
    if not results and not problems:
        message = f"`{FOLDER}/{CASES}` contains no case"
        hint = "a case is a YAML file with `policy`, `expect: pass` or `fail`, and `resources`"
        raise FileError.of("E234", message, hint)
    tested = {result.policy for result in results}
    untested = [policy for policy in policies.policies if policy.name not in tested]
    problems += [_untested(policies, policy, is_error=requires_cases) for policy in untested]
    return CaseRun(tuple(results), tuple(problems), tuple(policy.name for policy in untested))


def _untested(policies: PolicyFiles, policy: Policy, *, is_error: bool) -> Problem:
    code, severity = ("E236", Severity.ERROR) if is_error else ("W533", Severity.WARNING)
    message = f"no case tests the policy `{policy.name}`"
    hint = f"add a case with `expect: pass` and a case with `expect: fail` below `{FOLDER}/{CASES}`"
    finding = Finding((*policy.at, "name"), code, message, hint, severity)
    return policies.problem(policy, finding)


def _folders(root: Path, folder: Path | None) -> Iterator[tuple[Path, str]]:
    own = root / FOLDER
    yield own, FOLDER
    if folder and folder.resolve() != own.resolve():
        yield folder, str(folder)


def _checked(base: Path, path: Path, name: str) -> SourceFile:
    source = parse(name, files.read(base, str(path.relative_to(base))))
    findings = list(shape(source.data, schemas.schema("policy-case"), source.written))
    if findings:
        raise FileError(map(source.problem, findings))
    return source


def _run(source: SourceFile, policies: PolicyFiles) -> CaseResult:
    data = source.data
    name, expected = data["policy"], data["expect"]
    policy = next((each for each in policies.policies if each.name == name), None)
    if policy is None:
        hint = did_you_mean(name, [each.name for each in policies.policies])
        finding = Finding(("policy",), "E234", f"there is no policy `{name}`", hint)
        raise FileError([source.problem(finding)])
    declarations = _declarations(source, data.get("environment", "prod"))
    violations = tuple(_violations(policy, source, declarations))
    result = CaseResult(source.text.file, name, expected, violations)
    failure = _vacuous(policy, data, declarations) or _failure(result, data.get("lines", ()))
    return replace(result, failure=failure)


def _vacuous(policy: Policy, data: dict[str, Any], declarations: list[Declaration]) -> str:
    """Why the case asks the policy nothing; ``""`` where it does.

    A case passes by what is in it, never because the policy does not look at it: a resource of
    another kind, or no step for a rule about plans. Other environments and `unless` are a part of
    the policy that a case may be about.
    """
    kind = policy.scope.kind
    addresses = [each.address for each in declarations] if policy.rules else []
    if policy.judges_plans:
        addresses += [_address(entry) for entry in data.get("plan", ())]
    if any(kind in ("", address.kind) for address in addresses):
        return ""
    needed = " or ".join(
        part
        for part, is_judged in (("resources", policy.rules), ("plan", policy.judges_plans))
        if is_judged
    )
    of_kind = f" of the kind {kind}" if kind else ""
    return f"the policy does not evaluate this case: add `{needed}`{of_kind}"


def _address(entry: dict[str, Any]) -> Address:
    kind, _, key = entry["address"].partition(".")
    return Address(kind, key)


def _failure(result: CaseResult, lines: Iterable[int]) -> str:
    """Why the case is not as expected; ``""`` where it is."""
    actual = FAIL if result.violations else PASS
    if actual != result.expected:
        return f"expected {result.expected}, but the result is {actual}"
    at = [each.where.line for each in result.violations if each.where]
    # `lines` is optional, for a case that is about the place of the violation.
    if lines and list(lines) != at:
        return f"expected violations in lines {list(lines)}, but they are in {at}"
    return ""


def _declarations(source: SourceFile, environment: str) -> list[Declaration]:
    """The resources of a case, as the manifests' stage makes them. Raises FileError."""
    # A case names no workspace; the settings are never connected to.
    settings = WorkspaceSettings(emulator=":memory:")
    layers = Layers.of(Environment(environment, settings), KINDS)
    manifest = {"resources": source.data.get("resources", {})}
    made: list[Declaration] = []
    problems: list[Problem] = []
    for entry in entries_of(manifest, KINDS):
        if isinstance(entry, Finding):
            problems.append(source.problem(entry))
        else:
            made.append(declared(source, entry, KINDS[entry.kind], layers))
    problems += [problem for each in made for problem in each.problems]
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise FileError(errors)
    return made


def _violations(
    policy: Policy, source: SourceFile, declarations: list[Declaration]
) -> Iterator[Problem]:
    data = source.data
    moment = _moment(data.get("now", ""))
    environment = data.get("environment", "prod")
    # One moment for both clocks: a case fixes the time with `now`.
    judge = Judge((policy,), environment, moment, moment)
    for each in declarations:
        for verdict in judge.document(each.address, each.document):
            yield from each.placed([verdict.finding])
    documents = {str(each.address): each.document for each in declarations}
    steps = tuple(_step(entry, documents) for entry in data.get("plan", ()))
    for verdict in judge.plan(Plan("", environment, "", steps)):
        finding = replace(verdict.finding, at=_place(data, verdict.address), key=False)
        yield source.problem(finding, str(verdict.address or ""))


def _place(data: dict[str, Any], address: Address | None) -> tuple[str | int, ...]:
    for index, entry in enumerate(data.get("plan", ())):
        if entry["address"] == str(address):
            return ("plan", index)
    return ("plan",)


def _step(entry: dict[str, Any], documents: dict[str, Any]) -> Step:
    address = _address(entry)
    changes = tuple(
        # A rule reads where a change is and not its values.
        FieldChange(parse_path(text), ABSENT, ABSENT)
        for text in entry.get("changes", ())
    )
    action = Action(entry["action"])
    return Step(
        address,
        address.key,
        action,
        changes,
        desired=documents.get(entry["address"]),
        capacity=_capacity(entry["capacity"]) if "capacity" in entry else None,
        traffic={name: tuple(shares) for name, shares in entry.get("traffic", {}).items()},
    )


def _capacity(entry: dict[str, Any]) -> CapacityChange:
    sides = (
        tuple(Provision(**{**part, "unit": CapacityUnit(part["unit"])}) for part in entry[name])
        if name in entry
        else ()
        for name in ("before", "after", "during")
    )
    return CapacityChange(*sides)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else utc_now()
