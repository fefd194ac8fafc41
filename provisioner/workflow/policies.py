"""Reads the policies of a project or of `--policy-dir`, and judges manifests and plans by them.

Imports the manifests' stage and the kinds alone, as ``environments`` does, and the policies where
there are any: most projects have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provisioner.errors import FileError, Finding, Problem, RefusedError, Severity, by_place
from provisioner.kinds import KINDS
from provisioner.manifests import files
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import read_boundaries
from provisioner.manifests.schema.check import shape
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model import schemas
from provisioner.model.clock import utc_now
from provisioner.model.connection import Connection
from provisioner.model.plan import Action, Plan, Step
from provisioner.workflow.environments import OpenedEnvironment, boundaries_in

if TYPE_CHECKING:
    from provisioner.policies.field_pattern import Vocabulary
    from provisioner.policies.judgement import Judge, PolicyViolation
    from provisioner.policies.policy import Policy
    from provisioner.workflow.rollout import StepJudge
    from provisioner.workflow.session import Session

FOLDER: Final = "policies"
_UNDONE: Final = frozenset({Action.DELETE, Action.ORPHAN, Action.BLOCKED})


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The policies that hold. ``digest`` is ``""`` where there are none.

    It is of `--policy-dir` where it is given, which holds beside the project's own folder
    and cannot be switched off there; otherwise of the project's own with its boundaries.
    ``boundaries`` are judged while manifests are loaded, and not with ``policies``.
    """

    policies: tuple[Policy, ...] = ()
    digest: str = ""
    sources: Mapping[str, SourceFile] = field(default_factory=dict)
    boundaries: tuple[Policy, ...] = ()

    @property
    def all_rules(self) -> tuple[Policy, ...]:
        """The policies and the boundaries."""
        return (*self.policies, *self.boundaries)

    def problem(self, policy: Policy, finding: Finding) -> Problem:
        """``finding`` about ``policy`` at its place in the file of policies."""
        return self.sources[policy.file].problem(finding, f"policy {policy.name}")

    def expired(self, today: datetime) -> tuple[Problem, ...]:
        """A problem for each exception that has ended."""
        from provisioner.policies.judgement import expired

        return tuple(self.problem(*expiry) for expiry in expired(self.policies, today))


def read_policies(root: Path, folder: Path | None = None, digest: str = "") -> PolicyFiles:
    """The policies of the project and those of ``folder`` (`--policy-dir`).

    Raises FileError with everything that is wrong in them, and for a ``folder`` without any.
    Raises RefusedError where ``digest`` (`--policy-digest`) is of other policies.
    """
    bounds = read_boundaries(root)
    own = _read(root / FOLDER, f"{FOLDER}/") if (root / FOLDER).is_dir() else _Read()
    given = _read(folder, f"{folder}/") if folder else _Read()
    if folder and not given.sources:
        message = f"`{folder}` contains no policy file `*.yaml`"
        raise FileError.of(
            "E232", message, "correct the path; an empty folder does not allow everything"
        )
    policies = (*given.policies, *own.policies)
    sources = {**own.sources, **given.sources}
    problems = [*own.problems, *given.problems, *_repeated(policies, sources)]
    if problems:
        raise FileError(problems)
    actual = given.digest if folder else _digest(own.data, bounds)
    _refuse_other(actual, digest)
    if bounds is None:
        return PolicyFiles(policies, actual, sources)
    boundaries = boundaries_in(bounds).policies
    return PolicyFiles(policies, actual, {**sources, bounds.text.file: bounds}, boundaries)


def _digest(data: Mapping[str, Any], bounds: SourceFile | None = None) -> str:
    """The digest of policy files and of boundaries; ``""`` where there are neither."""
    from provisioner.policies.boundaries import BOUNDARIES
    from provisioner.policies.judgement import digest_of

    # No file of policies has this name, so the digest of a project without boundaries stays.
    limits = {BOUNDARIES: bounds.data[BOUNDARIES]} if bounds else {}
    return digest_of({**data, **limits}) if data or limits else ""


