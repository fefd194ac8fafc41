"""provisioner schema: print, write or check the JSON Schemas."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.errors.exit_codes import ExitCode


@click.command("schema", short_help="Print, write or check the JSON Schemas.")
@click.argument("name", default="manifest")
@click.option(
    "--write",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Generate all schemas into FOLDER.",
)
@click.option(
    "--check",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Exit with 3 if a schema in FOLDER is not current.",
)
def command(name: str, write: Path | None, check: Path | None) -> int:
    """Print the JSON Schema NAME: manifest, override, environment, project or plan.

    Editors use a schema if the first line of a manifest is: # yaml-language-server: $schema=...

    \b
    Exit codes: 0 done; 1 error; 3 a schema is not current (--check).
    """
    if write:
        from provisioner.commands.schema import generate
        from provisioner.errors import UsageError

        try:
            generate.write(write)
        except OSError as error:
            raise UsageError.of("E802", f"cannot write to {write}: {error.strerror}") from error
    elif check:
        from provisioner.commands.schema import generate

        stale = generate.stale(check)
        for path in stale:
            click.echo(f"not current: {path}", err=True)
        return ExitCode.STALE_FILE if stale else 0
    else:
        import json

        click.echo(json.dumps(_known(name), indent=2, ensure_ascii=False))
    return 0


def _known(name: str) -> dict[str, object]:
    from provisioner.errors import UsageError
    from provisioner.model.schemas import schema

    try:
        return schema(name)
    except FileNotFoundError as error:
        known = "manifest, override, environment, project, plan"
        raise UsageError.of(
            "E807", f"there is no schema `{name}`", hint=f"the schemas are {known}"
        ) from error
