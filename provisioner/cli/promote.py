"""provisioner promote: values that one environment has proven go to the next."""

from __future__ import annotations

from typing import NamedTuple

import click

from provisioner.cli import promotion_status
from provisioner.cli.options import Common, markdown_options, packed
from provisioner.cli.promotion_status import Standing, standing_options
from provisioner.cli.terminal import Terminal


class Going(NamedTuple):
    """From where to where, and what is done about it."""

    target: str
    source: str
    write: bool
    retry_rejected: bool


going_options = packed(
    Going,
    "going",
    click.option("--to", "target", default="", help="The environment that takes the values."),
    click.option(
        "--from", "source", default="", help="Where they are from (default: its promotes_from)."
    ),
    click.option("--write", is_flag=True, help="Write the release file, do not show the diff."),
    click.option("--retry-rejected", is_flag=True, help="Also values that were rolled back there."),
)


@click.command("promote", short_help="Release to an environment what another one has proven.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@going_options
@standing_options
@markdown_options
def command(common: Common, going: Going, standing: Standing, names: tuple[str, ...]) -> int:
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
    --status -o json:
      {"project", "offline",
       "environments": [{"name", "promotes_from", "workspace", "reached", "problems"}],
       "variables": [{"name", "environments": {ENVIRONMENT:
         {"value", "released", "state", "previous", "from", "alias", "rolled_back", "at",
          "commit", "verified", "rejected",
          "ahead": [{"of", "is_alias", "value", "by", "rejected"}]}}}]}
      "state": live, updating, not ready, differs, absent, left out (waits for another
      variable), not used, unreachable, not asked; "by": null where values are no numbers.

    \b
    Exit codes: 0 done, or nothing to do; 1 error, a NAME was kept, or nothing could go;
    with --status 1 if no workspace could be reached.
    """
    if promotion_status.is_wanted(common, standing, any(going)):
        return promotion_status.show(common, names, offline=standing.offline)
    return _promote(common, going, names)


def _promote(common: Common, going: Going, names: tuple[str, ...]) -> int:
    from provisioner import promoting, release_store, workflow
    from provisioner.errors import UsageError
    from provisioner.rendering import promotions
    from provisioner.rendering.changed_files import diff_of

    if not going.target:
        raise UsageError.of("E714", "`promote` needs an environment", "give --to ENVIRONMENT")
    terminal = Terminal(common)
    project = workflow.open_project(common.project_dir)
    asked = promoting.Asked(going.target, going.source, names, going.retry_rejected)
    found = promoting.promote(project, asked)
    draft = release_store.text(project.root, going.target, found.released)
    diff = diff_of(draft.file, draft.before, draft.after, new=draft.is_new)
    if going.write:
        release_store.write(project.root, going.target, found.released)
    if common.json:
        written = {"file": draft.file, "written": going.write and draft.changes, "diff": diff}
        terminal.answer_json({**promotions.to_json(found), **written})
    else:
        told = promotions.text(found, terminal.style(), written=going.write)
        terminal.answer(told if going.write else told + diff)
    terminal.problems(found.told())
    if draft.changes:
        terminal.say(_next(going, draft.file))
    return 1 if found.failed else 0


def _next(going: Going, file: str) -> str:
    if going.write:
        return f"{file} is written: review it, then provisioner apply -e {going.target}"
    return f"nothing is written: --write writes {file}"
