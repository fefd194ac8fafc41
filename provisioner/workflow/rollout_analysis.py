"""Asks what decides about a rollout: checks, metrics of the endpoint, commands of the project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from string import Template
from typing import Final

from provisioner.errors import LoginError, ProvisionerError, WorkspaceError
from provisioner.files.project_command import CommittedCommand, run_committed
from provisioner.kinds import KINDS
from provisioner.model.clock import Clock
from provisioner.model.paths import Document
from provisioner.model.query import CheckResult
from provisioner.model.resource import Resource
from provisioner.model.rollout import Criterion, Grade, RolloutRole, Verdict, Word
from provisioner.model.rollout_block import WHOLE, Metric, MetricSource
from provisioner.planning import rollout_verdict
from provisioner.planning.rollout_plan import state_of
from provisioner.planning.rollout_state import Occasion, Rollout
from provisioner.workflow.check_cases import has_cases, with_cases
from provisioner.workflow.session import Session

CHECK_TIMEOUT_S: Final = 60.0
SAMPLE_EVERY_S: Final = 60


@dataclass(frozen=True, slots=True)
class Measuring:
    """One resource whose rollout is judged, in one run."""

    session: Session
    resource: Resource
    role: RolloutRole
    state: Rollout
    clock: Clock

    def verdict(self) -> Verdict:
        """Ask everything that the rollout names. Raises LoginError and RefusedError."""
        if self.state.occasion is Occasion.LOOK:
            return Verdict(self._metrics() if self.state.versions.percent else ())
        share, criteria = self.state.versions.percent or 0, []
        if 0 < share < WHOLE and self.state.occasion is not Occasion.FINISH:
            # Before the checks, whose requests are no traffic of users.
            criteria = [*self._metrics(), *self._commands()]
        return Verdict((*criteria, *rollout_verdict.of_checks(self._checks())))

    def _checks(self) -> tuple[CheckResult, ...]:
        analysis = self.state.spec.analysis
        checks = self.role.asked_of(self.resource, self.state.versions.current)
        kind = KINDS[self.resource.address.kind]
        if not checks or not analysis.repeat or kind.invocation is None:
            return ()
        return tuple(
            with_cases(check, self._asked)
            for number in range(analysis.repeat)
            for check in checks
            # Many cases are asked once: they are no sample of one answer that may vary.
            if not (number and has_cases(check))
        )

    def _asked(self, check: dict[str, object]) -> CheckResult:
        invocation = KINDS[self.resource.address.kind].invocation
        assert invocation is not None
        try:
            connection = self.session.connection
            return invocation.verify(connection, self.resource, check, CHECK_TIMEOUT_S)
        except LoginError:
            raise
        except WorkspaceError as error:
            name, entity = str(check.get("name", "")), str(check.get("entity", ""))
            address, endpoint = self.resource.address, self.resource.name
            return CheckResult(address, endpoint, name, entity, False, str(error), 0, None)

    def _metrics(self) -> tuple[Criterion, ...]:
        analysis = self.state.spec.analysis
        measured = [metric for metric in analysis.metrics if metric.source is MetricSource.METRICS]
        if not measured:
            return ()
        try:
            minutes = list(self._minutes())
        except LoginError:
            raise
        except WorkspaceError as error:
            text = f"not known, no metrics: {error}"
            return tuple(
                Criterion(metric.name, Grade.UNKNOWN, f"{metric.name} {text}")
                for metric in measured
            )
        versions = self.state.versions
        return rollout_verdict.of_metrics(analysis, minutes, versions.current, versions.previous)

    def _minutes(self) -> Iterator[rollout_verdict.Minute]:
        """A sample a minute: each answer of the service is about the last minute alone."""
        lasts_s = self.state.stage.for_s or self.state.spec.analysis.observe_s
        observe_s = min(self.state.spec.analysis.observe_s, lasts_s)
        if self.state.occasion is Occasion.LOOK:
            observe_s = 0
        for number in range(max(1, observe_s // SAMPLE_EVERY_S)):
            if number:
                self.clock.sleep(SAMPLE_EVERY_S)
            yield self.role.sample(self.session.connection, self.resource.name)

    def _commands(self) -> Iterator[Criterion]:
        for metric in self.state.spec.analysis.metrics:
            if metric.source is MetricSource.COMMAND:
                yield self._command(metric)

    def _command(self, metric: Metric) -> Criterion:
        words = tuple(self._filled_in(word) for word in metric.run)
        command = CommittedCommand(words, metric.timeout_s, metric.pass_env)
        try:
            result = run_committed(self.session.project.root, command, os.environ)
        except ProvisionerError as error:
            return Criterion(metric.name, Grade.UNKNOWN, f"{metric.name} not known, {error}")
        output = result.ended_by or result.output
        return rollout_verdict.of_command(metric, result.exit_code, output)

    def _filled_in(self, word: str) -> str:
        """``word`` with the names of the versions; nothing else is replaced, by no shell."""
        versions = self.state.versions
        names = {
            "rollout.new": versions.current,
            "rollout.old": versions.previous,
            "rollout.endpoint": self.resource.name,
        }
        return RolloutTemplate(word).safe_substitute(names)


class RolloutTemplate(Template):
    """``${rollout.new}`` and the like."""

    idpattern = r"rollout\.[a-z]+"
    braceidpattern = r"rollout\.[a-z]+"


def judged(measuring: Measuring) -> Rollout:
    """The state with its verdict."""
    return replace(measuring.state, verdict=measuring.verdict())


def live_checks(session: Session, resource: Resource) -> tuple[Document, ...]:
    """The checks of ``resource``, with the live name where one asks a rolled-out part.

    Manifests name the part without its version, and the service knows it by its version. While
    a rollout is under way each check about that part is asked of both versions, the new one
    first. Raises WorkspaceError.
    """
    kind = KINDS[resource.address.kind]
    spec = kind.rollout.spec(resource) if kind.rollout else None
    if kind.rollout is None or spec is None:
        return resource.checks
    live = session.drivers[resource.address.kind].read(resource)
    state = state_of(kind.rollout, resource, spec, live) if live else None
    if state is None:
        return resource.checks
    versions, is_divided = state.versions, state.is_under_way and state.is_pair
    names = [versions.current, versions.previous] if is_divided else [_serving(state)]
    # Without an entity the endpoint would choose the version, each time another one.
    about = ("", spec.entity) if is_divided else (spec.entity,)
    return tuple(
        checked
        for check in resource.checks
        for checked in (
            [{**check, "entity": name} for name in names]
            if check.get("entity", "") in about
            else [check]
        )
    )


def _serving(state: Rollout) -> str:
    """The version that answers: the declared one, unless it is not live or was rolled back."""
    versions = state.versions
    is_rejected = state.tag is not None and state.tag.word is Word.BACK
    if is_rejected and state.is_of_this_target and versions.previous:
        return versions.previous
    return versions.current or versions.previous
