"""provisioner doctor: what is between this machine and a workspace."""

from __future__ import annotations

import click

from provisioner.cli.options import CommonOptions, TargetOptions, common_options, target_options
from provisioner.cli.terminal import Terminal


@click.command("doctor", short_help="Check the connection to the workspace.")
@target_options
@common_options
def command(common: CommonOptions, target: TargetOptions) -> int:
    """Check the connection from this machine to an environment's workspace.

    `doctor` checks versions, git, manifests, network, proxy, certificates, clock, login and
    identity; permissions to list, read and change; and the models, keys and principals that
    the manifests name. It shows a solution for each failure. It writes nothing, and shows no
    secret value.

    \b
    Exit codes: 0 no check failed; 1 a check failed.
    """
    from provisioner.commands.doctor import doctor as doctor_text
    from provisioner.commands.doctor.doctor import DoctorOptions, findings

    terminal = Terminal(common)
    diagnoses = []
    for finding in findings(DoctorOptions(common.project_dir, *target)):
        diagnoses.append(finding)
        if not common.is_data:
            terminal.answer(doctor_text.text(finding, terminal.style()))
    answer = doctor_text.to_json(diagnoses)
    if common.is_data:
        terminal.answer_data(answer)
    return 0 if answer["healthy"] else 1
