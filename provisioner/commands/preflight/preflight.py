"""``plan --preflight``: what a workspace lacks to take an environment's resources; reads only.

Kinds say what they need, ``lookups`` knows how to ask. One request for each distinct thing
that is needed, whoever needs it; one list for each kind that a workspace takes a number of.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

from provisioner.commands.preflight.grants import ME, UNDECIDED
from provisioner.commands.preflight.lookups import (
    LOOKUPS,
    NOT_READABLE,
    Name,
    no_room,
    no_value,
    runs_as,
)
from provisioner.errors import Finding, Problem, Severity, by_place
from provisioner.errors.did_you_mean import closest
from provisioner.kinds import KINDS
from provisioner.manifests.declaration import Declaration
from provisioner.model.connection import Reader
from provisioner.model.live import Phase
from provisioner.model.paths import Document
from provisioner.model.references import ELSEWHERE, EVERY, Prerequisite, PrerequisiteType
from provisioner.model.resource import Resource
from provisioner.model.secret import SecretReader
from provisioner.model.selection import EVERYTHING, Selection
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.scope import answer_or_problem, as_resource
from provisioner.workflow.session import Session

PARALLELISM: Final = 16
# Of the resources that lack the same thing; a shared key may be that of a hundred.
MOST_NAMED: Final = 3
LIKENESS: Final = 0.85
"""From here on a name that is not declared is taken for a misspelt one that is."""
# A refusal of what the login itself must be able to do is an answer.
ANSWERS: Final = frozenset({"E763", NOT_READABLE})

LookupKey = tuple[str, Name]
"""What one request answers for: the sort of need and the part of the name, or a kind's name."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """``looked_at`` counts the distinct things that are needed, ``unknown`` those of them that
    the workspace did not answer for.
    """

    problems: tuple[Problem, ...]
    looked_at: int
    unknown: int = 0

    @property
    def is_clear(self) -> bool:
        """Whether nothing is missing; what could not be looked at does not count."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)

    @property
    def things(self) -> str:
        """``looked_at`` in words."""
        return "1 dependency" if self.looked_at == 1 else f"{self.looked_at} dependencies"

    def summary(self) -> str:
        """One line for people."""
        missing = sum(problem.severity is Severity.ERROR for problem in self.problems)
        summary = f"{missing} missing" if missing else "none missing"
        if not self.unknown:
            return f"Preflight: {self.things} checked, {summary}"
        # What could not be looked at may be missing as well.
        summary = f"{missing} missing" if missing else "none of the others missing"
        return f"Preflight: {self.unknown} of {self.things} could not be checked, {summary}"


@dataclass(frozen=True, slots=True)
class PrerequisiteUses:
    """One thing, and where in which declarations it is asked for, the first place first.

    ``similar`` is what the manifests declare under nearly the same name.
    """

    requirement: Prerequisite
    places: tuple[tuple[Declaration, Prerequisite], ...]
    similar: str = ""


def preflight(session: Session, selection: Selection = EVERYTHING) -> tuple[Problem, ...]:
    """What the workspace of ``session`` lacks; see ``examine``."""
    return examine(session, selection).problems


def examine(session: Session, selection: Selection = EVERYTHING) -> Preflight:
    """Look for everything that the selected resources need, and changes nothing.

    Raises UsageError for a selection of nothing, and WorkspaceError when the workspace cannot
    be reached at all or refuses the login; any other refusal becomes a warning.
    """
    # What is removed can be selected as well, and needs nothing.
    removed = map(as_resource, session.loaded.removals)
    known = {resource.address for resource in session.loaded.resources}
    meant = selection.choose((*session.loaded.resources, *removed))
    resources = [resource for resource in meant if resource.address in known]
    needed = _unless_there(session, _needed(session, resources))
    new = {
        name: _kind_of(resources, name)
        for name, kind in KINDS.items()
        if kind.dependencies.capacity
    }
    facts = _ask(session, needed, [name for name, declared in new.items() if declared])
    problems = [
        *_unknown(facts),
        *(problem for uses in needed for problem in _missing(session, uses, facts)),
        *_creating(session, new, facts),
    ]
    unknown = sum(_is_unknown(facts.get(_key(each))) for each in needed)
    unknown += sum(problem.code == UNDECIDED for problem in problems)
    # One catalog that is not there is missing once, whatever is needed of it.
    distinct = {(each.code, each.message): each for each in sorted(problems, key=by_place)[::-1]}
    return Preflight(tuple(sorted(distinct.values(), key=by_place)), len(needed), unknown)


