"""provisioner emulator: the local workspace as a server."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import click

from provisioner.cli.options import (
    CommonOptions,
    Duration,
    common_options,
    environment_option,
    folder_option,
    packed,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.emulator.server import Running
    from provisioner.errors import ProvisionerError

# The address is taken, or a port below 1024 is not for everybody.
PORT_ERRORS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)


class EmulatorOptions(NamedTuple):
    """The options of ``emulator start``."""

    port: int
    state: str
    token: str
    transition: str
    latency_ms: int
    upstream: str
    upstream_model: str
    strict: bool
    shuffle: bool


def serve(options: EmulatorOptions, folder: Path | None) -> int:
    """Serve until interrupted; the state is relative to the project around ``folder``.

    Raises UsageError for settings that cannot be.
    """
    from provisioner.emulator.http.settings import Settings
    from provisioner.emulator.server import START_ERRORS
    from provisioner.emulator.server import serve as serve_until_stopped
    from provisioner.errors import UsageError

    state = ":memory:" if options.state == ":memory:" else _root(folder) / options.state
    try:
        settings = Settings(
            state=state,
            port=options.port,
            token=options.token,
            transition=options.transition,
            latency_ms=options.latency_ms,
            upstream=options.upstream,
            upstream_model=options.upstream_model,
            strict=options.strict,
            shuffle=options.shuffle,
        )
        serve_until_stopped(settings, _announce)
    except ValueError as error:
        raise UsageError.of("E808", str(error)) from error
    except START_ERRORS as error:
        raise _not_started(options, error) from error
    except KeyboardInterrupt:
        pass
    click.echo("stopped", err=True)
    return 0


def _root(folder: Path | None) -> Path:
    """The project's root, or the folder itself: a local workspace needs no project."""
    from provisioner.errors import FileError
    from provisioner.workflow.project import open_project

    try:
        return open_project(folder).root
    except FileError:
        return folder or Path.cwd()


def _announce(running: Running) -> None:
    # The lines are made to be read by `source` and by `env $(...)`: nothing else goes here.
    click.echo(f"DATABRICKS_HOST={running.url}")
    click.echo(f"DATABRICKS_TOKEN={running.token}")
    sys.stdout.flush()
    # A fragment is never sent, so the token gets into no log of anybody.
    click.echo(f"console: {running.url}/#token={quote(running.token, safe='')}", err=True)
    click.echo("serving this machine only; press Ctrl-C to stop", err=True)


def _not_started(options: EmulatorOptions, error: Exception) -> ProvisionerError:
    from provisioner.errors import UsageError

    reason = getattr(error, "strerror", None) or str(error)
    if not isinstance(error, OSError) or error.errno not in PORT_ERRORS:
        return UsageError.of("E815", f"the local workspace cannot use {options.state}: {reason}")
    return UsageError.of(
        "E809",
        f"cannot start on port {options.port}: {reason}",
        hint="choose another port, or omit --port to use a free one",
    )


emulator_options = packed(
    EmulatorOptions,
    "options",
    click.option(
        "--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 uses a free port."
    ),
    click.option(
        "--state",
        default=".provisioner/local.sqlite",
        show_default=True,
        metavar="FILE",
        help="File with the state of the workspace, or :memory:.",
    ),
    click.option(
        "--token",
        default="",
        metavar="TOKEN",
        help="The token that clients must send (default: a random one).",
    ),
    click.option(
        "--transition",
        default="polls=2",
        show_default=True,
        metavar="WHEN",
        help="When an update ends: immediate, polls=N, seconds=S, or command.",
    ),
    click.option("--latency-ms", type=click.IntRange(0), default=0, help="Delay of each response."),
    click.option(
        "--upstream",
        metavar="URL",
        default="",
        envvar="PROVISIONER_UPSTREAM",
        help="Forward requests to this OpenAI-compatible server, with the keys of the endpoints.",
    ),
    click.option(
        "--upstream-model",
        metavar="NAME",
        default="",
        envvar="PROVISIONER_UPSTREAM_MODEL",
        help="Model to use on that server, instead of the endpoint's model.",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Also enforce rules that are only assumed, such as a refusal of the update mask `*`.",
    ),
    click.option(
        "--shuffle",
        is_flag=True,
        help="Return entities, tags and grants in another order than they were sent.",
    ),
)


@click.group("emulator", short_help="Start and control the local workspace.")
def command() -> None:
    """The local workspace: a server that behaves like a Databricks workspace."""


