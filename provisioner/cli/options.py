"""Options that several commands share, each group packed into one named tuple.

Not dataclasses, which cost `--help` more time than everything else here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from provisioner.cli.completers import addresses, environments
from provisioner.cli.report_option import ReportDestination, report_option

if TYPE_CHECKING:
    from provisioner.model.selection import Selection


class Duration(click.ParamType[float]):
    """``90s``, ``30m``, ``2h`` or a number of seconds; given on as seconds."""

    name = "duration"
    units = {"s": 1, "m": 60, "h": 3600}

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value).strip()
        factor = self.units.get(text[-1:], 0)
        number = text[:-1] if factor else text
        try:
            seconds = float(number) * (factor or 1)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < float("inf"):
            self.fail(f"`{value}` is not a duration; write 90s, 30m or 2h", param, ctx)
        return seconds


DATA_FORMS = ("json", "yaml")  # The same data in both.


class CommonOptions(NamedTuple):
    """What every command that prints understands."""

    project_dir: Path | None
    output: str
    no_color: bool
    quiet: bool
    debug: bool
    reports: tuple[ReportDestination, ...] = ()
    verbose: bool = False

    @property
    def is_data(self) -> bool:
        """Whether the answer is for a program."""
        return self.output in DATA_FORMS


class TargetOptions(NamedTuple):
    """Which environment, which login for its workspace, and values for its variables."""

    environment: str
    profile: str
    variables: tuple[str, ...]


class ResourceOptions(NamedTuple):
    """Which resources, and what the planner is asked besides comparing them."""

    select: Selection
    rotate: tuple[str, ...]
    redeploy: tuple[str, ...]
    take_over_from: str
    prune: bool


class ApplyOptions(NamedTuple):
    """What the user agrees to on the command line, and how long to wait for it."""

    yes: bool
    allow_delete: tuple[str, ...]
    allow_destructive: int | None
    parallelism: int
    timeout_s: float
    adopt: bool = False
    allow_replace: tuple[str, ...] = ()
    allow_double: tuple[str, ...] = ()
    wait_rollout: float | None = None
    detailed_exitcode: bool = False
    no_wait: bool = False
    expect_plan_digest: str = ""
    require_tip: str = ""
    policy_dir: Path | None = None
    policy_digest: str = ""


def packed(kind: type[Any], name: str, *options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A decorator: adds ``options`` to a command and hands them over as one ``kind``."""
    names = kind._fields

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def call(*args: Any, **given: Any) -> Any:
            given[name] = kind(**{key: given.pop(key) for key in names if key in given})
            return command(*args, **given)

        for option in reversed(options):
            call = option(call)
        return call

    return decorate


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

folder_option = click.option(
    "-C",
    "--project-dir",
    type=FOLDER,
    # What stands before the command counts for it.
    default=lambda: click.get_current_context().find_root().obj,
    help="Folder of the project (default: the nearest one upward with provisioner.yaml).",
)


