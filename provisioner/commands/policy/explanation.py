"""``policy explain``: what each policy says, what it matches, and the digest of all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provisioner.errors import UsageError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import counted
from provisioner.manifests.given_values import Outside
from provisioner.manifests.project import environment_names
from provisioner.model.clock import utc_now
from provisioner.policies.boundaries import BOUNDARIES
from provisioner.policies.judgement import Judge
from provisioner.policies.policy import Policy
from provisioner.workflow.environments import OpenedEnvironment, open_all
from provisioner.workflow.policies import PolicyFiles

_FIELDS: Final = ("applies_to", "when", "require", "forbid", "plan", "exceptions", BOUNDARIES)


@dataclass(frozen=True, slots=True)
class PolicyExplanation:
    """A policy as its file has it, and the addresses that fall under it by environment."""

    name: str
    where: str
    severity: str
    message: str
    data: Mapping[str, Any]
    matches: Mapping[str, tuple[str, ...]]

    def lines(self) -> Iterator[str]:
        """The policy for people, a line each."""
        yield f"{self.name}  ({self.severity}, {self.where})"
        if self.message:
            yield f"  {self.message}"
        for name in _FIELDS:
            if name in self.data:
                yield f"  {name}: {_short(self.data[name])}"
        for environment, addresses in self.matches.items():
            shown = ", ".join(addresses) or "nothing"
            yield f"  matches in {environment}: {shown}"

    def to_json(self) -> dict[str, Any]:
        """The policy for programs."""
        fields = {name: self.data[name] for name in _FIELDS if name in self.data}
        return {
            "name": self.name,
            "where": self.where,
            "severity": self.severity,
            "message": self.message,
            **fields,
            "matches": {name: list(addresses) for name, addresses in self.matches.items()},
        }


def explain(root: Path, policies: PolicyFiles, name: str = "") -> tuple[PolicyExplanation, ...]:
    """What the policies say and match; only the one called ``name`` where it is given.

    Manifests with errors match nothing. Raises UsageError for a name that no policy has.
    """
    wanted = tuple(each for each in policies.all_rules if name in ("", each.name))
    if name and not wanted:
        hint = did_you_mean(name, [each.name for each in policies.all_rules])
        raise UsageError.of("E235", f"there is no policy `{name}`", hint)
    opened = open_all(root, environment_names(root), Outside.of((), os.environ)).opened
    return tuple(_explanation(policy, policies, opened) for policy in wanted)


def _explanation(
    policy: Policy, policies: PolicyFiles, opened: tuple[OpenedEnvironment, ...]
) -> PolicyExplanation:
    source = policies.sources[policy.file]
    data = source.value(policy.at)
    is_boundary = policy in policies.boundaries
    # The key of a boundary is its name.
    place = source.position(policy.at if is_boundary else (*policy.at, "name"))
    matches = {
        environment.name: tuple(_matches(policy, environment.name, loaded.declarations))
        for environment, loaded in opened
        if policy.scope.has_environment(environment.name)
    }
    return PolicyExplanation(
        policy.name,
        f"{place.file}:{place.line}",
        str(policy.severity),
        policy.message,
        {BOUNDARIES: data} if is_boundary else data,
        matches,
    )


def _matches(policy: Policy, environment: str, declarations: Any) -> Iterator[str]:
    judge = Judge((policy,), environment, utc_now())
    for each in declarations:
        in_file = policy.scope.has_file(each.source.text.file)
        if in_file and any(judge.matching(each.address, each.document)):
            yield str(each.address)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def summary(policies: PolicyFiles) -> str:
    """The last line: how many policies there are, and their digest."""
    number = counted(len(policies.policies), "policy").replace("policys", "policies")
    bounds = len(policies.boundaries)
    more = f", {counted(bounds, 'boundary').replace('boundarys', 'boundaries')}" if bounds else ""
    return f"{number}{more}, digest {policies.digest or 'none'}"
