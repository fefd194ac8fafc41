"""provisioner version: the version of the tool and of what it runs on."""

from __future__ import annotations

import platform
import sys

import click

from provisioner import __version__
from provisioner.cli.options import DATA_FORMS, output_option
from provisioner.cli.terminal import data_text


@click.command("version", short_help="Show the version.")
@output_option("text", *DATA_FORMS)
def command(output: str) -> int:
    """Show the versions of provisioner, Python and the operating system.

    \b
    Examples:
      provisioner version
      provisioner version -o json
    """
    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "executable": sys.executable,
    }
    if output in DATA_FORMS:
        click.echo(data_text(facts, output), nl=False)
    else:
        click.echo(f"provisioner {facts['version']} (Python {facts['python']}, {facts['system']})")
    return 0
