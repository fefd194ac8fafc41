"""provisioner doctor: what is between this machine and a workspace."""

from __future__ import annotations

import click

from provisioner.cli.options import CommonOptions, TargetOptions, common_options, target_options
from provisioner.cli.terminal import Terminal


@click.command("doctor", short_help="Look for what keeps a workspace out of reach.")
@target_options
@common_options
def command(common: CommonOptions, target: TargetOptions) -> int:
    """Look at everything between this machine and an environment's workspace, from near to far.

    Versions, git, manifests, network, proxy, certificates, clock, login, identity; what may be
    listed, read and changed; the models, keys and principals that the manifests name. Each
    failure comes with what helps. Nothing is written, and no value of a secret is shown.

    \b
    Exit codes: 0 nothing failed; 1 something did.
    """
    from provisioner.commands.doctor import doctor as doctor_text
    from provisioner.commands.doctor.doctor import DoctorOptions, findings

    terminal = Terminal(common)
    diagnoses = []
    for finding in findings(DoctorOptions(common.project_dir, *target)):
        diagnoses.append(finding)
        if not common.json:
            terminal.answer(doctor_text.text(finding, terminal.style()))
    answer = doctor_text.to_json(diagnoses)
    if common.json:
        terminal.answer_json(answer)
    return 0 if answer["healthy"] else 1