def _refuse_other(actual: str, wanted: str) -> None:
    if wanted and actual != f"sha256:{wanted.removeprefix('sha256:')}":
        message = f"the policies do not match the pinned digest: their digest is {actual or 'none'}"
        hint = "restore them, or pin the new ones after a review: `provisioner policy explain`"
        raise RefusedError.of("E233", message, f"{hint} shows the digest")


@dataclass(frozen=True, slots=True)
class _Read:
    policies: tuple[Policy, ...] = ()
    sources: Mapping[str, SourceFile] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return _digest(self.data)


def _read(folder: Path, prefix: str) -> _Read:
    """The policies of the files right below ``folder``; its subfolders hold cases."""
    from provisioner.policies.definition import PolicyReader

    policies: list[Policy] = []
    problems: list[Problem] = []
    sources: dict[str, SourceFile] = {}
    for path in sorted(folder.glob("*.yaml")):
        name = f"{prefix}{path.name}"
        try:
            source = parse(name, files.read(folder, path.name))
        except FileError as error:
            problems += error.problems
            continue
        sources[name] = source
        findings = list(shape(source.data, schemas.schema("policy"), source.written))
        if not findings:
            reader = PolicyReader(name, vocabularies())
            policies += reader.policies(source.data)
            findings = reader.findings
        problems += map(source.problem, findings)
    data = {name.removeprefix(prefix): source.data for name, source in sources.items()}
    return _Read(tuple(policies), sources, tuple(problems), data)


def vocabularies() -> Mapping[str, Vocabulary]:
    """What documents of each kind may hold."""
    from provisioner.policies.field_pattern import Vocabulary

    policies_of_name = {}
    for name, kind in KINDS.items():
        schema = schemas.schema(f"kinds/{name}")
        policies_of_name[name] = Vocabulary(schema, schema, kind.schema.rules())
    return policies_of_name


def _repeated(policies: Iterable[Policy], sources: Mapping[str, SourceFile]) -> Iterator[Problem]:
    first: dict[str, Policy] = {}
    for policy in policies:
        other = first.setdefault(policy.name, policy)
        if other is not policy:
            where = sources[other.file].position(other.at)
            message = f"there is another policy `{policy.name}`"
            finding = Finding((*policy.at, "name"), "E230", message, f"it is at {where}")
            yield sources[policy.file].problem(finding)


def service_time(connection: Connection) -> datetime:
    """The moment by the workspace's clock: the machine that runs the tool may be set to any."""
    return utc_now() + timedelta(seconds=connection.clock_skew_s)


def judge_manifests(
    policy_files: PolicyFiles, opened: Sequence[OpenedEnvironment], today: datetime
) -> tuple[Problem, ...]:
    """All violations in the manifests of some environments, offline.

    Also: exceptions that ended, a note for each policy that no resource falls under, and one for
    each that depends on the time, which only `plan` and `apply` judge.
    """
    if not policy_files.policies:
        return ()
    from provisioner.policies.judgement import Judge

    problems = list(policy_files.expired(today))
    matched: set[str] = set()
    concerned: dict[str, Policy] = {}
    undecided: dict[str, Policy] = {}
    for environment, loaded in opened:
        judge = Judge(policy_files.policies, environment.name, today)
        undecided |= {policy.name: policy for policy in judge.undecided}
        concerned |= {
            policy.name: policy
            for policy in policy_files.policies
            if policy.scope.has_environment(environment.name)
        }
        matched |= _matched(judge, loaded)
        problems += _placed(judge, loaded.declarations)
    problems += [_note(policy_files, policy, _NO_TIME) for policy in undecided.values()]
    if opened:
        unmatched = (policy for name, policy in concerned.items() if name not in matched)
        problems += [_note(policy_files, policy, _NO_MATCH) for policy in unmatched]
    return tuple(dict.fromkeys(problems))


_NO_TIME: Final = ("W531", "applies only at certain times, and was not evaluated", "")
_NO_MATCH: Final = (
    "W532",
    "matches no resource",
    ("if this is a mistake, check `applies_to`; `provisioner policy explain` lists the matches"),
)


def _note(policy_files: PolicyFiles, policy: Policy, words: tuple[str, str, str]) -> Problem:
    code, text, hint = words
    message = f"policy `{policy.name}` {text}"
    finding = Finding((*policy.at, "name"), code, message, hint, Severity.NOTE)
    return policy_files.problem(policy, finding)


