"""provisioner validate: check the manifests, without a login and without a network."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from provisioner.cli.options import (
    POLICIES,
    CommonOptions,
    one_environment,
    packed,
    reporting_options,
    variables_option,
)


class PolicyOptions(NamedTuple):
    """The policies from outside of the project, and the digest that pins them."""

    policy_dir: Path | None
    policy_digest: str


@click.command("validate", short_help="Check the manifests, offline.")
@one_environment("Only this environment (default: all of environments/).")
@variables_option
@packed(PolicyOptions, "policies", *POLICIES)
@reporting_options
def command(
    common: CommonOptions, environment: str, variables: tuple[str, ...], policies: PolicyOptions
) -> int:
    """Check the manifests of all environments, offline.

    `validate` checks the types of all fields, then rules between fields, then the policies. It
    shows all problems of all files, each with its position and a solution.

    \b
    Exit codes: 0 no errors (warnings are allowed); 1 errors.
    """
    from provisioner.cli.report_output import recording
    from provisioner.commands.validate import validate as validate_validate

    with recording(common, "validate", environment) as terminal:
        checked = validate_validate.validate(common.project_dir, environment, variables, policies)
        problems = (*checked.problems, *checked.warnings)
        terminal.problems(problems)
        terminal.note(problems=problems, project=checked.project, root=checked.root)
        if common.is_data:
            from provisioner.rendering.problems import to_json

            terminal.answer_data(to_json(problems))
        elif not checked.problems:
            terminal.answer(checked.summary())
        return terminal.ended(1 if checked.problems else 0)