@command.command("start")
@emulator_options
@folder_option
def start(project_dir: Path | None, options: EmulatorOptions) -> int:
    """Start the local workspace and serve until Ctrl-C.

    Prints DATABRICKS_HOST=... and DATABRICKS_TOKEN=... for other programs, then serves on
    127.0.0.1 only. The default state file is that of the project's `local` environment, so
    you can query endpoints that you applied there.

    The emulator generates answers, unless you pass --upstream. Then it forwards chats,
    completions and embeddings to that server, with each endpoint's own key and model.

    \b
    Exit codes: 0 stopped; 1 error, for example if the port is in use.
    """
    return serve(options, project_dir)


@command.command("register")
@click.argument("model", metavar="CATALOG.SCHEMA.MODEL")
@click.option("--version", type=click.IntRange(1), help="Version number (default: the next one).")
@click.option("--alias", default="", metavar="NAME", help="Set this alias to the version.")
@click.option("--feature-spec", is_flag=True, help="Register a feature spec, not a model.")
@environment_option
@click.option(
    "--state", default="", metavar="FILE", help="State file of the local workspace, instead of -e."
)
@common_options
def register(
    common: CommonOptions,
    model: str,
    environment: str,
    state: str,
    feature_spec: bool,
    **given: Any,
) -> int:
    """Register a version of a model in a local workspace, as a training job would.

    An existing version stays unchanged; with --alias the alias moves to it. Before a catalog has
    any model, the local workspace accepts every model name in it. Afterwards endpoints can
    serve only registered models of that catalog.

    \b
    Exit codes: 0 registered, or already registered; 1 error.
    """
    from provisioner.commands.emulator import register as registering

    wanted = registering.Registration(model, function=feature_spec, **given)
    made = registering.register(common.project_dir, environment, state, wanted)
    terminal = Terminal(common)
    if common.is_data:
        terminal.answer_data(made.to_json())
    else:
        terminal.answer(made.summary())
    return 0


@command.command("advance")
@click.argument("duration", type=Duration())
@environment_option
@click.option(
    "--state", default="", metavar="FILE", help="State file of the local workspace, instead of -e."
)
@common_options
def advance(common: CommonOptions, duration: float, environment: str, state: str) -> int:
    """Move the clock of a local workspace forward by DURATION, such as 30m.

    Rate limits, logins and the steps of a gradual rollout follow this clock.

    \b
    Exit codes: 0 moved; 1 error.
    """
    from provisioner.commands.emulator import fault as faults

    moved = faults.advance(common.project_dir, environment, state, duration)
    terminal = Terminal(common)
    if common.is_data:
        terminal.answer_data(moved.to_json())
    else:
        terminal.answer(moved.summary())
    return 0


class FaultOptions(NamedTuple):
    """Which served entity goes wrong, and how."""

    endpoint: str
    entity: str
    percent: int
    status: int | None
    delay_ms: int | None
    clear: bool
    state: str


@command.command("fault")
@packed(
    FaultOptions,
    "options",
    click.argument("endpoint", required=False, default=""),
    click.argument("entity", required=False, default=""),
    click.option(
        "--percent",
        type=click.IntRange(1, 100),
        default=100,
        show_default=True,
        help="Percentage of the responses with the fault.",
    ),
    click.option("--status", type=click.IntRange(400, 599), help="Respond with this status."),
    click.option(
        "--delay-ms", type=click.IntRange(1, 60_000), help="Delay the response by this time."
    ),
    click.option("--clear", is_flag=True, help="Delete all faults instead."),
    click.option(
        "--state",
        default="",
        metavar="FILE",
        help="State file of the local workspace, instead of -e.",
    ),
)
@environment_option
@common_options
def fault(common: CommonOptions, environment: str, options: FaultOptions) -> int:
    """Make a served entity fail or respond slowly, to test a bad version.

    \b
    Exit codes: 0 done; 1 error.
    """
    from provisioner.commands.emulator import fault as faults
    from provisioner.errors import UsageError

    terminal = Terminal(common)
    if options.clear:
        faults.clear_faults(common.project_dir, environment, options.state)
        terminal.answer("deleted all faults")
        return 0
    if not (options.endpoint and options.entity and (options.status or options.delay_ms)):
        hint = "provisioner emulator fault ENDPOINT ENTITY --percent 12 --status 500"
        raise UsageError.of("E808", "pass an endpoint, an entity, and --status or --delay-ms", hint)
    made = faults.EntityFault(
        options.endpoint,
        options.entity,
        options.percent,
        options.status or 0,
        options.delay_ms or 0,
    )
    faults.add_fault(common.project_dir, environment, options.state, made)
    if common.is_data:
        terminal.answer_data(made.to_json())
    else:
        terminal.answer(made.summary())
    return 0
