"""What the help of every command has: examples, bold headings, and one page of common options."""

from __future__ import annotations

import re
import sys
from typing import Final

import click

EXAMPLES: Final = {
    "init": (
        "provisioner init chat-platform --ci github",
        "provisioner init fraud --template custom-model --ci gitlab -y",
    ),
    "validate": ("provisioner validate", "provisioner validate -e prod -o json"),
    "plan": (
        "provisioner plan -e dev",
        "provisioner plan -e prod --out plan.json --detailed-exitcode",
        "provisioner plan --changed-since origin/main",
    ),
    "apply": (
        "provisioner apply -e dev",
        "provisioner apply plan.json",
        "provisioner apply -e dev --select chat -y",
    ),
    "show": ("provisioner show plan.json", "provisioner show plan.json --report html=plan.html"),
    "destroy": ("provisioner destroy -e dev",),
    "drift": ("provisioner drift -e prod --detailed-exitcode",),
    "status": ("provisioner status -e prod", "provisioner status -e prod --watch --wait"),
    "verify": ("provisioner verify -e staging",),
    "query": ('provisioner query chat --prompt "What is a lakehouse?" -e dev',),
    "connect": ("provisioner connect chat --client openai -e dev",),
    "pin": ("provisioner pin -e dev fraud_version", "provisioner pin -e dev --check"),
    "promote": (
        "provisioner promote --status",
        "provisioner promote --to prod fraud_version --write",
    ),
    "rollback": ("provisioner rollback -e prod fraud_version --apply",),
    "history": ("provisioner history -e prod", "provisioner history fraud_version"),
    "render": ("provisioner render -e prod --origins",),
    "diff": ("provisioner diff dev prod", "provisioner diff dev prod --live"),
    "import": (
        "provisioner import chat -e prod",
        "provisioner import --update -e prod",
        "provisioner import --from-bundle ../bundle",
    ),
    "migrate": (
        "provisioner migrate chat --to main.gateway -e prod",
        "provisioner migrate chat --to main.gateway --check -e prod",
    ),
    "fmt": ("provisioner fmt", "provisioner fmt --check --diff"),
    "schema": ("provisioner schema --check schemas",),
    "explain": ("provisioner explain E505",),
    "graph": ("provisioner graph -e prod",),
    "logs": ("provisioner logs chat -e dev", "provisioner logs chat --source build --follow"),
    "open": ("provisioner open chat -e prod",),
    "doctor": ("provisioner doctor -e prod",),
    "emulator": ("provisioner emulator start --state .provisioner/local.sqlite",),
    "emulator start": (
        "provisioner emulator start --state .provisioner/local.sqlite",
        "provisioner emulator start --state :memory: --transition seconds=30",
        "provisioner emulator start --upstream http://127.0.0.1:11434/v1 --upstream-model llama3.2",
    ),
    "emulator advance": ("provisioner emulator advance 30m",),
    "emulator fault": ("provisioner emulator fault chat challenger --status 503 --percent 50",),
    "emulator register": (
        "provisioner emulator register main.fraud.card_payments --alias champion",
    ),
    "rollout": ("provisioner rollout status -e prod",),
    "rollout status": ("provisioner rollout status -e prod",),
    "rollout advance": ("provisioner rollout advance -e prod --write -o markdown",),
    "rollout go": ("provisioner rollout go fraud -e prod",),
    "rollout hold": ("provisioner rollout hold fraud -e prod",),
    "rollout back": ("provisioner rollout back fraud -e prod",),
    "rollout finish": ("provisioner rollout finish fraud -e prod",),
    "rollout retry": ("provisioner rollout retry fraud -e prod",),
    "policy": ("provisioner policy test", "provisioner policy explain"),
    "policy test": ("provisioner policy test",),
    "policy explain": ("provisioner policy explain tags",),
    "version": ("provisioner version -o json",),
}
"""By command. A command whose help text has examples of its own is not here."""

COMMON: Final = ("project_dir", "no_color", "quiet", "verbose", "debug")
"""The parameters that every command takes, and that one page of the help describes."""


def epilog(name: str) -> str:
    """The end of the help of the command ``name``; ``""`` where nothing is to be added."""
    lines = EXAMPLES.get(name, ())
    if not lines:
        return ""
    examples = "\n".join(f"  {line}" for line in lines)
    return (
        f"\b\nExamples:\n{examples}\n\n"
        "Every command also takes -C, -q, -v, --no-color and --debug: `provisioner help options`."
    )


_HEADING: Final = re.compile(
    r"^(Usage|Exit codes|  Exit codes|(?:  )?[A-Z][a-z]*(?: [a-z]+)?):", re.M
)


class HelpFormatter(click.HelpFormatter):
    """Writes headings in bold where the terminal shows it."""

    def getvalue(self) -> str:
        from provisioner.cli.terminal import colour_wanted

        text = super().getvalue()
        if not colour_wanted(sys.stdout, no_color="--no-color" in sys.argv):
            return text
        return _HEADING.sub(lambda match: click.style(match[0], bold=True), text)


class HelpContext(click.Context):
    """The context of every command."""

    formatter_class = HelpFormatter


def complete_help(command: click.Command, name: str) -> None:
    """Give the help of ``command`` its examples, and leave out what one page describes."""
    from provisioner.cli.options import accepted_everywhere

    command.context_class = HelpContext
    command.epilog = epilog(name) or command.epilog
    if isinstance(command, click.Group):
        for word, inner in command.commands.items():
            complete_help(inner, f"{name} {word}")
        return
    known = {param.name for param in command.params}
    command.params += [option for option in accepted_everywhere() if option.name not in known]
    for param in command.params:
        if param.name in COMMON:
            # Out of the help alone: a hidden option would not be completed by shells.
            param.get_help_record = _no_help_record  # type: ignore[method-assign, assignment]


def _no_help_record(_: click.Context) -> None:
    """The help record of an option that `provisioner help options` describes."""
