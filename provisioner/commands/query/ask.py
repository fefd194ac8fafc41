"""``query``: one question to one or several resources of a workspace, declared or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from provisioner.errors import LoginError, Problem, ProvisionerError, UsageError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.kinds import KINDS
from provisioner.model.connection import Connection
from provisioner.model.kind import Kind
from provisioner.model.query import Answer, Asked, Question
from provisioner.model.resource import Resource
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.session import Session

Ask = Callable[[Connection, str, Question], Answer]


class QueryTarget(NamedTuple):
    """What a user's word means: a kind, a name in the workspace, and its manifest if any."""

    kind: Kind
    name: str
    resource: Resource | None = None


def ask_all(session: Session, names: Sequence[str], question: Question) -> tuple[Asked, ...]:
    """Put ``question`` to each of ``names`` at once: keys, addresses or names in the workspace.

    What one of them cannot answer is told in its place and hides no answer of the others.
    Raises UsageError for a name that nothing to ask can have, and LoginError.
    """
    wanted = [(name, named(session.loaded.resources, name, _asked)) for name in names]

    def put(target: tuple[str, QueryTarget]) -> Asked:
        word, meant = target
        ask = _asked(meant.kind)
        try:
            return Asked(word, ask(session.connection, meant.name, question) if ask else None)
        except LoginError:
            raise
        except ProvisionerError as error:
            return Asked(word, None, tuple(_helped(error.problems, session, meant)))

    return map_parallel(put, wanted)


def _helped(problems: Sequence[Problem], session: Session, meant: QueryTarget) -> Iterator[Problem]:
    """``problems``; for a name that nothing declares with the one that may be meant."""
    hint = "" if meant.resource else similar(session.loaded.resources, meant.name)
    for problem in problems:
        yield replace(problem, hint=hint) if hint else problem


def _asked(kind: Kind) -> Ask | None:
    return kind.invocation.ask if kind.invocation else None


def named(resources: Sequence[Resource], name: str, can: Callable[[Kind], object]) -> QueryTarget:
    """What ``name`` means: the key, address or name of a resource whose kind ``can``.

    A name that no manifest declares is taken as it is: pay-per-token endpoints are in no
    manifest. Raises UsageError for one that can only be meant for something declared.
    """
    able = [kind for kind in KINDS.values() if can(kind)]
    for resource in resources:
        words = (resource.name, resource.address.key, str(resource.address))
        if name in words and KINDS[resource.address.kind] in able:
            return QueryTarget(KINDS[resource.address.kind], resource.name, resource)
    known = [resource for resource in resources if KINDS[resource.address.kind] in able]
    for kind in able:
        if kind.invocation and kind.invocation.is_name(name):
            return QueryTarget(kind, name)
    hint = did_you_mean(name, [str(resource.address) for resource in known])
    raise UsageError.of("E810", f"`{name}` cannot be queried", hint)


def similar(resources: Sequence[Resource], name: str) -> str:
    """Returns a hint about ``name``, for which there is nothing to query; ``""`` without one.

    It names the declared key or name that is most like it, or says that the kind takes no queries.
    """
    kinds = {resource.name: KINDS[resource.address.kind] for resource in resources}
    if name in kinds and not kinds[name].invocation:
        return f"it is declared as {kinds[name].title}, which cannot be queried"
    known = [
        word
        for resource in resources
        if KINDS[resource.address.kind].invocation
        for word in (resource.address.key, resource.name)
    ]
    return did_you_mean(name, known)
