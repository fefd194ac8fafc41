"""``drift --policies``: judges what is live, also what no manifest declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.errors import Problem, Severity
from provisioner.kinds import KINDS
from provisioner.manifests.lifecycle import OURS
from provisioner.model.live import Live
from provisioner.model.resource import Resource
from provisioner.model.selection import Selection
from provisioner.policies.judgement import Judge
from provisioner.policies.policy import Policy
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.plan import WorkspaceComparison, compare
from provisioner.workflow.policies import PolicyFiles, service_time, unplaced_problem
from provisioner.workflow.scope import PlanOptions, answer_or_problem
from provisioner.workflow.session import Session


def judge_live(
    session: Session, policy_files: PolicyFiles, selection: Selection
) -> tuple[Problem, ...]:
    """The violations of live resources: of the selected ones, else of the whole workspace.

    What the login may not read is a warning, for it says nothing about the rest.
    """
    if not policy_files.policies:
        return ()
    compared = compare(session, PlanOptions(selection))
    resources = tuple(_resources(session, compared, everything=not selection.patterns))
    answers = map_parallel(lambda resource: _read(session, resource), resources)
    moment = service_time(session.connection)
    policies = tuple(map(_about_live, policy_files.policies))
    judge = Judge(policies, session.environment.name, moment, moment)
    problems: list[Problem] = []
    for resource, answer in zip(resources, answers, strict=True):
        if isinstance(answer, Problem):
            subject = str(resource.address)
            problems.append(replace(answer, severity=Severity.WARNING, subject=subject))
        elif answer is not None:
            verdicts = judge.document(resource.address, answer.document)
            problems += (
                replace(unplaced_problem(verdict), where=resource.where) for verdict in verdicts
            )
    return tuple(problems)


def _resources(
    session: Session, compared: WorkspaceComparison, *, everything: bool
) -> Iterator[Resource]:
    """The compared resources, and with ``everything`` those of the lists besides."""
    seen = set()
    for each in compared.resources:
        pair = each.pair
        seen.add((pair.address.kind, pair.name))
        yield pair.desired or Resource(pair.address, pair.name, {})
    for kind, entries in compared.reading.listed.items() if everything else ():
        importing = KINDS[kind].importing
        for entry in entries:
            # What Databricks itself provides can follow no rule of a customer.
            provided = bool(importing and importing.is_provided(entry.name))
            if (kind, entry.name) not in seen and not provided:
                yield Resource(compared.scope.address_of(kind, entry.name), entry.name, {})


def _read(session: Session, resource: Resource) -> Live | Problem | None:
    driver = session.drivers[resource.address.kind]
    return answer_or_problem(lambda: driver.read(resource))


def _about_live(policy: Policy) -> Policy:
    """``policy`` without the rules about what is in manifests alone."""
    rules = (rule for rule in policy.rules if rule.pattern.stages[0].segment not in OURS)
    return replace(policy, rules=tuple(rules))