def _needed(session: Session, resources: Iterable[Resource]) -> list[PrerequisiteUses]:
    """Each thing once; without what the manifests themselves bring, and can bring."""
    wanted = {resource.address for resource in resources}
    uses: dict[tuple[PrerequisiteType, Name], list[tuple[Declaration, Prerequisite]]] = {}
    brought: set[tuple[PrerequisiteType, Name]] = set()
    provided: set[tuple[PrerequisiteType, Name]] = set()
    for declaration in session.loaded.declarations:
        for prerequisite in declaration.kind.dependencies.prerequisites(declaration.document):
            name = LOOKUPS[prerequisite.need].same(prerequisite.name)
            if prerequisite.is_provided:
                provided.add((prerequisite.need, name))
                continue
            if prerequisite.source:
                brought.add((prerequisite.need, name))
            if declaration.address in wanted:
                uses.setdefault((prerequisite.need, name), []).append((declaration, prerequisite))
    needed = []
    for key, places in uses.items():
        if provided & {key, (key[0], (*key[1][:-1], EVERY))}:
            continue
        # What is declared is asked for where it is declared, and only there.
        if key in brought or (key[0], (*key[1][:-1], EVERY)) in brought:
            places = [place for place in places if place[1].source]
        if places:
            places.sort(key=lambda place: place[0].position(place[1].at))
            similar = "" if key in brought else _similar(key, brought)
            needed.append(PrerequisiteUses(places[0][1], tuple(places), similar))
    return needed


def _unless_there(session: Session, needed: list[PrerequisiteUses]) -> list[PrerequisiteUses]:
    """``needed`` without what only the creation of something needs that is there."""
    creations = {place.unless for uses in needed for _, place in uses.places if place.unless}

    def is_there(resource: tuple[str, str]) -> bool:
        kind, name = resource
        answer = answer_or_problem(lambda: session.drivers[kind].confirm(name).phase)
        return not isinstance(answer, Problem) and answer is not Phase.ABSENT

    names = sorted(creations)
    there = dict(zip(names, map_parallel(is_there, names, PARALLELISM), strict=True))
    kept = []
    for uses in needed:
        places = tuple(
            place for place in uses.places if not (place[1].unless and there[place[1].unless])
        )
        kept += [replace(uses, requirement=places[0][1], places=places)] if places else []
    return kept


def _similar(
    prerequisite: tuple[PrerequisiteType, Name], brought: Iterable[tuple[PrerequisiteType, Name]]
) -> str:
    """The name that is declared, where ``asked`` is probably that name misspelt."""
    outer = {name[0] for need, name in brought if need is prerequisite[0]}
    return (
        "" if prerequisite[1][0] in outer else closest(prerequisite[1][0], sorted(outer), LIKENESS)
    )


def _kind_of(resources: Iterable[Resource], kind: str) -> list[Resource]:
    return [
        resource
        for resource in resources
        if resource.address.kind == kind and not resource.existing
    ]


def _ask(
    session: Session, needed: Iterable[PrerequisiteUses], kinds: Sequence[str]
) -> Mapping[LookupKey, Any]:
    """The fact for each question; a Problem where the workspace refused to tell."""
    questions: dict[LookupKey, Callable[[], Any]] = {
        (kind, ()): session.drivers[kind].inventory for kind in kinds
    }
    reader = OneAnswerEach(session.connection)
    if kinds:
        questions[ME, ()] = lambda: reader.get(ME)
    for uses in needed:
        if _has_value(session, uses.requirement):
            continue
        question = LOOKUPS[uses.requirement.need]
        about = question.about(uses.requirement.name)
        questions[uses.requirement.need, about] = _asking(
            session.host, reader, uses.requirement.need, about
        )
    answers = map_parallel(answer_or_problem, questions.values(), PARALLELISM)
    return dict(zip(questions, answers, strict=True))