def output_option(*forms: str) -> Callable[[Any], Any]:
    """``-o``: which of ``forms`` the answer has; the first one where nothing is said."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="Output format; `--json` is short for `-o json`.",
    )


TALK = (
    click.option("--no-color", is_flag=True, help="Disable colour, as NO_COLOR does."),
    click.option("-q", "--quiet", is_flag=True, help="Show only the summary and errors."),
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Also show each call, and unchanged and skipped resources with the reason.",
    ),
    click.option(
        "--debug", is_flag=True, help="Log requests to stderr, and show the traceback of a bug."
    ),
)
COMMON = (folder_option, output_option("text", *DATA_FORMS), *TALK)


def accepted_everywhere() -> list[click.Parameter]:
    """New options of the page of common options, for a command that makes no use of them."""

    @click.command()
    def command() -> None: ...

    for option in (folder_option, *TALK):
        command = option(command)
    for param in command.params:
        param.expose_value = False
    return command.params


common_options = packed(CommonOptions, "common", *COMMON)
reporting_options = packed(CommonOptions, "common", report_option, *COMMON)
markdown_options = packed(
    CommonOptions, "common", folder_option, output_option("text", *DATA_FORMS, "markdown"), *TALK
)


def one_environment(help_text: str) -> Callable[[Any], Any]:
    """``-e NAME``; ``help_text`` says what counts where it is not given."""
    return click.option(
        "-e",
        "--environment",
        "-t",
        "--target",
        "environment",
        default="",
        metavar="NAME",
        shell_complete=environments,
        help=help_text,
    )


environment_option = one_environment(
    "The environment: environments/NAME.yaml (default: PROVISIONER_ENVIRONMENT, then "
    "`default_environment` of provisioner.yaml)."
)

variables_option = click.option(
    "--var",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable of the environment, as PROVISIONER_VAR_NAME does. Repeatable.",
)

target_options = packed(
    TargetOptions,
    "target",
    environment_option,
    click.option(
        "-p",
        "--profile",
        default="",
        metavar="NAME",
        help="Profile of ~/.databrickscfg to log in with.",
    ),
    variables_option,
)


def _selection(
    context: click.Context, option: click.Parameter, words: tuple[str, ...]
) -> Selection:
    # Imported late: the help of a command has no use for it.
    from provisioner.model.selection import Selection

    return Selection.of_words(words)


select_option = click.option(
    "--select",
    multiple=True,
    callback=_selection,
    metavar="RESOURCE",
    shell_complete=addresses,
    help="Only these resources: key, address, name or glob. Repeatable.",
)

resource_options = packed(
    ResourceOptions,
    "resources",
    select_option,
    click.option(
        "--rotate",
        multiple=True,
        metavar="ADDRESS",
        help="Send the secrets of this resource again; ADDRESS[KEY] for one key. Repeatable.",
    ),
    click.option(
        "--redeploy",
        multiple=True,
        metavar="ADDRESS",
        shell_complete=addresses,
        help="Send the config of this endpoint again, even if it has not changed. Repeatable.",
    ),
    click.option(
        "--take-over-from",
        default="",
        metavar="PROJECT/ENVIRONMENT",
        help="Take over endpoints that another project and environment manage.",
    ),
    click.option(
        "--prune",
        is_flag=True,
        help="Delete endpoints that this project manages and no manifest declares.",
    ),
)

POLICIES = (
    click.option(
        "--policy-dir",
        type=FOLDER,
        envvar="PROVISIONER_POLICY_DIR",
        help=(
            "Folder with more policies, which the project's own policies cannot disable "
            "(default: PROVISIONER_POLICY_DIR)."
        ),
    ),
    click.option(
        "--policy-digest",
        metavar="SHA",
        default="",
        envvar="PROVISIONER_POLICY_DIGEST",
        help="Digest that the policies must have (default: PROVISIONER_POLICY_DIGEST).",
    ),
)

CONSENT = (
    *POLICIES,
    click.option(
        "-y",
        "--yes",
        "--auto-approve",
        "yes",
        is_flag=True,
        help=(
            "Do not ask for confirmation of creates and updates. Does not cover deletions "
            "and replacements."
        ),
    ),
    click.option(
        "--allow-delete",
        multiple=True,
        metavar="ADDRESS",
        help=(
            "Allow the deletion of this resource; `all` works only in unprotected "
            "environments. Repeatable."
        ),
    ),
    click.option(
        "--allow-destructive",
        type=int,
        metavar="N",
        help="Allow exactly N deletions and replacements, beyond the limit of the guard.",
    ),
    click.option(
        "--parallelism",
        type=click.IntRange(1, 64),
        default=8,
        show_default=True,
        help="Number of resources to change at the same time.",
    ),
    click.option(
        "--timeout",
        "timeout_s",
        type=Duration(),
        default="60m",
        show_default=True,
        help="How long to wait for each endpoint. Its update continues after that.",
    ),
)

destroy_options = packed(ApplyOptions, "options", *CONSENT)

APPLY_OPTIONS = (
    *CONSENT,
    click.option(
        "--adopt", is_flag=True, help="With -y: also adopt endpoints that no project manages."
    ),
    click.option(
        "--allow-replace",
        multiple=True,
        metavar="ADDRESS",
        help="Allow the replacement (delete and create) of this resource. Repeatable.",
    ),
    click.option(
        "--allow-double",
        multiple=True,
        metavar="NAME",
        help="Allow paying twice for the provisioned capacity of this endpoint during a rollout.",
    ),
    click.option("--no-wait", is_flag=True, help="Do not wait until the endpoints are ready."),
    click.option(
        "--wait-rollout",
        type=Duration(),
        is_flag=False,
        flag_value="24h",
        help="Wait until gradual rollouts end or need a decision: --wait-rollout=2h.",
    ),
    click.option(
        "--detailed-exitcode",
        is_flag=True,
        help="Exit with 6 if a gradual rollout has not ended.",
    ),
    click.option(
        "--expect-plan-digest",
        default="",
        metavar="SHA",
        help="Apply only the plan with this digest, without confirmation.",
    ),
)

# A rollback is the change of a file that is not committed yet: it is at no branch's tip.
apply_options_without_tip = packed(ApplyOptions, "options", *APPLY_OPTIONS)

apply_options = packed(
    ApplyOptions,
    "options",
    *APPLY_OPTIONS,
    click.option(
        "--require-tip",
        default="",
        metavar="BRANCH",
        help=(
            "Apply only if HEAD is the newest commit of this branch at its remote (main, "
            "origin/main)."
        ),
    ),
)


class PlanCommandOptions(NamedTuple):
    """What becomes of the plan: a file, an exit code, and how much of it is shown."""

    out: Path | None
    detailed_exitcode: bool
    preflight: bool
    changed_since: str = ""
    policy_dir: Path | None = None
    policy_digest: str = ""
