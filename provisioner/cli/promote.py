"""provisioner promote: values that one environment has proven go to the next."""

from __future__ import annotations

from typing import NamedTuple

import click

from provisioner.cli.completers import environments
from provisioner.cli.options import CommonOptions, markdown_options, packed
from provisioner.cli.terminal import Terminal


class StatusTableOptions(NamedTuple):
    """Whether the environments are shown side by side, and whether from files alone."""

    status: bool
    offline: bool


status_options = packed(
    StatusTableOptions,
    "status_options",
    click.option(
        "--status", is_flag=True, help="Show all environments side by side: see STATUS below."
    ),
    click.option("--offline", is_flag=True, help="With --status: from files alone."),
)


def is_status_wanted(
    common: CommonOptions, status_options: StatusTableOptions, promotes: bool
) -> bool:
    """Whether ``--status`` was given. Raises UsageError for what does not go with it.

    ``promotes``: an option says what to promote.
    """
    from provisioner.errors import UsageError

    if status_options.status and promotes:
        hint = "--status goes with names and --offline"
        raise UsageError.of("E727", "`--status` promotes nothing", hint)
    if not status_options.status and status_options.offline:
        raise UsageError.of("E727", "only `--status` can be offline", "promote --status --offline")
    if not status_options.status and common.output == "markdown":
        hint = "promote --status -o markdown"
        raise UsageError.of("E727", "only `--status` speaks Markdown", hint)
    return status_options.status


def show(common: CommonOptions, names: tuple[str, ...], *, offline: bool) -> int:
    """Print where released values stand; 1 where no workspace could be reached."""
    from provisioner.commands.promotion import status as promotion_status
    from provisioner.commands.promotion import status_markdown, status_text
    from provisioner.model.clock import utc_now
    from provisioner.workflow.project import open_project

    terminal = Terminal(common)
    project = open_project(common.project_dir)
    status = promotion_status.promotion_status(project, names, offline=offline)
    now = utc_now()
    if common.json:
        terminal.answer_json(status_text.to_json(status))
    elif common.output == "markdown":
        terminal.answer(status_markdown.text(status, now))
    else:
        terminal.answer(status_text.text(status, terminal.style(), now))
    return 1 if status.nothing_reached else 0


class PromoteOptions(NamedTuple):
    """From where to where, and what is done about it."""

    target: str
    source: str
    write: bool
    retry_rejected: bool


promote_options = packed(
    PromoteOptions,
    "options",
    click.option(
        "--to",
        "target",
        default="",
        metavar="NAME",
        shell_complete=environments,
        help="The environment that gets the values.",
    ),
    click.option(
        "--from",
        "source",
        default="",
        metavar="NAME",
        shell_complete=environments,
        help="The environment that they come from (default: `promotes_from` of the other one).",
    ),
    click.option("--write", is_flag=True, help="Write the release file, do not show the diff."),
    click.option("--retry-rejected", is_flag=True, help="Also values that were rolled back there."),
)


@click.command("promote", short_help="Release to an environment what another one has proven.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@promote_options
@status_options
@markdown_options
def command(
    common: CommonOptions,
    options: PromoteOptions,
    status_options: StatusTableOptions,
    names: tuple[str, ...],
) -> int:
    """Propose released values of one environment for the next one, as a change to a file.

    NAME is a released variable, or a resource that is made from some; without one all. A value
    may go on if every resource that is made from it is applied where it comes from, ready, as
    its checks expect and unchanged for `soak`; and if the workspace it goes to has what it
    needs: the model version, secrets, groups. What may not stays as it is, with the reason, and
    stops no other. Nothing is applied: review the change, then `provisioner apply`.

    STATUS: with --status nothing is proposed. All environments are shown side by side, in the
    order of promotes_from: the value of each variable, whether it is what is live, how far it
    is ahead of the next environment (and an alias ahead of the version that is pinned), since
    when and from which commit, and what is rejected. With --offline only files are read.

    \b
    Exit codes: 0 done, or nothing to do; 1 error, a NAME was kept, or nothing could go;
    with --status 1 if no workspace could be reached.
    """
    if is_status_wanted(common, status_options, any(options)):
        return show(common, names, offline=status_options.offline)
    return _promote(common, options, names)


def _promote(common: CommonOptions, options: PromoteOptions, names: tuple[str, ...]) -> int:
    from provisioner.commands.promotion import promote
    from provisioner.errors import UsageError
    from provisioner.rendering.markup import diff_of
    from provisioner.workflow import releases
    from provisioner.workflow.project import open_project

    if not options.target:
        raise UsageError.of("E714", "`promote` needs an environment", "give --to ENVIRONMENT")
    terminal = Terminal(common)
    project = open_project(common.project_dir)
    request = promote.PromotionRequest(
        options.target, options.source, names, options.retry_rejected
    )
    proposal = promote.promote(project, request)
    draft = releases.draft_release(project.root, options.target, proposal.released)
    diff = diff_of(draft.file, draft.before, draft.after, new=draft.is_new)
    if options.write:
        releases.write_release(project.root, options.target, proposal.released)
    if common.json:
        written = {"file": draft.file, "written": options.write and draft.changes, "diff": diff}
        terminal.answer_json({**promote.to_json(proposal), **written})
    else:
        text = promote.text(proposal, terminal.style(), written=options.write)
        terminal.answer(text if options.write else text + diff)
    terminal.problems(proposal.told())
    if draft.changes:
        terminal.say(_next(options, draft.file))
    return 1 if proposal.failed else 0


def _next(options: PromoteOptions, file: str) -> str:
    if options.write:
        return f"{file} is written: review it, then provisioner apply -e {options.target}"
    return f"nothing is written: --write writes {file}"