class OneAnswerEach:
    """A connection on which each question is asked once: the answer counts for the whole run."""

    def __init__(self, connection: Reader) -> None:
        self.host = connection.host
        self._connection = connection
        self._answers: dict[Any, Future[Document | None]] = {}
        self._lock = Lock()

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        absent: Collection[str] = frozenset(),
    ) -> Document | None:
        """As ``Connection.get``; a refusal is remembered, too."""
        key = (path, tuple(sorted((query or {}).items())), frozenset(absent))
        with self._lock:
            is_first = key not in self._answers
            answer = self._answers.setdefault(key, Future())
        if is_first:
            # Others with the same question wait for this answer instead of asking, too.
            try:
                answer.set_result(self._connection.get(path, query, absent=absent))
            except BaseException as error:
                answer.set_exception(error)
        return answer.result()


def _asking(host: str, reader: Reader, need: PrerequisiteType, about: Name) -> Callable[[], Any]:
    return lambda: LOOKUPS[need].ask(reader, about, host)


def _unknown(facts: Mapping[LookupKey, Any]) -> Iterator[Problem]:
    """A warning for each sort of refusal that only means that the result is unknown."""
    refused = {fact.message: fact for fact in facts.values() if _is_unknown(fact)}
    for message in sorted(refused):
        reason = f"a part could not be checked: {message}"
        hint = "run this command with a login that can read it; otherwise apply shows the result"
        yield Problem("W772", reason, hint=hint, severity=Severity.WARNING)


def _is_unknown(fact: Any) -> bool:
    return isinstance(fact, Problem) and fact.code not in ANSWERS


def _key(uses: PrerequisiteUses) -> LookupKey:
    need = uses.requirement.need
    return need, LOOKUPS[need].about(uses.requirement.name)


def _has_value(session: Session, requirement: Prerequisite) -> bool:
    """Whether the manifests bring it, and what they bring it from is at hand."""
    if not requirement.source:
        return False
    if requirement.source == ELSEWHERE:
        return True
    return not SecretReader(session.project.root).missing(requirement.source)


def _missing(
    session: Session, uses: PrerequisiteUses, facts: Mapping[LookupKey, Any]
) -> Iterator[Problem]:
    need, name = uses.requirement.need, uses.requirement.name
    question = LOOKUPS[need]
    key = _key(uses)
    if key not in facts or _is_unknown(facts[key]):
        return
    fact = facts[key]
    problem = fact if isinstance(fact, Problem) else question.judge(fact, name, session.host)
    if problem is None:
        return
    if uses.requirement.source:
        why = SecretReader(session.project.root).missing(uses.requirement.source)
        problem = no_value(name, uses.requirement.source, why)
    yield _placed(uses, problem)


def _placed(uses: PrerequisiteUses, missing: Problem) -> Problem:
    """``missing`` at the first place that needs it, with the others in its hint."""
    declaration, requirement = uses.places[0]
    others = sorted({str(other.address) for other, _ in uses.places} - {str(declaration.address)})
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    also = f"\nalso needed by {', '.join(others[:MOST_NAMED])}{more}" if others else ""
    meant = f"did you mean `{uses.similar}`, which the manifests declare? Otherwise:\n"
    hint = (meant if uses.similar else "") + missing.hint + also
    finding = Finding(requirement.at, missing.code, missing.message, hint, missing.severity)
    (problem,) = declaration.placed((finding,))
    return problem


def _creating(
    session: Session, declared: Mapping[str, Sequence[Resource]], facts: Mapping[LookupKey, Any]
) -> Iterator[Problem]:
    """Who will own what is new, and whether there is room for it."""
    for kind, resources in declared.items():
        listed = facts.get((kind, ()), ())
        if isinstance(listed, Problem):
            continue
        known = {item.name for item in listed}
        new = [resource for resource in resources if resource.name not in known]
        if new:
            title = KINDS[kind].title
            yield from no_room(title, len(known), len(new), KINDS[kind].dependencies.capacity)
            yield from runs_as(title, len(new), facts.get((ME, ())), session.host)
