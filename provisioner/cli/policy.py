"""provisioner policy: test the policies of a project, and explain them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import POLICIES, CommonOptions, common_options, packed
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.commands.policy.cases import CaseRun


class PolicySource(NamedTuple):
    """Where policies come from besides the project, and the digest that pins them."""

    policy_dir: Path | None
    policy_digest: str


policy_options = packed(PolicySource, "source", *POLICIES)


@click.group("policy", short_help="Explain and test the project's policies.")
def command() -> None:
    """Explain and test the policies, which are rules for manifests and plans."""


@command.command("test")
@policy_options
@click.option(
    "--require-cases",
    is_flag=True,
    help="Exit with 1 if no case tests a policy. Without it, this is a warning.",
)
@common_options
def test(common: CommonOptions, source: PolicySource, require_cases: bool) -> int:
    """Run the test cases of the policies: policies/cases/**/*.yaml.

    A case contains a manifest or a plan, the policy to check, and the expected result.

    \b
    Exit codes: 0 all cases have the expected result; 1 some do not, a file has errors, or a
    policy has no case with --require-cases.
    """
    from provisioner.commands.policy.cases import run_cases
    from provisioner.workflow.policies import read_policies
    from provisioner.workflow.project import open_project

    terminal = Terminal(common)
    root = open_project(common.project_dir).root
    policies = read_policies(root, *source)
    run = run_cases(root, source.policy_dir, policies, requires_cases=require_cases)
    terminal.problems(run.problems)
    if common.is_data:
        terminal.answer_data(_to_json(run))
    else:
        _print(terminal, run)
    return 0 if run.is_good else 1


def _print(terminal: Terminal, run: CaseRun) -> None:
    for result in run.results:
        word = "FAIL" if result.failure else "ok"
        terminal.answer(f"{word:<4}  {result.file}  {result.policy}: {result.expected}")
        if result.failure:
            terminal.answer(f"      {result.failure}")
            terminal.problems(result.violations)
    terminal.answer(run.summary())


def _to_json(run: CaseRun) -> dict[str, object]:
    from provisioner.rendering.problems import to_json

    return {
        "good": run.is_good,
        "cases": [
            {
                "file": result.file,
                "policy": result.policy,
                "expect": result.expected,
                "failure": result.failure,
                "violations": to_json(result.violations)["diagnostics"],
            }
            for result in run.results
        ],
        "untested": list(run.untested),
        **to_json(run.problems),
    }


@command.command("explain")
@click.argument("name", required=False, default="")
@policy_options
@common_options
def explain(common: CommonOptions, source: PolicySource, name: str) -> int:
    """Show each policy, the resources that it applies to, and the digest to pin.

    \b
    Exit codes: 0 done; 1 a file has errors, or there is no policy NAME.
    """
    from provisioner.commands.policy import explanation
    from provisioner.workflow.policies import read_policies
    from provisioner.workflow.project import open_project

    terminal = Terminal(common)
    root = open_project(common.project_dir).root
    policy_files = read_policies(root, *source)
    explained = explanation.explain(root, policy_files, name)
    if common.is_data:
        policies = [each.to_json() for each in explained]
        terminal.answer_data({"digest": policy_files.digest, "policies": policies})
        return 0
    for each in explained:
        terminal.answer("\n".join(each.lines()) + "\n")
    terminal.answer(explanation.summary(policy_files))
    return 0
