"""Corrections of a mistyped command line: words of other tools, single dashes, near misses. Pure.

A word that destroys is never proposed because it is spelled like the one that was typed: a
person who types ``deploy`` must not be offered ``destroy``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import click

from provisioner.cli.completers import environments
from provisioner.errors.did_you_mean import closest

# Commands and options that delete, replace or take over: named in full, or not at all.
DESTRUCTIVE: Final = frozenset(
    {
        "destroy",
        "rollback",
        "--prune",
        "--allow-delete",
        "--allow-replace",
        "--allow-destructive",
        "--take-over-from",
        "--auto-approve",
    }
)

# What Terraform, Databricks bundles, kubectl, Pulumi and git call it -> what to type here.
COMMANDS: Final[Mapping[str, str]] = {
    "deploy": "`provisioner apply` deploys the manifests",
    "up": "`provisioner apply` deploys the manifests",
    "preview": "`provisioner plan` shows what would change",
    "dry-run": "`provisioner plan` shows what would change",
    "summary": "`provisioner status` lists the endpoints with state and address",
    "get": "`provisioner status` lists the endpoints",
    "list": "`provisioner status` lists the endpoints",
    "ls": "`provisioner status` lists the endpoints",
    "describe": "`provisioner status --select NAME` and `provisioner render` describe an endpoint",
    "output": "`provisioner status -o json` has names, states and addresses",
    "outputs": "`provisioner status -o json` has names, states and addresses",
    "run": "`provisioner query NAME --prompt TEXT` sends a request to an endpoint",
    "invoke": "`provisioner query NAME --prompt TEXT` sends a request to an endpoint",
    "ask": "`provisioner query NAME --prompt TEXT` sends a request to an endpoint",
    "test": "`provisioner verify` runs the checks of the manifests",
    "check": "`provisioner validate` checks files; `provisioner verify` queries live endpoints",
    "lint": "`provisioner validate` checks the manifests offline",
    "format": "`provisioner fmt` writes project files in one order and indentation",
    "refresh": "`provisioner drift` compares; `provisioner import --update` updates the manifests",
    "state": "there is no state file; `provisioner status` reads the live workspace",
    "taint": "`provisioner apply --redeploy ADDRESS` sends the config again",
    "untaint": "there is no state file, so nothing can be marked in it",
    "workspace": "an environment is a workspace: choose one with `-e NAME`",
    "env": "environments are the files environments/NAME.yaml: choose one with `-e NAME`",
    "stack": "an environment is a stack: choose one with `-e NAME`",
    "login": "`databricks auth login --host URL` logs in; `provisioner doctor` checks the login",
    "logout": "`databricks auth` manages logins; the tool stores none",
    "auth": "`databricks auth login --host URL` logs in; `provisioner doctor` checks the login",
    "unlock": "there is no lock: run the command again",
    "force-unlock": "there is no lock: run the command again",
    "providers": "no plugins are installed; `provisioner version` shows the version",
    "get-schema": "`provisioner schema` prints the JSON Schemas",
    "generate": "`provisioner import NAME` writes a manifest for a live endpoint",
    "bind": "`provisioner import NAME`, then `provisioner apply --adopt`",
    "unbind": "an entry `removed: {...: {delete: false}}` releases an endpoint without deleting it",
    "delete": "remove the manifest and add an entry under `removed:`, then `provisioner apply`",
    **dict.fromkeys(
        ("drop", "kill", "nuke", "prune", "purge", "teardown", "uninstall", "undeploy"),
        "remove the manifest and add an entry under `removed:`, then `provisioner apply`",
    ),
    "rm": "remove the manifest and add an entry under `removed:`, then `provisioner apply`",
    "remove": "remove the manifest and add an entry under `removed:`, then `provisioner apply`",
    "down": "remove the manifests and add entries under `removed:`, then `provisioner apply`",
    "create": "write a manifest (`provisioner init` starts a repository), then `provisioner apply`",
    "update": "change the manifest, then `provisioner apply`",
    "edit": "change the manifest, then `provisioner apply`",
    "new": "`provisioner init` starts a repository",
    "start": "`provisioner emulator start` starts the local workspace",
    "serve": "`provisioner emulator start` starts the local workspace",
    "local": "`provisioner emulator start` starts the local workspace",
    "console": "`provisioner emulator start` prints the address of the console",
    "metrics": "`provisioner status -v` shows metrics",
    "watch": "`provisioner status --watch` follows the endpoints",
    "wait": "`provisioner status --wait` waits until the endpoints are ready",
    "permissions": "write `permissions:` below the endpoint, then `provisioner apply`",
    "secrets": "declare the scope with `secrets:`, then `provisioner apply`",
    "release": "`provisioner pin` releases a version, `provisioner promote` passes it on",
    "undo": "`provisioner rollback NAME` goes back to the value released before",
    "log": "`provisioner history` shows releases, `provisioner logs NAME` the logs of an endpoint",
    "man": "`provisioner help COMMAND`, or `provisioner help --man` for the manual page",
    "bundle": "remove this word: `provisioner apply` deploys, `provisioner status` lists",
    "sync": "`provisioner apply` deploys the manifests",
    "scale": "change the size in the manifest, then `provisioner apply`",
    "restart": "`provisioner apply --redeploy ADDRESS` sends the config again",
    "events": "`provisioner logs NAME` shows the logs, `provisioner history` the releases",
    "top": "`provisioner status -v` shows metrics",
    "config": "`-e NAME` chooses the environment; `provisioner render` shows its resources",
    "cluster-info": "`provisioner doctor` checks the connection to the workspace",
    "api-resources": "`provisioner schema` prints the JSON Schemas of all kinds",
    "revert": "revert the commit in git, then `provisioner apply`",
    "reset": "`provisioner drift` shows what was changed by hand; `provisioner apply` sets it back",
    "clean": "there is no state file and no cache to clean",
    "replace": "`provisioner apply --redeploy ADDRESS` sends the config again",
    "patch": "change the manifest, then `provisioner apply`",
    "annotate": "write `tags:` below the endpoint, then `provisioner apply`",
    "label": "write `tags:` below the endpoint, then `provisioner apply`",
    "tag": "write `tags:` below the endpoint, then `provisioner apply`",
    "stop": "`scale_to_zero_enabled: true` lets a served entity scale to zero without requests",
    "exec": "`provisioner query NAME --prompt TEXT` sends a request to an endpoint",
    "port-forward": "`provisioner connect NAME --client curl` prints a program that calls it",
    "expose": "`provisioner connect NAME --client curl` prints a program that calls it",
    "deployment": "`provisioner import NAME`, then `provisioner apply --adopt`",
    "template": "`provisioner init --template NAME` starts with another endpoint",
    **dict.fromkeys(
        ("endpoint", "endpoints", "serving-endpoints"),
        "`provisioner status` lists the endpoints",
    ),
    "redeploy": "`provisioner apply --redeploy ADDRESS` sends the config again",
    **dict.fromkeys(
        ("retry", "rerun"), "run `provisioner apply` again: it sends only the missing calls"
    ),
    "cleanup": "there is no state file and no cache to clean",
    **dict.fromkeys(
        ("dump", "export"), "`provisioner import NAME` writes a manifest for a live endpoint"
    ),
    **dict.fromkeys(
        ("context", "ctx", "stacks", "use-context"), "`-e NAME` chooses the environment"
    ),
    **dict.fromkeys(
        ("configure", "current-user", "whoami"),
        "`databricks auth login --host URL` logs in; `provisioner doctor` checks the login",
    ),
    **dict.fromkeys(
        ("canary", "drain", "split", "traffic"),
        "change the routes in the manifest, or change them in steps: `provisioner rollout`",
    ),
    **dict.fromkeys(("autoscale", "set"), "change the manifest, then `provisioner apply`"),
    "options": "`provisioner help options` lists the options of every command",
    **dict.fromkeys(
        ("modules", "plugin", "plugins"),
        "no plugins are installed; `provisioner version` shows the version",
    ),
    **dict.fromkeys(
        ("debug", "health", "ping"), "`provisioner doctor` checks the connection to the workspace"
    ),
    **dict.fromkeys(
        ("call", "predict", "score", "send"),
        "`provisioner query NAME --prompt TEXT` sends a request to an endpoint",
    ),
    **dict.fromkeys(
        ("browse", "dashboard", "ui"), "`provisioner open NAME` opens the page of an endpoint"
    ),
    **dict.fromkeys(
        ("self-update", "upgrade"),
        "install a newer version of the tool; `provisioner version` shows the version",
    ),
}

# Command of a group of this tool -> words of other tools -> what to type here.
INNER_COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "rollout": {
        "undo": "`provisioner rollout back NAME` gives the traffic to the previous version",
        "abort": "`provisioner rollout back NAME` gives the traffic to the previous version",
        "pause": "`provisioner rollout hold NAME` stops at the current step",
        "resume": "`provisioner rollout go NAME` continues with the next step",
        "promote": "`provisioner rollout finish NAME` gives all traffic to the new version",
        "restart": "`provisioner apply --redeploy ADDRESS` sends the config again",
        "history": "`provisioner history` shows the releases",
        "list": "`provisioner rollout status` lists the rollouts",
    },
    "emulator": {
        "stop": "Ctrl-C ends `provisioner emulator start`",
        "status": "`provisioner doctor` checks the connection to the workspace",
        "run": "`provisioner emulator start` starts the local workspace",
    },
    "policy": {"check": "`provisioner validate` checks the manifests with the policies"},
}

# Names of other tools, which stand before their commands.
TOOLS: Final = frozenset({"bundle", "databricks", "kubectl", "pulumi", "terraform"})

# Options of other tools -> what to type here. "" in the second place: for every command.
OPTIONS: Final[Mapping[str, str]] = {
    "--dry-run": "`provisioner plan` shows what would change and changes nothing",
    "--dryrun": "`provisioner plan` shows what would change and changes nothing",
    "--what-if": "`provisioner plan` shows what would change and changes nothing",
    "--check": "`provisioner plan --detailed-exitcode` exits with 2 when changes are pending",
    "--refresh-only": "`provisioner drift` shows what differs from the manifests",
    "--refresh": "the live workspace is always read; there is no state file to refresh",
    "--lock": "there is no lock, and no state file to lock",
    "--lock-timeout": "there is no lock, and no state file to lock",
    "--state": "there is no state file",
    "--var-file": "variables are in environments/NAME.yaml; `--var NAME=VALUE` sets one",
    "--chdir": "`-C DIR` is the folder of the project",
    "--input": "without a terminal there is no prompt; `-y` approves",
    "--force": (
        "deletions and replacements need their own options; `provisioner apply --help` "
        "lists the options"
    ),
    "--auto-approve": "`-y` approves; deletions and replacements need their own options",
    "--replace": "`--redeploy ADDRESS` sends the config of an endpoint again",
    "--destroy": (
        "remove the manifests; `provisioner plan` then shows the resources without a manifest"
    ),
    "--target-file": "`--select RESOURCE` chooses resources",
    "--compact-warnings": "equal warnings are shown once",
    "--config": "`-C DIR` is the folder of the project",
    "--env": "`-e NAME` chooses the environment",
    "--stack": "`-e NAME` chooses the environment",
    "--namespace": "`-e NAME` chooses the environment",
    "--filename": "manifests are listed in environments/NAME.yaml under `manifests:`",
    "--wait": "`apply` waits until the endpoints are ready, unless `--no-wait` is given",
    "--format": "`-o json` prints JSON, `-o yaml` YAML",
    "--yaml": "`-o yaml` prints YAML",
    "--fix": "`provisioner fmt` writes files in one order and indentation",
    "--all": "without `--select`, the command includes every resource",
    "--include": "`--select RESOURCE` chooses resources",
    "--exclude": "`--select RESOURCE` chooses resources; globs are allowed",
    "--upgrade": "no plugins are installed; install a newer version of the tool",
    "--reconfigure": "there is no backend; `provisioner doctor` checks the connection",
    "--migrate-state": "there is no state file to migrate",
    "--backend-config": "there is no backend: the live workspace is the state",
    "--server-side": "`provisioner plan` compares the manifests with the workspace",
    "--type": "`provisioner help COMMAND` lists the options; resources cannot be selected by type",
    "--watch": "`provisioner status --watch` follows the endpoints",
    "--data": "`--file FILE` sends a JSON body; `--prompt TEXT` sends a question",
    "--strict": "an unknown field is always an error; `validate` exits with 1",
    "--json": "write `--json` without a value, or `-o json`",
    "-k": "there are no overlays: write `overrides:` into environments/NAME.yaml",
    "-f": "manifests are listed in environments/NAME.yaml under `manifests:`",
    "-n": "`-e NAME` chooses the environment",
    "-d": "`--file FILE` sends a JSON body; `--prompt TEXT` sends a question",
    "-w": "`provisioner status --watch` follows the endpoints",
    "--context": "`-e NAME` chooses the environment, `-p PROFILE` the login",
    **dict.fromkeys(("--force-lock", "--lock-file"), "there is no lock, and no state file to lock"),
    **dict.fromkeys(
        ("--cluster-id", "--compute-id", "--fail-on-active-runs"),
        "leave the option out: endpoints have no jobs and no clusters",
    ),
    **dict.fromkeys(
        ("-l", "--selector"), "`--select RESOURCE` chooses resources: key, address, name or glob"
    ),
    **dict.fromkeys(
        ("-R", "--recursive"),
        "patterns under `manifests:` in environments/NAME.yaml include subfolders with `**`",
    ),
    **dict.fromkeys(
        ("--cascade", "--delete", "--grace-period", "--purge", "--rm"),
        "remove the manifest and add an entry under `removed:`, then `provisioner apply`",
    ),
    **dict.fromkeys(
        ("--allow-all", "--approve", "--assume-yes", "--no-prompt", "--non-interactive"),
        "`-y` approves; deletions and replacements need their own options",
    ),
    **dict.fromkeys(
        ("--force-conflicts", "--overwrite"),
        "`apply` sets changed fields back to the manifests; `provisioner drift` shows them",
    ),
    "--validate": "`plan` and `apply` always check the manifests, as `provisioner validate` does",
    **dict.fromkeys(
        ("--cluster", "--kubeconfig"), "`-e NAME` chooses the environment, `-p PROFILE` the login"
    ),
    **dict.fromkeys(
        ("-A", "--all-namespaces"), "`-e NAME` chooses the environment; a command reads one"
    ),
    "--parallelism": "`provisioner apply --parallelism N` changes N resources at the same time",
    "--generate-config-out": "`provisioner import NAME` writes a manifest for a live endpoint",
    "--write": "`provisioner fmt --check` writes nothing",
    "--backend": "there is no backend: the live workspace is the state",
    "--from-module": "`provisioner init --template NAME` starts with another endpoint",
    "--backup": "there is no state file",
}

# With Terraform's single dash: `-target` would be read as `-t arget`.
_SINGLE_DASH: Final[Mapping[str, str]] = {
    "target": "write `--select RESOURCE`; `-t` and `--target` choose the environment",
}
_WORD: Final = re.compile(r"-(?P<word>[A-Za-z][A-Za-z0-9_-]+)(?P<value>=.*)?", re.DOTALL)


class Correction(NamedTuple):
    """What is wrong with the command line, and what to type instead ("" where unknown)."""

    message: str
    hint: str


def unknown_command(words: Sequence[str], known: Collection[str]) -> Correction:
    """The correction for ``words``, of which the first is a command that does not exist."""
    word, rest = words[0], words[1:]
    message = f"no such command `{word}`"
    if word.casefold() in TOOLS and rest and not rest[0].startswith("-"):
        if rest[0] not in known:
            return Correction(message, unknown_command(rest, known).hint)
        if rest[0] not in DESTRUCTIVE:
            return Correction(message, f"leave the word out: `provisioner {rest[0]}`")
    if word.casefold() in COMMANDS:
        return Correction(message, COMMANDS[word.casefold()])
    close = _close(word, known)
    hint = f"did you mean `{close}`?" if close else "`provisioner help` lists the commands"
    return Correction(message, hint)


def unknown_inner_command(group: str, word: str, known: Collection[str]) -> Correction:
    """The correction for a command that the group of commands ``group`` does not have."""
    hint = INNER_COMMANDS.get(group, {}).get(word.casefold(), "")
    close = _close(word, known)
    if not hint:
        also = f"did you mean `{close}`?" if close else ""
        hint = also or f"`provisioner help {group}` lists its commands"
    return Correction(f"`{group}` has no command `{word}`", hint)


def unknown_option(option: str, known: Collection[str], command: str) -> Correction:
    """The correction for an option that ``command`` does not have."""
    message = f"`{command}` has no option `{option}`"
    if option in OPTIONS:
        return Correction(message, OPTIONS[option])
    close = _close(option, known)
    return Correction(
        message,
        f"did you mean `{close}`?" if close else f"`provisioner help {command}` lists its options",
    )


def extra_argument(context: click.Context, word: str, command: str) -> Correction:
    """The correction for an argument that ``command`` does not take."""
    hint = f"`provisioner help {command}` lists its arguments and options"
    # An environment is typed like that by those who know `terraform workspace` or `pulumi up -s`.
    if word in environments(context, click.Option(["-e"]), ""):
        hint = f"write `provisioner {command} -e {word}`"
    return Correction(f"`{command}` takes no argument `{word}`", hint)


def single_dashes(words: Sequence[str], known: Collection[str], command: str) -> Correction | None:
    """The correction of the first long option written with one dash, as Terraform takes it.

    ``known`` are the options of ``command``. A cluster of short options (``-qy``) and a short
    option with its value (``-eprod``) are no such word, and stay.
    """
    for word in _before_separator(words):
        match = _WORD.fullmatch(word)
        if not match:
            continue
        name, value = match["word"].replace("_", "-"), match["value"] or ""
        if name in _SINGLE_DASH:
            return Correction(f"`{word}` is not an option", _SINGLE_DASH[name])
        if f"--{name}" in known:
            return Correction(f"`{word}` is not an option", f"write `--{name}{value}`")
        if f"--{name}" in OPTIONS:
            return Correction(f"`{command}` has no option `{word}`", OPTIONS[f"--{name}"])
    return None


def _before_separator(words: Sequence[str]) -> Iterable[str]:
    return words[: words.index("--")] if "--" in words else words


def _close(word: str, known: Collection[str]) -> str:
    """The known word that is spelled most like ``word``, unless that one destroys."""
    close = closest(word, known)
    return "" if close in DESTRUCTIVE else close
