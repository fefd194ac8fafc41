"""What a shell completes: environments, addresses, clients and codes. Offline; never fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import get_completion_class


def environments(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The environments of the project that begin with ``incomplete``."""
    from provisioner.manifests.project import environment_names, find_root

    return _fitting(lambda: environment_names(find_root(_folder(context))), incomplete)


def addresses(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The addresses, keys and names of declared resources."""

    def words() -> Iterable[str]:
        from provisioner.manifests.project import environment_names
        from provisioner.workflow.project import open_environment, open_project

        project = open_project(_folder(context))
        name = str(context.params.get("environment") or environment_names(project.root)[0])
        _, loaded = open_environment(project, name, (), lenient=True)
        for resource in loaded.resources:
            yield from (str(resource.address), resource.address.key)

    return _fitting(words, incomplete)


def clients(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The clients of ``connect``."""
    from provisioner.kinds import KINDS

    known = [kind.invocation.clients.names for kind in KINDS.values() if kind.invocation]
    return _fitting(lambda: (name for names in known for name in names), incomplete)


def codes(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The codes of errors, warnings and notes."""
    from provisioner.errors.codes import explanations

    return _fitting(explanations, incomplete.upper())


def _folder(context: click.Context) -> Path:
    given = context.params.get("project_dir") or context.find_root().params.get("project_dir")
    return given if isinstance(given, Path) else Path()


def _fitting(words: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    """Completion is pressed in the middle of writing: broken files complete to nothing."""
    from provisioner.errors import ProvisionerError

    try:
        return sorted({word for word in words() if word.startswith(incomplete)})
    except (ProvisionerError, OSError):
        return []


# provisioner completion: the script that completes commands in a shell.

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print a completion script for a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print a script that completes commands, options, environments and addresses.

    \b
    Examples:
      eval "$(provisioner completion bash)"                            # in ~/.bashrc
      eval "$(provisioner completion zsh)"                             # in ~/.zshrc
      provisioner completion fish > ~/.config/fish/completions/provisioner.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell
    root = context.find_root().command
    click.echo(kind(root, {}, "provisioner", "_PROVISIONER_COMPLETE").source())
    return 0
