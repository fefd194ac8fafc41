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
    click.option("--status", is_flag=True, help="Show the released values of all environments."),
    click.option(
        "--offline", is_flag=True, help="With --status: read only files, send no requests."
    ),
)


def is_status_wanted(
    common: CommonOptions, status_options: StatusTableOptions, promotes: bool
) -> bool:
    """Whether ``--status`` was given. Raises UsageError for what does not go with it.

    ``promotes``: an option says what to promote.
    """
    from provisioner.errors import UsageError

    if status_options.status and promotes:
        hint = "pass only names, --offline and -o with --status"
        raise UsageError.of("E727", "`--status` promotes nothing", hint)
    if not status_options.status and status_options.offline:
        raise UsageError.of(
            "E727", "--offline works only with --status", "promote --status --offline"
        )
    if not status_options.status and common.output == "markdown":
        hint = "promote --status -o markdown"
        raise UsageError.of("E727", "`-o markdown` works only with --status", hint)
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
    if common.is_data:
        terminal.answer_data(status_text.to_json(status))
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
        help="The target environment.",
    ),
    click.option(
        "--from",
        "source",
        default="",
        metavar="NAME",
        shell_complete=environments,
        help="The source environment (default: `promotes_from` of the target).",
    ),
    click.option(
        "--write", is_flag=True, help="Write the release file instead of showing the diff."
    ),
    click.option(
        "--retry-rejected",
        is_flag=True,
        help="Also promote values that were rolled back in the target.",
    ),
)


@click.command("promote", short_help="Release values of one environment to the next.")
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
    """Release values of one environment to the next, as a change to a file.

    NAME is a released variable, or a resource that uses one (default: all). `promote` takes a
    value if all resources that use it in the source environment are applied, ready, pass
    their checks and have been unchanged for `soak`, and if the target workspace has
    everything that the value needs: the model version, secrets, groups. It keeps other values
    and shows the reason. `promote` applies nothing: review the change, then run `provisioner
    apply`.

    With --status, `promote` changes nothing. It shows all environments side by side, in the order
    of promotes_from: the value of each variable, whether it is live, how far it is ahead of
    the next environment (and an alias ahead of its pinned version), since when and from which
    commit, and rejected values. With --offline it reads only files.

    \b
    Exit codes: 0 done, or nothing to do; 1 error, a NAME was kept, or no value could be
    promoted; with --status: 1 no workspace could be reached.
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
    if common.is_data:
        written = {"file": draft.file, "written": options.write and draft.changes, "diff": diff}
        terminal.answer_data({**promote.to_json(proposal), **written})
    else:
        text = promote.text(proposal, terminal.style(), written=options.write)
        terminal.answer(text if options.write else text + diff)
    terminal.problems(proposal.told())
    if draft.changes:
        terminal.say(_next(options, draft.file))
    return 1 if proposal.failed else 0


def _next(options: PromoteOptions, file: str) -> str:
    if options.write:
        return f"wrote {file}: review it, then run provisioner apply -e {options.target}"
    return f"wrote nothing; to write {file}, add --write"