def _matched(judge: Judge, loaded: Loaded) -> set[str]:
    matching: set[str] = set()
    for each in loaded.declarations:
        # Only what has matched nothing so far is asked: mostly none after the first resources.
        rest = tuple(policy for policy in judge.policies if policy.name not in matching)
        if not rest:
            break
        waiting = replace(judge, policies=rest)
        matching |= {policy.name for policy in waiting.matching(each.address, each.document)}
    return matching


def _placed(judge: Judge, declarations: Iterable[Declaration]) -> Iterator[Problem]:
    """Yields the violations of ``declarations`` at their places in the files."""
    for each in declarations:
        for verdict in judge.document(each.address, each.document):
            yield from each.placed([verdict.finding])


def _as_warning(problem: Problem) -> Problem:
    from provisioner.policies.judgement import VIOLATED_WARNING

    return replace(problem, code=VIOLATED_WARNING, severity=Severity.WARNING)


def judge_plan(
    policy_files: PolicyFiles, plan: Plan, loaded: Loaded, moment: datetime
) -> tuple[Problem, ...]:
    """All violations in ``plan`` and in the documents that it makes live."""
    if not policy_files.policies:
        return ()
    from provisioner.policies.judgement import Judge

    judge = Judge(policy_files.policies, plan.environment, moment, moment)
    # A saved plan is only applied where these very manifests lead to it.
    planned = {step.address for step in plan.steps if step.action not in _UNDONE}
    expired = policy_files.expired(moment)
    # Where nothing becomes live, nothing can rely on an exception: who destroys is only warned.
    problems = list(expired if planned else map(_as_warning, expired))
    # Going back to a version that served before is always allowed: it may be urgent.
    back = {step.address for step in plan.steps if step.is_step_back}
    for each in (each for each in loaded.declarations if each.address in planned):
        violations = _placed(judge, [each])
        problems += map(_as_warning, violations) if each.address in back else violations
    plan = replace(plan, steps=tuple(step for step in plan.steps if step.address not in back))
    places = {each.address: each.where for each in loaded.resources}
    places |= {each.address: each.where for each in loaded.removals}
    problems += [
        replace(
            unplaced_problem(verdict),
            where=places.get(verdict.address) if verdict.address else None,
        )
        for verdict in judge.plan(plan)
    ]
    return tuple(sorted(dict.fromkeys(problems), key=by_place))


def judged(
    policy_files: PolicyFiles, plan: Plan, session: Session
) -> tuple[Plan, tuple[Problem, ...]]:
    """``plan`` with the digest of the policies, and its violations by the service's time."""
    moment = service_time(session.connection)
    problems = judge_plan(policy_files, plan, session.loaded, moment)
    return replace(plan, policy_digest=policy_files.digest), problems


def judge_of_moves(session: Session, folder: Path | None, digest: str) -> StepJudge:
    """Returns what judges moves of rollouts by the policies that ``read_policies`` finds.

    Each move is a plan of its own, and all of them together are a plan as well. Policies that
    cannot be read refuse these moves, but must not stop a run that also steps back.
    """

    def judge(steps: Sequence[Step]) -> Sequence[tuple[Problem, ...]]:
        try:
            policy_files = read_policies(session.project.root, folder, digest)
        except (FileError, RefusedError) as error:
            return [error.problems] * len(steps)
        plan = Plan(session.project.name, session.environment.name, "", tuple(steps))
        _, together = judged(policy_files, plan, session)
        apart = [judged(policy_files, replace(plan, steps=(step,)), session)[1] for step in steps]
        known = {problem for problems in apart for problem in problems}
        common = tuple(problem for problem in together if problem not in known)
        return [(*problems, *common) for problems in apart]

    return judge


def unplaced_problem(verdict: PolicyViolation) -> Problem:
    """``verdict`` as a problem that stands in no file yet."""
    finding = verdict.finding
    subject = str(verdict.address) if verdict.address else ""
    return Problem(
        finding.code,
        finding.message,
        hint=finding.hint,
        severity=finding.severity,
        subject=subject,
    )


def errors_of(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems that stop a command."""
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)
