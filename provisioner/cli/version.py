"""provisioner version: the version of the tool and of what it runs on."""

from __future__ import annotations

import json
import platform
import sys

import click

from provisioner import __version__
from provisioner.cli.options import output_option


@click.command("version", short_help="Show the version.")
@output_option("text", "json")
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
    if output == "json":
        click.echo(json.dumps(facts))
    else:
        click.echo(f"provisioner {facts['version']} (Python {facts['python']}, {facts['system']})")
    return 0
