"""provisioner migrate: manifests for the successors of endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import (
    CommonOptions,
    TargetOptions,
    common_options,
    packed,
    target_options,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.commands.migration.result import MigrationResult
    from provisioner.workflow.session import Session

REASONS = (
    *("guardrails", "provider", "login", "completions", "ai-query", "tags", "budget-policy"),
    *("notifications", "telemetry", "route-optimization", "raw"),
)


class MigrateOptions(NamedTuple):
    """Which endpoints go where, and what is done about it."""

    names: tuple[str, ...]
    to: str
    without: tuple[str, ...]
    file: str
    report: str
    dry_run: bool
    check: bool
    warehouse: str


command_options = packed(
    MigrateOptions,
    "options",
    click.argument("names", nargs=-1, required=True, metavar="ENDPOINT..."),
    click.option("--to", required=True, metavar="CATALOG.SCHEMA", help="The schema to migrate to."),
    click.option(
        "--without",
        multiple=True,
        type=click.Choice(REASONS),
        metavar="REASON",
        help=(
            "Migrate without a feature that Unity Gateway does not have: "
            f"{', '.join(REASONS)}. Repeatable."
        ),
    ),
    click.option(
        "--file",
        default="manifests/unity_gateway.yaml",
        show_default=True,
        metavar="FILE",
        help="The manifest to write.",
    ),
    click.option(
        "--report",
        default="migration",
        show_default=True,
        metavar="STEM",
        help="The report to write: STEM.md and STEM.json.",
    ),
    click.option(
        "--dry-run", is_flag=True, help="Show the manifest and the report; write nothing."
    ),
    click.option(
        "--check", is_flag=True, help="Query the endpoints and the new services, and compare."
    ),
    click.option(
        "--warehouse",
        default="",
        metavar="ID",
        help="List who calls the endpoints: the SQL warehouse that queries the system tables.",
    ),
)


@click.command("migrate", short_help="Migrate endpoints to Unity Gateway.")
@command_options
@target_options
@common_options
def command(common: CommonOptions, target: TargetOptions, options: MigrateOptions) -> int:
    """Write Unity Gateway manifests for live endpoints, and a migration report.

    `migrate` reads the endpoints and their permissions. It changes nothing in the workspace and
    reads no secret. Keys become catalog secrets whose values come from environment variables,
    which the report lists. If an endpoint uses a feature that Unity Gateway does not have,
    `migrate` skips the endpoint and shows the reason; --without migrates it without the
    feature. The report shows what callers must change, for each client.

    With --check, `migrate` runs the checks of each endpoint against the endpoint and the new
    service, once both are live. Each check sends requests to models and can cost money.

    With --warehouse, `migrate` lists the callers of the last 30 days from the system tables
    system.serving.endpoint_usage and system.serving.served_entities, which have rows only for
    endpoints with usage tracking. A warehouse that is stopped starts and costs money.

    \b
    Exit codes: 0 done; 1 error, a check failed, or an endpoint was skipped.
    """
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    terminal = Terminal(common)
    project = open_project(common.project_dir)
    with open_session(project, *target, lenient=not options.check) as session:
        if options.check:
            return _check(terminal, session, options)
        result = _migrate(session, options)
    return _finish(terminal, result, project.root, options)


def _migrate(session: Session, options: MigrateOptions) -> MigrationResult:
    from provisioner.commands.migration.migrate import MigrationRequest, migrate
    from provisioner.model.importing import LossReason

    accepted = frozenset(map(LossReason, options.without))
    request = MigrationRequest(options.names, options.to, accepted, options.file, options.warehouse)
    return migrate(session, request)


def _check(terminal: Terminal, session: Session, options: MigrateOptions) -> int:
    from provisioner.commands.migration import report
    from provisioner.commands.migration.comparison import callers, compare
    from provisioner.commands.query import check_text

    results = compare(session, options.names, options.to)
    usage = callers(session, options.names, options.warehouse)
    if terminal.common.is_data:
        data = {**check_text.to_json(results), "usage": report.usage_json(usage)}
        terminal.answer_data(data)
    else:
        terminal.answer(check_text.text(results, terminal.style()))
        terminal.answer(report.usage_text(usage))
    terminal.problems(usage.problems)
    return 0 if all(result.passed for result in results) and not usage.problems else 1


def _finish(
    terminal: Terminal, result: MigrationResult, root: Path, options: MigrateOptions
) -> int:
    """Writes manifest and report unless they are only to be shown; returns the exit code."""
    from provisioner.commands.migration import report

    reports = report.files(result, options.report)
    manifests = {result.file: result.text} if result.file and result.text else {}
    if not options.dry_run:
        _write(root, {**manifests, **reports})
    if terminal.common.is_data:
        terminal.answer_data(report.to_json(result))
    elif options.dry_run:
        terminal.answer("\n".join((*manifests.values(), report.markdown(result))))
    else:
        terminal.answer(report.text(result))
    terminal.problems(result.problems)
    if result.text and not options.dry_run:
        terminal.say(f"wrote {', '.join((*manifests, *reports))}")
        for line in result.next:
            terminal.say(f"next: {line}")
    return 1 if result.problems else 0


def _write(root: Path, files: dict[str, str]) -> None:
    from provisioner.errors import FileError
    from provisioner.files.write import replace_file

    for name, text in files.items():
        try:
            replace_file(root / name, text)
        except OSError as error:
            raise FileError.of("E802", f"cannot write {name}: {error.strerror}") from error
