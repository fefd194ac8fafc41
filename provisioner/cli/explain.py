"""provisioner explain: what a code means, and what to do."""

from __future__ import annotations

import click

from provisioner.cli.completers import codes


@click.command("explain", short_help="Explain an error or warning code.")
@click.argument("code", required=False, shell_complete=codes)
def command(code: str | None) -> int:
    """Explain an error or warning code.

    Without CODE, list all codes.

    \b
    Exit codes: 0 done; 1 no such code.
    """
    from provisioner.errors import UsageError
    from provisioner.errors.codes import explanations

    if code is None:
        for name, entry in explanations().items():
            click.echo(f"{name}  {entry.title}")
        return 0
    known = explanations().get(code.upper())
    if known is None:
        raise UsageError.of(
            "E806", f"there is no code `{code}`", hint="`provisioner explain` lists them"
        )
    click.echo(f"{code.upper()}: {known.title}\n\n{known.text}")
    return 0
